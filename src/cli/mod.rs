//! The command line: arguments in, answers on stdout, progress on stderr, an exit code out.
//! index.js only hands the arguments over.

mod again;
mod arguments;
mod attestation;
mod audit;
mod cache;
mod client_process;
mod completions;
mod documents;
mod hook;
mod inspect;
mod inventory;
mod kept;
mod local;
mod output;
mod pages;
mod places;
mod progress;
mod replay;
mod report;
mod sent_to;
mod signing;
mod specs;
mod stage;
mod survey;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Parser;
use clap::error::ContextValue;

use ::report::answer::Answer;
use ::report::product::Product;
use ::report::text::escape_lines;
use verdict::diagnostic::{Diagnostic, Stage, plain};
use verdict::merge_exit_codes;

use crate::options::Options;
use crate::pipes;
use crate::session;
use arguments::Arguments;
use documents::Documents;
use hook::Hook;
use output::Output;

/// Words that are, or will be, commands; a package of that name is asked for as `name@latest`.
pub const COMMANDS: &[&str] = &["inspect", "replay", "audit", "survey", "report", "stage", "explain", "cache", "completions", "help"];

/// The commands that rebuild packages.
const REBUILDING: [&str; 4] = [replay::WORD, audit::WORD, survey::WORD, stage::WORD];

/// A usage error, or anything else that is not decided.
const UNDECIDED: u8 = 2;
/// Stopped by the user: 128 + SIGINT, as shells report it.
const INTERRUPTED: u8 = 130;

/// The program that a command line is given to.
#[derive(Debug, Clone)]
pub struct Program {
    /// The folder of the addon.
    pub installed: Option<PathBuf>,
    /// The version of the Node that runs it.
    pub node: String,
    /// What it is published as.
    pub product: Product,
}

/// Runs the command line and returns the exit code.
pub async fn run(arguments: Vec<String>, program: Program, cancelled: Arc<AtomicBool>) -> u8 {
    pipes::wait_until(Arc::clone(&cancelled));
    let code = Box::pin(followed(arguments, program, cancelled)).await;
    // What was still read when the signal came is undecided for that reason alone.
    if code == UNDECIDED && pipes::was_cut() { INTERRUPTED } else { code }
}

async fn followed(arguments: Vec<String>, program: Program, cancelled: Arc<AtomicBool>) -> u8 {
    let Program { installed, node, product } = program;
    if std::env::var_os("REPRODUCE_ACTIVE").is_some_and(|value| !value.is_empty() && value != "0")
        && let Some(code) = within_itself(&arguments)
    {
        if code == 0 {
            // A file of the project can set it, too.
            Output::error_text("reproduce: nothing was checked: REPRODUCE_ACTIVE is set, as in builds of this program\n");
        }
        return code;
    }
    if let Some(code) = command(&arguments, installed.as_ref(), &product, &cancelled).await {
        return code;
    }
    let arguments = joined(arguments);
    let arguments = match Arguments::try_parse_from(std::iter::once("reproduce".to_owned()).chain(arguments.iter().cloned())) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error, &arguments, "reproduce --help lists the options"),
    };
    let out = Output::new(&arguments);
    if let Some(file) = &arguments.verify_attestation {
        return attestation::run(file, &arguments, &out, &cancelled).await;
    }
    if arguments.local {
        let options = Options { installed, ..arguments.options() };
        return local::run(&arguments, &options, &out, Program { installed: None, node, product }, cancelled).await;
    }
    Box::pin(check(&arguments, Program { installed, node, product }, &out, cancelled)).await
}

/// The exit code within a build of this program's own. A package that runs it in its hooks must not
/// start another rebuild, and its build goes on. What is asked for by name gets no answer, and that
/// must not pass for a good one; who reads JSON gets an object that says so in any case. `None` for
/// what checks nothing: help, and a command line that cannot be read.
fn within_itself(arguments: &[String]) -> Option<u8> {
    let words = joined(arguments.to_vec());
    let command = REBUILDING.into_iter().find(|word| behind(word, arguments).is_some());
    let parsed = Arguments::try_parse_from(std::iter::once("reproduce".to_owned()).chain(words));
    let (named, json) = match (&parsed, command) {
        (_, Some(command)) => (Some(command.to_owned()), wants_json(arguments)),
        (Ok(parsed), None) => (named_in(parsed), parsed.json),
        (Err(_), None) => return None,
    };
    let what =
        named.as_ref().map_or("nothing was checked".to_owned(), |named| format!("{named} is not checked inside a build of this program"));
    let answer = Answer::usage(&format!("{what}: REPRODUCE_ACTIVE is set"), "unset REPRODUCE_ACTIVE if this is not such a build".into());
    let code = if named.is_some() { UNDECIDED } else { 0 };
    if json {
        return Some(written(Output::json(&answer)).unwrap_or(code));
    }
    if named.is_some() {
        Output::failure(&answer);
    }
    Some(code)
}

