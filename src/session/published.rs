//! Whether the version that a registry has is the one that was published a moment ago.
//!
//! The client sends a package by settings of its own, and package.json can say another version than
//! the one that was sent: what the registry says of the time tells.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use npm_registry::{Packument, RegistryError};
use npm_spec::{Spec, Target, Wanted};
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::{Failed, boxed};

use super::setup::Setup;
use super::stopped::Stopped;
use super::{Stop, until_stopped};
use crate::options::Options;

/// By how much two clocks may differ that were compared: what `Date` leaves out, and how far the
/// machines of one registry are apart.
const COMPARED: Duration = Duration::from_secs(10);
/// By how much they may differ where the registry does not say its time, and how long a publish
/// takes where the system does not say when the client was started.
const UNKNOWN: Duration = Duration::from_secs(10 * 60);

/// A version that is there and is not the one that was published.
#[derive(Debug, thiserror::Error)]
#[error("{spec} in {registry} is not what was just published: {}", said(.time.as_deref()))]
struct NotJustPublished {
    spec: String,
    registry: String,
    /// When it was published, as the registry says.
    time: Option<String>,
}

fn said(time: Option<&str>) -> String {
    time.map_or_else(|| "the registry says no time for it".to_owned(), |time| format!("it was published on {time}"))
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

/// An error where the registry's version is not one that was published since the client was
/// started, `started_ago`; `None` where that is not known.
pub(crate) async fn just_published(
    word: &str,
    options: &Options,
    started_ago: Option<Duration>,
    cancelled: Arc<AtomicBool>,
) -> Result<(), Failed> {
    let stop = Stop::default();
    let look = async {
        if options.offline {
            return Err(boxed(Stopped::Offline));
        }
        let spec = Spec::parse(word).map_err(boxed)?;
        let Target::Registry { name, wanted: Wanted::Version(version), registry, .. } = spec.target() else {
            return Err(boxed(NotJustPublished { spec: word.to_owned(), registry: String::new(), time: None }));
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
        if time.as_deref().is_some_and(|time| is_since(time, &packument, started_ago, SystemTime::now())) {
            return Ok(());
        }
        Err(boxed(NotJustPublished { spec: word.to_owned(), registry: asked.to_string(), time }))
    };
    until_stopped(look, &stop, options, &cancelled).await
}

/// Whether a time of the registry's is not before the start of the client, and not to come.
fn is_since(time: &str, packument: &Packument, started_ago: Option<Duration>, here: SystemTime) -> bool {
    let Ok(time) = time.parse::<jiff::Timestamp>() else { return false };
    let time = SystemTime::from(time);
    let now = packument.served.unwrap_or(here);
    let apart = if packument.served.is_some() { COMPARED } else { UNKNOWN };
    let ago = started_ago.unwrap_or(UNKNOWN);
    let (first, last) = (now.checked_sub(ago + apart), now.checked_add(apart));
    first.is_some_and(|first| time >= first) && last.is_some_and(|last| time <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + second)
    }

    fn is_new(published: u64, served: Option<u64>, started_ago: Option<u64>, here: u64) -> bool {
        let packument = Packument { served: served.map(at), ..Packument::default() };
        is_since(&verdict::host::timestamp(at(published)), &packument, started_ago.map(Duration::from_secs), at(here))
    }

    #[test]
    fn what_was_published_since_the_client_was_started_is_new() {
        assert!(is_new(5000, Some(5001), Some(30), 5001));
        assert!(!is_new(4900, Some(5001), Some(30), 5001), "before it was started");
        assert!(is_new(3000, Some(5001), Some(2500), 5001), "a publish can take long");
        assert!(!is_new(6000, Some(5001), Some(30), 5001), "to come");
    }

    #[test]
    fn the_clock_of_the_registry_counts() {
        assert!(is_new(5000, Some(5001), Some(30), 9000));
        assert!(!is_new(8990, Some(9020), Some(15), 5001));
    }

    #[test]
    fn without_a_clock_or_a_start_ten_minutes_are_allowed() {
        assert!(is_new(4500, None, Some(30), 5001));
        assert!(!is_new(4300, None, Some(30), 5001));
        assert!(is_new(4500, Some(5001), None, 5001));
        assert!(!is_new(4300, Some(5001), None, 5001));
    }

    #[test]
    fn what_is_no_time_is_not_new() {
        assert!(!is_since("today", &Packument::default(), None, at(0)));
    }
}
