//! The sequence in which a client wrote a package's entries.
//!
//! In: the paths (relative to the package, directories marked by a slash at the end) and a rule.
//! Out: the indices of the paths in the order in which they are written. npm compares with ICU's
//! collation, not by bytes: of 66 published packages 15 come out wrong when compared bytewise, so
//! the same collation data is used here.

mod locale;
mod node_path;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::locale;

use crate::era::Order;
pub use locale::locale_of;

/// `localeCompare(…, 'en')` of JavaScript with default options: the root collation, all three
/// levels, punctuation counted.
#[derive(Debug)]
pub struct Collation(Option<CollatorBorrowed<'static>>);

impl Default for Collation {
    fn default() -> Self {
        Self::new()
    }
}

impl Collation {
    /// The collation for English, from data compiled into the program.
    pub fn new() -> Self {
        Self(Collator::try_new(locale!("en").into(), CollatorOptions::default()).ok())
    }

    /// Compares as `a.localeCompare(b, 'en')` does. Paths that it holds for equal (they differ in
    /// ignorable characters only) are equal.
    pub fn compare(&self, a: &str, b: &str) -> Ordering {
        self.0.as_ref().map_or_else(|| a.cmp(b), |collator| collator.compare(a, b))
    }
}

/// The order in which `paths` are written under `rule`, as indices into `paths`. Entries that the
/// rule does not tell apart keep their sequence (a stable sort, as in Node 11 and later).
pub fn arrange<P: AsRef<str>>(rule: Order, paths: &[P]) -> Vec<usize> {
    let paths = || paths.iter().map(AsRef::as_ref).enumerate();
    match rule {
        Order::Extension => extension(paths()),
        Order::PackageJsonLast => {
            let (last, others): (Vec<_>, Vec<_>) = paths().partition(|(_, path)| *path == "package.json");
            let mut arranged = extension(others.into_iter());
            arranged.extend(last.into_iter().map(|(index, _)| index));
            arranged
        }
        Order::RootFilesFirst => root_files_first(paths()),
        Order::Bytewise => by_key(paths(), |path| path.as_bytes().to_vec()),
        Order::PackageJsonFirst => by_key(paths(), |path| (path != "package.json", path.as_bytes().to_vec())),
        Order::BreadthFirst => by_key(paths(), breadth_first_key),
        Order::Fstream => by_key(paths(), fstream_key),
    }
}

fn by_key<'a, K: Ord>(paths: impl Iterator<Item = (usize, &'a str)>, key: impl Fn(&'a str) -> K) -> Vec<usize> {
    let mut keyed: Vec<(K, usize)> = paths.map(|(index, path)| (key(path), index)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    keyed.into_iter().map(|(_, index)| index).collect()
}

/// npm-packlist 1.2 and later: `extname` and `basename` in lower case, then the path. Paths arrive
/// in their bytewise order, which decides between those that the collation holds for equal.
fn extension<'a>(paths: impl Iterator<Item = (usize, &'a str)>) -> Vec<usize> {
    let collation = Collation::new();
    let mut keyed: Vec<(String, String, &str, usize)> = paths
        .map(|(index, path)| {
            let base = node_path::basename(path);
            (node_path::extname(base).to_lowercase(), base.to_lowercase(), path, index)
        })
        .collect();
    keyed.sort_by(|a, b| by_extension((&a.0, &a.1, a.2), (&b.0, &b.1, b.2), &|a, b| collation.compare(a, b)));
    keyed.into_iter().map(|(.., index)| index).collect()
}

/// Compares extension, base name and path.
fn by_extension(a: (&str, &str, &str), b: (&str, &str, &str), compare: &dyn Fn(&str, &str) -> Ordering) -> Ordering {
    compare(a.0, b.0).then_with(|| compare(a.1, b.1)).then_with(|| compare(a.2, b.2)).then_with(|| a.2.cmp(b.2))
}

/// npm-packlist 1.0 and 1.1: package.json, then root files, then the others, and all below
/// `node_modules` last.
fn root_files_first<'a>(paths: impl Iterator<Item = (usize, &'a str)>) -> Vec<usize> {
    let collation = Collation::new();
    let mut keyed: Vec<((bool, bool, bool), &str, usize)> =
        paths.map(|(index, path)| ((path != "package.json", path.starts_with("node_modules"), path.contains('/')), path, index)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| collation.compare(a.1, b.1)).then_with(|| a.1.cmp(b.1)));
    keyed.into_iter().map(|(.., index)| index).collect()
}

/// A directory's entries stand together, sorted by name; directories are taken up in the order in
/// which they were met, so that all of one depth precede the next, and siblings stand where their
/// parents stood.
fn breadth_first_key(path: &str) -> (usize, Vec<&str>) {
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    (if path.trim_end_matches('/').is_empty() { 0 } else { segments.len() }, segments)
}

/// fstream walks depth first; within a directory package.json, ignore files, README and licence
/// come first, then `*.js`, then the rest. Its comparison claims both of two such files to be the
/// first, so this is what was meant, not what always happened.
fn fstream_key(path: &str) -> Vec<(u8, &str)> {
    let path = path.trim_end_matches('/');
    path.split('/').map(|segment| (fstream_rank(segment), segment)).collect()
}

fn fstream_rank(name: &str) -> u8 {
    match name {
        "package.json" => 0,
        ".npmignore" => 1,
        ".gitignore" => 2,
        "README" | "README.md" => 3,
        "LICENCE" => 4,
        "LICENSE" => 5,
        "node_modules" => 8,
        _ if node_path::extname(name) == ".js" => 6,
        _ => 7,
    }
}
