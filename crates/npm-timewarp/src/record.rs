//! What a build asked for, and what it was made from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ledger::{GitNote, GitPackage};

/// Most requests and names that are kept; a build that asks for more is counted on in `unrecorded`.
const MAX_KEPT: usize = 50_000;
/// Most things asked for beside installations that are kept.
const MAX_ASKED: usize = 1_000;
/// Most other hosts that are kept.
const MAX_HOSTS: usize = 1_000;
/// Most users of this machine that are kept of those who were not answered.
const MAX_STRANGERS: usize = 20;
/// Longest name, version or host that is kept, in bytes; of a longer one its beginning.
const LONGEST: usize = 256;

/// What a request was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// All versions of a package.
    Packument,
    /// One version's manifest.
    Version,
    /// A tarball.
    Tarball,
    /// A tunnel to another host.
    Tunnel,
    /// Anything else.
    Other,
}

/// When something was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum During {
    /// While dependencies were installed.
    Install,
    /// While anything else was run.
    Script,
}

/// What an answer was about that is no part of what was installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// A package's or a version's metadata.
    Metadata,
    /// A tarball.
    Tarball,
    /// Any other path.
    Other,
}

/// Something that a build asked the registry for, besides what its installations took.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Asked {
    /// When.
    pub during: During,
    /// What it was about.
    pub what: What,
    /// `name`, `name@version`, or a path.
    pub name: String,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// What it was about.
    pub kind: Kind,
    /// The package, or the host of a tunnel; none where neither could be read.
    pub name: Option<String>,
    /// The version, tag or file that was asked for.
    pub version: Option<String>,
    /// The HTTP status of our answer.
    pub status: u16,
    /// How long the answer took to begin, in milliseconds.
    pub ms: u64,
    /// Why it was not given, as a stable code.
    pub refused: Option<&'static str>,
}

/// A dependency that was handed out from a git repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FromGit {
    /// What the dependency is called.
    pub name: String,
    /// The name in its own package.json, if there is one.
    pub own_name: Option<String>,
    /// The repository.
    pub url: String,
    /// The commit.
    pub commit: String,
    /// What a reader should know.
    pub notes: Vec<GitNote>,
}

/// Everything that was asked of one loopback registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Record {
    /// In the order of the answers.
    pub requests: Vec<Request>,
    /// How many further requests were answered and not kept.
    pub unrecorded: u64,
    /// `name@version sha512-…` of every tarball that was handed out: what the build was made from.
    pub tarballs: BTreeSet<String>,
    /// Whether more tarballs were handed out than are kept.
    pub tarballs_unrecorded: bool,
    /// What scripts asked for, and packages whose metadata an installation asked for and of which
    /// it took no tarball.
    pub asked: BTreeSet<Asked>,
    /// Whether more was asked for than is kept.
    pub asked_unrecorded: bool,
    /// Packages that were served from a registry of their scope's, or by the user's credentials.
    pub private: BTreeSet<String>,
    /// Packages that were not served for that, as the project names none of their scope.
    pub not_named: BTreeSet<String>,
    /// What was not asked for, as the build has private packages.
    pub kept_in: BTreeSet<String>,
    /// Packages (`name@version`) that were not served, as their tarball is the one that is judged,
    /// or has the same files.
    pub withheld: BTreeSet<String>,
    /// Published files that the commit does not have and a tarball has that was handed out: `path
    /// (name@version)`.
    pub copied: BTreeSet<String>,
    /// Whether the registry's times could not be true for at least one package, so that nothing of
    /// it was hidden.
    pub times_untrue: bool,
    /// When the newest of these came that an earlier moment could hide: not what a lockfile names,
    /// nor what has no time.
    pub newest: Option<Timestamp>,
    /// Packages (`name@version`) that were handed out and came after the publication of what is
    /// judged, each with its time.
    pub later: BTreeMap<String, Timestamp>,
    /// What was handed out of git repositories.
    pub repositories: BTreeSet<FromGit>,
    /// Dependencies on repositories that could not be had, with the reason: an empty package was
    /// handed out for each.
    pub repositories_lost: BTreeMap<String, String>,
    /// Packages that the registry does not have.
    pub missing: BTreeSet<String>,
    /// Other hosts that the build asked for and did not get.
    pub wanted: BTreeSet<String>,
    /// Who else connected, and was not answered.
    pub strangers: BTreeSet<String>,
}

