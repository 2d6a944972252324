//! Why a recipe did not come to an end.

use std::io;

use git::GitError;
use git::attributes::TooComplex;
use isolation::SandboxError;
use npm_pack::list::ListError;
use npm_pack::tar::TarError;
use npm_pack::{gzip, list};
use npm_registry::RegistryError;
use npm_timewarp::TimewarpError;
use npm_toolchain::ToolchainError;
use store::CacheError;
use verdict::diagnostic::{Diagnostic, Stage};

use super::rebuilt::Limit;

/// What to do about a refusal of this machine's sandbox.
pub const STRONGER_SANDBOX: &str =
    "run it where user namespaces or bubblewrap work (--isolation namespaces, --isolation bwrap): builds have a network of their own there";
/// What to do about a limit of the machine's.
pub const MORE_MACHINE: &str = "read the build's output with --log; a machine with more memory or disk may succeed";

/// Why a recipe did not come to an end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Getting objects failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The client would refuse to pack this folder.
    #[error(transparent)]
    List(#[from] list::ListError),
    /// What a checkout writes would take too much work to tell.
    #[error(transparent)]
    Attributes(#[from] TooComplex),
    /// Writing the tarball failed.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// Compressing it failed.
    #[error(transparent)]
    Gzip(#[from] gzip::GzipError),
    /// The rebuilt archive could not be read back.
    #[error(transparent)]
    Archive(#[from] npm_tarball::ArchiveError),
    /// The commit's files pass the bounds that a published archive has too.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// A file of the package, or the package.
        what: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// A file that the build left cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Its path in the package's folder.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// No toolchain for the build could be had.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// The missing files are native programs, whose compiler no npm registry has.
    #[error("{program} is a native program that is not in the source; it needs {tool} ({path}), which no npm registry has")]
    NativeToolchain {
        /// The toolchain, with its version where the source says one.
        tool: String,
        /// The file of the source that says so.
        path: String,
        /// One of the programs.
        program: String,
    },
    /// When the version was published cannot be asked.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The registry for builds cannot be served.
    #[error(transparent)]
    Timewarp(#[from] TimewarpError),
    /// Builds cannot be isolated on this machine.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The folder for builds cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// What was built is no package.
    #[error("the build's output is not a package")]
    NothingBuilt,
    /// A step removed the checkout, or put something else in its place.
    #[error("after {step} the checkout is no longer a folder")]
    CheckoutGone {
        /// The step's name.
        step: String,
    },
    /// What is missing is of the publisher's machine, and no build makes it.
    #[error("no build makes {path}, which {what} left: none was tried for it")]
    LeftBehind {
        /// The first of the files.
        path: String,
        /// What left it.
        what: &'static str,
    },
    /// An installation left metadata of the registry where the build cannot remove them.
    #[error("registry metadata that an installation kept cannot be removed")]
    MetadataKept,
    /// A recipe names what cannot be done with these files.
    #[error("{what} cannot be done with what the commit has")]
    Impossible {
        /// The rewrite or packer.
        what: String,
    },
    /// The build met a limit before its end.
    #[error("{}", match .0 {
        Limit::Time => "the time ran out before all steps were run",
        Limit::Machine => "the build needs more than allowed",
        Limit::Sandbox => "the build failed where the sandbox refused what a stronger one allows",
    })]
    Cut(Limit),
    /// The system failed.
    #[error("a file cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A build could make the published files, and none was to be tried yet.
    #[error("a build is needed, and was put off")]
    BuildPutOff,
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl SourceError {
    /// A file of the package's folder that cannot be read.
    pub(super) fn unreadable(path: &str, source: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), source }
    }

    /// Whether this machine or its user ended the work; everything else is the repository's doing,
    /// and another recipe or another commit may still come to an end.
    pub fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Git(GitError::Cancelled | GitError::Cache { .. })
                | Self::Tar(TarError::Output(_))
                | Self::Gzip(_)
                | Self::Cache(_)
                | Self::Registry(_)
                | Self::Timewarp(_)
                | Self::Io(_)
                | Self::Cancelled
        )
    }
}

impl Diagnostic for SourceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Git(error) => error.code(),
            Self::List(error) => error.code(),
            Self::Attributes(_) => "rules-too-complex",
            Self::Tar(error) => error.code(),
            Self::Gzip(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::TooLarge { .. } => "package-too-large",
            Self::Unreadable { .. } => "built-file-unreadable",
            Self::Toolchain(error) => error.code(),
            Self::NativeToolchain { .. } => "native-toolchain-needed",
            Self::LeftBehind { .. } => "made-by-no-build",
            Self::Sandbox(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Timewarp(error) => error.code(),
            Self::Cache(error) => error.code(),
            Self::NothingBuilt => "nothing-built",
            Self::CheckoutGone { .. } => "checkout-gone",
            Self::MetadataKept => "metadata-kept",
            Self::Impossible { .. } => "recipe-impossible",
            Self::Cut(limit) => limit.code(),
            Self::Io(_) => "temporary-file",
            Self::BuildPutOff => "build-put-off",
            Self::Cancelled => "cancelled",
        }
    }

    fn stage(&self) -> Stage {
        match self {
            Self::Git(error) => error.stage(),
            Self::Archive(error) => error.stage(),
            Self::Toolchain(error) => error.stage(),
            Self::Sandbox(error) => error.stage(),
            Self::Registry(error) => error.stage(),
            Self::Timewarp(error) => error.stage(),
            Self::Cache(error) => error.stage(),
            Self::NativeToolchain { .. }
            | Self::LeftBehind { .. }
            | Self::NothingBuilt
            | Self::CheckoutGone { .. }
            | Self::MetadataKept
            | Self::BuildPutOff
            | Self::Cut(_) => Stage::Build,
            _ => Stage::Pack,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.hint(),
            Self::List(error) => error.hint(),
            Self::Attributes(_) => ListError::TooComplex.hint(),
            Self::Archive(error) => error.hint(),
            Self::Toolchain(error) => error.hint(),
            Self::NativeToolchain { tool, .. } => {
                let name: String = tool.chars().take_while(char::is_ascii_alphanumeric).collect();
                let option = ["rust", "go", "zig"].iter().find(|known| **known == name).map_or("name", |known| known);
                Some(format!(
                    "--toolchain {option}=<folder> puts {tool} in reach of the build, where its packages are in the commit; or build the \
                     commit with it and compare the programs by hand; the other files are those of the source"
                ))
            }
            Self::Sandbox(error) => error.hint(),
            Self::Registry(error) => error.hint(),
            Self::Timewarp(error) => error.hint(),
            Self::Cache(error) => error.hint(),
            Self::TooLarge { .. } => Some("the package's folder in the commit is larger than any tarball may be".into()),
            Self::Impossible { .. } => Some("the recipe may be for another package, or from another version of this program".into()),
            Self::Cut(Limit::Time) => Some("--timeout sets another limit; 0 switches it off".into()),
            Self::Cut(Limit::Machine) => Some(MORE_MACHINE.into()),
            Self::Cut(Limit::Sandbox) => Some(STRONGER_SANDBOX.into()),
            Self::BuildPutOff => Some("run the same command without --no-build".into()),
            Self::Io(_) => Some("check the free space of the folder for temporary files".into()),
            _ => None,
        }
    }
}
