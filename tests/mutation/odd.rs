//! Changes about which readers in use differ: path tricks, overrides, second streams, twins.

use super::model::{Entry, Model};
use super::mutant::Intent::Odd;
use super::mutant::{Mutants, root};
use super::tarball::{Head, gzip};

pub(crate) fn add(m: &mut Mutants<'_>) {
    wrapping(m);
    endings(m);
    paths(m);
    twins(m);
    overrides(m);
    headers(m);
}

fn evil(model: &Model) -> Entry {
    Entry::file(&format!("{}evil.js", root(model)), b"evil")
}

fn wrapping(m: &mut Mutants<'_>) {
    let tar = m.base.to_tar();
    let whole = gzip(&tar);
    let mut hidden = Model { entries: vec![evil(m.base)], tail: vec![0; 1024] };
    m.raw("second-member", Odd, [whole.as_slice(), &gzip(&hidden.to_tar())].concat());
    m.raw("second-member-empty", Odd, [whole.as_slice(), &gzip(b"")].concat());
    m.raw("second-member-the-same", Odd, [whole.as_slice(), &whole].concat());
    hidden.entries[0].set_path("x/package.json");
    m.raw("member-in-front", Odd, [gzip(&hidden.to_tar()), whole.clone()].concat());
    let split = (tar.len() / 1024) * 512;
    m.raw("two-members-for-one-tar", Odd, [gzip(&tar[..split]), gzip(&tar[split..])].concat());
    m.raw("trailing-text", Odd, [whole.as_slice(), b"trailing"].concat());
    m.raw("trailing-zero", Odd, [whole.as_slice(), &[0]].concat());
    m.raw("trailing-zeros", Odd, [whole.as_slice(), &[0; 600]].concat());
    m.raw("trailing-magic", Odd, [whole.as_slice(), &[0x1f, 0x8b]].concat());
    let at = whole.len();
    let with = |position: usize| {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x10;
        bytes
    };
    m.raw("wrong-checksum", Odd, with(at - 8));
    m.raw("wrong-length", Odd, with(at - 4));
    m.raw("trailer-cut", Odd, whole[..at - 3].to_vec());
    m.raw("half-of-it", Odd, whole[..at / 2].to_vec());
    m.raw("not-compressed", Odd, tar);
    let mut reserved = whole.clone();
    reserved[3] = 0x80;
    m.raw("reserved-flag", Odd, reserved);
}

fn endings(m: &mut Mutants<'_>) {
    let entry_after = |m: &mut Mutants<'_>, kind, nulls: usize| {
        m.tar(kind, Odd, |model, _| {
            let mut hidden = Model { entries: vec![evil(model)], tail: std::mem::take(&mut model.tail) };
            let mut tail = vec![0; 512 * nulls];
            tail.append(&mut hidden.to_tar());
            model.tail = tail;
            hidden.tail.clear();
            Some(())
        });
    };
    entry_after(m, "entry-after-lone-null", 1);
    entry_after(m, "entry-after-end", 2);
    entry_after(m, "entry-far-after-end", 40);
    m.tar("data-after-end", Odd, |model, _| {
        model.tail = [vec![0; 1024], b"data".to_vec(), vec![0; 508]].concat();
        Some(())
    });
    m.tar("no-end-marker", Odd, |model, _| {
        model.tail.clear();
        Some(())
    });
    m.tar("half-an-end-marker", Odd, |model, _| {
        model.tail.truncate(512);
        Some(())
    });
    m.tar("null-between-entries", Odd, |model, random| {
        let at = random.below(model.entries.len() - 1);
        let before = Model { entries: model.entries.drain(..=at).collect(), tail: vec![0; 512] }.to_tar();
        model.entries[0].extended.splice(0..0, before);
        Some(())
    });
    m.tar("cut-inside-an-entry", Odd, |model, random| {
        let at = random.below(model.entries.len());
        model.entries.truncate(at + 1);
        let last = model.entries.last_mut()?;
        (last.body.len() > 600).then_some(())?;
        last.body.truncate(512);
        model.tail.clear();
        Some(())
    });
}

