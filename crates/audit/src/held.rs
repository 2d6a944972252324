//! What a lockfile says about a package, held against what the registry says.
//!
//! The tarball that was judged is the registry's. What a client installs is what the lockfile
//! names. A verdict holds for a place only where that is known to be the same tarball: by a strong
//! hash that is the registry's, or because the place names nothing of its own and the client asks
//! the registry for exactly this version. All else is not known, and counts as not decided, or is a
//! contradiction.

use npm_lockfile::{Entry, Place};
use npm_registry::{Algorithm, Integrity};
use report::answer::Answer;
use report::json::PackageInfo;
use url::Url;
use verdict::{Finding, Severity};

use super::Plan;
use super::row::place_of;

/// Most places of one package that are told one by one.
const MAX_TOLD: usize = 20;

/// What is to be said of a package's places, and the exit code that it makes.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) findings: Vec<Finding>,
    pub(crate) exit: u8,
}

impl Held {
    fn add(&mut self, finding: Finding, exit: u8) {
        if self.findings.len() < MAX_TOLD {
            self.findings.push(finding);
        }
        self.exit = verdict::merge_exit_codes([self.exit, exit]);
    }
}

/// Holds every place of a package against its answer.
pub(crate) fn hold(entry: &Entry, answer: &Answer, (file, plan): (&str, &Plan)) -> Held {
    let mut held = Held::default();
    let Answer::Judged { report, .. } = answer else { return held };
    for place in &entry.places {
        for (mut finding, exit) in said(entry, place, &report.package, plan) {
            finding.path = Some(place_of(file, place));
            held.add(finding, exit);
        }
    }
    for (finding, exit) in plan.in_tree(entry, &report.package) {
        held.add(finding, exit);
    }
    held
}

/// What the hashes of a place say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hashes {
    /// There are none.
    None,
    /// A strong one is the registry's.
    Same,
    /// The strongest is another than the registry's.
    Other,
    /// None can be held against the registry's, or they are too weak.
    Weak,
}

/// The findings of one place, each with the exit code that it makes.
fn said(entry: &Entry, place: &Place, package: &PackageInfo, plan: &Plan) -> Vec<(Finding, u8)> {
    let mut all = Vec::new();
    let mut say = |finding, exit| all.push((finding, exit));
    let spec = entry.spec();
    let hashes = hashes(place, package);
    let (own, theirs) = (place.integrity.join(" "), package.integrity.as_deref().unwrap_or_default());
    match hashes {
        Hashes::Other => {
            let message = format!("the lockfile has {own} for {spec}, and the registry has {theirs}");
            say(Finding::new("lockfile-integrity-mismatch", Severity::Error, message), 1);
        }
        Hashes::Weak => {
            let message = format!("the lockfile has {own} for {spec}: it shares no strong hash with the registry ({theirs})");
            say(Finding::new("lockfile-integrity-weak", Severity::Error, message), 2);
        }
        Hashes::None | Hashes::Same => {}
    }
    if let Some(host) = place.host.as_deref().filter(|host| package.location.as_deref().and_then(host_of).as_deref() != Some(host)) {
        // A tarball with the registry's hash is the registry's, wherever it comes from.
        let (severity, exit) = if hashes == Hashes::Same { (Severity::Warning, 0) } else { (Severity::Error, 2) };
        if exit > 0 || !is_public(host) {
            let registrys = package.location.as_deref().and_then(host_of).unwrap_or_else(|| "another host".into());
            let message = format!("the lockfile takes {spec} from {host}, but the registry has it at {registrys}");
            say(Finding::new("lockfile-other-host", severity, message), exit);
        }
    } else if hashes != Hashes::Same
        && let Some(other) = other_tarball(entry, place, package)
    {
        let message = format!("{other} is not the registry's address of {spec}, and no hash shows that it is the same tarball");
        say(Finding::new("lockfile-other-tarball", Severity::Error, message), 2);
    }
    if let Some(file) = plan.registry_elsewhere.as_deref().filter(|_| hashes != Hashes::Same) {
        let message = format!("{file} sets the client's registries, and no hash shows that its tarball of {spec} is the same");
        say(Finding::new("lockfile-registry-unknown", Severity::Error, message), 2);
    }
    if let Some(asked) = &place.in_place_of {
        let message = format!("{spec} takes the place of {asked}: a range of that leads to it");
        say(Finding::new("lockfile-other-package", Severity::Error, message), 2);
    }
    for alias in place.aliases.iter().filter(|alias| !plan.asks(alias, entry.name.as_str())).take(MAX_TOLD) {
        let message = format!("{spec} replaces {}, but {} is not known to ask for that", alias.1, alias.0);
        say(Finding::new("lockfile-other-package", Severity::Error, message), 2);
    }
    all.extend(plan.misstated(&spec, place));
    let mut say = |finding, exit| all.push((finding, exit));
    if place.has_shrinkwrap {
        let message = format!("{spec} contains its own lockfile, and the packages in that are not checked");
        say(Finding::new("lockfile-shrinkwrap", Severity::Error, message), 2);
    }
    all
}

