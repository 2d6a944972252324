//! What pnpm-lock.yaml says of pnpm's settings, held against those of the project.
//!
//! Where the two differ, pnpm asks the registry anew for what every package needs, and installs
//! what the lockfile does not have.

use std::collections::BTreeMap;
use std::path::Path;

use jsonc_parser::ast::{Object, Value};
use serde::Deserialize;

use super::super::asked::{MAX_SHOWN, text_of};
use super::super::yaml::{Ignored, Pairs, documents};
use super::super::{address, json};

/// The runtimes that pnpm knows.
const RUNTIMES: [&str; 3] = ["node", "deno", "bun"];

/// The hooks of pnpm, which have a checksum in the lockfile.
const HOOKS: [&str; 3] = [".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js"];

/// What a file says of settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The version of its format.
    pub(crate) major: u32,
    pub(crate) version: String,
    /// Whether a project's peers are installed as its dependencies are.
    pub(crate) installs_peers: Option<bool>,
    pub(crate) ignored_optional: Vec<String>,
    pub(crate) has_extensions: bool,
    pub(crate) has_hook: bool,
}

/// What counts here of pnpm-workspace.yaml.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Workspace {
    overrides: Pairs<Ignored>,
    ignored_optional_dependencies: Vec<String>,
    package_extensions: Option<Ignored>,
    auto_install_peers: Option<bool>,
    pnpmfile: Option<Ignored>,
    config_dependencies: Option<Ignored>,
}

/// The settings of a project.
#[derive(Default)]
struct Project {
    overrides: Vec<String>,
    ignored_optional: Vec<String>,
    has_extensions: bool,
    has_hook: bool,
    /// Of pnpm-workspace.yaml and of .npmrc, which pnpm 11 and later does not ask for it.
    installs_peers: (Option<bool>, Option<bool>),
    /// The version of pnpm that package.json names.
    manager: Option<u32>,
}

impl Project {
    fn of(project: &Path) -> Self {
        let manifest = text_of(&project.join("package.json")).unwrap_or_default();
        let workspace = text_of(&project.join("pnpm-workspace.yaml")).unwrap_or_default();
        let workspace = documents::<Option<Workspace>>(&workspace).unwrap_or_default().into_iter().flatten().next().unwrap_or_default();
        let mut all = Self {
            overrides: workspace.overrides.0.into_iter().map(|(key, ..)| key).collect(),
            ignored_optional: workspace.ignored_optional_dependencies,
            has_extensions: workspace.package_extensions.is_some(),
            has_hook: workspace.pnpmfile.is_some()
                || workspace.config_dependencies.is_some()
                || HOOKS.iter().any(|name| project.join(name).symlink_metadata().is_ok()),
            installs_peers: (workspace.auto_install_peers, in_npmrc(&project.join(".npmrc"), "auto-install-peers")),
            manager: None,
        };
        let Ok(root) = json::parse(&manifest, false) else { return all };
        all.manager = manager(&root);
        all.overrides.extend(json::pairs(&root, "resolutions").map(|(key, _)| key.to_owned()));
        if let Some(own) = json::object(&root, "pnpm") {
            all.overrides.extend(json::pairs(own, "overrides").map(|(key, _)| key.to_owned()));
            all.ignored_optional.extend(json::list(own, "ignoredOptionalDependencies").iter().filter_map(json::string).map(str::to_owned));
            all.has_extensions |= json::member(own, "packageExtensions").is_some();
        }
        all
    }
}

