//! The process of the client that runs a hook, as Linux shows it: the first one above this whose
//! environment does not have the hook's name yet.

use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

/// How far up processes are looked at.
const MAX_DEPTH: usize = 64;
/// Largest environment or command line that is read, in bytes.
const MAX_READ: u64 = 4 << 20;
/// How many ticks `/proc` counts a second (`USER_HZ`, the same on every machine that Node runs on).
const TICKS: u64 = 100;

/// The client's process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientProcess {
    /// How long before this process it was started.
    pub(super) started_before: Duration,
    /// Its program and words.
    pub(super) words: Vec<String>,
}

impl ClientProcess {
    /// The client that runs the script `event`; `None` where the system does not say.
    pub(super) fn of(event: &str) -> Option<Self> {
        Self::look("self", event).ok().flatten()
    }

    fn look(own: &str, event: &str) -> io::Result<Option<Self>> {
        let mark = format!("npm_lifecycle_event={event}");
        let (mut parent, start) = stat(own)?;
        for _ in 0..MAX_DEPTH {
            if parent == 0 {
                break;
            }
            let process = parent.to_string();
            let environment = read(&process, "environ")?;
            let (above, started) = stat(&process)?;
            if !environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
                let line = read(&process, "cmdline")?;
                let words = line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
                let started_before = Duration::from_secs(start.saturating_sub(started).div_ceil(TICKS));
                return Ok(Some(Self { started_before, words }));
            }
            parent = above;
        }
        Ok(None)
    }

    /// Whether its words ask for a publish that is only tried. Of several the last one counts.
    pub(super) fn is_dry_run(&self) -> bool {
        let words = self.words.iter().map(String::as_str).take_while(|word| *word != "--");
        words.fold(false, |dry, word| match word.split_once('=').unwrap_or((word, "true")) {
            ("--dry-run", value) => value != "false",
            ("--no-dry-run", _) => false,
            _ => dry,
        })
    }
}

fn read(process: &str, file: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(format!("/proc/{process}/{file}"))?.take(MAX_READ).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The parent's number, and when a process was started, in ticks (`proc_pid_stat(5)`).
fn stat(process: &str) -> io::Result<(u32, u64)> {
    let text = String::from_utf8_lossy(&read(process, "stat")?).into_owned();
    // The second field is a name in parentheses, which may hold anything.
    let fields = text.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let mut fields = fields.split_whitespace();
    let parent = fields.nth(1).and_then(|field| field.parse().ok());
    let start = fields.nth(17).and_then(|field| field.parse().ok());
    parent.zip(start).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_client_is_the_first_process_above_that_has_no_hook() {
        use std::process::{Command, Stdio};
        // Two of the hook, then this process.
        let mut hook = Command::new("sh")
            .args(["-c", "sh -c 'read x; true'; true"])
            .env("npm_lifecycle_event", "postpublish")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let found = ClientProcess::look(&hook.id().to_string(), "postpublish").unwrap().unwrap();
        drop(hook.stdin.take());
        hook.wait().unwrap();
        let own = std::env::args().collect::<Vec<_>>();
        assert_eq!(found.words.first(), own.first());
        assert!(found.started_before < Duration::from_secs(3600));
    }

    #[test]
    fn a_dry_run_is_among_the_words() {
        let is_dry = |words: &str| {
            let words = words.split(' ').map(str::to_owned).collect();
            ClientProcess { started_before: Duration::ZERO, words }.is_dry_run()
        };
        for dry in ["bun publish --dry-run", "pnpm publish --dry-run=true a", "pnpm --no-dry-run --dry-run publish"] {
            assert!(is_dry(dry), "{dry}");
        }
        for real in ["bun publish", "pnpm publish --dry-run=false", "pnpm publish --dry-run --no-dry-run", "pnpm publish -- --dry-run"] {
            assert!(!is_dry(real), "{real}");
        }
    }
}
