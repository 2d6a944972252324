//! What is known of the source of a package beyond the files that were packed from it.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use gix::bstr::BStr;
use gix::ignore::Search;
use gix::ignore::glob::pattern::Case;
use verdict::patience;
use verdict::wildcards::Wildcards;

/// The package's folder at the commit, and what lies around it.
pub struct Source {
    files: HashMap<String, [u8; 20]>,
    root: HashSet<[u8; 20]>,
    ignored: Option<Search>,
    wildcards: Wildcards,
    left: Cell<u64>,
    directory: String,
}

/// What matching against ignore files may cost in all; one unit is about one byte looked at.
const BUDGET: u64 = 2_000_000_000;

impl Default for Source {
    fn default() -> Self {
        let (files, root, wildcards) = Default::default();
        Self { files, root, ignored: None, wildcards, left: Cell::new(BUDGET), directory: String::new() }
    }
}

impl Source {
    /// A source with these files in the whole tree of the commit, by path, with their blob ids.
    /// `directory` is the package's folder.
    pub fn of(files: impl IntoIterator<Item = (String, [u8; 20])>, directory: &str) -> Self {
        let mut source = Self { directory: directory.to_owned(), ..Self::default() };
        for (path, id) in files {
            if super::place::is_license(&path) {
                source.root.insert(id);
            }
            let inside = if directory.is_empty() {
                Some(path.as_str())
            } else {
                path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'))
            };
            if let Some(inside) = inside {
                source.files.insert(inside.to_owned(), id);
            }
        }
        source
    }

    /// Adds a `.gitignore`; `path` is its own, from the root of the repository. Outer ones come
    /// first.
    pub fn ignoring(&mut self, path: &str, content: &[u8]) -> std::io::Result<()> {
        for line in content.split(|byte| *byte == b'\n') {
            self.wildcards.add(line);
        }
        let search = self.ignored.get_or_insert_with(Search::default);
        search.add_patterns_buffer(content, path, Some("".as_ref()), gix::ignore::search::Ignore { support_precious: false })
    }

    /// Whether anything is known at all.
    pub(super) fn is_known(&self) -> bool {
        !self.files.is_empty()
    }

    /// The blob id of the commit's file at a path of the package's folder.
    pub(super) fn blob(&self, path: &str) -> Option<&[u8; 20]> {
        self.files.get(path)
    }

    /// Whether git leaves files of such a path out; no where that is not known, or would take too
    /// much work.
    pub(super) fn ignores(&self, path: &str) -> bool {
        let Some(search) = &self.ignored else { return false };
        let whole = if self.directory.is_empty() { path.to_owned() } else { format!("{}/{path}", self.directory) };
        let cost = self.wildcards.cost(&whole).saturating_mul(1 + whole.matches('/').count() as u64);
        let Some(left) = self.left.get().checked_sub(cost).filter(|_| !patience::is_over()) else { return false };
        self.left.set(left);
        let folders = whole.match_indices('/').filter_map(|(at, _)| whole.get(..at));
        // What is in a folder that is ignored cannot be taken in again.
        folders.map(|folder| (folder, true)).chain([(whole.as_str(), false)]).any(|(path, is_dir)| {
            let found = search.pattern_matching_relative_path(BStr::new(path.as_bytes()), Some(is_dir), Case::Sensitive);
            found.is_some_and(|found| !found.pattern.is_negative())
        })
    }

    /// Whether a licence in the root of the repository has this blob id.
    pub(super) fn root_has(&self, blob: &[u8; 20]) -> bool {
        self.root.contains(blob)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("files", &self.files.len()).field("directory", &self.directory).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_those_of_the_folder_and_licences_those_of_the_root() {
        let files = [("LICENSE", 1), ("pkg/a.js", 2), ("pkg2/b.js", 3)].map(|(path, id)| (path.to_owned(), [id; 20]));
        let source = Source::of(files, "pkg");
        assert_eq!(source.blob("a.js"), Some(&[2; 20]));
        assert_eq!((source.blob("b.js"), source.blob("LICENSE")), (None, None));
        assert!(source.root_has(&[1; 20]) && !source.root_has(&[2; 20]));
    }

    #[test]
    fn ignore_files_count_as_git_reads_them() {
        let mut source = Source::of([("pkg/a.js".to_owned(), [0; 20])], "pkg");
        source.ignoring(".gitignore", b"dist\n/lib\n*.log\n!keep.log\n").unwrap();
        source.ignoring("pkg/.gitignore", b"/out/\n").unwrap();
        for path in ["dist/a.js", "x/dist/b.js", "a.log", "out/a.js"] {
            assert!(source.ignores(path), "{path}");
        }
        for path in ["lib/a.js", "keep.log", "x/out/a.js", "a.js"] {
            assert!(!source.ignores(path), "{path}");
        }
        assert!(!Source::default().ignores("dist/a.js"));
    }

    #[test]
    fn ignore_files_that_cost_too_much_say_nothing() {
        let path = format!("{}dist/a.js", "a/".repeat(50));
        let ignores = |number: usize| {
            let mut source = Source::default();
            source.ignoring(".gitignore", format!("{}/b\ndist\n", "**/a".repeat(number)).as_bytes()).unwrap();
            source.ignores(&path)
        };
        assert!(ignores(2));
        assert!(!ignores(7));
    }
}
