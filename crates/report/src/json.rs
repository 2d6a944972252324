//! The result as it stands in `--json`, in the cache file and in JavaScript: stable types of their
//! own, apart from the types that the stages hand on. `schema/result.schema.json` describes them
//! and is tested against them.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use explain::{Explanation, Likely};
use npm_registry::provenance::Provenance;
use npm_registry::signatures::SignatureInfo;
use npm_tarball;
use npm_timewarp::Asked;
use npm_toolchain::Tool;
use recipe::{Recipe, Strategy, SubmoduleInfo, ToolchainInfo};
use verdict::host::{node_arch, node_os, timestamp};
use verdict::{Accept, Evidence, Finding, Verdict};

use crate::history::HistoryEntry;

/// Version of this layout. Keys are only ever added within one.
pub const SCHEMA_VERSION: u32 = 1;

/// The result for one version of one package.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// This program's version.
    pub reproduce_version: String,
    /// When the result was made: RFC 3339, UTC.
    pub timestamp: String,
    /// Node's name of the operating system (`linux`, `darwin`, `win32`).
    pub os: String,
    /// Node's name of the processor (`x64`, `arm64`).
    pub arch: String,
    /// The strategy that reproduced it, or came closest.
    pub strategy: Option<String>,
    /// The answer.
    pub verdict: Verdict,
    /// Why it was not reproduced, kebab-case; null when it was.
    pub code: Option<String>,
    /// Whether the answer counts as reproduced under `--accept`.
    pub reproduced: bool,
    /// Whether the registry lists attestations for this version. Never part of the verdict.
    pub attested: bool,
    /// The registry's signatures, checked. Never part of the verdict.
    #[serde(default)]
    pub signatures: Vec<SignatureInfo>,
    /// What the provenance says and what of it holds; null where the registry lists none. Never
    /// part of the verdict.
    #[serde(default)]
    pub provenance: Option<Provenance>,
    /// When the registry says that this version was published; absent where it was not read or does
    /// not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<String>,
    /// What was published.
    pub package: PackageInfo,
    /// What it was rebuilt from.
    pub source: SourceInfo,
    /// sha256 over the published entries as npm writes them to disk.
    pub content_digest: Option<String>,
    /// The commit and folder that were taken.
    pub origin: Option<OriginInfo>,
    /// Every reason that was looked at for a commit.
    pub evidence: Vec<Evidence>,
    /// What else was noticed.
    pub findings: Vec<Finding>,
    /// Every recipe that was tried, in order.
    pub attempts: Vec<AttemptInfo>,
    /// The files of the closest attempt against the published ones.
    pub comparison: Option<ComparisonInfo>,
    /// What is likely behind it; null where the package was reproduced, and where no files were
    /// compared. Never part of the verdict.
    #[serde(default)]
    pub likely: Option<Likely>,
    /// A unified diff of the text files that differ, published against rebuilt, capped; null where
    /// nothing differs.
    pub diff: Option<String>,
    /// The isolation that a build ran in; null where nothing was run.
    pub sandbox: Option<String>,
    /// Milliseconds per stage.
    pub timings: Timings,
    /// Whether this is a stored result; absent where it was made now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// What the user can do next.
    pub hints: Vec<String>,
    /// Earlier versions, the latest first; null where they were not asked for.
    #[serde(default)]
    pub history: Option<Vec<HistoryEntry>>,
    /// The options that could have changed the answer: a stored result counts only where they
    /// agree.
    pub options: OptionsInfo,
}

impl Report {
    /// A result for this package, with nothing found out yet.
    pub fn new(package: PackageInfo, attested: bool, options: OptionsInfo) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            reproduce_version: env!("CARGO_PKG_VERSION").to_owned(),
            timestamp: timestamp(SystemTime::now()),
            os: node_os().to_owned(),
            arch: node_arch().to_owned(),
            strategy: None,
            verdict: Verdict::NoSource,
            code: None,
            reproduced: false,
            attested,
            signatures: Vec::new(),
            provenance: None,
            published_at: None,
            package,
            source: SourceInfo::default(),
            content_digest: None,
            origin: None,
            evidence: Vec::new(),
            findings: Vec::new(),
            attempts: Vec::new(),
            comparison: None,
            likely: None,
            diff: None,
            sandbox: None,
            timings: Timings::default(),
            cached: false,
            hints: Vec::new(),
            history: None,
            options,
        }
    }
}

