//! One question from start to end: configuration, stored results, the pipeline, and storing the answer.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use crate::error::{Explain, Stage};
use crate::git::config::GitConfig;
use crate::history;
use crate::http::{Cancel, Client, HttpConfig};
use crate::npmrc::{NpmConfig, Overrides, Surroundings};
use crate::options::Options;
use crate::origin::attested;
use crate::pipeline::{self, Context, Failed};
use crate::recipe::{LARGEST_DOCUMENT, Recipe, RecipeError};
use crate::registry::{self, Packument, Release};
use crate::replay::{self, Orders};
use crate::report::draft::timestamp;
use crate::report::inspect::Inspection;
use crate::report::json::{Failure, Finding, OptionsInfo, PackageInfo, Report, SCHEMA_VERSION, Severity};
use crate::report::replay::Replayed;
use crate::spec::{PackageName, Spec, Target, Wanted};
use crate::store::{Folders, Results, folders};
use crate::verdict::{Accept, Verdict};

/// How long a result that decided nothing is believed: a repository may be back tomorrow.
const UNDECIDED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How often a run looks whether its caller wants it to stop.
const CANCEL_POLL: Duration = Duration::from_millis(20);
/// How long a stopped run may take to end.
const GRACE: Duration = Duration::from_secs(10);

type Listener = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// Whom to tell what is being done.
#[derive(Clone)]
pub struct Progress(Option<Listener>);

impl Progress {
    /// Calls `listener` with the stage and a line for people.
    pub fn new(listener: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self(None)
    }

    /// Says what is being done.
    pub fn tell(&self, stage: &str, message: &str) {
        if let Some(listener) = &self.0 {
            listener(stage, message);
        }
    }
}

/// What came of one spec.
pub enum Answer {
    /// A result.
    Judged {
        /// `name@version`, under which it is stored.
        key: Option<String>,
        /// The result.
        report: Box<Report>,
    },
    /// A failure of ours, the user's or the network's.
    Failed(Box<Failure>),
}

impl Answer {
    /// A failure before anything was asked.
    pub fn failed(spec: &str, error: &dyn Explain) -> Self {
        // An address may carry a secret in its query.
        let spec = Spec::parse(spec).map_or_else(|_| spec.to_owned(), |spec| shown(&spec));
        Self::Failed(Box::new(Failure {
            schema_version: SCHEMA_VERSION,
            reproduce_version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict: Verdict::Error,
            reproduced: false,
            package: PackageInfo { spec, name: None, version: None, location: None, integrity: None },
            code: error.code().to_owned(),
            stage: error.stage().to_string(),
            message: error.to_string(),
            hints: error.hint().into_iter().collect(),
        }))
    }

    /// Misuse of the command line.
    pub fn usage(message: &str, hint: String) -> Self {
        Self::failed("", &Misuse { message: message.to_owned(), hint })
    }

    /// 0, 1 or 2.
    pub fn exit_code(&self, accept: Accept) -> u8 {
        match self {
            Self::Judged { report, .. } => report.verdict.exit_code(accept),
            Self::Failed(_) => Verdict::Error.exit_code(accept),
        }
    }

    /// For JavaScript: `{"ok":true,"key":…,"result":…}` or `{"ok":false,"error":…}`.
    pub fn to_json(&self) -> String {
        let value = match self {
            Self::Judged { key, report } => serde_json::json!({ "ok": true, "key": key, "result": report }),
            Self::Failed(failure) => serde_json::json!({ "ok": false, "error": failure }),
        };
        value.to_string()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Misuse {
    message: String,
    hint: String,
}

impl Explain for Misuse {
    fn code(&self) -> &'static str {
        "usage"
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(self.hint.clone())
    }
}

/// Why a run ended without an answer of the pipeline's.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("cancelled")]
    Cancelled,
    #[error("it took longer than {0} seconds")]
    TimedOut(u64),
    #[error("there is no stored result, and the network is switched off")]
    Offline,
}