/// What a command line asks for by name; a folder before its publish is none.
fn named_in(arguments: &Arguments) -> Option<String> {
    let shown = |file: &PathBuf| file.display().to_string();
    let named = arguments.specs.first().cloned().or_else(|| arguments.from.as_ref().map(shown));
    named.or_else(|| arguments.verify_attestation.as_ref().map(shown)).filter(|_| !arguments.local)
}

/// Judges the packages that a command line names, and writes what it asks for.
async fn check(arguments: &Arguments, program: Program, out: &Output, cancelled: Arc<AtomicBool>) -> u8 {
    let given = match specs::given(arguments) {
        Ok(given) => given,
        Err(_) if cancelled.load(Ordering::Relaxed) => return interrupted(arguments.json, ""),
        Err(error) => return written(out.answer(&Answer::failed("", &error))).unwrap_or(UNDECIDED),
    };
    let (specs, published) = match specs_or_hook(given, arguments.from.is_some()) {
        Ok(Asked::Specs(specs)) => (specs, None),
        Ok(Asked::Hook(Hook::Published(published))) => (vec![published.spec.clone()], Some(*published)),
        Ok(Asked::Hook(Hook::Staged { name })) => {
            Output::error_text(&format!(
                "reproduce: nobody can install it yet, and nothing was checked; `reproduce stage {name}` checks what is staged\n"
            ));
            return 0;
        }
        Ok(Asked::Hook(Hook::DryRun | Hook::Before)) => {
            Output::error_text("reproduce: a dry run published nothing, and nothing was checked\n");
            return 0;
        }
        Err(failure) => {
            let answered = out.answer(&Answer::usage(&failure.message, failure.hint));
            return written(answered).unwrap_or(UNDECIDED);
        }
    };
    let mut options = Options { installed: program.installed, ..arguments.options() };
    let published = published.map(|published| published.heeding(&mut options));
    if options.emit.is_some() && specs.len() > 1 {
        let answer = Answer::usage("--emit writes one tarball, but several packages were given", "name one package".into());
        return written(out.answer(&answer)).unwrap_or(UNDECIDED);
    }
    if let Some(option) = Documents::of_one(arguments).filter(|_| specs.len() > 1) {
        let answer = Answer::usage(&format!("{option} is for one package, but several were given"), "name one package".into());
        return written(out.answer(&answer)).unwrap_or(UNDECIDED);
    }
    if let Err(answer) = places::of(arguments).of_specs(&specs, None).check() {
        return written(out.answer(&answer)).unwrap_or(UNDECIDED);
    }
    let mut documents = match Documents::prepare(arguments, program.product) {
        Ok(documents) => documents,
        Err(_) if cancelled.load(Ordering::Relaxed) => return interrupted(arguments.json, ""),
        Err(error) => return written(out.answer(&Answer::failed("", &*error))).unwrap_or(UNDECIDED),
    };
    // A version that was published a moment ago is not there yet.
    let patience = arguments.wait.or(published.as_ref().map(|_| hook::patience(&options)));
    let waiting = patience.map(|patience| hook::Waiting { patience, published });
    let codes = match Box::pin(judge_each(&specs, (&options, waiting), out, &mut documents, Arc::clone(&cancelled))).await {
        Ok(codes) => codes,
        Err(code) => return code,
    };
    if let Err(error) = documents.write(&options, &cancelled).await {
        if cancelled.load(Ordering::Relaxed) {
            return INTERRUPTED;
        }
        // stdout has its answer already, which stands; what was to be written beside it does not.
        Output::failure(&Answer::failed("", &*error));
        return UNDECIDED;
    }
    merge_exit_codes(codes)
}