/// The options that could change an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OptionsInfo {
    /// Where "reproduced" starts.
    pub accept: Accept,
    /// The registry that was asked; null for a tarball given by address or file.
    pub registry: Option<String>,
    /// The strategies that were allowed.
    pub strategies: Vec<Strategy>,
    /// The source that the user named in place of the declared one.
    pub source: Option<String>,
    /// A hash of git's `url.<base>.insteadOf` rules, which say where addresses lead; null where
    /// there are none.
    pub rewrites: Option<String>,
    /// Node's version for builds by the user's word.
    pub node: Option<String>,
    /// How builds are isolated by the user's word.
    pub isolation: Option<String>,
    /// Hosts that builds could reach besides the registry by the user's word.
    #[serde(default)]
    pub allow_hosts: Vec<String>,
    /// The user's toolchains: name and digest. Empty where there are none.
    #[serde(default)]
    pub toolchains: Vec<String>,
    /// sha256 of the recipe that the user gave, as JSON without blanks; null where the program
    /// searched.
    #[serde(default)]
    pub recipe: Option<String>,
    /// sha256 of the user's own trusted root; null for the embedded one.
    #[serde(default)]
    pub trusted_root: Option<String>,
    /// The distribution that Node came from by the user's word; null for the registry.
    #[serde(default)]
    pub node_dist: Option<String>,
    /// sha256 of the keys that it was checked with; null where there is none.
    #[serde(default)]
    pub node_keys: Option<String>,
}

/// The code of the finding that a submodule is at a commit that its own repository never took.
pub const SUBMODULE_UNREACHED: &str = "submodule-unreached";
/// Code of the finding that a git dependency is at a commit that no branch or tag leads to.
pub const GIT_DEPENDENCY_OFF_BRANCH: &str = "git-dependency-off-branch";

/// Code of the finding that files are in Git LFS: git has their hashes and nobody can read them.
pub const LFS_BY_POINTER: &str = "lfs-by-pointer";
/// Code of the finding that only a bot's branch has the source: nobody merged it.
pub const COMMIT_OF_BOT: &str = "commit-of-bot";

/// The code of the finding that only the user named the source.
pub const SOURCE_BY_USER: &str = "source-by-user";

impl OptionsInfo {
    /// Whether the user's own word decided what the build did: its commands, its compilers, what it
    /// could reach, or that it ran without a sandbox.
    pub fn rests_on_the_user(&self) -> bool {
        let has_more = !self.allow_hosts.is_empty() || !self.toolchains.is_empty();
        self.recipe.is_some() || has_more || self.isolation.as_deref() == Some("none")
    }
}

/// What was published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PackageInfo {
    /// What the user asked for.
    pub spec: String,
    /// The name.
    pub name: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// Where the tarball was read from.
    pub location: Option<String>,
    /// The tarball's integrity as the registry gives it, or computed where it gives none.
    pub integrity: Option<String>,
}

/// What it was rebuilt from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceInfo {
    /// The source as a spec that npm understands: `git+<repository>#<commit>`.
    pub spec: Option<String>,
    /// The repository's address.
    pub location: Option<String>,
    /// The rebuilt tarball's integrity.
    pub integrity: Option<String>,
}

/// The commit and folder that were taken.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OriginInfo {
    /// The repository's address.
    pub repository: String,
    /// The commit's id.
    pub commit: String,
    /// The folder, `""` for the root.
    pub directory: String,
    /// The branch or tag that it is the tip of.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// When the commit was made, as it says itself.
    #[serde(default, rename = "committedAt")]
    pub committed_at: Option<String>,
}

/// One recipe that was tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptInfo {
    /// The strategy that made the recipe.
    pub strategy: String,
    /// The recipe: the data that makes the tarball again.
    pub recipe: Recipe,
    /// The commit.
    pub commit: String,
    /// What this attempt alone would be judged.
    pub verdict: Verdict,
    /// Why it was not reproduced; null when it was.
    pub code: Option<String>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// Published files that came out the same.
    pub files_matched: usize,
    /// What was taken over from the published archive because extraction discards it.
    pub adopted: Vec<String>,
    /// What the build was made from; absent where nothing was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Vec<String>>,
    /// The submodules whose files were there, and whose repositories may be anybody's; absent where
    /// there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub submodules: Vec<SubmoduleInfo>,
    /// Node and the package managers that were there; absent where nothing was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<ToolInfo>>,
    /// Toolchains of the user's that were in reach; absent where there were none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub toolchains: Vec<ToolchainInfo>,
    /// What the build asked the registry for besides; absent where nothing was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Vec<Asked>>,
    /// Packages that the build had by the user's credentials or from a registry of their scope's;
    /// the log may hold what is in them. Absent where there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<Vec<String>>,
    /// The build's output, capped; absent where nothing was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// A program of the toolchain, as it was on disk when the build began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolInfo {
    /// `node`, `npm`, `yarn`, `berry`, `pnpm` or `bun`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The package that it came in, or the file of a distribution.
    pub package: String,
    /// The registry or the distribution, without credentials.
    pub from: String,
    /// The hash of the tarball that was unpacked, as the registry promises it or as the
    /// distribution's signature covers it.
    pub integrity: String,
    /// sha256 over its files, made as `contentDigest` is.
    pub digest: String,
    /// What is run, below its folder.
    pub program: String,
    /// sha256 of what is run.
    pub program_digest: String,
    /// Who published it: the registry's account, or the owner of the key that signed it; null where
    /// nobody is named.
    pub publisher: Option<String>,
    /// The fingerprint of the OpenPGP key that signed it; null for what came from a registry.
    pub key: Option<String>,
    /// Of a distribution's Node, whether the registry's copy has the same program; null where there
    /// is nothing to compare.
    pub registry_agrees: Option<bool>,
}

