//! What stands in the way of a rebuild, one variant each, with what to do.

use serde::Serialize;

use verdict::Severity;

/// Something that keeps others from rebuilding what is about to be published, or that is worth a
/// look.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// `"private": true`: npm refuses to publish it.
    Private,
    /// package.json lacks a name or a version.
    Unnamed,
    /// The folder is in no git repository.
    NoRepository,
    /// Nothing was ever committed.
    NoCommit,
    /// package.json declares no repository.
    NotDeclared,
    /// The declared repository is nothing that strangers can fetch.
    NotUsable {
        /// Why.
        why: String,
    },
    /// The declared repository is none of the folder's remotes, and does not have the commit.
    OtherRepository {
        /// What package.json declares.
        declared: String,
        /// The remotes.
        remotes: Vec<String>,
    },
    /// `repository.directory` is not the package's folder.
    Directory {
        /// What package.json declares.
        declared: Option<String>,
        /// Where the package is.
        actual: String,
    },
    /// Tracked files differ from the commit.
    Changed {
        /// In the repository.
        paths: Vec<String>,
        /// Whether package.json is among them with another version.
        version: bool,
    },
    /// Tracked files are gone from the disk.
    Deleted {
        /// In the repository.
        paths: Vec<String>,
    },
    /// Files that would be published have another executable bit than in the commit.
    Mode {
        /// In the repository.
        paths: Vec<String>,
    },
    /// Files that would be published were never committed.
    NotCommitted {
        /// In the repository.
        paths: Vec<String>,
    },
    /// Files that would be published are ignored by git, and no build of the commit makes them.
    Ignored {
        /// In the package.
        paths: Vec<String>,
    },
    /// Files that would be published are kept by Git LFS.
    Pointers {
        /// In the repository.
        paths: Vec<String>,
    },
    /// Files have CRLF on disk and LF in the commit.
    LineEndings {
        /// In the repository.
        paths: Vec<String>,
    },
    /// The declared repository does not have the commit.
    NotPushed {
        /// The commit.
        commit: String,
        /// The repository that was asked.
        repository: String,
    },
    /// package.json names files that are not in the package.
    EntriesMissing {
        /// As package.json has them.
        paths: Vec<String>,
    },
    /// Scripts that a publish runs were not run.
    ScriptsNotRun {
        /// Their names.
        scripts: Vec<&'static str>,
    },
    /// A build installs dependencies and there is no lockfile in the commit.
    NoLockfile,
    /// The build writes the time.
    TimeStamp {
        /// In the package.
        paths: Vec<String>,
    },
    /// The build writes paths of this machine.
    LocalPath {
        /// In the package.
        paths: Vec<String>,
    },
    /// The rebuild gives other files.
    Differs {
        /// In the package.
        paths: Vec<String>,
        /// What the explanations say.
        why: Vec<String>,
    },
    /// No build of the commit came to an end.
    BuildFailed {
        /// The result's code.
        code: String,
    },
    /// It could not be decided.
    Undecided {
        /// The result's code.
        code: String,
        /// What the result says to do.
        hints: Vec<String>,
    },
}

/// A problem as it stands in JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// Stable, kebab-case.
    pub code: String,
    /// `error` stops a publish.
    pub severity: Severity,
    /// What is the matter.
    pub message: String,
    /// What to do.
    pub todo: String,
    /// The files that it is about.
    pub paths: Vec<String>,
}

