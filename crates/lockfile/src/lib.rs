//! What a project installs, as its lockfile says.
//!
//! In: a file's name and bytes, from a stranger. Out: packages of registries, each once as
//! `name@version` with the hashes, the address and the lines that the file has for it; and what is
//! left out, each with the reason. Nothing is lost on the way: what is an entry of the file is in
//! one of the two lists.
//!
//! Formats: package-lock.json and npm-shrinkwrap.json 1 to 3 and the lockfile that npm keeps in
//! `node_modules`, yarn.lock of yarn 1 and of yarn 2 and later, pnpm-lock.yaml 5 to 9 with several
//! documents, bun.lock, deno.lock, and `CycloneDX` and SPDX as JSON.
//!
//! The `lockfile` module of npm-timewarp reads some of the same files for another question: which
//! versions and hosts a build may ask a registry for. It takes whatever looks like a version and
//! drops what does not, also in files that are broken halfway, because a build must not fail for
//! it. Here an entry that is not understood is told, and a file that is not whole is an error.

mod address;
mod asked;
mod berry;
mod bound;
mod bun;
mod collect;
mod deno;
mod descriptors;
mod error;
mod folders;
mod graph;
mod guard;
mod json;
mod legacy;
mod links;
mod needers;
mod npm;
mod overrides;
mod patterns;
mod pnpm;
mod ranges;
mod sbom;
mod stated;
mod tree;
mod unmet;
mod yaml;
mod yarn;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use npm_spec::PackageName;

use collect::Collected;
use error::Fault;
pub use error::LockfileError;
use graph::{Graph, Importer};
pub use needers::Needer;
pub use patterns::Patterns;
pub use pnpm::{Changes, fits};
pub use stated::{ALL, Needed, Stated, base, normal};

/// Largest file that is read, in bytes.
pub const MAX_FILE: usize = 32 << 20;

/// Most entries that a file may have, read and left out together.
pub const MAX_ENTRIES: usize = 200_000;

/// Most needs of one entry for another; a file of a hundred thousand packages has about a million.
const MAX_NEEDS: usize = 4_000_000;

/// Most packages that ask for one under another name.
const MAX_ALIASES: usize = 64;

/// Most needs without an entry that are kept.
pub const MAX_GAPS: usize = 100;

/// Longest key that is kept, in bytes. Paths of npm's deepest trees have some hundreds.
const MAX_KEY: usize = 1024;

/// A kind of lockfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// package-lock.json, npm-shrinkwrap.json and `node_modules/.package-lock.json`.
    Npm,
    /// yarn.lock of yarn 1.
    Yarn,
    /// yarn.lock of yarn 2 and later.
    Berry,
    /// pnpm-lock.yaml.
    Pnpm,
    /// bun.lock.
    Bun,
    /// deno.lock.
    Deno,
    /// An SBOM of `CycloneDX`, as JSON.
    CycloneDx,
    /// An SBOM of SPDX 2, as JSON.
    Spdx,
    /// No file, but what lies in `node_modules`.
    Tree,
}

impl Format {
    /// The format's name for people and in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Yarn => "yarn",
            Self::Berry => "berry",
            Self::Pnpm => "pnpm",
            Self::Bun => "bun",
            Self::Deno => "deno",
            Self::CycloneDx => "cyclonedx",
            Self::Spdx => "spdx",
            Self::Tree => "tree",
        }
    }
}

/// A line and column of a file, both from 1. Columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
}

/// What a package is needed for at one place; `None` where the format does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// For development alone.
    pub dev: Option<bool>,
    /// For what is optional alone.
    pub optional: Option<bool>,
    /// For development, and for what is optional: left out only where both are.
    pub dev_or_optional: bool,
    /// For peers alone.
    pub peer: Option<bool>,
    /// Of the package manager itself or of its configuration.
    pub tool: bool,
}

/// What a project is installed without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Omit {
    /// What is for development alone.
    pub dev: bool,
    /// What is optional.
    pub optional: bool,
    /// What is for peers alone.
    pub peer: bool,
}

