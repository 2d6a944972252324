//! `reproduce audit`: checks every package in a project's lockfile.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{CommandFactory, Parser, ValueEnum};
use tokio::task::JoinSet;

use audit::{Asked, Document, FailOn, Flow, Learned, Line, Look, Plan, Row};
use npm_lockfile::{Omit, Reason};
use npmrc::{NpmConfig, Overrides, ProjectFile, Surroundings};
use report::answer::Answer;
use report::github;
use report::terminal::Style;
use report::text::escape;
use store::output;
use survey::{List, SurveyError};
use verdict::{Accept, merge_exit_codes};

use super::arguments::{AcceptChoice, ColorChoice, FailOnChoice, duration, jobs, jobs_within, seconds};
use super::kept::Kept;
use super::output::Output;
use super::progress;
use super::{UNDECIDED, interrupted, usage, written};
use crate::options::Options;
use crate::places::Places;
use crate::session;

/// The word that this command begins with.
pub(super) const WORD: &str = "audit";

const HINT: &str = "reproduce audit [folder|file]; for the package of that name: reproduce audit@latest";

/// How often is looked whether the audit is to stop while its lockfile is read.
const POLL: Duration = Duration::from_millis(20);

const AFTER_HELP: &str = "\
It reads package-lock.json, npm-shrinkwrap.json, yarn.lock, pnpm-lock.yaml, bun.lock, deno.lock, and SBOMs of CycloneDX and SPDX as JSON.
It compares each tarball's hash and host with the registry. Git, files, links and the like are left out, and count as undecided.
Exit codes: 0 all are reproduced, 1 one is not, or differs from the lockfile, 2 one is undecided or left out, 130 interrupted.
For the package of that name: reproduce audit@latest";

/// A kind of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Only for development.
    Dev,
    /// Optional.
    Optional,
    /// Only for peers.
    Peer,
}

/// A reason for which something is left out, that can be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LeftOutChoice {
    /// In the tarball of a package that does not have it, or is not known to.
    Bundled,
    /// A tarball or a folder on disk.
    File,
    /// A repository.
    Git,
    /// A link to outside the project.
    Link,
    /// From another registry or ecosystem.
    OtherRegistry,
    /// A tarball at an address.
    Tarball,
}