impl Explain for Stopped {
    fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::TimedOut(_) => "timed-out",
            Self::Offline => "offline",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Resolve
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cancelled => None,
            Self::TimedOut(_) => Some("--timeout sets another limit; 0 switches it off".into()),
            Self::Offline => Some("an exact version that was judged before is answered without a network".into()),
        }
    }
}

/// Judges one spec, and looks at the versions before it where that is asked for. `known` is a JSON object of results that count before
/// those on disk.
pub async fn judge_one(spec: &str, options: &Options, known: Option<&str>, progress: Progress, cancelled: Arc<AtomicBool>) -> Answer {
    let count = match options.history() {
        Ok(count) => count,
        Err(error) => return Answer::failed(spec, &error),
    };
    let mut answer = judge_alone(spec, options, known, progress.clone(), Arc::clone(&cancelled)).await;
    if let (Answer::Judged { report, .. }, 1..) = (&mut answer, count) {
        history::extend(report, spec, options, count, &progress, &cancelled).await;
    }
    answer
}

/// Judges one spec and no other version.
pub(crate) async fn judge_alone(
    spec: &str,
    options: &Options,
    known: Option<&str>,
    progress: Progress,
    cancelled: Arc<AtomicBool>,
) -> Answer {
    let stop = Stop::default();
    // On the heap: all stages together are a large future.
    let run = Box::pin(run(spec, options, known, progress, &stop));
    until_stopped(run, &stop, options, &cancelled).await.unwrap_or_else(|error| Answer::failed(spec, &*error))
}

/// Fetches one tarball and takes it apart; no source is asked for.
pub async fn inspect_one(spec: &str, options: &Options, cancelled: Arc<AtomicBool>) -> Result<Inspection, Failed> {
    let stop = Stop::default();
    until_stopped(inspect(spec, options, &stop), &stop, options, &cancelled).await
}

/// Makes the tarball of a recipe again; `file` has the recipe, or a result with it, and `-` is standard input.
pub async fn replay_one(file: &Path, options: &Options, progress: Progress, cancelled: Arc<AtomicBool>) -> Result<Replayed, Failed> {
    let stop = Stop::default();
    let run = Box::pin(replay_file(file, options, progress, &stop));
    until_stopped(run, &stop, options, &cancelled).await
}

/// Judges a tarball on disk that is not published yet, as `release` will describe it. Nothing of it is stored.
pub async fn judge_unpublished(
    path: &str,
    release: Release,
    options: &Options,
    progress: Progress,
    cancelled: Arc<AtomicBool>,
) -> Result<Box<Report>, Failed> {
    let stop = Stop::default();
    let run = Box::pin(async {
        let spec = Spec::parse(path).map_err(boxed)?;
        let (context, info, findings) = prepared(&spec, options, progress, &stop)?;
        let mut report = pipeline::judge_release(&spec, release, options, info, &context).await?;
        report.findings.extend(findings);
        Ok(Box::new(report))
    });
    until_stopped(run, &stop, options, &cancelled).await
}

/// What the pipeline needs, from the configuration of this process, without stored results.
fn prepared(spec: &Spec, options: &Options, progress: Progress, stop: &Stop) -> Result<(Context, OptionsInfo, Vec<Finding>), Failed> {
    options.check_registry().map_err(boxed)?;
    let around = Surroundings::of_process(None);
    let mut npm = NpmConfig::load(&around, &Overrides { registry: options.registry.clone(), settings: Vec::new() });
    let folders = cache_folders(options, &around).map_err(boxed)?;
    let git = GitConfig::load().map_err(boxed)?;
    let info = options.info(registry_of(spec, &npm), git.fingerprint()).map_err(boxed)?;
    let mut findings = Vec::new();
    let client = connect(&mut npm, &git, &mut findings);
    let deadline = options.limit().map_err(boxed)?.map(|limit| std::time::Instant::now() + limit);
    let (cancel, cancelled) = (stop.requests.clone(), Arc::clone(&stop.work));
    Ok((
        Context { client, npm, git, folders, progress, cancel, cancelled, cwd: around.cwd, deadline, given: None, roots: None },
        info,
        findings,
    ))
}

