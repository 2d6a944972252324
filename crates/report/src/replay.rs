//! What `reproduce replay` says: as JSON (`schema/replay.schema.json`), and for people.

use std::fmt::Write as _;

use serde::Serialize;

use recipe::{Recipe, StepDone, SubmoduleInfo, Told, ToolchainInfo};
use verdict::{Finding, Verdict};

use super::json::ToolInfo;
use super::text::escape;

/// Version of this layout.
pub const SCHEMA_VERSION: u32 = 1;

/// Whether the recipe made what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The tarball has the integrity that the recipe states.
    SameBytes,
    /// It has another.
    OtherBytes,
}

/// A recipe that was replayed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Replayed {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// This program's version.
    pub reproduce_version: String,
    /// Whether it came out as the recipe says.
    pub outcome: Outcome,
    /// The package's name, by the recipe.
    pub name: String,
    /// Its version, by the recipe.
    pub version: String,
    /// The source as a spec that npm understands: `git+<repository>#<commit>`.
    pub source: String,
    /// The strategy of the recipe.
    pub strategy: String,
    /// The tarball's integrity.
    pub integrity: String,
    /// The integrity that the recipe states.
    pub expected: String,
    /// The verdict of the result that the recipe came in; null for a recipe alone.
    pub verdict: Option<Verdict>,
    /// Whether the published tarball was reproduced, by that result; null for a recipe alone.
    pub reproduced: Option<bool>,
    /// Where the tarball was written; null for nowhere.
    pub emitted: Option<String>,
    /// The isolation that the build ran in; null where nothing was run.
    pub sandbox: Option<String>,
    /// Node and the package managers that were there; null where nothing was run.
    pub tools: Option<Vec<ToolInfo>>,
    /// The submodules whose files were there; absent where there were none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub submodules: Vec<SubmoduleInfo>,
    /// Toolchains of the user's that were in reach; absent where there were none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub toolchains: Vec<ToolchainInfo>,
    /// What was installed: `name@version integrity`, sorted; null where nothing was run.
    pub resolved: Option<Vec<String>>,
    /// What was run, in order.
    pub steps: Vec<StepDone>,
    /// What the build printed, capped; null where nothing was run.
    pub log: Option<String>,
    /// What was noticed on the way.
    pub findings: Vec<Finding>,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// What a recipe says of itself, before anything was made; `repository` is where it is followed.
pub fn of(recipe: &Recipe, repository: &str) -> Replayed {
    let path = if recipe.directory.is_empty() { String::new() } else { format!("::path:{}", recipe.directory) };
    Replayed {
        schema_version: SCHEMA_VERSION,
        reproduce_version: env!("CARGO_PKG_VERSION").to_owned(),
        outcome: Outcome::OtherBytes,
        name: recipe.name.clone(),
        version: recipe.version.clone(),
        source: format!("git+{repository}#{}{path}", recipe.commit),
        strategy: recipe.strategy.as_str().to_owned(),
        integrity: String::new(),
        expected: String::new(),
        verdict: None,
        reproduced: None,
        emitted: None,
        sandbox: None,
        tools: None,
        submodules: Vec::new(),
        toolchains: Vec::new(),
        resolved: None,
        steps: Vec::new(),
        log: None,
        findings: Vec::new(),
        ms: 0,
    }
}

impl Replayed {
    /// With what the result says that the recipe came in.
    #[must_use]
    pub fn told(self, told: Option<Told>) -> Self {
        let (verdict, reproduced) = told.map(|told| (told.verdict, told.reproduced)).unzip();
        Self { verdict, reproduced, ..self }
    }

    /// 0 where the same bytes came out, and nothing says that they are not what was published;
    /// else 1.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.outcome == Outcome::OtherBytes || self.reproduced == Some(false))
    }
}

/// The text for people. Names and messages are strangers'.
pub fn text(replayed: &Replayed) -> String {
    let mut out = String::new();
    let verdict = replayed.verdict.map_or("", Verdict::as_str);
    let said = match (replayed.outcome, replayed.reproduced) {
        (Outcome::SameBytes, None) => "the recipe makes the tarball that it states; a recipe alone does not say what was published".into(),
        (Outcome::SameBytes, Some(true)) => format!("the recipe makes the tarball that it states, and the result with it says {verdict}"),
        (Outcome::SameBytes, Some(false)) => {
            format!("the recipe makes the tarball that it states, which does NOT reproduce the published one: {verdict}")
        }
        (Outcome::OtherBytes, _) => "the recipe makes another tarball than it states".into(),
    };
    // Writing to a String cannot fail.
    let mut line = |text: &str| {
        let _ = writeln!(out, "{}", escape(text));
    };
    line(&format!("{}@{}: {said}", replayed.name, replayed.version));
    line(&format!("  from {}, {}", replayed.source, replayed.strategy));
    line(&format!("  {}", replayed.integrity));
    if replayed.outcome == Outcome::OtherBytes {
        line(&format!("  stated: {}", replayed.expected));
    }
    for step in &replayed.steps {
        let exit = step.exit.map_or_else(|| "stopped".to_owned(), |exit| format!("exit {exit}"));
        line(&format!("  ran {} ({exit})", step.name));
    }
    for finding in &replayed.findings {
        line(&format!("  [{}] {}", finding.code, finding.message));
    }
    if let Some(path) = &replayed.emitted {
        line(&format!("  written to {path}"));
    }
    out
}
