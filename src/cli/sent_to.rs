//! The registry that a client sent a package to, by the settings that it follows itself.
//!
//! npm's configuration is what all have in common. What each of them reads beside it, and which of
//! two settings counts, was tried with the clients (`__test__/hooks.test.mjs`). Where a setting may
//! have decided and its rule is not known, it is named, and nothing is judged.

use std::path::{Path, PathBuf};

use serde_json::Value;
use url::Url;

use npmrc::{NpmConfig, Overrides, Surroundings};
use store::at_hand;

use super::client_process::ClientProcess;

/// Largest file of settings that is read, and how far up one is looked for.
const MAX_FILE: u64 = 1 << 20;
const MAX_DEPTH: usize = 64;

/// Where a package was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SentTo {
    /// The registry; `None` where npm's configuration says it.
    pub(super) registry: Option<String>,
    /// The folder whose `.npmrc` counts; `None` for that of this process.
    pub(super) project: Option<PathBuf>,
    /// The setting that may have decided, and that is not followed.
    pub(super) lost: Option<String>,
}

/// What a hook knows of the publish.
pub(super) struct Publish<'a> {
    /// The client's user agent: `npm/11.4.0 node/v22.1.0 …`.
    pub(super) agent: &'a str,
    /// The package's name.
    pub(super) name: &'a str,
    /// Its `publishConfig`.
    pub(super) own: &'a Value,
    /// Its folder.
    pub(super) folder: &'a Path,
    /// The client's process, where the system shows it.
    pub(super) process: Option<&'a ClientProcess>,
    /// Variables, folders and files of this process.
    pub(super) around: Surroundings,
}

/// Finds out where a package was sent.
pub(super) fn sent_to(publish: &Publish<'_>) -> SentTo {
    let (client, version) = publish.agent.split_whitespace().next().and_then(|word| word.split_once('/')).unwrap_or_default();
    let major = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    let project = match (client, major) {
        ("pnpm", ..=10) => publish.folder.to_owned(),
        ("npm" | "pnpm" | "yarn" | "bun", _) => publish.started(matches!(client, "npm" | "bun")),
        _ => publish.folder.to_owned(),
    };
    if publish.npmrc(&project, true).check().is_err() {
        // It is said where the configuration is read.
        return SentTo { project: Some(project), ..SentTo::default() };
    }
    let found = match (client, major) {
        ("pnpm", ..=10) => publish.by_old_pnpm(),
        ("pnpm", _) => publish.by_pnpm(&project),
        ("yarn", ..=1) => publish.by_yarn(&project),
        ("bun", _) => publish.by_bun(&project),
        // Nothing is known of others.
        _ => publish.by_npm(&project),
    };
    match found {
        Ok(registry) => SentTo { registry: Some(registry.into()), project: Some(project), lost: None },
        Err(lost) => SentTo { registry: None, project: Some(project), lost: Some(lost) },
    }
}

type Found = Result<Url, String>;

