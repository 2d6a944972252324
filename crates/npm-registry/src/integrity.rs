//! Subresource integrity as npm's ssri 13 reads it, and the hashes of what came.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Longest integrity text and most hashes in it.
const MAX_TEXT: usize = 16 << 10;
const MAX_HASHES: usize = 64;

/// A hash that a tarball can be checked with, the weakest first. md5 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// 20 bytes; all that versions from before 2017 have.
    Sha1,
    /// 32 bytes.
    Sha256,
    /// 48 bytes.
    Sha384,
    /// 64 bytes; what npm writes.
    Sha512,
}

impl Algorithm {
    /// Its name in an integrity text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    fn parse(name: &str) -> Option<(Self, usize)> {
        Some(match name {
            "sha1" => (Self::Sha1, 20),
            "sha256" => (Self::Sha256, 32),
            "sha384" => (Self::Sha384, 48),
            "sha512" => (Self::Sha512, 64),
            _ => return None,
        })
    }
}

/// The hashes that a registry promises. At least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integrity {
    algorithm: Algorithm,
    digests: Vec<Vec<u8>>,
}

impl Integrity {
    /// Reads `sha512-… sha1-…`. Only the strongest algorithm counts, and any of its hashes will do.
    /// What cannot be read is left out; none if nothing remains.
    pub fn parse(text: &str) -> Option<Self> {
        let words = text.get(..text.len().min(MAX_TEXT))?.split_ascii_whitespace().take(MAX_HASHES);
        let hashes: Vec<(Algorithm, Vec<u8>)> = words
            .filter_map(|word| {
                let (name, rest) = word.split_once('-')?;
                let (algorithm, length) = Algorithm::parse(name)?;
                let digest = STANDARD.decode(rest.split_once('?').map_or(rest, |(digest, _)| digest)).ok()?;
                (digest.len() == length).then_some((algorithm, digest))
            })
            .collect();
        let algorithm = hashes.iter().map(|(algorithm, _)| *algorithm).max()?;
        let digests = hashes.into_iter().filter(|(own, _)| *own == algorithm).map(|(_, digest)| digest).collect();
        Some(Self { algorithm, digests })
    }

    /// Reads npm's old `shasum`: sha1 in hex.
    pub fn from_shasum(hex: &str) -> Option<Self> {
        let digits: Vec<u8> =
            hex.trim().chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
        let digest: Vec<u8> = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect();
        (digits.len() == 40).then(|| Self { algorithm: Algorithm::Sha1, digests: vec![digest] })
    }

    /// What a purl states; `None` where it is no hash of an algorithm that is known.
    pub fn from_checksum(stated: &npm_spec::Checksum) -> Option<Self> {
        let algorithm = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512].into_iter().find(|one| one.as_str() == stated.algorithm)?;
        Some(Self { algorithm, digests: vec![hex::decode(&stated.hex).ok()?] })
    }

    /// Of bytes that are at hand: nothing if they are what was promised; else what they are, in the
    /// same algorithm.
    pub fn mismatch_of(&self, bytes: &[u8]) -> Option<String> {
        let mut hasher = Hasher::new(Some(self));
        hasher.update(bytes);
        hasher.finish().mismatch(self)
    }

    /// The algorithm that decides.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The deciding hashes, as npm writes them.
    pub fn text(&self) -> String {
        let words: Vec<String> = self.digests.iter().map(|digest| written(self.algorithm, digest)).collect();
        words.join(" ")
    }
}

/// Every hash that may be asked for, taken while bytes go by.
#[derive(Default)]
pub struct Hasher {
    sha512: Sha512,
    sha1: Sha1,
    /// Only when the promised integrity is of a kind that npm itself never wrote.
    other: Option<Other>,
}

enum Other {
    Sha256(Sha256),
    Sha384(Sha384),
}

impl Hasher {
    /// A hasher for what is promised; `None` if nothing is.
    pub fn new(promised: Option<&Integrity>) -> Self {
        let other = match promised.map(Integrity::algorithm) {
            Some(Algorithm::Sha256) => Some(Other::Sha256(Sha256::new())),
            Some(Algorithm::Sha384) => Some(Other::Sha384(Sha384::new())),
            _ => None,
        };
        Self { other, ..Self::default() }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha512.update(bytes);
        self.sha1.update(bytes);
        match &mut self.other {
            Some(Other::Sha256(hash)) => hash.update(bytes),
            Some(Other::Sha384(hash)) => hash.update(bytes),
            None => {}
        }
    }

    /// The hashes of all that was added.
    pub fn finish(self) -> Digests {
        Digests {
            sha512: self.sha512.finalize().to_vec(),
            sha1: self.sha1.finalize().to_vec(),
            other: match self.other {
                Some(Other::Sha256(hash)) => Some(hash.finalize().to_vec()),
                Some(Other::Sha384(hash)) => Some(hash.finalize().to_vec()),
                None => None,
            },
        }
    }
}

/// The hashes of what came.
pub struct Digests {
    sha512: Vec<u8>,
    sha1: Vec<u8>,
    other: Option<Vec<u8>>,
}

impl Digests {
    /// As an integrity: `sha512-` and base64.
    pub fn sha512(&self) -> String {
        written(Algorithm::Sha512, &self.sha512)
    }

    /// sha1 in hex.
    pub fn shasum(&self) -> String {
        hex::encode(&self.sha1)
    }

    /// Nothing if it is what was promised; else what it is, in the same algorithm.
    pub fn mismatch(&self, promised: &Integrity) -> Option<String> {
        let own = match promised.algorithm {
            Algorithm::Sha512 => &self.sha512,
            Algorithm::Sha1 => &self.sha1,
            Algorithm::Sha256 | Algorithm::Sha384 => self.other.as_ref()?,
        };
        (!promised.digests.contains(own)).then(|| written(promised.algorithm, own))
    }
}

fn written(algorithm: Algorithm, digest: &[u8]) -> String {
    format!("{}-{}", algorithm.as_str(), STANDARD.encode(digest))
}
