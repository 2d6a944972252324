//! What a build asked for, and what it was made from.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

/// Most requests and names that are kept; a build that asks for more is counted on in `unrecorded`.
const MAX_KEPT: usize = 50_000;
/// Most other hosts that are kept.
const MAX_HOSTS: usize = 1_000;
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
    /// Whether the registry's times could not be true for at least one package, so that nothing of it was hidden.
    pub times_untrue: bool,
    /// When the newest of these came that an earlier moment could hide: not what a lockfile names, nor what has no time.
    pub newest: Option<Timestamp>,
    /// Packages that the registry does not have.
    pub missing: BTreeSet<String>,
    /// Other hosts that the build asked for and did not get.
    pub wanted: BTreeSet<String>,
}

/// The record while it is written.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Record>);

impl Recorder {
    pub(super) fn request(&self, request: Request) {
        self.with(|record| {
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

    pub(super) fn missing(&self, name: &str) {
        if name.len() <= LONGEST {
            self.with(|record| add(&mut record.missing, name.to_owned(), MAX_KEPT));
        }
    }

    pub(super) fn wanted(&self, host: &str) {
        self.with(|record| add(&mut record.wanted, shortened(host.to_owned()), MAX_HOSTS));
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
        self.with(|record| record.clone())
    }

    fn with<T>(&self, look: impl FnOnce(&mut Record) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether there is room for a text, which is in the set then.
fn add(set: &mut BTreeSet<String>, text: String, most: usize) -> bool {
    let has_room = set.len() < most || set.contains(&text);
    if has_room {
        set.insert(text);
    }
    has_room
}

fn shortened(mut text: String) -> String {
    let mut end = LONGEST;
    while !text.is_char_boundary(end.min(text.len())) {
        end -= 1;
    }
    text.truncate(end);
    text
}
