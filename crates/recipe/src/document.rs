//! A recipe from elsewhere: a file that somebody wrote, or a result of this program.
//!
//! In: bytes of a stranger. Out: a [`Recipe`] whose every field can be followed, or an error that
//! says which cannot. Nothing is guessed: a field that is not known here would change the tarball
//! in a way that this program does not follow.

mod contradiction;
#[cfg(test)]
mod tests;

use serde_json::Value;

use npm_pack::{era, list};
use npm_spec::manifest::{is_too_large, read_up_to, without_bom};
use npm_spec::tool::Kind;
use npm_spec::version;
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::{Accept, Verdict};

use super::{BuildRecipe, RECIPE_VERSION, Recipe, Step, TarballRecipe};
use crate::is_toolchain_name;
use contradiction::contradiction;

/// Largest file that is read for a recipe, in bytes: a result with its log and diff is a few
/// megabytes.
pub const LARGEST_DOCUMENT: u64 = 32 << 20;

/// Longest text of one field, in bytes.
const LONGEST: usize = 8 << 10;
/// Longest word of a command, in bytes: a text for the shell, or a program of ours with what it is
/// to do.
const LONGEST_WORD: usize = 96 << 10;
/// Most steps of a build: installations and scripts, each of several packages of a commit.
const MOST_STEPS: usize = 1_000;
/// Most words of one command.
const MOST_WORDS: usize = 64;
/// The programs that builds begin with.
const PROGRAMS: [&str; 12] = ["npm", "npx", "yarn", "pnpm", "bun", "lerna", "make", "gulp", "jake", "cake", "sh", "node"];

/// A recipe that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// It is not JSON, or the file cannot be read.
    #[error("the recipe cannot be read: {0}")]
    Unreadable(String),
    /// The file is over [`LARGEST_DOCUMENT`], or has more values than are read.
    #[error("the recipe is larger than {LARGEST_DOCUMENT} bytes, or has more than a million values")]
    TooLarge,
    /// There is none: neither the fields of a recipe, nor attempts that have one.
    #[error("there is no recipe in it")]
    Missing,
    /// Several results, one a line.
    #[error("it contains several results")]
    Several,
    /// The result that it came in says two things that cannot both be: somebody changed it.
    #[error("the result with the recipe contradicts itself: {0}")]
    Contradicts(&'static str),
    /// It is of another package, or of another version of it.
    #[error("the recipe is of {0}")]
    Other(String),
    /// Another layout than [`RECIPE_VERSION`].
    #[error("the recipe's schemaVersion is {found}, and {RECIPE_VERSION} is known here")]
    Schema {
        /// What it says, as JSON.
        found: String,
    },
    /// A field is missing, unknown, or has a value that cannot be followed.
    #[error("the recipe is not valid: {0}")]
    Invalid(String),
}

impl Diagnostic for RecipeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "recipe-unreadable",
            Self::TooLarge => "recipe-too-large",
            Self::Missing => "recipe-missing",
            Self::Several => "recipe-several",
            Self::Contradicts(_) => "recipe-result-contradicts",
            Self::Other(_) => "recipe-of-another",
            Self::Schema { .. } => "recipe-schema-unknown",
            Self::Invalid(_) => "recipe-invalid",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable(_) | Self::Missing => {
                "a recipe is attempts[].recipe of `reproduce <spec> --json`; the whole result works too".into()
            }
            Self::TooLarge => "extract attempts[].recipe from the result".into(),
            Self::Several => "keep only the line of your package".into(),
            Self::Contradicts(_) => {
                "make the result again with `reproduce <spec> --json --force`, or extract attempts[].recipe from it".into()
            }
            Self::Other(name) => format!("judge {name} with it"),
            Self::Schema { .. } => {
                "it is from another version of this program; make it again with `reproduce <spec> --json --force`".into()
            }
            Self::Invalid(_) => "schema/result.schema.json describes a recipe".into(),
        })
    }
}

/// The result that a recipe came in: what was found about the published tarball.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it counted as reproduced.
    pub reproduced: bool,
    /// The name and the version that it gives the package; `None` for an attempt by itself.
    pub package: Option<(String, String)>,
    /// What was installed: `name@version integrity`; `None` where it does not say.
    pub resolved: Option<Vec<String>>,
}

