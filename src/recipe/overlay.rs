//! A package's folder as the publishing client saw it: with the package.json that it wrote, the files as a tool left them, and the
//! licence that was added.

use super::error::SourceError;
use super::packing::Shelves;
use crate::pack::list;
use crate::pack::rewrite::{AS_IS, Rewrite};
use crate::pack::tar::{Kind, Member};
use crate::pack::tree::{Node, Tree, join};

const PACKAGE_JSON: &str = "package.json";

/// Mode of a file that is written anew.
const PLAIN_MODE: u32 = 0o644;

/// A folder under a rewrite.
pub(super) struct Overlay<'o> {
    base: &'o dyn Shelves,
    rewrite: &'o Rewrite,
    added: &'o [(String, Vec<u8>)],
}

impl<'o> Overlay<'o> {
    /// The folder `base` as `rewrite` leaves it, with these files besides.
    pub(super) fn new(base: &'o dyn Shelves, rewrite: &'o Rewrite, added: &'o [(String, Vec<u8>)]) -> Self {
        Self { base, rewrite, added }
    }

    fn changes_nothing(&self) -> bool {
        self.rewrite.name == AS_IS
    }
}

impl Tree for Overlay<'_> {
    fn list(&self, dir: &str) -> Vec<Node> {
        let mut nodes = self.base.list(dir);
        nodes.retain(|node| join(dir, &node.name) == PACKAGE_JSON || !self.rewrite.edits.hides(&node.name));
        nodes
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        if path == PACKAGE_JSON && !self.changes_nothing() { Some(self.rewrite.listed.clone()) } else { self.base.read(path) }
    }

    fn link(&self, path: &str) -> Option<String> {
        self.base.link(path)
    }
}

impl Shelves for Overlay<'_> {
    fn member<'s>(&'s self, entry: &'s list::Entry) -> Result<Option<Member<'s>>, SourceError> {
        if let Some((_, bytes)) = self.added.iter().find(|(path, _)| *path == entry.source) {
            let kind = Kind::File(Box::new(bytes.as_slice()));
            return Ok(Some(Member { path: entry.path.clone(), mode: PLAIN_MODE, kind, mtime: None }));
        }
        let member = self.base.member(entry)?;
        if self.rewrite.edits.concern(&entry.source) && member.as_ref().is_some_and(|member| matches!(member.kind, Kind::File(_))) {
            let bytes = self.content(&entry.source)?.unwrap_or_default();
            return Ok(member.map(|member| Member { kind: Kind::File(Box::new(bytes)), ..member }));
        }
        if entry.source != PACKAGE_JSON || self.changes_nothing() {
            return Ok(member);
        }
        let kind = || Kind::File(Box::new(self.rewrite.manifest.as_slice()));
        Ok(member.map(|member| Member { kind: kind(), ..member }))
    }

    fn content(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        if path == PACKAGE_JSON && !self.changes_nothing() {
            return Ok(Some(self.rewrite.manifest.clone()));
        }
        let edits = &self.rewrite.edits;
        let content = self.base.content(path)?;
        Ok(content.map(|bytes| if edits.concern(path) { edits.edited(path, &bytes) } else { bytes }))
    }
}
