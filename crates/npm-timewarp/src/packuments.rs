//! Packuments on disk, for registries that say whether a kept one still holds.
//!
//! One file each: a line of JSON with the address and the validators, then the document. It is
//! replaced by renaming, so that processes that run at once read a whole one. Documents that took
//! credentials are not kept.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use npm_registry::{MAX_PACKUMENT, MetadataCache, SpoolWriter, Stored};
use store::folders::safe_name;

/// Longest first line.
const MAX_HEAD: u64 = 16 << 10;

/// A folder of packuments.
#[derive(Debug)]
pub(super) struct PackumentFolder {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Head {
    url: String,
    etag: Option<String>,
    last_modified: Option<String>,
}

impl PackumentFolder {
    pub(super) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn path(&self, url: &Url) -> PathBuf {
        self.folder.join(safe_name(url.as_str()))
    }

    fn read(&self, url: &Url) -> io::Result<Option<Stored>> {
        let mut file = BufReader::new(File::open(self.path(url))?.take(MAX_PACKUMENT + MAX_HEAD));
        let mut line = Vec::new();
        file.by_ref().take(MAX_HEAD).read_until(b'\n', &mut line)?;
        let Ok(head) = serde_json::from_slice::<Head>(&line) else { return Ok(None) };
        if head.url != url.as_str() {
            return Ok(None);
        }
        let mut body = SpoolWriter::new(&self.folder);
        io::copy(&mut file, &mut body)?;
        Ok(Some(Stored { etag: head.etag, last_modified: head.last_modified, body: body.finish()? }))
    }

    fn write(&self, url: &Url, document: &Stored) -> io::Result<()> {
        let head = Head { url: url.to_string(), etag: document.etag.clone(), last_modified: document.last_modified.clone() };
        let mut line = serde_json::to_vec(&head)?;
        line.push(b'\n');
        if line.len() as u64 > MAX_HEAD {
            return Ok(());
        }
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)?;
        file.write_all(&line)?;
        io::copy(&mut document.body.open(), &mut file)?;
        file.persist(self.path(url))?;
        Ok(())
    }
}

impl MetadataCache for PackumentFolder {
    fn get(&self, url: &Url) -> Option<Stored> {
        // What cannot be read is as if it were not there: it is fetched.
        self.read(url).ok().flatten()
    }

    fn put(&self, url: &Url, document: &Stored, private: bool) {
        if private || (document.etag.is_none() && document.last_modified.is_none()) {
            return;
        }
        // A full disk costs a later run time, and this one nothing.
        drop(self.write(url, document));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use npm_registry::Spool;

    use super::*;

    fn stored(etag: Option<&str>) -> Stored {
        Stored { etag: etag.map(str::to_owned), last_modified: None, body: Spool::from_bytes(&b"{\"a\":\n1}"[..]) }
    }

    #[test]
    fn a_document_comes_back_with_its_validators() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackumentFolder::at(folder.path());
        let url = Url::parse("https://registry.example/n").unwrap();
        cache.put(&url, &stored(Some("\"1\"")), false);
        let found = cache.get(&url).unwrap();
        let mut text = String::new();
        found.body.open().read_to_string(&mut text).unwrap();
        assert_eq!((found.etag.as_deref(), text.as_str()), (Some("\"1\""), "{\"a\":\n1}"));
        assert!(cache.get(&Url::parse("https://registry.example/m").unwrap()).is_none());
    }

    #[test]
    fn private_documents_and_those_without_validators_are_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackumentFolder::at(folder.path());
        let url = Url::parse("https://registry.example/n").unwrap();
        cache.put(&url, &stored(Some("\"1\"")), true);
        cache.put(&url, &stored(None), false);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_as_if_it_were_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackumentFolder::at(folder.path());
        let url = Url::parse("https://registry.example/n").unwrap();
        std::fs::write(folder.path().join(safe_name(url.as_str())), "{}\n{}").unwrap();
        assert!(cache.get(&url).is_none());
    }
}
