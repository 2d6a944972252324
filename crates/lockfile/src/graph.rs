//! Which entries need which: for the workspaces of a project, and for what is for development
//! alone, optional or a peer.

use super::Omit;

/// The kind of a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Production,
    Optional,
    Peer,
}

impl Kind {
    fn is_omitted(self, omit: Omit) -> bool {
        self == Self::Optional && omit.optional || self == Self::Peer && omit.peer
    }
}

/// The entries of a file as a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Graph {
    /// For each node, those that it needs in production.
    pub(crate) edges: Vec<Vec<(usize, Kind)>>,
    /// The project and its workspaces.
    pub(crate) importers: Vec<Importer>,
}

/// The project or a workspace of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Importer {
    pub(crate) node: usize,
    pub(crate) name: Option<String>,
    /// From the root; empty for the root itself.
    pub(crate) folder: String,
    /// What it needs for development, besides its edges.
    pub(crate) development: Vec<usize>,
}

impl Graph {
    /// For each node, whether it can be reached from these without needs of the omitted kinds.
    pub(crate) fn reach(&self, from: impl Iterator<Item = usize>, omit: Omit) -> Vec<bool> {
        let mut reached = vec![false; self.edges.len()];
        let mut open: Vec<usize> = from.collect();
        while let Some(node) = open.pop() {
            let Some(seen) = reached.get_mut(node).filter(|seen| !**seen) else { continue };
            *seen = true;
            let edges = self.edges.get(node).into_iter().flatten();
            open.extend(edges.filter(|(_, kind)| !kind.is_omitted(omit)).map(|(to, _)| to));
        }
        reached
    }

    /// For each node, whether the project and its workspaces need it, without the omitted kinds.
    pub(crate) fn installed(&self, omit: Omit) -> Vec<bool> {
        let development = self.importers.iter().filter(|_| !omit.dev).flat_map(|importer| importer.development.iter().copied());
        self.reach(self.importers.iter().map(|importer| importer.node).chain(development), omit)
    }

    /// For each node, whether the project needs it for development alone.
    pub(crate) fn dev(&self) -> Vec<bool> {
        let (all, production) = (self.installed(Omit::default()), self.installed(Omit { dev: true, ..Omit::default() }));
        all.into_iter().zip(production).map(|(all, production)| all && !production).collect()
    }
}
