//! A tarball that was handed out, once more: to be held against what became of it.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;

use npm_spec::PackageName;
use npm_tarball::{Archive, Limits};

use super::{Inner, Timewarp, answer};

impl Timewarp {
    /// The tarball of a package that was handed out, by a line of [`tarballs`]: `name@version
    /// sha512-…`; `None` if it cannot be had again or read, or is another one now. Nothing of it is
    /// recorded as asked for.
    ///
    /// [`tarballs`]: super::Record::tarballs
    pub fn handed_out(&self, line: &str) -> Option<Archive> {
        let (package, sha512) = line.split_once(' ')?;
        let (at, _) = package.char_indices().skip(1).find(|(_, c)| *c == '@')?;
        let (name, version) = (package.get(..at)?, package.get(at + 1..)?);
        let file = self.inner.runtime.block_on(once_more(&self.inner, name, version, sha512))?;
        Archive::read(file, &Limits::default()).ok()
    }
}

async fn once_more(inner: &Arc<Inner>, name: &str, version: &str, sha512: &str) -> Option<File> {
    let mut file = if version.starts_with("git+") {
        of_repository(inner, name, version).await?
    } else {
        let package = answer::package(inner, &PackageName::parse(name).ok()?).await.ok()?;
        answer::held(inner, &package, version).await.ok().filter(|held| held.sha512 == sha512)?.file
    };
    file.seek(SeekFrom::Start(0)).ok()?;
    Some(file)
}

/// What a dependency on a git repository had, where it was fetched.
async fn of_repository(inner: &Inner, name: &str, version: &str) -> Option<File> {
    for (key, wanted) in inner.ledger.all().into_iter().filter(|(_, wanted)| wanted.name == name) {
        let got = inner.ledger.get(&key, &wanted, inner.settings.repositories.clone()).await;
        if let Ok(package) = got.as_ref()
            && version == format!("git+{}#{}", package.url, package.commit)
        {
            return package.tarball.reopen().ok();
        }
    }
    None
}
