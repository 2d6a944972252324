//! From a name in the archive to the path on disk: what pacote (`strip: 1`) and node-tar 7
//! (`unpack.js`) make of it.

use super::oddity::OddityKind;

/// node-tar skips what is deeper.
const DEPTH_MAX: usize = 1024;
/// ext4, APFS and NTFS alike end here (bytes or units).
const COMPONENT_MAX: usize = 255;

/// Where an entry lands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// The path below the package's folder; none where npm skips the entry.
    pub(super) path: Option<String>,
    /// The first component, which extraction takes off.
    pub(super) root: String,
    /// There was a leading or inner `./`, which is fine if it lands on an entry with the same
    /// bytes.
    pub(super) dotted: bool,
    pub(super) odd: Vec<OddityKind>,
}

impl Placed {
    /// The folder that the entry lands in; "" is the package's own.
    pub(super) fn folder(&self) -> &str {
        self.path.as_deref().and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder)
    }
}

/// Places the entry called `name`; for a directory slashes and dots at its end say nothing.
pub(super) fn place(name: &str, directory: bool) -> Placed {
    let mut placed = Placed::default();
    let (root, rest) = name.split_once('/').unwrap_or((name, ""));
    root.clone_into(&mut placed.root);
    match root {
        "" => placed.odd.push(OddityKind::AbsolutePath),
        "." => placed.odd.push(OddityKind::DotSegment),
        ".." => placed.odd.push(OddityKind::ParentSegment),
        _ => {}
    }
    if name.contains('\\') {
        placed.odd.push(OddityKind::Backslash);
    }
    if name.contains('\0') {
        placed.odd.push(OddityKind::NulInName);
        return placed;
    }
    if rest.split('/').count() > DEPTH_MAX {
        placed.odd.push(OddityKind::TooDeep);
        return placed;
    }
    let relative = strip_root(rest);
    if relative.len() != rest.len() {
        placed.odd.push(OddityKind::AbsolutePath);
    }
    if relative.split(['/', '\\']).any(|part| part == "..") {
        placed.odd.push(OddityKind::ParentSegment);
        return placed;
    }
    let kept: Vec<&str> = relative.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if !directory {
        note_file_segments(relative, &mut placed);
    }
    if kept.is_empty() {
        if !directory {
            placed.odd.push(OddityKind::EmptyPath);
        }
        return placed;
    }
    if kept.iter().any(|part| part.len() > COMPONENT_MAX) {
        placed.odd.push(OddityKind::NameTooLong);
        return placed;
    }
    placed.path = Some(kept.join("/"));
    placed
}

fn note_file_segments(relative: &str, placed: &mut Placed) {
    let last = relative.rsplit('/').next().unwrap_or_default();
    if relative.split('/').any(str::is_empty) {
        placed.odd.push(OddityKind::EmptySegment);
    }
    if last == "." {
        placed.odd.push(OddityKind::DotSegment);
    } else if relative.split('/').any(|part| part == ".") {
        placed.dotted = true;
    }
}

/// Takes off what Windows or Unix would take for a root, as often as there is one
/// (`strip-absolute-path.js`).
fn strip_root(path: &str) -> &str {
    let mut rest = path;
    loop {
        let root = if rest.starts_with('/') && !rest.starts_with("//?/") { 1 } else { windows_root(rest) };
        if root == 0 {
            return rest;
        }
        rest = rest.get(root..).unwrap_or_default();
    }
}

/// The length of the root that Node's `path.win32.parse` finds.
fn windows_root(path: &str) -> usize {
    let bytes = path.as_bytes();
    let separator = |at: usize| matches!(bytes.get(at), Some(b'/' | b'\\'));
    if separator(0) {
        return unc_root(bytes).unwrap_or(1);
    }
    match bytes {
        [letter, b':', ..] if letter.is_ascii_alphabetic() => 2 + usize::from(separator(2)),
        _ => 0,
    }
}

/// `\\server\share\`, as `path.win32.parse` measures it; none where it is no such path.
fn unc_root(bytes: &[u8]) -> Option<usize> {
    let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    if !is_separator(bytes.get(1)?) {
        return None;
    }
    let run = |from: usize, separators: bool| {
        let rest = bytes.get(from..).unwrap_or_default();
        from.saturating_add(rest.iter().take_while(|byte| is_separator(byte) == separators).count())
    };
    let server = run(2, false);
    let share = run(server, true);
    let end = run(share, false);
    if server == 2 || share == server || end == share {
        return None;
    }
    Some(if end < bytes.len() { end.saturating_add(1) } else { end })
}

/// Whether a link target leaves the package when read from the folder `from` ("" is the package's
/// own), or is absolute.
pub(super) fn escapes(from: &str, target: &str) -> bool {
    strip_root(target).len() != target.len() || climbs_out(from, target)
}

/// Whether a link target, its root taken off, leads above the package: such a one makes npm skip
/// the entry that has it.
pub(super) fn climbs_out(from: &str, target: &str) -> bool {
    let mut depth: usize = from.split('/').filter(|part| !part.is_empty()).count();
    for part in strip_root(target).split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return true,
            },
            _ => depth = depth.saturating_add(1),
        }
    }
    false
}
