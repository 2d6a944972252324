//! `"postpublish": "reproduce"`: the package that npm has just published, once the registry serves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use context::Progress;
use report::answer::Answer;

use crate::options::Options;
use crate::session;

/// How long a registry may take to show a version that it has accepted, unless `--timeout` is shorter.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long to wait before asking again: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How often it is seen that the user does not want to wait any longer.
const POLL: Duration = Duration::from_millis(50);
/// What a registry answers that does not have the version yet.
const NOT_YET: [&str; 3] = ["package-not-found", "version-not-found", "tarball-not-found"];

/// What a hook of npm's is about.
pub(super) enum Hook {
    /// This version was published.
    Published {
        /// `name@version`.
        spec: String,
        /// Where it went, if package.json says so itself.
        registry: Option<String>,
    },
    /// Nothing was: npm runs its hooks under `--dry-run` too.
    DryRun,
    /// The hook before a publish, in which the version cannot be there yet.
    Before,
}

impl Hook {
    /// Reads npm's variables (docs.npmjs.com/cli/using-npm/scripts); none where no publish is running.
    pub(super) fn of(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        match variable("npm_lifecycle_event")?.as_str() {
            "prepublishOnly" => Some(Self::Before),
            "publish" | "postpublish" if variable("npm_config_dry_run").is_some_and(|value| value != "false") => Some(Self::DryRun),
            "publish" | "postpublish" => {
                let spec = format!("{}@{}", variable("npm_package_name")?, variable("npm_package_version")?);
                let manifest =
                    variable("npm_package_json").and_then(|path| store::at_hand::read(path.as_ref(), npm_pack::tree::LARGEST_READ).ok());
                let manifest: Option<Value> =
                    manifest.and_then(|bytes| serde_json::from_slice(npm_spec::manifest::without_bom(&bytes)).ok());
                let registry =
                    manifest.as_ref().and_then(|manifest| manifest.pointer("/publishConfig/registry")?.as_str().map(str::to_owned));
                Some(Self::Published { spec, registry })
            }
            _ => None,
        }
    }
}

/// How long a hook waits for the version that was just published.
pub(super) fn patience(options: &Options) -> Duration {
    let limit = options.timeout.filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    limit.map_or(PATIENCE, |limit| limit.min(PATIENCE))
}

/// Judges a version that was published a moment ago: where the registry does not have it, it is asked again, for as long as the user
/// says.
pub(super) async fn judge(spec: &str, options: &Options, patience: Duration, progress: &Progress, cancelled: &Arc<AtomicBool>) -> Answer {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let answer = session::judge_one(spec, options, None, progress.clone(), Arc::clone(cancelled)).await;
        let not_yet = matches!(&answer, Answer::Failed(failure) if NOT_YET.contains(&failure.code.as_str()));
        if !not_yet || started.elapsed() + pause > patience || cancelled.load(Ordering::Relaxed) {
            return answer;
        }
        progress.tell("resolve", "waiting for the registry to show it");
        let until = Instant::now() + pause;
        while Instant::now() < until && !cancelled.load(Ordering::Relaxed) {
            sleep(POLL).await;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
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
            assert!(matches!(found, Some(Hook::Published { spec, registry: None }) if spec == "@a/b@1.0.0"), "{event}");
        }
    }

    #[test]
    fn a_dry_run_published_nothing() {
        let dry = |value| hook(&[PACKAGE.as_slice(), &[("npm_lifecycle_event", "postpublish"), ("npm_config_dry_run", value)]].concat());
        assert!(matches!(dry("true"), Some(Hook::DryRun)));
        assert!(matches!(dry("false"), Some(Hook::Published { .. })));
    }

    #[test]
    fn other_scripts_are_no_hooks() {
        assert!(hook(&PACKAGE).is_none());
        assert!(hook(&[PACKAGE.as_slice(), &[("npm_lifecycle_event", "test")]].concat()).is_none());
        assert!(matches!(hook(&[("npm_lifecycle_event", "prepublishOnly")]), Some(Hook::Before)));
    }
}
