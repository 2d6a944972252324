//! What git writes to disk for a blob: line endings by `.gitattributes` and by the publisher's
//! platform.
//!
//! The rules are gix's; this file brings the attribute files of a tree to them. Only line endings
//! and `ident` change bytes in a checkout without running a program; filters (`lfs`, …) run
//! programs and are not applied; of `lfs` it is known which files it is for.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use gix::attrs::search::{MetadataCollection, Outcome};
use gix::attrs::{Search, StateRef};
use gix::bstr::ByteSlice;
use gix::filter::plumbing::eol::{self, AttributesDigest, AutoCrlf, Configuration};
use verdict::patience;
use verdict::wildcards::Wildcards;

/// Largest attribute file that is read, in bytes; larger ones count for nothing. git does so from
/// 100 MiB on (attr.h).
pub const MAX_FILE: u64 = 1 << 20;

/// git ignores a line of so many bytes or more (attr.h, `ATTR_MAX_LINE_LENGTH`).
const MAX_LINE: usize = 2048;

/// What matching of all paths of a tree may cost: some ten seconds. One unit is about one byte
/// looked at.
const BUDGET: u64 = 20_000_000_000;
/// What the patterns may cost for one path, which is not stopped in between: a second.
const BUDGET_OF_PATH: u64 = 1_000_000_000;

/// What a name of an attribute costs for one path.
const NAME: u64 = 100;

/// Why the attributes of a path cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the .gitattributes take too much work to apply")]
pub struct TooComplex;

/// The system whose checkout is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// git's defaults on Linux and macOS: no conversion but what `.gitattributes` asks for.
    Posix,
    /// Git for Windows as it installs itself: `core.autocrlf=true`.
    Windows,
}

/// The attribute files of one tree, ready to be asked about paths.
pub struct Attributes {
    search: Search,
    collection: MetadataCollection,
    any: bool,
    wildcards: Wildcards,
    /// How many names of attributes they have, for each of which there is a place per path.
    names: u64,
    left: Cell<u64>,
    known: RefCell<HashMap<String, Rules>>,
    altered: RefCell<BTreeSet<String>>,
}