impl Problem {
    /// The stable, kebab-case name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Private => "local-private",
            Self::Unnamed => "local-unnamed",
            Self::NoRepository => "local-no-git",
            Self::NoCommit => "local-no-commit",
            Self::NotDeclared => "local-not-declared",
            Self::NotUsable { .. } => "local-repository-unusable",
            Self::OtherRepository { .. } => "local-other-repository",
            Self::Directory { .. } => "local-directory",
            Self::Changed { .. } => "local-changed",
            Self::Deleted { .. } => "local-deleted",
            Self::Mode { .. } => "local-mode",
            Self::NotCommitted { .. } => "local-not-committed",
            Self::Ignored { .. } => "local-ignored",
            Self::Pointers { .. } => "local-lfs",
            Self::LineEndings { .. } => "local-line-endings",
            Self::NotPushed { .. } => "local-not-pushed",
            Self::EntriesMissing { .. } => "local-entry-missing",
            Self::ScriptsNotRun { .. } => "local-scripts-not-run",
            Self::NoLockfile => "local-no-lockfile",
            Self::TimeStamp { .. } => "local-time-stamp",
            Self::LocalPath { .. } => "local-machine-path",
            Self::Differs { .. } => "local-differs",
            Self::BuildFailed { .. } => "local-build-failed",
            Self::Undecided { .. } => "local-undecided",
        }
    }

    /// Whether it stops a publish.
    pub fn severity(&self) -> Severity {
        match self {
            Self::LineEndings { .. }
            | Self::EntriesMissing { .. }
            | Self::ScriptsNotRun { .. }
            | Self::NoLockfile
            | Self::Undecided { .. }
            // The package is found by its name too.
            | Self::Directory { declared: None, .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What is the matter, on one line.
    pub fn message(&self) -> String {
        match self {
            Self::Private => "package.json says \"private\": true, and no client publishes that".into(),
            Self::Unnamed => "package.json has no name or no version".into(),
            Self::NoRepository => "the folder is not in a git repository".into(),
            Self::NoCommit => "nothing is committed in this repository".into(),
            Self::NotDeclared => "package.json declares no repository".into(),
            Self::NotUsable { why } => format!("others cannot fetch the repository in package.json: {why}"),
            Self::OtherRepository { declared, remotes } => {
                format!("the commit is not in {declared}, which package.json declares; this checkout is from {}", remotes.join(", "))
            }
            Self::Directory { declared: Some(declared), actual } => {
                format!("repository.directory of package.json is {declared}, but the package is in {}", shown(actual))
            }
            Self::Directory { declared: None, actual } => format!("package.json does not say that the package is in {}", shown(actual)),
            Self::Changed { version: true, .. } => "files differ from the commit; package.json has another version there".into(),
            Self::Changed { .. } => "files differ from the commit".into(),
            Self::Deleted { .. } => "files of the commit are missing".into(),
            Self::Mode { .. } => "files are executable here but not in the commit, or the reverse".into(),
            Self::NotCommitted { .. } => "files that would be published are not in the commit".into(),
            Self::Ignored { .. } => {
                "files that would be published are ignored by git, and building the commit makes other ones or none".into()
            }
            Self::Pointers { .. } => "files that would be published are in Git LFS: the commit itself does not have them".into(),
            Self::LineEndings { .. } => "files have CRLF line endings here and LF in the commit".into(),
            Self::NotPushed { commit, repository } => format!("the commit {} is on no branch or tag of {repository}", short(commit)),
            Self::EntriesMissing { .. } => "package.json names files that the package does not have".into(),
            Self::ScriptsNotRun { scripts } => format!("a publish runs the scripts {}, but they were not run", scripts.join(", ")),
            Self::NoLockfile => "a build installs dependencies, but the commit has no lockfile".into(),
            Self::TimeStamp { .. } => "the build writes the time into files".into(),
            Self::LocalPath { .. } => "the build writes paths of this machine into files".into(),
            Self::Differs { why, .. } if why.is_empty() => "rebuilding the commit gives other files".into(),
            Self::Differs { why, .. } => format!("rebuilding the commit gives other files: {}", why.join(", ")),
            Self::BuildFailed { code } => format!("no build of the commit finished ({code})"),
            Self::Undecided { code, .. } => format!("whether it can be rebuilt was not decided ({code})"),
        }
    }

    /// What to do, on one line.
    pub fn todo(&self) -> String {
        match self {
            Self::Private => "remove `private` if it is to be published".into(),
            Self::Unnamed => "set `name` and `version`".into(),
            Self::NoRepository => "publish from a clone of the repository".into(),
            Self::NoCommit => "commit the package's files and push them".into(),
            Self::NotDeclared => "set `repository` to { \"type\": \"git\", \"url\": \"git+https://…\" }".into(),
            Self::NotUsable { .. } => "set `repository` to the https address of a public git repository".into(),
            Self::OtherRepository { .. } => "set `repository` to the one that you push to, or push the commit to the declared one".into(),
            Self::Directory { actual, .. } if actual.is_empty() => "take `repository.directory` away".into(),
            Self::Directory { actual, .. } => format!("set `repository.directory` to \"{actual}\""),
            Self::Changed { version: true, .. } => "commit the new version (`npm version` does), then push".into(),
            Self::Changed { .. } => "commit the changes and push, or undo them: git stash".into(),
            Self::Deleted { .. } => "restore them with git checkout, or commit their removal".into(),
            Self::Mode { .. } => "commit the mode: git update-index --chmod=+x <file>, or -x".into(),
            Self::NotCommitted { .. } => "commit them, or exclude them from the package with `files` in package.json".into(),
            Self::Ignored { .. } => {
                "make them in a `prepack` or `build` script of the commit, remove old output first, or exclude them with `files`".into()
            }
            Self::Pointers { .. } => "keep published files in git itself, or make them in a build".into(),
            Self::LineEndings { .. } => "put `* text=auto eol=lf` into .gitattributes and check the files out again".into(),
            Self::NotPushed { .. } => "git push, with the tag of the version: git push --follow-tags".into(),
            Self::EntriesMissing { .. } => {
                "build before the publish, or correct `main`, `exports`, `bin` or `types` in package.json".into()
            }
            Self::ScriptsNotRun { .. } => "run this as a `prepublishOnly` script, or run them before".into(),
            Self::NoLockfile => "commit package-lock.json, yarn.lock or pnpm-lock.yaml".into(),
            Self::TimeStamp { .. } => "remove the time, or take it from SOURCE_DATE_EPOCH or the commit".into(),
            Self::LocalPath { .. } => "let the build write paths relative to the package".into(),
            Self::Differs { .. } => {
                "build again in a fresh clone (npm ci, then the build) and compare; --diff shows the differences".into()
            }
            Self::BuildFailed { .. } => "read the build's output with --log, and try the build in a fresh clone".into(),
            Self::Undecided { hints, .. } => hints.first().cloned().unwrap_or_else(|| "read the result with --json".into()),
        }
    }

    /// The files that it is about.
    pub fn paths(&self) -> &[String] {
        match self {
            Self::Changed { paths, .. }
            | Self::Deleted { paths }
            | Self::Mode { paths }
            | Self::NotCommitted { paths }
            | Self::Ignored { paths }
            | Self::EntriesMissing { paths }
            | Self::Pointers { paths }
            | Self::LineEndings { paths }
            | Self::TimeStamp { paths }
            | Self::LocalPath { paths }
            | Self::Differs { paths, .. } => paths,
            _ => &[],
        }
    }

    /// As it stands in JSON.
    pub fn shown(&self) -> Shown {
        Shown {
            code: self.code().to_owned(),
            severity: self.severity(),
            message: self.message(),
            todo: self.todo(),
            paths: self.paths().to_vec(),
        }
    }
}

fn shown(directory: &str) -> &str {
    if directory.is_empty() { "the repository's root" } else { directory }
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
