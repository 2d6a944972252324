//! Entries as a reader finds them, and the lists that are made of them.

use std::collections::{BTreeMap, HashSet};

use npm_spec::{PackageName, Spec, Target, Wanted, version};

use super::asked::Said;
use super::folders::OwnFolder;
use super::graph::{Graph, Importer, Kind};
use super::{
    Bundled, Entry, Fault, Format, Gap, LeftOut, Lockfile, MAX_ALIASES, MAX_ENTRIES, MAX_GAPS, MAX_KEY, MAX_NEEDS, Place, Position, Reason,
    Stated, Usage, address,
};

/// In the place of words that are too long.
const TOO_LONG: &str = "?";

/// What a reader has found so far.
#[derive(Default)]
pub(crate) struct Collected {
    nodes: Vec<Node>,
    needs: usize,
    gaps: Vec<Gap>,
    pub(crate) said: Said,
    pub(crate) graph: Graph,
}

enum Node {
    Package(PackageName, String, Place),
    Out(LeftOut),
}

impl Collected {
    /// Adds a package, and gives its node.
    pub(crate) fn package(&mut self, name: &str, version: &str, mut place: Place) -> Result<usize, Fault> {
        let Some((name, version)) = named(name, version).filter(|_| place.key.len() <= MAX_KEY && is_plain(&place)) else {
            return self.left_out(&place.key, place.position, Reason::Unreadable);
        };
        if let Some(resolved) = &mut place.resolved {
            place.address_more = address::has_more(resolved).then(|| address::digest(resolved));
            *resolved = verdict::without_secrets(resolved);
        }
        self.node(Node::Package(name, version, place))
    }

    /// Adds an entry that is left out, and gives its node.
    pub(crate) fn left_out(&mut self, key: &str, position: Position, reason: Reason) -> Result<usize, Fault> {
        let is_own = matches!(reason, Reason::Project | Reason::Workspace);
        self.out(LeftOut { position, key: key.to_owned(), reason, is_own, bundled: None, leads_to: None })
    }

    /// Adds a link or a folder; `target` is its path from the project's folder.
    pub(crate) fn folder(&mut self, key: &str, position: Position, (reason, target): (Reason, &str)) -> Result<usize, Fault> {
        let is_own = address::is_inside(target);
        self.out(LeftOut { position, key: key.to_owned(), reason, is_own, bundled: None, leads_to: None })
    }

    /// Adds a folder of the project that is installed as a package, with what is said of its needs.
    pub(crate) fn own_folder(&mut self, key: &str, position: Position, reason: Reason, folder: OwnFolder) -> Result<usize, Fault> {
        let node = self.folder(key, position, (reason, &folder.path))?;
        self.said.folders.push(folder);
        Ok(node)
    }

    /// Adds what lies in the tarball of another package.
    pub(crate) fn bundled(&mut self, key: &str, position: Position, bundled: Option<Bundled>) -> Result<usize, Fault> {
        self.out(LeftOut { position, key: key.to_owned(), reason: Reason::Bundled, is_own: false, bundled, leads_to: None })
    }

    /// Keeps what the file leads an entry to that is left out. What is too long to be kept whole is
    /// equal to nothing.
    pub(crate) fn leads_to(&mut self, node: usize, words: &[Option<&str>]) {
        if let Some(Node::Out(left)) = self.nodes.get_mut(node) {
            let all = words.iter().flatten().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ");
            let told = if all.len() > MAX_KEY { TOO_LONG.to_owned() } else { verdict::without_secrets(&all) };
            left.leads_to = (!told.is_empty()).then_some(told);
        }
    }

    /// Says of an entry that is left out that it is no part of the project after all, and where it
    /// leads to.
    pub(crate) fn is_strange(&mut self, node: usize, target: &str) {
        if let Some(Node::Out(left)) = self.nodes.get_mut(node) {
            left.is_own = false;
        }
        self.leads_to(node, &[Some(target)]);
    }

    fn out(&mut self, mut left: LeftOut) -> Result<usize, Fault> {
        left.key = verdict::without_secrets(&left.key.chars().take(MAX_KEY).collect::<String>());
        self.node(Node::Out(left))
    }

    fn node(&mut self, node: Node) -> Result<usize, Fault> {
        if self.nodes.len() >= MAX_ENTRIES {
            return Err(Fault::TooMuch);
        }
        self.nodes.push(node);
        self.graph.edges.push(Vec::new());
        Ok(self.nodes.len() - 1)
    }

    /// `from` needs `to`.
    pub(crate) fn needs(&mut self, from: usize, to: usize, kind: Kind) -> Result<(), Fault> {
        self.count(1)?;
        if let Some(edges) = self.graph.edges.get_mut(from) {
            edges.push((to, kind));
        }
        Ok(())
    }

    /// Tells of a need that has no entry.
    pub(crate) fn gap(&mut self, by: &str, wanted: &str, position: Position) {
        self.gap_of(by, wanted, (position, false));
    }

    /// The same, where it may be one for a peer.
    pub(crate) fn gap_of(&mut self, by: &str, wanted: &str, (position, is_peer): (Position, bool)) {
        if self.gaps.len() < MAX_GAPS {
            self.gaps.push(Gap { position, by: short(by), wanted: short(wanted), is_peer });
        }
    }

    /// Counts what is optional for a package and has no entry.
    pub(crate) fn lacks(&mut self, by: &str, wanted: &str) {
        let lacking = &mut self.said.lacking;
        lacking.count += 1;
        if lacking.first.is_none() {
            lacking.first = Some(format!("{} needs {}", short(by), short(wanted)));
        }
    }

