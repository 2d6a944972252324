//! A git host that answers as the input says, and everything that is read of its objects.

use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git::history::History;
use git::transport::{Answer, Exchange};
use git::{ListingEntry, Repository};
use http::HttpError;
use sha1::{Digest as _, Sha1};

use super::{memory_disk, parts};

const URL: &str = "https://git.example/o/r";
/// Most objects of one pack.
const OBJECTS: usize = 24;

/// A host of three answers: its advertisement, its refs, its pack.
struct Host {
    answers: [Vec<u8>; 3],
}

impl Exchange for Host {
    fn exchange(&self, url: &str, _: &[(String, String)], body: Option<Vec<u8>>, _: u64) -> Result<Answer, HttpError> {
        let asks_for_refs = body.as_deref().is_some_and(|body| body.windows(7).any(|part| part == b"ls-refs"));
        let (which, kind) = match body {
            None => (0, "advertisement"),
            Some(_) if asks_for_refs => (1, "result"),
            Some(_) => (2, "result"),
        };
        let body = Box::new(Cursor::new(self.answers[which].clone()));
        Ok(Answer { status: 200, url: url.to_owned(), content_type: format!("application/x-git-upload-pack-{kind}"), body })
    }
}

/// The first byte says how: three answers as they are, or objects of which a pack is made.
pub(crate) fn git(input: &[u8]) -> String {
    let Some((how, rest)) = input.split_first() else { return String::new() };
    let host = match how % 3 {
        0 => Host { answers: parts(rest).map(<[u8]>::to_vec) },
        // A pack as it is, with a checksum that holds; or of whole objects.
        1 => of_pack(&[], &sealed(rest.to_vec())),
        _ => of_objects(rest),
    };
    let folder = tempfile::tempdir_in(memory_disk()).unwrap();
    let cache = folder.path().join("cache");
    let cancelled = Arc::new(AtomicBool::new(false));
    let mut repository = match Repository::open(URL, URL, &cache, Arc::new(host), cancelled) {
        Ok(repository) => repository,
        Err(error) => return code(&error),
    };
    let mut ids: Vec<_> = repository.refs().iter().map(|reference| reference.commit).take(OBJECTS).collect();
    if how % 3 == 1 {
        ids.push(gix::ObjectId::null(gix::hash::Kind::Sha1));
    }
    let mut seen = BTreeSet::new();
    match repository.ensure_commits(&ids) {
        Ok(missing) => seen.insert(format!("missing {}", missing.len().min(2))),
        Err(error) => seen.insert(code(&error)),
    };
    for id in &ids {
        let commit = match repository.commit(id) {
            Ok(Some(commit)) => commit,
            Ok(None) => continue,
            Err(error) => {
                seen.insert(code(&error));
                continue;
            }
        };
        seen.insert(format!("commit {}", commit.parents.len().min(3)));
        match repository.listing(id) {
            Ok(Some(listing)) => {
                plain(&listing.entries);
                seen.insert(format!("files {}", listing.entries.len().min(4)));
                for entry in listing.entries.iter().take(16) {
                    if let Ok(Some(content)) = repository.store().blob(&entry.id) {
                        assert_eq!(name_of("blob", &content), entry.id.as_bytes(), "the content of another object");
                    }
                }
            }
            Ok(None) => {}
            Err(error) => drop(seen.insert(code(&error))),
        }
        let out = folder.path().join("out");
        std::fs::create_dir_all(&out).unwrap();
        match repository.store().export(id, &out, &|_| None) {
            Ok(()) => seen.insert("exported".to_owned()),
            Err(error) => seen.insert(code(&error)),
        };
    }
    if let Ok(history) = History::walk(repository.store(), ids) {
        seen.insert(format!("history {} {}", history.commits.len().min(4), history.whole));
    }
    let names: BTreeSet<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name == "cache" || name == "out"), "{names:?}");
    format!("{seen:?}")
}

fn code(error: &git::GitError) -> String {
    verdict::diagnostic::Diagnostic::code(error).to_owned()
}

