//! The files that decide whom a run asks and as whom: an output over one of them would change that,
//! and what they say would be lost.

use std::path::PathBuf;

use git::config::GitConfig;
use npmrc::{NpmConfig, Overrides, Surroundings};

use crate::options::Options;
use crate::session;

const NPM: &str = "npm's settings";
const GIT: &str = "git's settings";
const CLIENTS: &str = "a package manager's settings";

/// The settings' names in a project and at home.
const NPMRC: &str = ".npmrc";
const OF_CLIENTS: [&str; 5] = [".yarnrc", ".yarnrc.yml", "bunfig.toml", ".bunfig.toml", "pnpm-workspace.yaml"];

/// The files of settings, there or not, each with what it is. What cannot be read names no further
/// ones: why it cannot is said where it counts.
pub(super) fn files(around: &Surroundings, options: &Options) -> Vec<(&'static str, PathBuf)> {
    let folders = || std::iter::once(&around.cwd).chain(&around.home).chain(&options.project);
    let npm = NpmConfig::load(around, &Overrides::default()).files();
    let npm = npm.into_iter().chain(folders().map(|folder| folder.join(NPMRC)));
    let clients = folders().flat_map(|folder| OF_CLIENTS.map(|name| folder.join(name)));
    let netrc = session::netrc_of(around).into_iter().chain(around.home.iter().map(|home| home.join(".netrc")));
    let all = npm.map(|file| (NPM, file)).chain(clients.map(|file| (CLIENTS, file)));
    all.chain(of_git(around).into_iter().map(|file| (GIT, file))).chain(netrc.map(|file| ("logins", file))).collect()
}

/// The files of git's configuration, and that of the certificates that it names.
fn of_git(around: &Surroundings) -> Vec<PathBuf> {
    let config = GitConfig::load().unwrap_or_default();
    let by_variable = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"].into_iter().filter_map(|name| around.var(name)).map(PathBuf::from);
    let home = around.home.iter().flat_map(|home| [".gitconfig", ".git-credentials", ".config/git/config"].map(|name| home.join(name)));
    let xdg = around.var("XDG_CONFIG_HOME").map(|folder| PathBuf::from(folder).join("git/config"));
    let named = config.files.into_iter().chain(config.ca_file.map(PathBuf::from));
    named.chain(by_variable).chain(home).chain(xdg).chain([PathBuf::from("/etc/gitconfig")]).collect()
}
