//! Which tools a package was made with, as far as its registry metadata, its source and the
//! calendar tell.
//!
//! Pure: files of the commit come in by two functions, wishes with reasons come out, likeliest
//! first. No wish is an order: [`settle`](super::settle) turns them into versions that can be had,
//! and a build that is refused goes on to the next.

mod files;
mod lockfile;
mod manager;
mod node;
mod spelling;
#[cfg(test)]
mod tests;
mod workflow;

use jiff::Timestamp;

use npm_spec::tool::Kind;

use files::Around;

/// What is known of a package when its tools are looked for.
pub struct Clues<'a> {
    /// Node by the user's word, which overrules all others: a version, a range, or a name as
    /// `lts/hydrogen`.
    pub node_by_user: Option<&'a str>,
    /// The registry's `_nodeVersion`.
    pub node_version: Option<&'a str>,
    /// The registry's `_npmVersion`.
    pub npm_version: Option<&'a str>,
    /// When it was published; none where the registry's times cannot be true.
    pub published: Option<Timestamp>,
    /// When the commit was made.
    pub committed: Timestamp,
    /// The package's folder in the repository, `""` for its root.
    pub directory: &'a str,
    /// A file of the commit's tree, by its path from the root.
    pub read: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    /// The names in a folder of the commit's tree, by its path from the root.
    pub list: &'a dyn Fn(&str) -> Vec<String>,
}

/// A version, or a range of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// This one.
    Exact(String),
    /// One of these: the one that was usual at the time.
    Range(String),
}

/// A Node that is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub wish: Wish,
    /// Who says so, for people: `.nvmrc says 18`.
    pub reason: String,
}

/// A package manager that is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagerCandidate {
    /// Which manager.
    pub kind: Kind,
    /// Which version of it.
    pub wish: Wish,
    /// The lockfile that it goes by, as a path from the root.
    pub lockfile: Option<String>,
    /// Who says so.
    pub reason: String,
}

/// All wishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Node, likeliest first. Never empty: the last one is what was usual at the time.
    pub node: Vec<Candidate>,
    /// Whether the user said which Node: no other will do.
    pub node_is_given: bool,
    /// The package manager, likeliest first. Never empty: the last resort is npm.
    pub manager: Vec<ManagerCandidate>,
    /// The moment whose tools are meant.
    pub at: Timestamp,
}

/// Reads the clues.
pub fn choose(clues: &Clues<'_>) -> Wanted {
    // A publish time before the commit belongs to something else.
    let at = clues.published.filter(|published| *published >= clues.committed).unwrap_or(clues.committed);
    let around = Around::read(clues);
    let setups = workflow::setups(&around);
    let given = clues.node_by_user.and_then(|text| node::given(text, at));
    let node_is_given = given.is_some();
    let node = given.map_or_else(|| node::candidates(clues, &around, &setups, at), |given| vec![given]);
    Wanted { node, node_is_given, manager: manager::candidates(clues, &around, &setups), at }
}

/// Whether a text names a Node: a version, a range, or a name as `lts/hydrogen`.
pub fn names_a_node(text: &str) -> bool {
    spelling::node_wish(text, Timestamp::now()).is_some()
}