impl Publish<'_> {
    /// The client's project: its `.npmrc` is looked for from there. Of others than those that tell
    /// it, that is where it was started.
    fn started(&self, tells: bool) -> PathBuf {
        let told = |name| self.around.var(name).map(PathBuf::from);
        let project = told("npm_config_local_prefix").filter(|_| tells);
        let place = project.or_else(|| self.process?.folder.clone()).or_else(|| told("INIT_CWD"));
        place.unwrap_or_else(|| self.folder.to_owned())
    }

    /// The package's scope, with its `@`.
    fn scope(&self) -> Option<&str> {
        self.name.split_once('/').map(|(scope, _)| scope).filter(|scope| scope.starts_with('@'))
    }

    fn scope_key(&self) -> Option<String> {
        self.scope().map(|scope| format!("{scope}:registry"))
    }

    /// The address of a setting; an error where it is none.
    fn address(setting: &str, text: &str) -> Found {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && !text.contains('$'));
        let mut url = url.ok_or_else(|| format!("{setting} is not an address"))?;
        // Who the user is there is the affair of the client.
        let bare = url.set_username("").and_then(|()| url.set_password(None));
        bare.map_err(|()| format!("{setting} is not an address"))?;
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(url)
    }

    /// What publishConfig says of a key.
    fn of_manifest(&self, key: &str) -> Option<Found> {
        let text = self.own.get(key)?.as_str()?;
        Some(Self::address(&format!("publishConfig.{key}"), text))
    }

    fn of_manifest_scope(&self) -> Option<Found> {
        self.scope_key().and_then(|key| self.of_manifest(&key))
    }

    /// What the client's words say of a key.
    fn of_words(&self, key: &str) -> Option<Found> {
        let text = self.process?.option(key)?;
        Some(Self::address(&format!("--{key}"), &text))
    }

    fn of_words_scope(&self) -> Option<Found> {
        self.scope_key().and_then(|key| self.of_words(&key))
    }

    /// A variable as the client had it, in lower or upper case.
    fn variable(&self, name: &str) -> Option<Found> {
        let text = match self.process {
            Some(process) => process.variable(name)?.to_owned(),
            None => self.around.var_any_case(name)?.to_owned(),
        };
        Some(Self::address(name, &text))
    }

    /// npm's configuration from a folder. `variable`: whether the variable for the registry counts
    /// that this process has.
    fn npmrc(&self, folder: &Path, variable: bool) -> NpmConfig {
        let mut around = Surroundings { cwd: folder.to_owned(), ..self.around.clone() };
        around.vars.retain(|name, _| variable || !name.eq_ignore_ascii_case("npm_config_registry"));
        NpmConfig::load(&around, &Overrides::default())
    }

    /// npm (11 and 12): a scope's registry goes before the one for all, the command line before
    /// publishConfig, and that before what is configured. It tells its scripts what counts.
    fn by_npm(&self, started: &Path) -> Found {
        let config = self.npmrc(started, true);
        let scope = || config.scope_registry(self.name).map(Ok);
        let of_scope = self.of_words_scope().or_else(|| self.of_manifest_scope()).or_else(scope);
        let found = of_scope.or_else(|| self.of_words("registry")).or_else(|| self.of_manifest("registry"));
        found.unwrap_or(Ok(config.registry))
    }

    /// pnpm up to 10 has npm publish from the package's folder, and passes its command line on. A
    /// registry that it has from elsewhere it tells its scripts, and not npm.
    fn by_old_pnpm(&self) -> Found {
        let config = self.npmrc(self.folder, false);
        let scope = || config.scope_registry(self.name).map(Ok);
        let of_scope = self.of_words_scope().or_else(|| self.of_manifest_scope()).or_else(scope);
        let named = of_scope.or_else(|| self.of_words("registry")).or_else(|| self.of_manifest("registry"));
        if let Some(found) = named.or_else(|| self.process.and_then(|_| self.variable("npm_config_registry"))) {
            return found;
        }
        let told = self.around.var("npm_config_registry").map(|text| Self::address("npm_config_registry", text)).transpose()?;
        match told {
            // Nobody shows whether the variable was there before pnpm, or is pnpm's own.
            Some(told) if self.process.is_none() && told != config.registry => Err("the registry that pnpm tells its scripts".to_owned()),
            _ => Ok(config.registry),
        }
    }

    /// pnpm 11 and 12: publishConfig goes before all, then a scope's registry, the command line,
    /// pnpm's own variable, pnpm-workspace.yaml and .npmrc; npm's variable does not count.
    fn by_pnpm(&self, started: &Path) -> Found {
        if let Some(found) = self.of_manifest_scope().or_else(|| self.of_manifest("registry")).or_else(|| self.of_words_scope()) {
            return found;
        }
        let yaml = Workspace::find(started)?;
        let config = self.npmrc(started, false);
        let of_yaml = |pointer: &str| {
            let text = yaml.settings.pointer(pointer)?.as_str()?;
            Some(Self::address(&format!("pnpm-workspace.yaml{}", pointer.replace('/', "#")), text))
        };
        let scope = self.scope().and_then(|scope| of_yaml(&format!("/registries/{scope}")));
        if let Some(found) = scope.or_else(|| config.scope_registry(self.name).map(Ok)) {
            return found;
        }
        let named = self.of_words("registry").or_else(|| self.variable("pnpm_config_registry"));
        if let Some(found) = named.or_else(|| of_yaml("/registry")).or_else(|| of_yaml("/registries/default")) {
            return found;
        }
        let home = self.around.var("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = home.or_else(|| self.around.home.as_ref().map(|home| home.join(".config")));
        let others = home.map(|home| home.join("pnpm/config.yaml")).into_iter().chain(yaml.other_npmrc);
        others.filter(|path| mentions_registry(path)).map(|path| Err(path.display().to_string())).next().unwrap_or(Ok(config.registry))
    }

    /// yarn 1: publishConfig's registry, a scope's in .npmrc, the command line, the variables and
    /// .npmrc; what it tells its scripts is its own of .yarnrc, which counts last.
    fn by_yarn(&self, started: &Path) -> Found {
        let config = self.npmrc(started, true);
        let found = self.of_manifest("registry").or_else(|| config.scope_registry(self.name).map(Ok)).or_else(|| self.of_words("registry"));
        if let Some(found) = found {
            return found;
        }
        // The variable that this process has is yarn's word, and may hide the one that was there.
        let npm = self.process.and_then(|_| self.variable("npm_config_registry")).transpose()?;
        match (self.variable("YARN_REGISTRY").transpose()?, npm) {
            (Some(yarn), Some(npm)) if yarn != npm => Err("YARN_REGISTRY beside npm_config_registry".to_owned()),
            (Some(found), _) | (None, Some(found)) => Ok(found),
            (None, None) => Ok(config.registry),
        }
    }

    /// bun: a scope's registry goes before the one for all, the command line before publishConfig,
    /// and bunfig.toml before .npmrc.
    fn by_bun(&self, started: &Path) -> Found {
        if self.of_manifest_scope().is_some() {
            return Err(format!("publishConfig.{}", self.scope_key().unwrap_or_default()));
        }
        let config = self.npmrc(started, true);
        let local = Bunfig::read(&started.join("bunfig.toml"))?;
        let home = self.around.var("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| self.around.home.clone());
        let home = home.map(|home| Bunfig::read(&home.join(".bunfig.toml"))).transpose()?.unwrap_or_default();
        let of_files = |key: &str| {
            let text = local.get(key).or_else(|| home.get(key))?;
            Some(Self::address(&format!("{key} in bunfig.toml"), text))
        };
        let scope = self.scope().map(|scope| scope.trim_start_matches('@'));
        let scope = scope.and_then(|scope| of_files(&format!("install.scopes.{scope}")));
        let found = scope.or_else(|| config.scope_registry(self.name).map(Ok)).or_else(|| self.of_words("registry"));
        let found = found.or_else(|| self.of_manifest("registry")).or_else(|| self.variable("BUN_CONFIG_REGISTRY"));
        let found = found.or_else(|| self.variable("npm_config_registry")).or_else(|| of_files("install.registry"));
        found.unwrap_or(Ok(config.registry))
    }
}

/// Whether a file is there that speaks of a registry, or cannot be read.
fn mentions_registry(path: &Path) -> bool {
    match at_hand::read(path, MAX_FILE) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).to_ascii_lowercase().contains("registr"),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// pnpm's settings of a workspace.
#[derive(Default)]
struct Workspace {
    settings: Value,
    /// The `.npmrc` beside it, where that is another one than the project's.
    other_npmrc: Option<PathBuf>,
}

impl Workspace {
    /// The nearest one upwards.
    fn find(from: &Path) -> Result<Self, String> {
        for folder in from.ancestors().take(MAX_DEPTH) {
            let path = folder.join("pnpm-workspace.yaml");
            let bytes = match at_hand::read(&path, MAX_FILE) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(format!("{}, which cannot be read ({error}),", path.display())),
            };
            let settings = serde_saphyr::from_slice(&bytes).map_err(|_| format!("{}, which is no plain YAML,", path.display()))?;
            return Ok(Self { settings, other_npmrc: (folder != from).then(|| folder.join(".npmrc")) });
        }
        Ok(Self::default())
    }
}

