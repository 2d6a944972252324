//! Whether the version that a registry has is the one that was published a moment ago.
//!
//! The client sends a package by settings of its own, and package.json can say another version than
//! the one that was sent: what the registry says of the time tells.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use npm_registry::{Packument, RegistryError};
use npm_spec::{Spec, Target, Wanted};
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::{Failed, boxed, internal};

use super::setup::Setup;
use super::stopped::Stopped;
use super::{Stop, until_stopped};
use crate::local::Client;
use crate::options::Options;

/// By how much two clocks may differ that were compared: how far the machines of one registry are
/// apart. Within it a time alone proves nothing.
const COMPARED: Duration = Duration::from_secs(10);
/// What `Date` leaves out.
const LEFT_OUT: Duration = Duration::from_secs(1);
/// By how much they may differ where the registry does not say its time, and how long a publish
/// takes where the system does not say when the client was started.
const UNKNOWN: Duration = Duration::from_secs(10 * 60);

/// A publish that has just ended.
#[derive(Debug, Clone)]
pub(crate) struct Publishing {
    /// How long ago the client was started; `None` where that is not known.
    pub(crate) started_ago: Option<Duration>,
    /// The package's folder.
    pub(crate) folder: PathBuf,
    /// The client.
    pub(crate) client: Client,
}

/// A version that is there and is not the one that was published.
#[derive(Debug, thiserror::Error)]
#[error("{spec} in {registry} is not what was just published: {}", said(.time.as_deref(), .other.as_deref()))]
struct NotJustPublished {
    spec: String,
    registry: String,
    /// When it was published, as the registry says.
    time: Option<String>,
    /// Why it is not what the folder has, where the time alone proves nothing.
    other: Option<String>,
}

fn said(time: Option<&str>, other: Option<&str>) -> String {
    let time = time.map_or_else(|| "the registry says no time for it".to_owned(), |time| format!("it was published on {time}"));
    other.map_or_else(|| time.clone(), |other| format!("{time}, which may be before the client was started, and {other}"))
}

impl Diagnostic for NotJustPublished {
    fn code(&self) -> &'static str {
        "not-just-published"
    }

    fn stage(&self) -> Stage {
        Stage::Resolve
    }

    fn hint(&self) -> Option<String> {
        Some(format!(
            "name the registry that it was sent to with --registry, and the version: reproduce {} --registry <url>; a dry run publishes nothing",
            self.spec
        ))
    }
}

/// An error where the registry's version is not the one of this publish: it was published before
/// the client was started; or the clocks do not tell, and it is not what the client packs of the
/// folder.
pub(crate) async fn just_published(
    word: &str,
    options: &Options,
    publishing: Publishing,
    cancelled: Arc<AtomicBool>,
) -> Result<(), Failed> {
    let stop = Stop::default();
    let look = async {
        if options.offline {
            return Err(boxed(Stopped::Offline));
        }
        let spec = Spec::parse(word).map_err(boxed)?;
        let Target::Registry { name, wanted: Wanted::Version(version), registry, .. } = spec.target() else {
            return Err(boxed(NotJustPublished { spec: word.to_owned(), registry: String::new(), time: None, other: None }));
        };
        let setup = Setup::read(options)?;
        let asked = registry.clone().unwrap_or_else(|| setup.npm.registry_for(name.as_str()));
        let packument =
            npm_registry::history(name, Some(&asked), &setup.npm, &setup.client(), &setup.resolving(&stop)).await.map_err(boxed)?;
        if !packument.versions.iter().any(|entry| entry.version == *version) {
            let latest = packument.dist_tags.get("latest").cloned();
            return Err(boxed(RegistryError::NoMatchingVersion { name: name.to_string(), wanted: version.clone(), latest }));
        }
        let time = packument.times.get(version.as_str()).cloned();
        let since = time.as_deref().map_or(Since::No, |time| since(time, &packument, publishing.started_ago, SystemTime::now()));
        Ok((since, NotJustPublished { spec: word.to_owned(), registry: asked.to_string(), time, other: None }))
    };
    match until_stopped(look, &stop, options, &cancelled).await? {
        (Since::Yes, _) => Ok(()),
        (Since::No, refused) => Err(boxed(refused)),
        (Since::Perhaps, refused) => match other_than_packed(word, options, publishing, cancelled).await? {
            None => Ok(()),
            Some(other) => Err(boxed(NotJustPublished { other: Some(other), ..refused })),
        },
    }
}

