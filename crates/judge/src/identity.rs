//! What the registry says of a package, held against the tarball.

use serde_json::Value;

use npm_registry::{Integrity, Release, confusion};
use npm_spec::Spec;
use rebuild::Published;
use report::json::PackageInfo;
use verdict::{Ending, Verdict, without_secrets};

use crate::draft::Draft;

/// The tarball must be of the package and version that the registry serves it for. Where the
/// registry asks an installer for other than the tarball says, nothing that is rebuilt is the whole
/// of what was published.
pub(crate) fn check_manifest(release: &Release, published: &mut Published, manifest: &Value, draft: &mut Draft) -> Result<(), Box<Ending>> {
    if !manifest.is_object() {
        let code = published.facts.not_plain.unwrap_or("manifest-missing");
        let message = "the tarball has no readable package.json";
        return Err(Ending::new(Verdict::Differs, code, message, "npm cannot install such a tarball"));
    }
    let Some(registry) = &release.manifest else { return Ok(()) };
    if !confusion::same_identity(registry, manifest) {
        let message = "the tarball's package.json names another package or version than the registry";
        let hint = "the publisher put another package's tarball under this name";
        return Err(Ending::new(Verdict::Differs, "manifest-mismatch", message, hint));
    }
    let paths: Vec<&str> = published.archive.entries().iter().map(|entry| entry.path.as_str()).collect();
    let disagreements = confusion::disagreements(registry, confusion::Inside { manifest, paths: &paths });
    draft.findings(confusion::findings(&disagreements));
    published.facts.manifest_mismatch = disagreements.iter().any(|one| one.weighs);
    Ok(())
}

/// The tarball must be the one whose hash the user has, from an SBOM or a lockfile.
pub(crate) fn check_checksums(spec: &Spec, published: &Published) -> Result<(), Box<Ending>> {
    for stated in spec.checksums() {
        let differs = |actual: String| {
            let message = format!("the package URL states {}:{}, and the tarball has {actual}", stated.algorithm, stated.hex);
            Ending::new(Verdict::Differs, "checksum-mismatch", message, "another tarball was meant: find out where the package URL is from")
        };
        let Some(wanted) = Integrity::from_checksum(stated) else { return Err(differs("no hash of that algorithm".to_owned())) };
        if let Some(actual) = wanted.mismatch_of(&published.bytes) {
            return Err(differs(actual));
        }
    }
    Ok(())
}

/// The package, as far as the registry names it.
pub(crate) fn package_info(spec: &Spec, release: &Release) -> PackageInfo {
    PackageInfo {
        spec: npm_spec::shown(spec),
        name: release.name.clone(),
        version: release.version.clone(),
        location: Some(without_secrets(&release.location)),
        integrity: release.promised().map(|promised| promised.text()),
    }
}
