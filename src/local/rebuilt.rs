//! The rebuild of a commit for a tarball that is not published yet: the pipeline gets it as if a
//! registry had served it.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use context::Progress;
use npm_registry::Release;
use report::json::Report;
use verdict::Failed;
use verdict::host::timestamp;

use super::client::Client;
use super::error::LocalError;
use super::packed::Packed;
use crate::options::Options;
use crate::session;

/// Rebuilds the checked-out commit from the declared repository and compares it with the packed
/// folder.
pub(super) async fn rebuild(
    (packed, commit): (&Packed, &str),
    client: &Client,
    options: &Options,
    progress: Progress,
    cancelled: Arc<AtomicBool>,
) -> Result<Box<Report>, Failed> {
    let ours = |error: std::io::Error| -> Failed { Box::new(LocalError::Io(error)) };
    let mut file = tempfile::Builder::new().suffix(".tgz").tempfile().map_err(ours)?;
    file.write_all(&packed.bytes).map_err(ours)?;
    file.flush().map_err(ours)?;
    let location = file.path().display().to_string();
    // What the client will tell the registry.
    let (node_version, npm_version) = client.recorded();
    let release = Release {
        name: packed.text("name"),
        version: packed.text("version"),
        location: location.clone(),
        manifest: Some(packed.manifest.clone()),
        time: Some(timestamp(SystemTime::now())),
        git_head: Some(commit.to_owned()),
        npm_version,
        node_version,
        ..Release::default()
    };
    let mut report = session::judge_unpublished(&location, release, options, progress, cancelled).await?;
    // The temporary file is gone by the time that anybody reads this.
    report.package.location = None;
    report.package.spec = format!("{}@{}", packed.text("name").unwrap_or_default(), packed.text("version").unwrap_or_default());
    Ok(report)
}