impl Told {
    /// Of the result, or the attempt, in a file that has a recipe; `None` for a recipe alone.
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        let value: Value = read_up_to(bytes, LARGEST_DOCUMENT)?;
        let verdict: Verdict = serde_json::from_value(value.get("verdict")?.clone()).ok()?;
        // An attempt by itself has the verdict alone.
        let reproduced = value.get("reproduced").and_then(Value::as_bool);
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let decided = |attempt: &&Value| attempt.pointer("/recipe/tarball").is_some();
        let attempt = match value.get("attempts").and_then(Value::as_array) {
            Some(attempts) => attempts.iter().find(decided),
            None => Some(&value),
        };
        let lines = attempt.and_then(|attempt| attempt.get("resolved")).and_then(Value::as_array);
        let resolved = lines.map(|lines| lines.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        Some(Self {
            verdict,
            reproduced: reproduced.unwrap_or_else(|| verdict.reproduced(Accept::SameContent)),
            package: text("/package/name").zip(text("/package/version")),
            resolved,
        })
    }
}

impl Recipe {
    /// Reads a recipe, alone or in a result: of a result's attempts the one that decided. Every
    /// field is checked.
    pub fn from_json(bytes: &[u8]) -> Result<Self, RecipeError> {
        if is_too_large(bytes, LARGEST_DOCUMENT) {
            return Err(RecipeError::TooLarge);
        }
        let mut values = serde_json::Deserializer::from_slice(without_bom(bytes)).into_iter::<Value>();
        let unreadable = |error: serde_json::Error| {
            RecipeError::Unreadable(format!("it is not JSON (line {}, column {})", error.line(), error.column()))
        };
        let first = values.next().ok_or(RecipeError::Missing)?.map_err(unreadable)?;
        if values.next().transpose().map_err(unreadable)?.is_some() {
            return Err(RecipeError::Several);
        }
        if let Some(why) = contradiction(&first) {
            return Err(RecipeError::Contradicts(why));
        }
        let value = taken_out(first)?;
        if !value.is_object() {
            return Err(RecipeError::Missing);
        }
        match value.get("schemaVersion") {
            Some(found) if *found != RECIPE_VERSION => return Err(RecipeError::Schema { found: shortened(&found.to_string()) }),
            _ => {}
        }
        let recipe: Self = serde_json::from_value(value).map_err(|error| RecipeError::Invalid(shortened(&error.to_string())))?;
        recipe.check()?;
        Ok(recipe)
    }

    /// Whether every field can be followed.
    fn check(&self) -> Result<(), RecipeError> {
        plain("name", &self.name)?;
        plain("repository", &self.repository)?;
        semver("version", &self.version)?;
        require(is_commit(&self.commit), "commit", &self.commit, "the id of a commit")?;
        inside("directory", &self.directory)?;
        plain("rewrite", &self.rewrite)?;
        require(era::by_id(&self.packer).is_some(), "packer", &self.packer, "a packer of this version")?;
        require(list::by_name(&self.file_list).is_some(), "fileList", &self.file_list, "a file list of this version")?;
        require(self.submodules.len() <= super::MAX_SUBMODULES, "submodules", &self.submodules.len().to_string(), "32 at most")?;
        for path in &self.submodules {
            inside("submodules", path)?;
        }
        match &self.build {
            Some(build) => build.check()?,
            None => require(!self.strategy.builds(), "build", "nothing", "the part of a build, which this strategy has")?,
        }
        self.tarball.as_ref().map_or(Ok(()), TarballRecipe::check)
    }
}

impl BuildRecipe {
    fn check(&self) -> Result<(), RecipeError> {
        semver("build.node", &self.node)?;
        if let Some(distribution) = &self.node_dist {
            plain("build.nodeDist", distribution)?;
        }
        for (tool, wanted) in &self.tools {
            let known = Kind::ALL.iter().any(|kind| *kind != Kind::Node && kind.as_str() == tool);
            require(known, "build.tools", tool, "npm, yarn, berry, pnpm or bun")?;
            semver("build.tools", wanted)?;
        }
        for (name, digest) in &self.toolchains {
            require(is_toolchain_name(name), "build.toolchains", name, "a toolchain's name")?;
            let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
            require(is_digest, "build.toolchains", digest, "a sha256 in hex")?;
        }
        if let Some(path) = &self.lockfile {
            inside("build.lockfile", path)?;
        }
        for (field, time) in [("build.moment", &self.moment), ("build.clock", &self.clock)] {
            if let Some(time) = time {
                require(time.parse::<jiff::Timestamp>().is_ok(), field, time, "a time as in RFC 3339")?;
            }
        }
        if let Some(set) = &self.version {
            semver("build.version", set)?;
        }
        if let Some(commit) = &self.versions_at {
            require(is_commit(commit), "build.versionsAt", commit, "the id of a commit")?;
        }
        if let Some(name) = &self.reference {
            plain("build.ref", name)?;
        }
        if let Some(path) = &self.packed {
            inside("build.packed", path)?;
        }
        for path in &self.restored {
            inside("build.restored", path)?;
        }
        require(self.steps.len() <= MOST_STEPS, "build.steps", &self.steps.len().to_string(), "1000 at most")?;
        self.steps.iter().try_for_each(Step::check)
    }
}

