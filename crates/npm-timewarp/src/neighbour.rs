//! A version that the registry does not have, made of the nearest one that it has.
//!
//! Pre-releases are unpublished, and mirrors miss some. A build that needs such a version fails
//! with an empty package in its place; the version next to it is likely to do the same work, and
//! the bytes decide whether it did. What is served is that version's own tarball with the wanted
//! version in its package.json, for clients that compare the two.

use std::io::{self, Read};

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use nodejs_semver::Version;
use serde_json::{Map, Value};

use npm_spec::manifest::{LARGEST_PACKED, read_up_to};
use npm_spec::version;

/// Largest tarball, packed and unpacked, that is taken over, in bytes.
const MAX_PACKED: u64 = 16 << 20;
const MAX_UNPACKED: u64 = 128 << 20;

/// The version that is nearest to the wanted one: of the same release where there is one, else of
/// the same minor or major line; of a line that has none, nothing.
pub(super) fn nearest<'a>(wanted: &str, there: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = version::parse(wanted)?;
    let distance = |other: &Version| {
        // Later ones first: what a pre-release leads to is nearer than what came before it.
        let before = *other < wanted;
        let steps = (other.minor().abs_diff(wanted.minor()), other.patch().abs_diff(wanted.patch()));
        (steps, before, other.pre_release().is_empty() != wanted.pre_release().is_empty())
    };
    let there = there.filter_map(|text| Some((text, version::parse(text)?)));
    let line = there.filter(|(_, other)| other.major() == wanted.major());
    // Pre-releases of one release: the next one, or the last one before.
    let closer = |a: &Version, b: &Version| if *a < wanted { b.cmp(a) } else { a.cmp(b) };
    line.min_by(|(_, a), (_, b)| distance(a).cmp(&distance(b)).then_with(|| closer(a, b))).map(|(text, _)| text)
}

/// The tarball with another version in its package.json. `None` for one that is too large or that
/// no client could unpack.
pub(super) fn renamed(tarball: impl Read, version: &str) -> Option<Vec<u8>> {
    rewrite(tarball, version).ok()
}

fn rewrite(tarball: impl Read, version: &str) -> io::Result<Vec<u8>> {
    let unpacked = GzDecoder::new(tarball.take(MAX_PACKED)).take(MAX_UNPACKED);
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::default());
    let (mut from, mut to) = (tar::Archive::new(unpacked), tar::Builder::new(gzip));
    for entry in from.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path()?.into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if path.components().count() == 2 && path.file_name().is_some_and(|name| name == "package.json") {
            bytes = with_version(&bytes, version)?;
        }
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(entry.header().mode()?);
        to.append_data(&mut header, path, bytes.as_slice())?;
    }
    to.into_inner()?.finish()
}

fn with_version(manifest: &[u8], version: &str) -> io::Result<Vec<u8>> {
    let mut manifest: Map<String, Value> = read_up_to(manifest, LARGEST_PACKED).ok_or(io::ErrorKind::InvalidData)?;
    manifest.insert("version".to_owned(), Value::from(version));
    Ok(serde_json::to_vec(&manifest)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_of_the_same_line() {
        let there = ["7.9.0", "8.0.0-beta.1", "8.0.0-beta.4", "8.0.0-rc.6", "8.0.1", "8.4.0", "9.0.0", "9.1.0-rc.1", "9.1.0-rc.3"];
        let near = |wanted| nearest(wanted, there.into_iter());
        assert_eq!(near("8.0.0-alpha.8"), Some("8.0.0-beta.1"));
        assert_eq!(near("8.0.0-beta.2"), Some("8.0.0-beta.4"));
        assert_eq!(near("9.1.0-rc.4"), Some("9.1.0-rc.3"));
        assert_eq!(near("8.0.2"), Some("8.0.1"));
        assert_eq!(near("8.3.9"), Some("8.4.0"));
        assert_eq!(near("7.24.1"), Some("7.9.0"));
        assert_eq!(near("10.0.0"), None);
        assert_eq!(near("latest"), None);
    }

    #[test]
    fn a_tarball_gets_the_version_and_keeps_its_files() {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), Compression::default()));
        for (path, text) in
            [("package/package.json", r#"{"name":"a","version":"1.0.0"}"#), ("package/in/package.json", r#"{"version":"0"}"#)]
        {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, text.as_bytes()).unwrap();
        }
        let made = renamed(archive.into_inner().unwrap().finish().unwrap().as_slice(), "1.0.1-x").unwrap();
        let mut texts = Vec::new();
        for entry in tar::Archive::new(GzDecoder::new(made.as_slice())).entries().unwrap() {
            let mut text = String::new();
            entry.unwrap().read_to_string(&mut text).unwrap();
            texts.push(text);
        }
        assert_eq!(texts, [r#"{"name":"a","version":"1.0.1-x"}"#, r#"{"version":"0"}"#]);
    }

    #[test]
    fn what_cannot_be_unpacked_is_not_taken_over() {
        assert!(renamed(b"no archive".as_slice(), "1.0.0").is_none());
    }
}