/// Check every package that a project installs, and compare its lockfile with the registry.
#[derive(Debug, Parser)]
#[command(name = "reproduce audit", max_term_width = 100, after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
struct Arguments {
    /// A folder with a lockfile, a lockfile, or an SBOM [default: this folder]
    #[arg(value_name = "folder|file", default_value = ".", hide_default_value = true)]
    at: PathBuf,
    /// Read `node_modules` instead of a lockfile
    #[arg(long)]
    tree: bool,
    /// Leave out packages of these kinds (comma-separated)
    #[arg(long, value_enum, value_name = "kinds", value_delimiter = ',')]
    omit: Vec<Kind>,
    /// Check only what this workspace needs, by its name or folder; can be repeated
    #[arg(long, value_name = "workspace", conflicts_with = "tree")]
    workspace: Vec<String>,
    /// Check only packages added or changed since this commit, and show the previous versions
    #[arg(long, value_name = "commit", conflicts_with = "tree")]
    since: Option<String>,
    /// Write the audit as Markdown to this file, for a comment or a job's summary
    #[arg(long, value_name = "file")]
    summary: Option<PathBuf>,
    /// Print the whole audit as one JSON object at the end
    #[arg(short, long, conflicts_with = "ndjson")]
    json: bool,
    /// Write a line of JSON for each finished package to this file; - is standard output
    #[arg(long, value_name = "file")]
    ndjson: Option<PathBuf>,
    /// Store the results in this database, as a survey does; the same audit again resumes one that
    /// was stopped
    #[arg(long, value_name = "file")]
    db: Option<PathBuf>,
    /// Number of packages at a time [default: half of the processors]
    #[arg(long, value_name = "n", value_parser = jobs)]
    jobs: Option<usize>,
    /// Memory for packages checked at a time, e.g. 16GB: one for each 4 GiB of it [default: the
    /// machine's]
    #[arg(long, value_name = "size", value_parser = super::cache::bytes)]
    memory: Option<u64>,
    /// Results that make the exit code non-zero
    #[arg(long, value_enum, default_value_t, value_name = "what")]
    fail_on: FailOnChoice,
    /// The weakest result that counts as reproduced
    #[arg(long, value_enum, default_value_t, value_name = "level")]
    accept: AcceptChoice,
    /// Accept entries left out for these reasons, which otherwise count as undecided
    /// (comma-separated)
    #[arg(long, value_enum, value_name = "reasons", value_delimiter = ',')]
    accept_left_out: Vec<LeftOutChoice>,
    /// Accept project settings that can change an installation, and use the registries in its
    /// .npmrc
    #[arg(long)]
    accept_settings: bool,
    /// Create reproduce.json with an exception of 90 days for each package that is not reproduced
    #[arg(long, conflicts_with_all = ["omit", "workspace", "since"])]
    write_exceptions: bool,
    /// Check again even if a stored result exists
    #[arg(short, long)]
    force: bool,
    /// Answer from stored results only
    #[arg(long)]
    offline: bool,
    /// Use this registry instead of the one in npm's configuration
    #[arg(long, value_name = "url")]
    registry: Option<String>,
    /// Isolation of builds: auto, namespaces, bwrap, landlock, or none for no isolation at all
    #[arg(long, value_name = "tier")]
    isolation: Option<String>,
    /// Longest time for one package in seconds; 0 for none [default: 600]
    #[arg(long, value_name = "seconds", value_parser = seconds)]
    timeout: Option<f64>,
    /// Check again if the stored result is older than this, e.g. 30d, 12h or 2w
    #[arg(long, value_name = "time", value_parser = duration)]
    max_age: Option<Duration>,
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
    let parsed = match Arguments::try_parse_from(std::iter::once("reproduce audit").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, HINT),
    };
    let mut plan = match planned(&parsed, cancelled).await {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let options = Arc::new(parsed.options(installed, &plan.folder));
    looked_up(&mut plan, parsed.jobs(), &options, cancelled).await;
    let mut sink = match Sink::of(&parsed, &plan) {
        Ok(sink) => sink,
        Err(error) => return written(Err(error)).unwrap_or(UNDECIDED),
    };
    let kept = match kept(&parsed, &plan, cancelled).await {
        Ok(kept) => kept,
        Err(code) => return code,
    };
    let judge = |spec: String| judged(spec, Arc::clone(&options), kept.clone(), Arc::clone(cancelled));
    let mut rows = Vec::new();
    let mut failure = None;
    let done = |row: Row| {
        if cancelled.load(Ordering::Relaxed) {
            return Flow::Break(());
        }
        if let Err(error) = sink.row(&row) {
            // Nothing more can be said: what runs ends.
            failure = Some(error);
            cancelled.store(true, Ordering::Relaxed);
            return Flow::Break(());
        }
        rows.push(row);
        Flow::Continue(())
    };
    let whole = audit::run(&plan, (parsed.jobs(), parsed.accept()), judge, done).await;
    if let Some(error) = failure {
        return written(Err(error)).unwrap_or(UNDECIDED);
    }
    if let Some(Err(error)) = kept.map(|kept| kept.end(whole && !cancelled.load(Ordering::Relaxed))) {
        return unkept(&parsed, &error);
    }
    if cancelled.load(Ordering::Relaxed) {
        return interrupted(parsed.speaks_json(), "");
    }
    let mut document = Document::of(&plan, rows, parsed.fail_on());
    if !whole {
        document.exit_code = merge_exit_codes([document.exit_code, UNDECIDED]);
    }
    if let Some(code) = written(sink.end(&document)) {
        return code;
    }
    if let Err(error) = told(&parsed, &document) {
        return written(Err(error)).unwrap_or(UNDECIDED);
    }
    if parsed.write_exceptions && whole && !excepted(&plan, &document) {
        return UNDECIDED;
    }
    document.exit_code
}

