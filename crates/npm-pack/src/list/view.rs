//! The package folder with its listings remembered: every rule set asks for the same folders again
//! and again.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use npm_spec::path::join;

use super::ListError;
use super::ignore::MAX_DEPTH;
use super::manifest::normalize;
use crate::tree::{NodeKind, Tree, Unlisted};

/// As many links as Linux follows for one path.
const MAX_LINKS: usize = 40;
/// Most entries of one package folder that are looked at, `node_modules` among them, and most bytes
/// of their paths: a build can leave more than memory holds.
const MAX_ENTRIES: usize = 2_000_000;
const MAX_PATHS: usize = 256 << 20;

type Listing = Rc<BTreeMap<String, NodeKind>>;

/// What was read of a folder: its entries, and whether there may be more that nobody can read.
#[derive(Clone, Default)]
struct Seen {
    entries: Listing,
    is_closed: bool,
}

/// A tree whose listings are read once.
pub(super) struct View<'t> {
    tree: &'t dyn Tree,
    listings: RefCell<BTreeMap<String, Seen>>,
    /// How many entries may still be listed, and how many bytes their paths may have.
    left: Cell<(usize, usize)>,
    /// Why the client would have failed, the first reason.
    failed: RefCell<Option<ListError>>,
}

impl<'t> View<'t> {
    pub(super) fn new(tree: &'t dyn Tree) -> Self {
        Self { tree, listings: RefCell::default(), left: Cell::new((MAX_ENTRIES, MAX_PATHS)), failed: RefCell::default() }
    }

    /// The entries of a folder that the client reads, by name. The path is in normal form. A folder
    /// that cannot be read makes the client fail; see [`View::check`].
    pub(super) fn list(&self, dir: &str) -> Listing {
        let seen = self.look(dir);
        if seen.is_closed {
            self.fail(ListError::Unreadable(dir.to_owned()));
        } else if dir.contains('\u{fffd}') {
            self.fail(ListError::UnreadableName(dir.to_owned()));
        }
        seen.entries
    }

    /// An error where something that the client reads could not be read: a list that was made of
    /// the rest is none.
    pub(super) fn check(&self) -> Result<(), ListError> {
        self.failed.borrow().clone().map_or(Ok(()), Err)
    }

    fn fail(&self, error: ListError) {
        self.failed.borrow_mut().get_or_insert(error);
    }

    fn look(&self, dir: &str) -> Seen {
        if let Some(seen) = self.listings.borrow().get(dir) {
            return seen.clone();
        }
        let listed = self.tree.list(dir).and_then(|nodes| {
            let (entries, bytes) = self.left.get();
            let taken = nodes.iter().map(|node| dir.len() + node.name.len()).fold(0, usize::saturating_add);
            let left = entries.checked_sub(nodes.len()).zip(bytes.checked_sub(taken)).ok_or(Unlisted::TooMany)?;
            self.left.set(left);
            Ok(nodes)
        });
        let seen = match listed {
            Ok(nodes) => {
                let nodes = nodes.into_iter().filter(|node| !matches!(node.name.as_str(), "" | "." | ".."));
                Seen { entries: Rc::new(nodes.map(|node| (node.name, node.kind)).collect()), is_closed: false }
            }
            Err(Unlisted::Closed) => Seen { is_closed: true, ..Seen::default() },
            Err(Unlisted::TooMany) => {
                // Nothing more is kept from here on.
                self.left.set((0, 0));
                self.fail(ListError::TooManyEntries);
                Seen::default()
            }
        };
        self.listings.borrow_mut().insert(dir.to_owned(), seen.clone());
        seen
    }

    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.tree.read(&normalize(path)?)
    }

    /// A text file of the tree, as Node decodes it: what is not UTF-8 is replaced. A file that is
    /// there and cannot be read makes the client fail.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let bytes = self.read(path);
        if bytes.is_none() && matches!(self.kind(path), Some(NodeKind::File { .. })) {
            self.fail(ListError::Unreadable(path.to_owned()));
        }
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
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

    /// Whether a link leads out of the package, by what it says or by the links that it leads
    /// through. One whose target cannot be read here does not.
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

    /// Every path below the root, with whether it is a folder. What cannot be read is passed over,
    /// as clients do where they look for what a pattern names.
    pub(super) fn all(&self) -> Result<Vec<(String, bool)>, ListError> {
        let mut paths = Vec::new();
        let mut folders = vec![(String::new(), 0_usize)];
        while let Some((dir, depth)) = folders.pop() {
            if depth > MAX_DEPTH {
                return Err(ListError::TooDeep(dir));
            }
            for (name, kind) in self.look(&dir).entries.iter() {
                let path = join(&dir, name);
                let is_dir = matches!(kind, NodeKind::Dir | NodeKind::Submodule);
                if *kind == NodeKind::Dir {
                    folders.push((path.clone(), depth + 1));
                }
                paths.push((path, is_dir));
            }
            if matches!(*self.failed.borrow(), Some(ListError::TooManyEntries)) {
                return Err(ListError::TooManyEntries);
            }
        }
        Ok(paths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{MemoryTree, Node};

    /// A tree in which a folder is closed and another has too many entries.
    struct Odd(MemoryTree);

    impl Tree for Odd {
        fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted> {
            match dir {
                "closed" => Err(Unlisted::Closed),
                "wide" => Err(Unlisted::TooMany),
                _ => self.0.list(dir),
            }
        }

        fn read(&self, path: &str) -> Option<Vec<u8>> {
            self.0.read(path).filter(|_| path != "shut")
        }

        fn link(&self, path: &str) -> Option<String> {
            self.0.link(path)
        }
    }

    #[test]
    fn what_the_client_cannot_read_makes_it_fail_and_what_it_does_not_read_does_not() {
        let tree = Odd(MemoryTree::new().file("closed/a", "").file("shut", "").file("d\u{fffd}/a", ""));
        let checked = |act: &dyn Fn(&View)| {
            let view = View::new(&tree);
            let paths = view.all().unwrap();
            assert!(paths.iter().any(|(path, _)| path == "closed") && view.check().is_ok());
            act(&view);
            view.check()
        };
        assert_eq!(checked(&|view| drop(view.list("closed"))), Err(ListError::Unreadable("closed".into())));
        assert_eq!(checked(&|view| drop(view.text("shut"))), Err(ListError::Unreadable("shut".into())));
        assert_eq!(checked(&|view| drop(view.list("d\u{fffd}"))), Err(ListError::UnreadableName("d\u{fffd}".into())));
        assert_eq!(checked(&|view| assert!(view.list("none").is_empty() && view.text("none").is_none())), Ok(()));
    }

    #[test]
    fn of_too_many_entries_no_list_is_made() {
        let tree = Odd(MemoryTree::new().file("wide/a", ""));
        assert_eq!(View::new(&tree).all(), Err(ListError::TooManyEntries));
        let tree = MemoryTree::new().file("a", "").file("b/c", "").file("b/d", "");
        let checked = |left: (usize, usize)| {
            let view = View::new(&tree);
            view.left.set(left);
            (view.all().is_ok(), view.check().is_ok())
        };
        assert_eq!([checked((4, 6)), checked((3, 6)), checked((4, 5))], [(true, true), (false, false), (false, false)]);
    }
}
