//! `reproduce replay`: the tarball of a recipe, made again from the recipe alone. No registry is asked for the package, and no published
//! archive is looked at: what is not in the recipe or in the commit does not count.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use gix::ObjectId;
use tokio::runtime::Handle;

use context::Context;
use git::Repository;
use npm_pack::gzip;
use origin::{LocateError, Origin};
use rebuild::build_run::{self, Site};
use rebuild::rebuilt::{Hashed, Run};
use rebuild::source::{self, Blank};
use rebuild::{Published, SourceError};
use recipe::{Recipe, TarballRecipe};
use report::json::ToolInfo;
use report::replay::{Outcome, Replayed, of};
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::host::millis;
use verdict::{Failed, Finding, Severity, boxed};

use crate::draft::tool_findings;
use crate::emit::EmitError;
use crate::{Question, opening};

/// A recipe that could not be replayed, besides what its stages say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The recipe does not say what came out.
    #[error("the recipe does not say which tarball it makes")]
    Incomplete,
}

impl Diagnostic for ReplayError {
    fn code(&self) -> &'static str {
        "recipe-incomplete"
    }

    fn stage(&self) -> Stage {
        Stage::Plan
    }

    fn hint(&self) -> Option<String> {
        Some("only the recipe of the attempt that decided has `tarball`: pass the whole result of `reproduce <spec> --json`".into())
    }
}

/// Makes the tarball of a recipe again. Blocks the thread.
pub fn replay(recipe: &Recipe, question: &Question, context: &Context, runtime: &Handle) -> Result<Replayed, Failed> {
    let began = Instant::now();
    let tarball = recipe.tarball.as_ref().ok_or_else(|| boxed(ReplayError::Incomplete))?;
    let open = |url: &str| opening::open_by_url(url, context, runtime);
    context.progress.tell("locate", "asking the repository");
    let mut repository = open(&recipe.repository).map_err(boxed)?;
    let origin = origin_of(&mut repository, recipe).map_err(boxed)?;
    let nothing = Published::nothing().map_err(|error| boxed(SourceError::Archive(error)))?;
    let blank = Blank { nothing: &nothing, open_submodule: &open };
    let (archive, unavailable, run, tier) = if recipe.build.is_some() {
        let site = Site::open(&question.build, context, runtime).map_err(boxed)?;
        let built = build_run::replay(&mut repository, &origin, recipe, &blank, &site).map_err(boxed)?;
        (built.archive, built.unavailable, Some(built.run), Some(site.sandbox.tier()))
    } else {
        context.progress.tell("pack", "packing the commit's files");
        let followed = source::follow(&mut repository, &origin, recipe, &blank, &context.cancelled);
        let (archive, unavailable) = followed.map_err(boxed)?;
        (archive, unavailable, None, None)
    };
    context.progress.tell("pack", "compressing");
    let integrity = match &question.emit {
        None => write(&archive, tarball, io::sink()).map_err(boxed)?.1,
        Some(path) => emit(&archive, tarball, path).map_err(|source| boxed(EmitError { path: path.clone(), source }))?,
    };
    let mut replayed = of(recipe);
    let Run { steps, log, notes, tools, .. } = run.unwrap_or_default();
    let lost = unavailable.into_iter().map(|line| Finding::new("source-incomplete", Severity::Warning, line));
    let noted = notes.into_iter().map(|(code, message)| Finding::new(code, Severity::Info, message));
    replayed.findings = lost.chain(noted).chain(tool_findings(&tools)).collect();
    replayed.tools = recipe.build.is_some().then(|| tools.iter().map(ToolInfo::from).collect());
    replayed.outcome = if integrity == tarball.integrity { Outcome::SameBytes } else { Outcome::OtherBytes };
    replayed.integrity = integrity;
    replayed.expected.clone_from(&tarball.integrity);
    replayed.emitted = question.emit.as_ref().map(|path| path.display().to_string());
    replayed.sandbox = tier.map(|tier| tier.as_str().to_owned());
    replayed.log = recipe.build.is_some().then_some(log);
    replayed.steps = steps;
    replayed.ms = millis(began.elapsed());
    Ok(replayed)
}

/// The commit of a recipe, which a branch or tag of the repository must reach: hosts serve commits of anybody's fork.
fn origin_of(repository: &mut Repository, recipe: &Recipe) -> Result<Origin, LocateError> {
    let gone = |repository: &Repository| LocateError::NoCommit {
        repository: repository.url().to_owned(),
        name: recipe.name.clone(),
        version: recipe.version.clone(),
        evidence: Vec::new(),
    };
    let Ok(commit) = ObjectId::from_hex(recipe.commit.as_bytes()) else { return Err(gone(repository)) };
    repository.ensure_commits(&[commit])?;
    let Some(listing) = repository.listing(&commit)? else { return Err(gone(repository)) };
    if !repository.reaches(&commit)? {
        let (commit, repository) = (recipe.commit.clone(), repository.url().to_owned());
        return Err(LocateError::Unreachable { commit, repository, evidence: Vec::new() });
    }
    let reference = recipe.build.as_ref().and_then(|build| build.reference.clone());
    Ok(Origin::at(commit, reference, &recipe.directory, listing))
}

/// Writes the tarball and hashes it on the way.
fn write<W: Write>(archive: &npm_tarball::Archive, tarball: &TarballRecipe, out: W) -> Result<(W, String), SourceError> {
    let mut hashed = Hashed::new(out);
    gzip::compress(&mut archive.tar(), tarball.gzip, &mut hashed)?;
    Ok(hashed.finish())
}

fn emit(archive: &npm_tarball::Archive, tarball: &TarballRecipe, path: &Path) -> Result<String, SourceError> {
    let (mut file, integrity) = write(archive, tarball, BufWriter::new(File::create(path)?))?;
    file.flush()?;
    Ok(integrity)
}
