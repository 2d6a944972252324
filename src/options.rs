//! What a caller may ask for, from the command line or from JavaScript, in one type.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use http::Client;
use isolation::Isolation;
use judge::SourceWord;
use npm_registry::provenance::Roots;
use npm_toolchain::choose::names_a_node;
use npm_toolchain::{Distribution, KeyRing, MAX_KEYS};
use npmrc::{AllowList, ProjectFile};
use rebuild::ToolchainByUser;
use recipe::Strategy;
use report::json::OptionsInfo;
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::{Accept, path_without_secrets, told_without_secrets, without_secrets};

/// The options of one run, as JavaScript passes them (camelCase) and the command line fills them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a caller's")]
pub struct Options {
    /// Judge anew even where a stored result exists.
    pub force: bool,
    /// Only these strategies; empty means all. `npm` stands for every strategy that packs the way
    /// npm does.
    pub strategy: Vec<String>,
    /// Where "reproduced" starts.
    pub accept: Accept,
    /// The registry in place of npm's configuration.
    pub registry: Option<String>,
    /// A git repository, with `#commit` or `#ref`, in place of the declared one; or a repository, a
    /// folder or a tar archive on this machine.
    pub source: Option<String>,
    /// Longest time for one package, in seconds; 0 means none.
    pub timeout: Option<f64>,
    /// Stored results that are older, in seconds, do not count.
    pub max_age: Option<f64>,
    /// Use stored results only.
    pub offline: bool,
    /// Do not read or write stored results: `cache: false` of JavaScript.
    #[serde(rename = "cache", deserialize_with = "is_off")]
    pub no_cache: bool,
    /// The folder of all caches.
    pub cache_dir: Option<PathBuf>,
    /// The file of results, relative to the folder or absolute.
    pub cache_file: Option<PathBuf>,
    /// Where to write the rebuilt tarball.
    pub emit: Option<PathBuf>,
    /// Node version for builds; by default it is worked out from the package.
    pub node: Option<String>,
    /// A distribution that Node comes from in place of the registry, laid out as nodejs.org/dist.
    pub node_dist: Option<String>,
    /// The OpenPGP keys that the distribution's releases are signed with: a file, armored or
    /// binary.
    pub node_keys: Option<PathBuf>,
    /// A file with the recipe to follow, in place of a search: what `attempts[].recipe` prints. It
    /// names the source too.
    pub recipe: Option<PathBuf>,
    /// How builds are isolated: `auto`, or a tier's name.
    pub isolation: Option<String>,
    /// Hosts (`host` or `host:port`) that builds may reach besides the registry, by TLS.
    pub allow_hosts: Vec<String>,
    /// Toolchains that no npm registry has, for builds: a name, and a folder with a `bin`.
    pub toolchain: BTreeMap<String, PathBuf>,
    /// Ask git's credential helpers too where a git host wants to know who asks: they are programs,
    /// and run.
    pub git_credentials: bool,
    /// A Sigstore `trusted_root.json` that provenance is checked with, in place of the embedded
    /// one.
    pub trusted_root: Option<PathBuf>,
    /// How many earlier versions are looked at; 0 for none.
    pub history: usize,
    /// Ends before the first build, without a verdict: the first pass of a survey.
    #[serde(skip)]
    pub puts_off_builds: bool,
    /// One client for many runs, made by the first: they share connections, and what a host asks
    /// for.
    #[serde(skip)]
    pub client: Option<Arc<OnceLock<Client>>>,
    /// Where the addon is installed, and with it the executable that builds run under.
    #[serde(skip)]
    pub installed: Option<PathBuf>,
    /// Where relative paths start and the project's `.npmrc` is looked for.
    pub cwd: Option<PathBuf>,
    /// Whose word the folder's `.npmrc` is.
    #[serde(skip)]
    pub project_file: ProjectFile,
    /// The folder whose `.npmrc` counts in place of that of `cwd`: that of a client's project, in
    /// its hook.
    #[serde(skip)]
    pub project: Option<PathBuf>,
    /// What goes before all of npm's configuration: what a client follows in its place, in its
    /// hook.
    #[serde(skip)]
    pub settings: Vec<(String, String)>,
}

/// Whether a switch is off.
fn is_off<'de, D: serde::Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    bool::deserialize(value).map(|is_on| !is_on)
}

