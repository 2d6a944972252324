//! Real published tarballs, written again: read, recognised, taken apart, packed as their era
//! packed, compressed as it compressed.
//!
//! The tarballs are fetched with `npm pack` from the configured registry into the folder that
//! `REPRODUCE_REAL_TARBALLS` names (else a folder below the target directory), and stay there. By
//! default the smallest are taken; `REPRODUCE_ROUNDTRIP=all` takes all. What was adopted goes
//! through a recipe's JSON on the way, as for `reproduce replay`. What is expected of each stands
//! in `data/packers-real.tsv`: spec, size, era, and the encoders that give its bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use npm_pack::era::{self, Bins};
use npm_pack::fingerprint::{Fingerprint, Headers, Limits};
use npm_pack::gzip;
use npm_pack::tar::{self, Adopted, Kind, Member};
use recipe::Taken;

/// How many are taken by default.
const SMALLEST: usize = 12;

struct Expected {
    spec: &'static str,
    size: u64,
    era: &'static str,
    encoders: Vec<&'static str>,
}

fn table() -> Vec<Expected> {
    let rows = include_str!("data/packers-real.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [spec, size, era, encoders] = columns[..] else { panic!("not four columns: {line}") };
        Expected { spec, size: size.parse().unwrap(), era, encoders: encoders.split(',').collect() }
    })
    .collect()
}

/// npm's file name for a spec: `@a/b@1.0.0` is `a-b-1.0.0.tgz`.
fn file_name(spec: &str) -> String {
    let (name, version) = spec.rsplit_once('@').unwrap();
    format!("{}-{version}.tgz", name.trim_start_matches('@').replace('/', "-"))
}

fn folder() -> PathBuf {
    let folder = std::env::var_os("REPRODUCE_REAL_TARBALLS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-tarballs"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn fetch(folder: &Path, rows: &[Expected]) {
    let missing: Vec<&str> = rows.iter().map(|row| row.spec).filter(|spec| !folder.join(file_name(spec)).exists()).collect();
    for specs in missing.chunks(8) {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let status = Command::new(npm).args(["pack", "--silent", "--ignore-scripts"]).args(specs).current_dir(folder).status();
        assert!(status.expect("this test needs npm on PATH").success(), "npm pack {specs:?}");
    }
}

/// What one tarball came to.
struct Outcome {
    era: Option<String>,
    tar_equal: bool,
    encoder: Option<String>,
    file_equal: bool,
    adopted: Vec<String>,
    /// Bytes of what the recipe says of it.
    noted: usize,
}

/// What was adopted, written into a recipe and read back; and the size of that part of the recipe,
/// in bytes.
fn through_a_recipe(adopted: &Adopted) -> (Adopted, usize) {
    let json = serde_json::to_string(&Taken::of(adopted).expect("no more than a recipe holds")).unwrap();
    let read: Option<Taken> = serde_json::from_str(&json).unwrap();
    (read.map(|taken| taken.adopted()).unwrap_or_default(), json.len())
}

fn round_trip(published: &[u8], expected_era: &str) -> Outcome {
    let mut stream = Vec::new();
    GzDecoder::new(published).read_to_end(&mut stream).unwrap();
    let headers = Headers::read(published, &Limits::default()).unwrap();
    let fingerprint = Fingerprint::of(&headers);
    let era = era::by_id(expected_era).unwrap();
    let adopted = Adopted::from_published(&headers, era);
    let (written_down, noted) = through_a_recipe(&adopted);
    let package_json = headers.package_json.as_deref().and_then(|bytes| serde_json::from_slice(bytes).ok());
    let bins = package_json.as_ref().map(Bins::of).unwrap_or_default();

    // By path: the sequence must come from the era, not from the archive.
    let mut members: BTreeMap<&str, Member<'_>> = BTreeMap::new();
    for entry in headers.entries.iter().filter(|entry| !entry.is_directory()) {
        let start = usize::try_from(entry.offset).unwrap();
        let content = &stream[start..start + usize::try_from(entry.size).unwrap()];
        let kind = match entry.flag {
            b'0' => Kind::File(Box::new(content)),
            b'2' => Kind::Symlink(entry.link.clone()),
            flag => panic!("{}: entry type {flag}", entry.path),
        };
        // As npm extracts it: what is lost there must come from the era or be adopted.
        let mode = (entry.mode | 0o666) & !0o022;
        members.insert(&entry.path, Member { path: entry.path.clone(), mode, kind, mtime: None });
    }
    let members: Vec<Member<'_>> = members.into_values().collect();

    let mut written = Vec::new();
    tar::write(&members, era, &bins, &written_down, &mut written).unwrap();
    let found = gzip::match_published(&mut Cursor::new(&written), published).unwrap();
    let mut packed = Vec::new();
    if let Some(found) = found {
        gzip::compress(&mut written.as_slice(), found, &mut packed).unwrap();
    }
    Outcome {
        era: fingerprint.eras.first().cloned(),
        tar_equal: written == stream,
        encoder: found.map(|found| format!("{}{}", found.class.as_str(), found.level)),
        file_equal: packed == published,
        adopted: adopted.list().to_vec(),
        noted,
    }
}

#[test]
fn published_tarballs_are_written_again_byte_for_byte() {
    let mut rows = table();
    if std::env::var_os("REPRODUCE_ROUNDTRIP").is_none_or(|value| value != "all") {
        rows.sort_by_key(|row| row.size);
        rows.truncate(SMALLEST);
    }
    let folder = folder();
    fetch(&folder, &rows);
    let mut failures = Vec::new();
    let (mut tars, mut files, mut eras, mut noted) = (0, 0, 0, 0);
    for row in &rows {
        let published = std::fs::read(folder.join(file_name(row.spec))).unwrap();
        let outcome = round_trip(&published, row.era);
        tars += u32::from(outcome.tar_equal);
        noted = noted.max(outcome.noted);
        files += u32::from(outcome.file_equal);
        let era = outcome.era.as_deref() == Some(row.era);
        eras += u32::from(era);
        let encoder = outcome.encoder.as_deref().is_some_and(|encoder| row.encoders.contains(&encoder));
        if !(era && outcome.tar_equal && encoder && outcome.file_equal) {
            failures.push(format!(
                "{}: era {:?} for {}, tar equal {}, encoder {:?} for {:?}, file equal {}, adopted {:?}",
                row.spec, outcome.era, row.era, outcome.tar_equal, outcome.encoder, row.encoders, outcome.file_equal, outcome.adopted
            ));
        }
    }
    let said =
        format!("of {}: {tars} tar streams equal, {files} files equal, {eras} eras agree; recipes of {noted} bytes at most", rows.len());
    eprintln!("{said}");
    assert!(failures.is_empty(), "{said}\n{}", failures.join("\n"));
}
