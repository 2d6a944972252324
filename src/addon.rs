//! The Node addon. Async functions of napi cannot carry error codes and ignore a signal that is
//! already aborted, so results and failures cross as JSON and index.js throws typed errors and owns
//! cancellation.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;

use context::Progress;
use report::answer::Answer;
use report::product::Product;

use crate::cli::Program;
use crate::options::Options;
use crate::places::Places;
use crate::session;

/// Progress of a run, as `onProgress` gets it.
#[napi(object)]
pub struct ProgressEvent {
    /// `resolve`, `locate`, `fetch`, `pack` or `compare`.
    pub stage: String,
    /// One line for people.
    pub message: String,
}

type OnProgress = ThreadsafeFunction<ProgressEvent, (), ProgressEvent, Status, false, true>;

/// One run that can be cancelled.
#[napi]
pub struct Run {
    cancelled: Arc<AtomicBool>,
    program: Program,
}

#[napi]
impl Run {
    /// A run that has not started. `folder` is where the addon is: the executable that builds run
    /// under is beside it. `root` is where package.json is, and `repository` the address of the
    /// repository that it names.
    #[napi(constructor)]
    pub fn new(env: Env, folder: Option<String>, root: Option<String>, repository: Option<String>) -> napi::Result<Self> {
        let node = env.get_node_version()?;
        let node = format!("{}.{}.{}", node.major, node.minor, node.patch);
        let product = Product { root: root.map(PathBuf::from), repository };
        let program = Program { installed: folder.map(PathBuf::from), node, product };
        Ok(Self { cancelled: Arc::new(AtomicBool::new(false)), program })
    }

    /// Asks the run to stop; its promise settles soon after.
    #[napi]
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Judges one package. Resolves to JSON: `{"ok":true,"key":…,"result":…}` or
    /// `{"ok":false,"error":…}`. `options` is the options object as JSON; `known` is a JSON object
    /// of stored results that count before the disk's.
    #[napi]
    pub async fn judge(
        &self,
        spec: String,
        options: String,
        known: Option<String>,
        on_progress: Option<Arc<OnProgress>>,
    ) -> napi::Result<String> {
        let progress = Progress::new(move |stage, message| {
            if let Some(callback) = &on_progress {
                let event = ProgressEvent { stage: stage.to_string(), message: message.to_owned() };
                callback.call(event, ThreadsafeFunctionCallMode::NonBlocking);
            }
        });
        let (cancelled, installed) = (Arc::clone(&self.cancelled), self.program.installed.clone());
        // A task of its own, so that a panic ends this run and not the process.
        let task = tokio::spawn(async move {
            match Options::from_json(&options) {
                Ok(options) => {
                    let options = Options { installed, ..options };
                    let places = Places::default().with(&options).of_specs(std::slice::from_ref(&spec), options.cwd.as_deref());
                    if let Err(refused) = places.check() {
                        return *refused;
                    }
                    session::judge_one(&spec, &options, known.as_deref(), progress, cancelled).await
                }
                Err(error) => Answer::failed(&spec, &error),
            }
        });
        let answer = task.await.map_err(|error| napi::Error::from_reason(format!("internal error: {error}")))?;
        Ok(answer.to_json())
    }

    /// The command line: arguments without `node` and the script. Resolves to the exit code.
    #[napi]
    pub async fn cli(&self, arguments: Vec<String>) -> napi::Result<u32> {
        let cancelled = Arc::clone(&self.cancelled);
        let task = tokio::spawn(crate::cli::run(arguments, self.program.clone(), cancelled));
        let code = task.await.map_err(|error| napi::Error::from_reason(format!("internal error: {error}")))?;
        Ok(u32::from(code))
    }
}
