//! What git writes to disk for a blob: line endings by `.gitattributes` and by the publisher's platform.
//!
//! The rules are gix's; this file brings the attribute files of a tree to them. Only line endings and `ident` change
//! bytes in a checkout without running a program; filters (`lfs`, …) run programs and are not applied.

use std::path::PathBuf;

use gix::attrs::search::{MetadataCollection, Outcome};
use gix::attrs::{Search, StateRef};
use gix::bstr::ByteSlice;
use gix::filter::plumbing::eol::{self, AttributesDigest, AutoCrlf, Configuration};

/// Whose checkout is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checkout {
    /// git's defaults on Linux and macOS: no conversion but what `.gitattributes` asks for.
    Posix,
    /// Git for Windows as it installs itself: `core.autocrlf=true`, and no executable bits.
    Windows,
}

/// The attribute files of one tree, ready to be asked about paths.
pub struct Attributes {
    search: Search,
    collection: MetadataCollection,
    any: bool,
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
        for (dir, content) in files {
            let source = if dir.is_empty() { PathBuf::from(".gitattributes") } else { PathBuf::from(dir).join(".gitattributes") };
            // Errors are of reading `source`, which does not happen here: the content is given.
            let _: std::io::Result<()> =
                search.add_patterns_buffer(content, source, Some(std::path::Path::new("")), &mut collection, dir.is_empty());
        }
        Self { search, collection, any }
    }

    fn rules(&self, path: &str) -> Rules {
        let mut outcome = Outcome::default();
        outcome.initialize_with_selection(&self.collection, ["crlf", "ident", "eol", "text", "working-tree-encoding"]);
        self.search.pattern_matching_relative_path(
            path.as_bytes().as_bstr(),
            gix::glob::pattern::Case::Sensitive,
            Some(false),
            &mut outcome,
        );
        let (mut digest, mut eol_crlf, mut eol_lf, mut ident, mut encoding) = (None, false, false, false, None);
        for found in outcome.iter_selected() {
            let state = found.assignment.state;
            let value = |text: &str| matches!(state, StateRef::Value(value) if value.as_bstr() == text);
            match found.assignment.name.as_str() {
                "text" | "crlf" if matches!(state, StateRef::Set) => digest = Some(AttributesDigest::Text),
                "text" | "crlf" if matches!(state, StateRef::Unset) => digest = Some(AttributesDigest::Binary),
                "text" | "crlf" if value("auto") => digest = Some(AttributesDigest::TextAuto),
                "crlf" if value("input") => digest = Some(AttributesDigest::TextInput),
                "eol" => (eol_crlf, eol_lf) = (value("crlf"), value("lf")),
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
        Rules { digest, ident, encoding }
    }

    /// Whether the bytes on disk could differ from the blob's for some path.
    pub fn converts(&self, path: &str, checkout: Checkout) -> bool {
        if checkout == Checkout::Posix && !self.any {
            return false;
        }
        let Rules { digest, ident, encoding } = self.rules(path);
        ident
            || encoding.is_some()
            || match checkout {
                Checkout::Posix => matches!(digest, Some(AttributesDigest::TextCrlf | AttributesDigest::TextAutoCrlf)),
                Checkout::Windows => {
                    !matches!(digest, Some(AttributesDigest::Binary | AttributesDigest::TextInput | AttributesDigest::TextAutoInput))
                }
            }
    }

    /// The bytes that a checkout writes for a blob at `path`; `id` is the blob's id in hexadecimal.
    pub fn checked_out(&self, path: &str, blob: Vec<u8>, id: &str, checkout: Checkout) -> Vec<u8> {
        if !self.converts(path, checkout) {
            return blob;
        }
        let Rules { digest, ident, encoding } = self.rules(path);
        let auto_crlf = match checkout {
            Checkout::Posix => AutoCrlf::Disabled,
            Checkout::Windows => AutoCrlf::Enabled,
        };
        // A path without attributes follows core.autocrlf.
        let digest = digest.unwrap_or_else(|| auto_crlf.into());
        let eol = match checkout {
            Checkout::Posix => Some(eol::Mode::Lf),
            Checkout::Windows => Some(eol::Mode::CrLf),
        };
        let blob = if ident { expand_ident(&blob, id) } else { blob };
        let mut converted = Vec::new();
        let text = match eol::convert_to_worktree(&blob, digest, &mut converted, Configuration { auto_crlf, eol }) {
            Ok(true) => converted,
            Ok(false) | Err(_) => blob,
        };
        match (encoding, std::str::from_utf8(&text)) {
            (Some(encoding), Ok(utf8)) => encoding.encode(utf8),
            // git leaves a file alone that it cannot encode.
            _ => text,
        }
    }
}

/// What the attributes say of one path.
struct Rules {
    digest: Option<AttributesDigest>,
    ident: bool,
    encoding: Option<Utf16>,
}

/// A `working-tree-encoding` of UTF-16. Others are not re-encoded: they are rare, and tables for them are large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Utf16 {
    big_endian: bool,
    mark: bool,
}