impl Usage {
    /// Whether an installation without these kinds is said not to have the package at this place.
    fn is_omitted(self, omit: Omit) -> bool {
        let is = |kind: Option<bool>| kind == Some(true);
        omit.dev && is(self.dev)
            || omit.optional && is(self.optional)
            || omit.peer && is(self.peer)
            || omit.dev && omit.optional && self.dev_or_optional
    }
}

/// What a file says about a package at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line and column.
    pub position: Position,
    /// Its key, as the file has it.
    pub key: String,
    /// The hashes of the tarball, each as `sha512-…`; empty if there is none. The strongest counts.
    pub integrity: Vec<String>,
    /// The address of its tarball, without credentials.
    pub resolved: Option<String>,
    /// A digest of the address where it has a user, a query or a fragment in the file, and so is
    /// another one than `resolved`; also of what names a registry. It holds for this run alone.
    pub address_more: Option<u64>,
    /// The host of the address, or of the registry that the file names.
    pub host: Option<String>,
    /// What it is needed for.
    pub usage: Usage,
    /// The package brings a lockfile of its own, and the client installs what that names, too.
    pub has_shrinkwrap: bool,
    /// The name of another package, for whose range the file has this one.
    pub in_place_of: Option<String>,
    /// The packages, as `name@version`, of which the file says that they ask for this one under
    /// another name, with that name.
    pub aliases: Vec<(String, String)>,
    /// What it says of the package itself, where a client goes by that.
    pub stated: Option<Box<Stated>>,
}

impl Place {
    /// A place of which nothing but itself is known.
    pub(crate) fn at(position: Position, key: &str) -> Self {
        Self {
            position,
            key: key.to_owned(),
            integrity: Vec::new(),
            resolved: None,
            address_more: None,
            host: None,
            usage: Usage::default(),
            has_shrinkwrap: false,
            in_place_of: None,
            aliases: Vec::new(),
            stated: None,
        }
    }

    /// The same with the address of the tarball.
    pub(crate) fn with_address(self, resolved: Option<&str>) -> Self {
        Self { resolved: resolved.map(str::to_owned), host: resolved.and_then(address::host), ..self }
    }

    /// The name of the package whose tarball is at the address, where the address is one of a
    /// registry.
    pub fn name_in_address(&self) -> Option<String> {
        self.resolved.as_deref().and_then(address::name_in)
    }
}

/// A package of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the registry; of an alias, the one that it stands for.
    pub name: PackageName,
    /// The exact version.
    pub version: String,
    /// Where it stands, in the order of the file; at least one. What one place says does not hold
    /// for another.
    pub places: Vec<Place>,
}

impl Entry {
    /// `name@version`.
    pub fn spec(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}

/// Why an entry is no package of a registry that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// It lies in the tarball of another package, which is looked at with it.
    Bundled,
    /// A tarball or a folder on disk.
    File,
    /// A repository.
    Git,
    /// A link to a folder.
    Link,
    /// A package of another registry's kind (JSR, an address that deno imports, another ecosystem).
    OtherRegistry,
    /// The project itself.
    Project,
    /// A tarball at an address that no registry serves.
    Tarball,
    /// A part of the project.
    Workspace,
    /// Its name or its version is none that a registry can have.
    Unreadable,
}

impl Reason {
    /// The reason's name in results.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bundled => "bundled",
            Self::File => "file",
            Self::Git => "git",
            Self::Link => "link",
            Self::OtherRegistry => "other-registry",
            Self::Project => "project",
            Self::Tarball => "tarball",
            Self::Workspace => "workspace",
            Self::Unreadable => "unreadable",
        }
    }
}

/// An entry that is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Line and column.
    pub position: Position,
    /// Its key, as the file has it.
    pub key: String,
    /// Why.
    pub reason: Reason,
    /// A part of the project: no code of others comes with it.
    pub is_own: bool,
    /// Of what is bundled, where it is said to lie.
    pub bundled: Option<Bundled>,
    /// What the file leads it to, in its own words: an address, a commit, a hash. `None` where the
    /// key says it all.
    pub leads_to: Option<String>,
}

/// A package in the tarball of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundled {
    /// `name@version` of the other one.
    pub by: String,
    /// The names of what the file says that it bundles; empty where it says nothing.
    pub listed: Arc<[String]>,
    /// The folder in the tarball.
    pub folder: String,
    /// The version.
    pub version: String,
}

