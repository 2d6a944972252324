//! The layers of the configuration, the highest first, and how they are found.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use url::Url;

use super::env::{Surroundings, expand};
use super::ini::{self, Value};
use super::{ConfigFinding, Overrides, ProjectFile, auth, project};

/// Every layer that was found, the strongest first.
#[derive(Clone, Default)]
pub(super) struct Layers {
    values: Vec<BTreeMap<String, Value>>,
    home_and_cwd: Option<Surroundings>,
    /// The files that they are read from, there or not.
    files: Vec<PathBuf>,
}

impl std::fmt::Debug for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers").field("count", &self.values.len()).finish_non_exhaustive()
    }
}

impl Layers {
    pub(super) fn load(around: &Surroundings, overrides: &Overrides, findings: &mut Vec<ConfigFinding>) -> Self {
        let cli = command_line(overrides);
        let mut env = environment(around);
        let of_yarn = told_by_yarn(around, &mut env);
        told_by_vlt(around, &mut env);
        let builtin_path = builtin_file(around);
        let builtin = builtin_path.as_ref().map(|path| read(around, path, findings)).unwrap_or_default();

        // A project's file moves neither the user's nor the global one: it may come with a
        // checkout.
        let trusted =
            Self { values: vec![cli.clone(), env.clone(), builtin.clone()], home_and_cwd: Some(around.clone()), files: Vec::new() };
        let user_path = trusted.path("userconfig").or_else(|| around.home.as_ref().map(|home| home.join(".npmrc")));
        let user = user_path.as_ref().map(|path| read(around, path, findings)).unwrap_or_default();
        let trusted = Self { values: vec![cli.clone(), env.clone(), user.clone(), builtin.clone()], ..trusted };
        let global_path = trusted.path("globalconfig").or_else(|| {
            let prefix = trusted.path("prefix").or_else(|| global_prefix(around))?;
            Some(prefix.join("etc").join("npmrc"))
        });
        let global = global_path.as_ref().map(|path| read(around, path, findings)).unwrap_or_default();

        let is_global = trusted.flag("global") == Some(true) || trusted.text("location").as_deref() == Some("global");
        let own = Self { values: vec![cli.clone(), env.clone(), user.clone(), global.clone(), builtin.clone()], ..trusted };
        let fill = Fill { vars: &around.vars, of_stranger: (overrides.project == ProjectFile::OfStranger).then(|| own.hosts()) };
        let counts = !is_global && overrides.project != ProjectFile::Ignored;
        let mut project_path = None;
        let project = if counts { of_project(around, user_path.as_deref(), &mut project_path, (&fill, findings)) } else { BTreeMap::new() };

        let values = vec![cli, env, project, user, global, builtin, of_yarn];
        for layer in &values {
            auth::note_unscoped(layer.keys(), findings);
        }
        let files = [builtin_path, user_path, global_path, project_path].into_iter().flatten().collect();
        Self { values, home_and_cwd: Some(around.clone()), files }
    }

