//! Where the lines of a survey go as they come: the database, NDJSON, and the terminal.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use context::Progress;
use page::{Entry, Figures};
use report::answer::Answer;
use report::terminal::{self, Style};
use report::text::{escape, shown_time};
use store::output;
use survey::{Database, Done, Fact, Line, Logs, Once, SurveyError, facts_of};

use super::super::output::Output;
use super::super::progress;
use crate::session;

/// Width of the verdict's column.
const VERDICT: usize = 14;

/// Why nothing more can be kept or said.
#[derive(Debug)]
pub(super) enum SinkError {
    /// The database.
    Survey(SurveyError),
    /// A stream.
    Output(io::Error),
}

impl From<SurveyError> for SinkError {
    fn from(error: SurveyError) -> Self {
        Self::Survey(error)
    }
}

impl From<io::Error> for SinkError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// How lines are shown.
pub(super) struct Shown<'a> {
    /// `--ndjson`.
    pub(super) ndjson: Option<&'a Path>,
    /// `--json`: nothing is printed but the figures.
    pub(super) json: bool,
    /// How text may look on stdout.
    pub(super) style: Style,
}

/// Where lines go.
pub(super) struct Sink {
    database: Database,
    run: i64,
    total: usize,
    lines: Option<(PathBuf, File)>,
    prints_lines: bool,
    prints_rows: bool,
    style: Style,
    live: progress::Line,
    listener: Progress,
    counts: Counts,
    new: usize,
    began: Instant,
}

impl Sink {
    /// The sink of a run. What the run has already goes to NDJSON first, so that a file of lines is
    /// always whole.
    pub(super) fn of(database: Database, (run, total): (i64, usize), shown: &Shown<'_>) -> Result<Self, SinkError> {
        let prints_lines = shown.ndjson == Some(Path::new("-"));
        let file = shown.ndjson.filter(|_| !prints_lines);
        // The database, or what lies beside it, is no place for lines.
        let is_database = |path: &Path| path.canonicalize().ok().is_some_and(|path| database.path().canonicalize().ok() == Some(path));
        if let Some(path) = file.filter(|path| is_database(path)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is the database", path.display())).into());
        }
        let lines = file.map(|path| output::create(path).map(|file| (path.to_owned(), file))).transpose()?;
        let is_quiet = shown.json || prints_lines;
        // Rows in a log, a line that moves on a terminal.
        let moves = io::stderr().is_terminal() && (is_quiet || io::stdout().is_terminal());
        let live = if moves { Output::progress_of(false, false, "survey") } else { progress::Line::None };
        let mut sink = Self {
            database,
            run,
            total,
            lines,
            prints_lines,
            prints_rows: !is_quiet && !moves,
            style: shown.style,
            listener: live.listener(),
            live,
            counts: Counts::default(),
            new: 0,
            began: Instant::now(),
        };
        sink.replay()?;
        Ok(sink)
    }

    /// Counts what the run has, and writes its lines.
    fn replay(&mut self) -> Result<(), SinkError> {
        let (prints, lines) = (self.prints_lines, &mut self.lines);
        let writes = prints || lines.is_some();
        for line in self.database.lines(self.run, if writes { Logs::There } else { Logs::LeftOut })? {
            let line = line?;
            self.counts.add(&line);
            if writes {
                write(&line, prints, lines)?;
            }
        }
        Ok(())
    }

