//! `reproduce replay`: the tarball of a recipe, made again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{CommandFactory, Parser};

use report::answer::Answer;
use report::replay;

use super::output::Output;
use super::{UNDECIDED, interrupted, usage, written};
use crate::options::Options;
use crate::places::Places;
use crate::session;

/// The word that this command begins with.
pub(super) const WORD: &str = "replay";

const HINT: &str = "reproduce replay <file>; for the package of that name: reproduce replay@latest";

const AFTER_HELP: &str = "\
A recipe is attempts[].recipe of `reproduce <spec> --json`; a whole result works too.
Exit codes: 0 the tarball has the recipe's integrity, 1 it has another, or the given result says that it does not reproduce the published
package, 2 it could not be made, 130 interrupted.
For the package of that name: reproduce replay@latest";

/// Make a recipe's tarball again, only from the recipe and its repository.
#[derive(Debug, Parser)]
#[command(name = "reproduce replay", max_term_width = 100, after_help = AFTER_HELP)]
struct Arguments {
    /// A file with a recipe or with a result; - for standard input
    #[arg(value_name = "file")]
    recipe: PathBuf,
    /// Print one JSON object, errors included
    #[arg(short, long)]
    json: bool,
    /// Print progress on stderr, also with --json
    #[arg(long)]
    progress: bool,
    /// Take the recipe's commit from this repository, folder or archive instead of the one in the
    /// recipe
    #[arg(long, value_name = "source")]
    source: Option<String>,
    /// Write the tarball to this file
    #[arg(long, value_name = "file")]
    emit: Option<PathBuf>,
    /// Let builds install from this registry instead of the one in npm's configuration
    #[arg(long, value_name = "url")]
    registry: Option<String>,
    /// Take Node from this distribution instead of the registry, verified by its signed
    /// SHASUMS256.txt; the layout is that of nodejs.org/dist
    #[arg(long, value_name = "url")]
    node_dist: Option<String>,
    /// File with the OpenPGP keys of the distribution's releases, armored or binary
    #[arg(long, value_name = "file")]
    node_keys: Option<PathBuf>,
    /// Isolation of builds: auto, namespaces, bwrap, landlock, or none for no isolation at all
    #[arg(long, value_name = "tier")]
    isolation: Option<String>,
    /// Let builds also reach this host, by TLS; can be repeated
    #[arg(long, value_name = "host[:port]")]
    allow_host: Vec<String>,
    /// Put a toolchain that no npm registry has in reach of builds: a folder with a folder bin, for
    /// example rust=/opt/rust; can be repeated
    #[arg(long, value_name = "name=folder", value_parser = super::arguments::toolchain)]
    toolchain: Vec<(String, PathBuf)>,
    /// Longest time in seconds; 0 for none [default: 600]
    #[arg(long, value_name = "seconds", value_parser = super::arguments::seconds)]
    timeout: Option<f64>,
    /// Folder of all caches
    #[arg(long, value_name = "dir")]
    cache_dir: Option<PathBuf>,
    /// Print what the build printed
    #[arg(long)]
    log: bool,
}

/// The command's own part of the command line.
pub(super) fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command and returns the exit code: 0 where the same bytes came out.
pub(super) async fn run(arguments: &[String], installed: Option<PathBuf>, cancelled: &Arc<AtomicBool>) -> u8 {
    let parsed = match Arguments::try_parse_from(std::iter::once("reproduce replay").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, HINT),
    };
    let options = Options {
        source: parsed.source.clone(),
        registry: parsed.registry.clone(),
        node_dist: parsed.node_dist.clone(),
        node_keys: parsed.node_keys.clone(),
        isolation: parsed.isolation.clone(),
        allow_hosts: parsed.allow_host.clone(),
        toolchain: parsed.toolchain.iter().cloned().collect(),
        timeout: parsed.timeout,
        cache_dir: parsed.cache_dir.clone(),
        emit: parsed.emit.clone(),
        installed,
        ..Options::default()
    };
    let recipe = Some(&parsed.recipe).filter(|recipe| *recipe != Path::new("-"));
    if let Err(answer) = Places::default().with(&options).read("the recipe", recipe).check() {
        return said(&parsed, &answer);
    }
    let line = Output::progress_of(parsed.json, parsed.progress, &parsed.recipe.to_string_lossy());
    let replayed = session::replay_one(&parsed.recipe, &options, line.listener(), Arc::clone(cancelled)).await;
    line.finish();
    if cancelled.load(Ordering::Relaxed) {
        return interrupted(parsed.json, &parsed.recipe.to_string_lossy());
    }
    let (code, printed) = match replayed {
        Ok(replayed) => {
            let printed = if parsed.json {
                Output::json_of(&replayed)
            } else {
                let log = replayed.log.as_deref().filter(|_| parsed.log).unwrap_or_default();
                Output::text(&(replay::text(&replayed) + &report::text::escape_lines(log)))
            };
            (replayed.exit_code(), printed)
        }
        Err(error) => return said(&parsed, &Answer::failed(&parsed.recipe.to_string_lossy(), &*error)),
    };
    written(printed).unwrap_or(code)
}

/// Says why there is no tarball.
fn said(parsed: &Arguments, answer: &Answer) -> u8 {
    if parsed.json {
        return written(Output::json(answer)).unwrap_or(UNDECIDED);
    }
    Output::failure(answer);
    UNDECIDED
}
