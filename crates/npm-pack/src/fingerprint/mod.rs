//! Says which client of which time wrote a published archive, from its bytes alone.
//!
//! In: a `.tgz`. Out: its [`Headers`] (what stands around the files, with which an archive can be
//! written again), and a [`Fingerprint`]: the eras that write so, likeliest first, with the
//! reasons. Metadata of the registry is not asked: it is often missing, and it can say anything.
//! The reader here is lenient on purpose; whether an archive is well-formed is decided by the
//! comparison, not here.

mod decide;
mod form;
mod package_json;
mod walk;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use verdict::diagnostic::{Diagnostic, Stage};

use crate::gzip::Match;

pub use form::{Form, Forms};
pub use package_json::{Indent, PackageJsonStyle};
pub use walk::{GzipHeader, HeaderEntry, Headers, Limits};

/// Which client wrote an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fingerprint {
    /// Ids of the eras that write so, likeliest first; empty: no known client does.
    pub eras: Vec<String>,
    /// What speaks for the first of them, and what else was noticed.
    pub reasons: Vec<String>,
    /// The compression.
    pub gzip: GzipFingerprint,
    /// How package.json is written; none: the archive has none in its root, or it is not JSON.
    pub package_json_style: Option<PackageJsonStyle>,
    /// The first path component.
    pub root: String,
    /// How many entries there are, directories included.
    pub entries: usize,
}

/// The gzip layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GzipFingerprint {
    /// The header's XFL byte.
    pub xfl: u8,
    /// The header's OS byte.
    pub os: u8,
    /// The deflate class that gives these bytes; none: not tried, or not found.
    pub class: Option<String>,
    /// The level with which it does.
    pub level: Option<u8>,
}

/// An archive of which not even the headers can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FingerprintError {
    /// It does not begin as gzip does, or its stream is broken.
    #[error("the archive cannot be decompressed: {0}")]
    Gzip(std::io::Error),
    /// A header is not one, or the stream ends within an entry.
    #[error("the archive is broken at byte {offset}: {detail}")]
    Tar {
        /// Offset in the decompressed stream.
        offset: u64,
        /// What is wrong there.
        detail: &'static str,
    },
    /// It has more of something than is accepted.
    #[error("the archive has more than {limit} {what}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much is accepted.
        limit: u64,
    },
    /// It has no entry.
    #[error("the archive is empty")]
    Empty,
}

impl Diagnostic for FingerprintError {
    fn code(&self) -> &'static str {
        match self {
            Self::Gzip(_) => "archive-not-gzip",
            Self::Tar { .. } => "archive-not-tar",
            Self::TooMuch { .. } => "archive-too-large",
            Self::Empty => "archive-empty",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Pack
    }
}

impl Fingerprint {
    /// Reads a published archive. For the [`Headers`] too, see [`Headers::read`] and
    /// [`Fingerprint::of`].
    pub fn read(published: &[u8], limits: &Limits) -> Result<Self, FingerprintError> {
        Ok(Self::of(&Headers::read(published, limits)?))
    }

    /// The fingerprint of headers that have been read.
    pub fn of(headers: &Headers) -> Self {
        let (eras, reasons) = decide::decide(headers);
        Self {
            eras: eras.into_iter().map(String::from).collect(),
            reasons,
            gzip: GzipFingerprint { xfl: headers.gzip.xfl, os: headers.gzip.os, class: None, level: None },
            package_json_style: headers.package_json.as_deref().and_then(PackageJsonStyle::of),
            root: headers.root.clone(),
            entries: headers.entries.len(),
        }
    }

    /// Notes which encoder gave the published bytes.
    pub fn set_encoder(&mut self, found: &Match) {
        self.gzip.class = Some(found.class.as_str().to_owned());
        self.gzip.level = Some(found.level);
    }
}
