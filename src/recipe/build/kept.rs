//! A build's folders, kept for the next package of the same commit: one checkout and one installation serve them all.
//!
//! The folders of one commit and toolchain have one name in the cache, and one process at a time works in them. What was
//! run there is written down when a run has ended well; a folder without that note was left by a run that was killed, and is
//! made anew. A package goes on in the folders of another only where its own build would have come there too: with the same
//! installation, the same first scripts in the same order, the same versions in package.json, and nothing installed that its own
//! build is refused. So its answer does not depend on what was judged before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::beside::Beside;
use super::sweeper::Sweeper;
use crate::recipe::rebuilt::StepDone;
use crate::registry::version::same;
use crate::store::inventory::GONE;
use crate::store::{CacheError, FileLock, remove_tree};

/// The note about what was run.
pub(super) const NOTE: &str = "state.json";

/// What was run in a folder so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Whether an installation came to its end.
    pub(super) installed: bool,
    /// The registry is as it stood then: the publication for which the folder was made.
    pub(super) moment: Option<String>,
    /// The package.json that got another version than the commit's, and that version.
    pub(super) version: Option<(String, String)>,
    /// The commands that were run, in order, as the recipe has them.
    pub(super) steps: Vec<super::Step>,
    /// What came of them.
    pub(super) done: Vec<StepDone>,
    /// When the newest of what was installed came that an earlier moment could hide, in seconds since 1970.
    pub(super) newest: Option<i64>,
    /// What was installed.
    pub(super) resolved: BTreeSet<String>,
    /// Whether more was installed than is noted.
    pub(super) more_resolved: bool,
    /// What was asked for beside what was installed.
    #[serde(default)]
    pub(super) beside: Beside,
    /// Packages that the registry does not have.
    pub(super) missing: BTreeSet<String>,
    /// Packages in whose place others were installed, each with the version that was; none for an empty package.
    pub(super) stood_in: BTreeMap<String, Option<String>>,
    /// Hosts that were asked for in vain.
    pub(super) wanted: BTreeSet<String>,
    /// Whether the registry's times could not be true.
    pub(super) times_untrue: bool,
    /// What was printed.
    pub(super) log: String,
}

impl State {
    /// Whether the published files of this version may be in the folder: it was installed there, or something in place of another, or nobody knows.
    /// Not whether a copy of it was installed.
    pub(super) fn may_hold(&self, name: &str, version: &str, sha512: &str) -> bool {
        let is_own = |resolved: &String| {
            let (what, integrity) = resolved.split_once(' ').unwrap_or((resolved, ""));
            let own = what.rsplit_once('@').is_some_and(|(other, number)| other == name && same(number, version));
            own || integrity == sha512
        };
        // Of the near version that stood in for another nothing but the number is known.
        self.more_resolved || self.resolved.iter().any(is_own) || self.stood_in.values().any(Option::is_some)
    }

    /// Whether another package was installed in place of this one (`name` or `name@version`).
    pub(super) fn stands_in(&self, missing: &str) -> bool {
        self.stood_in.keys().any(|wanted| wanted.strip_prefix(missing).is_some_and(|rest| rest.is_empty() || rest.starts_with('@')))
    }
}

/// The folders of one build, for this process alone.
pub(super) struct Kept {
    dir: PathBuf,
    _lock: FileLock,
    /// Ends with the build.
    sweeper: Option<Sweeper>,
}

impl Kept {
    /// Takes the folders named `key` below `builds`, waiting for at most `wait` for another process that has them. With them
    /// comes what was run there, if they are as a run left them that ended well.
    pub(super) fn take(builds: &Path, key: &str, wait: Duration) -> Result<(Self, Option<State>), CacheError> {
        let lock = FileLock::acquire(&builds.join(format!("{key}.lock")), wait)?;
        let kept = Self { dir: builds.join(key), _lock: lock, sweeper: None };
        let note = kept.dir.join(NOTE);
        let state = fs::read(&note).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // From here on a run is at work: without the note whoever comes after a killed one starts anew.
        if note.exists() {
            fs::remove_file(&note).map_err(|error| CacheError::writing(&note, error))?;
        }
        Ok((kept, state))
    }

    /// The folder that holds the others.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Empties the folder, and has others removed that nobody needs while the build is at work.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        let name = self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let builds = self.dir.with_file_name("");
        if self.dir.exists() {
            // Removing some hundred thousand files takes longer than many a build.
            let aside = tempfile::Builder::new().prefix(GONE).tempdir_in(&builds)?.keep();
            fs::rename(&self.dir, aside.join(&name))?;
        }
        fs::create_dir_all(&self.dir)?;
        self.sweeper.get_or_insert_with(|| Sweeper::start(builds, name));
        Ok(())
    }

    /// Removes the folder: nobody comes back to it.
    pub(super) fn remove(self) -> io::Result<()> {
        remove_tree(&self.dir)
    }

    /// Notes what was run, so that the next package goes on from there.
    pub(super) fn keep(self, state: &State) -> io::Result<()> {
        let bytes = serde_json::to_vec(state)?;
        let new = self.dir.join("state.new");
        fs::write(&new, bytes)?;
        fs::rename(new, self.dir.join(NOTE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_run_is_known_to_the_next_and_not_after_a_kill() {
        let builds = tempfile::tempdir().unwrap();
        let (mut kept, state) = Kept::take(builds.path(), "a", Duration::ZERO).unwrap();
        assert!(state.is_none());
        kept.clear().unwrap();
        kept.keep(&State { installed: true, ..State::default() }).unwrap();
        let (kept, state) = Kept::take(builds.path(), "a", Duration::ZERO).unwrap();
        assert!(state.unwrap().installed);
        drop(kept);
        let (_kept, state) = Kept::take(builds.path(), "a", Duration::ZERO).unwrap();
        assert!(state.is_none(), "the run before did not end");
    }

    #[test]
    fn what_may_hold_the_judged_files_is_known_under_whatever_number_they_came() {
        let resolved = State { resolved: BTreeSet::from(["a@1.0.0 sha512-x".to_owned()]), ..State::default() };
        assert!(
            resolved.may_hold("a", "1.0.0", "sha512-judged")
                && !resolved.may_hold("a", "1.0", "sha512-judged")
                && !resolved.may_hold("b", "1.0.0", "sha512-judged")
        );
        let in_place = |near: Option<&str>| State {
            stood_in: BTreeMap::from([("@s/b@1.0.1".to_owned(), near.map(str::to_owned))]),
            ..State::default()
        };
        assert!(in_place(Some("1.0.0")).may_hold("@s/c", "1.0.0", "sha512-judged"));
        assert!(!in_place(None).may_hold("@s/b", "1.0.1", "sha512-judged"), "an empty package holds nothing");
        assert!(State { more_resolved: true, ..State::default() }.may_hold("a", "1.0.0", "sha512-judged"));
    }

    #[test]
    fn one_process_at_a_time_has_the_folders() {
        let builds = tempfile::tempdir().unwrap();
        let (_kept, _) = Kept::take(builds.path(), "a", Duration::ZERO).unwrap();
        assert!(Kept::take(builds.path(), "a", Duration::ZERO).is_err());
        assert!(Kept::take(builds.path(), "b", Duration::ZERO).is_ok());
    }
}
