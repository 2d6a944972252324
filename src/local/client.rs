//! Which package manager is about to publish, as its environment tells the scripts that it runs, or
//! as the folder and the machine tell where this program is started by hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use npm_pack::era::{self, Era};
use npm_pack::list::{self, ListRules};
use npm_pack::tree::LARGEST_READ;
use store::at_hand;

/// Largest package.json of a package manager that is read, in bytes.
const MAX_MANIFEST: u64 = 1 << 20;

/// The Node and the npm that are at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// The version of the Node that runs this program, without `v`.
    pub node: Option<String>,
    /// The version of the npm that `PATH` leads to.
    pub npm: Option<String>,
}

impl Machine {
    /// Looks for npm on `path`, as the system's variable has it.
    pub fn find(node: String, path: Option<&str>) -> Self {
        let npm = path.and_then(|path| std::env::split_paths(path).find_map(|folder| version_of_npm(&folder)));
        Self { node: Some(node), npm }
    }
}

/// The version of the npm in a folder of `PATH`: there it is a link into its package, on Windows a
/// script beside that.
fn version_of_npm(folder: &Path) -> Option<String> {
    let beside = folder.join("node_modules/npm");
    let linked = || Some(std::fs::canonicalize(folder.join("npm")).ok()?.parent()?.parent()?.to_owned());
    let package = if folder.join("npm.cmd").exists() { beside } else { linked()? };
    let file = package.join("package.json");
    let manifest: Value = serde_json::from_slice(&at_hand::read(&file, MAX_MANIFEST).ok()?).ok()?;
    let is_npm = manifest.get("name").and_then(Value::as_str) == Some("npm");
    manifest.get("version").and_then(Value::as_str).filter(|_| is_npm).map(str::to_owned)
}

/// The package manager that publishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// `npm`, `pnpm`, `yarn`, …
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The version of the Node that it runs on, without `v`.
    pub node: Option<String>,
    /// Its program and the Node beside it, where it runs this program: `npm_execpath` and
    /// `npm_node_execpath`.
    pub program: Option<(PathBuf, PathBuf)>,
    machine: Machine,
}

impl Client {
    /// Reads npm's variables (docs.npmjs.com/cli/using-npm/scripts; pnpm, yarn and bun set the same
    /// ones), or those of vlt.
    pub fn of(variable: &dyn Fn(&str) -> Option<String>, machine: Machine) -> Self {
        if npmrc::is_script_of_vlt(variable) {
            let node = variable("VLT_NODE_VERSION").map(|version| version.trim_start_matches('v').to_owned());
            return Self { name: Some("vlt".into()), node, machine, ..Self::default() };
        }
        // `npm/11.4.0 node/v22.1.0 linux x64 workspaces/false`
        let agent = variable("npm_config_user_agent").unwrap_or_default();
        let mut words = agent.split_whitespace().filter_map(|word| word.split_once('/'));
        let (name, version) = words.next().unzip();
        let node = agent.split_whitespace().find_map(|word| word.strip_prefix("node/v"));
        let program = variable("npm_execpath").zip(variable("npm_node_execpath")).map(|(program, node)| (program.into(), node.into()));
        Self { name: name.map(str::to_owned), version: version.map(str::to_owned), node: node.map(str::to_owned), program, machine }
    }

    /// With what a folder and the machine say, where no package manager runs this program: that of
    /// `packageManager`, else the npm and the Node at hand.
    pub(super) fn or_at_hand(self, folder: &Path) -> Self {
        if self.name.is_some() {
            return self;
        }
        let text = at_hand::read(&folder.join("package.json"), LARGEST_READ).unwrap_or_default();
        let manifest: Value = serde_json::from_slice(npm_spec::manifest::without_bom(&text)).unwrap_or_default();
        let wanted = manifest.get("packageManager").and_then(Value::as_str).and_then(|wanted| wanted.split_once('@'));
        let (name, version) = match wanted {
            Some((name, version)) => (name.to_owned(), Some(version.split('+').next().unwrap_or(version).to_owned())),
            None => ("npm".to_owned(), self.machine.npm.clone()),
        };
        Self { name: Some(name), version, node: self.machine.node.clone(), ..self }
    }

    /// Whether it is this one.
    pub fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    fn major(&self) -> Option<u32> {
        self.version.as_deref().and_then(|version| version.split('.').next()?.parse().ok())
    }