/// Fetches one tarball, checked against the registry's integrity.
pub(crate) async fn fetch_one(spec: &str, options: &Options, cancelled: Arc<AtomicBool>) -> Result<registry::Published, Failed> {
    let stop = Stop::default();
    until_stopped(fetch(spec, options, &stop), &stop, options, &cancelled).await
}

/// Reads the names, tags and times of all versions of a package.
pub(crate) async fn packument(name: &PackageName, options: &Options, cancelled: Arc<AtomicBool>) -> Result<Packument, Failed> {
    let stop = Stop::default();
    let read = async {
        if options.offline {
            return Err(boxed(Stopped::Offline));
        }
        let (around, npm, client) = surroundings(options)?;
        registry::history(name, None, &npm, &client, &resolving(&around, &stop)).await.map_err(boxed)
    };
    until_stopped(read, &stop, options, &cancelled).await
}

/// Lets a run come to its end, or stops it when its caller or the clock says so.
async fn until_stopped<T>(
    run: impl Future<Output = Result<T, Failed>>,
    stop: &Stop,
    options: &Options,
    cancelled: &AtomicBool,
) -> Result<T, Failed> {
    let limit = options.limit().map_err(boxed)?;
    let mut run = std::pin::pin!(run);
    let stopped = async {
        let started = tokio::time::Instant::now();
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Stopped::Cancelled;
            }
            if limit.is_some_and(|limit| started.elapsed() >= limit) {
                return Stopped::TimedOut(limit.unwrap_or_default().as_secs());
            }
            tokio::time::sleep(CANCEL_POLL).await;
        }
    };
    tokio::select! {
        biased;
        answer = &mut run => answer,
        stopped = stopped => {
            // Requests end at once and blocking work sees the flag at its next step; what they say then is of no interest.
            stop.requested.store(true, Ordering::Relaxed);
            stop.work.store(true, Ordering::Relaxed);
            stop.requests.cancel();
            let _: Result<Result<T, Failed>, _> = tokio::time::timeout(GRACE, &mut run).await;
            Err(boxed(stopped))
        }
    }
}

/// How a run is stopped, by its caller or by itself once it has its answer.
#[derive(Default)]
struct Stop {
    /// Ends requests.
    requests: Cancel,
    /// Seen by blocking work.
    work: Arc<AtomicBool>,
    /// It was not the run itself: whatever comes out of it now is no answer.
    requested: AtomicBool,
}

