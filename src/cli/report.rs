//! `reproduce report`: the figures of a survey, from its database or from its lines.

use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use clap::{CommandFactory, Parser};

use page::{Entry, Figures, Totals};
use report::answer::Answer;
use report::text::escape;
use store::output::{self, Strangers};
use survey::{Database, Fact, Line, Lines, Logs, Once, RunInfo, SurveyError, counted};
use verdict::host::timestamp;

use super::output::Output;
use super::{UNDECIDED, interrupted, usage, written};
use crate::places::Places;

/// The word that this command begins with.
pub(super) const WORD: &str = "report";

const HINT: &str = "reproduce report <file>; for the package of that name: reproduce report@latest";

const AFTER_HELP: &str = "\
It reads databases of `reproduce survey`, also while that runs, and files of its --ndjson. This surveys a class of packages again:
reproduce report surveys.db --class build-failed --list | reproduce survey - --force
Exit codes: 0, or 2 if the file cannot be read.
For the package of that name: reproduce report@latest";

/// Print the figures of a survey.
#[derive(Debug, Parser)]
#[command(name = "reproduce report", max_term_width = 100, after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
struct Arguments {
    /// A database of `reproduce survey`, or a file of its lines; - for lines on standard input
    #[arg(value_name = "file")]
    from: PathBuf,
    /// A run of the database by its number [default: the last]
    #[arg(long, value_name = "n")]
    run: Option<i64>,
    /// Only packages with this verdict or code
    #[arg(long, value_name = "verdict|code")]
    class: Option<String>,
    /// Print one JSON object
    #[arg(short, long)]
    json: bool,
    /// Print Markdown, for the summary of a job
    #[arg(long, conflicts_with = "json")]
    md: bool,
    /// Print the packages, one a line
    #[arg(long, conflicts_with_all = ["json", "md"])]
    list: bool,
    /// Print the lines that --ndjson of the survey writes
    #[arg(long, conflicts_with_all = ["json", "md", "list"])]
    ndjson: bool,
    /// List every reason why packages are not reproduced
    #[arg(long)]
    group: bool,
    /// Write all results to this file as one HTML page, which needs no network
    #[arg(long, value_name = "file", conflicts_with_all = ["json", "md", "list", "ndjson"])]
    html: Option<PathBuf>,
    /// Compare the page with an earlier survey, by its database or its lines
    #[arg(long, value_name = "file", requires = "html")]
    earlier: Option<PathBuf>,
    /// What ends the report.
    #[arg(skip)]
    stop: Arc<AtomicBool>,
}

/// Why there is no report.
enum ReportError {
    Survey(SurveyError),
    Output(io::Error),
}

/// A temporary file with the permissions of any file that the user makes.
fn page_file() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

impl From<SurveyError> for ReportError {
    fn from(error: SurveyError) -> Self {
        Self::Survey(error)
    }
}

impl From<io::Error> for ReportError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// The command's own part of the command line.
pub(super) fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command and returns the exit code.
pub(super) fn run(arguments: &[String], cancelled: &Arc<AtomicBool>) -> u8 {
    let parsed = match Arguments::try_parse_from(std::iter::once("reproduce report").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => Arguments { stop: Arc::clone(cancelled), ..parsed },
        Err(error) => return usage(&error, arguments, HINT),
    };
    if let Err(answer) = parsed.places().check() {
        Output::failure(&answer);
        return UNDECIDED;
    }
    match parsed.report() {
        Ok(()) => 0,
        Err(ReportError::Output(error)) => written(Err(error)).unwrap_or(UNDECIDED),
        Err(ReportError::Survey(_)) if cancelled.load(Ordering::Relaxed) => interrupted(parsed.json, ""),
        Err(ReportError::Survey(error)) => {
            let answer = Answer::failed("", &error);
            if parsed.json {
                return written(Output::json(&answer)).unwrap_or(UNDECIDED);
            }
            Output::failure(&answer);
            UNDECIDED
        }
    }
}

impl Arguments {
    /// The files that are named.
    fn places(&self) -> Places {
        let from = Some(&self.from).filter(|from| *from != Path::new("-"));
        Places::default().read("the results", from).read("--earlier", self.earlier.as_ref()).written("--html", self.html.as_ref())
    }

    fn report(&self) -> Result<(), ReportError> {
        if let Some(to) = &self.html {
            return self.page(to);
        }
        if self.ndjson {
            return self.lines(Logs::There, |line| if self.is_wanted(&counted(&line)) { Ok(Output::json_of(&line)?) } else { Ok(()) });
        }
        if self.list {
            return self.specs();
        }
        let about = self.about()?;
        let mut figures = Figures::default();
        self.lines(Logs::LeftOut, |line| {
            if self.is_wanted(&counted(&line)) {
                figures.add(&Entry::of_parts(&line.spec, line.result.as_ref(), line.error.as_ref(), line.duration_ms));
            }
            Ok(())
        })?;
        Ok(match (self.json, self.md) {
            (true, _) => Output::json_of(&Totals::of(&about, &figures)),
            (_, true) => Output::text(&page::markdown(&about, &figures)),
            _ => Output::text(&page::text(&about, &figures, self.group)),
        }?)
    }