/// Judges one package after the other, prints each answer and then the total. A version that the
/// registry does not have yet is waited for as `waiting` says. The error is the exit code where
/// no more can be done.
async fn judge_each(
    specs: &[String],
    (options, waiting): (&Options, Option<hook::Waiting>),
    out: &Output,
    documents: &mut Documents,
    cancelled: Arc<AtomicBool>,
) -> Result<Vec<u8>, u8> {
    let (mut codes, mut came_of) = (Vec::new(), Vec::new());
    for (at, spec) in specs.iter().enumerate() {
        let progress = out.progress(spec);
        let started = Instant::now();
        let answer = match waiting.clone() {
            Some(waiting) => hook::judge(spec, options, waiting, &progress.listener(), &cancelled).await,
            None => session::judge_one(spec, options, None, progress.listener(), Arc::clone(&cancelled)).await,
        };
        progress.finish();
        if cancelled.load(Ordering::Relaxed) {
            let _: Vec<u8> = specs.iter().skip(at).map(|spec| interrupted(out.is_json(), spec)).collect();
            return Err(INTERRUPTED);
        }
        codes.push(answer.exit_code(options.accept));
        came_of.push(answer.outcome());
        documents.add(spec, &answer, started.elapsed());
        if let Some(path) = &options.emit {
            out.emitted(path, &answer);
        }
        match out.answer(&answer) {
            // The reader went away (`| head`): nothing more can be said, and what was not judged is
            // not decided.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                codes.extend((codes.len() < specs.len()).then_some(UNDECIDED));
                break;
            }
            answered => {
                if let Some(code) = written(answered) {
                    return Err(code);
                }
            }
        }
    }
    if specs.len() > 1 {
        let said = out.total(&came_of);
        if let Some(code) = written(said) {
            return Err(code);
        }
    }
    Ok(codes)
}

/// Runs the command that the first word names; `None` if it names none, and is a package.
async fn command(arguments: &[String], installed: Option<&PathBuf>, product: &Product, cancelled: &Arc<AtomicBool>) -> Option<u8> {
    if let Some(rest) = behind(inspect::WORD, arguments) {
        return Some(inspect::run(&rest, cancelled).await);
    }
    if let Some(rest) = behind(replay::WORD, arguments) {
        return Some(replay::run(&rest, installed.cloned(), cancelled).await);
    }
    if let Some(rest) = behind(audit::WORD, arguments) {
        return Some(audit::run(&rest, installed.cloned(), cancelled).await);
    }
    if let Some(rest) = behind(survey::WORD, arguments) {
        return Some(survey::run(&rest, installed.cloned(), cancelled).await);
    }
    if let Some(rest) = behind(report::WORD, arguments) {
        let cancelled = Arc::clone(cancelled);
        let work = tokio::task::spawn_blocking(move || report::run(&rest, &cancelled));
        return Some(work.await.unwrap_or(UNDECIDED));
    }
    if let Some(rest) = behind(stage::WORD, arguments) {
        return Some(stage::run(&rest, installed.cloned(), cancelled).await);
    }
    if let Some(rest) = behind(cache::WORD, arguments) {
        let work = tokio::task::spawn_blocking(move || cache::run(&rest));
        return Some(work.await.unwrap_or(UNDECIDED));
    }
    if let Some(rest) = behind(pages::EXPLAIN, arguments) {
        return Some(pages::explain(&rest, product));
    }
    if let Some(rest) = behind(pages::HELP, arguments) {
        return Some(pages::help(&rest, &completions::command(), product));
    }
    behind(completions::WORD, arguments).map(|rest| completions::run(&rest))
}

/// `--history 5` as `--history=5`, and `--wait 5m` as `--wait=5m`: the value may be left out, and
/// what stands behind may be a package.
fn joined(arguments: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let is_value = match out.last().map(String::as_str) {
            Some("--history") => !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_digit()),
            Some("--wait") => arguments::is_like_a_time(&argument),
            _ => false,
        };
        match out.last_mut().filter(|_| is_value) {
            Some(last) => *last = format!("{last}={argument}"),
            None => out.push(argument),
        }
    }
    out
}

/// The arguments behind a command's word, where it is the first. Flags may stand before the word.
fn behind(word: &str, arguments: &[String]) -> Option<Vec<String>> {
    let at = arguments.iter().position(|argument| argument == "-" || !argument.starts_with('-'))?;
    let (before, rest) = arguments.split_at(at);
    let (first, rest) = rest.split_first()?;
    (first == word).then(|| rest.iter().chain(before).cloned().collect())
}

/// A run that a signal stopped.
#[derive(Debug, thiserror::Error)]
#[error("it was interrupted")]
struct Interrupted;

impl Diagnostic for Interrupted {
    fn code(&self) -> &'static str {
        "cancelled"
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        None
    }
}

/// The exit code where a signal came. Beside JSON an object says so: who asked has an answer for
/// each question.
fn interrupted(json: bool, spec: &str) -> u8 {
    if json {
        // Where that cannot be written either, the exit code says it.
        let _: Option<u8> = written(Output::json(&Answer::failed(spec, &Interrupted)));
    }
    INTERRUPTED
}

