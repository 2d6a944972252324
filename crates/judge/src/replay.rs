//! `reproduce replay`: the tarball of a recipe, made again from the recipe alone. No registry is
//! asked for the package, and no published archive is looked at: what is not in the recipe or in
//! the commit does not count.

use std::collections::HashSet;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use gix::ObjectId;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use context::Context;
use git::Repository;
use npm_pack::gzip;
use npm_registry::confusion;
use origin::{LocateError, Origin};
use rebuild::build_run::{self, Built, Site};
use rebuild::committed::Made;
use rebuild::rebuilt::{Hashed, Run};
use rebuild::source::{self, Blank, Followed};
use rebuild::{Published, SourceError, opening};
use recipe::{Recipe, TarballRecipe, Told};
use report::json::ToolInfo;
use report::replay::{Outcome, Replayed, of};
use verdict::diagnostic::{Diagnostic, Stage};
use verdict::host::millis;
use verdict::{Failed, Finding, Severity, boxed};

use crate::draft::run_findings;
use crate::emit::EmitError;
use crate::user_source::UserSource;
use crate::{Question, checkout_notes, overwritten};

/// A recipe that could not be replayed, besides what its stages say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The recipe does not say what came out.
    #[error("the recipe does not name its tarball")]
    Incomplete,
    /// The file names another package than the tarball that comes out.
    #[error("the file is for {named}, but its recipe makes a tarball of {made}")]
    OtherPackage {
        /// What a part of the file says.
        named: String,
        /// What the tarball's package.json says.
        made: String,
    },
    /// The source that the user named has a commit or folder of its own.
    #[error("--source names {0}, but the commit and folder of a replay are in the recipe")]
    SourceNamesMore(String),
    /// The recipe's source was on the machine that made it.
    #[error("the recipe's source is {0}, but a recipe never opens files of this machine by itself")]
    SourceOfMachine(String),
    /// The build had the tarball that it is to make.
    #[error("the build installed the very tarball that the recipe makes, as {0}")]
    JudgedBytes(String),
}

impl Diagnostic for ReplayError {
    fn code(&self) -> &'static str {
        match self {
            Self::Incomplete => "recipe-incomplete",
            Self::OtherPackage { .. } => "recipe-names-another",
            Self::SourceNamesMore(_) => "source-names-more",
            Self::SourceOfMachine(_) => "source-of-machine",
            Self::JudgedBytes(_) => "judged-bytes-in-build",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Plan
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Incomplete => "only the recipe of the deciding attempt has `tarball`: pass the whole result of `reproduce <spec> --json`",
            Self::OtherPackage { .. } => "the file was changed after it was written: do not trust it",
            Self::SourceNamesMore(_) => "name only the repository: --source ./folder",
            Self::SourceOfMachine(_) => "name the source: --source ./folder",
            Self::JudgedBytes(_) => "such a result says nothing about the source: check the package with `reproduce`",
        };
        Some(hint.to_owned())
    }
}

/// Makes the tarball of a recipe again. Blocks the thread.
pub fn replay(recipe: &Recipe, told: Option<Told>, question: &Question, context: &Context, runtime: &Handle) -> Result<Replayed, Failed> {
    let began = Instant::now();
    let tarball = recipe.tarball.as_ref().ok_or_else(|| boxed(ReplayError::Incomplete))?;
    context.progress.tell("locate", "asking the repository");
    let mut repository = source_of(recipe, question, context, runtime)?;
    let allowed = opening::allowed_beside_url(repository.url(), context);
    let open = |url: &str| opening::open_beside(url, context, runtime, &allowed);
    let origin = origin_of(&mut repository, recipe).map_err(boxed)?;
    let nothing = Published::nothing().map_err(|error| boxed(SourceError::Archive(error)))?;
    let blank = Blank { nothing: &nothing, open_submodule: &open, outside: (context, runtime) };
    let (followed, run, tier) = if recipe.build.is_some() {
        let site = Site::open(&question.build, context, runtime).map_err(boxed)?;
        let built = build_run::replay(&mut repository, &origin, recipe, &blank, &site).map_err(boxed)?;
        let Built { archive, unavailable, unreached, own_submodules, submodules, altered, cleaned, run } = built;
        (Followed { archive, unavailable, unreached, own_submodules, submodules, altered, cleaned }, Some(run), Some(site.sandbox.tier()))
    } else {
        context.progress.tell("pack", "packing the commit's files");
        let followed = source::follow(&mut repository, &origin, recipe, &blank);
        (followed.map_err(boxed)?, None, None)
    };
    let overwritten = if run.is_some() {
        let made = Made { recipe, archive: &followed.archive, before: &followed.cleaned.before, gone: &[] };
        overwritten::of_replay(&mut repository, &origin, made, &blank).map_err(boxed)?
    } else {
        Vec::new()
    };
    let Followed { archive, unavailable, unreached, own_submodules, submodules, altered, cleaned } = followed;
    let run = run.unwrap_or_default();
    check_names(&archive, recipe, told.as_ref()).map_err(boxed)?;
    check_installed(&run, &tarball.integrity).map_err(boxed)?;
    context.progress.tell("pack", "compressing");
    let integrity = match &question.emit {
        None => write(&archive, tarball, io::sink()).map_err(boxed)?.1,
        Some(path) => emit(&archive, tarball, path).map_err(|source| boxed(EmitError { path: path.clone(), source }))?,
    };
    let mut replayed = of(recipe, repository.url());
    let lost = unavailable.into_iter().map(|line| Finding::new("source-incomplete", Severity::Warning, line));
    let stated = told.as_ref().and_then(|told| told.resolved.as_deref());
    let others = stated.filter(|_| recipe.build.is_some()).and_then(|stated| resolved_differs(stated, &run.resolved));
    let elsewhere = question.source.is_some().then(|| {
        let message = format!("the source was given with --source; the recipe names {}", recipe.repository);
        Finding::new("source-by-user", Severity::Info, message)
    });
    let put_back = recipe.build.as_ref().and_then(|build| checkout_notes::put_back(&build.restored));
    let files = checkout_notes::altered(&altered).into_iter().chain(checkout_notes::cleaned(&cleaned)).chain(put_back);
    let files = checkout_notes::unreached(unreached).chain(checkout_notes::own_submodules(own_submodules)).chain(files);
    replayed.submodules = submodules;
    replayed.findings = elsewhere.into_iter().chain(lost).chain(files).chain(overwritten).chain(run_findings(&run)).chain(others).collect();
    let Run { steps, log, tools, toolchains, resolved, .. } = run;
    replayed.toolchains = toolchains;
    replayed.resolved = recipe.build.is_some().then_some(resolved);
    replayed.tools = recipe.build.is_some().then(|| tools.iter().map(ToolInfo::from).collect());
    replayed.outcome = if integrity == tarball.integrity { Outcome::SameBytes } else { Outcome::OtherBytes };
    replayed.integrity = integrity;
    replayed.expected.clone_from(&tarball.integrity);
    replayed.emitted = question.emit.as_ref().map(|path| path.display().to_string());
    replayed.sandbox = tier.map(|tier| tier.as_str().to_owned());
    replayed.log = recipe.build.is_some().then_some(log);
    replayed.steps = steps;
    replayed.ms = millis(began.elapsed());
    Ok(replayed.told(told))
}

