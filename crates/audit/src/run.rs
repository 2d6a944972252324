//! Many packages, some at a time.

use std::ops::ControlFlow;

use report::answer::Answer;
use tokio::task::JoinSet;
use verdict::Accept;

use super::{Plan, Row};

/// Whether an audit goes on after a row.
pub type Flow = ControlFlow<()>;

/// Judges the packages of a plan, `jobs` at a time, and hands each row over as it is done. Where
/// `done` breaks, nothing more is begun, and what runs is waited for: the caller stops it. `true`
/// if all packages had their turn.
pub async fn run<J, F>(plan: &Plan, (jobs, accept): (usize, Accept), judge: J, mut done: impl FnMut(Row) -> Flow) -> bool
where
    J: Fn(String) -> F,
    F: Future<Output = Answer> + Send + 'static,
{
    let file = plan.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut waiting = plan.packages.iter();
    let mut running = JoinSet::new();
    let mut start = |running: &mut JoinSet<_>| {
        if let Some(entry) = waiting.next() {
            let (entry, judged) = (entry.clone(), judge(entry.spec()));
            running.spawn(async move { (entry, judged.await) });
        }
    };
    for _ in 0..jobs.max(1) {
        start(&mut running);
    }
    let (mut rows, mut goes_on) = (0, true);
    while let Some(judged) = running.join_next().await {
        // A task that panicked has no row, and the count says so.
        if let Ok((entry, answer)) = judged
            && goes_on
        {
            rows += 1;
            goes_on = done(Row::of(&entry, &answer, accept, (&file, plan))).is_continue();
        }
        if goes_on {
            start(&mut running);
        }
    }
    goes_on && rows == plan.packages.len()
}