impl From<&Tool> for ToolInfo {
    fn from(tool: &Tool) -> Self {
        Self {
            name: tool.kind.as_str().to_owned(),
            version: tool.version.clone(),
            package: tool.package.clone(),
            from: tool.from.clone(),
            integrity: tool.integrity.clone(),
            digest: tool.digest.clone(),
            program: tool.entry.clone(),
            program_digest: tool.program.clone(),
            publisher: tool.publisher.clone(),
            key: tool.key.clone(),
            registry_agrees: tool.registry_agrees,
        }
    }
}

/// One step of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// What was done.
    pub name: String,
    /// The exit code of what was run; null where nothing was run.
    pub exit: Option<i32>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// How long each stage took, in milliseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Reading the registry's metadata and tarball.
    pub resolve: u64,
    /// Finding the commit, fetching included.
    pub locate: u64,
    /// Packing and comparing.
    pub rebuild: u64,
    /// All of it.
    pub total: u64,
}

/// A failure of ours or of the user's, as one object under `--json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// This program's version.
    pub reproduce_version: String,
    /// Always `error`.
    pub verdict: Verdict,
    /// Always false.
    pub reproduced: bool,
    /// What was asked for.
    pub package: PackageInfo,
    /// Stable, kebab-case.
    pub code: String,
    /// The stage that failed.
    pub stage: String,
    /// What happened.
    pub message: String,
    /// What to do.
    pub hints: Vec<String>,
}

/// The files of the closest attempt against the published ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonInfo {
    /// Files that are the same: type, mode on disk, bytes or link target.
    pub identical: Vec<String>,
    /// Files that are not.
    pub changed: Vec<ChangeInfo>,
    /// Files that were not rebuilt.
    pub only_published: Vec<String>,
    /// Files that were not published.
    pub only_rebuilt: Vec<String>,
    /// Why each of the files that differ does, as far as its bytes tell. Never part of the verdict.
    #[serde(default)]
    pub explanations: Vec<Explanation>,
}

/// One file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeInfo {
    /// Its path.
    pub path: String,
    /// `type`, `link`, `bytes` or `mode`: the first of these that differs.
    pub kind: String,
    /// As published.
    pub published: SideInfo,
    /// As rebuilt.
    pub rebuilt: SideInfo,
}

/// One side of a file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SideInfo {
    /// `file`, `symlink`, `hardlink` or the tar type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The mode on disk, octal.
    pub mode: String,
    /// Bytes of content or of the link target.
    pub size: u64,
    /// Of the content or the link target, in hex.
    pub sha256: String,
    /// Where a link leads.
    pub link_target: Option<String>,
}

impl From<&npm_tarball::Comparison> for ComparisonInfo {
    fn from(comparison: &npm_tarball::Comparison) -> Self {
        let change = |change: &npm_tarball::Change| ChangeInfo {
            path: change.path.clone(),
            kind: match change.kind {
                npm_tarball::ChangeKind::Type => "type",
                npm_tarball::ChangeKind::Link => "link",
                npm_tarball::ChangeKind::Bytes => "bytes",
                npm_tarball::ChangeKind::Mode => "mode",
            }
            .to_owned(),
            published: SideInfo::from(&change.published),
            rebuilt: SideInfo::from(&change.rebuilt),
        };
        Self {
            identical: comparison.identical.clone(),
            changed: comparison.changed.iter().map(change).collect(),
            only_published: comparison.only_published.clone(),
            only_rebuilt: comparison.only_rebuilt.clone(),
            explanations: Vec::new(),
        }
    }
}

impl From<&npm_tarball::Side> for SideInfo {
    fn from(side: &npm_tarball::Side) -> Self {
        Self {
            kind: side.kind.name(),
            mode: side.mode.clone(),
            size: side.size,
            sha256: side.sha256.clone(),
            link_target: side.link_target.clone(),
        }
    }
}
