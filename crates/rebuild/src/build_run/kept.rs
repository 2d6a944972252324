//! A build's folders, kept for the next package of the same commit: one checkout and one
//! installation serve them all.
//!
//! The folders have their name from all that a build in them can see
//! ([`World`](super::world::World)), and one process at a time works in them. What was run there is
//! written down when a run has ended well; a folder without that note was left by a run that was
//! killed, and is made anew. A package goes on in the folders of another only where its own build
//! would have come there too: in the same world, with the same installation and the same first
//! scripts in the same order, and with the same answers to all that these asked the registry for
//! ([`Heard`]). So its answer does not depend on what was judged before.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use npm_timewarp::Heard;
use recipe::StepDone;
use store::{CacheError, FileLock, GONE, remove_tree};

use super::sweeper::Sweeper;

/// The note about what was run.
pub(super) const NOTE: &str = "state.json";

/// What was run in a folder so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Whether an installation came to its end.
    pub(super) installed: bool,
    /// The commands that were run, in order, as the recipe has them.
    pub(super) steps: Vec<recipe::Step>,
    /// What came of them.
    pub(super) done: Vec<StepDone>,
    /// What they were told by the registry.
    pub(super) heard: Heard,
    /// What was printed.
    pub(super) log: String,
}

/// The folders of one build, for this process alone.
pub(super) struct Kept {
    dir: PathBuf,
    _lock: FileLock,
    /// Ends with the build.
    sweeper: Option<Sweeper>,
}

impl Kept {
    /// Takes the folders named `key` below `builds`, waiting for at most `wait` for another process
    /// that has them. With them comes what was run there, if they are as a run left them that ended
    /// well.
    pub(super) fn take(builds: &Path, key: &str, wait: Duration) -> Result<(Self, Option<State>), CacheError> {
        let lock = FileLock::acquire(&builds.join(format!("{key}.lock")), wait)?;
        let kept = Self { dir: builds.join(key), _lock: lock, sweeper: None };
        let note = kept.dir.join(NOTE);
        let state = fs::read(&note).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // From here on a run is at work: without the note whoever comes after a killed one starts
        // anew.
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
    fn one_process_at_a_time_has_the_folders() {
        let builds = tempfile::tempdir().unwrap();
        let (_kept, _) = Kept::take(builds.path(), "a", Duration::ZERO).unwrap();
        assert!(Kept::take(builds.path(), "a", Duration::ZERO).is_err());
        assert!(Kept::take(builds.path(), "b", Duration::ZERO).is_ok());
    }
}
