//! `reproduce survey`: a list of packages, judged in two passes, with a database that a later run
//! goes on with.

mod sink;
mod sweep;
mod world;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use clap::{CommandFactory, Parser};

use npm_tarball::{Archive, Limits};
use npmrc::{NpmConfig, Overrides, Surroundings};
use page::{Figures, Run, Totals};
use report::answer::Answer;
use report::terminal::Style;
use report::text::escape;
use store::{Folders, Key};
use survey::list::{TOP_FILE, TOP_PACKAGE};
use survey::{Database, Flow, Goes, Job, List, SurveyError};
use verdict::host::timestamp;
use verdict::{Accept, Failed, boxed};

use super::arguments::{AcceptChoice, ColorChoice, FailOnChoice, jobs, jobs_within, seconds, unbuilt_within};
use super::output::Output;
use super::{UNDECIDED, interrupted, usage, written};
use crate::options::Options;
use crate::pipes;
use crate::places::Places;
use crate::session;
use sink::{Shown, Sink, SinkError};
use sweep::Sweeper;
use world::Session;

/// The word that this command begins with.
pub(super) const WORD: &str = "survey";

const HINT: &str = "reproduce survey <file>, or - for standard input; for the package of that name: reproduce survey@latest";

/// How many packages at a time the first pass has for each build at a time: it waits for hosts more
/// than it works.
const FIRST_PASS: usize = 4;
/// The database where none is named, below the cache folder.
const DATABASE: &str = "surveys.db";

const AFTER_HELP: &str = "\
A line of the list is a spec, a package URL, or a JSON object with spec, or with name and version. The first pass builds nothing.
Then builds run, and the packages of one commit share its checkout. The same command again resumes, however the survey ended.
Exit codes: 0 all are reproduced, 1 one is not, 2 one is undecided or waits for a build, 130 interrupted, 143 terminated.
For the package of that name: reproduce survey@latest";

/// Check a list of packages, and store the results in a database.
#[derive(Debug, Parser)]
#[command(name = "reproduce survey", max_term_width = 100, after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
struct Arguments {
    /// The list of packages; - for standard input
    #[arg(value_name = "file", required_unless_present = "top", conflicts_with = "top")]
    list: Option<PathBuf>,
    /// The first packages of npm-high-impact, a list of packages that many others depend on
    #[arg(long, value_name = "n")]
    top: Option<usize>,
    /// The database [default: surveys.db in the cache folder]
    #[arg(long, value_name = "file")]
    db: Option<PathBuf>,
    /// Write a line of JSON for each finished package to this file; - is standard output
    #[arg(long, value_name = "file")]
    ndjson: Option<PathBuf>,
    /// Print the figures as one JSON object at the end
    #[arg(short, long)]
    json: bool,
    /// List every reason why packages are not reproduced
    #[arg(long)]
    group: bool,
    /// Stop after the first pass; packages that need a build wait for a later run
    #[arg(long)]
    no_build: bool,
    /// Number of builds at a time; the first pass runs four times as many packages [default: half
    /// of the processors]
    #[arg(long, value_name = "n", value_parser = jobs)]
    jobs: Option<usize>,
    /// Resume where the same list ended, also with results that were not written with this cache
    /// folder; without those this is the default
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Start again, even if the database has a run of this list
    #[arg(short, long)]
    force: bool,
    /// Results that make the exit code non-zero
    #[arg(long, value_enum, default_value_t, value_name = "what")]
    fail_on: FailOnChoice,
    /// The weakest result that counts as reproduced
    #[arg(long, value_enum, default_value_t, value_name = "level")]
    accept: AcceptChoice,
    /// Try only these strategies (comma-separated)
    #[arg(long, value_name = "names", value_delimiter = ',')]
    strategy: Vec<String>,
    /// Use this registry instead of the one in npm's configuration
    #[arg(long, value_name = "url")]
    registry: Option<String>,
    /// Isolation of builds: auto, namespaces, bwrap, landlock, or none for no isolation at all
    #[arg(long, value_name = "tier")]
    isolation: Option<String>,
    /// Longest time for one package in seconds; 0 for none [default: 600]
    #[arg(long, value_name = "seconds", value_parser = seconds)]
    timeout: Option<f64>,
    /// Memory for packages checked at a time, e.g. 16GB: a build for each 4 GiB of it, in the first
    /// pass a package for each 256 MiB [default: the machine's]
    #[arg(long, value_name = "size", value_parser = super::cache::bytes)]
    memory: Option<u64>,
    /// Keep the caches below this size during the run, e.g. 20GB; removes what was used longest ago
    /// and is not in use
    #[arg(long, value_name = "size", value_parser = super::cache::bytes)]
    disk: Option<u64>,
    /// Folder of all caches
    #[arg(long, value_name = "dir")]
    cache_dir: Option<PathBuf>,
    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "when")]
    color: ColorChoice,
}