impl Utf16 {
    /// git's names; `UTF-16` is what iconv makes of it on the machines that publish: little endian with a mark.
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

/// `$Id$` and `$Id: anything $` on one line become `$Id: <blob id> $`, as git's `ident` attribute does it.
fn expand_ident(blob: &[u8], id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(blob.len());
    let mut rest = blob;
    while let Some(at) = rest.find("$Id") {
        let (before, tail) = rest.split_at(at);
        out.extend_from_slice(before);
        let after = tail.get(3..).unwrap_or_default();
        let end = match after.first() {
            Some(b'$') => Some(0),
            Some(b':') => after.iter().position(|&byte| byte == b'$' || byte == b'\n').filter(|&end| after.get(end) == Some(&b'$')),
            _ => None,
        };
        if let Some(end) = end {
            out.extend_from_slice(format!("$Id: {id} $").as_bytes());
            rest = after.get(end + 1..).unwrap_or_default();
        } else {
            out.extend_from_slice(b"$Id");
            rest = after;
        }
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(files: &[(&str, &str)], path: &str, blob: &str, checkout: Checkout) -> String {
        let attributes = Attributes::new(files.iter().map(|(dir, text)| (*dir, text.as_bytes())));
        String::from_utf8(attributes.checked_out(path, blob.into(), "abc", checkout)).expect("text")
    }

    #[test]
    fn without_attributes_posix_changes_nothing() {
        assert_eq!(out(&[], "a.js", "a\nb\n", Checkout::Posix), "a\nb\n");
    }

    #[test]
    fn windows_makes_crlf_of_text_and_leaves_binary_and_mixed_files() {
        assert_eq!(out(&[], "a.js", "a\nb\n", Checkout::Windows), "a\r\nb\r\n");
        assert_eq!(out(&[], "a.bin", "a\n\0b\n", Checkout::Windows), "a\n\0b\n");
        assert_eq!(out(&[], "a.js", "a\r\nb\n", Checkout::Windows), "a\r\nb\n");
    }

    #[test]
    fn attributes_decide_over_the_platform() {
        assert_eq!(out(&[("", "*.js eol=lf\n")], "a.js", "a\n", Checkout::Windows), "a\n");
        assert_eq!(out(&[("", "*.bat eol=crlf\n")], "a.bat", "a\n", Checkout::Posix), "a\r\n");
        assert_eq!(out(&[("", "* -text\n")], "a.js", "a\n", Checkout::Windows), "a\n");
        assert_eq!(out(&[("", "* binary\n")], "a.js", "a\n", Checkout::Windows), "a\n");
        assert_eq!(out(&[("", "* text=auto\n")], "a.js", "a\n", Checkout::Posix), "a\n");
    }

    #[test]
    fn a_deeper_file_wins() {
        let files = [("lib", "*.js -text\n"), ("", "*.js text\n")];
        assert_eq!(out(&files, "lib/a.js", "a\n", Checkout::Windows), "a\n");
        assert_eq!(out(&files, "a.js", "a\n", Checkout::Windows), "a\r\n");
    }

    #[test]
    fn ident_is_expanded_on_one_line_only() {
        let files = [("", "*.c ident\n")];
        assert_eq!(out(&files, "a.c", "x $Id$ y $Id: old $\n$Id: \n$", Checkout::Posix), "x $Id: abc $ y $Id: abc $\n$Id: \n$");
    }
}
