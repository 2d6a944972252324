//! `reproduce inspect`: shows which client wrote a tarball.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{CommandFactory, Parser};

use report::answer::Answer;
use report::inspect;

use super::output::Output;
use super::{UNDECIDED, interrupted, usage, written};
use crate::options::Options;
use crate::session;

/// The word that this command begins with.
pub(super) const WORD: &str = "inspect";

const HINT: &str = "reproduce inspect <spec>; for the package of that name: reproduce inspect@latest";

/// Take a published tarball apart: entries, header fields, compression, and which clients could
/// have written it.
///
/// No source is fetched and nothing is compared.
#[derive(Debug, Parser)]
#[command(name = "reproduce inspect", max_term_width = 100, after_help = "For the package of that name: reproduce inspect@latest")]
struct Arguments {
    /// A package, a tarball's address, a .tgz file, or a purl
    #[arg(value_name = "spec", required = true)]
    specs: Vec<String>,
    /// Print one JSON object for each spec, errors included
    #[arg(short, long)]
    json: bool,
    /// Use this registry instead of the one in npm's configuration
    #[arg(long, value_name = "url")]
    registry: Option<String>,
    /// Longest time for one package in seconds; 0 for none [default: 600]
    #[arg(long, value_name = "seconds")]
    timeout: Option<f64>,
    /// List every entry and every oddity
    #[arg(long)]
    verbose: bool,
}

/// The command's own part of the command line.
pub(super) fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command and returns the exit code: 0 where every tarball was inspected, whatever was
/// found.
pub(super) async fn run(arguments: &[String], cancelled: &Arc<AtomicBool>) -> u8 {
    let parsed = match Arguments::try_parse_from(std::iter::once("reproduce inspect").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, HINT),
    };
    let options = Options { registry: parsed.registry.clone(), timeout: parsed.timeout, ..Options::default() };
    let mut code = 0;
    for spec in &parsed.specs {
        let inspected = session::inspect_one(spec, &options, Arc::clone(cancelled)).await;
        if cancelled.load(Ordering::Relaxed) {
            return interrupted(parsed.json, spec);
        }
        let printed = match inspected {
            Ok(inspection) if parsed.json => Output::json_of(&inspection),
            Ok(inspection) => Output::text(&inspect::text(&inspection, parsed.verbose)),
            Err(error) => {
                code = UNDECIDED;
                let answer = Answer::failed(spec, &*error);
                if parsed.json {
                    Output::json(&answer)
                } else {
                    Output::failure(&answer);
                    Ok(())
                }
            }
        };
        if let Some(code) = written(printed) {
            return code;
        }
    }
    code
}