    /// The files of the configuration, there or not, and those of certificates and keys that it
    /// names.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let names_one = |key: &&String| matches!(key.rsplit(':').next(), Some("cafile" | "certfile" | "keyfile"));
        let named = self.keys().filter(names_one).filter_map(|key| self.path(key));
        self.files.iter().cloned().chain(named).collect()
    }

    /// The hosts that these layers name as registries or have credentials for, and the public
    /// registry's.
    fn hosts(&self) -> BTreeSet<String> {
        let host = |address: &str| Url::parse(address).ok().and_then(|url| authority(&url));
        let registries = self.keys().filter(|key| *key == "registry" || key.ends_with(":registry")).filter_map(|key| self.text(key));
        let named = self.keys().filter(|key| key.starts_with("//")).filter_map(|key| host(&format!("https:{key}")));
        registries.filter_map(|address| host(&address)).chain(named).chain(authority(&super::default_registry())).collect()
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.values.iter().find_map(|layer| layer.get(key))
    }

    /// The strongest layer's text for a key. `null` is as if it were not there at all, and hides
    /// the layers below.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::Text(text) => Some(text.clone()),
            Value::List(list) => list.last().cloned(),
        }
        .filter(|text| text != "null" && text != "undefined")
    }

    /// All values of a key: those of `key[]`, or the parts that an empty line separates, as npm
    /// writes lists into variables.
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        match self.value(key) {
            Some(Value::List(list)) => list.clone(),
            Some(Value::Text(text)) if text != "null" => text.split("\n\n").map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// A switch. Anything but `true`, `false` and the empty text is not one.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.text(key)?.as_str() {
            "true" | "" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.text(key)?.parse().ok()
    }

    /// A path, resolved.
    pub(super) fn path(&self, key: &str) -> Option<PathBuf> {
        let text = self.text(key).filter(|text| !text.is_empty())?;
        self.home_and_cwd.as_ref().map(|around| around.path(&text))
    }

    /// Every key of every layer, once.
    pub(super) fn keys(&self) -> impl Iterator<Item = &String> {
        self.values.iter().flat_map(BTreeMap::keys).collect::<BTreeSet<_>>().into_iter()
    }
}

/// A host with its port, if it has one of its own.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// How the environment is filled into a file.
struct Fill<'a> {
    vars: &'a BTreeMap<String, String>,
    /// The file may be a stranger's: only into what is for these hosts.
    of_stranger: Option<BTreeSet<String>>,
}

impl Fill<'_> {
    fn key(&self, key: &str) -> String {
        if self.of_stranger.is_some() { key.to_owned() } else { expand(key, self.vars) }
    }

    fn text(&self, key: &str, text: &str) -> String {
        let host = || Url::parse(&format!("https:{key}")).ok().filter(|_| key.starts_with("//")).and_then(|url| authority(&url));
        let fills = self.of_stranger.as_ref().is_none_or(|hosts| host().is_some_and(|host| hosts.contains(&host)));
        if fills { expand(text.trim(), self.vars) } else { text.trim().to_owned() }
    }
}

/// The project's file. One of another user's, in a folder that all may write to, is nobody's word
/// whom to ask and what to send there.
fn of_project(
    around: &Surroundings,
    user: Option<&Path>,
    found: &mut Option<PathBuf>,
    (fill, findings): (&Fill<'_>, &mut Vec<ConfigFinding>),
) -> BTreeMap<String, Value> {
    let mut project = project::find(around);
    let path = found.insert(project.root.join(".npmrc")).clone();
    let mut counts = Some(path.as_path()) != user;
    if let Some(owner) = around.files.foreign(&path, &around.cwd).filter(|_| counts) {
        project.foreign.push((path.clone(), owner));
        counts = false;
    }
    findings.extend(project.foreign.iter().map(|(path, owner)| ConfigFinding {
        code: "npmrc-foreign",
        message: format!(
            "{} does not count: it belongs to the user {owner}, who is not you, root or the owner of the working folder",
            path.display()
        ),
    }));
    if counts { filled(around, &path, (fill, findings)) } else { BTreeMap::new() }
}

fn command_line(overrides: &Overrides) -> BTreeMap<String, Value> {
    let registry = overrides.registry.iter().map(|registry| ("registry".to_owned(), registry.clone()));
    overrides.settings.iter().cloned().chain(registry).map(|(key, value)| (key, Value::Text(value))).collect()
}

/// The registry that yarn 1 tells its scripts, taken out of the environment's: it is yarn's own,
/// also where an .npmrc names the one that yarn installs from and publishes to.
fn told_by_yarn(around: &Surroundings, env: &mut BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let by_yarn = around.var("npm_config_user_agent").is_some_and(|agent| agent.starts_with("yarn/1."));
    if by_yarn { env.remove_entry("registry").into_iter().collect() } else { BTreeMap::new() }
}

/// The registry that vlt publishes to. It reads no .npmrc, and tells its scripts in a variable of
/// its own.
fn told_by_vlt(around: &Surroundings, env: &mut BTreeMap<String, Value>) {
    if let Some(registry) = around.var("VLT_REGISTRY").filter(|_| is_script_of_vlt(&|name| around.var(name).map(str::to_owned))) {
        env.entry("registry".to_owned()).or_insert_with(|| Value::Text(registry.to_owned()));
    }
}

/// Whether vlt runs this program as a script of a package. It tells that by its own variables, and
/// gives no user agent as other package managers do.
pub fn is_script_of_vlt(variable: &dyn Fn(&str) -> Option<String>) -> bool {
    variable("npm_config_user_agent").is_none() && variable("npm_lifecycle_event").is_some() && variable("VLT_NODE_VERSION").is_some()
}

/// `npm_config_*` in any case: `_` is `-` but at the front, unless the key is an address
/// (`//host/:_authToken`).
fn environment(around: &Surroundings) -> BTreeMap<String, Value> {
    const PREFIX: &str = "npm_config_";
    let named = around
        .vars
        .iter()
        .filter(|(name, value)| !value.is_empty() && name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX)));
    let mut out = BTreeMap::new();
    for (name, value) in named {
        let key = name.get(PREFIX.len()..).unwrap_or("");
        let key = if key.starts_with("//") {
            key.to_owned()
        } else {
            let rest = key.strip_prefix('_').unwrap_or(key);
            format!("{}{}", if rest.len() < key.len() { "_" } else { "" }, rest.replace('_', "-")).to_lowercase()
        };
        out.insert(key, Value::Text(expand(value.trim(), &around.vars)));
    }
    out
}

