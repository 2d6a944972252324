//! A package's folder as the publishing client saw it: with the package.json that it wrote, the
//! files as a tool left them, and the licence that was added.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use explain::fields::{BOUNDS, DEPENDENCIES, HOOKS, LOADED};
use explain::is_same_program;
use npm_pack::list;
use npm_pack::rewrite::{AS_IS, Edits, Rewrite};
use npm_pack::tar::{Content, Kind, Member};
use npm_pack::tree::{Node, Tree, Unlisted};
use npm_spec::manifest::{LARGEST_PACKED, is_too_large, read_up_to};
use npm_spec::path::join;
use npm_tarball::Archive;
use serde_json::Value;

use super::committed::{PACKAGE_JSON, id_of};
use super::error::SourceError;
use super::packing::Shelves;
use super::readme::{README, user_of_readme};
use super::rebuilt::{Before, Cleaned, Shortened};

const BINDING_GYP: &str = "binding.gyp";

/// Whether a file is the one for which npm runs node-gyp: on Linux by this name alone, on file
/// systems of macOS and Windows, which take no account of case, by `Binding.gyp` as well
/// (@npmcli/node-gyp asks the file system for the name).
pub(crate) fn is_binding_gyp(path: &str) -> bool {
    path.eq_ignore_ascii_case(BINDING_GYP)
}

