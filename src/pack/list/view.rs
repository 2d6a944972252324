//! The package folder with its listings remembered: every rule set asks for the same folders again and again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::ListError;
use super::ignore::MAX_DEPTH;
use super::manifest::normalize;
use crate::pack::tree::{NodeKind, Tree, join};

/// As many links as Linux follows for one path.
const MAX_LINKS: usize = 40;

type Listing = Rc<BTreeMap<String, NodeKind>>;

/// A tree whose listings are read once.
pub(super) struct View<'t> {
    tree: &'t dyn Tree,
    listings: RefCell<BTreeMap<String, Listing>>,
}

impl<'t> View<'t> {
    pub(super) fn new(tree: &'t dyn Tree) -> Self {
        Self { tree, listings: RefCell::default() }
    }

    /// The entries of a folder, by name. The path is in normal form.
    pub(super) fn list(&self, dir: &str) -> Listing {
        if let Some(listing) = self.listings.borrow().get(dir) {
            return Rc::clone(listing);
        }
        let nodes = self.tree.list(dir).into_iter().filter(|node| !matches!(node.name.as_str(), "" | "." | ".."));
        let listing: Listing = Rc::new(nodes.map(|node| (node.name, node.kind)).collect());
        self.listings.borrow_mut().insert(dir.to_owned(), Rc::clone(&listing));
        listing
    }

    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.tree.read(&normalize(path)?)
    }

    /// A text file of the tree, as Node decodes it: what is not UTF-8 is replaced.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What stands at a path, which may hold `.` and `..`; with a slash behind, only a folder.
    pub(super) fn kind(&self, path: &str) -> Option<NodeKind> {
        let normal = normalize(path)?;
        if normal.is_empty() {
            return Some(NodeKind::Dir);
        }
        let (dir, name) = normal.rsplit_once('/').unwrap_or(("", &normal));
        let kind = self.list(dir).get(name).copied()?;
        (!path.ends_with('/') || matches!(kind, NodeKind::Dir | NodeKind::Submodule)).then_some(kind)
    }

    /// Whether a link leads out of the package, by what it says or by the links that it leads through. One whose target cannot be read
    /// here does not.
    pub(super) fn leads_out(&self, path: &str) -> bool {
        let mut path = path.to_owned();
        for _ in 0..MAX_LINKS {
            let Some(target) = self.tree.link(&path) else { return false };
            let above = path.rsplit_once('/').map_or("", |(dir, _)| dir);
            // normalize() takes the slash in front away, which here means another place.
            let Some(next) = (!target.starts_with('/')).then(|| normalize(&join(above, &target))).flatten() else { return true };
            path = next;
        }
        false
    }

    /// Every path below the root, with whether it is a folder.
    pub(super) fn all(&self) -> Result<Vec<(String, bool)>, ListError> {
        let mut paths = Vec::new();
        let mut folders = vec![(String::new(), 0_usize)];
        while let Some((dir, depth)) = folders.pop() {
            if depth > MAX_DEPTH {
                return Err(ListError::TooDeep(dir));
            }
            for (name, kind) in self.list(&dir).iter() {
                let path = join(&dir, name);
                let is_dir = matches!(kind, NodeKind::Dir | NodeKind::Submodule);
                if *kind == NodeKind::Dir {
                    folders.push((path.clone(), depth + 1));
                }
                paths.push((path, is_dir));
            }
        }
        Ok(paths)
    }
}
