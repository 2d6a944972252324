//! The difference between two archives as text: the format of `npm diff`, published as `a`, rebuilt
//! as `b`.
//!
//! Unlike there, a line of a few megabytes, a file of a few thousand changes or an archive of
//! either is cut, and the text says so. Control characters pass through: escaping them is for
//! whoever writes to a terminal.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline, group_diff_ops};

use super::archive::{Archive, Entry, EntryKind};
use super::comparison::Comparison;
use super::text::{Text, focus, line_of, quoted};

/// Unchanged lines around a change: what diff, git and npm show.
const CONTEXT: usize = 3;

/// How much text a diff may be, and how much work. Past any of these it is cut, and says so.
#[derive(Debug, Clone)]
pub struct DiffLimits {
    /// Bytes of text altogether.
    pub total: usize,
    /// Bytes of text for one file.
    pub file: usize,
    /// Bytes of a file's content, on either side, up to which it is looked into.
    pub input: u64,
    /// Lines of a file, on either side, up to which it is looked into.
    pub lines: usize,
    /// Bytes of a line that are shown.
    pub line: usize,
    /// Time for one file's lines; after that the difference is still true, but no longer the
    /// shortest.
    pub time: Duration,
    /// Time for everything.
    pub total_time: Duration,
}

impl Default for DiffLimits {
    fn default() -> Self {
        Self {
            total: 1 << 20,
            file: 64 << 10,
            input: 4 << 20,
            lines: 100_000,
            line: 400,
            time: Duration::from_secs(1),
            total_time: Duration::from_secs(10),
        }
    }
}

/// The difference, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// What a reader sees; valid UTF-8, not escaped. Empty where the entries are the same.
    pub text: String,
    /// Something was left out or shortened.
    pub capped: bool,
}

/// Writes down how the entries of `rebuilt` differ from those of `published`, by path.
pub fn diff(published: &Archive, rebuilt: &Archive, comparison: &Comparison, limits: &DiffLimits) -> io::Result<Diff> {
    let changed = comparison.changed.iter().map(|change| change.path.as_str());
    let alone = comparison.only_published.iter().chain(&comparison.only_rebuilt).map(String::as_str);
    let mut paths: Vec<&str> = changed.chain(alone).collect();
    paths.sort_unstable();
    let end = Instant::now().checked_add(limits.total_time);
    let mut out = Diff { text: String::new(), capped: false };
    for (at, path) in paths.iter().enumerate() {
        let late = end.is_some_and(|end| Instant::now() >= end);
        if late || out.text.len() >= limits.total {
            out.capped = true;
            let left = paths.len().saturating_sub(at);
            // Writing to a String cannot fail.
            let _ = writeln!(out.text, "{left} more files differ and are not shown");
            break;
        }
        let sides = Sides { a: published.get(path), b: rebuilt.get(path), path };
        let room = limits.file.min(limits.total.saturating_sub(out.text.len()));
        let mut file = FileDiff { text: String::new(), capped: false, bare: false, room, limits };
        file.write(&sides, published, rebuilt)?;
        out.text.push_str(&file.text);
        out.capped |= file.capped;
    }
    Ok(out)
}

struct Sides<'a> {
    a: Option<&'a Entry>,
    b: Option<&'a Entry>,
    path: &'a str,
}

/// git's mode for an entry.
fn git_mode(entry: &Entry) -> String {
    match entry.kind {
        EntryKind::File => format!("100{:03o}", entry.mode_on_disk),
        EntryKind::Symlink => "120000".to_owned(),
        EntryKind::Hardlink | EntryKind::Other(_) => "000000".to_owned(),
    }
}

fn short_id(entry: Option<&Entry>) -> String {
    entry.map_or_else(|| "0000000".to_owned(), |entry| hex::encode(entry.blob_id.get(..4).unwrap_or_default()).chars().take(7).collect())
}

struct FileDiff<'l> {
    text: String,
    capped: bool,
    /// The lines have lost their endings.
    bare: bool,
    room: usize,
    limits: &'l DiffLimits,
}