fn paths(m: &mut Mutants<'_>) {
    for (kind, path) in [
        ("parent-segment", "package/../evil.js"),
        ("parent-segment-inside", "package/a/../evil.js"),
        ("parent-as-root", "../evil.js"),
        ("absolute", "/evil/evil.js"),
        ("absolute-below-root", "package//evil.js"),
        ("drive", "package/c:/evil.js"),
        ("double-slash", "package/a//evil.js"),
        ("slash-at-end", "package/evil.js/"),
        ("dot-inside", "package/./evil.js"),
        ("dot-at-end", "package/evil.js/."),
        ("dot-as-root", "./evil.js"),
        ("backslash", "package/a\\evil.js"),
        ("backslash-parent", "package/..\\evil.js"),
        ("no-second-component", "evil.js"),
        ("unc", "package/\\\\host\\share\\evil.js"),
    ] {
        m.added(kind, Odd, |_, _| Entry::file(path, b"evil"));
    }
    m.added("component-too-long", Odd, |model, _| {
        let mut entry = Entry::file("x/y", b"evil");
        entry.set_path(&format!("{}{}", root(model), "n".repeat(256)));
        entry
    });
    m.added("not-utf8", Odd, |_, _| Entry::new(Head::file(b"package/\xff\xfe"), b"evil"));
    m.added("nul-in-pax-path", Odd, |model, _| {
        let mut entry = evil(model);
        entry.add_pax(b'x', &[("path", b"package/a\0b")]);
        entry
    });
    m.added("no-name", Odd, |_, _| Entry::new(Head::file(b""), b"evil"));
}

/// A second entry for the path of a file, or for one that some file systems take for it.
fn second(m: &mut Mutants<'_>, kind: &'static str, change: impl FnOnce(&mut Entry) -> Option<()>) {
    m.tar(kind, Odd, |model, random| {
        let files = model.files();
        let at = *random.pick((!files.is_empty()).then_some(&files)?);
        let mut entry = model.entries[at].clone();
        change(&mut entry)?;
        let to = random.below(model.entries.len() + 1);
        model.entries.insert(to, entry);
        Some(())
    });
}

fn twins(m: &mut Mutants<'_>) {
    second(m, "duplicate-of-other-bytes", |entry| {
        entry.set_body(b"evil".to_vec());
        Some(())
    });
    second(m, "duplicate-of-other-mode", |entry| {
        entry.set_mode(entry.mode() ^ 0o111);
        Some(())
    });
    second(m, "duplicate-as-symlink", |entry| {
        entry.set_body(Vec::new());
        entry.set(157, b"elsewhere");
        entry.set(156, b"2");
        Some(())
    });
    second(m, "duplicate-as-device", |entry| {
        entry.set_body(Vec::new());
        entry.set(156, b"3");
        Some(())
    });
    second(m, "duplicate-below-another-root", |entry| {
        entry.set_path(&format!("elsewhere/{}", entry.below()));
        entry.set_body(b"evil".to_vec());
        Some(())
    });
    second(m, "duplicate-with-a-dot", |entry| {
        entry.set_path(&format!("{}./{}", entry.root(), entry.below()));
        entry.set_body(b"evil".to_vec());
        Some(())
    });
    second(m, "file-and-directory", |entry| {
        entry.set_path(&format!("{}/below", entry.path()));
        Some(())
    });
    second(m, "directory-of-a-file", |entry| {
        entry.set_path(&format!("{}/", entry.path()));
        entry.set_body(Vec::new());
        entry.set(156, b"5");
        Some(())
    });
    second(m, "case-twin", |entry| {
        let path = format!("{}{}", entry.root(), entry.below().to_uppercase());
        (path != entry.path()).then_some(())?;
        entry.set_path(&path);
        entry.set_body(b"evil".to_vec());
        Some(())
    });
    for (kind, one, other) in [
        ("unicode-twin", "\u{e9}.js", "e\u{301}.js"),
        ("unicode-twin-by-case", "\u{e9}.js", "E\u{301}.js"),
        ("unicode-twin-hangul", "\u{ac00}.js", "\u{1100}\u{1161}.js"),
        ("unicode-twin-kelvin", "k.js", "\u{212a}.js"),
        ("unicode-twin-sharp-s", "\u{df}.js", "SS.js"),
    ] {
        m.tar(kind, Odd, |model, _| {
            let root = root(model);
            model.entries.push(Entry::file(&format!("{root}{one}"), b"1"));
            model.entries.push(Entry::file(&format!("{root}{other}"), b"2"));
            Some(())
        });
    }
    m.tar("directory-case-twin", Odd, |model, _| {
        let root = root(model);
        model.entries.push(Entry::file(&format!("{root}A-twin"), b"1"));
        model.entries.push(Entry::file(&format!("{root}a-twin/x"), b"2"));
        Some(())
    });
    m.tar("ignore-files-of-other-roots", Odd, |model, _| {
        let root = root(model);
        model.entries.push(Entry::file(&format!("{root}sub/.npmignore"), b"1"));
        model.entries.push(Entry::file("elsewhere/sub/.gitignore", b"2"));
        Some(())
    });
}

