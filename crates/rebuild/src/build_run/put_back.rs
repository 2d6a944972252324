//! Files of the commit that are packed as the commit has them, though the build changed them.
//!
//! A tool of another version than the publisher's writes its part of a README differently, and most
//! publishers have looked at `git status` before they published. But what was published says which
//! files these were, and a script of the package could read a program from a choice for each of
//! many files. So it is all that the build changed, or all documents among them; package.json,
//! which a client may write, is in either with or without. These are four choices: two bits.

use std::collections::BTreeSet;
use std::path::Path;

use npm_pack::tree::DirTree;
use npm_spec::path::join;
use npm_tarball::{Change, ChangeKind};
use recipe::{BuildRecipe, Checkout};

use super::bench::Bench;
use super::run::Work;
use crate::SourceError;
use crate::committed::PACKAGE_JSON;

impl Bench<'_, '_> {
    /// The files of a folder that the build changed and that were published as the commit has them,
    /// where nothing else stands between the build and what was published, and where they are all
    /// that could be put back.
    pub(super) fn put_back(&self, checkout: &DirTree, root: &str) -> Result<Vec<String>, SourceError> {
        let work = self.work;
        let Some(best) = self.best.as_ref().filter(|best| best.recipe.build.as_ref().is_some_and(|build| is_of(build, root, work))) else {
            return Ok(Vec::new());
        };
        let comparison = &best.comparison;
        if !comparison.only_published.is_empty() || !comparison.only_rebuilt.is_empty() {
            return Ok(Vec::new());
        }
        let is_the_commits = |change: &Change| {
            let published = work.published.archive.get(&change.path).map(|entry| entry.blob_id);
            let tracked = work.origin.listing.get(&join(root, &change.path));
            change.kind == ChangeKind::Bytes && published.zip(tracked).is_some_and(|(blob, tracked)| tracked.id.as_bytes() == blob)
        };
        if !comparison.changed.iter().all(is_the_commits) {
            return Ok(Vec::new());
        }
        let wanted: BTreeSet<&str> = comparison.changed.iter().map(|change| change.path.as_str()).collect();
        let mut built = BTreeSet::new();
        for path in comparison.identical.iter().filter(|path| *path != PACKAGE_JSON) {
            if changed(checkout, work, (root, path))? {
                built.insert(path.as_str());
            }
        }
        let put_back = if is_a_choice(&wanted, &built) { wanted.into_iter().map(str::to_owned).collect() } else { Vec::new() };
        Ok(put_back)
    }
}

/// Whether the build left a file of the commit with other bytes than a checkout has.
fn changed(checkout: &DirTree, work: &Work<'_>, (root, path): (&str, &str)) -> Result<bool, SourceError> {
    let place = join(root, path);
    let committed = work.folder.view(work.repository, Checkout::Posix).content(&place)?;
    Ok(committed.is_some_and(|committed| checkout.read_up_to(&place, committed.len() as u64).as_ref() != Some(&committed)))
}

/// Whether these are one of the sets that may be put back, where `built` are the other files of the
/// commit that the build changed, and that were published so.
fn is_a_choice(wanted: &BTreeSet<&str>, built: &BTreeSet<&str>) -> bool {
    let are_documents = wanted.iter().all(|path| *path == PACKAGE_JSON || is_document(path));
    built.is_empty() || are_documents && !built.iter().any(|path| is_document(path))
}

/// A file that people read, by its name.
fn is_document(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| ["md", "markdown"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// Whether a build was packed from this folder.
fn is_of(build: &BuildRecipe, root: &str, work: &Work<'_>) -> bool {
    build.packed.as_deref().unwrap_or(work.origin.directory()) == root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_the_build_changed_is_put_back_or_all_documents_among_it() {
        let is_choice = |wanted: &[&str], built: &[&str]| is_a_choice(&wanted.iter().copied().collect(), &built.iter().copied().collect());
        assert!(is_choice(&["README.md"], &[]));
        assert!(is_choice(&["README.md", "docs/a.MD", "package.json"], &["dist/a.js", "README"]));
        assert!(is_choice(&["dist/a.js", "README.md"], &[]));
        assert!(!is_choice(&["dist/a.js"], &["dist/b.js"]), "a bit for each file");
        assert!(!is_choice(&["dist/a.js"], &["README.md"]));
        assert!(!is_choice(&["a.md"], &["b.markdown"]), "nor for each document");
        assert!(!is_choice(&["README.md", "dist/a.js"], &["dist/b.js"]));
    }
}
