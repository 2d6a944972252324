//! What a lockfile says about a package, held against what the registry says.
//!
//! The tarball that was judged is the registry's. What a client installs is what the lockfile names: where that may be another tarball, no
//! verdict about the registry's holds for it.

use npm_lockfile::{Entry, Place};
use npm_registry::Integrity;
use report::answer::Answer;
use report::json::PackageInfo;
use url::Url;
use verdict::{Finding, Severity};

use super::row::place_of;

/// The public registry, under both of its names: yarn's is another name of the same service.
const PUBLIC: [&str; 2] = ["registry.npmjs.org", "registry.yarnpkg.com"];

/// Most places of one package that are told one by one.
const MAX_TOLD: usize = 20;

/// What is to be said of a package's places, and the exit code that it makes.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) findings: Vec<Finding>,
    pub(crate) exit: u8,
}

/// Holds every place of a package against its answer.
pub(crate) fn hold(entry: &Entry, answer: &Answer, file: &str) -> Held {
    let mut held = Held::default();
    let Answer::Judged { report, .. } = answer else { return held };
    for place in &entry.places {
        for (finding, exit) in said(entry, place, &report.package, file) {
            if held.findings.len() < MAX_TOLD {
                held.findings.push(finding);
            }
            held.exit = verdict::merge_exit_codes([held.exit, exit]);
        }
    }
    held
}

/// The findings of one place, each with the exit code that it makes.
fn said(entry: &Entry, place: &Place, package: &PackageInfo, file: &str) -> Vec<(Finding, u8)> {
    let mut all = Vec::new();
    let same = same_tarball(place, package);
    if same == Some(false) {
        let (own, theirs) = (place.integrity.join(" "), package.integrity.as_deref().unwrap_or_default());
        let message = format!("the lockfile has {own} for {}, and the registry has {theirs}", entry.spec());
        all.push((Finding::new("lockfile-integrity-mismatch", Severity::Error, message), 1));
    }
    // A tarball with the registry's hash is the registry's, wherever it comes from.
    let (severity, exit) = if same == Some(true) { (Severity::Warning, 0) } else { (Severity::Error, 2) };
    if let Some(host) = place.host.as_deref().filter(|host| !is_registrys(host, package)) {
        let registrys = package.location.as_deref().and_then(host_of).unwrap_or_else(|| "another host".into());
        let message = format!("the lockfile has {} from {host}, and the registry has it from {registrys}", entry.spec());
        all.push((Finding::new("lockfile-other-host", severity, message), exit));
    } else if same != Some(true)
        && let Some(other) = other_file(entry, place, package)
    {
        let message = format!("the lockfile has {other} for {}, which is the tarball of something else", entry.spec());
        all.push((Finding::new("lockfile-other-tarball", severity, message), exit));
    }
    for (finding, _) in &mut all {
        finding.path = Some(place_of(file, place));
    }
    all
}

/// Whether the lockfile's hashes are those of the registry; `None` where there is none of the algorithm that the registry has.
fn same_tarball(place: &Place, package: &PackageInfo) -> Option<bool> {
    let theirs = Integrity::parse(package.integrity.as_deref()?)?;
    let own = Integrity::parse(&place.integrity.join(" "));
    match own {
        Some(own) if own.algorithm() == theirs.algorithm() => Some(own.text() == theirs.text()),
        Some(_) => None,
        // Hashes that no client can read are not the registry's.
        None if place.integrity.is_empty() => None,
        None => Some(false),
    }
}

/// Whether a host is one from which the registry's own tarballs come. Clients replace the public registry's by the one that is set.
fn is_registrys(host: &str, package: &PackageInfo) -> bool {
    PUBLIC.contains(&host) || package.location.as_deref().and_then(host_of).as_deref() == Some(host)
}

/// The host of an address, with its port if it has one.
fn host_of(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// The file of the lockfile's address, where it is that of another package or version than the registry's.
fn other_file(entry: &Entry, place: &Place, package: &PackageInfo) -> Option<String> {
    let file = |address: &str| Url::parse(address).ok()?.path_segments()?.next_back().map(str::to_owned);
    let own = file(place.resolved.as_deref()?)?;
    let another_name = place.name_in_address().is_some_and(|name| name != entry.name.as_str());
    let another_file = package.location.as_deref().and_then(file).is_some_and(|theirs| theirs != own);
    (another_name || another_file).then_some(own)
}