impl Attributes {
    /// Takes the attribute files: `(folder, content)`, any order; the root's folder is `""`.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut files: Vec<_> = files.into_iter().collect();
        // A deeper file wins over one above it: gix asks the last added first.
        files.sort_by_key(|(dir, _)| if dir.is_empty() { 0 } else { dir.matches('/').count() + 1 });
        let mut collection = MetadataCollection::default();
        let mut search = Search::default();
        let any = !files.is_empty();
        // The builtin macro `binary` first, as git has it.
        let no_files: [PathBuf; 0] = [];
        if let Ok(globals) = Search::new_globals(no_files, &mut Vec::new(), &mut collection) {
            search = globals;
        }
        let (mut wildcards, mut names) = (Wildcards::default(), 0_u64);
        for (dir, content) in files.into_iter().filter(|(_, content)| content.len() as u64 <= MAX_FILE) {
            let lines = content.lines_with_terminator().filter(|line| line.trim_end_with(|end| end == '\n').len() < MAX_LINE);
            let lines = lines.collect::<Vec<_>>();
            for line in &lines {
                wildcards.add(line);
            }
            names += lines.iter().map(|line| line.fields().count() as u64).sum::<u64>();
            let content = lines.concat();
            let source = if dir.is_empty() { PathBuf::from(".gitattributes") } else { PathBuf::from(dir).join(".gitattributes") };
            // Errors are of reading `source`, which does not happen here: the content is given.
            let _: std::io::Result<()> =
                search.add_patterns_buffer(&content, source, Some(std::path::Path::new("")), &mut collection, dir.is_empty());
        }
        Self { search, collection, any, wildcards, names, left: Cell::new(BUDGET), known: RefCell::default(), altered: RefCell::default() }
    }

    fn rules(&self, path: &str) -> Result<Rules, TooComplex> {
        if let Some(known) = self.known.borrow().get(path) {
            return Ok(*known);
        }
        let cost = self.wildcards.cost(path).saturating_add(self.names.saturating_mul(NAME));
        let left = self.left.get().checked_sub(cost).filter(|_| cost <= BUDGET_OF_PATH && !patience::is_over());
        self.left.set(left.ok_or(TooComplex)?);
        let rules = self.look_up(path);
        self.known.borrow_mut().insert(path.to_owned(), rules);
        Ok(rules)
    }

    fn look_up(&self, path: &str) -> Rules {
        let mut outcome = Outcome::default();
        outcome.initialize_with_selection(&self.collection, ["crlf", "ident", "eol", "text", "working-tree-encoding", "filter"]);
        self.search.pattern_matching_relative_path(
            path.as_bytes().as_bstr(),
            gix::glob::pattern::Case::Sensitive,
            Some(false),
            &mut outcome,
        );
        let (mut digest, mut eol_crlf, mut eol_lf, mut ident, mut encoding, mut lfs) = (None, false, false, false, None, false);
        for found in outcome.iter_selected() {
            let state = found.assignment.state;
            let value = |text: &str| matches!(state, StateRef::Value(value) if value.as_bstr() == text);
            match found.assignment.name.as_str() {
                "text" | "crlf" if matches!(state, StateRef::Set) => digest = Some(AttributesDigest::Text),
                "text" | "crlf" if matches!(state, StateRef::Unset) => digest = Some(AttributesDigest::Binary),
                "text" | "crlf" if value("auto") => digest = Some(AttributesDigest::TextAuto),
                "crlf" if value("input") => digest = Some(AttributesDigest::TextInput),
                "eol" => (eol_crlf, eol_lf) = (value("crlf"), value("lf")),
                "filter" => lfs = value("lfs"),
                "ident" => ident = matches!(state, StateRef::Set),
                "working-tree-encoding" => {
                    encoding = match state {
                        StateRef::Value(value) => value.as_bstr().to_str().ok().and_then(Utf16::named),
                        _ => None,
                    };
                }
                _ => {}
            }
        }
        // gitattributes(5): eol without text means text; -text wins over eol.
        let digest = match (digest, eol_crlf, eol_lf) {
            (None | Some(AttributesDigest::Text), true, _) => Some(AttributesDigest::TextCrlf),
            (None | Some(AttributesDigest::Text), _, true) => Some(AttributesDigest::TextInput),
            (Some(AttributesDigest::TextAuto), true, _) => Some(AttributesDigest::TextAutoCrlf),
            (Some(AttributesDigest::TextAuto), _, true) => Some(AttributesDigest::TextAutoInput),
            (digest, ..) => digest,
        };
        Rules { digest, ident, encoding, lfs }
    }

    /// Whether git keeps a pointer in place of the file at `path`, and a checkout with Git LFS has
    /// the file.
    pub fn is_lfs(&self, path: &str) -> Result<bool, TooComplex> {
        Ok(self.any && self.rules(path)?.lfs)
    }

    /// Whether the bytes on disk could differ from the blob's for some path.
    pub fn converts(&self, path: &str, platform: Platform) -> Result<bool, TooComplex> {
        if platform == Platform::Posix && !self.any {
            return Ok(false);
        }
        let Rules { digest, ident, encoding, .. } = self.rules(path)?;
        Ok(ident
            || encoding.is_some()
            || match platform {
                Platform::Posix => matches!(digest, Some(AttributesDigest::TextCrlf | AttributesDigest::TextAutoCrlf)),
                Platform::Windows => {
                    !matches!(digest, Some(AttributesDigest::Binary | AttributesDigest::TextInput | AttributesDigest::TextAutoInput))
                }
            })
    }

    /// Whether a checkout can have other text at `path` than git shows a reader.
    pub fn can_alter(&self, path: &str) -> Result<bool, TooComplex> {
        if !self.any {
            return Ok(false);
        }
        let Rules { ident, encoding, .. } = self.rules(path)?;
        Ok(ident || encoding.is_some())
    }

    /// The files that were checked out with other text than git shows a reader: in an encoding that
    /// makes other letters of its bytes, or without what stood in an `$Id: … $`.
    pub fn altered(&self) -> Vec<String> {
        self.altered.borrow().iter().cloned().collect()
    }

    /// The bytes that a checkout writes for a blob at `path`; `id` is the blob's id in hexadecimal.
    pub fn checked_out(&self, path: &str, blob: Vec<u8>, id: &str, platform: Platform) -> Result<Vec<u8>, TooComplex> {
        if !self.converts(path, platform)? {
            return Ok(blob);
        }
        let Rules { digest, ident, encoding, .. } = self.rules(path)?;
        let auto_crlf = match platform {
            Platform::Posix => AutoCrlf::Disabled,
            Platform::Windows => AutoCrlf::Enabled,
        };
        // A path without attributes follows core.autocrlf.
        let digest = digest.unwrap_or_else(|| auto_crlf.into());
        let eol = match platform {
            Platform::Posix => Some(eol::Mode::Lf),
            Platform::Windows => Some(eol::Mode::CrLf),
        };
        if ident && hides_text(&blob) {
            self.altered.borrow_mut().insert(path.to_owned());
        }
        let blob = if ident { expand_ident(&blob, id) } else { blob };
        let mut converted = Vec::new();
        let text = match eol::convert_to_worktree(&blob, digest, &mut converted, Configuration { auto_crlf, eol }) {
            Ok(true) => converted,
            Ok(false) | Err(_) => blob,
        };
        Ok(match (encoding, std::str::from_utf8(&text)) {
            (Some(encoding), Ok(utf8)) => {
                if reads_otherwise(utf8) {
                    self.altered.borrow_mut().insert(path.to_owned());
                }
                encoding.encode(utf8)
            }
            // git leaves a file alone that it cannot encode.
            _ => text,
        })
    }
}

