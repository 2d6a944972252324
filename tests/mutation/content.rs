//! Changes to what is installed: by npm, or only by other clients.

use super::model::{Entry, Model};
use super::mutant::Intent::{Content, OtherClients};
use super::mutant::{Mutants, root};
use super::random::Random;
use super::tarball::Head;

pub(crate) fn add(m: &mut Mutants<'_>) {
    bytes(m);
    package_json(m);
    entries(m);
    names(m);
    modes(m);
    extended(m);
    links(m);
}

/// A change to one file's bytes; one that changes nothing is left out.
fn body(m: &mut Mutants<'_>, kind: &'static str, change: impl FnOnce(&mut Vec<u8>, &mut Random)) {
    m.file(kind, Content, |entry, random| {
        let mut body = entry.body.clone();
        change(&mut body, random);
        (body != entry.body).then(|| entry.set_body(body))
    });
}

fn bytes(m: &mut Mutants<'_>) {
    for kind in ["one-bit", "one-bit-again", "one-bit-once-more"] {
        body(m, kind, |body, random| {
            if !body.is_empty() {
                let at = random.below(body.len());
                body[at] ^= 1 << random.below(8);
            }
        });
    }
    body(m, "byte-appended", |body, random| body.push(random.byte()));
    body(m, "newline-appended", |body, _| body.push(b'\n'));
    body(m, "nul-appended", |body, _| body.push(0));
    body(m, "byte-inserted", |body, random| body.insert(random.below(body.len() + 1), b' '));
    body(m, "last-byte-removed", |body, _| body.truncate(body.len().saturating_sub(1)));
    body(m, "emptied", |body, _| body.clear());
    body(m, "one-block-appended", |body, _| body.extend([0; 512]));
    body(m, "byte-order-mark", |body, _| drop(body.splice(0..0, *b"\xef\xbb\xbf")));
    body(m, "windows-line-endings", |body, _| {
        *body = body
            .split_inclusive(|byte| *byte == b'\n')
            .flat_map(|line| line.strip_suffix(b"\n").map_or(line.to_vec(), |line| [line, b"\r\n"].concat()))
            .collect();
    });
    body(m, "code-appended", |body, _| body.extend_from_slice(b";require('child_process');"));
    body(m, "hidden-far-to-the-right", |body, _| body.extend([vec![b' '; 2000], b"eval(x)".to_vec()].concat()));
    body(m, "invisible-character", |body, _| body.extend("\u{200b}".bytes()));
    m.tar("two-bodies-swapped", Content, |model, random| {
        let files = model.files();
        let (one, other) = (*files.first()?, *random.pick(files.get(1..).filter(|rest| !rest.is_empty())?));
        let (first, second) = (model.entries[one].body.clone(), model.entries[other].body.clone());
        (first != second).then_some(())?;
        model.entries[one].set_body(second);
        model.entries[other].set_body(first);
        Some(())
    });
}

/// A change to package.json as text: behind its first brace.
fn manifest(m: &mut Mutants<'_>, kind: &'static str, text: &str) {
    m.tar(kind, Content, |model, _| {
        let entry = model.package_json();
        entry.extended.is_empty().then_some(())?;
        let at = entry.body.iter().position(|byte| *byte == b'{')? + 1;
        let mut body = entry.body.clone();
        body.splice(at..at, text.bytes());
        entry.set_body(body);
        Some(())
    });
}