async fn run(word: &str, options: &Options, known: Option<&str>, progress: Progress, stop: &Stop) -> Result<Answer, Failed> {
    let started = std::time::Instant::now();
    let spec = Spec::parse(word).map_err(boxed)?;
    options.check_registry().map_err(boxed)?;
    let mut around = Surroundings::of_process(None);
    if let Some(cwd) = &options.cwd {
        around.cwd = around.cwd.join(cwd);
    }
    let mut npm = NpmConfig::load(&around, &Overrides { registry: options.registry.clone(), settings: Vec::new() });
    let folders = cache_folders(options, &around).map_err(boxed)?;
    let memory = Memory {
        known: known.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default(),
        results: Results::at(&folders.results),
    };
    let git = GitConfig::load().map_err(boxed)?;
    let (roots, trusted_root) = options.roots(&around.cwd).map_err(boxed)?.unzip();
    let info = OptionsInfo { trusted_root, ..options.info(registry_of(&spec, &npm), git.fingerprint()).map_err(boxed)? };
    let mut findings = Vec::new();
    let file = options.recipe.as_ref().map(|file| if file == Path::new("-") { file.clone() } else { around.cwd.join(file) });
    let given = file.map(|file| Recipe::from_json(&read_recipe(&file)?)).transpose().map_err(boxed)?.map(Arc::new);
    // What lies on this machine can be another thing tomorrow.
    let stores = !options.no_cache && options.local_source().is_none() && given.is_none();
    let reads = stores && !options.force && options.emit.is_none();

    if reads
        && let Target::Registry { name, wanted: Wanted::Version(version), .. } = spec.target()
        && let Some(report) = memory.look_up(&format!("{name}@{version}"), &Tarball::NotAsked, &info, word, &mut findings)
    {
        return Ok(report);
    }
    if options.offline {
        return Err(Box::new(Stopped::Offline));
    }

    let client = connect(&mut npm, &git, &mut findings);
    progress.tell("resolve", "reading the registry's metadata");
    let resolving = resolving(&around, stop);
    let release = registry::select(&spec, &npm, &client, &resolving).await.map_err(boxed)?;
    let key = key_of(&spec, &release);
    if reads
        && let Some(key) = &key
        && let Some(answer) =
            memory.look_up(key, &Tarball::Promised(release.promised().map(|promised| promised.text())), &info, word, &mut findings)
    {
        return Ok(answer);
    }
    for finding in &npm.findings {
        findings.push(Finding::new(finding.code, Severity::Warning, finding.message.clone()));
    }

    let (cancel, cancelled) = (stop.requests.clone(), Arc::clone(&stop.work));
    let deadline = options.limit().map_err(boxed)?.map(|limit| started + limit);
    let context = Context { client, npm, git, folders, progress, cancel, cancelled, cwd: around.cwd, deadline, given, roots };
    let mut report = pipeline::judge_release(&spec, release, options, info, &context).await?;
    if stop.requested.load(Ordering::Relaxed) {
        return Err(Box::new(Stopped::Cancelled));
    }
    report.findings.extend(findings);
    if stores && let Some(earlier) = key.as_deref().and_then(|key| memory.earlier(key)) {
        attested::moved_since(&mut report, &earlier);
    }
    if stores
        && let Some(key) = &key
        && is_kept(&report)
    {
        memory.keep(key, &mut report);
    }
    Ok(Answer::Judged { key, report: Box::new(report) })
}

/// npm's configuration and a client for it, where nothing but the registry is asked.
fn surroundings(options: &Options) -> Result<(Surroundings, NpmConfig, Client), Failed> {
    options.check_registry().map_err(boxed)?;
    let mut around = Surroundings::of_process(None);
    if let Some(cwd) = &options.cwd {
        around.cwd = around.cwd.join(cwd);
    }
    let mut npm = NpmConfig::load(&around, &Overrides { registry: options.registry.clone(), settings: Vec::new() });
    let git = GitConfig::load().map_err(boxed)?;
    // What is wrong with the configuration shows where it counts: what is asked for is fetched or it is not.
    let client = connect(&mut npm, &git, &mut Vec::new());
    Ok((around, npm, client))
}

async fn fetch(word: &str, options: &Options, stop: &Stop) -> Result<registry::Published, Failed> {
    let spec = Spec::parse(word).map_err(boxed)?;
    let (around, npm, client) = surroundings(options)?;
    registry::resolve(&spec, &npm, &client, &resolving(&around, stop)).await.map_err(boxed)
}

async fn inspect(word: &str, options: &Options, stop: &Stop) -> Result<Inspection, Failed> {
    let published = fetch(word, options, stop).await?;
    let shown = shown(&Spec::parse(word).map_err(boxed)?);
    let inspected = tokio::task::spawn_blocking(move || crate::inspect::inspect(&shown, &published)).await;
    inspected.map_err(pipeline::internal)?.map_err(boxed)
}