    /// Prints the packages, as a list has them.
    fn specs(&self) -> Result<(), ReportError> {
        let mut all = String::new();
        self.lines(Logs::LeftOut, |line| {
            if self.is_wanted(&counted(&line)) {
                all.push_str(&escape(&line.spec));
                all.push('\n');
            }
            Ok(())
        })?;
        Ok(Output::text(&all)?)
    }

    /// Writes the page of HTML.
    fn page(&self, to: &Path) -> Result<(), ReportError> {
        let earlier = match &self.earlier {
            Some(from) => {
                let other = Self { from: from.clone(), ..self.whole() };
                let mut results = page::Earlier::default();
                let about = other.about()?;
                other.lines(Logs::LeftOut, |line| {
                    results.add(&serde_json::to_vec(&line).map_err(io::Error::other)?);
                    Ok(())
                })?;
                Some((about, results))
            }
            None => None,
        };
        // What cannot be read is seen before a page that was there is written over.
        let about = self.about()?;
        // A device or what a shell has opened is written to as it is; a file is replaced when the
        // page is whole.
        let to = &output::settled(to, &Strangers::of_process()).map_err(io::Error::from)?;
        let is_replaced = to.symlink_metadata().map_or(true, |there| there.is_file());
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = if is_replaced { page_file().tempfile_in(folder)? } else { page_file().tempfile()? };
        let mut page = page::Page::begin(BufWriter::new(file.as_file_mut()), about, earlier)?;
        self.lines(Logs::There, |line| {
            if self.is_wanted(&counted(&line)) {
                page.add(&serde_json::to_vec(&line).map_err(io::Error::other)?)?;
            }
            Ok(())
        })?;
        page.end()?;
        if is_replaced {
            file.persist(to).map_err(|error| error.error)?;
        } else {
            let mut there = output::create(to)?;
            io::copy(&mut file.reopen()?, &mut there)?;
            there.flush()?;
        }
        Ok(())
    }

    /// The same question about all packages of the last run.
    fn whole(&self) -> Self {
        Self {
            class: None,
            run: None,
            html: None,
            earlier: None,
            from: self.from.clone(),
            stop: Arc::clone(&self.stop),
            json: false,
            md: false,
            list: false,
            ndjson: false,
            group: false,
        }
    }

    /// What the page says of a survey.
    fn about(&self) -> Result<page::Run, ReportError> {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        let day = |time: &str| time.get(..10).unwrap_or(time).to_owned();
        if let Some(database) = self.database()? {
            let run = self.run_of(&database)?;
            return Ok(page::Run {
                as_of: day(run.ended.as_ref().unwrap_or(&run.began)),
                program: run.version,
                node: String::new(),
                list: run.list,
                waiting: run.packages.saturating_sub(run.done),
            });
        }
        let list = self.from.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_input = self.from == Path::new("-");
        let written = if is_input {
            SystemTime::now()
        } else {
            std::fs::metadata(&self.from).map_err(|error| self.unreadable(&error))?.modified()?
        };
        Ok(page::Run { as_of: day(&timestamp(written)), program, node: String::new(), list, waiting: 0 })
    }

    fn is_wanted(&self, fact: &Fact) -> bool {
        let is_one = |class: &String| class == fact.verdict.as_str() || Some(class) == fact.code.as_ref();
        self.class.as_ref().is_none_or(is_one)
    }

    /// Hands over each line, as it was written; of several that are of one package, the first.
    fn lines(&self, logs: Logs, mut each: impl FnMut(Line) -> Result<(), ReportError>) -> Result<(), ReportError> {
        let mut once = Once::default();
        let mut each = |line: Result<Line, SurveyError>| {
            if self.stop.load(Ordering::Relaxed) {
                return Err(SurveyError::Stopped.into());
            }
            let line = line?;
            if once.is_new(&line) { each(line) } else { Ok(()) }
        };
        if let Some(database) = self.database()? {
            let run = self.run_of(&database)?.id;
            database.lines(run, logs)?.try_for_each(&mut each)?;
        } else if self.from == Path::new("-") {
            Lines::of(BufReader::new(crate::pipes::standard_input()), Path::new("standard input")).try_for_each(&mut each)?;
        } else {
            Lines::of(BufReader::new(self.file()?), &self.from).try_for_each(&mut each)?;
        }
        if once.again > 0 {
            let file = self.from.display().to_string();
            Output::error_text(&format!("{}: {} lines are of packages that it has already, and do not count\n", escape(&file), once.again));
        }
        Ok(())
    }

    fn file(&self) -> Result<impl Read, SurveyError> {
        crate::pipes::open_named(&self.from).map_err(|error| self.unreadable(&error))
    }

    fn unreadable(&self, error: &io::Error) -> SurveyError {
        SurveyError::List { list: self.from.display().to_string(), reason: error.to_string() }
    }

    fn database(&self) -> Result<Option<Database>, SurveyError> {
        Database::is_at(&self.from).then(|| Database::read(&self.from, &self.stop)).transpose()
    }

    fn run_of(&self, database: &Database) -> Result<RunInfo, SurveyError> {
        let runs = database.runs()?;
        let found = match self.run {
            Some(id) => runs.into_iter().find(|run| run.id == id),
            None => runs.into_iter().next_back(),
        };
        found.ok_or_else(|| SurveyError::Empty(format!("{} has no such run, and", self.from.display())))
    }
}
