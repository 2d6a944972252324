//! The gzip layer: from a tar stream to the very bytes that were published, and back to the encoder
//! that made them.
//!
//! In: a tar stream, and an encoder (class and level) or the published bytes. Out: a `.tgz`, or the
//! encoder that gives those bytes. Clients leave the compression to the zlib of the Node that runs
//! them. No version string tells which one that was, so the encoders are tried one after the other;
//! each try stops at its first wrong byte, which comes within the first blocks.

mod candidates;
mod chunks;
mod deflaters;
mod frame;

#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom, Write};

use verdict::diagnostic::{Diagnostic, Stage};

use crate::era::Era;

pub use candidates::{Encoder, encoders_for};
pub use deflaters::{Deflater, deflater};
use frame::{Compared, Counted, HEADER_SIZE};

/// The variants of deflate that give different bytes for the same input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Class {
    /// Stock zlib: Node up to 12.16, 13.0 to 13.8, and 20.8 to 20.9.
    A,
    /// Chromium's zlib with a CRC hash: Node 12.17 to 12.22, 13.9 to 18.18, 19, 20.0 to 20.7.
    B,
    /// Chromium's zlib of today: Node 18.19 and later, 20.10 and later, all from 21.
    C,
    /// zlib-rs. At level 6, fed as the tar crate of Rust feeds it: pnpm 12. At level 9 its bytes
    /// are those of zlib-ng 2.3, however it is fed: bun since 1.3.14 (bun up to 1.3.7 wrote class
    /// C).
    #[serde(rename = "zlib-rs")]
    ZlibRs,
}

impl Class {
    /// The name as it stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::ZlibRs => "zlib-rs",
        }
    }
}

/// The encoder that gives published bytes, with the two header bytes that vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The deflate class.
    pub class: Class,
    /// The level.
    pub level: u8,
    /// The XFL byte.
    pub xfl: u8,
    /// The OS byte.
    pub os: u8,
}

impl Match {
    /// What an archive of that era is compressed with when there is nothing to match: the newest
    /// class, and the OS byte of the published archive or else that of Unix.
    pub fn usual(era: &Era, published_os: Option<u8>) -> Self {
        let class = if era.gzip.zlib_rs { Class::ZlibRs } else { Class::C };
        Self { class, level: era.gzip.level, xfl: era.gzip.xfl, os: era.gzip.os.or(published_os).unwrap_or(3) }
    }
}

/// A gzip stream that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GzipError {
    /// The tar stream could not be read, or the output not be written.
    #[error("cannot compress the archive: {0}")]
    Io(#[from] io::Error),
}

impl Diagnostic for GzipError {
    fn code(&self) -> &'static str {
        "gzip-io"
    }

    fn stage(&self) -> Stage {
        Stage::Pack
    }
}

/// Compresses a tar stream with the encoder, behind the header that clients write: no name, no
/// time.
pub fn compress(tar: &mut dyn Read, encoder: Match, out: &mut dyn Write) -> Result<(), GzipError> {
    out.write_all(&frame::header(encoder.xfl, encoder.os))?;
    let mut counted = Counted::new(tar);
    deflater(encoder.class).deflate(encoder.level, &mut counted, out)?;
    out.write_all(&counted.trailer())?;
    Ok(())
}

/// The encoder that makes exactly `published` of the tar stream; none if no known one does, or if
/// the gzip header has anything in it that no client writes. The stream is read once per try, from
/// its start.
pub fn match_published<R: Read + Seek>(tar: &mut R, published: &[u8]) -> Result<Option<Match>, GzipError> {
    let Some((header, deflated)) = published.split_at_checked(HEADER_SIZE) else { return Ok(None) };
    let [.., xfl, os] = *header else { return Ok(None) };
    if header != frame::header(xfl, os) {
        return Ok(None);
    }
    for Encoder { class, level } in encoders_for(xfl, os) {
        tar.seek(SeekFrom::Start(0))?;
        if gives(tar, class, level, deflated)? {
            return Ok(Some(Match { class, level, xfl, os }));
        }
    }
    Ok(None)
}

fn gives(tar: &mut dyn Read, class: Class, level: u8, expected: &[u8]) -> Result<bool, GzipError> {
    let mut counted = Counted::new(tar);
    let mut compared = Compared::new(expected);
    let outcome = deflater(class).deflate(level, &mut counted, &mut compared);
    if compared.differs() {
        return Ok(false);
    }
    outcome?;
    Ok(compared.rest() == counted.trailer())
}