    /// Keeps what came of a package, and shows it. What needs a build that was put off has no line
    /// yet.
    pub(super) fn done(&mut self, one: &Done) -> Result<(), SinkError> {
        let Done { package, answer, took } = one;
        let cost = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if let Answer::Judged { report, .. } = answer
            && session::is_put_off(report)
        {
            let source = report.origin.as_ref().map(|origin| (origin.repository.as_str(), origin.commit.as_str()));
            self.database.put_off(self.run, package.place, source, cost)?;
            self.tell();
            return Ok(());
        }
        let is_passing = match answer {
            Answer::Judged { report, .. } => session::is_passing(report),
            Answer::Failed(_) => true,
        };
        let line = Line::of(&package.spec, answer, *took).map_err(io::Error::other)?;
        self.database.record(self.run, package.place, &line, is_passing)?;
        write(&line, self.prints_lines, &mut self.lines)?;
        self.counts.add(&line);
        if let Some(fact) = facts_of(&line).filter(|_| self.prints_rows) {
            Output::text(&row(&fact, self.style))?;
        }
        self.new += 1;
        self.tell();
        Ok(())
    }

    /// The line that moves: how far it is, and how long it will take at the rate so far.
    fn tell(&self) {
        let took = self.began.elapsed();
        let left = u32::try_from(self.total.saturating_sub(self.counts.done)).unwrap_or(u32::MAX);
        let each = u32::try_from(self.new).ok().filter(|new| *new > 0).map(|new| took / new);
        let left = each.map(|each| each.saturating_mul(left)).filter(|left| *left > Duration::ZERO);
        let left = left.map(|left| format!(", about {} left", shown_time(left))).unwrap_or_default();
        let message = format!("{} of {} done, {} reproduced{left}", self.counts.done, self.total, self.counts.figures.all.reproduced);
        self.listener.tell("survey", &message);
    }

    /// The packages that have no result yet.
    pub(super) fn waiting(&self) -> Result<Vec<survey::Package>, SinkError> {
        Ok(self.database.waiting(self.run)?)
    }

    /// Takes the line that moves away, and gives the database and the counts back. `is_whole`:
    /// every package has a result.
    pub(super) fn end(mut self, is_whole: bool) -> Result<(Figures, usize), SinkError> {
        if is_whole {
            self.database.end(self.run)?;
        }
        let waiting = self.total.saturating_sub(self.counts.done);
        self.live.finish();
        if self.counts.once.again > 0 {
            Output::error_text(&format!(
                "{} results are of packages that the list has in another spelling, and do not count\n",
                self.counts.once.again
            ));
        }
        Ok((self.counts.figures, waiting))
    }
}

/// What is counted. A list can have one package in several spellings, and it counts once.
#[derive(Default)]
struct Counts {
    figures: Figures,
    once: Once,
    done: usize,
}

impl Counts {
    fn add(&mut self, line: &Line) {
        self.done += 1;
        if self.once.is_new(line) {
            self.figures.add(&Entry::of_parts(&line.spec, line.result.as_ref(), line.error.as_ref(), line.duration_ms));
        }
    }
}

/// Writes a line of NDJSON.
fn write(line: &Line, prints: bool, file: &mut Option<(PathBuf, File)>) -> Result<(), SinkError> {
    if prints {
        Output::json_of(line)?;
    }
    if let Some((path, file)) = file {
        let text = format!("{}\n", serde_json::to_string(line).map_err(io::Error::other)?);
        file.write_all(text.as_bytes()).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// The line of one package.
fn row(fact: &Fact, style: Style) -> String {
    let head = terminal::head(fact.verdict, fact.reproduced, style);
    let blanks = " ".repeat(VERDICT.saturating_sub(fact.verdict.as_str().len()));
    let code = fact.code.as_deref().map(|code| format!("  ({})", escape(code))).unwrap_or_default();
    format!("{head}{blanks}{}{code}\n", escape(&fact.spec))
}

impl SinkError {
    /// The exit code, once it is said.
    pub(super) fn said(&self, json: bool) -> u8 {
        match self {
            Self::Survey(SurveyError::Stopped) => super::super::interrupted(json, ""),
            Self::Survey(error) => {
                Output::failure(&Answer::failed("", error));
                super::super::UNDECIDED
            }
            Self::Output(error) => {
                super::super::written(Err(io::Error::new(error.kind(), error.to_string()))).unwrap_or(super::super::UNDECIDED)
            }
        }
    }
}