/// An option that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// Not one of the strategies.
    #[error("there is no strategy {0}")]
    Strategy(String),
    /// An option without its value.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// Two options that leave nothing to answer from.
    #[error("{0} and {1} do not go together")]
    Both(&'static str, &'static str),
    /// A tarball that is to be made without a network.
    #[error("--emit needs a rebuild, and under --offline nothing is rebuilt")]
    EmitOffline,
    /// The folder of the file of results is not there.
    #[error("there is no folder {0}")]
    NoFolder(String),
    /// Not a host.
    #[error("{0} is not a host")]
    Host(String),
    /// Nothing that names a Node.
    #[error("{0} is not a version of Node")]
    Node(String),
    /// Not a number of seconds.
    #[error("{} is not a number of seconds", shown_number(*.0))]
    Timeout(f64),
    /// Not an age.
    #[error("{} is not an age in seconds", shown_number(*.0))]
    MaxAge(f64),
    /// Not a way to isolate builds.
    #[error("the isolation {0} is unknown")]
    Isolation(String),
    /// The trusted root cannot be read.
    #[error("{path} cannot be used as a trusted root: {reason}")]
    TrustedRoot {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Not the address of a distribution.
    #[error("{0} is not the address of a distribution of Node")]
    NodeDist(String),
    /// A distribution without keys.
    #[error("a distribution of Node is given, but no keys for its releases")]
    NodeKeysMissing,
    /// Keys without a distribution.
    #[error("keys of Node's releases are given, but no distribution")]
    NodeDistMissing,
    /// The keys cannot be read.
    #[error("{path} cannot be used as the keys of Node's releases: {reason}")]
    NodeKeys {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Not a toolchain that can be put in reach.
    #[error("{name} cannot be used as a toolchain: {reason}")]
    Toolchain {
        /// What the user calls it.
        name: String,
        /// Why.
        reason: String,
    },
    /// More versions than a history has.
    #[error("{0} is too many versions for a history")]
    History(usize),
    /// Not the address of a registry.
    #[error("{0} is not the address of a registry")]
    Registry(String),
    /// The options object has an unknown key or a value of the wrong type.
    #[error("the options cannot be read: {0}")]
    Unreadable(String),
}

impl Diagnostic for OptionsError {
    fn code(&self) -> &'static str {
        "usage"
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Strategy(_) => {
                let names: Vec<_> = Strategy::ALL.iter().map(|strategy| strategy.as_str()).collect();
                Some(format!("strategies of this version: {}, and npm for every strategy that packs the way npm does", names.join(", ")))
            }
            Self::Empty(option) => Some(format!("omit {option}, or give it a value")),
            Self::Both(..) => Some("without a network only what is stored can answer".into()),
            Self::EmitOffline => Some("omit one of them".into()),
            Self::NoFolder(_) => Some("make it, or name another file with --cache-file".into()),
            Self::Isolation(_) => Some("auto, namespaces, bwrap, landlock, or none for no isolation at all".into()),
            Self::Registry(_) => Some("for example https://registry.example/".into()),
            Self::Host(_) => Some("a name or an address, with a port to allow only that: host.example, host.example:8443".into()),
            Self::Node(_) => Some("a version, a range or a name: 20.11.1, 18, lts/hydrogen".into()),
            Self::Timeout(_) => Some("0 switches the limit off".into()),
            Self::MaxAge(_) => Some("0 takes no stored result".into()),
            Self::TrustedRoot { .. } => Some("use a Sigstore trusted_root.json; without --trusted-root the public one is used".into()),
            Self::NodeDist(_) => Some("https, without credentials or query, and the folder above the versions: https://nodejs.org/dist/".into()),
            Self::NodeKeysMissing | Self::NodeKeys { .. } => Some(
                "--node-keys (or REPRODUCE_NODE_KEYS) names a file of OpenPGP public keys; those of Node's releasers are in the project's repository \
                 nodejs/release-keys"
                    .into(),
            ),
            Self::Toolchain { .. } => Some("a name and a folder with a folder bin, for example --toolchain rust=/opt/rust".into()),
            Self::NodeDistMissing => Some("--node-dist (or REPRODUCE_NODE_DIST) names the distribution".into()),
            Self::History(_) => Some(format!("{MAX_HISTORY} at most")),
            Self::Unreadable(_) => Some("index.d.ts lists the options".into()),
        }
    }
}

/// A number as its user may have written it: no row of three hundred digits.
fn shown_number(number: f64) -> String {
    if number.abs() < 1e15 { number.to_string() } else { format!("{number:e}") }
}