/// The record while it is written.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    record: Mutex<Record>,
    /// Whether what runs now installs.
    installs: AtomicBool,
}

impl Recorder {
    /// What is asked from now on is asked by an installation, or by something else.
    pub(super) fn installing(&self, installs: bool) {
        self.installs.store(installs, Ordering::SeqCst);
    }

    /// What asks now.
    pub(super) fn during(&self) -> During {
        if self.installs.load(Ordering::SeqCst) { During::Install } else { During::Script }
    }

    pub(super) fn request(&self, request: Request, during: During) {
        let asked = asked(&request, during);
        self.with(|record| {
            if let Some(asked) = asked {
                record.asked_unrecorded |= !add(&mut record.asked, asked, MAX_KEPT);
            }
            if record.requests.len() < MAX_KEPT {
                let Request { name, version, .. } = request;
                let [name, version] = [name, version].map(|text| text.map(shortened));
                record.requests.push(Request { name, version, ..request });
            } else {
                record.unrecorded += 1;
            }
        });
    }

    pub(super) fn tarball(&self, name: &str, version: &str, sha512: &str, came: Option<Timestamp>) {
        self.with(|record| {
            record.tarballs_unrecorded |= !add(&mut record.tarballs, format!("{name}@{version} {sha512}"), MAX_KEPT);
            record.newest = record.newest.max(came);
        });
    }

    /// Notes that a package was handed out which came then, if that was after the publication.
    pub(super) fn later(&self, name: &str, version: &str, came: Option<Timestamp>) {
        let Some(came) = came else { return };
        self.with(|record| {
            if record.later.len() < MAX_KEPT {
                record.later.insert(format!("{name}@{version}"), came);
            }
        });
    }

    pub(super) fn missing(&self, name: &str) {
        if name.len() <= LONGEST {
            self.with(|record| add(&mut record.missing, name.to_owned(), MAX_KEPT));
        }
    }

    /// Notes what was handed out of a repository.
    pub(super) fn repository(&self, name: &str, package: &GitPackage, sha512: &str) {
        let own_name = package.name.clone().map(shortened);
        let (url, commit, notes) = (package.url.clone(), package.commit.clone(), package.notes.clone());
        self.tarball(name, &format!("git+{url}#{commit}"), sha512, None);
        self.with(|record| add(&mut record.repositories, FromGit { name: name.to_owned(), own_name, url, commit, notes }, MAX_KEPT));
    }

    pub(super) fn repository_lost(&self, name: &str, why: &str) {
        self.with(|record| {
            if record.repositories_lost.len() < MAX_ASKED {
                record.repositories_lost.insert(name.to_owned(), shortened(verdict::told_without_secrets(&in_one_line(why))));
            }
        });
    }

    pub(super) fn private(&self, name: &str) {
        self.with(|record| add(&mut record.private, name.to_owned(), MAX_KEPT));
    }

    pub(super) fn not_named(&self, name: &str) {
        self.with(|record| add(&mut record.not_named, name.to_owned(), MAX_KEPT));
    }

    pub(super) fn kept_in(&self, wanted: &str) {
        self.with(|record| add(&mut record.kept_in, shortened(wanted.to_owned()), MAX_HOSTS));
    }

    pub(super) fn withheld(&self, name: &str, version: &str) {
        self.with(|record| add(&mut record.withheld, format!("{name}@{version}"), MAX_KEPT));
    }

