//! One question from start to end: configuration, stored results, the pipeline, and storing the
//! answer.

mod memory;
mod place;
mod published;
mod reached;
mod setup;
mod signing;
mod source;
mod stage;
mod stopped;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use context::Progress;
use http::Cancel;
use judge::{attested, emit, replay};
use npm_registry::{Packument, Release};
use npm_spec::{PackageName, Spec, Target, Wanted};
use rebuild::rebuilt::Limit;
use recipe::{LARGEST_DOCUMENT, Recipe, RecipeError, Told};
use report::answer::Answer;
use report::inspect::Inspection;
use report::json::{OptionsInfo, Report};
use report::replay::Replayed;
use verdict::diagnostic::shown_path;
use verdict::{Failed, Finding, Severity, Verdict, boxed, internal};

use crate::history;
use crate::options::Options;
use memory::{Memory, Tarball, Terms, is_kept, key_of};
pub(crate) use memory::{is_passing, is_put_off};
use place::Place;
pub(crate) use published::{Publishing, just_published};
use reached::Reached;
use setup::Setup;
pub use setup::cache_folders;
pub(crate) use setup::netrc_of;
pub(crate) use signing::sign;
pub(crate) use source::source_of;
pub use stage::{judge_stage, stages};
use stopped::Stopped;

/// How often a run looks whether its caller wants it to stop.
const CANCEL_POLL: Duration = Duration::from_millis(20);
/// How long a stopped run may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// How long the registry may take to say that it still serves the tarball of a stored result.
const CONFIRMING: Duration = Duration::from_secs(3);
/// How long a run whose time is over may take to compare and tell what is there: nothing is begun
/// any more.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Judges one spec, and looks at the versions before it where that is asked for. `known` is a JSON
/// object of results that count before those on disk.
pub async fn judge_one(spec: &str, options: &Options, known: Option<&str>, progress: Progress, cancelled: Arc<AtomicBool>) -> Answer {
    let count = match options.history() {
        Ok(count) => count,
        Err(error) => return Answer::failed(spec, &error),
    };
    if let Err(error) = options.emitted().as_deref().map_or(Ok(()), emit::remove_earlier) {
        return Answer::failed(spec, &*error);
    }
    let mut answer = judge_alone(spec, options, known, progress.clone(), Arc::clone(&cancelled)).await;
    if let (Answer::Judged { report, .. }, Some(path)) = (&mut answer, options.emitted())
        && report.attempts.is_empty()
    {
        // Of this run alone, and not stored.
        let message = format!("{} was not written, because nothing was rebuilt", shown_path(&path));
        report.findings.push(Finding::new("emit-nothing", Severity::Warning, message));
    }
    if let (Answer::Judged { report, .. }, 1..) = (&mut answer, count) {
        history::extend(report, spec, (options, count), &progress, &cancelled).await;
    }
    answer
}

/// The stored result of an exact version whose tarball the registry promises to be this one;
/// nothing is asked for.
pub(crate) fn stored(word: &str, promised: Option<String>, options: &Options) -> Option<Answer> {
    let spec = Spec::parse(word).ok()?;
    let Target::Registry { name, wanted: Wanted::Version(version), .. } = spec.target() else { return None };
    if !spec.checksums().is_empty() || options.no_cache || options.local_source().is_some() || options.recipe.is_some() {
        return None;
    }
    // What is wrong with the configuration, or with the file of results, shows where the version is
    // judged.
    let setup = Setup::read(options).ok()?;
    let place = Place::of(options, &setup.around).ok()?;
    let (info, _) = setup.rules(&spec, options).ok()?;
    let memory = Memory::of(None, &place.folders);
    let terms = Terms { options: &info, word, max_age: options.max_age().ok()? };
    let found = memory.look_up(&format!("{name}@{version}"), &Tarball::Promised(promised), &terms, &mut Vec::new());
    found.map(memory::Found::answer)
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
    let run = Box::pin(run(spec, options, known, stop.reached.hearing(progress), &stop));
    let answer = until_stopped(run, &stop, options, &cancelled).await;
    answer.unwrap_or_else(|error| {
        let mut failed = Answer::failed(spec, &*error);
        stop.reached.name(&mut failed);
        failed
    })
}

