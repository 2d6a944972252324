//! Which entries need which: for the workspaces of a project, and for what is for development alone.

/// The entries of a file as a graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Graph {
    /// For each node, those that it needs in production.
    pub(crate) edges: Vec<Vec<usize>>,
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
    /// For each node, whether it can be reached from these.
    pub(crate) fn reach(&self, from: impl Iterator<Item = usize>) -> Vec<bool> {
        let mut reached = vec![false; self.edges.len()];
        let mut open: Vec<usize> = from.collect();
        while let Some(node) = open.pop() {
            let Some(seen) = reached.get_mut(node).filter(|seen| !**seen) else { continue };
            *seen = true;
            open.extend(self.edges.get(node).into_iter().flatten());
        }
        reached
    }

    /// For each node, whether the project needs it for development alone.
    pub(crate) fn dev(&self) -> Vec<bool> {
        let production = self.reach(self.importers.iter().map(|importer| importer.node));
        let development = self.reach(self.importers.iter().flat_map(|importer| importer.development.iter().copied()));
        production.into_iter().zip(development).map(|(production, development)| development && !production).collect()
    }
}