/// The registries of a bunfig.toml, by their keys.
#[derive(Default)]
struct Bunfig(Vec<(String, String)>);

impl Bunfig {
    /// Reads a file; one that is not there has none. What speaks of a registry in another way than
    /// in lines with plain texts is not followed.
    fn read(path: &Path) -> Result<Self, String> {
        let bytes = match at_hand::read(path, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(format!("{}, which cannot be read ({error}),", path.display())),
        };
        let text = String::from_utf8_lossy(&bytes);
        Self::parse(&text).map(Self).ok_or_else(|| format!("{}, which says it in another way than `key = \"address\"`,", path.display()))
    }

    fn parse(text: &str) -> Option<Vec<(String, String)>> {
        let speaks = text.contains("registry") || text.contains("scopes");
        if speaks && (text.contains("\"\"\"") || text.contains("'''")) {
            return None;
        }
        let (mut table, mut all) = (String::new(), Vec::new());
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if line.starts_with('[') && !line.contains('=') {
                line.split(']').next()?.trim_start_matches('[').trim().clone_into(&mut table);
                continue;
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            let key = key.trim().trim_matches(['"', '\'']);
            let full = if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
            if full == "install.registry" || table == "install.scopes" {
                all.push((full.replace("scopes.@", "scopes."), Self::address(value.trim())?));
            } else if full.starts_with("install.scopes") || full == "install" || full.starts_with("install.registry") {
                return None;
            }
        }
        Some(all)
    }