/// Judges one package, and keeps what came of it where a database was named.
async fn judged(spec: String, options: Arc<Options>, kept: Option<Arc<Kept>>, cancelled: Arc<AtomicBool>) -> Answer {
    let began = Instant::now();
    let answer = session::judge_one(&spec, &options, None, progress::Line::None.listener(), Arc::clone(&cancelled)).await;
    // What was stopped is no answer.
    if let Some(kept) = kept.filter(|_| !cancelled.load(Ordering::Relaxed))
        && !kept.keep(&spec, &answer, began.elapsed())
    {
        // Nothing more can be kept: what runs ends.
        cancelled.store(true, Ordering::Relaxed);
    }
    answer
}

/// Opens the database that was named, or gives the exit code where that is not possible.
async fn kept(parsed: &Arguments, plan: &Plan, cancelled: &Arc<AtomicBool>) -> Result<Option<Arc<Kept>>, u8> {
    let Some(path) = parsed.db.clone() else { return Ok(None) };
    let list = List::of_packages(plan.file.display().to_string(), plan.packages.iter().map(npm_lockfile::Entry::spec));
    let (asked, anew) = (parsed.stored_as(), parsed.force);
    let stop = Arc::clone(cancelled);
    let opened = tokio::task::spawn_blocking(move || Kept::open(&path, &list, (&asked, anew), &stop)).await;
    opened.map_err(|_| UNDECIDED)?.map(|kept| Some(Arc::new(kept))).map_err(|error| unkept(parsed, &error))
}

/// The exit code where the database cannot be used, or a signal ended its use.
fn unkept(parsed: &Arguments, error: &SurveyError) -> u8 {
    match error {
        SurveyError::Stopped => interrupted(parsed.speaks_json(), ""),
        error => failed(parsed, &Answer::failed("", error)),
    }
}

/// Reads what is audited, or gives the exit code where that is not possible.
async fn planned(parsed: &Arguments, cancelled: &AtomicBool) -> Result<Plan, u8> {
    let (at, asked) = (parsed.at.clone(), parsed.asked());
    let mut reading = tokio::task::spawn_blocking(move || Plan::of(&at, &asked));
    let read = tokio::select! {
        read = &mut reading => read,
        code = stopped(parsed.timeout, parsed.speaks_json(), cancelled) => return Err(code),
    };
    let failure = |error| failed(parsed, &Answer::failed(&parsed.at.display().to_string(), &error));
    let plan = read.map_err(|_| UNDECIDED)?.map_err(failure)?;
    parsed.places(&plan).check().map_err(|answer| failed(parsed, &answer))?;
    Ok(plan)
}

/// Writes the first file of exceptions; `false` where that failed.
fn excepted(plan: &Plan, document: &Document) -> bool {
    match audit::write_exceptions(plan, &document.packages, &document.left_out) {
        Ok((path, count)) => Output::error_text(&format!("{}: {count} exceptions\n", escape(&path.display().to_string()))),
        Err(error) => {
            Output::failure(&Answer::failed("", &error));
            return false;
        }
    }
    true
}

/// Comes back where the audit is stopped, or where its lockfile takes longer to read than one
/// package may.
async fn stopped(timeout: Option<f64>, as_json: bool, cancelled: &AtomicBool) -> u8 {
    let limit = timeout.map(Duration::from_secs_f64).filter(|limit| !limit.is_zero());
    let started = Instant::now();
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return interrupted(as_json, "");
        }
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            Output::error_text("error[timeout]: the lockfile was not read in time\n");
            return UNDECIDED;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Looks into the tarballs of which more is to be known than their verdicts, `jobs` at a time.
