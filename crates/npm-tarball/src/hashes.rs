//! The hashes of one entry's content, made in one pass.

use sha1dc::Hasher;
use sha2::{Digest, Sha256};

/// A blob id that no object of a repository has, for content that has none to be looked up by.
const NO_BLOB: [u8; 20] = [0; 20];

/// Hashes in the making.
pub(super) struct Hashes {
    sha256: Sha256,
    blob: Hasher,
    cut_short: bool,
}

/// Finished hashes.
pub(super) struct Hashed {
    pub(super) sha256: [u8; 32],
    pub(super) blob_id: [u8; 20],
    /// The content is one of a pair made to collide under SHA-1.
    pub(super) collision: bool,
}

impl Hashes {
    /// For content of `size` bytes: git's hash begins with the length.
    pub(super) fn new(size: u64) -> Self {
        let mut blob = Hasher::new();
        blob.update(format!("blob {size}\0").as_bytes());
        Self { sha256: Sha256::new(), blob, cut_short: false }
    }

    pub(super) fn update(&mut self, part: &[u8]) {
        self.sha256.update(part);
        self.blob.update(part);
    }

    /// The content was not as long as announced, so the blob id is of nothing.
    pub(super) fn cut_short(&mut self) {
        self.cut_short = true;
    }

    pub(super) fn finish(self) -> Hashed {
        let id = safe_id(self.blob);
        let blob_id = id.filter(|_| !self.cut_short).unwrap_or(NO_BLOB);
        Hashed { sha256: self.sha256.finalize().into(), blob_id, collision: id.is_none() }
    }
}

/// A SHA-1, unless its input carries the marks of a collision attack: a forged id must find no
/// object.
fn safe_id(hasher: Hasher) -> Option<[u8; 20]> {
    hasher.finalize().ok().map(sha1dc::Digest::to_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_id_is_gits() {
        let mut hashes = Hashes::new(12);
        hashes.update(b"hello ");
        hashes.update(b"world\n");
        let done = hashes.finish();
        // git hash-object
        let expected =
            [0x3b, 0x18, 0xe5, 0x12, 0xdb, 0xa7, 0x9e, 0x4c, 0x83, 0x00, 0xdd, 0x08, 0xae, 0xb3, 0x7f, 0x8e, 0x72, 0x8b, 0x8d, 0xad];
        assert_eq!((done.blob_id, done.collision), (expected, false));
    }

    #[test]
    fn content_that_was_cut_short_has_no_blob_id() {
        let mut hashes = Hashes::new(12);
        hashes.update(b"hello");
        hashes.cut_short();
        assert_eq!(hashes.finish().blob_id, NO_BLOB);
    }

    /// The first five blocks of the pair of <https://shattered.io> (2017). The attack is on plain
    /// SHA-1, so it is shown without git's length in front, which would shift the blocks.
    #[test]
    fn a_collision_attack_is_found() {
        for block in [include_bytes!("tests/shattered-1.bin"), include_bytes!("tests/shattered-2.bin")] {
            let mut hasher = Hasher::new();
            hasher.update(block);
            assert_eq!(safe_id(hasher), None);
        }
    }
}
