//! npm's configuration, as far as it says which registry to ask, how to reach it and as whom.
//!
//! In: [`Surroundings`] (environment, folders, a way to read files) and the command line's own
//! settings. Out: an [`NpmConfig`]. The layers and their order are those of @npmcli/config 10 (npm
//! 11): built in, global, user, project, environment, command line. Keys that this program has no
//! use for are ignored. Secrets are kept in a type that cannot be printed.

mod allow_list;
mod auth;
mod env;
mod ini;
mod layers;
mod network;
mod project;
mod proxy;
mod rewrite;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use verdict::diagnostic::{Diagnostic, Stage};

pub use allow_list::AllowList;
pub use auth::{Auth, ClientIdentity, Secret};
pub use env::{Files, OsFiles, Surroundings};
pub use layers::is_script_of_vlt;
pub use network::Network;
pub use proxy::ProxyRules;
pub use rewrite::ReplaceHost;

use layers::Layers;

/// The registry that npm asks when nothing is configured.
pub const DEFAULT_REGISTRY: &str = "https://registry.npmjs.org/";

/// npm's configuration, read once at the start.
#[derive(Debug, Clone)]
pub struct NpmConfig {
    /// The registry of every package without a scope of its own. Ends with a slash.
    pub registry: Url,
    /// The tag that a bare name stands for (npm's `tag`).
    pub default_tag: String,
    /// Only versions published up to this time (npm's `before` or `min-release-age`), RFC 3339 as
    /// configured.
    pub before: Option<String>,
    /// What is replaced in a tarball's address (npm's `replace-registry-host`).
    pub replace_host: ReplaceHost,
    /// How to reach any host: proxies, certificates, retries.
    pub network: Network,
    /// What was wrong with the configuration and was left out. Never holds a value.
    pub findings: Vec<ConfigFinding>,
    layers: Layers,
}

/// Something in the configuration that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFinding {
    /// Stable, kebab-case.
    pub code: &'static str,
    /// Which key, and why. Never its value.
    pub message: String,
}

impl ConfigFinding {
    /// Whether nothing may be asked: what the setting was to keep away from the public registry, or
    /// from the open network, would go there.
    pub fn is_fatal(&self) -> bool {
        matches!(self.code, "invalid-registry" | "invalid-proxy" | "npmrc-unreadable" | "cafile-unreadable")
    }
}

/// A configuration that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("npm's configuration is invalid: {}", .0.message)]
pub struct ConfigError(pub ConfigFinding);

impl Diagnostic for ConfigError {
    fn code(&self) -> &'static str {
        self.0.code
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("correct the setting; `npm config ls -l` tells which file or variable it is in".into())
    }
}

/// What the command line says over npm's configuration.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--registry`.
    pub registry: Option<String>,
    /// Further keys, as in an .npmrc file.
    pub settings: Vec<(String, String)>,
    /// Whose word the project's file is.
    pub project: ProjectFile,
}

/// Whose word the `.npmrc` of a project is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProjectFile {
    /// The user's own.
    #[default]
    Own,
    /// A stranger's, perhaps: what it says of variables counts only for hosts that the user's own
    /// configuration names.
    OfStranger,
    /// Nobody's: it does not count.
    Ignored,
}

impl NpmConfig {
    /// Reads every layer. What cannot be read or used is left out and noted in `findings`; see
    /// [`Self::check`].
    pub fn load(around: &Surroundings, overrides: &Overrides) -> Self {
        let mut findings = Vec::new();
        let layers = Layers::load(around, overrides, &mut findings);
        for key in layers.keys().filter(|key| key.starts_with('@') && key.ends_with(":registry")) {
            layers.text(key).and_then(|text| base_url(&text, key, &mut findings));
        }
        let registry = layers.text("registry").and_then(|text| base_url(&text, "registry", &mut findings)).unwrap_or_else(default_registry);
        Self {
            default_tag: layers.text("tag").filter(|tag| !tag.is_empty()).unwrap_or_else(|| "latest".to_owned()),
            before: layers.text("before").filter(|text| !text.is_empty()),
            replace_host: ReplaceHost::parse(layers.text("replace-registry-host").as_deref()),
            network: Network::read(&layers, around, &mut findings),
            registry,
            findings,
            layers,
        }
    }

    /// The files of the configuration, there or not, and those of certificates and keys that it
    /// names.
    pub fn files(&self) -> Vec<PathBuf> {
        self.layers.files()
    }

    /// An error where a setting that says whom to ask cannot be followed: no other registry and no
    /// other way stands in for it.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.findings.iter().find(|finding| finding.is_fatal()).map_or(Ok(()), |finding| Err(ConfigError(finding.clone())))
    }

    /// The registry of a package: its scope's, or the default one. Ends with a slash.
    pub fn registry_for(&self, name: &str) -> Url {
        self.scope_registry(name).unwrap_or_else(|| self.registry.clone())
    }

    /// The registry of a package's scope, where one is configured. Ends with a slash.
    pub fn scope_registry(&self, name: &str) -> Option<Url> {
        let (scope, _) = name.strip_prefix('@')?.split_once('/')?;
        base_url(&self.layers.text(&format!("@{scope}:registry"))?, "registry", &mut Vec::new())
    }

    /// Every registry that the configuration names. Their hosts and ports are the user's own
    /// choice.
    pub fn registries(&self) -> Vec<Url> {
        let mut all = vec![self.registry.clone()];
        let scoped = self.layers.keys().filter(|key| key.starts_with('@') && key.ends_with(":registry"));
        all.extend(scoped.filter_map(|key| self.layers.text(key)).filter_map(|text| base_url(&text, "registry", &mut Vec::new())));
        all
    }

    /// The credentials for one address: those of the longest configured `//host/path/` above it
    /// (npm-registry-fetch 19).
    ///
    /// Stricter than npm in two ways: a tarball outside of the registry's configured path gets
    /// nothing, and plain http gets nothing unless the user configured that very registry with
    /// http.
    pub fn auth_for(&self, url: &Url) -> Option<Auth> {
        if url.scheme() == "http" && !self.registries().iter().any(|registry| registry.origin() == url.origin()) {
            return None;
        }
        auth::find(&self.layers, url)
    }

    /// The address that a tarball is really fetched from, by the rules of `replace-registry-host`.
    pub fn tarball_url(&self, published: &Url, registry: &Url) -> Url {
        self.replace_host.apply(published, registry)
    }

    /// Where npm keeps its cache, if the configuration says so.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        self.layers.path("cache")
    }
}

impl Network {
    /// npm's default for `fetch-retries`.
    pub const RETRIES: u32 = 2;
    /// How long to wait for the next bytes when `fetch-timeout` is not configured. npm waits five
    /// minutes.
    pub const READ_TIMEOUT: Duration = Duration::from_secs(60);
}

fn default_registry() -> Url {
    // The constant is an address; should it ever not be, no request can be made at all.
    Url::parse(DEFAULT_REGISTRY).unwrap_or_else(|_| unreachable!("the default registry is an address"))
}

/// Reads a registry's address; it ends with a slash, and has no query, fragment or credentials.
fn base_url(text: &str, key: &str, findings: &mut Vec<ConfigFinding>) -> Option<Url> {
    let mut note = |code, message: String| findings.push(ConfigFinding { code, message });
    let parsed = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = parsed else {
        note("invalid-registry", format!("{key} is not an http or https address"));
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        note("credentials-in-address", format!("{key} has credentials in its address; they were ignored: npm expects them under //host/"));
        // Both fail only for addresses without a host.
        let _ = (url.set_username(""), url.set_password(None));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Some(url)
}

/// The README's example is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