/// What the attributes say of one path.
#[derive(Debug, Clone, Copy)]
struct Rules {
    digest: Option<AttributesDigest>,
    ident: bool,
    encoding: Option<Utf16>,
    lfs: bool,
}

/// A `working-tree-encoding` of UTF-16. Others are not re-encoded: they are rare, and tables for
/// them are large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Utf16 {
    big_endian: bool,
    mark: bool,
}

impl Utf16 {
    /// git's names; `UTF-16` is what iconv makes of it on the machines that publish: little endian
    /// with a mark.
    fn named(name: &str) -> Option<Self> {
        let (big_endian, mark) = match name.to_ascii_uppercase().as_str() {
            "UTF-16" | "UTF-16LE-BOM" => (false, true),
            "UTF-16BE-BOM" => (true, true),
            "UTF-16LE" => (false, false),
            "UTF-16BE" => (true, false),
            _ => return None,
        };
        Some(Self { big_endian, mark })
    }

    fn encode(self, text: &str) -> Vec<u8> {
        let mark = self.mark.then_some('\u{feff}');
        let units = mark.into_iter().chain(text.chars()).flat_map(|c| {
            let mut units = [0; 2];
            let used = c.encode_utf16(&mut units).len();
            units.into_iter().take(used)
        });
        units.flat_map(|unit| if self.big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }
}

/// `$Id$` and `$Id: anything $` on one line become `$Id: <blob id> $`, as git's `ident` attribute
/// does it. What another system wrote, with spaces in between, stays (convert.c,
/// `ident_to_worktree`).
fn expand_ident(blob: &[u8], id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(blob.len());
    let mut rest = blob;
    while let Some(at) = rest.find_byte(b'$') {
        let (before, tail) = rest.split_at(at + 1);
        out.extend_from_slice(before);
        rest = tail;
        if let Some(end) = ident_len(rest) {
            out.extend_from_slice(format!("Id: {id} $").as_bytes());
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Whether a text in UTF-16 may be another one to who reads it as bytes. Each letter of Latin has a
/// zero byte, which no script has outside a string or a comment, and none begins without one; any
/// other letter can be two letters of a script. Neither the file's name nor how many there are
/// counts: any file can be loaded, and a comment can be as long as its author likes.
fn reads_otherwise(text: &str) -> bool {
    text.chars().any(|c| c > '\u{ff}')
}

/// Whether `ident` takes away more than a hash that git itself could have written.
fn hides_text(blob: &[u8]) -> bool {
    let keywords = blob.split(|byte| *byte == b'$').collect::<Vec<_>>();
    let mut values = keywords.windows(2).filter_map(|pair| pair.first()?.strip_prefix(b"Id:"));
    values.any(|value| !value.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b' '))
}

/// Bytes of the keyword that stands here, behind its first `$`, with its last.
fn ident_len(text: &[u8]) -> Option<usize> {
    let after = text.strip_prefix(b"Id")?;
    match after.first()? {
        b'$' => Some(3),
        b':' => {
            let value = after.get(1..)?;
            let value = value.get(..value.find_byte(b'$')?)?;
            // One space stands behind the colon, and one may stand before the end.
            let foreign = value.get(1..).and_then(|value| value.find_byte(b' ').map(|at| at + 1 < value.len())).unwrap_or(false);
            (!foreign && !value.contains(&b'\n')).then_some(value.len() + 4)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(files: &[(&str, &str)], path: &str, blob: &str, platform: Platform) -> String {
        let attributes = Attributes::new(files.iter().map(|(dir, text)| (*dir, text.as_bytes())));
        String::from_utf8(attributes.checked_out(path, blob.into(), "abc", platform).expect("cheap")).expect("text")
    }

    #[test]
    fn without_attributes_posix_changes_nothing() {
        assert_eq!(out(&[], "a.js", "a\nb\n", Platform::Posix), "a\nb\n");
    }

    #[test]
    fn windows_makes_crlf_of_text_and_leaves_binary_and_mixed_files() {
        assert_eq!(out(&[], "a.js", "a\nb\n", Platform::Windows), "a\r\nb\r\n");
        assert_eq!(out(&[], "a.bin", "a\n\0b\n", Platform::Windows), "a\n\0b\n");
        assert_eq!(out(&[], "a.js", "a\r\nb\n", Platform::Windows), "a\r\nb\n");
    }

    #[test]
    fn attributes_decide_over_the_platform() {
        assert_eq!(out(&[("", "*.js eol=lf\n")], "a.js", "a\n", Platform::Windows), "a\n");
        assert_eq!(out(&[("", "*.bat eol=crlf\n")], "a.bat", "a\n", Platform::Posix), "a\r\n");
        assert_eq!(out(&[("", "* -text\n")], "a.js", "a\n", Platform::Windows), "a\n");
        assert_eq!(out(&[("", "* binary\n")], "a.js", "a\n", Platform::Windows), "a\n");
        assert_eq!(out(&[("", "* text=auto\n")], "a.js", "a\n", Platform::Posix), "a\n");
    }

    #[test]
    fn files_of_git_lfs_are_known() {
        let attributes =
            Attributes::new([("", b"*.bin filter=lfs diff=lfs merge=lfs -text\na.bin -filter\n*.x filter=other\n".as_slice())]);
        assert_eq!(["b.bin", "d/b.bin", "a.bin", "b.x"].map(|path| attributes.is_lfs(path)), [Ok(true), Ok(true), Ok(false), Ok(false)]);
    }

    #[test]
    fn a_deeper_file_wins() {
        let files = [("lib", "*.js -text\n"), ("", "*.js text\n")];
        assert_eq!(out(&files, "lib/a.js", "a\n", Platform::Windows), "a\n");
        assert_eq!(out(&files, "a.js", "a\n", Platform::Windows), "a\r\n");
    }

    #[test]
    fn ident_is_expanded_on_one_line_only() {
        let files = [("", "*.c ident\n")];
        assert_eq!(out(&files, "a.c", "x $Id$ y $Id: old $\n$Id: \n$", Platform::Posix), "x $Id: abc $ y $Id: abc $\n$Id: \n$");
    }

    #[test]
    fn what_a_reader_of_the_repository_does_not_see_is_known() {
        let altered = |rules: &str, text: &str| {
            let attributes = Attributes::new([("", rules.as_bytes())]);
            attributes.checked_out("a.js", text.into(), "abc", Platform::Posix).expect("cheap");
            attributes.altered()
        };
        assert_eq!(altered("*.js ident\n", "/*$Id: */if(ok)/* $*/ grant()\n"), ["a.js"]);
        for text in ["$Id$", "$Id: 0123abc $", "no dollar", "$Idx if(ok) $"] {
            assert_eq!(altered("*.js ident\n", text), [""; 0], "{text}");
        }
        assert_eq!(altered("*.js working-tree-encoding=UTF-16LE\n", "敲畱"), ["a.js"]);
        let long = format!("/*{}*/", "Latin letters ".repeat(100));
        assert_eq!(altered("*.js working-tree-encoding=UTF-16LE\n", &format!("⼪{long}敲畱")), ["a.js"]);
        assert_eq!(altered("*.js working-tree-encoding=UTF-16LE\n", &long), [""; 0]);
        assert_eq!(altered("*.js working-tree-encoding=UTF-16LE\n", "// Latin letters\n敲畱"), ["a.js"]);
        assert_eq!(altered("*.js eol=crlf\n", "a\n"), [""; 0]);
    }

    #[test]
    fn an_ident_of_another_system_stays() {
        let files = [("", "* ident\n")];
        let foreign = "$Id: file.c,v 1.2 2003/01/01 user Exp $\n";
        assert_eq!(out(&files, "a.c", foreign, Platform::Posix), foreign);
        // What decides is the first space behind the one at the start.
        let text = "$Id:$ $Id:x $ $Id:x y$ $Id:  $ $Id: a  $ $Idx$Id$ $Id:";
        let expected = "$Id: abc $ $Id: abc $ $Id:x y$ $Id: abc $ $Id: a  $ $Idx$Id: abc $ $Id:";
        assert_eq!(out(&files, "a.c", text, Platform::Posix), expected);
    }

    #[test]
    fn a_line_as_long_as_git_ignores_counts_for_nothing() {
        let line = |len: usize| format!("*.js {}eol=crlf\n", " ".repeat(len - 13));
        assert_eq!(line(2047).len(), 2048);
        assert_eq!(out(&[("", &line(2047))], "a.js", "a\n", Platform::Posix), "a\r\n");
        let ignored = line(2048) + "*.txt eol=crlf\n";
        assert_eq!(out(&[("", &ignored)], "a.js", "a\n", Platform::Posix), "a\n");
        assert_eq!(out(&[("", &ignored)], "a.txt", "a\n", Platform::Posix), "a\r\n");
    }

    #[test]
    fn patterns_that_cost_too_much_are_refused_and_not_passed_over() {
        let path = format!("{}a.js", "a/".repeat(50));
        let deep = |number: usize| format!("{}/b eol=crlf\n", "**/a".repeat(number));
        let of = |text: &str| Attributes::new([("", text.as_bytes())]).checked_out(&path, b"a\n".to_vec(), "abc", Platform::Posix);
        assert_eq!(of(&deep(3)), Ok(b"a\n".to_vec()));
        assert_eq!(of(&deep(6)), Err(TooComplex));
        assert_eq!(of(&deep(2).repeat(100)), Ok(b"a\n".to_vec()));
        assert_eq!(of(&deep(2).repeat(10_000)), Err(TooComplex));
    }

    #[test]
    fn a_run_that_is_over_has_no_answer() {
        let attributes = Attributes::new([("", b"*.js eol=crlf\n".as_slice())]);
        let converts = || attributes.converts("a.js", Platform::Posix);
        let over = patience::Patience::new(std::sync::Arc::default(), Some(std::time::Instant::now()));
        assert_eq!(over.during(converts), Err(TooComplex));
        assert_eq!(converts(), Ok(true));
    }

    #[test]
    fn a_file_over_the_limit_counts_for_nothing() {
        let comments = "# a comment\n".repeat(90_000);
        assert_eq!(out(&[("", &format!("* eol=crlf\n{comments}"))], "a.js", "a\n", Platform::Posix), "a\n");
    }
}