/// An answer that could not be written was not given, whatever it was: no exit code may pass for
/// it.
fn written(result: io::Result<()>) -> Option<u8> {
    let error = result.err().filter(|error| error.kind() != io::ErrorKind::BrokenPipe)?;
    Output::error_text(&format!("error[output]: the answer cannot be written: {}\n", plain(&error.to_string())));
    Some(UNDECIDED)
}

struct NoSpec {
    message: String,
    hint: String,
}

/// What is asked about.
enum Asked {
    /// What the user typed.
    Specs(Vec<String>),
    /// What npm publishes.
    Hook(Hook),
}

/// The specs; or, in a publish hook of npm's, the package that is being published.
fn specs_or_hook(given: Vec<String>, from_file: bool) -> Result<Asked, NoSpec> {
    if let Some(command) = given.first().filter(|word| COMMANDS.contains(&word.as_str())) {
        return Err(NoSpec {
            message: format!("the command {command} is after an option's value"),
            hint: format!("put the command first: reproduce {command} …; for the package of that name: {command}@latest"),
        });
    }
    if !given.is_empty() {
        return Ok(Asked::Specs(given));
    }
    if from_file {
        return Err(NoSpec { message: "the file names no package".into(), hint: "it has one spec a line".into() });
    }
    match Hook::of(&|name| std::env::var(name).ok().filter(|value| !value.is_empty())) {
        Some(Hook::Before) => {
            return Err(NoSpec {
                message: "the version is not published yet in this hook".into(),
                hint: "\"prepublishOnly\": \"reproduce --local\" checks the folder; without arguments it is for postpublish".into(),
            });
        }
        Some(hook) => return Ok(Asked::Hook(hook)),
        None => {}
    }
    Err(NoSpec {
        message: "no package was named".into(),
        hint: "for example: reproduce semver@7.7.4; reproduce --help lists the options".into(),
    })
}

/// `--help` and `--version` go to stdout with 0; everything else is a usage error on stderr, or
/// JSON on stdout.
fn usage(error: &clap::Error, arguments: &[String], hint: &str) -> u8 {
    let text = without_values(error);
    if !error.use_stderr() {
        return written(Output::text(&text)).unwrap_or(0);
    }
    if wants_json(arguments) {
        let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        let answer = Answer::usage(message, hint.into());
        return written(Output::json(&answer)).unwrap_or(UNDECIDED);
    }
    // The words are the user's, but xargs and scripts pass on those of strangers.
    Output::error_text(&escape_lines(&text));
    UNDECIDED
}

/// What is wrong with a command line, with the words that it quotes as they may be shown.
fn without_values(error: &clap::Error) -> String {
    let quoted = error.context().filter_map(|(_, value)| match value {
        ContextValue::String(word) => Some(std::slice::from_ref(word)),
        ContextValue::Strings(words) => Some(words.as_slice()),
        _ => None,
    });
    quoted.flatten().filter(|word| !word.is_empty()).fold(error.render().to_string(), |text, word| {
        let shown = verdict::without_secrets(word);
        if shown == *word { text } else { text.replace(word.as_str(), &shown) }
    })
}

/// Whether `--json` was meant, in arguments that could not be read: also as `-j` among other short
/// flags.
fn wants_json(arguments: &[String]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| match argument.strip_prefix('-') {
        Some(flags) if !flags.starts_with('-') => flags.split('s').next().is_some_and(|flags| flags.contains('j')),
        _ => argument == "--json",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_belongs_to_the_history_in_front_of_it_a_time_to_the_wait_and_a_package_to_neither() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(joined(words("semver --history 5 ms")), words("semver --history=5 ms"));
        assert_eq!(joined(words("--wait 3s semver --wait 1.5h")), words("--wait=3s semver --wait=1.5h"));
        for same in ["--wait semver", "semver --wait", "--wait=3s 5m", "--wait 3s@latest", "--wait 2fa", "--wait -- 3s", "--wait s"] {
            assert_eq!(joined(words(same)), words(same));
        }
        for same in ["--history semver", "semver --history", "--history=3 5", "--timeout 5"] {
            assert_eq!(joined(words(same)), words(same));
        }
    }

    #[test]
    fn a_command_is_the_first_word_that_is_no_flag() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(behind("cache", &words("cache ls --json")), Some(words("ls --json")));
        assert_eq!(behind("cache", &words("--json cache ls")), Some(words("ls --json")));
        for other in ["semver cache", "cache@latest", "inspect cache", "--json", ""] {
            assert_eq!(behind("cache", &words(other)), None, "{other}");
        }
    }
}
