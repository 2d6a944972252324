//! Links in `node_modules`: each must have the name of what it leads to, or one that is asked for.
//!
//! Node loads by the link's name whatever lies behind it. A client links a package under its own
//! name or under an alias, and a folder of the project where that is a workspace or is asked for by
//! its path.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use jsonc_parser::ast::Object;

use super::super::collect::Collected;
use super::super::folders::joined;
use super::super::{Format, address, asked, json, links, pnpm};
use super::{Lead, aliases_in, manifest};

/// Most folders of the project whose package.json is read for what it links.
const MAX_FOLDERS: usize = 10_000;

/// The lists of a package.json by which a folder can be linked, and the tables of the project's own
/// that take their place.
const LISTS: [&str; 3] = ["dependencies", "optionalDependencies", "devDependencies"];
const INSTEAD: [&str; 2] = ["overrides", "resolutions"];

/// All links of a tree.
#[derive(Default)]
pub(super) struct Links {
    all: Vec<Link>,
    /// The packages that were read, with the name that each has for itself.
    packages: HashMap<PathBuf, String>,
}

struct Link {
    node: usize,
    name: String,
    target: PathBuf,
    is_own: bool,
}

impl Links {
    /// Keeps a link to a package or to a folder of the project.
    pub(super) fn keep(&mut self, node: usize, name: &str, target: Option<&(PathBuf, Lead)>) {
        if let Some((target, lead @ (Lead::Own | Lead::Package))) = target {
            self.all.push(Link { node, name: name.to_owned(), target: target.clone(), is_own: *lead == Lead::Own });
        }
    }

    /// Keeps a package that was read, with its name and version.
    pub(super) fn reads(&mut self, folder: PathBuf, spec: &str) {
        let name = address::split_name(spec).map_or(spec, |(name, _)| name);
        self.packages.insert(folder, name.to_owned());
    }

    /// Tells of the links whose name nobody gives to what they lead to. The folders of the project
    /// give aliases, too.
    pub(super) fn decide(&self, project: Option<&Path>, aliases: &mut HashSet<(String, String)>, found: &mut Collected) {
        let own = project.map(Own::of);
        aliases.extend(own.iter().flat_map(|own| own.packages.iter().cloned()));
        for link in &self.all {
            let is_known = if link.is_own {
                own.as_ref().is_some_and(|own| own.has(&link.name, &link.target))
            } else {
                let real = self.packages.get(&link.target);
                real.is_some_and(|real| *real == link.name || aliases.contains(&(link.name.clone(), real.clone())))
            };
            if !is_known {
                let target = project.and_then(|project| link.target.strip_prefix(project).ok()).unwrap_or(&link.target);
                found.is_strange(link.node, &target.display().to_string());
            }
        }
    }
}

/// The folders of a project that can be linked.
#[derive(Default)]
struct Own {
    project: PathBuf,
    workspaces: BTreeSet<String>,
    /// Those that are asked for by their path, with the name.
    asked: HashSet<(String, String)>,
    /// The names under which workspaces are asked for, with their own, and those of packages.
    aliases: HashSet<(String, String)>,
    packages: HashSet<(String, String)>,
}

impl Own {
    fn of(project: &Path) -> Self {
        let root = manifest(project).unwrap_or_default();
        let manager = json::parse(&root, false).ok().and_then(|root| pnpm::manager(&root));
        let names_all = manager.is_some_and(|manager| manager < 9);
        // Whose tree it is nobody knows: what one of the clients takes for a workspace is one.
        let of = |format| asked::workspaces(project, format, names_all).unwrap_or_default();
        let workspaces: BTreeSet<String> = [Format::Berry, Format::Pnpm].into_iter().flat_map(of).collect();
        let mut own = Self { project: project.to_owned(), workspaces, ..Self::default() };
        let mut open: Vec<String> = own.workspaces.iter().cloned().chain([String::new()]).collect();
        let mut seen: HashSet<String> = open.iter().cloned().collect();
        while let Some(folder) = open.pop() {
            let linked = own.read(&folder);
            open.extend(linked.into_iter().filter(|linked| seen.len() < MAX_FOLDERS && seen.insert(linked.clone())));
        }
        own
    }

    /// Reads what a folder asks for, and gives the other folders among that.
    fn read(&mut self, folder: &str) -> Vec<String> {
        self.packages.extend(aliases_in(&self.project.join(folder), true));
        let text = manifest(&self.project.join(folder)).unwrap_or_default();
        let Ok(of) = json::parse(&text, false) else { return Vec::new() };
        let mut all: Vec<(&str, &str)> = LISTS.into_iter().flat_map(|list| json::pairs(&of, list)).collect();
        if folder.is_empty() {
            all.extend(instead(&of));
        }
        let mut linked = Vec::new();
        for (name, range) in all {
            if let Some(real) = range.strip_prefix("workspace:").and_then(address::split_name) {
                self.aliases.insert((name.to_owned(), real.0.to_owned()));
            }
            let path = ["file:", "link:", "portal:"].iter().find_map(|protocol| range.strip_prefix(protocol));
            let path = path.or_else(|| (range.starts_with("./") || range.starts_with("../")).then_some(range));
            if let Some(target) = path.and_then(|path| joined(folder, path)) {
                let target = if target == "." { String::new() } else { target };
                linked.push(target.clone());
                self.asked.insert((name.to_owned(), target));
            }
        }
        linked
    }

    fn has(&self, name: &str, target: &Path) -> bool {
        let Ok(folder) = target.strip_prefix(&self.project) else { return false };
        let folder = folder.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        let is_workspace = |name: &str| links::is_workspace(&self.project, &self.workspaces, (&folder, name));
        let is_alias = || self.aliases.iter().any(|(alias, real)| alias == name && is_workspace(real));
        self.asked.contains(&(name.to_owned(), folder.clone())) || is_workspace(name) || is_alias()
    }
}

/// What the project's own tables put in the place of what is asked for.
fn instead<'o>(root: &'o Object<'_>) -> impl Iterator<Item = (&'o str, &'o str)> {
    let tables = [Some(root), json::object(root, "pnpm")].into_iter().flatten();
    tables.flat_map(|of| INSTEAD.into_iter().flat_map(move |table| json::pairs(of, table)))
}