/// Largest file that a tool's edits are followed in, in bytes.
pub(super) const LARGEST_EDITED: u64 = 32 << 20;
/// Told in place of keys that nobody compares.
pub(crate) const TOO_MANY: &str = "keys that are too many to be compared";

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
        let obeyed = if self.rewrite.is_cleaned {
            let builds = entries.iter().any(|entry| is_binding_gyp(&entry.path));
            obeyed_otherwise(&self.base.content(PACKAGE_JSON)?.unwrap_or_default(), &self.rewrite.manifest, builds)
        } else {
            Vec::new()
        };
        let (uncommented, shortened) = (self.uncommented(entries, archive)?, self.shortened(entries, archive)?);
        Ok(Cleaned { uncommented, obeyed, shortened, before: self.before(entries)? })
    }

    /// Whether README.md was cut, and what may use it.
    fn shortened(&self, entries: &[list::Entry], archive: &Archive) -> Result<Option<Shortened>, SourceError> {
        let is_listed = entries.iter().any(|entry| entry.source == README && entry.path == README);
        let Some(packed) = archive.get(README).filter(|_| is_listed && self.rewrite.edits.concern(README)) else { return Ok(None) };
        let is_cut = self.base.content(README)?.is_some_and(|bytes| archive.content(packed).ok() != Some(bytes));
        Ok(is_cut.then(|| Shortened { user: user_of_readme(archive) }))
    }

    /// What is in the folder where the rewrite makes another of it.
    fn before(&self, entries: &[list::Entry]) -> Result<Before, SourceError> {
        let manifest = if self.changes_nothing() { None } else { self.base.content(PACKAGE_JSON)? };
        let mut edited = BTreeMap::new();
        for entry in entries.iter().filter(|entry| self.rewrite.edits.concern(&entry.source)) {
            if let Some(id) = self.base.content(&entry.source)?.and_then(|bytes| id_of(&bytes)) {
                edited.insert(entry.path.clone(), id);
            }
        }
        Ok(Before { manifest, edited })
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
/// and those by which packages are installed, run and loaded that it lacks. The order of keys
/// counts: of `exports` the first condition that holds is taken. An installation script that was
/// taken out is none of them: that is what these tools are for; but where the package has a
/// `binding.gyp` (`builds`), npm runs node-gyp in place of the one that is gone
/// (@npmcli/run-script, `isNodeGypPackage`).
pub(crate) fn obeyed_otherwise(source: &[u8], packed: &[u8], builds: bool) -> Vec<String> {
    // What nobody obeys.
    const SHOWN: [&str; 10] =
        ["description", "keywords", "homepage", "bugs", "author", "contributors", "funding", "license", "repository", "devDependencies"];
    if [source, packed].iter().any(|bytes| is_too_large(bytes, LARGEST_PACKED)) {
        return vec![TOO_MANY.to_owned()];
    }
    let parsed = |bytes| read_up_to::<Value>(bytes, LARGEST_PACKED).unwrap_or_default();
    let (source, packed) = (parsed(source), parsed(packed));
    let of = |manifest: &Value| manifest.as_object().cloned().unwrap_or_default();
    let (before, after) = (of(&source), of(&packed));
    let obeyed = LOADED.iter().chain(&BOUNDS).chain(&DEPENDENCIES);
    let taken = obeyed.filter(|field| before.contains_key(**field) && !after.contains_key(**field)).map(|field| (*field).to_owned());
    // Texts, because two maps are equal in any order.
    let text = |value: &Value| serde_json::to_string(value).ok();
    let is_same = |one: &Value, other: &Value| one == other && text(one) == text(other);
    let is_told = |key: &str| key != "scripts" && !SHOWN.contains(&key);
    let set = after
        .iter()
        .filter(|(key, value)| is_told(key) && before.get(*key).is_none_or(|known| !is_same(known, value)))
        .map(|(key, _)| key.clone());
    let fields: BTreeSet<String> = taken.chain(set).collect();
    let hook = |manifest: &Value, hook: &str| manifest.get("scripts").and_then(|scripts| scripts.get(hook)).cloned();
    let hooks = HOOKS.iter().filter(|name| hook(&packed, name).is_some_and(|now| hook(&source, name) != Some(now)));
    let has_install = |manifest: &Value| ["preinstall", "install"].iter().any(|name| hook(manifest, name).is_some());
    let by_npm = (builds && has_install(&source) && !has_install(&packed)).then_some("install");
    fields.into_iter().chain(hooks.copied().chain(by_npm).map(|name| format!("scripts.{name}"))).collect()
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
        let told = |packed: &str| obeyed_otherwise(source, packed.as_bytes(), false);
        assert!(told(r#"{"dependencies":{"a":"1"},"main":"a.js","scripts":{"_postinstall":"husky"}}"#).is_empty());
        assert_eq!(
            told(r#"{"main":"b.js","dependencies":{"a":"1","c":"1"},"scripts":{"postinstall":"x","install":"y"}}"#),
            ["dependencies", "main", "scripts.install", "scripts.postinstall"]
        );
        assert_eq!(told(r#"{"main":"a.js"}"#), ["dependencies"]);
    }

    #[test]
    fn the_order_of_conditions_the_kind_of_modules_and_hooks_of_a_removal_are_told() {
        let told = |source: &str, packed: &str| obeyed_otherwise(source.as_bytes(), packed.as_bytes(), false);
        let exports = |first: &str, second: &str| format!(r#"{{"exports":{{".":{{"{first}":"./a.js","{second}":"./a.js"}}}}}}"#);
        assert_eq!(told(&exports("node", "default"), &exports("default", "node")), ["exports"]);
        assert!(told(&exports("node", "default"), &exports("node", "default")).is_empty());
        assert_eq!(told(r#"{"type":"module"}"#, "{}"), ["type"]);
        assert_eq!(told(r#"{"binary":{"a":1},"config":{"b":2},"prebuild":{},"jest":{}}"#, "{}"), ["binary", "config", "prebuild"]);
        assert_eq!(told("{}", r#"{"scripts":{"preuninstall":"x","test":"y"}}"#), ["scripts.preuninstall"]);
    }

    #[test]
    fn a_manifest_of_too_many_values_is_told_and_not_compared() {
        let many = |count: usize| format!(r#"{{"main":"a.js","files":[{}0]}}"#, "0,".repeat(count));
        assert!(obeyed_otherwise(many(1 << 19).as_bytes(), br#"{"main":"a.js"}"#, false).is_empty());
        assert_eq!(obeyed_otherwise(many(1 << 20).as_bytes(), br#"{"main":"a.js"}"#, false), [TOO_MANY]);
        assert_eq!(obeyed_otherwise(br#"{"main":"a.js"}"#, many(1 << 20).as_bytes(), false), [TOO_MANY]);
    }

    #[test]
    fn an_installation_script_that_was_taken_out_is_told_where_npm_runs_another() {
        let source = br#"{"scripts":{"install":"echo","postinstall":"husky"}}"#;
        assert!(obeyed_otherwise(source, b"{}", false).is_empty());
        assert_eq!(obeyed_otherwise(source, b"{}", true), ["scripts.install"]);
        assert!(obeyed_otherwise(source, br#"{"scripts":{"install":"echo"}}"#, true).is_empty());
        assert!(obeyed_otherwise(br#"{"scripts":{"postinstall":"husky"}}"#, b"{}", true).is_empty(), "npm ran it before, too");
    }
}
