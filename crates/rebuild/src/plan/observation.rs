//! Facts that the registry or a build showed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// A fact. No advice, and no text of a stranger's but names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observation {
    /// Of the case: the registry's times may be those at which it first saw a version, and it has
    /// one for the publication.
    TimesAreFirstSeen,
    /// What was published came out.
    Reproduced,
    /// The build gave nothing to compare: it could not be begun, or failed before it made anything.
    NothingMade,
    /// No way to install came to its end.
    NotInstalled,
    /// Packages that the registry does not have, and that nothing stood in for.
    Missing(BTreeSet<String>),
    /// Packages in whose place others were installed, each with the version that was; `None` for an
    /// empty package.
    StoodIn(BTreeMap<String, Option<String>>),
    /// Hosts that were asked for and are not reached from the sandbox.
    HostsRefused(BTreeSet<String>),
    /// A step after the installation that did not end well; `exit` is `None` if a limit stopped it.
    StepFailed {
        /// The step's name.
        step: String,
        /// Its exit code.
        exit: Option<i32>,
    },
    /// A step after the installation that did not end well, and words in what was printed that it
    /// was for the variable `CI`.
    BlamesCi,
    /// A step after the installation that did not end well, and a TypeScript compiler that could
    /// not read the declarations of a dependency: they are written for a later one.
    CompilerOlderThanTypes,
    /// A step after the installation that did not end well, and a tool that found its data of
    /// browsers or Node's versions too old for today.
    DataTooOld,
    /// A limit of the machine stopped a step: memory, disk, processes or output.
    OverLimit,
    /// A step that was a guess was stopped, with time left for others.
    GuessStopped,
    /// The time for the package ran out.
    OutOfTime,
    /// When the newest of what was installed came that an earlier view of the registry could hide,
    /// in seconds since 1970.
    NewestDependency(i64),
    /// The registry's times could not be true.
    TimesUntrue,
    /// Nothing but dates differs from what was published.
    OnlyDatesDiffer,
    /// Nothing differs from what was published but an older version number in place of the judged
    /// one, and what follows from it.
    EarlierVersionDiffers(String),
    /// Programs that come neither with Node nor from the npm registry, that a step which failed
    /// asked for, and that are not there. Published files are missing, and none differs.
    ProgramsMissing(BTreeSet<String>),
    /// A step asked for a program that is not there, and all that is missing is what the compiler
    /// of a project in the source makes.
    CompilerMissing,
    /// Nothing is missing but files of the publisher's machine, which no build makes.
    OnlyLeftBehind,
}
