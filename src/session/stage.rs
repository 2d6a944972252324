//! A staged version, judged by the pipeline as if it were published.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use context::Progress;
use npm_registry::Release;
use npm_tarball::{Archive, Limits};
use report::json::Report;
use report::text::escape;
use verdict::{Failed, Finding, Severity, boxed};

use super::setup::Setup;
use super::{Stop, judge_unpublished, until_stopped};
use crate::options::Options;
use crate::stage::{self, StageError, Staged};

/// What is staged under a package's name or a stage's number.
pub async fn stages(word: &str, options: &Options, cancelled: &AtomicBool) -> Result<Vec<Staged>, Failed> {
    let stop = Stop::default();
    let run = Box::pin(async {
        let setup = Setup::read(options)?;
        let registry = setup.npm.registry_for(stage::named(word).0);
        stage::find(&setup.client(), &registry, word, &stop.requests).await.map_err(boxed)
    });
    until_stopped(run, &stop, options, cancelled).await
}

/// Fetches a stage's tarball and judges it against the commit that was pushed. Nothing of it is
/// stored.
pub async fn judge_stage(
    staged: &Staged,
    options: &Options,
    progress: Progress,
    cancelled: Arc<AtomicBool>,
) -> Result<Box<Report>, Failed> {
    let stop = Stop::default();
    let fetch = Box::pin(async {
        let setup = Setup::read(options)?;
        let registry = setup.npm.registry_for(&staged.name);
        let client = setup.client();
        let bytes = stage::download(&client, &registry, staged, &stop.requests).await.map_err(boxed)?;
        let shown = stage::metadata(&client, &registry, staged, &stop.requests).await.map_err(boxed)?;
        Ok((bytes, shown))
    });
    let (bytes, shown) = until_stopped(fetch, &stop, options, &cancelled).await?;
    let own = manifest_of(&bytes, staged).map_err(boxed)?;
    let disk = |error: std::io::Error| -> Failed { boxed(npm_registry::RegistryError::Disk(error.to_string())) };
    let mut file = tempfile::Builder::new().suffix(".tgz").tempfile().map_err(disk)?;
    file.write_all(&bytes).and_then(|()| file.flush()).map_err(disk)?;
    let location = file.path().display().to_string();
    stage::check(&bytes, staged, &shown).map_err(boxed)?;
    let is_shown = !shown.is_empty();
    let first = shown.into_iter().next();
    let told = first.map_or_else(|| Release { manifest: Some(own), ..Release::default() }, Release::told);
    let release = Release {
        name: Some(staged.name.clone()),
        version: Some(staged.version.clone()),
        location: location.clone(),
        time: staged.created.clone(),
        git_head: staged.git_head.clone().or(told.git_head),
        ..told
    };
    let mut report = judge_unpublished(&location, release, options, progress, cancelled).await?;
    report.package.location = Some(staged.tarball.to_string());
    report.package.spec = format!("{}@{}", staged.name, staged.version);
    if !is_shown {
        let message = "the registry does not show the metadata that it will give to installers (dependencies, scripts, bin), \
                       which was not held against the tarball: check the version again once it is approved";
        report.findings.push(Finding::new("stage-metadata-not-shown", Severity::Warning, message));
    }
    if let Some(state) = &staged.state {
        let message = format!("the registry says that it is {}, and not that it waits to be approved", escape(state));
        report.findings.push(Finding::new("stage-not-waiting", Severity::Warning, message));
    }
    Ok(report)
}

/// package.json of the tarball, which must be that of the stage.
fn manifest_of(bytes: &[u8], staged: &Staged) -> Result<Value, StageError> {
    let other = |reason: String| StageError::Mismatch { id: staged.id.clone(), reason };
    let archive = Archive::read(bytes, &Limits::default()).map_err(|error| other(error.to_string()))?;
    let text = archive.get("package.json").and_then(|entry| archive.content(entry).ok()).unwrap_or_default();
    let manifest: Value =
        serde_json::from_slice(npm_spec::manifest::without_bom(&text)).map_err(|error| other(format!("its package.json: {error}")))?;
    for (key, stated) in [("name", &staged.name), ("version", &staged.version)] {
        let own = manifest.get(key).and_then(Value::as_str);
        if own != Some(stated) {
            return Err(other(format!("its {key} is {}, and not {stated}", own.unwrap_or("missing"))));
        }
    }
    Ok(manifest)
}