    /// The address of a value: a text, or `url` of a table in one line.
    fn address(value: &str) -> Option<String> {
        let text = match value.strip_prefix('{') {
            Some(inner) => {
                let at = inner.split(',').find_map(|pair| pair.split_once('=').filter(|(key, _)| key.trim().trim_matches('"') == "url"));
                at?.1.trim().trim_end_matches('}').trim()
            }
            None => value,
        };
        let quote = text.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let inside = text.strip_prefix(quote)?.split(quote).next()?;
        (!inside.contains('\\')).then(|| inside.to_owned())
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == key).map(|(_, text)| text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;

    struct Case {
        home: tempfile::TempDir,
        agent: &'static str,
        own: Value,
        process: ClientProcess,
    }

    impl Case {
        fn of(agent: &'static str) -> Self {
            let home = tempfile::tempdir().unwrap();
            std::fs::create_dir(home.path().join("p")).unwrap();
            std::fs::write(home.path().join("p/package.json"), "{}").unwrap();
            std::fs::write(home.path().join(".npmrc"), "registry=http://home.example/\n").unwrap();
            let process = ClientProcess { folder: Some(home.path().join("p")), ..ClientProcess::default() };
            Self { home, agent, own: Value::Null, process }
        }

        fn file(self, name: &str, text: &str) -> Self {
            std::fs::write(self.home.path().join("p").join(name), text).unwrap();
            self
        }

        fn words(mut self, words: &str) -> Self {
            self.process.words = words.split(' ').map(str::to_owned).collect();
            self
        }

        fn variable(mut self, name: &str, value: &str) -> Self {
            self.process.variables.insert(name.to_owned(), value.to_owned());
            self
        }

        fn own(self, key: &str, value: &str) -> Self {
            Self { own: serde_json::json!({ key: value }), ..self }
        }

        /// The host, or the setting that is not followed.
        fn sent(&self) -> Result<String, String> {
            let folder = self.home.path().join("p");
            let vars: BTreeMap<String, String> = self.process.variables.clone();
            let around = Surroundings {
                vars,
                cwd: folder.clone(),
                home: Some(self.home.path().to_owned()),
                node: None,
                files: Arc::new(npmrc::OsFiles),
            };
            let publish =
                Publish { agent: self.agent, name: "@sc/x", own: &self.own, folder: &folder, process: Some(&self.process), around };
            let sent = sent_to(&publish);
            match sent.lost {
                Some(lost) => Err(lost),
                None => Ok(Url::parse(&sent.registry.unwrap()).unwrap().host_str().unwrap().trim_end_matches(".example").to_owned()),
            }
        }

        fn went_to(&self, host: &str) {
            assert_eq!(self.sent().as_deref(), Ok(host), "{}", self.agent);
        }
    }

    const B: &str = "http://b.example/";
    const D: &str = "https://d.example/npm";

    #[test]
    fn npm_asks_a_scope_first_then_its_words_publish_config_and_files() {
        Case::of("npm/11.1.0").went_to("home");
        Case::of("npm/11.1.0").words("npm publish --@sc:registry=http://b.example/ --registry http://d.example").went_to("b");
        Case::of("npm/12.1.0").words("npm publish --registry http://b.example/").own("registry", D).went_to("b");
        Case::of("npm/11.1.0").words("npm publish --registry http://b.example/").own("@sc:registry", D).went_to("d");
        Case::of("npm/11.1.0").own("registry", B).file(".npmrc", "@sc:registry=https://d.example").went_to("d");
        Case::of("npm/11.1.0").own("registry", B).went_to("b");
    }

    #[test]
    fn pnpm_from_11_on_asks_publish_config_first_and_not_the_variable_of_npm() {
        for agent in ["pnpm/11.28.0 npm/?", "pnpm/12.21.0"] {
            Case::of(agent).variable("npm_config_registry", B).went_to("home");
            Case::of(agent).variable("PNPM_CONFIG_REGISTRY", B).file("pnpm-workspace.yaml", "registry: https://d.example\n").went_to("b");
            Case::of(agent)
                .file("pnpm-workspace.yaml", "registries:\n  default: http://b.example\nregistry: https://d.example\n")
                .went_to("d");
            Case::of(agent)
                .file("pnpm-workspace.yaml", "registries:\n  '@sc': http://b.example\n")
                .file(".npmrc", "@sc:registry=https://d.example")
                .went_to("b");
            Case::of(agent)
                .file("pnpm-workspace.yaml", "registry: http://b.example\n")
                .file(".npmrc", "@sc:registry=https://d.example")
                .went_to("d");
            Case::of(agent).words("pnpm publish --registry=http://b.example").own("registry", D).went_to("d");
            let odd = Case::of(agent).file("pnpm-workspace.yaml", "registry: [\n").sent();
            assert!(odd.unwrap_err().contains("pnpm-workspace.yaml"), "{agent}");
        }
    }

    #[test]
    fn pnpm_up_to_10_has_npm_publish_and_does_not_tell_it_of_its_own_settings() {
        Case::of("pnpm/10.34.0").file("pnpm-workspace.yaml", "registry: http://b.example\n").went_to("home");
        Case::of("pnpm/10.34.0").variable("npm_config_registry", B).went_to("b");
        Case::of("pnpm/10.34.0").words("pnpm publish --registry http://b.example").went_to("b");
    }

    #[test]
    fn yarn_1_asks_its_variables_before_files() {
        Case::of("yarn/1.22.22").variable("YARN_REGISTRY", B).file(".npmrc", "registry=https://d.example").went_to("b");
        Case::of("yarn/1.22.22").words("yarn publish --registry http://b.example").own("registry", D).went_to("d");
        Case::of("yarn/1.22.22")
            .words("yarn publish --registry http://b.example")
            .file(".npmrc", "@sc:registry=https://d.example")
            .went_to("d");
        let two = Case::of("yarn/1.22.22").variable("YARN_REGISTRY", B).variable("npm_config_registry", D).sent();
        assert_eq!(two, Err("YARN_REGISTRY beside npm_config_registry".to_owned()));
    }

    #[test]
    fn bun_asks_bunfig_before_npmrc_and_variables_before_both() {
        let bunfig = |text: &str| Case::of("bun/1.4.5").file("bunfig.toml", text);
        bunfig("[install]\nregistry = \"https://u:p@d.example/npm\" # ours\n").went_to("d");
        bunfig("[install]\nregistry = { url = \"http://b.example\", token = \"$T\" }\n").went_to("b");
        bunfig("[install.scopes]\n\"@sc\" = { token = \"$T\", url = \"http://b.example\" }\n")
            .words("bun publish --registry http://d.example")
            .went_to("b");
        bunfig("[install.scopes]\nother = \"http://b.example\"\n").went_to("home");
        bunfig("[install]\nregistry = \"https://d.example\"\n").variable("BUN_CONFIG_REGISTRY", B).went_to("b");
        for odd in
            ["[install]\nregistry = \"$URL\"\n", "[install]\nregistry = \"\"\"x\"\"\"\n", "[install]\nscopes.sc = \"http://b.example\"\n"]
        {
            assert!(bunfig(odd).sent().unwrap_err().contains("bunfig.toml"), "{odd}");
        }
        assert!(Case::of("bun/1.4.5").own("@sc:registry", D).sent().is_err());
    }
}