/// The repository that the user named, or else the recipe. A recipe is a stranger's word: it opens
/// nothing of this machine, and either is asked as nobody in particular, because the recipe's
/// commands run on what it gives out.
fn source_of(recipe: &Recipe, question: &Question, context: &Context, runtime: &Handle) -> Result<Repository, Failed> {
    let Some(word) = &question.source else {
        if recipe.repository.starts_with("file:") {
            return Err(boxed(ReplayError::SourceOfMachine(recipe.repository.clone())));
        }
        return opening::open_by_url(&recipe.repository, context, runtime).map_err(boxed);
    };
    let UserSource { address, commit, directory } = UserSource::named(word, context);
    if let Some(more) = commit.or(directory) {
        return Err(boxed(ReplayError::SourceNamesMore(more)));
    }
    let address = address.map_err(boxed)?;
    opening::open(&address, context, runtime, false).map_err(boxed)
}

/// The tarball's package.json says which package was made; the recipe, and the result that it came
/// in, must name that one.
fn check_names(archive: &npm_tarball::Archive, recipe: &Recipe, told: Option<&Told>) -> Result<(), ReplayError> {
    let bytes = archive.get("package.json").and_then(|entry| archive.content(entry).ok()).unwrap_or_default();
    let manifest: Value = npm_spec::manifest::read_up_to(&bytes, npm_spec::manifest::LARGEST_PACKED).unwrap_or_default();
    let by_result = told.and_then(|told| told.package.as_ref()).map(|(name, version)| (name, version));
    for (name, version) in [(&recipe.name, &recipe.version)].into_iter().chain(by_result) {
        if !confusion::same_identity(&json!({ "name": name, "version": version }), &manifest) {
            let text = |key: &str| manifest.get(key).and_then(Value::as_str).unwrap_or("?");
            let made = format!("{}@{}", text("name"), text("version"));
            return Err(ReplayError::OtherPackage { named: format!("{name}@{version}"), made });
        }
    }
    Ok(())
}

/// The tarball that is to be made must not have been among what it was made from, under whatever
/// name.
fn check_installed(run: &Run, integrity: &str) -> Result<(), ReplayError> {
    let found = run.resolved.iter().filter_map(|line| line.split_once(' ')).find(|(_, installed)| *installed == integrity);
    found.map_or(Ok(()), |(name, _)| Err(ReplayError::JudgedBytes(name.to_owned())))
}

/// A warning where other packages were installed than the result lists.
fn resolved_differs(stated: &[String], installed: &[String]) -> Option<Finding> {
    const SHOWN: usize = 5;
    let only = |one: &[String], other: &[String]| {
        let other: HashSet<&String> = other.iter().collect();
        let lines: Vec<&str> = one.iter().filter(|line| !other.contains(line)).map(String::as_str).collect();
        let rest = lines.len().saturating_sub(SHOWN);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let shown: Vec<&str> = lines.into_iter().take(SHOWN).collect();
        if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") + &more }
    };
    let (gone, new) = (only(stated, installed), only(installed, stated));
    (gone != "nothing" || new != "nothing").then(|| {
        let message = format!("the installed packages differ from the result's: {new} are not in its list, and {gone} are missing");
        Finding::new("resolved-differs", Severity::Warning, message)
    })
}

/// The commit of a recipe, which a branch or tag of the repository must reach: hosts serve commits
/// of anybody's fork.
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
    let (mut file, integrity) = write(archive, tarball, BufWriter::new(store::output::create(path)?))?;
    file.flush()?;
    Ok(integrity)
}