/// The first number of the pnpm that package.json names.
pub(crate) fn manager(root: &Object<'_>) -> Option<u32> {
    let engine = || json::object(json::object(root, "devEngines")?, "packageManager");
    let named = json::text(root, "packageManager").and_then(|text| text.strip_prefix("pnpm@"));
    let named = named.or_else(|| engine().filter(|of| json::text(of, "name") == Some("pnpm")).and_then(|of| json::text(of, "version")))?;
    let digits = named.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// What the last line of an `.npmrc` for a setting says.
pub(crate) fn in_npmrc(path: &Path, setting: &str) -> Option<bool> {
    let text = text_of(path)?;
    let value = |line: &str| {
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        (key.trim() == setting).then(|| value.trim().trim_matches(['"', '\'']) == "true")
    };
    text.lines().filter_map(value).next_back()
}

impl Head {
    /// Whether pnpm installs the project's own peers.
    pub(crate) fn installs_peers(&self, project: &Path) -> bool {
        let (workspace, npmrc) = Project::of(project).installs_peers;
        workspace.or(npmrc).unwrap_or(self.installs_peers != Some(false) && self.major > 5)
    }

    /// What the file says and the project does not, in words.
    pub(crate) fn differences(&self, overrides: &BTreeMap<String, String>, project: &Path) -> Vec<String> {
        let own = Project::of(project);
        let mut told = Vec::new();
        told.extend(self.is_ignored(own.manager));
        let mut say =
            |what: &str| told.push(format!("the lockfile has {what} that the project does not: pnpm finds out anew what is needed"));
        if let Some(key) = overrides.keys().find(|key| !own.overrides.contains(key)) {
            say(&format!("the override {}", key.chars().take(MAX_SHOWN).collect::<String>()));
        }
        if self.ignored_optional.iter().any(|name| !own.ignored_optional.contains(name)) {
            say("ignoredOptionalDependencies");
        }
        if own.ignored_optional.iter().any(|name| !self.ignored_optional.contains(name)) && self.major > 5 {
            told.push(
                "ignoredOptionalDependencies of the project are not those of the lockfile: pnpm finds out anew what is needed".to_owned(),
            );
        }
        let mut say =
            |what: &str| told.push(format!("the lockfile has {what} that the project does not: pnpm finds out anew what is needed"));
        if self.has_extensions && !own.has_extensions {
            say("a checksum of packageExtensions");
        }
        if self.has_hook && !own.has_hook {
            say("a checksum of a .pnpmfile");
        }
        let peers = match own.installs_peers {
            (Some(workspace), _) => workspace,
            (None, Some(npmrc)) if own.manager.is_none_or(|major| major < 11) => npmrc,
            _ => self.major > 5,
        };
        if self.installs_peers.is_some_and(|said| said != peers) {
            say(&format!("a setting of autoInstallPeers ({})", !peers));
        }
        told
    }

    /// Whether the pnpm of the project does not read a file of this version, in words. Version 9 of
    /// pnpm is the first that does not read 5, version 10 the first that does not read 6, and
    /// version 8 the last that does not read 9.
    fn is_ignored(&self, manager: Option<u32>) -> Option<String> {
        let reads = match self.major {
            5 => manager.is_some_and(|manager| manager < 9),
            6 => manager.is_none_or(|manager| manager < 10),
            9 => manager.is_none_or(|manager| manager > 8),
            _ => true,
        };
        let version: String = self.version.chars().take(MAX_SHOWN).collect();
        let who = manager.map_or_else(|| "pnpm 9 and later".to_owned(), |manager| format!("pnpm {manager}"));
        (!reads).then(|| format!("the lockfile has version {version}, and {who} ignores it and finds all versions anew"))
    }
}

/// The name that a key of overrides is for: of `b@1>a@^2` that is `a`. Behind a blank, a bar or an
/// `@` the sign is one of a range.
pub(super) fn overridden(key: &str) -> String {
    let is_border = |at: &usize| key.get(..*at).is_some_and(|before| !before.is_empty() && !before.ends_with([' ', '|', '@']));
    let last = key.match_indices('>').map(|(at, _)| at).rfind(is_border).and_then(|at| key.get(at + 1..)).unwrap_or(key);
    address::split_name(last).map_or(last, |(name, _)| name).to_owned()
}

/// The runtimes of which package.json says that pnpm installs them, each with the list in which it
/// has them.
pub(crate) fn runtimes(root: &Object<'_>) -> Vec<(String, (&'static str, String))> {
    let mut all = Vec::new();
    for (table, list) in [("devEngines", "devDependencies"), ("engines", "dependencies")] {
        let Some(runtime) = json::object(root, table).and_then(|of| json::member(of, "runtime")) else { continue };
        let named: Vec<&Object<'_>> = match runtime {
            Value::Array(several) => several.elements.iter().filter_map(Value::as_object).collect(),
            one => one.as_object().into_iter().collect(),
        };
        for name in RUNTIMES {
            let is_listed = json::object(root, list).is_some_and(|of| json::text(of, name).is_some());
            let own = named.iter().find(|one| json::text(one, "name") == Some(name)).filter(|_| !is_listed);
            if let Some(own) = own.filter(|own| json::text(own, "onFail") == Some("download")) {
                let version = json::text(own, "version").unwrap_or("undefined");
                all.push((name.to_owned(), (list, format!("runtime:{version}"))));
            }
        }
    }
    all
}
