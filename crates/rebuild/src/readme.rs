//! A README.md that a tool cut before packing: text for people, unless the package runs it or reads
//! it.

use npm_spec::manifest::{LARGEST_PACKED, read_up_to};
use npm_tarball::{Archive, EntryKind};
use serde_json::{Map, Value};

/// The file that is cut.
pub(super) const README: &str = "README.md";
/// Bytes of one file, and of all, that are searched for its name.
const SEARCHED: (u64, u64) = (8 << 20, 64 << 20);
/// Keys of package.json that nobody obeys, and that name it in honest packages.
const SHOWN: [&str; 9] = ["files", "readme", "readmeFilename", "homepage", "repository", "bugs", "description", "keywords", "name"];

/// The first file of the package that may run or read README.md: package.json where it names it or
/// an installation runs anything, and a file that names it or is too large to be searched. `None`
/// if there is none; other texts for people do not count.
pub(super) fn user_of_readme(archive: &Archive) -> Option<String> {
    let (one, mut left) = SEARCHED;
    for entry in archive.entries().iter().filter(|entry| entry.kind == EntryKind::File) {
        let is_text = std::path::Path::new(&entry.path).extension().is_some_and(|end| end.eq_ignore_ascii_case("md"));
        let is_manifest = entry.path == "package.json";
        if is_text || (is_manifest && !explain::runs_at_install(archive) && !is_named_by_manifest(archive)) {
            continue;
        }
        let is_searched = entry.size <= one.min(left);
        left = left.saturating_sub(entry.size);
        if is_manifest || !is_searched || archive.content(entry).map_or(true, |bytes| is_named_in(&bytes)) {
            return Some(entry.path.clone());
        }
    }
    None
}

fn is_named_by_manifest(archive: &Archive) -> bool {
    let bytes = archive.get("package.json").and_then(|entry| archive.content(entry).ok()).unwrap_or_default();
    let manifest: Map<String, Value> = read_up_to(&bytes, LARGEST_PACKED).unwrap_or_default();
    manifest.iter().any(|(key, value)| !SHOWN.contains(&key.as_str()) && is_named_in(value.to_string().as_bytes()))
}

fn is_named_in(bytes: &[u8]) -> bool {
    bytes.to_ascii_lowercase().windows(6).any(|word| word == b"readme")
}
