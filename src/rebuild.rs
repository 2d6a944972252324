//! What is tried for one located package: packing its commits as they are, then builds, the cheap before the dear.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;

use crate::git::Repository;
use crate::http::AllowList;
use crate::origin::Located;
use crate::pipeline::Context;
use crate::published::Published;
use crate::recipe::build::{self, Publication, Site};
use crate::recipe::rebuilt::{self, Attempts, Cut, Limit};
use crate::recipe::submodules::Open;
use crate::recipe::{SourceError, Strategy, source};
use crate::registry::{self, RegistryError, ResolveOptions};
use crate::sandbox::{Isolation, Sandbox};
use crate::spec::PackageName;
use crate::toolchain::Toolchains;
use crate::verdict::Outcome;

/// Most commits that are built: each takes as long as the first.
const MAX_BUILT: usize = 2;

/// What the user and the registry say about how to build.
pub struct Orders<'a> {
    /// The strategies that may be used.
    pub strategies: &'a [Strategy],
    /// What the registry says of the publication.
    pub publication: &'a Publication,
    /// How builds are isolated.
    pub isolation: Isolation,
    /// Hosts that builds may reach besides the registry.
    pub hosts: AllowList,
    /// Node's version by the user's word.
    pub node: Option<String>,
    /// Where the executable is that builds run under.
    pub installed: Option<PathBuf>,
}

/// Tries the strategies in turn. An error only if nothing came to an end, or if this machine failed.
pub fn rebuild(
    repository: &mut Repository,
    located: &Located,
    published: &Published,
    open_submodule: &Open<'_>,
    orders: &Orders<'_>,
    context: &Context,
    runtime: &Handle,
) -> Result<Attempts, SourceError> {
    let mut all = Attempts::default();
    let mut first_error = None;
    if orders.strategies.contains(&Strategy::Source) {
        pack_commits(repository, located, published, open_submodule, context, &mut all, &mut first_error)?;
    }
    if !reproduced(&all) && orders.strategies.iter().any(|strategy| strategy.builds()) {
        match build_commits(repository, located, published, open_submodule, orders, context, runtime, &mut all) {
            // Requests ended with the time, and whatever failed may have failed for that.
            Err(error) if context.deadline.is_over() && !context.cancelled.load(Ordering::Relaxed) => {
                all.cut.push(Cut { limit: Limit::Time, what: format!("the search for a build was stopped ({error})") });
            }
            Err(error) if error.is_ours() => return Err(error),
            Err(error) => all.not_built = Some(error),
            Ok(()) => {}
        }
    }
    match first_error.or_else(|| all.not_built.take_if(|_| all.rebuilt.is_empty())) {
        Some(error) if all.rebuilt.is_empty() && all.cut.is_empty() => Err(error),
        _ => Ok(all),
    }
}

fn reproduced(all: &Attempts) -> bool {
    all.rebuilt.iter().any(|one| one.outcome != Outcome::OtherEntries)
}

fn pack_commits(
    repository: &mut Repository,
    located: &Located,
    published: &Published,
    open_submodule: &Open<'_>,
    context: &Context,
    all: &mut Attempts,
    first_error: &mut Option<SourceError>,
) -> Result<(), SourceError> {
    for origin in &located.origins {
        match source::attempts(repository, origin, published, open_submodule, &context.cancelled) {
            Ok(attempts) => {
                all.rebuilt.extend(attempts.rebuilt);
                all.unavailable.extend(attempts.unavailable);
                rebuilt::keep_closest(&mut all.rebuilt);
                if reproduced(all) {
                    return Ok(());
                }
            }
            Err(error) if error.is_ours() => return Err(error),
            // One commit that cannot be packed says nothing about the others.
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the stage's inputs, each of another kind")]
fn build_commits(
    repository: &mut Repository,
    located: &Located,
    published: &Published,
    open_submodule: &Open<'_>,
    orders: &Orders<'_>,
    context: &Context,
    runtime: &Handle,
    all: &mut Attempts,
) -> Result<(), SourceError> {
    let sandbox = Sandbox::open(orders.isolation, orders.installed.as_deref())?;
    let tier = sandbox.tier();
    let ground = sandbox.ground(&context.folders.builds)?;
    let (cancel, distribution) = (context.cancel.clone(), context.distribution.clone());
    let toolchains = Toolchains::new(context.client.clone(), &context.npm, &context.folders.toolchains, cancel, distribution);
    let site = Site {
        sandbox,
        toolchains,
        ground,
        client: context.client.clone(),
        npm: context.npm.clone(),
        folders: context.folders.clone(),
        runtime: runtime.clone(),
        deadline: context.deadline,
        node: orders.node.clone(),
        hosts: orders.hosts.clone(),
        given: context.given.clone(),
        progress: context.progress.clone(),
        cancel: context.cancel.clone(),
        cancelled: context.cancelled.clone(),
    };
    let publication = dated(orders.publication, context, runtime)?;
    let (node, hosts, installed) = (orders.node.clone(), orders.hosts.clone(), orders.installed.clone());
    let orders = &Orders { publication: &publication, node, hosts, installed, ..*orders };
    let mut ended = None;
    for origin in located.origins.iter().take(MAX_BUILT) {
        let before = all.rebuilt.len();
        match build::attempts(repository, origin, published, orders, open_submodule, &site, all) {
            Err(error) if error.is_ours() => return Err(error),
            Err(error) => {
                ended.get_or_insert(error);
            }
            Ok(()) => {}
        }
        if all.rebuilt.len() > before {
            all.sandbox = Some(tier);
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
    match runtime.block_on(registry::history(&name, Some(registry), &context.npm, &context.client, &options)) {
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
