//! `"postpublish": "reproduce"`: the package that npm has just published, once the registry serves
//! it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use npmrc::Surroundings;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use context::Progress;
use report::answer::Answer;
use report::text::{escape, shown_time};

use verdict::diagnostic::{Diagnostic, Stage};

use super::client_process::ClientProcess;
use super::sent_to::{Publish, SentTo, sent_to};
use crate::local::{Client, Machine};
use crate::options::Options;
use crate::session::{self, Publishing};

/// How long a registry may take to show a version that it has accepted, unless `--timeout` is
/// shorter.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long to wait before asking again: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How often it is seen that the user does not want to wait any longer.
const POLL: Duration = Duration::from_millis(50);
/// What a registry answers that does not have the version yet.
const NOT_YET: [&str; 3] = ["package-not-found", "version-not-found", "tarball-not-found"];

/// When the client was started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Started {
    /// How long before this process; `None` where the system does not say.
    before: Option<Duration>,
    /// When this process began to look.
    own: Instant,
}

impl Started {
    fn ago(self) -> Option<Duration> {
        self.before.map(|before| before + self.own.elapsed())
    }
}

/// A publish that has just ended.
#[derive(Debug, Clone)]
pub(super) struct Published {
    /// `name@version`.
    pub(super) spec: String,
    /// Where it went.
    pub(super) sent: SentTo,
    /// When the client was started.
    started: Started,
    /// The package's folder, and the client that can pack it.
    folder: PathBuf,
    client: Client,
}

impl Published {
    /// Asks where the client sent it, unless the user names another registry.
    pub(super) fn heeding(mut self, options: &mut Options) -> Self {
        // An earlier answer is about what was there before.
        options.force = true;
        options.project = self.sent.project.take();
        if options.registry.is_some() {
            self.sent.lost = None;
        } else if let Some(registry) = self.sent.registry.take() {
            let scope = self.spec.split_once('/').map(|(scope, _)| format!("{scope}:registry")).filter(|key| key.starts_with('@'));
            options.settings = std::iter::once("registry".to_owned()).chain(scope).map(|key| (key, registry.clone())).collect();
        }
        self
    }
}

/// How a version is waited for.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    /// For how long.
    pub(super) patience: Duration,
    /// What was published just now, in its hook.
    pub(super) published: Option<Published>,
}

/// A client's setting that may have decided where the package went.
#[derive(Debug, thiserror::Error)]
#[error("it is not known which registry {spec} was sent to: this program does not follow {setting}")]
pub(super) struct NotFollowed {
    spec: String,
    setting: String,
}

impl Diagnostic for NotFollowed {
    fn code(&self) -> &'static str {
        "publish-registry-unknown"
    }

    fn stage(&self) -> Stage {
        Stage::Resolve
    }

    fn hint(&self) -> Option<String> {
        Some("name the registry in the hook: reproduce --registry <url>".into())
    }
}

/// What a hook of npm's is about.
pub(super) enum Hook {
    /// This version was published.
    Published(Box<Published>),
    /// Nothing was: npm runs its hooks under `--dry-run` too.
    DryRun,
    /// This version was staged: nobody can have it yet.
    Staged {
        /// The package's name.
        name: String,
    },
    /// The hook before a publish, in which the version cannot be there yet.
    Before,
}

impl Hook {
    /// Reads npm's variables (docs.npmjs.com/cli/using-npm/scripts), or those of vlt; none where no
    /// publish is running.
    pub(super) fn of(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let by_vlt = npmrc::is_script_of_vlt(variable);
        let event = variable("npm_lifecycle_event")?;
        let dry_run = if by_vlt { "VLT_DRY_RUN" } else { "npm_config_dry_run" };
        match event.as_str() {
            "prepublishOnly" => Some(Self::Before),
            // vlt runs this one before it sends the package.
            "publish" if by_vlt => Some(Self::Before),
            "publish" | "postpublish" => {
                let by = By::of(variable, &event);
                let obeys = by_vlt || !by.is_disguised && obeys_npms_variables(&by.agent);
                let is_dry = obeys && variable(dry_run).is_some_and(|value| !matches!(value.as_str(), "false" | "0"));
                if is_dry { Some(Self::DryRun) } else { Self::after(variable, by) }
            }
            _ => None,
        }
    }

