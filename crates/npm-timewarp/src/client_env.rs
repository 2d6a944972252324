//! The variables that point each package manager at the loopback registry, and keep it from asking
//! anybody else.
//!
//! The environment goes before a project's own `.npmrc`, `.yarnrc` and `.yarnrc.yml` in npm 6 to
//! 11, pnpm 8 to 10, yarn 1 and yarn 4. What it cannot override is what
//! [`redirected`](super::redirected) changes in the files; the scopes of a `bunfig.toml` stay, and
//! lead nowhere.

use std::path::Path;

use url::Url;

/// Most scopes that are read from one file.
const MAX_SCOPES: usize = 1000;
/// Longest name of a variable that is set for a configuration.
const LONGEST_NAME: usize = 100;
/// Where npm would install programs for all projects, below the home directory.
pub const GLOBAL: &str = ".global";
/// Clients wait for us and not for the network: we fetch with retries of our own.
const PATIENCE: &str = "600000";

/// A package manager, as far as its configuration differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Manager {
    /// npm of any version.
    Npm,
    /// yarn 0 and 1.
    Yarn1,
    /// yarn 2 and later.
    Berry,
    /// pnpm of any version.
    Pnpm,
    /// bun.
    Bun,
}

/// Every variable for one package manager. `home` is the home directory that it will see, `stores`
/// a folder on the same mount as the project, for what it links files from (no link leads from one
/// mount to another, and to copy every file takes minutes); `scopes` are those that the project
/// sends to registries of their own ([`scopes`]).
pub fn client_env(manager: Manager, base: &str, home: &Path, stores: &Path, scopes: &[String]) -> Vec<(String, String)> {
    let below_home = |tail: &str| home.join(tail).display().to_string();
    let host = Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let ourselves = format!("{host},localhost,127.0.0.1");
    let mut env: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: &str| env.push((name.to_owned(), value.to_owned()));

    // Whatever else wants to reach the network is told no at once, and is recorded.
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
        set(name, base);
    }
    for name in ["NO_PROXY", "no_proxy", "npm_config_noproxy"] {
        set(name, &ourselves);
    }
    // All but berry read npm's variables; build scripts call npm under any manager.
    let npm = [
        ("registry", base),
        ("replace_registry_host", "always"),
        ("audit", "false"),
        ("fund", "false"),
        ("update_notifier", "false"),
        ("progress", "false"),
        ("yes", "true"),
        // npx looks into it, and beside the Node of a build there is none.
        ("prefix", &below_home(GLOBAL)),
        ("fetch_retries", "1"),
        ("fetch_retry_mintimeout", "1000"),
        ("fetch_timeout", PATIENCE),
    ];
    for (key, value) in npm {
        set(&format!("npm_config_{key}"), value);
    }
    for scope in scopes {
        set(&format!("npm_config_{scope}:registry"), base);
    }
    let everybody = [
        ("NO_UPDATE_NOTIFIER", "1"),
        ("DO_NOT_TRACK", "1"),
        ("DISABLE_OPENCOLLECTIVE", "1"),
        ("ADBLOCK", "1"),
        ("COREPACK_NPM_REGISTRY", base.trim_end_matches('/')),
        ("COREPACK_ENABLE_DOWNLOAD_PROMPT", "0"),
        ("COREPACK_INTEGRITY_KEYS", "0"),
    ];
    for (name, value) in everybody {
        set(name, value);
    }
    of_manager(manager, &Places { base, host: &host, home, stores }, scopes, &mut set);
    env
}

/// Where things are for the build's package manager.
struct Places<'a> {
    /// The loopback registry, and its host.
    base: &'a str,
    host: &'a str,
    /// The home directory.
    home: &'a Path,
    /// A folder on the same mount as the project.
    stores: &'a Path,
}

impl Places<'_> {
    fn below_home(&self, tail: &str) -> String {
        self.home.join(tail).display().to_string()
    }
}

/// The variables that one manager reads.
fn of_manager(manager: Manager, places: &Places<'_>, scopes: &[String], set: &mut dyn FnMut(&str, &str)) {
    let Places { base, host, stores, .. } = *places;
    match manager {
        Manager::Npm => set("npm_config_cache", &places.below_home(".npm")),
        Manager::Yarn1 => {
            set("YARN_REGISTRY", base);
            set("YARN_CACHE_FOLDER", &places.below_home(".cache/yarn"));
            set("YARN_NETWORK_TIMEOUT", PATIENCE);
            set("YARN_DISABLE_SELF_UPDATE_CHECK", "true");
        }
        Manager::Berry => {
            set("YARN_NPM_REGISTRY_SERVER", base);
            set("YARN_UNSAFE_HTTP_WHITELIST", host);
            set("YARN_HTTPS_PROXY", base);
            set("YARN_GLOBAL_FOLDER", &places.below_home(".yarn/berry"));
            // The project's own cache folder would be packed with it.
            set("YARN_ENABLE_GLOBAL_CACHE", "true");
            set("YARN_ENABLE_TELEMETRY", "0");
            set("YARN_ENABLE_IMMUTABLE_INSTALLS", "false");
            set("YARN_HTTP_TIMEOUT", PATIENCE);
            set("YARN_HTTP_RETRY", "1");
        }
        Manager::Pnpm => of_pnpm(places, scopes, set),
        Manager::Bun => {
            set("BUN_CONFIG_REGISTRY", base);
            set("BUN_INSTALL_CACHE_DIR", &stores.join(".bun-cache").display().to_string());
        }
    }
}

