//! Files of one side only: by their names, by their bytes, and by what the source has.

use std::collections::HashMap;

use npm_tarball::{Archive, Comparison, Entry, same_letters};

use super::place::{is_license, is_product, left_behind, sources_of, without_hash};
use super::{Class, Explanation, Source};

/// An ignore file of the machine: `global-ignore-file` of npm 12.
const NOT_PUBLISHED: &str = "the source packs it, and it was not published: an ignore file of the publisher's machine may leave it out";

/// Explains the files that are only published and those that are only rebuilt.
pub(super) fn explain(published: &Archive, rebuilt: &Archive, comparison: &Comparison, source: &Source) -> Vec<Explanation> {
    let ours = Alone::of(published, &comparison.only_published);
    let theirs = Alone::of(rebuilt, &comparison.only_rebuilt);
    let mut out: Vec<Explanation> = Vec::new();
    for entry in &ours.entries {
        let (class, message) = twin(entry, &theirs, "rebuilt").unwrap_or_else(|| only_published(entry, rebuilt, source));
        out.push(Explanation { path: entry.path.clone(), class, message });
    }
    for entry in &theirs.entries {
        let (class, message) = twin(entry, &ours, "published").unwrap_or_else(|| (Class::NotPublished, NOT_PUBLISHED.to_owned()));
        out.push(Explanation { path: entry.path.clone(), class, message });
    }
    out
}

/// The files of one side only.
struct Alone<'a> {
    entries: Vec<&'a Entry>,
    by_bytes: HashMap<[u8; 32], &'a str>,
    by_name: HashMap<String, &'a str>,
}

impl<'a> Alone<'a> {
    fn of(archive: &'a Archive, paths: &[String]) -> Self {
        let entries: Vec<&Entry> = paths.iter().filter_map(|path| archive.get(path)).collect();
        Self {
            by_bytes: entries.iter().map(|entry| (entry.sha256, entry.path.as_str())).collect(),
            by_name: entries.iter().filter_map(|entry| Some((without_hash(&entry.path)?, entry.path.as_str()))).collect(),
            entries,
        }
    }
}

/// The same file on the other side under another name.
fn twin(entry: &Entry, others: &Alone<'_>, side: &str) -> Option<(Class, String)> {
    // Empty files are all the same.
    let letters = || others.entries.iter().find(|other| other.sha256 == entry.sha256 && same_letters(&other.path, &entry.path));
    if let Some(other) = (!entry.path.is_ascii()).then(letters).flatten() {
        let (ours, theirs) = (points(&entry.path), points(&other.path));
        let why = "macOS takes letters and accents apart";
        return Some((Class::Renamed, format!("the same bytes are {side} under the same letters: {theirs} there, {ours} here; {why}")));
    }
    if let Some(name) = others.by_bytes.get(&entry.sha256).filter(|_| entry.size > 0) {
        return Some((Class::Renamed, format!("the same bytes are {side} as {}", super::text::cut(name, 120))));
    }
    let name = others.by_name.get(&without_hash(&entry.path)?)?;
    Some((Class::HashName, format!("{side} with another hash in its name: {}", super::text::cut(name, 120))))
}

/// Code points that a name has beyond ASCII, with the letter in front of one that is an accent
/// alone: two names can look the same.
fn points(path: &str) -> String {
    const NAMED: usize = 4;
    let mut named = Vec::new();
    let mut last = None;
    for letter in path.chars() {
        if !letter.is_ascii() {
            let is_accent =
                matches!(letter, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}');
            let base = last.filter(|_| is_accent).map(|base| format!("{base} ")).unwrap_or_default();
            named.push(format!("{base}U+{:04X}", u32::from(letter)));
        }
        last = Some(letter);
    }
    let more = if named.len() > NAMED { ", …" } else { "" };
    named.truncate(NAMED);
    named.join(", ") + more
}

fn only_published(entry: &Entry, rebuilt: &Archive, source: &Source) -> (Class, String) {
    let path = entry.path.as_str();
    if let Some(blob) = source.blob(path) {
        let same = if *blob == entry.blob_id { "with these bytes" } else { "with other bytes" };
        return (Class::NotPacked, format!("the source has it {same}, and no file list that was tried packs it"));
    }
    if let Some(what) = left_behind(path) {
        return (Class::PublisherFile, format!("not in the source; of the kind that {what} leaves in a folder"));
    }
    if is_license(path) && source.root_has(&entry.blob_id) {
        return (Class::RootLicense, "the licence in the root of the repository".to_owned());
    }
    if source.ignores(path) {
        return (Class::NotBuilt, "git ignores its path: a build makes it".to_owned());
    }
    let stem = sources_of(path).into_iter().find(|stem| rebuilt.get(stem).is_some() || source.blob(stem).is_some());
    if let Some(stem) = stem {
        return (Class::NotBuilt, format!("not in the source; a build can make it of {stem}"));
    }
    if is_product(path) {
        return (Class::NotBuilt, "not in the source, at a place that builds write to".to_owned());
    }
    if source.is_known() {
        return (Class::AddedFile, "in no file of the commit, and at no place that builds write to".to_owned());
    }
    (Class::AddedFile, "only published, and at no place that builds write to".to_owned())
}