    /// The hook after a publish.
    fn after(variable: &dyn Fn(&str) -> Option<String>, by: By) -> Option<Self> {
        let file = variable("npm_package_json").map_or_else(|| PathBuf::from("package.json"), PathBuf::from);
        let file = std::path::absolute(&file).unwrap_or(file);
        let bytes = store::at_hand::read(&file, npm_pack::tree::LARGEST_READ).ok();
        let manifest: Option<Value> = bytes.and_then(|bytes| serde_json::from_slice(npm_spec::manifest::without_bom(&bytes)).ok());
        let manifest = manifest.unwrap_or_default();
        let text = |key: &str| manifest.get(key)?.as_str().map(str::to_owned);
        // vlt gives neither.
        let name = variable("npm_package_name").or_else(|| text("name"))?;
        let version = variable("npm_package_version").or_else(|| text("version"))?;
        let By { agent, process, is_disguised } = by;
        // `npm stage publish` and `pnpm stage publish` run the hooks of a publish. Others pass the
        // variable on, whoever set it.
        if variable("npm_command").as_deref() == Some("stage")
            && !is_disguised
            && (agent.is_empty() || agent.starts_with("npm/") || agent.starts_with("pnpm/"))
        {
            return Some(Self::Staged { name });
        }
        // pnpm and bun do not say it to their scripts.
        if (is_disguised || !agent.starts_with("npm/")) && process.as_ref().is_some_and(ClientProcess::is_dry_run) {
            return Some(Self::DryRun);
        }
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        let around = Surroundings::of_process(None);
        let client = Client::of(variable, Machine::default());
        let own = manifest.get("publishConfig").unwrap_or(&Value::Null);
        // vlt has one setting, and tells it in a variable that npm's configuration is read with.
        let of_vlt = npmrc::is_script_of_vlt(variable).then(SentTo::default);
        let publish = Publish { agent: &agent, name: &name, own, folder: &folder, process: process.as_ref(), around };
        let lost = is_disguised.then(|| SentTo { lost: Some(disguise(&agent)), ..SentTo::default() });
        let sent = of_vlt.or(lost).unwrap_or_else(|| sent_to(&publish));
        let started = Started { before: process.map(|process| process.started_before), own: Instant::now() };
        Some(Self::Published(Box::new(Published { spec: format!("{name}@{version}"), sent, started, folder, client })))
    }
}

/// Who runs a hook.
struct By {
    /// The user agent that the client tells, which a setting of the project can change.
    agent: String,
    /// Its process, where the system shows it.
    process: Option<ClientProcess>,
    /// Whether the process is another client than the agent names.
    is_disguised: bool,
}

impl By {
    fn of(variable: &dyn Fn(&str) -> Option<String>, event: &str) -> Self {
        let process = ClientProcess::of(event);
        let agent = variable("npm_config_user_agent").unwrap_or_default();
        let is_disguised = process.as_ref().and_then(ClientProcess::client).is_some_and(|client| is_other(&agent, client));
        Self { agent, process, is_disguised }
    }
}

/// Whether a user agent is none that the client tells by itself. What begins otherwise than with a
/// client is taken for npm's.
fn is_other(agent: &str, client: &str) -> bool {
    let told = agent.split('/').next().unwrap_or_default();
    let told = if ["yarn", "pnpm", "bun"].contains(&told) { told } else { "npm" };
    told != client
}

/// The setting that hides which client it is.
fn disguise(agent: &str) -> String {
    let shown = if agent.is_empty() { "an empty one".to_owned() } else { escape(agent).into_owned() };
    format!("the setting `user-agent` ({shown}), which names another client than the one that publishes")
}