/// The command's own part of the command line.
pub(super) fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command and returns the exit code.
pub(super) async fn run(arguments: &[String], installed: Option<PathBuf>, cancelled: &Arc<AtomicBool>) -> u8 {
    let parsed = match Arguments::try_parse_from(std::iter::once("reproduce survey").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, HINT),
    };
    let options = parsed.options(installed);
    if let Err(answer) = parsed.places(&options).check() {
        return failed(&parsed, &answer);
    }
    let begun = match begin(&parsed, &options, cancelled).await {
        Ok(begun) => begun,
        Err(_) if cancelled.load(Ordering::Relaxed) => return interrupted(parsed.json, ""),
        Err(error) => return failed(&parsed, &Answer::failed("", &*error)),
    };
    let total = begun.list.specs.len();
    begun.say();
    let style = Style::detect(parsed.color.enabled(io::stdout().is_terminal()));
    let shown = Shown { ndjson: parsed.ndjson.as_deref(), json: parsed.json, style };
    let mut sink = match Sink::of(begun.database, (begun.run, total), &shown) {
        Ok(sink) => sink,
        Err(error) => return error.said(parsed.json),
    };
    let world = Arc::new(Session::of(options, Arc::clone(cancelled)));
    let sweeper = match parsed.disk {
        Some(limit) => Some(Sweeper::start(begun.folders, limit).await),
        None => None,
    };
    let judged = passes(&parsed, &world, &mut sink, cancelled).await;
    drop(sweeper);
    let is_whole = matches!(judged, Ok(true)) && !cancelled.load(Ordering::Relaxed);
    let ended = sink.end(is_whole);
    let (figures, waiting) = match (judged, ended) {
        (Err(error), _) | (Ok(_), Err(error)) => return error.said(parsed.json),
        (Ok(_), Ok(ended)) => ended,
    };
    if cancelled.load(Ordering::Relaxed) {
        let said = format!("\n{} of {total} are done; the same command goes on\n", total.saturating_sub(waiting));
        Output::error_text(&said);
        return interrupted(parsed.json, "");
    }
    let about = Run {
        as_of: timestamp(SystemTime::now()).get(..10).unwrap_or_default().to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        node: String::new(),
        list: begun.list.name,
        waiting,
    };
    written(parsed.summary(&about, &figures)).unwrap_or_else(|| parsed.exit_code(&figures, waiting))
}

/// A failure of the survey as a whole.
fn failed(parsed: &Arguments, answer: &Answer) -> u8 {
    if parsed.json {
        return written(Output::json(answer)).unwrap_or(UNDECIDED);
    }
    Output::failure(answer);
    UNDECIDED
}

/// A survey that is about to go on.
struct Begun {
    list: List,
    database: Database,
    run: i64,
    resumed: bool,
    folders: Folders,
}