/// The variables that pnpm reads.
fn of_pnpm(places: &Places<'_>, scopes: &[String], set: &mut dyn FnMut(&str, &str)) {
    let Places { base, stores, .. } = *places;
    // Without it the store lies at the root of the file system that the project is on.
    for (key, value) in [("store_dir", stores.join(".pnpm-store").display().to_string()), ("cache_dir", places.below_home(".cache/pnpm"))] {
        set(&format!("npm_config_{key}"), &value);
        set(&format!("pnpm_config_{key}"), &value);
    }
    // pnpm 11 reads its settings under its own name. What it holds against today's registry or
    // installs by itself before a script is none of a build of some years ago.
    let settings = [
        ("manage_package_manager_versions", "false"),
        ("pm_on_fail", "ignore"),
        ("confirm_modules_purge", "false"),
        ("minimum_release_age", "0"),
        ("trust_policy", "off"),
        ("block_exotic_subdeps", "false"),
        ("verify_deps_before_run", "false"),
    ];
    for (key, value) in settings {
        set(&format!("npm_config_{key}"), value);
        set(&format!("pnpm_config_{key}"), value);
    }
    for scope in scopes {
        set(&format!("pnpm_config_{scope}:registry"), base);
    }
    set("pnpm_config_registry", base);
    set("pnpm_config_fetch_timeout", PATIENCE);
    set("pnpm_config_fetch_retries", "1");
}

/// The variables that a configuration of npm, yarn or pnpm asks for, as in `${NPM_TOKEN}`: npm up
/// to 6 and yarn stop where one is not set.
pub fn variables(configuration: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(configuration);
    let names = text.split("${").skip(1).map(|rest| rest.split(['}', ':', '-']).next().unwrap_or_default());
    let is_name = |name: &&str| {
        name.len() <= LONGEST_NAME
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    names.filter(is_name).take(MAX_SCOPES).map(str::to_owned).collect()
}

/// The scopes that an `.npmrc` sends to registries of their own, as in `@scope:registry=…`.
pub fn scopes(npmrc: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(npmrc);
    let keys = text.lines().filter_map(|line| line.split_once('=')).map(|(key, _)| key.trim().trim_matches(['"', '\'']));
    let is_scope = |scope: &&str| {
        scope.len() > 1
            && scope.strip_prefix('@').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)))
    };
    keys.filter_map(|key| key.strip_suffix(":registry")).filter(is_scope).take(MAX_SCOPES).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_scopes_of_a_projects_npmrc_are_sent_here_too() {
        let found = scopes(b"registry=https://a/\n@x:registry = https://b/\n; @y:registry=https://c/\n\"@z\":registry=\n@a/b:registry=x\n//h/:_authToken=t\n");
        assert_eq!(found, ["@x"]);
        let env: BTreeMap<String, String> =
            client_env(Manager::Npm, "http://127.0.0.1:4873/", Path::new("/home/b"), Path::new("/b"), &found).into_iter().collect();
        assert_eq!(env["npm_config_@x:registry"], "http://127.0.0.1:4873/");
    }

    #[test]
    fn variables_that_a_configuration_asks_for_are_found() {
        let npmrc = b"//registry.example/:_authToken=${NPM_TOKEN}\nemail=${A_1}x${}\n${1A}=${a b}";
        assert_eq!(variables(npmrc), ["NPM_TOKEN", "A_1"]);
        assert_eq!(variables(b"npmAuthToken: ${TOKEN:-none}\ncafile: ${DIR-}\n$X"), ["TOKEN", "DIR"]);
    }

    #[test]
    fn every_manager_has_its_registry_and_its_caches_where_it_is_told() {
        for manager in [Manager::Npm, Manager::Yarn1, Manager::Berry, Manager::Pnpm, Manager::Bun] {
            let env = client_env(manager, "http://127.0.0.1:4873/", Path::new("/home/b"), Path::new("/b"), &[]);
            assert!(env.iter().any(|(_, value)| value.starts_with("/home/b/") || value.starts_with("/b/")), "{manager:?}");
            assert!(
                env.iter().filter(|(name, value)| name.to_lowercase().contains("registry") && value == "http://127.0.0.1:4873/").count()
                    >= 1
            );
            let names: BTreeMap<_, _> = env.iter().cloned().collect();
            assert_eq!(names.len(), env.len(), "{manager:?}: a variable is set twice");
        }
    }
}