    /// Counts needs: where a name may mean any of its versions, few bytes of a file stand for many
    /// of them.
    pub(crate) fn count(&mut self, needs: usize) -> Result<(), Fault> {
        self.needs = self.needs.saturating_add(needs);
        if self.needs > MAX_NEEDS { Err(Fault::TooMuch) } else { Ok(()) }
    }

    /// `node` is the project or a workspace.
    pub(crate) fn importer(&mut self, node: usize, name: Option<String>, folder: &str, development: Vec<usize>) {
        self.graph.importers.push(Importer { node, name, folder: folder.to_owned(), development });
    }

    /// `from` asks for `to` under a name: where that is another one, it is kept who says so. What
    /// the project itself asks for is its own.
    pub(crate) fn asks(&mut self, from: usize, to: usize, name: &str) {
        let by = match self.nodes.get(from) {
            Some(Node::Package(own, version, _)) => format!("{own}@{version}"),
            _ => return,
        };
        let Some(Node::Package(real, _, place)) = self.nodes.get_mut(to).filter(|_| name.len() <= MAX_KEY) else { return };
        if real.as_str() == name || place.aliases.iter().any(|(known, alias)| *known == by && alias == name) {
            return;
        }
        if place.aliases.len() < MAX_ALIASES {
            place.aliases.push((by, name.to_owned()));
        } else {
            place.in_place_of = Some(name.to_owned());
        }
    }

    /// A range of the package `name` leads to a node.
    pub(crate) fn is_asked_for(&mut self, node: usize, name: &str) {
        if let Some(Node::Package(own, _, place)) = self.nodes.get_mut(node)
            && own.as_str() != name
        {
            place.in_place_of = Some(name.to_owned());
        }
    }

    /// These names are asked for as other packages, whose names are behind them.
    pub(crate) fn are_asked_for(&mut self, aliases: &HashSet<(String, String)>) {
        for node in &mut self.nodes {
            let Node::Package(real, _, place) = node else { continue };
            let is_asked = |alias: &String| aliases.contains(&(alias.clone(), real.as_str().to_owned()));
            if place.in_place_of.as_ref().is_some_and(is_asked) {
                place.in_place_of = None;
            }
        }
    }

    /// The version of a package.
    pub(crate) fn version_of(&self, node: usize) -> Option<&str> {
        if let Some(Node::Package(_, version, _)) = self.nodes.get(node) { Some(version) } else { None }
    }

    /// Changes what a package is needed for.
    pub(crate) fn set_usage(&mut self, node: usize, change: impl FnOnce(&mut Usage)) {
        if let Some(Node::Package(_, _, place)) = self.nodes.get_mut(node) {
            change(&mut place.usage);
        }
    }

    /// Keeps what one of a package's entries says of it.
    pub(crate) fn states(&mut self, node: usize, stated: Stated) -> Result<(), Fault> {
        let Some(Node::Package(_, _, place)) = self.nodes.get_mut(node) else { return Ok(()) };
        let Some(known) = place.stated.take() else {
            place.stated = Some(Box::new(stated));
            return Ok(());
        };
        let versions = known.versions();
        place.stated = Some(Box::new(known.joined(&stated)));
        self.count(versions)
    }

    /// Says of each package whether it is for development alone, by the graph.
    pub(crate) fn dev_by_graph(&mut self) {
        for (node, dev) in self.graph.dev().into_iter().enumerate() {
            self.set_usage(node, |usage| usage.dev = usage.dev.or(Some(dev)));
        }
    }

    /// The lists: each package once, by name and version.
    pub(crate) fn finish(self, format: Format) -> Lockfile {
        let mut numbers: BTreeMap<(PackageName, String), Vec<(usize, Place)>> = BTreeMap::new();
        let mut left_out = Vec::new();
        let mut entry_of = vec![None; self.nodes.len()];
        for (at, node) in self.nodes.into_iter().enumerate() {
            match node {
                Node::Package(name, version, place) => numbers.entry((name, version)).or_default().push((at, place)),
                Node::Out(left) => left_out.push(left),
            }
        }
        let mut entries = Vec::with_capacity(numbers.len());
        for ((name, version), places) in numbers {
            for (at, (node, _)) in places.iter().enumerate() {
                if let Some(entry) = entry_of.get_mut(*node) {
                    *entry = Some((entries.len(), at));
                }
            }
            entries.push(Entry { name, version, places: places.into_iter().map(|(_, place)| place).collect() });
        }
        Lockfile { format, entries, left_out, gaps: self.gaps, said: self.said, graph: self.graph, entry_of }
    }
}

/// Words of a file as they are kept.
fn short(text: &str) -> String {
    verdict::without_secrets(&text.chars().take(MAX_KEY).collect::<String>())
}

/// Whether the address, if there is one, is one that all clients take for the same: of http, and as
/// it would be written anew.
fn is_plain(place: &Place) -> bool {
    place.resolved.as_deref().is_none_or(address::is_plain)
}

/// The name and the clean version, if `name@version` is a word for just that: `a@1.0.0-x.tgz` has a
/// version, and is a word for a file.
fn named(name: &str, version: &str) -> Option<(PackageName, String)> {
    let (name, version) = (PackageName::parse(name).ok()?, version::clean(version)?);
    let spec = Spec::parse(&format!("{name}@{version}")).ok()?;
    let is_it =
        matches!(spec.target(), Target::Registry { name: own, wanted: Wanted::Version(wanted), .. } if *own == name && *wanted == version);
    is_it.then_some((name, version))
}