impl Begun {
    /// Says on stderr what is surveyed, and where it is kept.
    fn say(&self) {
        let Self { list, database, resumed, .. } = self;
        let doubled = if list.doubled > 0 { format!(", {} named again", list.doubled) } else { String::new() };
        let goes_on = if *resumed { "; goes on where it ended" } else { "" };
        let path = database.path().display().to_string();
        let name = escape(&list.name);
        Output::error_text(&format!("{name}: {} packages{doubled}, kept in {}{goes_on}\n", list.specs.len(), escape(&path)));
        let others = database.others();
        if others > 0 {
            let counts = if *resumed { "they count" } else { "that run does not count; --resume goes on with it" };
            Output::error_text(&format!("warning: {others} results of its run were not written with this cache folder: {counts}\n"));
        }
    }
}

/// Reads the list, and finds its run in the database or makes one.
async fn begin(parsed: &Arguments, options: &Options, cancelled: &Arc<AtomicBool>) -> Result<Begun, Failed> {
    let list = match (&parsed.list, parsed.top) {
        (_, Some(count)) => top(count, options, cancelled).await?,
        (Some(path), None) => listed(path.clone()).await?,
        // clap has asked for one of the two.
        (None, None) => return Err(boxed(SurveyError::Empty("the command".to_owned()))),
    };
    let folders = session::cache_folders(options, &Surroundings::of_process(None)).map_err(boxed)?;
    let path = parsed.db.clone().unwrap_or_else(|| folders.root.join(DATABASE));
    let goes = match (parsed.force, parsed.resume) {
        (true, _) => Goes::Anew,
        (false, true) => Goes::OnWithOthers,
        (false, false) => Goes::On,
    };
    let asked = parsed.asked(&list);
    let key = Key::read_or_make(&folders.root).map_err(boxed)?;
    let stop = Arc::clone(cancelled);
    let opened = tokio::task::spawn_blocking(move || {
        let mut database = Database::open(&path, &stop)?.sealed_with(key);
        let (run, resumed) = database.begin(&list, &asked, goes)?;
        Ok(Begun { list, database, run, resumed, folders })
    });
    opened.await.map_err(verdict::internal)?.map_err(|error: SurveyError| boxed(error))
}

/// The registries that the packages of a list are asked of, as npm's configuration has them: the
/// results of another registry are no answer. The default one first.
fn registries(list: &List, by_user: Option<String>) -> Vec<String> {
    let config = NpmConfig::load(&Surroundings::of_process(None), &Overrides { registry: by_user, ..Overrides::default() });
    let scopes: BTreeSet<&str> = list.specs.iter().filter_map(|spec| spec.split_once('/')).map(|(scope, _)| scope).collect();
    let of_scopes = scopes.into_iter().filter(|scope| scope.starts_with('@')).map(|scope| format!("{scope}/a"));
    let mut all: Vec<String> =
        std::iter::once("a".to_owned()).chain(of_scopes).map(|name| config.registry_for(&name).to_string()).collect();
    all.dedup();
    all
}

/// The list in a file, or on standard input.
async fn listed(path: PathBuf) -> Result<List, Failed> {
    let read = move || {
        if path == Path::new("-") {
            return List::read("standard input", pipes::standard_input());
        }
        let name = path.display().to_string();
        match pipes::open_named(&path) {
            Ok(file) => List::read(&name, file),
            Err(error) => Err(SurveyError::List { list: name, reason: error.to_string() }),
        }
    };
    tokio::task::spawn_blocking(read).await.map_err(verdict::internal)?.map_err(boxed)
}

/// The first packages of the list of those that many others depend on, of the registry's package
/// with it.
async fn top(count: usize, options: &Options, cancelled: &Arc<AtomicBool>) -> Result<List, Failed> {
    let published = session::fetch_one(TOP_PACKAGE, options, Arc::clone(cancelled)).await?;
    let unreadable = |reason: String| boxed(SurveyError::List { list: TOP_PACKAGE.to_owned(), reason });
    let archive = Archive::read(published.tarball.bytes.open(), &Limits::default()).map_err(|error| unreadable(error.to_string()))?;
    let entry = archive.get(TOP_FILE).ok_or_else(|| unreadable(format!("it has no {TOP_FILE}")))?;
    let bytes = archive.content(entry).map_err(|error| unreadable(error.to_string()))?;
    List::top(&String::from_utf8_lossy(&bytes), count).map_err(boxed)
}