/// Fetches one tarball and takes it apart; no source is asked for.
pub async fn inspect_one(spec: &str, options: &Options, cancelled: Arc<AtomicBool>) -> Result<Inspection, Failed> {
    let stop = Stop::default();
    until_stopped(inspect(spec, options, &stop), &stop, options, &cancelled).await
}

/// Makes the tarball of a recipe again; `file` has the recipe, or a result with it, and `-` is
/// standard input.
pub async fn replay_one(file: &Path, options: &Options, progress: Progress, cancelled: Arc<AtomicBool>) -> Result<Replayed, Failed> {
    options.emitted().as_deref().map_or(Ok(()), emit::remove_earlier)?;
    let stop = Stop::default();
    let run = Box::pin(replay_file(file, options, progress, &stop));
    until_stopped(run, &stop, options, &cancelled).await
}

/// Judges a tarball on disk that is not published yet, as `release` will describe it. Nothing of it
/// is stored.
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
        let mut setup = Setup::read(options)?;
        let (info, roots) = setup.rules(&spec, options)?;
        let place = Place::of(options, &setup.around).map_err(boxed)?;
        let findings: Vec<Finding> = setup.findings.drain(..).chain(place.finding.clone()).collect();
        let client = setup.client();
        let question = setup.question(options, roots)?;
        let context = setup.context(client, place.folders.clone(), progress, &stop);
        let mut report = judge::judge_release(&spec, release, question, info, &context).await?;
        stop.check(&report)?;
        report.findings.extend(findings);
        Ok(Box::new(report))
    });
    until_stopped(run, &stop, options, &cancelled).await
}

/// Fetches one tarball, checked against the registry's integrity.
pub(crate) async fn fetch_one(spec: &str, options: &Options, cancelled: Arc<AtomicBool>) -> Result<npm_registry::Published, Failed> {
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
        // What is wrong with the configuration shows where it counts: what is asked for is fetched
        // or it is not.
        let setup = Setup::read(options)?;
        npm_registry::history(name, None, &setup.npm, &setup.client(), &setup.resolving(&stop)).await.map_err(boxed)
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
    let until = |started: Instant, limit: Option<Duration>| async move {
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Stopped::Cancelled;
            }
            if let Some(limit) = limit.filter(|limit| started.elapsed() >= *limit) {
                return Stopped::TimedOut(limit, stop.reached.clone());
            }
            tokio::time::sleep(CANCEL_POLL).await;
        }
    };
    let mut stopped = tokio::select! {
        biased;
        answer = &mut run => return answer,
        stopped = until(stop.started, limit) => stopped,
    };
    if let (Stopped::TimedOut(limit, _), Some(_)) = (&stopped, limit) {
        // Requests end at once, and the step that runs has ended by its own clock.
        let limit = *limit;
        stop.late.store(true, Ordering::Relaxed);
        stop.requests.cancel();
        tokio::select! {
            biased;
            answer = &mut run => return answer.map_err(|_| boxed(Stopped::TimedOut(limit, stop.reached.clone()))),
            last = until(Instant::now(), Some(LAST_WORDS)) => {
                if matches!(last, Stopped::Cancelled) {
                    stopped = last;
                }
            }
        }
    }
    // Requests end at once and blocking work sees the flag at its next step; what they say then is
    // of no interest.
    stop.requested.store(true, Ordering::Relaxed);
    stop.work.store(true, Ordering::Relaxed);
    stop.requests.cancel();
    let _: Result<Result<T, Failed>, _> = tokio::time::timeout(GRACE, &mut run).await;
    Err(boxed(stopped))
}

/// How a run is stopped, by its caller or by itself once it has its answer.
struct Stop {
    /// When the run began.
    started: Instant,
    /// Ends requests.
    requests: Cancel,
    /// Seen by blocking work.
    work: Arc<AtomicBool>,
    /// It was not the run itself: whatever comes out of it now is no answer.
    requested: AtomicBool,
    /// The time is over, and requests with it.
    late: AtomicBool,
    /// How far the run came.
    reached: Reached,
}

impl Default for Stop {
    fn default() -> Self {
        let (requests, work) = (Cancel::default(), Arc::default());
        Self {
            started: Instant::now(),
            requests,
            work,
            requested: AtomicBool::default(),
            late: AtomicBool::default(),
            reached: Reached::default(),
        }
    }
}

