//! What is tried for one located package: packing its commits as they are, then builds, the cheap
//! before the dear.

use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use context::Context;
use git::Repository;
use npm_registry::{self, RegistryError, ResolveOptions};
use npm_spec::PackageName;
use origin::Located;
use recipe::Strategy;
use verdict::Outcome;

use crate::build_run::{self, Publication, Site};
use crate::rebuilt::{self, Attempts, Cut, Limit, Rebuilt};
use crate::submodules::Open;
use crate::{Published, Question, SourceError, left_behind, native_toolchain, source};

/// Most commits that are built: each takes as long as the first.
const MAX_BUILT: usize = 2;

/// What is rebuilt: everything that the stages before have found out.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The commits, likeliest first.
    pub located: &'a Located,
    /// What was published.
    pub published: &'a Published,
    /// What the registry says of the publication.
    pub publication: &'a Publication,
    /// How a submodule's repository is opened.
    pub open_submodule: &'a Open<'a>,
}

/// Tries the strategies in turn. An error only if nothing came to an end, or if this machine
/// failed.
pub fn rebuild(
    repository: &mut Repository,
    case: &Case<'_>,
    question: &Question,
    context: &Context,
    runtime: &Handle,
) -> Result<Attempts, SourceError> {
    let mut all = Attempts::default();
    let mut first_error = None;
    if question.strategies.contains(&Strategy::Source) {
        first_error = pack_commits(repository, case, (context, runtime), &mut all)?;
    }
    let builds = question.strategies.iter().any(|strategy| strategy.builds());
    // A platform package's programs are not made by a build with Node, so none is tried; in other
    // packages a build may still copy them. Nor is one of the user's toolchains left untried.
    let in_reach = !question.toolchains.is_empty();
    if builds && !in_reach && native_toolchain::is_for_a_platform(case.published) {
        all.not_built = native_toolchain_of(repository, case, &all);
    }
    if builds && all.not_built.is_none() && !reproduced(&all) {
        all.not_built = closest(&all).and_then(|closest| left_behind::needed(case.located, closest));
    }
    if builds && all.not_built.is_none() && !reproduced(&all) {
        if question.puts_off_builds {
            return Err(SourceError::BuildPutOff);
        }
        match build(repository, case, question, (context, runtime), &mut all) {
            // Requests ended with the time, and whatever failed may have failed for that.
            Err(error) if context.deadline.is_over() && !context.cancelled.load(Ordering::Relaxed) => {
                all.cut.push(Cut { limit: Limit::Time, what: format!("the search for a build was stopped ({error})") });
            }
            Err(error) if error.is_ours() => return Err(error),
            Err(error) => all.not_built = Some(error),
            Ok(()) => all.not_built = native_toolchain_of(repository, case, &all),
        }
    }
    match first_error.or_else(|| all.not_built.take_if(|_| all.rebuilt.is_empty())) {
        Some(error) if all.rebuilt.is_empty() && all.cut.is_empty() => Err(error),
        _ => Ok(all),
    }
}

/// Why the attempts lack nothing but native programs, if they do.
fn native_toolchain_of(repository: &mut Repository, case: &Case<'_>, all: &Attempts) -> Option<SourceError> {
    native_toolchain::needed(repository, case.located, case.published, closest(all)?)
}

fn closest(all: &Attempts) -> Option<&Rebuilt> {
    all.rebuilt.get(rebuilt::closest(&all.rebuilt)?)
}

fn reproduced(all: &Attempts) -> bool {
    all.rebuilt.iter().any(|one| one.outcome != Outcome::OtherEntries)
}

/// Packs each commit as it is. Returns the first error of a commit that could not be packed.
fn pack_commits(
    repository: &mut Repository,
    case: &Case<'_>,
    (context, runtime): (&Context, &Handle),
    all: &mut Attempts,
) -> Result<Option<SourceError>, SourceError> {
    let mut first_error = None;
    for origin in &case.located.origins {
        match source::attempts(repository, origin, case, (context, runtime)) {
            Ok(attempts) => {
                all.rebuilt.extend(attempts.rebuilt);
                all.unavailable.extend(attempts.unavailable);
                all.unreached.extend(attempts.unreached);
                all.own_submodules = all.own_submodules.take().or(attempts.own_submodules);
                all.altered = attempts.altered;
                rebuilt::keep_closest(&mut all.rebuilt);
                if reproduced(all) {
                    break;
                }
            }
            // What has its end with the run's time is no word on the commit.
            Err(error) if context.deadline.is_over() && !context.cancelled.load(Ordering::Relaxed) => {
                all.cut.push(Cut { limit: Limit::Time, what: format!("the packing of {} was stopped ({error})", origin.commit) });
                break;
            }
            Err(error) if error.is_ours() => return Err(error),
            // One commit that cannot be packed says nothing about the others.
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Ok(first_error)
}

/// Prepares the machine for builds, and builds.
fn build(
    repository: &mut Repository,
    case: &Case<'_>,
    question: &Question,
    (context, runtime): (&Context, &Handle),
    all: &mut Attempts,
) -> Result<(), SourceError> {
    let site = Site::open(question, context, runtime)?;
    let publication = dated(case.publication, context, runtime)?;
    all.published_at.clone_from(&publication.time);
    build_commits(repository, &Case { publication: &publication, ..*case }, &site, all)
}

/// Builds the likeliest commits. An error only if nothing came to an end, or if this machine
/// failed.
fn build_commits(repository: &mut Repository, case: &Case<'_>, site: &Site, all: &mut Attempts) -> Result<(), SourceError> {
    let mut ended = None;
    for origin in case.located.origins.iter().take(MAX_BUILT) {
        let before = all.rebuilt.len();
        match build_run::attempts(repository, origin, case, site, all) {
            Err(error) if error.is_ours() => return Err(error),
            Err(error) => {
                ended.get_or_insert(error);
            }
            Ok(()) => {}
        }
        if all.rebuilt.len() > before {
            all.sandbox = Some(site.sandbox.tier());
        }
        if reproduced(all) {
            return Ok(());
        }
    }
    ended.map_or(Ok(()), Err)
}

/// With the time of the publication. Only the whole packument has it, and only builds need it.
fn dated(publication: &Publication, context: &Context, runtime: &Handle) -> Result<Publication, SourceError> {
    let Some((registry, name)) = publication.registry.as_ref().zip(PackageName::parse(&publication.name).ok()) else {
        return Ok(publication.clone());
    };
    let options = ResolveOptions { cancel: context.cancel.clone(), ..ResolveOptions::default() };
    match runtime.block_on(npm_registry::history(&name, Some(registry), &context.npm, &context.client, &options)) {
        Ok(packument) => Ok(Publication {
            time: packument.times.get(&publication.version).cloned(),
            first_seen: !packument.times.contains_key("created"),
            ..publication.clone()
        }),
        // A registry that has no packuments.
        Err(RegistryError::PackageNotFound { .. } | RegistryError::PackageUnpublished { .. }) => Ok(publication.clone()),
        Err(error) => Err(error.into()),
    }
}
