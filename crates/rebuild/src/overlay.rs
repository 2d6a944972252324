//! A package's folder as the publishing client saw it: with the package.json that it wrote, the
//! files as a tool left them, and the licence that was added.

use std::collections::BTreeSet;
use std::io;

use explain::is_same_program;
use npm_pack::list;
use npm_pack::rewrite::{AS_IS, Edits, Rewrite};
use npm_pack::tar::{Content, Kind, Member};
use npm_pack::tree::{Node, Tree, Unlisted};
use npm_spec::path::join;
use npm_tarball::Archive;
use serde_json::Value;

use super::error::SourceError;
use super::packing::Shelves;
use super::rebuilt::Cleaned;

const PACKAGE_JSON: &str = "package.json";

/// Largest file that a tool's edits are followed in, in bytes.
pub(super) const LARGEST_EDITED: u64 = 32 << 20;

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

    /// A file that an edit concerns, as the tool left it. A tool that takes comments out by a
    /// pattern takes parts of texts for some, and so can make another program of a script: that one
    /// is in no source, and the file stays as it is. Two readers have to agree that it is the same.
    fn edited(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let bytes = self.base.content(path)?.ok_or_else(|| SourceError::unreadable(path, io::ErrorKind::PermissionDenied.into()))?;
        if bytes.len() as u64 > LARGEST_EDITED {
            return Err(SourceError::TooLarge { what: path.to_owned(), limit: LARGEST_EDITED });
        }
        let edited = self.rewrite.edits.edited(path, &bytes);
        let edits = &self.rewrite.edits;
        let is_sound =
            edited == bytes || !edits.changes_code(path) || (Edits::is_harmless(&bytes, &edited) && is_same_program(path, &bytes, &edited));
        Ok(if is_sound { edited } else { bytes })
    }

    /// What the rewrite made other than the source, as it was packed into `archive`.
    pub(super) fn cleaned(&self, entries: &[list::Entry], archive: &Archive) -> Result<Cleaned, SourceError> {
        let obeyed = if self.rewrite.is_cleaned() {
            obeyed_otherwise(&self.base.content(PACKAGE_JSON)?.unwrap_or_default(), &self.rewrite.manifest)
        } else {
            Vec::new()
        };
        Ok(Cleaned { uncommented: self.uncommented(entries, archive)?, obeyed })
    }

    /// The listed scripts that have fewer comments in `archive`, which was packed of this, than in
    /// the source.
    fn uncommented(&self, entries: &[list::Entry], archive: &Archive) -> Result<Vec<String>, SourceError> {
        let mut paths = Vec::new();
        for entry in entries.iter().filter(|entry| self.rewrite.edits.changes_code(&entry.source)) {
            if let Some(packed) = archive.get(&entry.path)
                && self.base.content(&entry.source)?.is_some_and(|bytes| archive.content(packed).ok() != Some(bytes))
            {
                paths.push(entry.path.clone());
            }
        }
        Ok(paths)
    }

    fn changes_nothing(&self) -> bool {
        self.rewrite.name == AS_IS
    }
}

/// The keys that `packed`, a package.json, sets otherwise than `source`, but for what nobody obeys,
/// and those by which packages are installed, run and loaded that it lacks. An installation script
/// that was taken out is none of them: that is what these tools are for.
fn obeyed_otherwise(source: &[u8], packed: &[u8]) -> Vec<String> {
    const FIELDS: [&str; 14] = [
        "dependencies",
        "optionalDependencies",
        "peerDependencies",
        "peerDependenciesMeta",
        "bundleDependencies",
        "bundledDependencies",
        "bin",
        "directories",
        "main",
        "module",
        "browser",
        "exports",
        "imports",
        "gypfile",
    ];
    // What nobody obeys.
    const SHOWN: [&str; 10] =
        ["description", "keywords", "homepage", "bugs", "author", "contributors", "funding", "license", "repository", "devDependencies"];
    const HOOKS: [&str; 5] = ["preinstall", "install", "postinstall", "prepublish", "prepare"];
    let parsed = |bytes| serde_json::from_slice::<Value>(npm_spec::manifest::without_bom(bytes)).unwrap_or_default();
    let (source, packed) = (parsed(source), parsed(packed));
    let of = |manifest: &Value| manifest.as_object().cloned().unwrap_or_default();
    let (before, after) = (of(&source), of(&packed));
    let taken = FIELDS.iter().filter(|field| before.contains_key(**field) && !after.contains_key(**field)).map(|field| (*field).to_owned());
    let is_told = |key: &str| key != "scripts" && !SHOWN.contains(&key);
    let set = after.iter().filter(|(key, value)| is_told(key) && before.get(*key) != Some(value)).map(|(key, _)| key.clone());
    let fields: BTreeSet<String> = taken.chain(set).collect();
    let hook = |manifest: &Value, hook: &str| manifest.get("scripts").and_then(|scripts| scripts.get(hook)).cloned();
    let hooks = HOOKS.iter().filter(|name| hook(&packed, name).is_some_and(|now| hook(&source, name) != Some(now)));
    fields.into_iter().chain(hooks.map(|name| format!("scripts.{name}"))).collect()
}

/// A file as a tool left it, made when the archive is written: not all of a package is in memory at
/// once.
struct Edited<'e, 'o> {
    overlay: &'e Overlay<'o>,
    path: String,
    size: u64,
}

impl Content for Edited<'_, '_> {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
        Ok(Box::new(io::Cursor::new(self.overlay.edited(&self.path).map_err(io::Error::other)?)))
    }
}

impl Tree for Overlay<'_> {
    fn list(&self, dir: &str) -> Result<Vec<Node>, Unlisted> {
        let mut nodes = self.base.list(dir)?;
        nodes.retain(|node| join(dir, &node.name) == PACKAGE_JSON || !self.rewrite.edits.hides(dir, &node.name));
        Ok(nodes)
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
            let file = Edited { overlay: self, path: entry.source.clone(), size: self.edited(&entry.source)?.len() as u64 };
            return Ok(member.map(|member| Member { kind: Kind::File(Box::new(file)), ..member }));
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
        if self.rewrite.edits.concern(path) { self.edited(path).map(Some) } else { self.base.content(path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_a_tool_sets_otherwise_are_told_unless_it_takes_out_a_script() {
        let source = br#"{"main":"a.js","dependencies":{"a":"1"},"scripts":{"postinstall":"husky"},"devDependencies":{"b":"1"}}"#;
        let told = |packed: &str| obeyed_otherwise(source, packed.as_bytes());
        assert!(told(r#"{"dependencies":{"a":"1"},"main":"a.js","scripts":{"_postinstall":"husky"}}"#).is_empty());
        assert_eq!(
            told(r#"{"main":"b.js","dependencies":{"a":"1","c":"1"},"scripts":{"postinstall":"x","install":"y"}}"#),
            ["dependencies", "main", "scripts.install", "scripts.postinstall"]
        );
        assert_eq!(told(r#"{"main":"a.js"}"#), ["dependencies"]);
    }
}