impl Stop {
    /// Refuses a result that is none: one of a run that was cancelled, and one that lacks what
    /// could not be asked for any more. Bytes that agree agree at any time, and that the time ran
    /// out is true.
    fn check(&self, report: &Report) -> Result<(), Failed> {
        let told =
            matches!(report.verdict, Verdict::Identical | Verdict::SameContent) || report.code.as_deref() == Some(Limit::Time.code());
        if self.requested.load(Ordering::Relaxed) || self.is_late() && !told {
            return Err(boxed(Stopped::Cancelled));
        }
        Ok(())
    }

    fn is_late(&self) -> bool {
        self.late.load(Ordering::Relaxed)
    }
}

async fn run(word: &str, options: &Options, known: Option<&str>, progress: Progress, stop: &Stop) -> Result<Answer, Failed> {
    let spec = Spec::parse(word).map_err(boxed)?;
    stop.reached.asked(&spec);
    let mut setup = Setup::read(options)?;
    let place = Place::of(options, &setup.around).map_err(boxed)?;
    let memory = Memory::of(known, &place.folders);
    let (info, roots) = setup.rules(&spec, options)?;
    let (mut findings, mut of_memory) = (Vec::new(), Vec::new());
    let given = given_recipe(options, &setup.around.cwd).await?;
    // What lies on this machine can be another thing tomorrow, and a checksum is of this question
    // alone.
    let stores = !options.no_cache && options.local_source().is_none() && given.is_none() && spec.checksums().is_empty();
    let reads = stores && !options.force && options.emit.is_none();

    let terms = Terms { options: &info, word, max_age: options.max_age().map_err(boxed)? };
    let mut known_one = None;
    if reads && let Target::Registry { name, wanted: Wanted::Version(version), .. } = spec.target() {
        known_one = memory.look_up(&format!("{name}@{version}"), &Tarball::NotAsked, &terms, &mut of_memory);
    }
    if let Some(found) = known_one.take_if(|found| options.offline || found.is_confirmed()) {
        return Ok(found.unconfirmed());
    }
    if options.offline {
        return Err(Box::new(Stopped::Offline));
    }

    findings.append(&mut setup.findings);
    findings.extend(place.finding.clone());
    findings.extend(file_of_that_name(&spec, &setup.around.cwd));
    let client = setup.client();
    progress.tell("resolve", "reading the registry's metadata");
    let resolving = setup.resolving(stop);
    let selecting = npm_registry::select(&spec, &setup.npm, &client, &resolving);
    let is_known = known_one.is_some();
    let selected = match known_one {
        None => selecting.await,
        // A stored answer waits for no registry that is away.
        Some(found) => match tokio::time::timeout(CONFIRMING, selecting).await {
            Ok(Err(error)) if error.is_unanswered() => return Ok(found.unconfirmed()),
            Ok(selected) => selected,
            Err(_) => return Ok(found.unconfirmed()),
        },
    };
    let release = selected.map_err(boxed)?;
    stop.reached.selected(&release);
    let key = key_of(&spec, &release);
    if reads && let Some(key) = &key {
        let promised = Tarball::Promised(release.promised().map(|promised| promised.text()));
        if let Some(mut found) = memory.look_up(key, &promised, &terms, &mut of_memory) {
            if is_known {
                memory.confirm(&mut found);
            }
            return Ok(found.answer());
        }
    }

    let info = OptionsInfo { recipe: given.as_deref().map(Recipe::digest), ..info };
    let question = setup.question(options, roots)?.following(given);
    let context = setup.context(client, place.folders.clone(), progress, stop);
    let mut report = judge::judge_release(&spec, release, question, info, &context).await?;
    stop.check(&report)?;
    report.findings.extend(findings);
    let memory = stores.then_some(&memory);
    Ok(remembered(report, key, memory, of_memory, stop.is_late()))
}

