//! Which package manager is about to publish, as its environment tells the scripts that it runs.

use std::path::PathBuf;

use crate::pack::list::{self, ListRules};

/// The package manager that runs this program in a hook, if one does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// `npm`, `pnpm`, `yarn`, …
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The version of the Node that it runs on, without `v`.
    pub node: Option<String>,
    /// Its script, and the Node that runs it: `npm_execpath` and `npm_node_execpath`.
    pub program: Option<(PathBuf, PathBuf)>,
}

impl Client {
    /// Reads npm's variables (docs.npmjs.com/cli/using-npm/scripts; pnpm and yarn 1 set the same ones).
    pub fn of(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        // `npm/11.4.0 node/v22.1.0 linux x64 workspaces/false`
        let agent = variable("npm_config_user_agent").unwrap_or_default();
        let mut words = agent.split_whitespace().filter_map(|word| word.split_once('/'));
        let (name, version) = words.next().unzip();
        let node = agent.split_whitespace().find_map(|word| word.strip_prefix("node/v"));
        let program = variable("npm_execpath").zip(variable("npm_node_execpath")).map(|(script, node)| (script.into(), node.into()));
        Self { name: name.map(str::to_owned), version: version.map(str::to_owned), node: node.map(str::to_owned), program }
    }

    /// Whether it is this one.
    pub fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// The rules of its file list, where this program writes the tarball itself. Those of npm 11 where nothing is known.
    pub fn rules(&self) -> &'static ListRules {
        let major = self.version.as_deref().and_then(|version| version.split('.').next()?.parse::<u32>().ok());
        match (self.is("npm"), major) {
            (true, Some(12..)) => &list::NPM_12,
            (true, Some(..=10)) => &list::NPM_10_3,
            _ => &list::NPM_11,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(agent: &str) -> Client {
        Client::of(&|name| (name == "npm_config_user_agent").then(|| agent.to_owned()))
    }

    #[test]
    fn the_user_agent_names_client_and_node() {
        let npm = client("npm/11.4.0 node/v22.1.0 linux x64 workspaces/false");
        assert_eq!((npm.name.as_deref(), npm.version.as_deref(), npm.node.as_deref()), (Some("npm"), Some("11.4.0"), Some("22.1.0")));
        let pnpm = client("pnpm/9.1.0 npm/? node/v20.2.0 linux x64");
        assert!(pnpm.is("pnpm") && pnpm.node.as_deref() == Some("20.2.0"));
        assert_eq!(client(""), Client::default());
    }

    #[test]
    fn the_file_list_follows_the_client() {
        let rules = |agent: &str| client(agent).rules().name;
        assert_eq!(
            [rules("npm/10.8.2 node/v20.0.0"), rules("npm/11.0.0"), rules("npm/12.1.0"), rules("")],
            ["npm-10.3", "npm-11", "npm-12", "npm-11"]
        );
    }
}