async fn replay_file(file: &Path, options: &Options, progress: Progress, stop: &Stop) -> Result<Replayed, Failed> {
    let started = std::time::Instant::now();
    options.check_registry().map_err(boxed)?;
    let isolation = options.isolation().map_err(boxed)?;
    let recipe = Recipe::from_json(&read_recipe(file).map_err(boxed)?).map_err(boxed)?;
    let around = Surroundings::of_process(None);
    let mut npm = NpmConfig::load(&around, &Overrides { registry: options.registry.clone(), settings: Vec::new() });
    let folders = cache_folders(options, &around).map_err(boxed)?;
    let git = GitConfig::load().map_err(boxed)?;
    // What is wrong with the configuration shows where it counts: the repository is reached or it is not.
    let client = connect(&mut npm, &git, &mut Vec::new());
    let (cancel, cancelled) = (stop.requests.clone(), Arc::clone(&stop.work));
    let deadline = options.limit().map_err(boxed)?.map(|limit| started + limit);
    let orders = Orders { emit: options.emit.as_ref().map(|path| around.cwd.join(path)), isolation, installed: options.installed.clone() };
    let context = Context { client, npm, git, folders, progress, cancel, cancelled, cwd: around.cwd, deadline, given: None, roots: None };
    let runtime = tokio::runtime::Handle::current();
    let work = tokio::task::spawn_blocking(move || replay::replay(&recipe, &orders, &context, &runtime));
    work.await.map_err(pipeline::internal)?
}

/// The bytes of a recipe's file, as many as are read at all and one more.
fn read_recipe(file: &Path) -> Result<Vec<u8>, RecipeError> {
    let mut bytes = Vec::new();
    let reader: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).map_err(|error| RecipeError::Unreadable(format!("{}: {error}", file.display())))?)
    };
    let read = reader.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes);
    read.map_err(|error| RecipeError::Unreadable(error.to_string()))?;
    Ok(bytes)
}

/// A client for what npm's and git's configuration allow. What of it does not count becomes a finding.
fn connect(npm: &mut NpmConfig, git: &GitConfig, findings: &mut Vec<Finding>) -> Client {
    for base in git.bases() {
        if let Ok(url) = url::Url::parse(base) {
            npm.network.allowed.add(&url);
        }
    }
    if let Some(path) = git.ca_file.as_deref() {
        match std::fs::read_to_string(path) {
            Ok(roots) => npm.network.extra_roots.push(roots),
            Err(error) => {
                let message = format!("git's http.sslCAInfo, {path}, cannot be read and does not count: {error}");
                findings.push(Finding::new("git-ca-unreadable", Severity::Warning, message));
            }
        }
    }
    let agent =
        format!("reproduce/{} {} {}", env!("CARGO_PKG_VERSION"), crate::report::draft::node_os(), crate::report::draft::node_arch());
    Client::new(HttpConfig::from_npm(npm, &agent))
}

fn resolving(around: &Surroundings, stop: &Stop) -> registry::ResolveOptions<'static> {
    registry::ResolveOptions {
        cwd: around.cwd.clone(),
        home: around.home.clone(),
        cancel: stop.requests.clone(),
        ..registry::ResolveOptions::default()
    }
}

/// The spec as it may be shown and stored: as typed, but an address without its query.
pub fn shown(spec: &Spec) -> String {
    match spec.target() {
        Target::Tarball(_) => spec.display(),
        Target::Registry { .. } | Target::File(_) => spec.raw().to_owned(),
    }
}

fn boxed<E: Explain + Send + Sync + 'static>(error: E) -> Failed {
    Box::new(error)
}

/// The folders of the caches that the options mean.
pub fn cache_folders(options: &Options, around: &Surroundings) -> Result<Folders, crate::store::CacheError> {
    let root: PathBuf = match &options.cache_dir {
        Some(dir) => around.cwd.join(dir),
        None => folders::platform_root(folders::Platform::HOST, &|name| around.vars.get(name).map(Into::into))?,
    };
    Ok(Folders::at(root, options.cache_file.as_deref()))
}

fn registry_of(spec: &Spec, npm: &NpmConfig) -> Option<String> {
    match spec.target() {
        Target::Registry { name, registry, .. } => {
            Some(registry.clone().unwrap_or_else(|| npm.registry_for(&name.to_string())).to_string())
        }
        Target::Tarball(_) | Target::File(_) => None,
    }
}

/// `name@version` for what a registry serves; a tarball from elsewhere is not stored under a name that it gives itself.
fn key_of(spec: &Spec, release: &Release) -> Option<String> {
    match spec.target() {
        Target::Registry { .. } => Some(format!("{}@{}", release.name.as_deref()?, release.version.as_deref()?)),
        Target::Tarball(_) | Target::File(_) => None,
    }
}