/// A need of which the file does not say what it leads to: a client finds out by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Line and column of what needs it.
    pub position: Position,
    /// The key of what needs it.
    pub by: String,
    /// The name and the range.
    pub wanted: String,
    /// It is needed as a peer.
    pub is_peer: bool,
}

/// A lockfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockfile {
    /// Its format.
    pub format: Format,
    /// The packages, by name and version, each once.
    pub entries: Vec<Entry>,
    /// What is left out, in the order of the file.
    pub left_out: Vec<LeftOut>,
    /// What is needed and has no entry; the first [`MAX_GAPS`].
    pub gaps: Vec<Gap>,
    said: asked::Said,
    graph: Graph,
    /// The entry of each node of the graph, and which of its places the node is.
    entry_of: Vec<Option<(usize, usize)>>,
}

impl Lockfile {
    /// Reads a lockfile; its name says the format, and of an SBOM its content.
    pub fn read(file_name: &str, bytes: &[u8]) -> Result<Self, LockfileError> {
        let name = || file_name.to_owned();
        if bytes.len() > MAX_FILE {
            return Err(LockfileError::TooLarge { name: name() });
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Err(LockfileError::Malformed { name: name(), reason: "it is not UTF-8".to_owned() });
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let read = Self::of_text(file_name, text).map_err(|fault| fault.of(file_name));
        read?.ok_or_else(|| LockfileError::Unknown { name: name() })
    }

    /// Reads the text of a lockfile; `None` if no format has this name.
    fn of_text(file_name: &str, text: &str) -> Result<Option<Self>, Fault> {
        let mut found = Collected::default();
        let format = match file_name {
            "package-lock.json" | "npm-shrinkwrap.json" | ".package-lock.json" => Format::Npm,
            "yarn.lock" if berry::is_berry(text)? => Format::Berry,
            "yarn.lock" => Format::Yarn,
            "pnpm-lock.yaml" => Format::Pnpm,
            "bun.lock" => Format::Bun,
            "deno.lock" => Format::Deno,
            // Nothing is installed from it, and it may quote whatever a package says of itself.
            other if address::ends_with(other, ".json") => {
                let format = sbom::read(text, &mut found)?;
                return Ok(Some(found.finish(format)));
            }
            _ => return Ok(None),
        };
        guard::check(text, format)?;
        match format {
            Format::Berry => berry::read(text, &mut found),
            Format::Yarn => yarn::read(text, &mut found),
            Format::Pnpm => pnpm::read(text, &mut found),
            Format::Bun => bun::read(text, &mut found),
            Format::Deno => deno::read(text, &mut found),
            _ => npm::read(text, file_name.starts_with('.'), &mut found),
        }?;
        Ok(Some(found.finish(format)))
    }

    /// Reads what lies in a `node_modules` folder; no link is followed.
    pub fn of_tree(folder: &Path) -> Result<Self, LockfileError> {
        let mut found = Collected::default();
        tree::read(folder, &mut found).map_err(|fault| fault.of(&folder.display().to_string()))?;
        Ok(found.finish(Format::Tree))
    }

    /// How the package.json files of the project and of its workspaces differ from what the file
    /// says of them, in words.
    pub fn differences(&self, project: &Path) -> Vec<String> {
        match self.format {
            Format::Npm | Format::Yarn | Format::Berry | Format::Pnpm | Format::Bun | Format::Deno => {
                asked::differences((&self.said, &self.graph), self.format, project)
            }
            _ => Vec::new(),
        }
    }

    /// The peers, as patterns of names, about which the project lets its client think otherwise
    /// than their packages say: of pnpm up to version 8, which writes that into the lockfile.
    pub fn peer_rules(&self, project: &Path) -> Vec<String> {
        self.said.of_pnpm.as_ref().map(|head| head.peer_rules(project)).unwrap_or_default()
    }

    /// How many entries are left out, by reason.
    pub fn left_out_by_reason(&self) -> BTreeMap<Reason, usize> {
        let mut counts = BTreeMap::new();
        for left in &self.left_out {
            *counts.entry(left.reason).or_default() += 1;
        }
        counts
    }

    /// The folders of the workspaces, from the lockfile's, as the file has them: nobody has looked
    /// whether they are there, or inside.
    pub fn workspaces(&self) -> impl Iterator<Item = &str> {
        self.graph.importers.iter().map(|importer| importer.folder.as_str())
    }

    /// What the file says of the project's overrides, by the keys there; `None` where its format
    /// has no place for that.
    pub fn overrides(&self) -> Option<&BTreeMap<String, String>> {
        self.said.overrides.as_ref()
    }

    /// What the file says of the project's catalogs, by `catalog/name`; the catalog without a name
    /// is `default`. `None` where its format has no place for that.
    pub fn catalogs(&self) -> Option<&BTreeMap<String, String>> {
        self.said.catalogs.as_ref()
    }

    /// The packages that one workspace needs; `wanted` is its name or its folder.
    pub fn of_workspace(&self, wanted: &str) -> Result<Vec<&Entry>, LockfileError> {
        if self.graph.importers.is_empty() {
            return Err(LockfileError::WorkspacesUnknown);
        }
        let folder = wanted.trim_start_matches("./").trim_end_matches('/');
        let below = format!("{folder}/");
        // A client takes all that the word fits: a name, a folder, and what lies in that folder.
        let fits = |importer: &&Importer| {
            importer.name.as_deref() == Some(wanted)
                || importer.folder == folder
                || importer.folder.starts_with(&below)
                || folder == "." && importer.folder.is_empty()
        };
        let importers: Vec<&Importer> = self.graph.importers.iter().filter(fits).collect();
        if importers.is_empty() {
            return Err(LockfileError::NoWorkspace);
        }
        let nodes = importers.iter().flat_map(|importer| [importer.node].into_iter().chain(importer.development.iter().copied()));
        let reached = self.graph.reach(nodes, Omit::default());
        let mut needed = vec![false; self.entries.len()];
        for (entry, _) in self.entry_of.iter().zip(reached).filter_map(|(entry, reached)| entry.filter(|_| reached)) {
            if let Some(needed) = needed.get_mut(entry) {
                *needed = true;
            }
        }
        Ok(self.entries.iter().zip(needed).filter_map(|(entry, needed)| needed.then_some(entry)).collect())
    }

    /// The packages that an installation without these kinds has, each with the places at which it
    /// has them.
    ///
    /// What the file says of a place is not believed by itself: the place is left out only where
    /// the file's own graph comes to it by what is omitted, and in no other way.
    pub fn installed_without(&self, omit: Omit) -> Vec<Entry> {
        let (all, kept) = (self.graph.installed(Omit::default()), self.graph.installed(omit));
        let mut left_out: Vec<Vec<bool>> = self.entries.iter().map(|entry| vec![false; entry.places.len()]).collect();
        for ((of, all), kept) in self.entry_of.iter().zip(all).zip(kept) {
            let Some((entry, place)) = *of else { continue };
            let says_so =
                self.entries.get(entry).and_then(|entry| entry.places.get(place)).is_some_and(|place| place.usage.is_omitted(omit));
            if let Some(slot) = left_out.get_mut(entry).and_then(|places| places.get_mut(place)) {
                *slot = says_so && all && !kept;
            }
        }
        let mut entries = Vec::new();
        for (entry, left_out) in self.entries.iter().zip(left_out) {
            let places = entry.places.iter().zip(left_out).filter(|(_, out)| !out).map(|(place, _)| place.clone()).collect::<Vec<_>>();
            if !places.is_empty() {
                entries.push(Entry { name: entry.name.clone(), version: entry.version.clone(), places });
            }
        }
        entries
    }

    /// Whether the file says which packages are for development alone, and by whom they are needed.
    pub fn tells_dev(&self) -> bool {
        let has_graph = self.entries.is_empty() || !self.graph.importers.is_empty();
        has_graph && self.entries.iter().flat_map(|entry| &entry.places).all(|place| place.usage.dev.is_some() || place.usage.tool)
    }
}

#[cfg(test)]
mod tests;

/// The examples of the README, as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