async fn looked_up(plan: &mut Plan, jobs: usize, options: &Arc<Options>, cancelled: &Arc<AtomicBool>) {
    let mut waiting = plan.looks().into_iter();
    let mut running = JoinSet::new();
    let mut start = |running: &mut JoinSet<_>| {
        if let Some(look) = waiting.next() {
            running.spawn(look_up(look, Arc::clone(options), Arc::clone(cancelled)));
        }
    };
    for _ in 0..jobs {
        start(&mut running);
    }
    while let Some(learned) = running.join_next().await {
        // Of what is not learned nothing is believed.
        if let Ok(learned) = learned {
            plan.learn(learned);
        }
        start(&mut running);
    }
}

async fn look_up(look: Look, options: Arc<Options>, cancelled: Arc<AtomicBool>) -> Learned {
    if options.offline {
        return look.not_asked();
    }
    let spec = look.spec.clone();
    let published = match session::fetch_one(&spec, &options, cancelled).await {
        Ok(published) => published,
        Err(error) => return look.failed(error.to_string()),
    };
    let unread = look.clone();
    let read = move || {
        let promised = || published.release.promised().map(|promised| promised.text());
        let judged = if look.is_before { session::stored(&spec, promised(), &options) } else { None };
        look.at(&published).with_judged(judged.as_ref())
    };
    let learned = tokio::task::spawn_blocking(read).await;
    learned.unwrap_or_else(|error| unread.failed(error.to_string()))
}

/// Writes the summary, and tells a runner of GitHub Actions the lines of the lockfile.
fn told(parsed: &Arguments, document: &Document) -> io::Result<()> {
    if let Some(path) = &parsed.summary {
        output::create(path)?.write_all(audit::summary::markdown(document).as_bytes())?;
    }
    if !github::is_here() {
        return Ok(());
    }
    // To stderr: stdout may be JSON. A runner reads both.
    Output::commands(&audit::summary::annotations(document));
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(()) };
    let mut file = File::options().create(true).append(true).open(path)?;
    let there = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(github::cut(audit::summary::markdown(document), github::MAX_SUMMARY.saturating_sub(there)).as_bytes())
}

/// A failure of the audit as a whole.
fn failed(parsed: &Arguments, answer: &Answer) -> u8 {
    if parsed.speaks_json() {
        return written(Output::json(answer)).unwrap_or(UNDECIDED);
    }
    Output::failure(answer);
    UNDECIDED
}

impl Arguments {
    fn asked(&self) -> Asked {
        let has = |kind| self.omit.contains(&kind);
        let omit = Omit { dev: has(Kind::Dev), optional: has(Kind::Optional), peer: has(Kind::Peer) };
        let accepted = self.accept_left_out.iter().map(|choice| match choice {
            LeftOutChoice::Bundled => Reason::Bundled,
            LeftOutChoice::File => Reason::File,
            LeftOutChoice::Git => Reason::Git,
            LeftOutChoice::Link => Reason::Link,
            LeftOutChoice::OtherRegistry => Reason::OtherRegistry,
            LeftOutChoice::Tarball => Reason::Tarball,
        });
        Asked {
            tree: self.tree,
            omit,
            workspaces: self.workspace.clone(),
            accepted: accepted.collect(),
            since: self.since.clone(),
            config: Some(self.config()),
            accepts_settings: self.accept_settings,
        }
    }

    /// A checkout is a stranger's. Whom it names to ask is told, and followed where the user says
    /// so.
    fn project_file(&self) -> ProjectFile {
        if self.accept_settings { ProjectFile::OfStranger } else { ProjectFile::Ignored }
    }

    /// npm's configuration of the user, without the project's.
    fn config(&self) -> NpmConfig {
        let overrides = Overrides { registry: self.registry.clone(), project: ProjectFile::Ignored, ..Overrides::default() };
        NpmConfig::load(&Surroundings::of_process(None), &overrides)
    }

