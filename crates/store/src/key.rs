//! The key with which this cache's results are sealed: what somebody else wrote into the file does
//! not count.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::rand::SystemRandom;

use super::error::CacheError;
use super::folders;

/// Its file in the cache folder, for this user alone.
const NAME: &str = "seal.key";
/// Bytes of the key.
const LENGTH: usize = 32;

/// A secret of this cache folder. It says who wrote a result, not that the result is true: whoever
/// can read all of the folder has it too.
#[derive(Debug)]
pub struct Key(hmac::Key);

impl Key {
    /// The file of a cache folder.
    pub fn file(root: &Path) -> PathBuf {
        root.join(NAME)
    }

    /// The key of a cache folder. `None` if it has none, or one that is damaged: then nothing that
    /// was sealed before counts.
    pub fn read(root: &Path) -> Option<Self> {
        let path = Self::file(root);
        let found = fs::symlink_metadata(&path).ok().filter(|found| found.is_file() && found.len() == LENGTH as u64 && is_own(found))?;
        let bytes = fs::read(path).ok().filter(|bytes| bytes.len() as u64 == found.len())?;
        Some(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The key of a cache folder, made where there is none. Of several processes that make one, the
    /// first counts.
    pub fn read_or_make(root: &Path) -> Result<Self, CacheError> {
        if let Some(key) = Self::read(root) {
            return Ok(key);
        }
        let path = Self::file(root);
        let failed = |error| CacheError::writing(&path, error);
        folders::create(root)?;
        let bytes =
            ring::rand::generate::<[u8; LENGTH]>(&SystemRandom::new()).map_err(|_| failed(std::io::Error::other("no randomness")))?;
        let mut new = tempfile::NamedTempFile::new_in(root).map_err(failed)?;
        new.write_all(&bytes.expose()).and_then(|()| new.as_file().sync_all()).map_err(failed)?;
        if path.symlink_metadata().is_ok() {
            // A damaged one, or a link.
            new.persist(&path).map_err(|error| failed(error.error))?;
        } else if let Err(error) = new.persist_noclobber(&path)
            && !path.exists()
        {
            return Err(failed(error.error));
        }
        Self::read(root).ok_or_else(|| failed(std::io::Error::other("it was changed at once")))
    }

    /// The seal of some bytes with these lines before them, in base64.
    pub fn seal(&self, lines: &[&str; 2], bytes: &[u8]) -> String {
        STANDARD.encode(hmac::sign(&self.0, &message(lines, bytes)))
    }

    /// Whether a seal is this key's, of these bytes with these lines before them.
    pub fn is_sealed(&self, lines: &[&str; 2], bytes: &[u8], seal: &str) -> bool {
        STANDARD.decode(seal).is_ok_and(|tag| hmac::verify(&self.0, &message(lines, bytes), &tag).is_ok())
    }
}

/// Whether nobody but this user knows what is in a file. In a folder of somebody else's
/// (`--cache-dir`) the key may be theirs, and with it every result that it seals.
#[cfg(unix)]
fn is_own(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    found.uid() == rustix::process::geteuid().as_raw() && matches!(found.mode() & 0o777, 0o400 | 0o600)
}

/// A cache folder is below the user's own there, and its rights are the folder's.
#[cfg(not(unix))]
fn is_own(_: &fs::Metadata) -> bool {
    true
}

/// JSON has no line end within a text, so that no two of them make one message.
fn message(lines: &[&str; 2], bytes: &[u8]) -> Vec<u8> {
    [b"reproduce result 2\n", serde_json::json!(lines).to_string().as_bytes(), b"\n", bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_of_one_key_one_name_and_these_bytes() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(Key::read(one.path()).is_none());
        let key = Key::read_or_make(one.path()).unwrap();
        let lines = ["a@1.0.0", "2026"];
        let seal = key.seal(&lines, b"{}");
        assert!(Key::read(one.path()).unwrap().is_sealed(&lines, b"{}", &seal), "kept for the next process");
        for other in [["a@1.0.1", "2026"], ["a@1.0.0", "2027"], ["a@1.0.0\n2026", ""], ["", "a@1.0.0\n2026"]] {
            assert!(!key.is_sealed(&other, b"{}", &seal), "{other:?}");
        }
        assert!(!key.is_sealed(&lines, b"{ }", &seal));
        for other in ["", "0", &seal[2..], &format!("{seal}0"), &"z".repeat(64)] {
            assert!(!key.is_sealed(&lines, b"{}", other), "{other}");
        }
        assert!(!Key::read_or_make(other.path()).unwrap().is_sealed(&lines, b"{}", &seal));
    }

    #[test]
    fn a_damaged_key_is_replaced_and_a_link_is_none() {
        let root = tempfile::tempdir().unwrap();
        fs::write(Key::file(root.path()), b"short").unwrap();
        assert!(Key::read(root.path()).is_none());
        let seal = Key::read_or_make(root.path()).unwrap().seal(&["a", ""], b"");
        assert!(Key::read(root.path()).unwrap().is_sealed(&["a", ""], b"", &seal));
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt as _, symlink};
            assert_eq!(fs::metadata(Key::file(root.path())).unwrap().permissions().mode() & 0o777, 0o600);
            let target = root.path().join("known");
            fs::rename(Key::file(root.path()), &target).unwrap();
            symlink(&target, Key::file(root.path())).unwrap();
            assert!(Key::read(root.path()).is_none());
        }
    }
}