/// Longest time for one package where the user says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Most earlier versions of one history.
const MAX_HISTORY: usize = 1000;
/// Largest trusted root that is read, in bytes. The public one has seven kilobytes.
const MAX_TRUSTED_ROOT: u64 = 4 << 20;

impl Options {
    /// The user's own trusted root and its sha256 in hex, if one was named; `cwd` is where a
    /// relative path starts.
    pub fn roots(&self, cwd: &Path) -> Result<Option<(Arc<Roots>, String)>, OptionsError> {
        let Some(path) = self.trusted_root.as_ref().map(|path| cwd.join(path)) else { return Ok(None) };
        let failed = |reason: String| OptionsError::TrustedRoot { path: path_without_secrets(&path.to_string_lossy()), reason };
        let mut json = String::new();
        let file = crate::pipes::open_named(&path).map_err(|error| failed(error.to_string()))?;
        file.take(MAX_TRUSTED_ROOT).read_to_string(&mut json).map_err(|error| failed(error.to_string()))?;
        let roots = Roots::read(&json).map_err(failed)?;
        let hash = hex::encode(Sha256::digest(json.as_bytes()));
        Ok(Some((Arc::new(roots), hash)))
    }

    /// The distribution that Node comes from, if the user names one here or in the environment;
    /// `cwd` is where a relative path starts.
    pub fn distribution(&self, variables: &BTreeMap<String, String>, cwd: &Path) -> Result<Option<Arc<Distribution>>, OptionsError> {
        let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty());
        let address = self.node_dist.as_ref().or_else(|| variable("REPRODUCE_NODE_DIST"));
        let keys = self.node_keys.clone().or_else(|| variable("REPRODUCE_NODE_KEYS").map(PathBuf::from));
        let (address, path) = match (address, keys) {
            (Some(address), Some(keys)) => (address, cwd.join(keys)),
            (None, None) => return Ok(None),
            (Some(_), None) => return Err(OptionsError::NodeKeysMissing),
            (None, Some(_)) => return Err(OptionsError::NodeDistMissing),
        };
        let failed = |reason: String| OptionsError::NodeKeys { path: path_without_secrets(&path.to_string_lossy()), reason };
        let mut bytes = Vec::new();
        let file = crate::pipes::open_named(&path).map_err(|error| failed(error.to_string()))?;
        file.take(MAX_KEYS + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > MAX_KEYS {
            return Err(failed(format!("it is larger than {MAX_KEYS} bytes")));
        }
        let keys = KeyRing::read(&bytes).map_err(failed)?;
        let shown = without_secrets(address);
        Distribution::at(address, keys).map(|made| Some(Arc::new(made))).ok_or(OptionsError::NodeDist(shown))
    }

    /// The toolchains that the user puts in reach of builds; `cwd` is where a relative path starts.
    pub fn toolchains(&self, cwd: &Path, home: Option<&Path>) -> Result<Vec<ToolchainByUser>, OptionsError> {
        let open = |(name, folder): (&String, &PathBuf)| {
            let opened = ToolchainByUser::open(name, &cwd.join(folder), home);
            opened.map_err(|reason| OptionsError::Toolchain { name: without_secrets(name), reason })
        };
        self.toolchain.iter().map(open).collect()
    }

    /// Where the rebuilt tarball goes, from the folder where paths start.
    pub fn emitted(&self) -> Option<PathBuf> {
        let path = self.emit.as_ref()?;
        Some(self.cwd.as_ref().map_or_else(|| path.clone(), |cwd| cwd.join(path)))
    }

    /// How many earlier versions are looked at.
    pub fn history(&self) -> Result<usize, OptionsError> {
        if self.history > MAX_HISTORY { Err(OptionsError::History(self.history)) } else { Ok(self.history) }
    }

    /// Reads the options object of the JavaScript surface.
    pub fn from_json(json: &str) -> Result<Self, OptionsError> {
        serde_json::from_str(json).map_err(|error| {
            // The place is one in a text that the caller never saw.
            let text = error.to_string();
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
            // Those that never come here, because JavaScript follows them itself.
            let rest = if what.starts_with("unknown field") { ", `signal`, `onProgress`, and `jobs` of reproduceMany" } else { "" };
            OptionsError::Unreadable(told_without_secrets(&format!("{what}{rest}")))
        })
    }