    fn options(&self, installed: Option<PathBuf>, folder: &Path) -> Options {
        Options {
            force: self.force,
            accept: self.accept(),
            registry: self.registry.clone(),
            isolation: self.isolation.clone(),
            timeout: self.timeout,
            max_age: self.max_age.map(|age| age.as_secs_f64()),
            offline: self.offline,
            // Named on the command line, and so from here; the project's folder is where its
            // `.npmrc` is.
            cache_dir: self.cache_dir.as_ref().map(|folder| std::path::absolute(folder).unwrap_or_else(|_| folder.clone())),
            installed,
            cwd: Some(folder.to_owned()),
            project_file: self.project_file(),
            ..Options::default()
        }
    }

    /// The files that are named, and those of the project that are read; - is none.
    fn places(&self, plan: &Plan) -> Places {
        let of_project = |name: &str| Some(plan.folder.join(name));
        Places::default()
            .folder("the project", &plan.folder)
            .read("the lockfile", Some(plan.file.clone()))
            .read("package.json", of_project("package.json"))
            .read(".npmrc", of_project(".npmrc"))
            .read("reproduce.json", of_project("reproduce.json"))
            .written("--db", self.db.clone())
            .written("--ndjson", self.ndjson.clone().filter(|path| path != Path::new("-")))
            .written("--summary", self.summary.clone())
    }

    fn accept(&self) -> Accept {
        self.accept.into()
    }

    /// What could change an answer, as the database keeps it.
    fn stored_as(&self) -> String {
        let Self { registry, isolation, timeout, .. } = self;
        let registry = registry.clone().unwrap_or_else(|| self.config().registry_for("a").to_string());
        let asked = serde_json::json!({
            "command": WORD, "accept": self.accept(), "registries": [registry], "isolation": isolation, "timeout": timeout,
        });
        asked.to_string()
    }

    fn fail_on(&self) -> FailOn {
        match self.fail_on {
            FailOnChoice::Differs => FailOn::Differs,
            FailOnChoice::Undecided => FailOn::Undecided,
            FailOnChoice::None => FailOn::None,
        }
    }

    /// Builds are what costs, and each may use several processors.
    fn jobs(&self) -> usize {
        jobs_within(self.jobs, self.memory)
    }

    /// Whether there is JSON on stdout, and nothing else.
    fn speaks_json(&self) -> bool {
        self.json || self.prints_lines()
    }

    /// Whether lines of JSON go to standard output.
    fn prints_lines(&self) -> bool {
        self.ndjson.as_deref() == Some(Path::new("-"))
    }
}

/// Where rows go as they come.
struct Sink {
    json: bool,
    prints_lines: bool,
    lines: Option<File>,
    style: Style,
}

impl Sink {
    fn of(parsed: &Arguments, plan: &Plan) -> io::Result<Self> {
        let prints_lines = parsed.prints_lines();
        let lines = parsed.ndjson.as_ref().filter(|_| !prints_lines).map(|path| output::create(path)).transpose()?;
        let style = Style::detect(parsed.color.enabled(io::stdout().is_terminal()));
        let sink = Self { json: parsed.json, prints_lines, lines, style };
        if !sink.json && !sink.prints_lines {
            Output::text(&audit::text::start(plan))?;
        }
        Ok(sink)
    }

    fn row(&mut self, row: &Row) -> io::Result<()> {
        self.line(&Line::Package(row))?;
        if self.json || self.prints_lines { Ok(()) } else { Output::text(&audit::text::row(row, self.style)) }
    }

    fn end(&mut self, document: &Document) -> io::Result<()> {
        for left in &document.left_out {
            self.line(&Line::LeftOut(left))?;
        }
        self.line(&Line::Total { totals: &document.totals, exit_code: document.exit_code })?;
        match (self.json, self.prints_lines) {
            (true, _) => Output::json_of(document),
            (_, true) => Ok(()),
            _ => Output::text(&audit::text::end(document)),
        }
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        if self.prints_lines {
            return Output::json_of(line);
        }
        match &mut self.lines {
            Some(file) => writeln!(file, "{}", serde_json::to_string(line)?),
            None => Ok(()),
        }
    }
}
