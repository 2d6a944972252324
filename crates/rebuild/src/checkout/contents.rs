//! The contents of a folder's files: fetched, with one request for all that are nowhere here, and
//! bounded.

use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;

use git::{GitError, Repository};
use npm_tarball::Limits;
use origin::address::is_public;
use recipe::Checkout;

use super::{At, File, Folder, package_too_large};
use crate::error::SourceError;
use crate::submodules;

impl Folder<'_> {
    /// Makes sure that the contents at these paths can be read, with one request for those that are
    /// nowhere here, and that they are not too large: `largest` bytes for one, [`Limits::unpacked`]
    /// for all.
    pub fn ensure<'p>(
        &mut self,
        repository: &mut Repository,
        paths: impl IntoIterator<Item = &'p str> + Clone,
        largest: u64,
    ) -> Result<(), SourceError> {
        let mut wanted: BTreeMap<Option<usize>, BTreeSet<ObjectId>> = BTreeMap::new();
        for path in paths.clone() {
            let Some(file) = self.file(path).filter(File::is_blob) else { continue };
            if !self.published.contains_key(&file.id) {
                wanted.entry(self.parts.get(file.part).and_then(|part| part.repository)).or_default().insert(file.id);
            }
        }
        for (owner, ids) in wanted {
            match owner {
                None => repository.ensure_blobs(ids)?,
                Some(at) => match self.repositories.get_mut(at).map(|there| there.ensure_blobs(ids)) {
                    Some(Err(error)) if submodules::ends_the_run(&error) => return Err(error.into()),
                    Some(Err(error)) => self.leave_out(at, &error),
                    Some(Ok(())) | None => {}
                },
            }
        }
        let view = self.view(repository, Checkout::Posix);
        let mut left = Limits::default().unpacked;
        for path in paths {
            let size = view.blob_size(path)?.unwrap_or_default();
            if size > largest {
                return Err(SourceError::TooLarge { what: path.to_owned(), limit: largest });
            }
            left = left.checked_sub(size).ok_or_else(package_too_large)?;
        }
        Ok(())
    }

    /// Makes sure that the contents of all files can be read, as far as the hosts have them;
    /// returns the paths of those that they lack, a few at the most: a script could read a program
    /// from which files are there. At most `limit` bytes in all.
    pub fn ensure_all(&mut self, repository: &mut Repository, commit: &ObjectId, limit: u64) -> Result<Vec<String>, SourceError> {
        let mut wanted: BTreeMap<usize, Vec<ObjectId>> = BTreeMap::new();
        for file in self.entries.values().filter(|file| file.is_blob() && !self.published.contains_key(&file.id)) {
            wanted.entry(file.part).or_default().push(file.id);
        }
        let mut lacking = BTreeSet::new();
        for (part, ids) in wanted {
            let pinned = self.parts.get(part).and_then(|part| match (&part.at, part.repository) {
                (At::Below(pinned), Some(at)) => Some((at, pinned.commit)),
                _ => None,
            });
            match pinned {
                None => lacking.extend(repository.ensure_checkout(commit, ids)?),
                Some((at, pinned)) => match self.repositories.get_mut(at).map(|there| there.ensure_checkout(&pinned, ids)) {
                    Some(Err(error)) if submodules::ends_the_run(&error) => return Err(error.into()),
                    Some(Err(error)) => self.leave_out(at, &error),
                    Some(Ok(missing)) => lacking.extend(missing),
                    None => {}
                },
            }
        }
        let mut missing = Vec::new();
        self.entries.retain(|path, file| {
            let gone = lacking.contains(&file.id);
            if gone {
                missing.push(path.clone());
            }
            !gone
        });
        if let Some(id) = lacking.first().filter(|_| missing.len() > submodules::MOST_LEFT_OUT) {
            return Err(GitError::ObjectMissing { url: repository.url().to_owned(), id: id.to_string() }.into());
        }
        let view = self.view(repository, Checkout::Posix);
        let mut left = limit;
        for path in self.entries.keys() {
            let size = view.blob_size(path)?.unwrap_or_default();
            left = left.checked_sub(size).ok_or_else(|| SourceError::TooLarge { what: "the commit's checkout".into(), limit })?;
        }
        Ok(missing)
    }

    /// Fetches what was taken from the published archive by its id: a repository that names files
    /// and does not serve them is no source of them. Not from public hosts: these have what was
    /// pushed, and the same ids are the same bytes.
    pub fn confirm(&mut self, repository: &mut Repository, commit: &ObjectId) -> Result<(), SourceError> {
        let mut taken: BTreeMap<usize, BTreeSet<ObjectId>> = BTreeMap::new();
        for file in self.entries.values().filter(|file| file.is_blob() && self.published.contains_key(&file.id)) {
            taken.entry(file.part).or_default().insert(file.id);
        }
        for (part, ids) in taken {
            let ids: Vec<ObjectId> = ids.into_iter().collect();
            match self.parts.get(part).map(|part| (&part.at, part.repository)) {
                Some((At::Below(pinned), Some(at))) => {
                    let (pinned, there) = (pinned.commit, self.repositories.get_mut(at));
                    there.filter(|there| !is_public(there.url())).map_or(Ok(()), |there| there.serves(&pinned, &ids))?;
                }
                _ if is_public(repository.url()) => {}
                _ => repository.serves(commit, &ids)?,
            }
        }
        Ok(())
    }
}
