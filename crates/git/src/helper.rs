//! git's credential helpers, asked through `git credential fill`: only where the user says so,
//! since they run programs.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use url::Url;

use npmrc::Secret;
use store::Temporary;

/// Longest time that helpers have: one may ask a key store, and none may wait for a person.
const LONGEST: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
/// A `GIT_DIR` that is no repository and never can be one: git then reads the user's and the
/// system's configuration alone.
const NO_REPOSITORY: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };
/// Variables by which a repository, or a part of one, is named.
const OF_A_REPOSITORY: [&str; 4] = ["GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"];
/// Most of an answer that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// The user and password that the helpers have for an address; `None` if they have none, or there
/// is no git.
pub(super) fn ask(url: &Url) -> Option<(String, Secret)> {
    let host = url.host_str()?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let path = url.path().trim_start_matches('/').trim_end_matches("/info/refs");
    // Each value is a line of the protocol. A parsed address has no line ends in it.
    let question = format!("protocol={}\nhost={host}\npath={path}\n\n", url.scheme());
    // Whatever stands in a folder that others may write to must have no say in which program runs:
    // a repository's own configuration names helpers. So there is no repository, neither looked for
    // nor named, and the folder is this process's own.
    let folder = Temporary::new("reproduce-asking-", &|_| Ok(())).ok()?;
    let mut command = Command::new("git");
    for name in OF_A_REPOSITORY {
        command.env_remove(name);
    }
    let mut child = command
        .args(["credential", "fill"])
        .current_dir(folder.path())
        .env("GIT_DIR", NO_REPOSITORY)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env("SSH_ASKPASS", "true")
        .env("GCM_INTERACTIVE", "never")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(question.as_bytes()).ok()?;
    let until = Instant::now() + LONGEST;
    let ended = loop {
        match child.try_wait() {
            Ok(None) if Instant::now() < until => std::thread::sleep(PAUSE),
            Ok(Some(status)) => break status.success(),
            _ => {
                // It may be gone already.
                let _ = (child.kill(), child.wait());
                break false;
            }
        }
    };
    let mut answer = String::new();
    child.stdout.take()?.take(MAX_ANSWER).read_to_string(&mut answer).ok()?;
    ended.then(|| credential(&answer)).flatten()
}

/// `username` and `password` of an answer.
fn credential(answer: &str) -> Option<(String, Secret)> {
    let value = |name: &str| answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).filter(|value| !value.is_empty());
    Some((value("username")?.to_owned(), Secret::new(value("password")?.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_with_a_user_and_a_password() {
        let read = |text| credential(text).map(|(user, password)| (user, password.expose().to_owned()));
        assert_eq!(read("protocol=https\nhost=h\nusername=u\npassword=p=q\n"), Some(("u".into(), "p=q".into())));
        for none in ["username=u\n", "username=u\npassword=\n", "password=p\n", ""] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
