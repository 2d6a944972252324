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
use super::Scalar;

/// The runtimes that pnpm knows.
const RUNTIMES: [&str; 3] = ["node", "deno", "bun"];

/// The hooks of pnpm, which have a checksum in the lockfile.
const HOOKS: [&str; 3] = [".pnpmfile.cjs", ".pnpmfile.mjs", "pnpmfile.js"];

/// The settings that the lockfile repeats, with their names in `.npmrc` and the values that hold
/// without them. What pnpm does without one for peers depends on its version.
const REPEATED: [(&str, &str, &str); 4] = [
    ("excludeLinksFromLockfile", "exclude-links-from-lockfile", "false"),
    ("injectWorkspacePackages", "inject-workspace-packages", "false"),
    ("peersSuffixMaxLength", "peers-suffix-max-length", "1000"),
    ("dedupePeers", "dedupe-peers", "false"),
];
const PEERS: (&str, &str) = ("autoInstallPeers", "auto-install-peers");

/// What a file says of settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// The version of its format.
    pub(crate) major: u32,
    pub(crate) version: String,
    /// The settings, by their names.
    pub(crate) settings: BTreeMap<String, String>,
    /// The patched packages, each with the file of its patch where that is told.
    pub(crate) patched: BTreeMap<String, Option<String>>,
    pub(crate) ignored_optional: Vec<String>,
    pub(crate) has_extensions: bool,
    pub(crate) has_hook: bool,
    /// The first package that lacks one of its peers, in words.
    pub(crate) lacks_peer: Option<String>,
}

/// What a file says of how the dependencies of one folder are installed, and which folder is linked
/// in its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) dependencies: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) directory: Option<String>,
}

impl Meta {
    /// What it says and package.json does not, in words.
    pub(crate) fn difference(&self, project: &Path, folder: &str) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let name = if folder.is_empty() { "package.json".to_owned() } else { format!("{folder}/package.json") };
        let text = text_of(&project.join(&name)).unwrap_or_default();
        let of = json::parse(&text, false).ok();
        let own = of.as_ref().map(Self::of).unwrap_or_default();
        let is_same = |says: bool, same: bool| !says || same;
        let is_own = is_same(!self.dependencies.is_empty(), self.dependencies == own.dependencies)
            && is_same(self.directory.is_some(), self.directory == own.directory);
        let name: String = name.chars().take(MAX_SHOWN).collect();
        let told =
            || format!("the lockfile has dependenciesMeta or a publishDirectory that {name} does not: pnpm finds out anew what is needed");
        (!is_own).then(told)
    }

    fn of(manifest: &Object<'_>) -> Self {
        let scalar = |value: &Value<'_>| match value {
            Value::BooleanLit(flag) => flag.value.to_string(),
            Value::NumberLit(number) => number.value.to_string(),
            Value::NullKeyword(_) => String::new(),
            other => json::string(other).unwrap_or("?").to_owned(),
        };
        let all = json::rows(json::object(manifest, "dependenciesMeta"));
        let of =
            |one: &Value<'_>| json::rows(one.as_object()).iter().map(|flag| (flag.name.as_str().to_owned(), scalar(&flag.value))).collect();
        Self {
            dependencies: all.iter().map(|one| (one.name.as_str().to_owned(), of(&one.value))).collect(),
            directory: json::object(manifest, "publishConfig").and_then(|of| json::text(of, "directory")).map(str::to_owned),
        }
    }
}

/// What counts here of pnpm-workspace.yaml.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Workspace {
    overrides: Pairs<Scalar>,
    patched_dependencies: Pairs<Scalar>,
    catalog: Pairs<Scalar>,
    catalogs: Pairs<Pairs<Scalar>>,
    ignored_optional_dependencies: Vec<String>,
    package_extensions: Option<Ignored>,
    auto_install_peers: Option<Scalar>,
    exclude_links_from_lockfile: Option<Scalar>,
    inject_workspace_packages: Option<Scalar>,
    peers_suffix_max_length: Option<Scalar>,
    dedupe_peers: Option<Scalar>,
    pnpmfile: Option<Ignored>,
    config_dependencies: Option<Ignored>,
}