/// Both passes. `true` if every package has a result.
async fn passes(parsed: &Arguments, world: &Arc<Session>, sink: &mut Sink, cancelled: &Arc<AtomicBool>) -> Result<bool, SinkError> {
    let places = parsed.jobs();
    let first = Job::first(&sink.waiting()?, unbuilt_within(places.saturating_mul(FIRST_PASS), parsed.memory));
    if !pass(world, first, sink, cancelled).await? || parsed.no_build {
        return Ok(sink.waiting()?.is_empty());
    }
    let builds = Job::builds(&sink.waiting()?, places);
    pass(world, builds, sink, cancelled).await
}

async fn pass(world: &Arc<Session>, job: Job, sink: &mut Sink, cancelled: &Arc<AtomicBool>) -> Result<bool, SinkError> {
    let mut failure = None;
    let whole = survey::run(world, job, |done| {
        // What was stopped is no answer.
        if cancelled.load(Ordering::Relaxed) {
            return Flow::Break(());
        }
        if let Err(error) = sink.done(&done) {
            // Nothing more can be kept: what runs ends.
            failure = Some(error);
            cancelled.store(true, Ordering::Relaxed);
            return Flow::Break(());
        }
        Flow::Continue(())
    })
    .await;
    failure.map_or(Ok(whole), Err)
}

impl Arguments {
    /// The files that are named; - is none.
    fn places(&self, options: &Options) -> Places {
        let file = |path: &Option<PathBuf>| path.clone().filter(|path| path != Path::new("-"));
        Places::default()
            .with(options)
            .read("the list", file(&self.list))
            .written("--db", self.db.clone())
            .written("--ndjson", file(&self.ndjson))
    }

    fn options(&self, installed: Option<PathBuf>) -> Options {
        Options {
            // The database is where results are: the file of results would be written anew for
            // each.
            no_cache: true,
            strategy: self.strategy.clone(),
            accept: self.accept(),
            registry: self.registry.clone(),
            isolation: self.isolation.clone(),
            timeout: self.timeout,
            cache_dir: self.cache_dir.as_ref().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.clone())),
            client: Some(Arc::default()),
            installed,
            ..Options::default()
        }
    }

    /// What could change an answer, as the database keeps it: a run is gone on with only where all
    /// of it is the same.
    fn asked(&self, list: &List) -> String {
        let Self { strategy, registry, isolation, timeout, .. } = self;
        let asked = serde_json::json!({
            "accept": self.accept(), "strategy": strategy, "registries": registries(list, registry.clone()), "isolation": isolation,
            "timeout": timeout,
        });
        asked.to_string()
    }

    fn accept(&self) -> Accept {
        self.accept.into()
    }

    /// Builds are what costs, and each may use several processors.
    fn jobs(&self) -> usize {
        jobs_within(self.jobs, self.memory)
    }

    /// Prints the figures.
    fn summary(&self, about: &Run, figures: &Figures) -> io::Result<()> {
        if self.json {
            return Output::json_of(&Totals::of(about, figures));
        }
        if self.ndjson.as_deref() == Some(Path::new("-")) {
            return Ok(());
        }
        Output::text(&format!("\n{}", page::text(about, figures, self.group)))?;
        if self.no_build && about.waiting > 0 {
            Output::error_text(&format!("{} wait for a build: the same command without --no-build goes on\n", about.waiting));
        }
        Ok(())
    }

    fn exit_code(&self, figures: &Figures, waiting: usize) -> u8 {
        match self.fail_on {
            FailOnChoice::None => 0,
            _ if figures.all.not_reproduced() > 0 => 1,
            FailOnChoice::Undecided if figures.all.undecided > 0 || waiting > 0 => UNDECIDED,
            FailOnChoice::Differs | FailOnChoice::Undecided => 0,
        }
    }
}
