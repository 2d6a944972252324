//! `reproduce --local`: the folder that is about to be published.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::arguments::Arguments;
use super::output::Output;
use super::{INTERRUPTED, UNDECIDED, written};
use crate::local::{self, Client};
use crate::options::Options;
use crate::session::Answer;

/// Runs the check and returns the exit code: 0 where it can be published, 1 where nobody could rebuild it, 2 undecided.
pub(super) async fn run(arguments: &Arguments, options: &Options, out: &Output, cancelled: Arc<AtomicBool>) -> u8 {
    let folder = match arguments.specs.as_slice() {
        [] => PathBuf::from("."),
        [folder] => PathBuf::from(folder),
        _ => {
            let answer = Answer::usage("--local checks one folder, and several were named", "name one, or none for this one".into());
            return written(out.answer(&answer)).unwrap_or(UNDECIDED);
        }
    };
    let client = Client::of(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let progress = out.progress("");
    let checked = local::check(folder, client, arguments.explain, options, progress.listener(), Arc::clone(&cancelled)).await;
    progress.finish();
    if cancelled.load(Ordering::Relaxed) {
        return INTERRUPTED;
    }
    match checked {
        Ok(checked) => written(out.local(&checked)).unwrap_or_else(|| checked.exit_code()),
        Err(error) => written(out.answer(&Answer::failed("", &*error))).unwrap_or(UNDECIDED),
    }
}