/// The settings of a project.
#[derive(Default)]
struct Project {
    /// What its overrides lead to, by their keys: of several tables, each.
    overrides: BTreeMap<String, Vec<String>>,
    /// The patched packages, each with its file.
    patched: BTreeMap<String, String>,
    /// By `catalog/name`.
    catalogs: BTreeMap<String, String>,
    ignored_optional: Vec<String>,
    has_extensions: bool,
    has_hook: bool,
    /// Of pnpm-workspace.yaml, and of .npmrc, which pnpm 11 and later does not ask for them.
    settings: BTreeMap<&'static str, String>,
    in_npmrc: BTreeMap<&'static str, String>,
    /// The version of pnpm that package.json names.
    manager: Option<u32>,
}

impl Project {
    fn of(project: &Path) -> Self {
        let manifest = text_of(&project.join("package.json")).unwrap_or_default();
        let workspace = text_of(&project.join("pnpm-workspace.yaml")).unwrap_or_default();
        let workspace = documents::<Option<Workspace>>(&workspace).unwrap_or_default().into_iter().flatten().next().unwrap_or_default();
        let names = REPEATED.iter().map(|(name, line, _)| (*name, *line)).chain([PEERS]);
        let mut all = Self {
            in_npmrc: names.filter_map(|(name, line)| Some((name, value_in_npmrc(&project.join(".npmrc"), line)?))).collect(),
            has_hook: HOOKS.iter().any(|name| project.join(name).symlink_metadata().is_ok()),
            ..Self::default()
        };
        all.take(workspace);
        let Ok(root) = json::parse(&manifest, false) else { return all };
        all.manager = manager(&root);
        all.overriding(json::pairs(&root, "resolutions"));
        if let Some(own) = json::object(&root, "pnpm") {
            all.overriding(json::pairs(own, "overrides"));
            all.patched.extend(json::pairs(own, "patchedDependencies").map(|(key, path)| (key.to_owned(), path.to_owned())));
            all.ignored_optional.extend(json::list(own, "ignoredOptionalDependencies").iter().filter_map(json::string).map(str::to_owned));
            all.has_extensions |= json::member(own, "packageExtensions").is_some();
        }
        // `$name` is the range in which the project asks for that one.
        for value in all.overrides.values_mut().flatten() {
            if let Some(name) = value.strip_prefix('$') {
                let asked = ["dependencies", "devDependencies", "optionalDependencies"]
                    .into_iter()
                    .find_map(|list| json::text(json::object(&root, list)?, name));
                *value = asked.unwrap_or("$").to_owned();
            }
        }
        all
    }

    fn take(&mut self, workspace: Workspace) {
        self.overriding(workspace.overrides.0.iter().map(|(key, _, value)| (key.as_str(), value.0.as_str())));
        self.patched.extend(workspace.patched_dependencies.0.into_iter().map(|(key, _, path)| (key, path.0)));
        let line = |catalog: &str, name: &str, range: Scalar| (format!("{catalog}/{name}"), range.0);
        self.catalogs.extend(workspace.catalog.0.into_iter().map(|(name, _, range)| line("default", &name, range)));
        for (catalog, _, lines) in workspace.catalogs.0 {
            self.catalogs.extend(lines.0.into_iter().map(|(name, _, range)| line(&catalog, &name, range)));
        }
        self.ignored_optional = workspace.ignored_optional_dependencies;
        self.has_extensions = workspace.package_extensions.is_some();
        self.has_hook |= workspace.pnpmfile.is_some() || workspace.config_dependencies.is_some();
        let settings = [
            (PEERS.0, workspace.auto_install_peers),
            ("excludeLinksFromLockfile", workspace.exclude_links_from_lockfile),
            ("injectWorkspacePackages", workspace.inject_workspace_packages),
            ("peersSuffixMaxLength", workspace.peers_suffix_max_length),
            ("dedupePeers", workspace.dedupe_peers),
        ];
        self.settings = settings.into_iter().filter_map(|(name, value)| Some((name, value?.0))).collect();
    }

