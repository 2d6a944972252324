//! Whether a build waits: for a change of a file, a request, or an answer that does not come.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use super::census;

/// How often it is looked.
const PAUSE: Duration = Duration::from_secs(1);
/// Ticks in a second in which the kernel tells processor time, on all of its platforms that this
/// program is for (`USER_HZ`).
const TICKS: u64 = 100;
/// Processor time in that while with which a build still waits, in ticks: a watcher looks at its
/// files from time to time.
const MOST: u64 = TICKS / 2;

/// What the processes of a build do at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Activity {
    /// Processor time so far, in ticks.
    used: u64,
    /// Whether a thread runs, would if it had a processor, or waits for a disk.
    runs: bool,
}

/// How long a build has waited.
#[derive(Debug)]
pub struct Idle {
    limit: Duration,
    since: Instant,
    used: u64,
    looked: Instant,
}

impl Idle {
    /// Of a build that begins now and may wait for `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit, since: Instant::now(), used: 0, looked: Instant::now() }
    }

    /// Whether the build has waited too long; it is looked at most once a second.
    pub fn is_over(&mut self) -> io::Result<bool> {
        if self.looked.elapsed() < PAUSE {
            return Ok(false);
        }
        self.looked = Instant::now();
        self.note(now(std::process::id())?);
        Ok(self.since.elapsed() >= self.limit)
    }

    fn note(&mut self, activity: Activity) {
        if activity.runs || activity.used.abs_diff(self.used) > MOST {
            (self.since, self.used) = (Instant::now(), activity.used);
        }
    }
}

/// What the descendants of a process do.
fn now(root: u32) -> io::Result<Activity> {
    let mut all = Activity::default();
    for pid in census::family(root)? {
        // One that ended meanwhile does nothing.
        let Some(own) = read(&format!("/proc/{pid}/stat")) else { continue };
        all.used = all.used.saturating_add(own.used);
        all.runs |= own.runs
            || census::threads(pid).iter().filter_map(|thread| read(&format!("/proc/{pid}/task/{thread}/stat"))).any(|one| one.runs);
    }
    Ok(all)
}

fn read(file: &str) -> Option<Activity> {
    parse(&fs::read_to_string(file).ok()?)
}

/// Reads what proc(5) calls `stat`: the name in brackets, which may have any characters, then the
/// state, and as the twelfth to the fifteenth the ticks of the process and of its children that
/// have ended.
fn parse(stat: &str) -> Option<Activity> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let runs = matches!(fields.next()?, "R" | "D");
    let used = fields.skip(10).take(4).filter_map(|ticks| ticks.parse::<u64>().ok()).fold(0, u64::saturating_add);
    Some(Activity { used, runs })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_says_of_a_process() {
        let stat = |state: &str| format!("42 (a) R b) {state} 1 42 42 0 -1 4194560 1000 2000 0 0 30 12 7 1 20 0 11 0 5 6 7\n");
        assert_eq!(parse(&stat("S")), Some(Activity { used: 50, runs: false }));
        assert!(parse(&stat("R")).unwrap().runs && parse(&stat("D")).unwrap().runs && parse("").is_none());
    }

    #[test]
    fn a_while_begins_anew_with_work() {
        let start = Instant::now();
        let at = |used, runs| {
            let mut idle = Idle { limit: Duration::ZERO, since: start, used: 100, looked: start };
            idle.note(Activity { used, runs });
            idle.since > start
        };
        assert!(at(100, true) && at(100 + MOST + 1, false), "it works");
        assert!(!at(100, false) && !at(100 + MOST, false), "it waits");
        assert!(at(0, false), "what ended is counted no more");
    }
}
