//! `reproduce --local`: could anybody rebuild what is about to be published?
//!
//! In: a package's folder on disk. Out: [`Checked`]: what stands in the way, each with what to do,
//! and the result of the rebuild. The folder is packed as a publish would pack it (`packed`), its
//! files are held against the commit (`work_tree`), and where nothing stands in the way yet, that
//! commit of the declared repository is rebuilt by the same pipeline that judges published versions
//! (`rebuilt`): a publish that passes here is one that `reproduce <name>@<version>` will reproduce.

mod advice;
mod client;
mod entries;
mod error;
mod members;
mod packed;
mod problem;
mod problems;
mod rebuilt;
mod sent;
pub mod text;
mod work_tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;

pub use advice::Advice;
pub use client::{Client, Machine};
pub use error::LocalError;
pub use members::members;
pub use problem::{Problem, Shown};
pub(crate) use sent::other_than_packed;

use context::Progress;
use report::json::{Report, SCHEMA_VERSION};
use verdict::{Failed, Severity, boxed, internal};

use crate::options::Options;
use packed::{Packed, Until};
use work_tree::WorkTree;

/// How often is looked whether the time is over.
const POLL: Duration = Duration::from_millis(20);
/// How long a client that packs may take to end when the time is over.
const GRACE: Duration = Duration::from_secs(5);

/// What came of one folder. `schema/local.schema.json` describes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// This program's version.
    pub reproduce_version: String,
    /// Whether anybody could rebuild what would be published; null where that could not be decided.
    pub reproducible: Option<bool>,
    /// The package's name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The commit that the folder is at.
    pub commit: Option<String>,
    /// The package's folder in the repository, `""` for the root.
    pub directory: Option<String>,
    /// How the folder was packed.
    pub packed_by: String,
    /// What would be published, in byte order of path.
    pub files: Vec<String>,
    /// What stands in the way, and what is worth a look.
    pub problems: Vec<Shown>,
    /// What could be changed so that it stays reproducible; null unless it was asked for.
    pub advice: Option<Vec<Advice>>,
    /// The result of rebuilding the commit; null where it was not tried.
    pub rebuild: Option<Box<Report>>,
}

impl Checked {
    /// 0 where it can be published, 1 where nobody could rebuild it, 2 where that was not decided.
    pub fn exit_code(&self) -> u8 {
        match self.reproducible {
            Some(true) => 0,
            Some(false) => 1,
            None => 2,
        }
    }
}

/// What is asked of a folder.
pub struct Asked {
    /// The package's folder.
    pub folder: PathBuf,
    /// The client that publishes it.
    pub client: Client,
    /// Whether it is to be said what to change.
    pub explain: bool,
}

/// Checks the package in a folder. An error is a failure of this machine or of its user.
pub async fn check(asked: Asked, options: &Options, progress: Progress, cancelled: Arc<AtomicBool>) -> Result<Checked, Failed> {
    let Asked { folder, client, explain } = asked;
    let client = client.or_at_hand(&folder);
    progress.tell("pack", "packing the folder");
    let stop = Until { cancelled: Arc::clone(&cancelled), limit: options.limit().map_err(boxed)?, began: Instant::now() };
    let (at, by, over) = (folder, client.clone(), is_over(Arc::clone(&cancelled), stop.limit));
    let looking = tokio::task::spawn_blocking(move || look(&at, &by, &stop));
    let looked = tokio::select! {
        looked = looking => looked.map_err(internal)?,
        error = over => Err(error),
    };
    let Looked { packed, tree, mut problems, advice } = looked.map_err(boxed)?;
    let mut rebuild = None;
    let commit = tree.as_ref().map(|tree| tree.commit.clone());
    if let Some(commit) = commit.as_ref().filter(|_| !stands_in_the_way(&problems)) {
        rebuild = Some(rebuilt::rebuild((&packed, commit), &client, options, progress, cancelled).await?);
    }
    if let (Some(report), Some(tree)) = (&rebuild, &tree) {
        problems.extend(problems::of_rebuild(report, tree, &packed).map_err(boxed)?);
    }
    let undecided = problems.iter().any(|problem| matches!(problem, Problem::Undecided { .. }));
    let reproducible = if stands_in_the_way(&problems) { Some(false) } else { (!undecided).then_some(true) };
    Ok(Checked {
        schema_version: SCHEMA_VERSION,
        reproduce_version: env!("CARGO_PKG_VERSION").to_owned(),
        reproducible,
        name: packed.text("name"),
        version: packed.text("version"),
        commit,
        directory: tree.as_ref().map(|tree| tree.directory.clone()),
        packed_by: packed.by,
        files: packed.files,
        problems: problems.iter().map(Problem::shown).collect(),
        advice: explain.then_some(advice),
        rebuild,
    })
}

/// Comes back where the folder was still not read a moment after its time was over, or after a
/// signal: it waits for something, as a file system that is gone.
async fn is_over(cancelled: Arc<AtomicBool>, limit: Option<Duration>) -> LocalError {
    let began = Instant::now();
    let error = loop {
        if cancelled.load(Ordering::Relaxed) {
            break LocalError::Cancelled;
        }
        if let Some(limit) = limit.filter(|limit| began.elapsed() >= *limit) {
            break LocalError::TimedOut(limit);
        }
        tokio::time::sleep(POLL).await;
    };
    tokio::time::sleep(GRACE).await;
    error
}

/// What can be seen without a network.
struct Looked {
    packed: Packed,
    tree: Option<Box<WorkTree>>,
    problems: Vec<Problem>,
    advice: Vec<Advice>,
}

fn look(folder: &Path, client: &Client, until: &Until) -> Result<Looked, LocalError> {
    let folder = std::fs::canonicalize(folder).map_err(|source| LocalError::Folder { path: folder.to_owned(), source })?;
    let opened = WorkTree::open(&folder)?;
    let (root, directory) = opened.place(&folder);
    let packed = packed::pack(&folder, (root, directory), client, until)?;
    let mut problems = problems::of_manifest(&packed);
    let tree = match opened {
        work_tree::Opened::NoRepository => {
            problems.push(Problem::NoRepository);
            None
        }
        work_tree::Opened::NoCommit => {
            problems.push(Problem::NoCommit);
            None
        }
        work_tree::Opened::At(tree) => {
            problems.extend(problems::of_tree(&tree, &packed)?);
            Some(tree)
        }
    };
    let advice = advice::advice(&packed, tree.as_deref());
    Ok(Looked { packed, tree, problems, advice })
}

fn stands_in_the_way(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity() == Severity::Error)
}