    fn overriding<'o>(&mut self, pairs: impl Iterator<Item = (&'o str, &'o str)>) {
        for (key, value) in pairs {
            self.overrides.entry(key.to_owned()).or_default().push(value.to_owned());
        }
    }

    /// What it says of a setting.
    fn says(&self, name: &str) -> Option<&str> {
        let npmrc = || self.in_npmrc.get(name).filter(|_| self.manager.is_none_or(|major| major < 11));
        self.settings.get(name).or_else(npmrc).map(String::as_str)
    }

    /// Whether an override of the lockfile is one of the project's. Of a link and of a catalog the
    /// lockfile has what it led to.
    fn overrides(&self, key: &str, locked: &str) -> bool {
        let is_link = |value: &str| value.starts_with("link:") || value.starts_with("file:") || value.starts_with("workspace:");
        let is = |own: &String| {
            own == locked || own.starts_with("catalog:") && !is_link(locked) || own == "$" || is_link(own) && is_link(locked)
        };
        self.overrides.get(key).is_some_and(|all| all.iter().any(is))
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
    value_in_npmrc(path, setting).map(|value| value == "true")
}

fn value_in_npmrc(path: &Path, setting: &str) -> Option<String> {
    let text = text_of(path)?;
    let value = |line: &str| {
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        (key.trim() == setting).then(|| value.trim().trim_matches(['"', '\'']).to_owned())
    };
    text.lines().filter_map(value).next_back()
}

/// Whether the project says that links have no place in the lockfile.
pub(crate) fn excludes_links(project: &Path) -> bool {
    Project::of(project).says("excludeLinksFromLockfile") == Some("true")
}

impl Head {
    /// Whether pnpm installs the project's own peers.
    pub(crate) fn installs_peers(&self, project: &Path) -> bool {
        let own = Project::of(project);
        let said = own.settings.get(PEERS.0).or_else(|| own.in_npmrc.get(PEERS.0)).map(|value| value == "true");
        said.unwrap_or(self.settings.get(PEERS.0).is_none_or(|value| value == "true") && self.major > 5)
    }

    /// The peers about which the project lets pnpm think otherwise, as patterns of names. Later
    /// versions go by that only for what they tell.
    pub(crate) fn peer_rules(&self, project: &Path) -> Vec<String> {
        let manifest = text_of(&project.join("package.json")).filter(|_| self.major < 9).unwrap_or_default();
        let Ok(root) = json::parse(&manifest, false) else { return Vec::new() };
        // They have no checksum of a hook.
        if self.major < 9 && HOOKS.iter().any(|name| project.join(name).symlink_metadata().is_ok()) {
            return vec!["*".to_owned()];
        }
        let Some(rules) = json::object(&root, "pnpm").and_then(|own| json::object(own, "peerDependencyRules")) else { return Vec::new() };
        let listed = ["ignoreMissing", "allowAny"].into_iter().flat_map(|list| json::list(rules, list)).filter_map(json::string);
        listed
            .map(str::to_owned)
            .chain(json::pairs(rules, "allowedVersions").map(|(key, _)| parts_of_override(key).1.0.to_owned()))
            .collect()
    }

    /// What the file says and the project does not, in words.
    pub(crate) fn differences(
        &self,
        (overrides, catalogs): (&BTreeMap<String, String>, &BTreeMap<String, String>),
        project: &Path,
    ) -> Vec<String> {
        let own = Project::of(project);
        let mut told = Vec::new();
        told.extend(self.is_ignored(own.manager));
        told.extend(self.is_without_peers(&own));
        if own.ignored_optional.iter().any(|name| !self.ignored_optional.contains(name)) && self.major > 5 {
            told.push(
                "ignoredOptionalDependencies of the project are not those of the lockfile: pnpm finds out anew what is needed".to_owned(),
            );
        }
        let short = |text: &str| text.chars().take(MAX_SHOWN).collect::<String>();
        let mut foreign = Vec::new();
        foreign.extend(
            overrides.iter().find(|(key, value)| !own.overrides(key, value)).map(|(key, _)| format!("the override {}", short(key))),
        );
        if self.ignored_optional.iter().any(|name| !own.ignored_optional.contains(name)) {
            foreign.push("ignoredOptionalDependencies".to_owned());
        }
        // A hook can make any of these.
        if !own.has_hook {
            let is_own = |(key, range): &(&String, &String)| own.catalogs.get(*key) == Some(*range);
            foreign.extend(catalogs.iter().find(|line| !is_own(line)).map(|(key, _)| format!("the line {} of a catalog", short(key))));
            foreign
                .extend(self.patched.iter().find(|patch| !is_patch(&own, *patch)).map(|(key, _)| format!("the patch of {}", short(key))));
        }
        if self.has_extensions && !own.has_extensions {
            foreign.push("a checksum of packageExtensions".to_owned());
        }
        if self.has_hook && !own.has_hook {
            foreign.push("a checksum of a .pnpmfile".to_owned());
        }
        foreign.extend(
            self.settings
                .iter()
                .filter(|setting| !self.is_setting(&own, *setting))
                .map(|(name, value)| format!("a setting of {} ({})", short(name), short(value))),
        );
        let told_of = |what: String| format!("the lockfile has {what} that the project does not: pnpm finds out anew what is needed");
        told.extend(foreign.into_iter().map(told_of));
        told
    }

