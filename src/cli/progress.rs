//! What is being done, told on stderr: a line that moves on a terminal; elsewhere, as in a CI's
//! log, a line for each stage of what takes long, or of everything with `--progress`, and one a
//! minute for what takes longer.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use context::Progress;
use report::text::{escape, shown_time};

use super::output::for_runner;

/// What is quicker has nothing to tell.
const QUIET: Duration = Duration::from_secs(10);
/// How long nothing new may stay untold.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// The progress of one package.
pub(super) enum Line {
    /// Nobody wants to know.
    None,
    /// On a terminal.
    Moving(ProgressBar),
    /// In a log.
    Logged(Logged),
}

/// The thread that writes to a log.
pub(super) struct Logged {
    told: Sender<Told>,
    writer: JoinHandle<()>,
}

enum Told {
    Stage(String),
    Done,
}

impl Line {
    /// A line that moves. `unicode` says what the terminal can show.
    pub(super) fn moving(what: &str, unicode: bool) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(template) = ProgressStyle::with_template("{spinner} {prefix} {msg} ({elapsed})") {
            bar.set_style(if unicode { template } else { template.tick_chars("-\\|/ ") });
        }
        bar.set_prefix(escape(what).into_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self::Moving(bar)
    }

    /// Lines in a log, written by `write`: from the beginning, or once it takes long.
    pub(super) fn logged(what: &str, at_once: bool, write: impl FnMut(&str) + Send + 'static) -> Self {
        let (told, heard) = channel();
        let what = escape(what).into_owned();
        let quiet = if at_once { Duration::ZERO } else { QUIET };
        let writer = std::thread::Builder::new().name("progress".into()).spawn(move || log(&what, &heard, (quiet, HEARTBEAT), write));
        writer.map_or(Self::None, |writer| Self::Logged(Logged { told, writer }))
    }

    /// What the run reports its progress to.
    pub(super) fn listener(&self) -> Progress {
        match self {
            Self::None => Progress::silent(),
            Self::Moving(bar) => {
                let bar = bar.clone();
                Progress::new(move |_, message| bar.set_message(escape(message).into_owned()))
            }
            Self::Logged(Logged { told, .. }) => {
                let told = told.clone();
                Progress::new(move |_, message| {
                    // Nobody listens any more once there is an answer.
                    let _ = told.send(Told::Stage(escape(message).into_owned()));
                })
            }
        }
    }

    /// Takes the line away, or ends the log.
    pub(super) fn finish(self) {
        match self {
            Self::None => {}
            Self::Moving(bar) => bar.finish_and_clear(),
            Self::Logged(Logged { told, writer }) => {
                // A thread that ended by itself has nothing more to write.
                let _ = (told.send(Told::Done), writer.join());
            }
        }
    }
}

/// Writes to stderr, as a CI's runner may read it. Progress that nobody reads is lost.
pub(super) fn to_stderr(line: &str) {
    let _: io::Result<()> = io::stderr().lock().write_all(for_runner(line).as_bytes());
}

/// Writes a line for each stage once `quiet` is over, and one where nothing was told for
/// `heartbeat`.
fn log(what: &str, heard: &Receiver<Told>, (quiet, heartbeat): (Duration, Duration), mut write: impl FnMut(&str)) {
    let started = Instant::now();
    let mut stage = String::new();
    let mut last = started;
    loop {
        let next = if last == started { started + quiet } else { last + heartbeat };
        match heard.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(Told::Stage(told)) if told == stage => continue,
            Ok(Told::Stage(told)) => {
                stage = told;
                if last == started && started.elapsed() < quiet {
                    continue;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Told::Done) | Err(RecvTimeoutError::Disconnected) => return,
        }
        last = Instant::now();
        if !stage.is_empty() {
            write(&format!("{what}: {stage} ({})\n", shown_time(started.elapsed())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that are written of some stages, told one after the other.
    fn lines(times: (Duration, Duration), tell: impl FnOnce(&Sender<Told>, &dyn Fn() -> String)) -> Vec<String> {
        let (told, heard) = channel();
        let (wrote, written) = channel();
        let all = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let kept = std::sync::Arc::clone(&all);
        let writer = std::thread::spawn(move || {
            log("a@1", &heard, times, |line| {
                let text = line.split(" (").next().unwrap_or_default().to_owned();
                kept.lock().expect("lines").push(text.clone());
                wrote.send(text).expect("a reader");
            });
        });
        tell(&told, &|| written.recv_timeout(Duration::from_secs(120)).expect("a line"));
        told.send(Told::Done).expect("a listener");
        writer.join().expect("an end");
        std::mem::take(&mut *all.lock().expect("lines"))
    }

    fn stage(told: &Sender<Told>, text: &str) {
        told.send(Told::Stage(text.into())).expect("a listener");
    }

    const LONG: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::from_millis(5);

    #[test]
    fn what_is_quick_is_not_told() {
        let told = lines((LONG, LONG), |told, _| {
            stage(told, "one");
            stage(told, "two");
        });
        assert_eq!(told, [""; 0]);
    }

    #[test]
    fn what_takes_long_has_a_line_for_each_stage() {
        let told = lines((SHORT, LONG), |told, next| {
            stage(told, "one");
            assert_eq!(next(), "a@1: one");
            stage(told, "two");
            stage(told, "two");
            stage(told, "three");
            while next() != "a@1: three" {}
        });
        assert_eq!(told.iter().rev().take(3).rev().collect::<Vec<_>>(), ["a@1: one", "a@1: two", "a@1: three"]);
    }

    #[test]
    fn what_is_asked_for_is_told_at_once() {
        let told = lines((Duration::ZERO, LONG), |told, _| {
            stage(told, "one");
            stage(told, "two");
        });
        assert_eq!(told, ["a@1: one", "a@1: two"]);
    }

    #[test]
    fn a_long_stage_is_told_again() {
        let told = lines((SHORT, SHORT), |told, next| {
            stage(told, "one");
            while next() != "a@1: one" {}
            assert_eq!((next(), next()), ("a@1: one".into(), "a@1: one".into()));
        });
        assert!(told.len() > 2);
    }
}