/// How the registry's tarball differs from what the client packs of the folder; `None` where it
/// does not.
async fn other_than_packed(
    word: &str,
    options: &Options,
    publishing: Publishing,
    cancelled: Arc<AtomicBool>,
) -> Result<Option<String>, Failed> {
    let Publishing { folder, client, .. } = publishing;
    let fetched = super::fetch_one(word, options, Arc::clone(&cancelled)).await?;
    let mut served = Vec::new();
    fetched.tarball.bytes.open().read_to_end(&mut served).map_err(|error| boxed(RegistryError::Disk(error.to_string())))?;
    let limit = options.limit().map_err(boxed)?;
    let compared = tokio::task::spawn_blocking(move || crate::local::other_than_packed(&folder, &client, &served, limit, cancelled));
    compared.await.map_err(internal)
}

/// Whether a version was published since the client was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Yes,
    /// The clocks do not tell.
    Perhaps,
    No,
}

/// Whether a time of the registry's is not before the start of the client, and not to come.
fn since(time: &str, packument: &Packument, started_ago: Option<Duration>, here: SystemTime) -> Since {
    let Ok(time) = time.parse::<jiff::Timestamp>() else { return Since::No };
    let time = SystemTime::from(time);
    let now = packument.served.unwrap_or(here);
    let apart = if packument.served.is_some() { COMPARED } else { UNKNOWN };
    let ago = started_ago.unwrap_or(UNKNOWN);
    let is_from = |first: Option<SystemTime>| first.is_some_and(|first| time >= first);
    if !is_from(now.checked_sub(ago + apart)) || now.checked_add(apart).is_none_or(|last| time > last) {
        return Since::No;
    }
    // `Date` has no parts of a second: the start may have been that much later.
    let is_known = packument.served.is_some() && started_ago.is_some();
    if is_known && is_from(now.checked_sub(ago).and_then(|start| start.checked_add(LEFT_OUT))) { Since::Yes } else { Since::Perhaps }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + second)
    }

    fn is_new(published: u64, served: Option<u64>, started_ago: Option<u64>, here: u64) -> Since {
        let packument = Packument { served: served.map(at), ..Packument::default() };
        since(&verdict::host::timestamp(at(published)), &packument, started_ago.map(Duration::from_secs), at(here))
    }

    #[test]
    fn what_was_published_since_the_client_was_started_is_new() {
        assert_eq!(is_new(5000, Some(5001), Some(30), 5001), Since::Yes);
        assert_eq!(is_new(4900, Some(5001), Some(30), 5001), Since::No, "before it was started");
        assert_eq!(is_new(3000, Some(5001), Some(2500), 5001), Since::Yes, "a publish can take long");
        assert_eq!(is_new(6000, Some(5001), Some(30), 5001), Since::No, "to come");
    }

    #[test]
    fn a_time_just_before_the_start_proves_nothing() {
        assert_eq!(is_new(4972, Some(5001), Some(30), 5001), Since::Yes);
        assert_eq!(is_new(4971, Some(5001), Some(30), 5001), Since::Perhaps, "a part of a second is left out");
        assert_eq!(is_new(4961, Some(5001), Some(30), 5001), Since::Perhaps);
        assert_eq!(is_new(4960, Some(5001), Some(30), 5001), Since::No);
    }

    #[test]
    fn the_clock_of_the_registry_counts() {
        assert_eq!(is_new(5000, Some(5001), Some(30), 9000), Since::Yes);
        assert_eq!(is_new(8990, Some(9020), Some(15), 5001), Since::No);
    }

    #[test]
    fn without_a_clock_or_a_start_no_time_proves_anything() {
        assert_eq!(is_new(4500, None, Some(30), 5001), Since::Perhaps);
        assert_eq!(is_new(4300, None, Some(30), 5001), Since::No);
        assert_eq!(is_new(4500, Some(5001), None, 5001), Since::Perhaps);
        assert_eq!(is_new(4300, Some(5001), None, 5001), Since::No);
    }

    #[test]
    fn what_is_no_time_is_not_new() {
        assert_eq!(since("today", &Packument::default(), None, at(0)), Since::No);
    }
}