    /// What the registry will say of the publish: `_nodeVersion` and `_npmVersion`. A stranger will
    /// have nothing else to go by.
    pub(super) fn recorded(&self) -> (Option<String>, Option<String>) {
        match (self.name.as_deref(), self.major()) {
            (Some("npm"), _) => (self.node.clone(), self.version.clone()),
            // It hands the tarball to npm.
            (Some("pnpm"), Some(..=10)) => (self.node.clone(), self.machine.npm.clone()),
            (Some("pnpm"), Some(11)) | (Some("bun" | "vlt"), _) => (self.node.clone(), None),
            // pnpm 12 and yarn tell of neither; of others nothing is known.
            _ => (None, None),
        }
    }

    /// The rules of its file list, where this program writes the tarball itself. Those of npm 11
    /// where nothing is known.
    pub fn rules(&self) -> &'static ListRules {
        match (self.name.as_deref(), self.major()) {
            (Some("npm"), Some(12..)) => &list::NPM_12,
            (Some("npm"), Some(..=10)) => &list::NPM_10_3,
            (Some("pnpm"), Some(..=10)) => &list::PNPM_8_8,
            (Some("pnpm"), _) => &list::PNPM_11_28,
            (Some("yarn"), Some(..=1)) => &list::YARN_1,
            (Some("yarn"), _) => &list::BERRY,
            (Some("bun"), _) => &list::BUN_1,
            (Some("vlt"), _) => &list::VLT_1,
            _ => &list::NPM_11,
        }
    }

    /// The archive that it writes, where this program writes the tarball itself: as npm has done
    /// since 7.20, but for vlt, which names no program of its own that could pack.
    pub(super) fn era(&self) -> Option<&'static Era> {
        if self.is("vlt") { era::by_id("vlt-1") } else { npm_pack::eras_of(None).into_iter().next() }
    }

    /// The command that packs the current folder into `into`, where the package manager at work has
    /// one that is told the place.
    pub(super) fn pack_command(&self, into: &Path) -> Option<Command> {
        let (program, node) = self.program.as_ref()?;
        let name = into.join("package.tgz");
        let (words, place): (&[&str], &Path) = match (self.name.as_deref()?, self.major()) {
            ("npm" | "pnpm", _) => (&["pack", "--pack-destination"], into),
            ("yarn", Some(..=1)) => (&["pack", "--filename"], &name),
            ("yarn", _) => (&["pack", "--out"], &name),
            ("bun", _) => (&["pm", "pack", "--destination"], into),
            _ => return None,
        };
        // A program of its own (bun, pnpm from 12 on), or the script that yarn puts before itself,
        // is run as it is.
        let is_script = program.extension().is_some_and(|end| end == "js" || end == "cjs" || end == "mjs");
        let mut command = if is_script { Command::new(node) } else { Command::new(program) };
        if is_script {
            command.arg(program);
        }
        command.args(words).arg(place);
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine { node: Some("20.1.0".into()), npm: Some("10.2.0".into()) }
    }

    fn client(agent: &str) -> Client {
        Client::of(&|name| (name == "npm_config_user_agent").then(|| agent.to_owned()), machine())
    }

    #[test]
    fn the_user_agent_names_client_and_node() {
        let npm = client("npm/11.4.0 node/v22.1.0 linux x64 workspaces/false");
        assert_eq!((npm.name.as_deref(), npm.version.as_deref(), npm.node.as_deref()), (Some("npm"), Some("11.4.0"), Some("22.1.0")));
        let pnpm = client("pnpm/9.1.0 npm/? node/v20.2.0 linux x64");
        assert!(pnpm.is("pnpm") && pnpm.node.as_deref() == Some("20.2.0"));
        assert_eq!(client(""), Client { machine: machine(), ..Client::default() });
    }

    #[test]
    fn vlt_is_known_by_its_variables() {
        let variables = [("npm_lifecycle_event", "prepublishOnly"), ("VLT_NODE_VERSION", "v22.23.3")];
        let of = |more: &[(&str, &str)]| {
            let all = [&variables[..], more].concat();
            Client::of(&|name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()), machine())
        };
        let vlt = of(&[]);
        assert!(vlt.is("vlt"));
        assert_eq!((vlt.recorded(), vlt.rules().name, vlt.era().unwrap().id), ((Some("22.23.3".into()), None), "vlt-1", "vlt-1"));
        assert!(of(&[("npm_config_user_agent", "npm/11.4.0 node/v22.1.0")]).is("npm"), "npm within a script of vlt");
        assert_eq!(client("npm/11.4.0").era().unwrap().id, "npm-7-20");
    }

    #[test]
    fn by_hand_the_client_is_the_folders_or_the_npm_at_hand() {
        let folder = tempfile::tempdir().unwrap();
        let by_hand = |manifest: &str| {
            std::fs::write(folder.path().join("package.json"), manifest).unwrap();
            let client = client("").or_at_hand(folder.path());
            (client.name.clone().unwrap(), client.version.clone().unwrap(), client.recorded())
        };
        let node = Some("20.1.0".to_owned());
        assert_eq!(by_hand("{}"), ("npm".into(), "10.2.0".into(), (node.clone(), Some("10.2.0".into()))));
        assert_eq!(by_hand(r#"{"packageManager":"pnpm@11.2.0+sha512.abc"}"#), ("pnpm".into(), "11.2.0".into(), (node, None)));
        let named = client("yarn/1.22.22 npm/? node/v22.0.0 linux x64").or_at_hand(folder.path());
        assert!(named.is("yarn") && named.node.as_deref() == Some("22.0.0"), "what runs this program goes first");
    }

    #[test]
    fn only_what_a_registry_will_have_is_foretold() {
        let recorded = |agent: &str| client(&format!("{agent} npm/? node/v22.0.0 linux x64")).recorded();
        let node = || Some("22.0.0".to_owned());
        assert_eq!(recorded("npm/12.2.2"), (node(), Some("12.2.2".into())));
        assert_eq!(recorded("pnpm/10.34.0"), (node(), Some("10.2.0".into())));
        assert_eq!(recorded("pnpm/11.28.0"), (node(), None));
        assert_eq!(recorded("bun/1.4.5"), (node(), None));
        for silent in ["pnpm/12.21.0", "yarn/1.22.22", "yarn/4.12.0"] {
            assert_eq!(recorded(silent), (None, None), "{silent}");
        }
    }

    #[test]
    fn the_npm_of_the_path_is_found_by_its_link() {
        let place = tempfile::tempdir().unwrap();
        let (bin, package) = (place.path().join("bin"), place.path().join("lib/node_modules/npm"));
        std::fs::create_dir_all(package.join("bin")).unwrap();
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(package.join("bin/npm-cli.js"), "").unwrap();
        std::fs::write(package.join("package.json"), r#"{"name":"npm","version":"11.1.0"}"#).unwrap();
        assert_eq!(version_of_npm(&bin), None);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(package.join("bin/npm-cli.js"), bin.join("npm")).unwrap();
            let found = Machine::find("20.1.0".into(), bin.to_str());
            assert_eq!(found, Machine { node: Some("20.1.0".into()), npm: Some("11.1.0".into()) });
        }
    }

    #[test]
    fn a_script_is_run_by_node_and_a_program_by_itself() {
        let command = |agent: &str, program: &str| {
            let client = Client { program: Some((program.into(), "/node".into())), ..client(agent) };
            let command = client.pack_command(Path::new("/into")).unwrap();
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(command("npm/11.0.0", "/npm-cli.js"), "/node /npm-cli.js pack --pack-destination /into");
        assert_eq!(command("pnpm/11.0.0", "/pnpm.mjs"), "/node /pnpm.mjs pack --pack-destination /into");
        assert_eq!(command("pnpm/12.0.0", "/pnpm"), "/pnpm pack --pack-destination /into");
        assert_eq!(command("yarn/1.22.22", "/yarn.js"), "/node /yarn.js pack --filename /into/package.tgz");
        assert_eq!(command("yarn/4.12.0", "/xfs/yarn"), "/xfs/yarn pack --out /into/package.tgz");
        assert_eq!(command("bun/1.4.5", "/bun"), "/bun pm pack --destination /into");
    }

    #[test]
    fn the_file_list_follows_the_client() {
        let rules = |agent: &str| client(agent).rules().name;
        let npm = ["npm/10.8.2 node/v20.0.0", "npm/11.0.0", "npm/12.1.0", ""].map(rules);
        assert_eq!(npm, ["npm-10.3", "npm-11", "npm-12", "npm-11"]);
        let others = ["pnpm/10.1.0", "pnpm/12.0.0", "yarn/1.22.22", "yarn/4.12.0", "bun/1.4.5"].map(rules);
        assert_eq!(others, ["pnpm-8.8", "pnpm-11.28", "yarn-1", "berry", "bun-1"]);
    }
}