    /// The strategies that are allowed, in the order in which they are tried.
    pub fn strategies(&self) -> Result<Vec<Strategy>, OptionsError> {
        let mut allowed = Vec::new();
        for word in self.strategy.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|word| !word.is_empty()) {
            match (word, Strategy::parse(word)) {
                ("npm", _) => allowed.extend(Strategy::ALL.iter().filter(|strategy| strategy.packs_as_npm())),
                (_, Some(strategy)) => allowed.push(strategy),
                (_, None) => return Err(OptionsError::Strategy(without_secrets(word))),
            }
        }
        if self.strategy.is_empty() {
            return Ok(Strategy::ALL.to_vec());
        }
        if allowed.is_empty() {
            return Err(OptionsError::Empty("--strategy"));
        }
        Ok(Strategy::ALL.iter().copied().filter(|strategy| allowed.contains(strategy)).collect())
    }

    /// The source, where it is a path on this machine, by npm's own rule for what is one
    /// (npm-package-arg 11): it begins with `.`, `/`, `~/` or `file:`, or is named like an archive.
    /// A commit or ref stands behind `#`.
    pub fn local_source(&self) -> Option<(PathBuf, Option<&str>)> {
        let source = self.source.as_deref()?;
        let (place, commit) = match source.rsplit_once('#') {
            Some((place, commit)) => (place, Some(commit).filter(|commit| !commit.is_empty())),
            None => (source, None),
        };
        if let Some(url) = url::Url::parse(place).ok().filter(|url| url.scheme() == "file") {
            return url.to_file_path().ok().map(|path| (path, commit));
        }
        let is_path = ["./", "../", "/", "~/", ".\\", "..\\"].iter().any(|start| place.starts_with(start)) || matches!(place, "." | "..");
        let is_drive = matches!(place.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
        let is_archive = !place.contains("://") && [".tgz", ".tar.gz", ".tar.xz", ".tar"].iter().any(|end| place.ends_with(end));
        (is_path || is_drive || is_archive).then(|| (PathBuf::from(place), commit))
    }

    /// The source in place of the declared one, if the user names one.
    pub fn source_word(&self) -> Option<SourceWord> {
        let here = self.local_source().map(|(path, fragment)| SourceWord::Here { path, fragment: fragment.map(str::to_owned) });
        here.or_else(|| self.source.clone().map(SourceWord::Address))
    }

    /// How builds are isolated.
    pub fn isolation(&self) -> Result<Isolation, OptionsError> {
        let word = self.isolation.as_deref().unwrap_or("auto");
        Isolation::parse(word).map_err(|_| OptionsError::Isolation(without_secrets(word)))
    }

    /// The hosts that builds may reach besides the registry.
    pub fn hosts(&self) -> Result<AllowList, OptionsError> {
        // What is read is what was written: of an address its scheme would be taken for the host.
        let is_one = |host: &str| {
            AllowList::parse(host).names().iter().any(|name| name.trim_matches(['[', ']']) == host.trim_matches(['[', ']']).to_lowercase())
        };
        match self.allow_hosts.iter().find(|host| !is_one(host)) {
            Some(host) => Err(OptionsError::Host(without_secrets(host))),
            None => Ok(AllowList::parse(&self.allow_hosts.join(","))),
        }
    }

    /// Refuses a source that is an empty text: a variable that a script did not set.
    pub fn check_source(&self) -> Result<(), OptionsError> {
        match self.source.as_deref() {
            Some(text) if text.trim().is_empty() => Err(OptionsError::Empty("--source")),
            _ => Ok(()),
        }
    }

    /// Refuses a cache without a name, which would be the working folder, and a file of results in
    /// a folder that is not there: none is made outside of the cache.
    pub fn check_cache(&self) -> Result<(), OptionsError> {
        for (name, path) in [("--cache-dir", &self.cache_dir), ("--cache-file", &self.cache_file)] {
            if path.as_deref().is_some_and(|path| path.as_os_str().is_empty()) {
                return Err(OptionsError::Empty(name));
            }
        }
        if self.offline && (self.force || self.no_cache) {
            return Err(OptionsError::Both("--offline", if self.force { "--force" } else { "--no-cache" }));
        }
        if self.offline && self.emit.is_some() {
            return Err(OptionsError::EmitOffline);
        }
        let folder = self.cache_file.as_deref().filter(|file| file.is_absolute()).and_then(Path::parent);
        match folder {
            Some(folder) if !folder.is_dir() => Err(OptionsError::NoFolder(path_without_secrets(&folder.to_string_lossy()))),
            _ => Ok(()),
        }
    }

    /// Refuses a registry that is not an http or https address.
    pub fn check_registry(&self) -> Result<(), OptionsError> {
        match self.registry.as_deref() {
            Some(text) if !url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) => {
                Err(OptionsError::Registry(without_secrets(text)))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a Node that is neither a version nor a range nor a name.
    pub fn check_node(&self) -> Result<(), OptionsError> {
        match self.node.as_deref() {
            Some(text) if !names_a_node(text) => Err(OptionsError::Node(without_secrets(text))),
            _ => Ok(()),
        }
    }

    /// The longest time for one package, or `None` for no limit.
    pub fn limit(&self) -> Result<Option<Duration>, OptionsError> {
        match self.timeout {
            None => Ok(Some(DEFAULT_TIMEOUT)),
            Some(0.0) => Ok(None),
            Some(seconds) => Duration::try_from_secs_f64(seconds).map(Some).map_err(|_| OptionsError::Timeout(seconds)),
        }
    }

    /// How old a stored result may be; `None` where age does not matter.
    pub fn max_age(&self) -> Result<Option<Duration>, OptionsError> {
        let age = |seconds| Duration::try_from_secs_f64(seconds).map_err(|_| OptionsError::MaxAge(seconds));
        self.max_age.map(age).transpose()
    }

    /// The options that could change an answer, as they are stored with it.
    pub fn info(&self, registry: Option<String>, rewrites: Option<String>) -> Result<OptionsInfo, OptionsError> {
        let shown = |source: &str| if self.local_source().is_some() { source.to_owned() } else { without_secrets(source) };
        let source = self.source.as_deref().map(shown);
        Ok(OptionsInfo {
            accept: self.accept,
            registry,
            strategies: self.strategies()?,
            source,
            rewrites,
            node: self.node.clone(),
            isolation: self.isolation.clone(),
            allow_hosts: self.hosts()?.names(),
            toolchains: Vec::new(),
            recipe: None,
            trusted_root: None,
            node_dist: None,
            node_keys: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_on_this_machine_is_told_by_npms_rule() {
        let local = |source: &str| {
            Options { source: Some(source.into()), ..Options::default() }
                .local_source()
                .map(|(path, commit)| (path.to_string_lossy().into_owned(), commit.map(str::to_owned)))
        };
        assert_eq!(local("./x#v1"), Some(("./x".into(), Some("v1".into()))));
        assert_eq!(local("a_1.0.orig.tar.gz"), Some(("a_1.0.orig.tar.gz".into(), None)));
        assert_eq!(local("file:///tmp/a#"), Some(("/tmp/a".into(), None)));
        assert_eq!(local("."), Some((".".into(), None)));
        for remote in ["owner/name", "https://host.example/x.tar.gz", "github:owner/name#main", "git@host.example:o/n.git"] {
            assert_eq!(local(remote), None, "{remote}");
        }
    }

    #[test]
    fn hosts_are_read_or_refused() {
        let hosts =
            |hosts: &[&str]| Options { allow_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), ..Options::default() }.hosts();
        assert_eq!(hosts(&["b.example:8443", "a.example"]).expect("hosts").names(), ["a.example", "b.example:8443"]);
        for wrong in ["", "https://a.example/", "a b", "a.example,b.example"] {
            assert!(hosts(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn npm_is_every_strategy_that_packs_as_npm() {
        let options = Options { strategy: vec!["npm".into()], ..Options::default() };
        assert_eq!(options.strategies().expect("known"), vec![Strategy::Source, Strategy::Npm]);
    }

    #[test]
    fn an_unknown_strategy_is_refused_with_the_list() {
        let options = Options { strategy: vec!["source,gulp".into()], ..Options::default() };
        let error = options.strategies().expect_err("unknown");
        assert!(error.hint().expect("hint").contains("source"));
    }

    #[test]
    fn an_unknown_option_is_refused() {
        let unknown = Options::from_json("{\"cachedir\":\"x\"}").expect_err("unknown").to_string();
        assert!(unknown.contains("cachedir") && !unknown.contains(" line "), "{unknown}");
        assert!(Options::from_json("{\"cacheDir\":\"x\",\"accept\":\"identical\"}").is_ok());
    }

    #[test]
    fn a_negative_time_is_refused_and_zero_is_no_limit() {
        assert!(Options { timeout: Some(-1.0), ..Options::default() }.limit().is_err());
        let huge = Options { timeout: Some(1e308), ..Options::default() }.limit().expect_err("too long").to_string();
        assert_eq!(huge, "1e308 is not a number of seconds");
        assert_eq!(Options { timeout: Some(0.0), ..Options::default() }.limit().expect("valid"), None);
    }
}