fn package_json(m: &mut Mutants<'_>) {
    manifest(m, "postinstall", r#""scripts":{"postinstall":"node x.js"},"#);
    manifest(m, "preinstall", r#""scripts":{"preinstall":"node x.js"},"#);
    manifest(m, "dependency", r#""dependencies":{"x":"1.0.0"},"#);
    manifest(m, "optional-dependency", r#""optionalDependencies":{"x":"git+https://host.test/x"},"#);
    manifest(m, "bundled-dependency", r#""bundleDependencies":["x"],"#);
    manifest(m, "bin", r#""bin":{"npm":"x.js"},"#);
    manifest(m, "main", r#""main":"x.js","#);
    manifest(m, "exports", r#""exports":"./x.js","#);
    manifest(m, "gypfile", r#""gypfile":true,"#);
    manifest(m, "publish-config", r#""publishConfig":{"registry":"https://host.test"},"#);
    manifest(m, "git-head", r#""gitHead":"0123456789012345678901234567890123456789","#);
    manifest(m, "package-json-space", " ");
}

fn entries(m: &mut Mutants<'_>) {
    for (kind, path, text) in [
        ("file-added", "added.js", "x"),
        ("empty-file-added", "added-empty", ""),
        ("gyp-added", "binding.gyp", "{}"),
        ("npmrc-added", ".npmrc", "registry=https://host.test"),
        ("bundled-module-added", "node_modules/x/index.js", "x"),
        ("shrinkwrap-added", "npm-shrinkwrap.json", "{}"),
        ("deep-file-added", "a/b/c/d/e/f/g/h.js", "x"),
        ("file-with-newline-added", "a\nb", "x"),
        ("file-with-controls-added", "a\u{1b}[2Kb", "x"),
        ("file-with-override-added", "a\u{202e}sj.b", "x"),
        ("file-with-spaces-added", " index.js ", "x"),
        ("file-with-dots-added", "...", "x"),
        ("file-of-device-name-added", "con", "x"),
        (
            "file-of-long-name-added",
            "0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/x",
            "x",
        ),
    ] {
        m.added(kind, Content, |model, _| Entry::file(&format!("{}{path}", root(model)), text.as_bytes()));
    }
    m.tar("file-added-in-front", Content, |model, _| {
        let entry = Entry::file(&format!("{}in-front.js", root(model)), b"x");
        model.entries.insert(0, entry);
        Some(())
    });
    m.added("file-added-below-another-root", Content, |_, _| Entry::file("elsewhere/added.js", b"x"));
    for kind in ["file-removed", "another-removed"] {
        m.tar(kind, Content, |model, random| {
            let files = model.files();
            let at = *random.pick((!files.is_empty()).then_some(&files)?);
            model.entries.remove(at);
            Some(())
        });
    }
    for (kind, flag) in [("file-to-device", b'3'), ("file-to-fifo", b'6'), ("file-to-directory", b'5'), ("file-to-volume-label", b'V')] {
        m.file(kind, Content, |entry, _| {
            entry.set_body(Vec::new());
            entry.set(156, &[flag]);
            Some(())
        });
    }
}

/// A file's path, changed.
fn rename(m: &mut Mutants<'_>, kind: &'static str, change: impl FnOnce(&str) -> Option<String>) {
    m.file(kind, Content, |entry, _| {
        let path = format!("{}{}", entry.root(), change(&entry.below())?);
        // npm gives these two another name anyway.
        let ignore_file = |path: &str| path.ends_with(".npmignore") || path.ends_with(".gitignore");
        (path != entry.path() && !ignore_file(&path) && !ignore_file(&entry.path())).then(|| entry.set_path(&path))
    });
}

fn names(m: &mut Mutants<'_>) {
    rename(m, "renamed", |path| Some(format!("{path}.bak")));
    rename(m, "renamed-with-space", |path| Some(format!("{path} ")));
    rename(m, "moved-down", |path| Some(format!("sub/{path}")));
    rename(m, "moved-up", |path| Some(path.rsplit_once('/')?.1.to_owned() + "x"));
    rename(m, "upper-case", |path| Some(path.to_uppercase()));
    rename(m, "homoglyph", |path| path.contains('e').then(|| path.replacen('e', "\u{435}", 1)));
    rename(m, "zero-width", |path| Some(format!("{path}\u{200b}")));
    rename(m, "combining-mark", |path| Some(format!("{path}\u{301}")));
    rename(m, "full-width", |path| path.contains('a').then(|| path.replacen('a', "\u{ff41}", 1)));
    rename(m, "to-npmignore-like", |path| Some(format!("{path}.npmignored")));
    m.file("first-component-below", Content, |entry, _| {
        entry.set_path(&format!("x/{}", entry.path()));
        Some(())
    });
}

fn modes(m: &mut Mutants<'_>) {
    let on_disk = |mode: u32| ((mode | 0o666) & !0o022) & 0o777;
    for (kind, bits) in
        [("executable", 0o111), ("executable-by-owner", 0o100), ("executable-by-group", 0o010), ("executable-by-others", 0o001)]
    {
        m.file(kind, Content, |entry, _| {
            let mode = entry.mode() ^ bits;
            (on_disk(mode) != on_disk(entry.mode())).then(|| entry.set_mode(mode))
        });
    }
    // Writing takes these away, unless root writes: seen by npm or not, they are part of what was
    // published.
    for (kind, bit) in [("setuid", 0o4000), ("setgid", 0o2000)] {
        m.file(kind, OtherClients, |entry, _| {
            entry.set_mode(entry.mode() | bit);
            Some(())
        });
    }
    m.file("sticky", Content, |entry, _| {
        entry.set_mode(entry.mode() | 0o1000);
        Some(())
    });
}

/// What the headers before an entry say instead of its own.
fn extended(m: &mut Mutants<'_>) {
    m.file("pax-other-path", Content, |entry, _| {
        let path = format!("{}by-pax.js", entry.root());
        entry.add_pax(b'x', &[("path", path.as_bytes())]);
        Some(())
    });
    m.file("gnu-other-path", Content, |entry, _| {
        let path = format!("{}by-gnu.js", entry.root());
        entry.add_gnu(b'L', &path);
        Some(())
    });
    m.tar("pax-path-of-another-file", Content, |model, random| {
        let files = model.files();
        let one = *files.first()?;
        let other = *random.pick(files.get(1..).filter(|rest| !rest.is_empty())?);
        let path = model.entries[other].path();
        (model.entries[one].body != model.entries[other].body).then_some(())?;
        model.entries[one].add_pax(b'x', &[("path", path.as_bytes())]);
        Some(())
    });
    m.file("prefix-added", Content, |entry, _| (entry.is_ustar() && entry.head[345] == 0).then(|| entry.set(345, b"package/sub\0")));
}

/// The path of a file that comes before others, below the first component.
fn target(model: &Model) -> Option<String> {
    model.files().first().map(|at| model.entries[*at].below())
}

fn links(m: &mut Mutants<'_>) {
    let added = |m: &mut Mutants<'_>, kind, flag, link: fn(&str, &str) -> String| {
        m.tar(kind, OtherClients, |model, _| {
            let (root, target) = (root(model), target(model)?);
            (target.len() < 60).then_some(())?;
            model.entries.push(Entry::new(Head::new(format!("{root}a-link"), flag).link(link(&root, &target)), b""));
            Some(())
        });
    };
    added(m, "symlink-added", b'2', |_, target| target.to_owned());
    added(m, "dangling-symlink-added", b'2', |_, target| format!("{target}-not"));
    added(m, "hardlink-added", b'1', |root, target| format!("{root}{target}"));
    added(m, "escaping-symlink-added", b'2', |_, _| "../../x".to_owned());
    added(m, "absolute-symlink-added", b'2', |_, _| "/etc/passwd".to_owned());
    for (kind, flag) in [("fifo-added", b'6'), ("character-device-added", b'3'), ("block-device-added", b'4'), ("unknown-type-added", b'z')]
    {
        m.added(kind, OtherClients, |model, _| Entry::new(Head::new(format!("{}a-device", root(model)), flag), b""));
    }
    for (kind, flag) in [("file-to-symlink", b'2'), ("file-to-hardlink", b'1')] {
        m.tar(kind, Content, |model, random| {
            let files = model.files();
            let to = model.entries[*files.first()?].path();
            let at = *random.pick(files.get(1..).filter(|rest| !rest.is_empty())?);
            let entry = &mut model.entries[at];
            entry.set_body(Vec::new());
            entry.set(157, to.as_bytes());
            entry.set(156, &[flag]);
            Some(())
        });
    }
}