/// A host that could not be reached may answer in a minute; every other result holds for a while.
fn is_kept(report: &Report) -> bool {
    !matches!(report.code.as_deref(), Some("repository-unreachable" | "repository-protocol"))
}

/// What is known of the tarball that a stored result should be about.
enum Tarball {
    /// Nothing was asked: an exact version never changes.
    NotAsked,
    /// What the registry promises now.
    Promised(Option<String>),
}

/// Stored results: the caller's object, then the file.
struct Memory {
    known: HashMap<String, Box<RawValue>>,
    results: Results,
}

impl Memory {
    /// A stored result that still counts. A file that cannot be read is a finding, not a failure.
    fn look_up(&self, key: &str, tarball: &Tarball, options: &OptionsInfo, word: &str, findings: &mut Vec<Finding>) -> Option<Answer> {
        let in_memory = self.known.get(key).map(|value| value.get().to_owned());
        let text = match in_memory {
            Some(text) => text,
            None => match self.results.get(key) {
                Ok(found) => found?.get().to_owned(),
                Err(error) => {
                    say_once(findings, Finding::new(error.code(), Severity::Warning, error.to_string()));
                    return None;
                }
            },
        };
        let mut report: Report = serde_json::from_str(&text).ok()?;
        let named = format!("{}@{}", report.package.name.as_deref()?, report.package.version.as_deref()?);
        if named != key || !still_counts(&report, tarball, options, SystemTime::now()) {
            return None;
        }
        word.clone_into(&mut report.package.spec);
        Some(Answer::Judged { key: Some(key.to_owned()), report: Box::new(report) })
    }

    /// The result of an earlier run, whether it still counts or not. A file that cannot be read has none; keeping the new result says so.
    fn earlier(&self, key: &str) -> Option<Report> {
        let stored = self.results.get(key).ok().flatten()?;
        serde_json::from_str(stored.get()).ok()
    }

    /// Keeps a result. Where that fails the answer stands, and says so.
    fn keep(&self, key: &str, report: &mut Report) {
        let written = match serde_json::value::to_raw_value(report) {
            Ok(raw) => self.results.put(key, &raw),
            Err(_) => return,
        };
        match written {
            Ok(written) => {
                if let Some(moved) = written.moved_aside {
                    let message = format!("the file of results was damaged and was moved to {}", moved.display());
                    report.findings.push(Finding::new("cache-damaged", Severity::Warning, message));
                }
            }
            Err(error) => {
                say_once(
                    &mut report.findings,
                    Finding::new(error.code(), Severity::Warning, format!("the result could not be stored: {error}")),
                );
                report.hints.extend(error.hint());
            }
        }
    }
}

fn say_once(findings: &mut Vec<Finding>, finding: Finding) {
    if !findings.iter().any(|known| known.code == finding.code) {
        findings.push(finding);
    }
}

/// A stored result counts while the tarball, this program and the options are the same; one that decided nothing, for a day.
fn still_counts(report: &Report, tarball: &Tarball, options: &OptionsInfo, now: SystemTime) -> bool {
    let same_program = report.schema_version == SCHEMA_VERSION && report.reproduce_version == env!("CARGO_PKG_VERSION");
    let same_tarball = match tarball {
        Tarball::NotAsked => true,
        // A registry that promises nothing could serve anything by now.
        Tarball::Promised(promised) => promised.is_some() && report.package.integrity == *promised,
    };
    // A build that failed may have met a busy machine, or a registry that was away.
    let decided = report.verdict.exit_code(Accept::SameContent) < 2 && report.verdict != Verdict::BuildFailed;
    // RFC 3339 in one time zone sorts by time.
    let fresh =
        now.checked_sub(UNDECIDED_FOR).is_some_and(|limit| report.timestamp > timestamp(limit)) && report.timestamp <= timestamp(now);
    same_program && same_tarball && report.options == *options && (decided || fresh)
}
