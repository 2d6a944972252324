//! Git LFS pointers: what git has in place of a large file, with the hash and the size of the file
//! itself.

/// No pointer is larger (git-lfs, docs/spec.md).
pub const LARGEST: u64 = 1024;

/// What a pointer says of the file that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// The file's SHA-256.
    pub sha256: [u8; 32],
    /// Its bytes.
    pub size: u64,
}

impl Pointer {
    /// Reads a pointer as git-lfs writes it: `version`, then `oid` and `size`. `None` for what is
    /// none, and for one with keys of an extension, whose checkout has other bytes.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() as u64 > LARGEST {
            return None;
        }
        let mut lines = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split('\n');
        if !matches!(lines.next()?, "version https://git-lfs.github.com/spec/v1" | "version https://hawser.github.com/spec/v1") {
            return None;
        }
        let (mut sha256, mut size, mut last) = (None, None, "");
        for line in lines {
            let (key, value) = line.split_once(' ')?;
            if key <= last {
                return None;
            }
            last = key;
            match key {
                "oid" => sha256 = Some(digest(value.strip_prefix("sha256:")?)?),
                "size" => size = Some(value.parse().ok()?),
                _ => return None,
            }
        }
        Some(Self { sha256: sha256?, size: size? })
    }
}

/// 64 digits as 32 bytes.
fn digest(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(tail: &str) -> String {
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\n{tail}", "ab".repeat(32))
    }

    #[test]
    fn a_pointer_says_hash_and_size() {
        let found = Pointer::parse(pointer("size 11\n").as_bytes()).expect("a pointer");
        assert_eq!((found.sha256, found.size), ([0xab; 32], 11));
    }

    #[test]
    fn what_git_lfs_would_not_write_is_no_pointer() {
        let long = format!("x {}\n", "y".repeat(1100));
        for text in ["", "size 11", "size -1\n", "size 11\n\n", "a 1\nsize 11\n", "size 1\nsize 2\n", &long, "size 1\nno-value\n"] {
            assert_eq!(Pointer::parse(pointer(text).as_bytes()), None, "{text:?}");
        }
        assert_eq!(Pointer::parse(pointer("size 1\n").replace("sha256", "sha512").as_bytes()), None);
        assert_eq!(Pointer::parse(pointer("size 1\n").replace("abab", "zz").as_bytes()), None);
    }
}