    /// What lacks a peer by a line of `.npmrc` alone, in words: a pnpm that does not read that line
    /// installs the peer, and no version of pnpm is named.
    fn is_without_peers(&self, own: &Project) -> Option<String> {
        let is_off = |settings: &BTreeMap<&'static str, String>| settings.get(PEERS.0).is_some_and(|value| value == "false");
        let is_open = own.manager.is_none() && self.major > 8 && is_off(&own.in_npmrc) && !own.settings.contains_key(PEERS.0);
        let lacks: String = self.lacks_peer.as_ref().filter(|_| is_open)?.chars().take(MAX_SHOWN).collect();
        Some(format!(
            "{lacks}, and the lockfile does not have it: auto-install-peers stands in .npmrc alone, where pnpm 11 and later does not read it (name the version in packageManager, or set autoInstallPeers in pnpm-workspace.yaml)"
        ))
    }

    /// Whether a setting is the project's.
    fn is_setting(&self, own: &Project, (name, value): (&String, &String)) -> bool {
        if name == PEERS.0 {
            let usual = if self.major > 5 { "true" } else { "false" };
            return own.says(name).unwrap_or(usual) == value;
        }
        let known = REPEATED.iter().find(|(known, ..)| known == name);
        known.is_some_and(|(.., usual)| own.says(name).unwrap_or(usual) == value)
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
        // pnpm asks whether the text begins with `9.`: the number 9.0 is no such text.
        let reads = reads && self.version.split_once('.').is_some_and(|(_, minor)| !minor.is_empty());
        let version: String = self.version.chars().take(MAX_SHOWN).collect();
        let who = manager.map_or_else(|| "pnpm 9 and later".to_owned(), |manager| format!("pnpm {manager}"));
        (!reads).then(|| format!("the lockfile has version {version}, and {who} ignores it and finds all versions anew"))
    }
}

/// Whether a patch is the project's, of the same file where the lockfile tells that.
fn is_patch(own: &Project, (key, path): (&String, &Option<String>)) -> bool {
    let bare = |path: &str| path.strip_prefix("./").unwrap_or(path).to_owned();
    own.patched.get(key).is_some_and(|own| path.as_ref().is_none_or(|path| bare(path) == bare(own)))
}

/// A name with the range behind it, where there is one.
type Ranged<'k> = (&'k str, Option<&'k str>);

/// What a key of overrides is for, and the package for whose needs alone it is: of `b@1>a@^2` that
/// is `b` in `1`, and `a` in `^2`. Behind a blank, a bar or an `@` the sign is one of a range.
pub(super) fn parts_of_override(key: &str) -> (Option<Ranged<'_>>, Ranged<'_>) {
    let is_border = |at: &usize| key.get(..*at).is_some_and(|before| !before.is_empty() && !before.ends_with([' ', '|', '@']));
    let border = key.match_indices('>').map(|(at, _)| at).rfind(is_border);
    let parts = |text| address::split_name(text).map_or((text, None), |(name, range)| (name, Some(range)));
    let (by, last) = border.map_or((None, key), |at| (key.get(..at), key.get(at + 1..).unwrap_or_default()));
    (by.map(parts), parts(last))
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
