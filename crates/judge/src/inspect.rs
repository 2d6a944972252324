//! `reproduce inspect`: one tarball taken apart, and nothing else read.
//!
//! In: a tarball as it came. Out: an [`Inspection`]: its headers, who could have written it and
//! why, its compression, and what is odd.

use std::io::{Cursor, Read as _};

use npm_pack::fingerprint::{self, Fingerprint, Form, HeaderEntry, Headers};
use npm_pack::tar::IdField;
use npm_pack::{era, gzip};
use npm_registry::{IntegrityCheck, Published};
use npm_tarball::{Archive, Entry, Limits};
use report::inspect::{Client, EntryInfo, Gzip, Inspected, Inspection, SCHEMA_VERSION};
use verdict::diagnostic::{Diagnostic, Stage};

/// A tarball that could not be inspected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// It is no archive, or larger than any package.
    #[error(transparent)]
    Archive(#[from] npm_tarball::ArchiveError),
    /// It could not be compressed again for comparison.
    #[error(transparent)]
    Gzip(#[from] gzip::GzipError),
    /// What was fetched could not be read back.
    #[error("the tarball cannot be read back: {0}")]
    Read(#[from] std::io::Error),
}

impl Diagnostic for InspectError {
    fn code(&self) -> &'static str {
        match self {
            Self::Archive(error) => error.code(),
            Self::Gzip(error) => error.code(),
            Self::Read(_) => "disk-failed",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Resolve
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Archive(error) => error.hint(),
            Self::Gzip(error) => error.hint(),
            Self::Read(_) => Some("free some space, or point TMPDIR at a larger disk".into()),
        }
    }
}

/// Takes a tarball apart. `spec` is shown as given. Blocks the thread.
pub fn inspect(spec: &str, published: &Published) -> Result<Inspection, InspectError> {
    let tarball = &published.tarball;
    let mut bytes = Vec::new();
    tarball.bytes.open().read_to_end(&mut bytes)?;
    let archive = Archive::read(bytes.as_slice(), &Limits::default())?;
    // An archive that the walker cannot follow has no known client; its entries are then those that
    // npm sees.
    let headers = Headers::read(&bytes, &fingerprint::Limits::default()).ok();
    let found = headers.as_ref().map(Fingerprint::of);
    let (name, version) = named(published, &archive);
    Ok(Inspection {
        schema_version: SCHEMA_VERSION,
        reproduce_version: env!("CARGO_PKG_VERSION").to_owned(),
        package: Inspected {
            spec: spec.to_owned(),
            name,
            version,
            location: verdict::without_secrets(&published.release.location),
            integrity: tarball.sha512.clone(),
            announced: match &tarball.check {
                IntegrityCheck::Mismatch { expected, .. } => Some(expected.clone()),
                _ => None,
            },
            size: tarball.bytes.len(),
        },
        gzip: compression(&archive, &bytes)?,
        clients: found.iter().flat_map(|found| &found.eras).filter_map(|id| era::by_id(id)).map(client).collect(),
        reasons: found.as_ref().map(|found| found.reasons.clone()).unwrap_or_default(),
        root: headers.as_ref().map(|headers| headers.root.clone()),
        package_json: found.and_then(|found| found.package_json_style),
        oddities: archive.oddities().to_vec(),
        oddities_omitted: archive.oddities_omitted(),
        content_digest: archive.content_digest(),
        tar_size: archive.tar_len(),
        entries: match &headers {
            Some(headers) => headers.entries.iter().map(|entry| of_header(entry, archive.get(&entry.path))).collect(),
            None => archive.in_archive_order().into_iter().map(of_entry).collect(),
        },
    })
}

fn client(era: &era::Era) -> Client {
    Client { packer: era.id.to_owned(), clients: era.clients.to_owned() }
}

/// Name and version by the registry, or by the package.json of a tarball from elsewhere.
fn named(published: &Published, archive: &Archive) -> (Option<String>, Option<String>) {
    let release = &published.release;
    if release.name.is_some() {
        return (release.name.clone(), release.version.clone());
    }
    let content = archive.get("package.json").and_then(|entry| archive.content(entry).ok()).unwrap_or_default();
    let manifest: serde_json::Value = npm_spec::manifest::read_up_to(&content, npm_spec::manifest::LARGEST_PACKED).unwrap_or_default();
    let text = |key: &str| manifest.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    (text("name"), text("version"))
}

fn compression(archive: &Archive, bytes: &[u8]) -> Result<Option<Gzip>, InspectError> {
    let Some(header) = archive.gzip_header() else { return Ok(None) };
    let mut tar = Vec::with_capacity(usize::try_from(archive.tar_len()).unwrap_or_default());
    archive.tar().read_to_end(&mut tar)?;
    let found = gzip::match_published(&mut Cursor::new(tar), bytes)?;
    Ok(Some(Gzip {
        flags: header.flg,
        mtime: header.mtime,
        xfl: header.xfl,
        os: header.os,
        class: found.map(|found| found.class.as_str().to_owned()),
        level: found.map(|found| found.level),
    }))
}

fn of_header(header: &HeaderEntry, on_disk: Option<&Entry>) -> EntryInfo {
    // Clients that name an owner name both; an empty field is no zero.
    let number = |id: &IdField| match id {
        IdField::Number(number) if header.forms.uid != Form::Empty => Some(*number),
        _ => None,
    };
    let name = |name: &String| Some(name.clone()).filter(|name| !name.is_empty());
    let kind = match header.flag {
        b'0' => "file".to_owned(),
        b'1' => "hardlink".to_owned(),
        b'2' => "symlink".to_owned(),
        b'5' => "directory".to_owned(),
        flag => format!("type-{flag:02x}"),
    };
    EntryInfo {
        path: header.path.clone(),
        kind,
        mode: format!("{:o}", header.mode),
        mode_on_disk: on_disk.map(|entry| format!("{:o}", entry.mode_on_disk)),
        size: header.size,
        mtime: header.mtime.and_then(|seconds| i64::try_from(seconds).ok()),
        uid: number(&header.signature.uid),
        gid: number(&header.signature.gid),
        user: name(&header.signature.user),
        group: name(&header.signature.group),
        pax: header.pax.iter().flat_map(|pax| pax.records.iter().map(|(keyword, _)| keyword.clone())).collect(),
        link_target: name(&header.link),
        sha256: on_disk.map(|entry| hex::encode(entry.sha256)),
    }
}

fn of_entry(entry: &Entry) -> EntryInfo {
    EntryInfo {
        path: entry.path.clone(),
        kind: entry.kind.name(),
        mode: format!("{:o}", entry.raw_mode),
        mode_on_disk: Some(format!("{:o}", entry.mode_on_disk)),
        size: entry.size,
        mtime: entry.mtime,
        uid: None,
        gid: None,
        user: None,
        group: None,
        pax: Vec::new(),
        link_target: entry.link_target.clone(),
        sha256: Some(hex::encode(entry.sha256)),
    }
}
