//! Who needs a package.

use std::collections::BTreeSet;

use super::Lockfile;

/// Who needs a package, whatever its own version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Needer<'a> {
    /// A package, by its name.
    Package(&'a str),
    /// The project or a workspace, by its folder.
    Folder(&'a str),
}

impl Lockfile {
    /// For each of the entries, who needs it by the file's own graph; nobody where its format says
    /// nothing of that.
    pub fn needers<'a>(&'a self) -> Vec<BTreeSet<Needer<'a>>> {
        let mut all: Vec<BTreeSet<Needer<'a>>> = vec![BTreeSet::new(); self.entries.len()];
        let entry_of = |node: usize| self.entry_of.get(node).copied().flatten().map(|(entry, _)| entry);
        let mut add = |to: usize, by: Needer<'a>| {
            if let Some(needers) = entry_of(to).and_then(|entry| all.get_mut(entry)) {
                needers.insert(by);
            }
        };
        for (from, edges) in self.graph.edges.iter().enumerate() {
            let Some(by) = entry_of(from).and_then(|entry| self.entries.get(entry)) else { continue };
            for (to, _) in edges {
                add(*to, Needer::Package(by.name.as_str()));
            }
        }
        for importer in &self.graph.importers {
            let own = self.graph.edges.get(importer.node).into_iter().flatten().map(|(to, _)| *to);
            for to in own.chain(importer.development.iter().copied()) {
                add(to, Needer::Folder(&importer.folder));
            }
        }
        all
    }
}