/// The answer, once it is held against an earlier one and stored, where `memory` is to keep it.
/// `late`: the time is over, and what came of it is not stored.
fn remembered(mut report: Report, key: Option<String>, memory: Option<&Memory>, of_memory: Vec<Finding>, late: bool) -> Answer {
    if let (Some(memory), Some(key)) = (memory, key.as_deref())
        && let Some(earlier) = memory.earlier(key)
    {
        attested::moved_since(&mut report, &earlier);
        memory::republished_since(&mut report, &earlier);
    }
    let key = key.filter(|_| is_kept(&report) && !late);
    if let (Some(memory), Some(key)) = (memory, &key) {
        memory.keep(key, &mut report);
    }
    // What was wrong with the file of results is of this run, and not stored with the result.
    for finding in of_memory {
        memory::say_once(&mut report.findings, finding);
    }
    Answer::Judged { key, report: Box::new(report) }
}

/// A note where a name that looks like a file's is one here, and the package of that name is what
/// was checked.
fn file_of_that_name(spec: &Spec, cwd: &Path) -> Option<Finding> {
    let Target::Registry { name, .. } = spec.target() else { return None };
    let name = name.to_string();
    (name == spec.raw() && name.contains('.') && cwd.join(&name).is_file()).then(|| {
        let message = format!("{name} is also a file here, but the npm package of that name was checked; write ./{name} for the file");
        Finding::new("file-of-that-name", Severity::Warning, message)
    })
}

async fn fetch(word: &str, options: &Options, stop: &Stop) -> Result<npm_registry::Published, Failed> {
    let spec = Spec::parse(word).map_err(boxed)?;
    // What is wrong with the configuration shows where it counts: what is asked for is fetched or
    // it is not.
    let setup = Setup::read(options)?;
    npm_registry::resolve(&spec, &setup.npm, &setup.client(), &setup.resolving(stop)).await.map_err(boxed)
}

async fn inspect(word: &str, options: &Options, stop: &Stop) -> Result<Inspection, Failed> {
    let published = fetch(word, options, stop).await?;
    let shown = npm_spec::shown(&Spec::parse(word).map_err(boxed)?);
    let inspected = tokio::task::spawn_blocking(move || judge::inspect::inspect(&shown, &published)).await;
    inspected.map_err(internal)?.map_err(boxed)
}

async fn replay_file(file: &Path, options: &Options, progress: Progress, stop: &Stop) -> Result<Replayed, Failed> {
    let document = read_recipe(file.to_owned()).await?;
    let (recipe, told) = (Recipe::from_json(&document).map_err(boxed)?, Told::from_json(&document));
    // What is wrong with the configuration shows where it counts: the repository is reached or it
    // is not.
    let setup = Setup::read(options)?;
    let place = Place::of(options, &setup.around).map_err(boxed)?;
    let question = setup.question(options, None)?;
    let client = setup.client();
    let context = setup.context(client, place.folders.clone(), progress, stop);
    let (runtime, patience) = (tokio::runtime::Handle::current(), context.patience());
    let work = tokio::task::spawn_blocking(patience.around(move || replay::replay(&recipe, told, &question, &context, &runtime)));
    work.await.map_err(internal)?
}

/// The bytes of a recipe's file, as many as are read at all and one more. In a thread of its own: a
/// pipe may have nothing to read for longer than the run has time.
/// The recipe that the user gave.
async fn given_recipe(options: &Options, cwd: &Path) -> Result<Option<Arc<Recipe>>, Failed> {
    let Some(file) = &options.recipe else { return Ok(None) };
    let file = if file == Path::new("-") { file.clone() } else { cwd.join(file) };
    Ok(Some(Arc::new(Recipe::from_json(&read_recipe(file).await?).map_err(boxed)?)))
}

async fn read_recipe(file: PathBuf) -> Result<Vec<u8>, Failed> {
    tokio::task::spawn_blocking(move || bytes_of_recipe(&file)).await.map_err(internal)?.map_err(boxed)
}

fn bytes_of_recipe(file: &Path) -> Result<Vec<u8>, RecipeError> {
    let mut bytes = Vec::new();
    let reader: Box<dyn Read> = if file == Path::new("-") {
        Box::new(crate::pipes::standard_input())
    } else {
        crate::pipes::open_named(file).map_err(|error| RecipeError::Unreadable(format!("{}: {error}", file.display())))?
    };
    let read = reader.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes);
    read.map_err(|error| RecipeError::Unreadable(error.to_string()))?;
    Ok(bytes)
}
