//! `reproduce stage`: what a publisher has staged, judged before it is approved.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{CommandFactory, Parser};

use report::answer::Answer;
use report::json::Report;
use report::terminal::{self, Detail, Style};
use verdict::{Severity, merge_exit_codes};

use super::again;
use super::output::Output;
use super::{UNDECIDED, interrupted, usage, written};
use crate::options::Options;
use crate::session;

/// The word that this command begins with.
pub(super) const WORD: &str = "stage";

const HINT: &str = "reproduce stage <package>; for the package of that name: reproduce stage@latest";

const AFTER_HELP: &str = "\
Stages are made by `npm stage publish` (npm 11.15 and later) or `pnpm stage publish` (pnpm 11.3). If a stage can be rebuilt, the command that approves it is printed; it is not run.
Exit codes: 0 every stage can be rebuilt, 1 one cannot, 2 nothing is staged or one is undecided, 130 interrupted, 143 terminated.
For the package of that name: reproduce stage@latest";

/// Check a staged version that is not yet approved against the pushed commit.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(name = "reproduce stage", max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    /// A package's name for all of its stages, with a version (`name@1.2.3`) for that one, or a
    /// stage's id
    #[arg(value_name = "package|stage-id")]
    staged: String,
    /// Print one JSON object for each stage, errors included
    #[arg(short, long)]
    json: bool,
    /// Print progress on stderr, also with --json
    #[arg(long)]
    progress: bool,
    /// Use this registry instead of the one in npm's configuration
    #[arg(long, value_name = "url")]
    registry: Option<String>,
    /// Node version for builds [default: determined from the package]
    #[arg(long, value_name = "version")]
    node: Option<String>,
    /// Isolation of builds: auto, namespaces, bwrap, landlock, or none for no isolation at all
    #[arg(long, value_name = "tier")]
    isolation: Option<String>,
    /// Longest time for one stage in seconds; 0 for none [default: 600]
    #[arg(long, value_name = "seconds", value_parser = super::arguments::seconds)]
    timeout: Option<f64>,
    /// Folder of all caches
    #[arg(long, value_name = "dir")]
    cache_dir: Option<PathBuf>,
    /// Print the diff of the files that differ, staged against rebuilt
    #[arg(long)]
    diff: bool,
    /// Print every file that differs, the evidence, the attempts and the time of each stage
    #[arg(short, long)]
    verbose: bool,
    /// Print what builds printed
    #[arg(long)]
    log: bool,
}

/// The command's own part of the command line.
pub(super) fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command and returns the exit code: 0 where all that is staged can be rebuilt.
pub(super) async fn run(arguments: &[String], installed: Option<PathBuf>, cancelled: &Arc<AtomicBool>) -> u8 {
    let parsed = match Arguments::try_parse_from(std::iter::once("reproduce stage").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, HINT),
    };
    let options = Options {
        registry: parsed.registry.clone(),
        node: parsed.node.clone(),
        isolation: parsed.isolation.clone(),
        timeout: parsed.timeout,
        cache_dir: parsed.cache_dir.clone(),
        installed,
        ..Options::default()
    };
    let stages = match session::stages(&parsed.staged, &options, cancelled).await {
        Ok(stages) => stages,
        Err(_) if cancelled.load(Ordering::Relaxed) => return interrupted(parsed.json, &parsed.staged),
        Err(error) => return written(failure(&parsed, &Answer::failed(&parsed.staged, &*error))).unwrap_or(UNDECIDED),
    };
    let mut codes = Vec::new();
    for staged in &stages {
        let line = Output::progress_of(parsed.json, parsed.progress, &staged.id);
        let judged = session::judge_stage(staged, &options, line.listener(), Arc::clone(cancelled)).await;
        line.finish();
        if cancelled.load(Ordering::Relaxed) {
            return interrupted(parsed.json, &staged.id);
        }
        let (code, printed) = match judged {
            Ok(report) if parsed.json => (report.verdict.exit_code(options.accept), Output::json_of(&report)),
            Ok(report) => {
                let detail = Detail { diff: parsed.diff, log: parsed.log, verbose: parsed.verbose };
                let again = format!("stage {}{}", staged.id, again::given(&options));
                let code = report.verdict.exit_code(options.accept);
                let client = client_of(&report);
                let next = match code {
                    0 if staged.state.is_some() || has_error(&report) => {
                        "  read the findings: there is something to settle before it can be approved\n".to_owned()
                    }
                    0 => format!("  to approve it: {client} stage approve {}\n", staged.id),
                    UNDECIDED => "  not decided: approve nothing yet\n".to_owned(),
                    _ => format!("  to reject it: {client} stage reject {}\n", staged.id),
                };
                (code, Output::text(&(terminal::report_of(&report, Some(&again), Style::plain(), detail) + &next)))
            }
            Err(error) => (UNDECIDED, failure(&parsed, &Answer::failed(&staged.id, &*error))),
        };
        codes.push(code);
        if let Some(code) = written(printed) {
            return code;
        }
    }
    merge_exit_codes(codes)
}

/// The client whose commands the publisher has at hand: the one that packed the tarball. Each
/// approves what any of them staged.
fn client_of(report: &Report) -> &'static str {
    if report.attempts.iter().any(|attempt| attempt.recipe.packer.starts_with("pnpm-")) { "pnpm" } else { "npm" }
}

/// Whether a finding speaks against approving what can be rebuilt.
fn has_error(report: &Report) -> bool {
    report.findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn failure(parsed: &Arguments, answer: &Answer) -> std::io::Result<()> {
    if parsed.json {
        return Output::json(answer);
    }
    Output::failure(answer);
    Ok(())
}