/// Whether a client publishes by npm's variables: npm, and pnpm up to 10, which calls it. Others
/// pass them on to scripts and publish all the same. A hook without an agent is npm's.
fn obeys_npms_variables(agent: &str) -> bool {
    let first = agent.split(' ').next().unwrap_or_default();
    match first.split_once('/') {
        Some(("npm", _)) => true,
        Some(("pnpm", version)) => npm_spec::version::parse(version).is_some_and(|version| version.major() <= 10),
        _ => first.is_empty(),
    }
}

/// How long a hook waits for the version that was just published.
pub(super) fn patience(options: &Options) -> Duration {
    let limit = options.timeout.filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    limit.map_or(PATIENCE, |limit| limit.min(PATIENCE))
}

/// Judges a version that was published a moment ago: where the registry does not have it, it is
/// asked again, for as long as the user says. In a hook, one that was there before is not what was
/// published, and is not judged.
pub(super) async fn judge(spec: &str, options: &Options, waiting: Waiting, progress: &Progress, cancelled: &Arc<AtomicBool>) -> Answer {
    let Waiting { patience, published } = waiting;
    if let Some(setting) = published.as_ref().and_then(|published| published.sent.lost.clone()) {
        return Answer::failed(spec, &NotFollowed { spec: spec.to_owned(), setting });
    }
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let is_new = match &published {
            Some(Published { started, folder, client, .. }) => {
                let publishing = Publishing { started_ago: started.ago(), folder: folder.clone(), client: client.clone() };
                session::just_published(spec, options, publishing, Arc::clone(cancelled)).await
            }
            None => Ok(()),
        };
        let mut answer = match is_new {
            Ok(()) => session::judge_one(spec, options, None, progress.clone(), Arc::clone(cancelled)).await,
            Err(error) => Answer::failed(spec, &*error),
        };
        let not_yet = matches!(&answer, Answer::Failed(failure) if NOT_YET.contains(&failure.code.as_str()));
        let left = patience.saturating_sub(began.elapsed());
        if not_yet && left.is_zero() {
            say_waited(&mut answer, patience);
        }
        if !not_yet || left.is_zero() || cancelled.load(Ordering::Relaxed) {
            return answer;
        }
        progress.tell("resolve", "waiting for the registry to show it");
        // The last look is at the end of the time, however long the pauses are by then.
        let until = Instant::now() + pause.min(left);
        while Instant::now() < until && !cancelled.load(Ordering::Relaxed) {
            sleep(POLL).await;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Says of a version that is not there that it was waited for.
fn say_waited(answer: &mut Answer, patience: Duration) {
    if let Answer::Failed(failure) = answer {
        failure.hints.push(format!("it was waited for {}: --wait=<time> sets how long", shown_time(patience)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(variables: &[(&str, &str)]) -> Option<Hook> {
        Hook::of(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    const PACKAGE: [(&str, &str); 2] = [("npm_package_name", "@a/b"), ("npm_package_version", "1.0.0")];

    #[test]
    fn a_hook_after_a_publish_names_the_package() {
        for event in ["publish", "postpublish"] {
            let found = hook(&[PACKAGE.as_slice(), &[("npm_lifecycle_event", event)]].concat());
            assert!(matches!(found, Some(Hook::Published(one)) if one.spec == "@a/b@1.0.0"), "{event}");
        }
    }

    #[test]
    fn a_dry_run_published_nothing() {
        let dry = |value| hook(&[PACKAGE.as_slice(), &[("npm_lifecycle_event", "postpublish"), ("npm_config_dry_run", value)]].concat());
        assert!(matches!(dry("true"), Some(Hook::DryRun)));
        assert!(matches!(dry("false"), Some(Hook::Published(_))));
    }

    #[test]
    fn variables_of_npms_count_for_clients_that_publish_by_them_alone() {
        let by = |agent: &str, more: &[(&str, &str)]| {
            let own = [("npm_lifecycle_event", "postpublish"), ("npm_config_user_agent", agent)];
            hook(&[PACKAGE.as_slice(), &own, more].concat())
        };
        let dry = [("npm_config_dry_run", "true")];
        for agent in ["npm/11.0.0 node/v24.0.0 linux x64", "pnpm/10.34.1 npm/? node/v24.0.0 linux x64"] {
            assert!(matches!(by(agent, &dry), Some(Hook::DryRun)), "{agent}");
        }
        for agent in
            ["yarn/1.22.22 npm/? node/v24.0.0", "bun/1.3.0 npm/? node/v24.0.0", "pnpm/11.0.0 npm/? node/v24.0.0", "yarn/4.9.0 npm/?"]
        {
            assert!(matches!(by(agent, &dry), Some(Hook::Published(_))), "{agent}");
        }
        let stage = [("npm_command", "stage")];
        assert!(matches!(by("yarn/1.22.22 npm/? node/v24.0.0", &stage), Some(Hook::Published(_))));
        assert!(matches!(by("pnpm/11.3.0 npm/? node/v24.0.0", &stage), Some(Hook::Staged { .. })));
    }

    #[test]
    fn a_user_agent_that_names_another_client_is_a_disguise() {
        for (agent, client, other) in [
            ("npm/11.0.0 node/v24.0.0", "npm", false),
            ("acme", "npm", false),
            ("", "npm", false),
            ("yarn/1.22.22 npm/? node/v24.0.0", "yarn", false),
            ("npm/11.0.0 node/v24.0.0", "yarn", true),
            ("", "yarn", true),
            ("yarn/1.22.22 npm/?", "npm", true),
            ("pnpm/11.0.0 npm/?", "bun", true),
        ] {
            assert_eq!(is_other(agent, client), other, "{agent} {client}");
        }
    }

    #[test]
    fn the_hooks_of_vlt_are_read_from_its_own_variables_and_package_json() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("package.json");
        std::fs::write(&manifest, r#"{"name":"@a/b","version":"1.0.0","publishConfig":{"registry":"https://not.example/"}}"#).unwrap();
        let vlt = |event: &str, more: &[(&str, &str)]| {
            let own = [("npm_lifecycle_event", event), ("npm_package_json", manifest.to_str().unwrap()), ("VLT_NODE_VERSION", "v22.0.0")];
            hook(&[&own[..], more].concat())
        };
        assert!(matches!(vlt("postpublish", &[]), Some(Hook::Published(one)) if one.spec == "@a/b@1.0.0" && one.sent == SentTo::default()));
        assert!(matches!(vlt("postpublish", &[("VLT_DRY_RUN", "1")]), Some(Hook::DryRun)));
        assert!(matches!(vlt("postpublish", &[("VLT_DRY_RUN", "0")]), Some(Hook::Published(_))));
        assert!(matches!(vlt("publish", &[]), Some(Hook::Before)), "it runs before the package is sent");
    }

    #[test]
    fn what_was_staged_is_not_published() {
        let stage = |event| hook(&[PACKAGE.as_slice(), &[("npm_lifecycle_event", event), ("npm_command", "stage")]].concat());
        assert!(matches!(stage("postpublish"), Some(Hook::Staged { name }) if name == "@a/b"));
        assert!(matches!(stage("prepublishOnly"), Some(Hook::Before)));
        let publish = hook(&[PACKAGE.as_slice(), &[("npm_lifecycle_event", "postpublish"), ("npm_command", "publish")]].concat());
        assert!(matches!(publish, Some(Hook::Published(_))));
    }

    #[test]
    fn other_scripts_are_no_hooks() {
        assert!(hook(&PACKAGE).is_none());
        assert!(hook(&[PACKAGE.as_slice(), &[("npm_lifecycle_event", "test")]].concat()).is_none());
        assert!(matches!(hook(&[("npm_lifecycle_event", "prepublishOnly")]), Some(Hook::Before)));
    }
}
