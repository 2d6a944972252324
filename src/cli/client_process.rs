//! The process of the client that runs a hook, as Linux shows it: the first one above this whose
//! environment does not have the hook's name yet.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

/// How far up processes are looked at.
const MAX_DEPTH: usize = 64;
/// Largest environment or command line that is read, in bytes.
const MAX_READ: u64 = 4 << 20;
/// How many ticks `/proc` counts a second (`USER_HZ`, the same on every machine that Node runs on).
const TICKS: u64 = 100;
/// The variables that are kept of those that it was started with, in lower case.
const VARIABLES: [&str; 4] = ["npm_config_registry", "pnpm_config_registry", "yarn_registry", "bun_config_registry"];

/// The client's process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ClientProcess {
    /// How long before this process it was started; no less than it was.
    pub(super) started_before: Duration,
    /// Its program and words.
    pub(super) words: Vec<String>,
    /// The folder that it works in.
    pub(super) folder: Option<PathBuf>,
    /// Those of its variables that say a registry.
    pub(super) variables: BTreeMap<String, String>,
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
                let ticks = start.saturating_sub(started) + 1;
                let started_before = Duration::from_millis(ticks * 1000 / TICKS);
                let folder = std::fs::read_link(format!("/proc/{process}/cwd")).ok();
                return Ok(Some(Self { started_before, words, folder, variables: variables(&environment) }));
            }
            parent = above;
        }
        Ok(None)
    }

    /// The value that its words give an option: `--key=value`, or `--key value`. Of several the
    /// last one counts.
    pub(super) fn option(&self, key: &str) -> Option<String> {
        let words = || self.words.iter().map(String::as_str).take_while(|word| *word != "--");
        let wanted = format!("--{key}");
        let pairs = words().zip(words().skip(1).map(Some).chain([None]));
        let given = pairs.filter_map(|(word, next)| match word.split_once('=') {
            Some((name, value)) => (name == wanted).then_some(value),
            None => next.filter(|_| word == wanted),
        });
        given.last().map(str::to_owned)
    }

    /// The package manager that it is, as far as its words show one. A project's settings change
    /// the user agent that a client tells its scripts, but not its program.
    pub(super) fn client(&self) -> Option<&'static str> {
        let first = self.words.first().map(String::as_str).unwrap_or_default();
        // npm writes what it does over its words.
        if first == "npm" || first.starts_with("npm ") {
            return Some("npm");
        }
        let name = |word: &str| {
            let file = word.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            file.split('.').next().unwrap_or_default().to_owned()
        };
        let program = name(first);
        let is_node = matches!(program.as_str(), "node" | "nodejs");
        let script = self.words.iter().skip(1).find(|word| !word.starts_with('-')).map(|word| name(word));
        match if is_node { script.unwrap_or_default() } else { program }.as_str() {
            "npm" | "npm-cli" => Some("npm"),
            "yarn" | "yarnpkg" => Some("yarn"),
            "pnpm" => Some("pnpm"),
            "bun" => Some("bun"),
            _ => None,
        }
    }

    /// One of its variables, in lower or upper case.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        let named = self.variables.get(&name.to_ascii_lowercase()).or_else(|| self.variables.get(&name.to_ascii_uppercase()));
        named.map(String::as_str)
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

/// The variables that say a registry.
fn variables(environment: &[u8]) -> BTreeMap<String, String> {
    let all = environment.split(|byte| *byte == 0).filter_map(|pair| std::str::from_utf8(pair).ok()?.split_once('='));
    let named = all.filter(|(name, value)| !value.is_empty() && VARIABLES.contains(&name.to_ascii_lowercase().as_str()));
    named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
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
    fn a_client_is_told_by_its_program() {
        let client = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            ClientProcess { words, ..ClientProcess::default() }.client()
        };
        for (words, is) in [
            (&["npm publish ./a/yarn", "", ""][..], Some("npm")),
            (&["node", "/usr/lib/node_modules/npm/bin/npm-cli.js", "publish"], Some("npm")),
            (&["/usr/bin/node", "--no-warnings", "../yarn/bin/yarn.js", "publish"], Some("yarn")),
            (&["node", "/x/pnpm.cjs", "publish"], Some("pnpm")),
            (&["/opt/bun", "publish"], Some("bun")),
            (&["sh", "-c", "npm publish"], None),
            (&["node", "release.js", "npm"], None),
            (&[], None),
        ] {
            assert_eq!(client(words), is, "{words:?}");
        }
    }

    #[test]
    fn a_dry_run_is_among_the_words() {
        let is_dry = |words: &str| {
            let words = words.split(' ').map(str::to_owned).collect();
            ClientProcess { words, ..ClientProcess::default() }.is_dry_run()
        };
        for dry in ["bun publish --dry-run", "pnpm publish --dry-run=true a", "pnpm --no-dry-run --dry-run publish"] {
            assert!(is_dry(dry), "{dry}");
        }
        for real in ["bun publish", "pnpm publish --dry-run=false", "pnpm publish --dry-run --no-dry-run", "pnpm publish -- --dry-run"] {
            assert!(!is_dry(real), "{real}");
        }
    }

    #[test]
    fn an_option_is_the_last_of_its_name_and_a_variable_of_any_case_says_a_registry() {
        let option = |words: &str| {
            let words = words.split(' ').map(str::to_owned).collect();
            ClientProcess { words, ..ClientProcess::default() }.option("registry")
        };
        assert_eq!(option("npm publish --registry a --registry=b"), Some("b".into()));
        assert_eq!(option("npm publish --registry"), None);
        assert_eq!(option("npm publish -- --registry a"), None);
        assert_eq!(option("npm publish --@sc:registry=a"), None);
        let process = ClientProcess { variables: variables(b"A=1\0YARN_REGISTRY=x\0npm_config_registry=\0"), ..ClientProcess::default() };
        assert_eq!((process.variable("yarn_registry"), process.variable("npm_config_registry")), (Some("x"), None));
    }
}