/// Whether a text is the id of a commit.
fn is_commit(id: &str) -> bool {
    matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Step {
    fn check(&self) -> Result<(), RecipeError> {
        plain("build.steps.name", &self.name)?;
        inside("build.steps.directory", &self.directory)?;
        require(self.command.len() <= MOST_WORDS, "build.steps.command", &self.command.len().to_string(), "64 words at most")?;
        for word in &self.command {
            let fits = word.len() <= LONGEST_WORD && !word.chars().any(|c| c.is_control() && !"\n\r\t".contains(c));
            require(fits, "build.steps.command", word, "a word of a command")?;
        }
        let program = self.command.first().map_or("", String::as_str);
        require(
            PROGRAMS.contains(&program),
            "build.steps.command",
            program,
            "a command of a package manager, a task runner, Node or the shell",
        )
    }
}

impl TarballRecipe {
    fn check(&self) -> Result<(), RecipeError> {
        use base64::Engine as _;
        let digest = self.integrity.strip_prefix("sha512-").and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        require(digest.is_some_and(|digest| digest.len() == 64), "tarball.integrity", &self.integrity, "a sha512 integrity")?;
        require((1..=9).contains(&self.gzip.level), "tarball.gzip.level", &self.gzip.level.to_string(), "a level from 1 to 9")?;
        let taken = self.adopted.as_ref().map_or(Ok(()), super::Taken::check);
        taken.map_err(|why| RecipeError::Invalid(format!("tarball.adopted: {why}")))
    }
}

/// The recipe in what was read: itself, an attempt's, or that of the attempt that decided, which
/// alone says what came out.
fn taken_out(mut value: Value) -> Result<Value, RecipeError> {
    if let Some(Value::Array(attempts)) = value.get_mut("attempts").map(Value::take) {
        let mut recipes: Vec<Value> =
            attempts.into_iter().filter_map(|mut attempt| attempt.get_mut("recipe").map(Value::take)).filter(Value::is_object).collect();
        let at = recipes.iter().position(|recipe| recipe.get("tarball").is_some()).unwrap_or(0);
        return if at < recipes.len() { Ok(recipes.swap_remove(at)) } else { Err(RecipeError::Missing) };
    }
    match value.get_mut("recipe").map(Value::take) {
        Some(recipe) => Ok(recipe),
        None if value.get("verdict").is_some() => Err(RecipeError::Missing),
        None => Ok(value),
    }
}

fn require(holds: bool, field: &str, value: &str, wanted: &str) -> Result<(), RecipeError> {
    if holds { Ok(()) } else { Err(RecipeError::Invalid(format!("{field} is {:?}, and not {wanted}", shortened(value)))) }
}

/// Text for a line: not empty, not endless, nothing that speaks to a terminal or ends a C string.
fn plain(field: &str, text: &str) -> Result<(), RecipeError> {
    let fits = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    require(fits, field, text, "a line of text")
}

fn semver(field: &str, text: &str) -> Result<(), RecipeError> {
    require(text.len() <= 256 && version::parse(text).is_some(), field, text, "a version")
}

/// A folder or file in the repository, `""` for its root; never one that leads out of it.
fn inside(field: &str, path: &str) -> Result<(), RecipeError> {
    let fits = path.is_empty() || path.len() <= LONGEST && list::normal_path(path).as_deref() == Some(path);
    require(fits, field, path, "a path in the repository")
}

/// What fits in an error's line.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 300;
    if text.chars().nth(SHOWN).is_none() { text.to_owned() } else { text.chars().take(SHOWN).chain(['…']).collect() }
}