    pub(super) fn copied(&self, name: &str, version: &str, files: &[String]) {
        self.with(|record| {
            for file in files {
                add(&mut record.copied, copy(file, &format!("{name}@{version}")), MAX_KEPT);
            }
        });
    }

    pub(super) fn wanted(&self, host: &str) {
        self.with(|record| add(&mut record.wanted, shortened(host.to_owned()), MAX_HOSTS));
    }

    pub(super) fn stranger(&self, who: String) {
        self.with(|record| add(&mut record.strangers, shortened(who), MAX_STRANGERS));
    }

    /// Whether a package or version was asked for that the registry does not have.
    pub(super) fn lacked_something(&self) -> bool {
        self.with(|record| !record.missing.is_empty())
    }

    /// Packages and versions that the registry does not have.
    pub(super) fn all_missing(&self) -> BTreeSet<String> {
        self.with(|record| record.missing.clone())
    }

    /// Whether other hosts were asked for.
    pub(super) fn asked_elsewhere(&self) -> bool {
        self.with(|record| !record.wanted.is_empty())
    }

    /// Whether a package's metadata were asked for.
    pub(super) fn asked_for(&self, name: &str) -> bool {
        let asked = |request: &Request| matches!(request.kind, Kind::Packument | Kind::Version) && request.name.as_deref() == Some(name);
        self.with(|record| record.requests.iter().any(asked))
    }

    pub(super) fn times_untrue(&self) {
        self.with(|record| record.times_untrue = true);
    }

    pub(super) fn get(&self) -> Record {
        let mut record = self.with(|record| record.clone());
        let installed: BTreeSet<&str> = record.tarballs.iter().filter_map(|line| Some(line.rsplit_once('@')?.0)).collect();
        let name = |asked: &Asked| asked.name.char_indices().skip(1).find(|(_, c)| *c == '@').map_or(asked.name.len(), |(at, _)| at);
        let is_beside =
            |asked: &Asked| asked.during == During::Script || asked.name.get(..name(asked)).is_none_or(|name| !installed.contains(name));
        let beside: BTreeSet<Asked> = record.asked.iter().filter(|asked| is_beside(asked)).cloned().collect();
        record.asked_unrecorded |= beside.len() > MAX_ASKED || record.unrecorded > 0;
        // Scripts come last in the order, and are what matters most.
        let first = beside.len().saturating_sub(MAX_ASKED);
        record.asked = beside.into_iter().skip(first).collect();
        record
    }

    fn with<T>(&self, look: impl FnOnce(&mut Record) -> T) -> T {
        look(&mut self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file that is also in a package (`name@version`).
fn copy(file: &str, package: &str) -> String {
    format!("{file} ({package})")
}

/// Whether there is room for one more, which is in the set then.
fn add<T: Ord>(set: &mut BTreeSet<T>, one: T, most: usize) -> bool {
    let has_room = set.len() < most || set.contains(&one);
    if has_room {
        set.insert(one);
    }
    has_room
}

/// What of a request is no matter of course: all that is asked beside installations, and the
/// metadata that these ask for. Tunnels to other hosts are told by the hosts.
fn asked(request: &Request, during: During) -> Option<Asked> {
    let what = match request.kind {
        Kind::Packument | Kind::Version => What::Metadata,
        Kind::Tarball => What::Tarball,
        Kind::Other => What::Other,
        Kind::Tunnel => return None,
    };
    if during == During::Install && what != What::Metadata {
        return None;
    }
    let name = request.name.clone()?;
    let name = request.version.as_ref().map_or(name.clone(), |version| format!("{name}@{version}"));
    Some(Asked { during, what, name: shortened(name) })
}

/// A text of many lines, or with signs that a terminal obeys, as one line.
fn in_one_line(text: &str) -> String {
    let shown: String = text.chars().map(|c| if verdict::escape::is_unsafe(c) { ' ' } else { c }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(mut text: String) -> String {
    let mut end = LONGEST;
    while !text.is_char_boundary(end.min(text.len())) {
        end -= 1;
    }
    text.truncate(end);
    text
}
