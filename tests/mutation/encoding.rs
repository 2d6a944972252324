//! Changes that no reader shows: how the same package is written down.

use std::io::Write;

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc, GzBuilder};

use super::model::{Entry, Model};
use super::mutant::Intent::Encoding;
use super::mutant::{Mutants, root};
use super::tarball::Head;

pub(crate) fn add(m: &mut Mutants<'_>) {
    headers(m);
    extended(m);
    order(m);
    directories(m);
    endings(m);
    gzip(m);
}

fn headers(m: &mut Mutants<'_>) {
    for (kind, at, bytes) in [
        ("mtime", 136, b"14000000000\0".as_slice()),
        ("mtime-zero", 136, b"00000000000\0"),
        ("uid", 108, b"0001750\0"),
        ("gid", 116, b"0000024\0"),
        ("uname", 265, b"nobody\0"),
        ("gname", 297, b"staff\0"),
    ] {
        m.file(kind, Encoding, |entry, _| {
            entry.set(at, bytes);
            Some(())
        });
    }
    m.tar("all-mtimes", Encoding, |model, random| {
        for entry in &mut model.entries {
            entry.set(136, format!("{:011o}\0", random.below(1 << 30)).as_bytes());
        }
        Some(())
    });
    m.file("device-numbers", Encoding, |entry, _| entry.is_ustar().then(|| entry.set(329, b"0000003\x000000004\0")));
    m.file("type-flag-nul-or-0", Encoding, |entry, _| {
        let flag = if entry.head[156] == 0 { b'0' } else { 0 };
        entry.set(156, &[flag]);
        Some(())
    });
    m.file("mode-with-file-type", Encoding, |entry, _| {
        entry.set_mode(entry.mode() | 0o100_000);
        Some(())
    });
    m.file("mode-group-writable", Encoding, |entry, _| {
        entry.set_mode(entry.mode() ^ 0o022);
        Some(())
    });
    m.file("mode-not-readable", Encoding, |entry, _| {
        entry.set_mode(entry.mode() & !0o666);
        Some(())
    });
    m.file("mode-in-spaces", Encoding, |entry, _| {
        entry.set(100, format!("{:>6o} \0", entry.mode() & 0o777).as_bytes());
        Some(())
    });
    m.file("size-in-spaces", Encoding, |entry, _| {
        entry.set(124, format!("{:>11o} ", entry.body.len()).as_bytes());
        Some(())
    });
    m.file("checksum-with-spaces", Encoding, |entry, _| {
        entry.set_unchecked(148, format!("{:>6o}\0 ", entry.sum()).as_bytes());
        Some(())
    });
    m.file("gnu-magic", Encoding, |entry, _| {
        (entry.is_ustar() && entry.head[345..500].iter().all(|byte| *byte == 0)).then(|| entry.set(257, b"ustar  \0"))
    });
    m.file("no-magic", Encoding, |entry, _| {
        (entry.is_ustar() && entry.head[345..500].iter().all(|byte| *byte == 0)).then(|| entry.set(257, &[0; 8]))
    });
    m.file("path-split-into-prefix", Encoding, |entry, _| {
        let path = entry.path();
        let (prefix, name) = path.rsplit_once('/')?;
        (entry.is_ustar() && prefix.len() < 100).then_some(())?;
        let name = [name.as_bytes(), &vec![0; 100 - name.len()]].concat();
        entry.set(0, &name);
        entry.set(345, prefix.as_bytes());
        Some(())
    });
}

fn extended(m: &mut Mutants<'_>) {
    for (kind, flag, records) in [
        ("pax-comment", b'x', [("comment", b"x".as_slice())].as_slice()),
        ("pax-times", b'x', &[("mtime", b"1700000000.123"), ("atime", b"1700000000"), ("ctime", b"1700000000.5")]),
        ("pax-owner", b'x', &[("uid", b"501"), ("uname", b"somebody"), ("gid", b"20"), ("gname", b"staff")]),
        ("pax-attributes", b'x', &[("SCHILY.xattr.user.x", b"y"), ("LIBARCHIVE.xattr.com.apple.provenance", b"AQID")]),
        ("pax-charset", b'x', &[("hdrcharset", b"ISO-IR 10646 2000 UTF-8")]),
        ("pax-global-comment", b'g', &[("comment", b"0123456789012345678901234567890123456789")]),
    ] {
        m.file(kind, Encoding, |entry, _| {
            entry.add_pax(flag, records);
            Some(())
        });
    }
    m.file("pax-same-path", Encoding, |entry, _| {
        let path = entry.path();
        entry.add_pax(b'x', &[("path", path.as_bytes())]);
        Some(())
    });
    m.file("pax-same-path-and-size", Encoding, |entry, _| {
        let (path, size) = (entry.path(), entry.body.len().to_string());
        entry.add_pax(b'x', &[("path", path.as_bytes()), ("size", size.as_bytes())]);
        Some(())
    });
    m.file("gnu-same-path", Encoding, |entry, _| {
        let path = entry.path();
        entry.add_gnu(b'L', &path);
        Some(())
    });
    m.file("pax-path-for-cut-name", Encoding, |entry, _| {
        let path = entry.path();
        entry.set(
            0,
            &[path.as_bytes(), &vec![0; 100 - path.len()]]
                .concat()
                .iter()
                .enumerate()
                .map(|(at, byte)| if at < 3 { *byte } else { 0 })
                .collect::<Vec<_>>(),
        );
        entry.add_pax(b'x', &[("path", path.as_bytes())]);
        Some(())
    });
}