impl FileDiff<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn write(&mut self, sides: &Sides<'_>, published: &Archive, rebuilt: &Archive) -> io::Result<()> {
        let (a, b) = (quoted("published", sides.path), quoted("rebuilt", sides.path));
        self.head(sides, &a, &b);
        let same = |a: &Entry, b: &Entry| a.sha256 == b.sha256;
        if let (Some(ours), Some(theirs)) = (sides.a, sides.b)
            && same(ours, theirs)
        {
            return Ok(());
        }
        let size = |entry: Option<&Entry>| entry.map_or(0, |entry| entry.size);
        let (size_a, size_b) = (size(sides.a), size(sides.b));
        if size_a.max(size_b) > self.limits.input {
            self.capped = true;
            self.line(&format!("Files {a} and {b} differ: {size_a} and {size_b} bytes are too many to show"));
            return Ok(());
        }
        let bytes_a = bytes(published, sides.a)?;
        let bytes_b = bytes(rebuilt, sides.b)?;
        let (Some(text_a), Some(text_b)) = (Text::of(&bytes_a), Text::of(&bytes_b)) else {
            self.line(&format!("Binary files {a} and {b} differ: {size_a} and {size_b} bytes"));
            return Ok(());
        };
        self.line(&format!("--- {a}"));
        self.line(&format!("+++ {b}"));
        let both = sides.a.is_some() && sides.b.is_some();
        let endings_differ = both && text_a.endings().differ(text_b.endings());
        if endings_differ {
            self.line(&format!("Line endings differ: {} in {a}, {} in {b}", text_a.endings(), text_b.endings()));
        }
        self.bare = endings_differ;
        let (lines_a, lines_b) = (text_a.lines(endings_differ), text_b.lines(endings_differ));
        if lines_a.len().max(lines_b.len()) > self.limits.lines {
            self.capped = true;
            self.line(&format!("{} and {} lines are too many to show", lines_a.len(), lines_b.len()));
            return Ok(());
        }
        self.hunks(&lines_a, &lines_b);
        Ok(())
    }

    fn head(&mut self, sides: &Sides<'_>, a: &str, b: &str) {
        self.line(&format!("diff --git {a} {b}"));
        let (mode_a, mode_b) = (sides.a.map(git_mode), sides.b.map(git_mode));
        let mut both = String::new();
        match (&mode_a, &mode_b) {
            (Some(old), Some(new)) if old == new => both = format!(" {old}"),
            (Some(old), Some(new)) => {
                self.line(&format!("old mode {old}"));
                self.line(&format!("new mode {new}"));
            }
            (Some(old), None) => self.line(&format!("deleted file mode {old}")),
            (None, Some(new)) => self.line(&format!("new file mode {new}")),
            (None, None) => {}
        }
        self.line(&format!("index {}..{}{both}", short_id(sides.a), short_id(sides.b)));
    }

    fn hunks(&mut self, a: &[&str], b: &[&str]) {
        let deadline = Instant::now().checked_add(self.limits.time);
        let ops = capture_diff_slices_deadline(Algorithm::Myers, a, b, deadline);
        for hunk in group_diff_ops(ops, CONTEXT) {
            let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
            let range = |from: std::ops::Range<usize>, to: std::ops::Range<usize>| {
                let count = to.end.saturating_sub(from.start);
                // As diff does: a range of no lines is named by the line before it.
                format!("{},{count}", from.start.saturating_add(usize::from(count > 0)))
            };
            let old = range(first.old_range(), last.old_range());
            let new = range(first.new_range(), last.new_range());
            self.line(&format!("@@ -{old} +{new} @@"));
            for op in &hunk {
                if !self.op(op, a, b) {
                    self.capped = true;
                    self.line("The rest of this difference is not shown");
                    return;
                }
            }
        }
    }

    /// Writes one run of lines; false when there is no room for more.
    fn op(&mut self, op: &DiffOp, a: &[&str], b: &[&str]) -> bool {
        let old = a.get(op.old_range()).unwrap_or_default();
        let new = b.get(op.new_range()).unwrap_or_default();
        if let DiffOp::Equal { .. } = op {
            return old.iter().all(|line| self.content(' ', line, 0));
        }
        // Of two long lines that stand for each other, the part where they part is shown.
        let paired = old.len() == new.len();
        let focus_of = |line: &str, other: Option<&&str>| other.filter(|_| paired).map_or(0, |other| focus(line, other));
        old.iter().enumerate().all(|(at, line)| self.content('-', line, focus_of(line, new.get(at))))
            && new.iter().enumerate().all(|(at, line)| self.content('+', line, focus_of(line, old.get(at))))
    }

    fn content(&mut self, sign: char, line: &str, focus: usize) -> bool {
        if self.text.len() >= self.room {
            return false;
        }
        let (shown, cut) = line_of(line, focus, self.limits.line);
        self.capped |= cut;
        self.text.push(sign);
        self.line(&shown);
        if !self.bare && !line.ends_with('\n') {
            self.line("\\ No newline at end of file");
        }
        true
    }
}

/// What stands for an entry in a diff: a file's content, a link's target.
fn bytes(archive: &Archive, entry: Option<&Entry>) -> io::Result<Vec<u8>> {
    match entry {
        None => Ok(Vec::new()),
        Some(Entry { link_target: Some(target), .. }) => Ok(target.clone().into_bytes()),
        Some(entry) => archive.content(entry),
    }
}