/// A file's keys and values with the environment filled in; a file that is not there is an empty
/// layer.
fn read(around: &Surroundings, path: &Path, findings: &mut Vec<ConfigFinding>) -> BTreeMap<String, Value> {
    filled(around, path, (&Fill { vars: &around.vars, of_stranger: None }, findings))
}

fn filled(around: &Surroundings, path: &Path, (fill, findings): (&Fill<'_>, &mut Vec<ConfigFinding>)) -> BTreeMap<String, Value> {
    let text = match around.files.read_text(path) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                findings.push(ConfigFinding { code: "npmrc-unreadable", message: format!("{} cannot be read: {error}", path.display()) });
            }
            return BTreeMap::new();
        }
    };
    ini::parse(text.trim_start_matches('\u{feff}'))
        .into_iter()
        .map(|(key, value)| {
            let value = match value {
                Value::Text(text) => Value::Text(fill.text(&key, &text)),
                Value::List(list) => Value::List(list.iter().map(|text| fill.text(&key, text)).collect()),
            };
            (fill.key(&key), value)
        })
        .collect()
}

/// The npmrc that some distributions put into npm itself.
fn builtin_file(around: &Surroundings) -> Option<PathBuf> {
    let npm =
        match around.var("npm_execpath").map(Path::new).filter(|path| path.ends_with("bin/npm-cli.js") || path.ends_with("bin/npx-cli.js"))
        {
            Some(cli) => cli.parent()?.parent()?.to_owned(),
            None if cfg!(windows) => around.node.as_ref()?.parent()?.join("node_modules").join("npm"),
            None => around.node.as_ref()?.parent()?.parent()?.join("lib").join("node_modules").join("npm"),
        };
    Some(npm.join("npmrc"))
}

fn global_prefix(around: &Surroundings) -> Option<PathBuf> {
    if let Some(prefix) = around.var("PREFIX") {
        return Some(around.path(prefix));
    }
    let bin = around.node.as_ref()?.parent()?;
    if cfg!(windows) {
        return Some(bin.to_owned());
    }
    let prefix = bin.parent()?;
    Some(match around.var("DESTDIR") {
        Some(root) => around.path(root).join(prefix.strip_prefix("/").unwrap_or(prefix)),
        None => prefix.to_owned(),
    })
}
