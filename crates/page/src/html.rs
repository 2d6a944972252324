//! The page: one file that asks nothing of the network.
//!
//! The results stand in it as JSON that no browser runs, in blocks of bounded size, each written as
//! its lines are read. The script and the style are named by their hashes in the page's own policy,
//! which allows nothing else, and takes every way from text to markup from the script, too (Trusted
//! Types).

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::change::{Before, Change, Changes, Earlier};
use crate::detail::Detail;
use crate::embed::json;
use crate::entry::{Entry, Line, Vouched};
use crate::figures::{Figures, Share};

/// Rows of the page's table. The figures are about all lines, however many there are.
pub const MOST_ROWS: u64 = 20_000;
/// Bytes of details up to which logs and diffs are among them, and up to which there are any.
const MOST_WHOLE: usize = 40 << 20;
const MOST_DETAILS: usize = 56 << 20;
/// A block ends at so many rows, or at so many bytes of details.
const BLOCK_ROWS: usize = 256;
const BLOCK_BYTES: usize = 256 << 10;

const SHELL: &str = include_str!("../assets/page.html");
const STYLE: &str = include_str!("../assets/page.css");
const SCRIPT: &str = include_str!("../assets/page.js");
/// Where the data go.
const MARK: &str = "<!--data-->";

/// What a report is about.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// When the results were made, as people read a day.
    pub as_of: String,
    /// This program's version.
    pub program: String,
    /// Node's version; empty where it is not known.
    pub node: String,
    /// The list's name.
    pub list: String,
    /// Packages of the list that are not among the lines, because they wait for a build.
    pub waiting: usize,
}

/// What the script reads of the run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    run: &'a Run,
    earlier: Option<&'a Run>,
    figures: &'a Figures,
    shares: [(&'static str, Option<Share>); 5],
    without_details: u64,
}

/// A row, as the script reads it: the columns in this order.
#[derive(Serialize)]
struct Row(
    String,
    String,
    &'static str,
    u8,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    u8,
    u64,
    Option<Was>,
);

/// The earlier result of a row, and what became of it.
#[derive(Serialize)]
struct Was(Change, Option<&'static str>, Option<String>);

/// A page that is being written. At no time is more than a block of lines in memory, beside the
/// earlier run's verdicts.
pub struct Page<W> {
    out: W,
    run: Run,
    earlier_run: Option<Run>,
    table: Table,
}

impl<W: Write> Page<W> {
    /// Begins a page; `earlier` is a run that this one is compared with, and its results.
    pub fn begin(mut out: W, run: Run, earlier: Option<(Run, Earlier)>) -> io::Result<Self> {
        let (before, _) = parts();
        let (start, rest) = before.split_once("<!--head-->").unwrap_or((before, ""));
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
            hash(SCRIPT),
            hash(STYLE)
        );
        write!(out, "{start}<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n<style>{STYLE}</style>{rest}")?;
        let (earlier_run, earlier) = earlier.unzip();
        let figures = Figures { changes: earlier.as_ref().map(|_| Changes::default()), ..Figures::default() };
        let table = Table { block: Block::default(), details: 0, without_details: 0, figures, earlier };
        Ok(Self { out, run, earlier_run, table })
    }

    /// Adds a line. What cannot be read is counted, and not decided.
    pub fn add(&mut self, line: &[u8]) -> io::Result<()> {
        self.table.add(&mut self.out, line)
    }

    /// Ends the page, and gives its figures.
    pub fn end(self) -> io::Result<Figures> {
        let Self { mut out, run, earlier_run, mut table } = self;
        table.block.write(&mut out)?;
        if let (Some(earlier), Some(changes)) = (&table.earlier, &mut table.figures.changes) {
            earlier.end(changes);
        }
        let head = Head {
            run: &run,
            earlier: earlier_run.as_ref(),
            figures: &table.figures,
            shares: table.figures.shares(run.waiting),
            without_details: table.without_details,
        };
        block(&mut out, "run", &head)?;
        write!(out, "<script>{SCRIPT}</script>{}", parts().1)?;
        out.flush()?;
        Ok(table.figures)
    }
}

/// What stands before the data, and what after them.
fn parts() -> (&'static str, &'static str) {
    SHELL.split_once(MARK).unwrap_or((SHELL, ""))
}

/// What is counted and kept while lines are read.
struct Table {
    block: Block,
    details: usize,
    without_details: u64,
    figures: Figures,
    earlier: Option<Earlier>,
}

impl Table {
    fn add(&mut self, out: &mut impl Write, line: &[u8]) -> io::Result<()> {
        let (entry, read) = Entry::read(line);
        self.figures.add(&entry);
        let was = match (&mut self.earlier, &mut self.figures.changes) {
            (Some(earlier), Some(changes)) => Some(Was::of(earlier.weigh(&entry, changes))),
            _ => None,
        };
        if self.figures.all.packages > MOST_ROWS {
            return Ok(());
        }
        let detail = read.as_ref().filter(|_| self.details < MOST_DETAILS).map(|line| self.detail(line)).transpose()?;
        self.without_details += u64::from(read.is_some() && detail.is_none());
        self.block.add(&Row::of(entry, was), detail.as_deref().unwrap_or(b"null"))?;
        if self.block.is_full() { self.block.write(out) } else { Ok(()) }
    }

    fn detail(&mut self, line: &Line) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        json(&mut text, &Detail::of(line, self.details < MOST_WHOLE))?;
        self.details += text.len();
        Ok(text)
    }
}

/// Rows and details that are not written yet.
#[derive(Default)]
struct Block {
    rows: Vec<u8>,
    details: Vec<u8>,
    count: usize,
}

impl Block {
    fn add(&mut self, row: &Row, detail: &[u8]) -> io::Result<()> {
        let comma: &[u8] = if self.count > 0 { b"," } else { b"" };
        self.rows.extend_from_slice(comma);
        json(&mut self.rows, row)?;
        self.details.extend_from_slice(comma);
        self.details.extend_from_slice(detail);
        self.count += 1;
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.count >= BLOCK_ROWS || self.details.len() >= BLOCK_BYTES
    }

    fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        for (class, text) in [("rows", &self.rows), ("details", &self.details)] {
            write!(out, "<script type=\"application/json\" class=\"{class}\">[")?;
            out.write_all(text)?;
            out.write_all(b"]</script>\n")?;
        }
        *self = Self::default();
        Ok(())
    }
}

impl Row {
    fn of(entry: Entry, was: Option<Was>) -> Self {
        let vouched = match entry.vouched {
            Vouched::No => 0,
            Vouched::Listed => 1,
            Vouched::Verified => 2,
        };
        Self(
            entry.name,
            entry.version,
            entry.verdict.as_str(),
            u8::from(entry.reproduced),
            entry.code,
            entry.strategy,
            entry.published,
            entry.client,
            entry.manager,
            vouched,
            entry.duration_ms,
            was,
        )
    }
}

impl Was {
    fn of((change, before): (Change, Option<&Before>)) -> Self {
        Self(change, before.map(|before| before.verdict.as_str()), before.and_then(|before| before.code.clone()))
    }
}

fn block(out: &mut impl Write, id: &str, value: &impl Serialize) -> io::Result<()> {
    write!(out, "<script type=\"application/json\" id=\"{id}\">")?;
    json(out, value)?;
    out.write_all(b"</script>\n")
}

fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}