/// Paths that can be checked out and stay where they are, each once.
fn plain(entries: &[ListingEntry]) {
    for pair in entries.windows(2) {
        assert!(pair[0].path < pair[1].path, "each path once, in order");
    }
    for entry in entries {
        assert!(entry.path.len() <= 4096 && !entry.path.starts_with('/') && !entry.id.is_null(), "{entry:?}");
        for part in entry.path.split('/') {
            assert!(!matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git") && !part.contains('\0'), "{entry:?}");
        }
    }
}

/// The objects of an input: a byte for the kind, one for the length, and the content, in which the
/// byte 0x1f and a number stand for the id of an earlier object.
fn of_objects(input: &[u8]) -> Host {
    let mut rest = input;
    let mut ids: Vec<Vec<u8>> = Vec::new();
    let mut entries: Vec<Vec<u8>> = Vec::new();
    while let [kind, length, tail @ ..] = rest
        && ids.len() < OBJECTS
    {
        let (content, behind) = tail.split_at(usize::from(*length).min(tail.len()));
        rest = behind;
        let raw = kind % 6 == 1;
        let content = with_ids(content, &ids, raw);
        let (number, name) = [(1, "commit"), (2, "tree"), (3, "blob"), (4, "tag"), (6, ""), (7, "")][usize::from(kind % 6)];
        let mut entry = header(number, content.len());
        if number == 6 {
            // The distance to the entry before.
            entry.extend(distance(entries.last().map_or(1, Vec::len)));
        }
        if number == 7 {
            entry.extend(ids.first().map_or(&[0; 20][..], Vec::as_slice));
        }
        entry.extend(deflated(&content));
        ids.push(if name.is_empty() { vec![0x11; 20] } else { name_of(name, &content) });
        entries.push(entry);
    }
    let count = u32::try_from(entries.len()).unwrap().to_be_bytes();
    of_pack(&ids, &sealed([b"PACK\0\0\0\x02", &count[..], &entries.concat()].concat()))
}

fn with_ids(content: &[u8], ids: &[Vec<u8>], raw: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = content.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != 0x1f || ids.is_empty() {
            out.push(byte);
            continue;
        }
        let id = &ids[usize::from(bytes.next().unwrap_or(0)) % ids.len()];
        if raw {
            out.extend(id);
        } else {
            out.extend(hex(id).bytes());
        }
    }
    out
}

fn of_pack(ids: &[Vec<u8>], pack: &[u8]) -> Host {
    let capabilities = ["version 2\n", "agent=git/2.40\n", "ls-refs\n", "fetch=shallow filter\n", "object-format=sha1\n"];
    let advertisement: Vec<u8> = capabilities.iter().flat_map(|line| packet(line.as_bytes())).chain(*b"0000").collect();
    let line = |(at, id): (usize, &Vec<u8>)| packet(format!("{} refs/heads/b{at}\n", hex(id)).as_bytes());
    let refs: Vec<u8> = ids.iter().enumerate().flat_map(line).chain(*b"0000").collect();
    let mut answer = packet(b"packfile\n");
    for piece in pack.chunks(60_000) {
        answer.extend(packet(&[&[1], piece].concat()));
    }
    answer.extend(b"0000");
    Host { answers: [advertisement, refs, answer] }
}

fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

fn packet(line: &[u8]) -> Vec<u8> {
    [format!("{:04x}", line.len() + 4).as_bytes(), line].concat()
}

/// With its sha1 behind it.
fn sealed(mut pack: Vec<u8>) -> Vec<u8> {
    let sum = Sha1::digest(&pack);
    pack.extend(sum);
    pack
}

fn name_of(kind: &str, content: &[u8]) -> Vec<u8> {
    Sha1::new().chain_update(format!("{kind} {}\0", content.len())).chain_update(content).finalize().to_vec()
}

fn deflated(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// The head of a pack's entry: three bits of kind, and the size.
fn header(kind: u8, size: usize) -> Vec<u8> {
    let low = |size: usize| u8::try_from(size & 0x7f).unwrap();
    let mut out = vec![kind << 4 | low(size & 0xf)];
    let mut left = size >> 4;
    while left > 0 {
        *out.last_mut().unwrap() |= 0x80;
        out.push(low(left));
        left >>= 7;
    }
    out
}

/// How far back the base of a delta is.
fn distance(mut back: usize) -> Vec<u8> {
    let low = |number: usize| u8::try_from(number & 0x7f).unwrap();
    let mut out = vec![low(back)];
    while back >= 0x80 {
        back = (back >> 7) - 1;
        out.insert(0, low(back) | 0x80);
    }
    out
}