/// Whether `.gitignore` or `.npmignore` is there, of which npm makes one by their order.
fn ignore_files(model: &Model) -> bool {
    model.entries.iter().filter(|entry| entry.path().ends_with("/.npmignore") || entry.path().ends_with("/.gitignore")).count() > 1
}

fn order(m: &mut Mutants<'_>) {
    m.tar("shuffled", Encoding, |model, random| (!ignore_files(model)).then(|| random.shuffle(&mut model.entries)));
    m.tar("reversed", Encoding, |model, _| (!ignore_files(model)).then(|| model.entries.reverse()));
    m.tar("two-neighbours-swapped", Encoding, |model, random| {
        let at = random.below(model.entries.len() - 1);
        (!ignore_files(model)).then(|| model.entries.swap(at, at + 1))
    });
    m.tar("file-twice", Encoding, |model, random| {
        let files = model.files();
        let at = *random.pick((!files.is_empty()).then_some(&files)?);
        let entry = model.entries[at].clone();
        let to = random.below(model.entries.len() + 1);
        // npm's renaming takes the second of these for another file's.
        (!entry.path().ends_with("ignore")).then(|| model.entries.insert(to, entry))
    });
    m.tar("file-again-with-a-dot", Encoding, |model, random| {
        let files = model.files();
        let at = *random.pick((!files.is_empty()).then_some(&files)?);
        let mut entry = model.entries[at].clone();
        let path = format!("{}./{}", entry.root(), entry.below());
        (!path.ends_with("ignore") && path.len() <= 100).then_some(())?;
        entry.set_path(&path);
        model.entries.push(entry);
        Some(())
    });
}

fn directories(m: &mut Mutants<'_>) {
    m.tar("root-directory-listed", Encoding, |model, _| {
        let root = root(model);
        model.entries.insert(0, Entry::new(Head::new(root, b'5').mode(0o755), b""));
        Some(())
    });
    m.added("empty-directory", Encoding, |model, _| Entry::new(Head::new(format!("{}empty-one/", root(model)), b'5').mode(0o755), b""));
    m.added("empty-directory-of-mode-zero", Encoding, |model, _| {
        Entry::new(Head::new(format!("{}empty-one", root(model)), b'5').mode(0), b"")
    });
    m.file("other-first-component", Encoding, |entry, _| {
        let path = format!("elsewhere/{}", entry.below());
        (!path.ends_with("ignore") && path.len() <= 100).then(|| entry.set_path(&path))
    });
    m.tar("all-other-first-components", Encoding, |model, _| {
        for entry in &mut model.entries {
            entry.extended.is_empty().then_some(())?;
            let path = entry.path();
            let below = path.split_once('/').map_or("", |it| it.1);
            let path = format!("x/{below}");
            entry.set_path(&path);
        }
        Some(())
    });
}

fn endings(m: &mut Mutants<'_>) {
    m.tar("padded-with-zeros", Encoding, |model, random| {
        model.tail.extend(vec![0; 512 * (1 + random.below(40))]);
        Some(())
    });
    m.tar("no-more-than-the-end-marker", Encoding, |model, _| {
        model.tail.truncate(1024);
        Some(())
    });
}

fn gzip(m: &mut Mutants<'_>) {
    let tar = m.base.to_tar();
    for level in [0, 1, 5, 9] {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(&tar).unwrap();
        m.raw("gzip-level", Encoding, encoder.finish().unwrap());
    }
    let built = |builder: GzBuilder| {
        let mut encoder = builder.write(Vec::new(), Compression::new(6));
        encoder.write_all(&tar).unwrap();
        encoder.finish().unwrap()
    };
    m.raw("gzip-name", Encoding, built(GzBuilder::new().filename("package.tar")));
    m.raw("gzip-comment", Encoding, built(GzBuilder::new().comment("a comment")));
    m.raw("gzip-extra", Encoding, built(GzBuilder::new().extra(*b"ab\x02\0xy")));
    m.raw("gzip-time-and-system", Encoding, built(GzBuilder::new().mtime(1_700_000_000).operating_system(0)));
    let mut flushed = GzEncoder::new(Vec::new(), Compression::new(6));
    for part in tar.chunks(3000) {
        flushed.write_all(part).unwrap();
        flushed.flush().unwrap();
    }
    m.raw("gzip-flushed-often", Encoding, flushed.finish().unwrap());
    m.raw("gzip-header-checksum", Encoding, with_header_checksum(&tar));
}

fn with_header_checksum(tar: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3];
    let sum = |bytes: &[u8]| {
        let mut crc = Crc::new();
        crc.update(bytes);
        crc.sum()
    };
    let own = sum(&out).to_le_bytes();
    out.extend_from_slice(&own[..2]);
    let mut encoder = DeflateEncoder::new(out, Compression::new(6));
    encoder.write_all(tar).unwrap();
    let mut out = encoder.finish().unwrap();
    out.extend(sum(tar).to_le_bytes());
    out.extend(u32::try_from(tar.len()).unwrap().to_le_bytes());
    out
}