/// What the hashes of a place say. Every hash of the strongest kind must be the registry's: a
/// client takes any of them.
fn hashes(place: &Place, package: &PackageInfo) -> Hashes {
    if place.integrity.is_empty() {
        return Hashes::None;
    }
    // Hashes of kinds that nobody here knows say nothing for or against.
    let is_of_a_kind = |word: &String| ["sha1-", "sha256-", "sha384-", "sha512-"].iter().any(|kind| word.starts_with(kind));
    let Some(own) = Integrity::parse(&place.integrity.join(" ")) else {
        return if place.integrity.iter().any(is_of_a_kind) { Hashes::Other } else { Hashes::Weak };
    };
    let Some(theirs) = package.integrity.as_deref().and_then(Integrity::parse) else { return Hashes::Weak };
    let strongest = format!("{}-", own.algorithm().as_str());
    // A word of no kind that is known here may be the strongest one for a client.
    let is_known = |word: &String| ["sha1-", "sha256-", "sha384-", "sha512-", "md5-"].iter().any(|known| word.starts_with(known));
    let is_read = |word: &String| !word.starts_with(&strongest) || Integrity::parse(word).is_some();
    if own.algorithm() == theirs.algorithm() && (own.text() != theirs.text() || !place.integrity.iter().all(is_read)) {
        return Hashes::Other;
    }
    let is_strong = own.algorithm() != Algorithm::Sha1 && own.algorithm() == theirs.algorithm();
    if is_strong && place.integrity.iter().all(is_known) { Hashes::Same } else { Hashes::Weak }
}

/// Whether a host is the public registry's, under one of its names: yarn's is another name of the
/// same service.
fn is_public(host: &str) -> bool {
    ["registry.npmjs.org", "registry.yarnpkg.com"].contains(&host)
}

/// The host of an address, with its port if it has one.
fn host_of(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// Where a client gets the package from, if that is not known to be where the registry has it: the
/// address of the place, or, where it has none, the one that clients make of a registry, a name and
/// a version.
fn other_tarball(entry: &Entry, place: &Place, package: &PackageInfo) -> Option<String> {
    let theirs = package.location.as_deref().unwrap_or_default();
    match (&place.resolved, &place.host) {
        (Some(own), _) => (own != theirs || place.address_more.is_some()).then(|| own.clone()),
        // A registry whose address is not known to the end.
        (None, Some(host)) => Some(host.clone()),
        (None, None) => (!is_usual(entry, theirs)).then(|| "the usual address".to_owned()),
    }
}

/// Whether an address is the usual one of a package's version: `<registry>/@s/a/-/a-1.0.0.tgz`.
fn is_usual(entry: &Entry, address: &str) -> bool {
    let name = entry.name.as_str();
    let base = name.rsplit('/').next().unwrap_or(name);
    let plain = address.replace("%2f", "/").replace("%2F", "/").replace("%40", "@");
    plain.ends_with(&format!("/{name}/-/{base}-{}.tgz", entry.version))
}