fn overrides(m: &mut Mutants<'_>) {
    for (kind, records) in [
        ("pax-smaller-size", [("size", b"1".as_slice())].as_slice()),
        ("pax-size-zero", &[("size", b"0")]),
        ("pax-linkpath-on-file", &[("linkpath", b"elsewhere")]),
        ("pax-empty-path", &[("path", b"")]),
        ("pax-path-twice", &[("path", b"package/one.js"), ("path", b"package/two.js")]),
        ("pax-path-not-utf8", &[("path", b"package/\xff")]),
        ("pax-sparse", &[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.name", b"package/sparse.js")]),
        ("pax-path-with-newline", &[("path", b"package/a\n20 path=package/b.js")]),
        ("pax-path-absolute", &[("path", b"/evil.js")]),
        ("pax-path-parent", &[("path", b"package/../evil.js")]),
    ] {
        m.file(kind, Odd, |entry, _| {
            (kind != "pax-smaller-size" || entry.body.len() > 1).then_some(())?;
            (kind != "pax-size-zero" || !entry.body.is_empty()).then_some(())?;
            entry.add_pax(b'x', records);
            Some(())
        });
    }
    for (kind, record) in
        [("global-path", ("path", b"package/g.js".as_slice())), ("global-size", ("size", b"3")), ("global-linkpath", ("linkpath", b"x"))]
    {
        m.file(kind, Odd, |entry, _| {
            entry.add_pax(b'g', &[record]);
            Some(())
        });
    }
    m.file("pax-stacked", Odd, |entry, _| {
        let root = entry.root();
        entry.add_pax(b'x', &[("path", format!("{root}one.js").as_bytes())]);
        entry.add_pax(b'x', &[("comment", b"two")]);
        Some(())
    });
    m.file("pax-and-gnu", Odd, |entry, _| {
        let root = entry.root();
        entry.add_pax(b'x', &[("path", format!("{root}one.js").as_bytes())]);
        entry.add_gnu(b'L', &format!("{root}two.js"));
        Some(())
    });
    m.file("gnu-link-on-file", Odd, |entry, _| {
        entry.add_gnu(b'K', "elsewhere");
        Some(())
    });
    m.file("pax-length-wrong", Odd, |entry, _| {
        entry.add_extended(Head::new("PaxHeader/x", b'x'), b"99 path=package/x.js\n");
        Some(())
    });
    m.file("pax-solaris", Odd, |entry, _| {
        entry.add_pax(b'X', &[("path", b"package/solaris.js")]);
        Some(())
    });
    m.tar("pax-at-the-end", Odd, |model, _| {
        let mut dangling = evil(model);
        dangling.add_pax(b'x', &[("path", b"package/x.js")]);
        model.tail = [dangling.extended, std::mem::take(&mut model.tail)].concat();
        Some(())
    });
}

fn headers(m: &mut Mutants<'_>) {
    m.file("wrong-header-checksum", Odd, |entry, random| {
        let at = 148 + random.below(5);
        entry.set_unchecked(at, b"9");
        Some(())
    });
    m.file("name-changed-under-the-checksum", Odd, |entry, _| {
        entry.set_unchecked(8, b"\x7f");
        Some(())
    });
    m.file("contiguous", Odd, |entry, _| {
        entry.set(156, b"7");
        Some(())
    });
    m.file("sparse", Odd, |entry, _| {
        entry.set(156, b"S");
        Some(())
    });
    m.file("size-base256", Odd, |entry, _| {
        let size = u32::try_from(entry.body.len()).unwrap().to_be_bytes();
        entry.set(124, &[[0x80, 0, 0, 0, 0, 0, 0, 0].as_slice(), &size].concat());
        Some(())
    });
    m.file("size-not-octal", Odd, |entry, _| {
        entry.set(124, b"zzzzzzzzzzz\0");
        Some(())
    });
    m.file("mode-negative", Odd, |entry, _| {
        entry.set(100, b"-000644\0");
        Some(())
    });
    m.file("mode-empty", Odd, |entry, _| {
        entry.set(100, &[0; 8]);
        Some(())
    });
    m.file("link-target-on-file", Odd, |entry, _| {
        entry.set(157, b"elsewhere");
        Some(())
    });
    m.file("prefix-without-magic", Odd, |entry, _| {
        (entry.head[345] == 0).then_some(())?;
        entry.set(257, &[0; 8]);
        entry.set(345, b"package");
        Some(())
    });
    m.file("hardlink-to-itself", Odd, |entry, _| {
        let path = entry.path();
        entry.set_body(Vec::new());
        entry.set(157, path.as_bytes());
        entry.set(156, b"1");
        Some(())
    });
    m.file("directory-with-content", Odd, |entry, _| {
        (!entry.body.is_empty()).then_some(())?;
        entry.set(156, b"5");
        Some(())
    });
    m.file("symlink-with-content", Odd, |entry, _| {
        (!entry.body.is_empty()).then_some(())?;
        entry.set(157, b"elsewhere");
        entry.set(156, b"2");
        Some(())
    });
}
