//! The way of one origin through its toolchains and moments, until an attempt comes out as it was published.

use std::sync::atomic::Ordering;

use git::Repository;
use npm_spec::path::join;
use npm_spec::tool::Kind;
use npm_toolchain::{self, Clues, Toolchain};
use origin::Origin;
use recipe::{BuildRecipe, Checkout, Strategy};
use verdict::Outcome;

use super::moments::Moment;
use super::replay::toolchain_of;
use super::run::{MAX_CHECKOUT, Ran, Work};
use super::{Publication, Site, clock, runners};
use crate::checkout::{Folder, Which};
use crate::rebuilt::{Attempts, Closeness, Cut, Limit, Rebuilt, keep_closest};
use crate::strategies::Case;
use crate::{Published, SourceError};

/// Tries the toolchains for one origin, then other moments with the one that came closest, and adds the closest attempt of each.
pub fn attempts(repository: &mut Repository, origin: &Origin, case: &Case<'_>, site: &Site, all: &mut Attempts) -> Result<(), SourceError> {
    let Case { published, open_submodule, .. } = *case;
    let strategies = &site.question.strategies;
    let given = site.question.given.as_ref().and_then(|given| given.build.as_ref());
    if given.is_none() && !has_scripts(repository, origin)? {
        return Ok(());
    }
    if site.context.deadline.is_over() {
        all.cut.push(Cut { limit: Limit::Time, what: format!("no build of {} was begun", origin.commit) });
        return Ok(());
    }
    site.context.progress.tell("build", "checking the commit out");
    let mut folder = Folder::open(repository, &origin.listing, "", &published.archive, Which::All, open_submodule)?;
    let lacking = folder.ensure_all(repository, &origin.commit, MAX_CHECKOUT)?;
    all.unavailable.extend(lacking.iter().map(|path| format!("the host lacks the content of {path}")));
    all.unavailable.extend(folder.unavailable().iter().cloned());
    let committed = repository.commit(&origin.commit)?.map_or(0, |commit| commit.time);
    let publication = case.publication.of_commit(jiff::Timestamp::from_second(committed).unwrap_or_default());
    let toolchains = match given.zip(strategies.first()) {
        Some((given, strategy)) => vec![toolchain_of(*strategy, given)],
        None => toolchains(&folder, repository, origin, &publication, committed, site)?,
    };
    let search = Search { folder: &folder, origin, published, publication: &publication, site, committed, given };
    let Outlook { done, closest, ended } = search.toolchains(repository, &toolchains, strategies, all)?;
    // A recipe that was given says its moment.
    if done || given.is_none() && closest.map_or(Ok(false), |near| search.moments(repository, &near, &toolchains, all))? {
        return folder.confirm(repository, &origin.commit);
    }
    ended.map_or(Ok(()), Err)
}

/// What all attempts for one origin have in common.
struct Search<'a> {
    folder: &'a Folder<'a>,
    origin: &'a Origin,
    published: &'a Published,
    publication: &'a Publication,
    site: &'a Site,
    committed: i64,
    given: Option<&'a BuildRecipe>,
}

/// How far the toolchains came.
#[derive(Default)]
struct Outlook<'a> {
    /// Whether one made what was published.
    done: bool,
    /// The one that came closest, if any came to an end.
    closest: Option<Near<'a>>,
    /// Why the first did not that came to none.
    ended: Option<SourceError>,
}

/// The toolchain that came closest at the time of publication.
struct Near<'a> {
    closeness: Closeness,
    toolchain: &'a Toolchain,
    strategy: Strategy,
    /// When the newest of what it installed came, of which an earlier moment would show another version.
    newest: Option<i64>,
    /// What stood in its way, if something did.
    code: Option<&'static str>,
    /// Whether the registry's times could not be true.
    untrue: bool,
    /// Whether nothing but dates differs.
    by_date: bool,
}

impl Search<'_> {
    /// The registry as it stood at the publication, with one toolchain after the other.
    fn toolchains<'t>(
        &self,
        repository: &Repository,
        toolchains: &'t [Toolchain],
        strategies: &[Strategy],
        all: &mut Attempts,
    ) -> Result<Outlook<'t>, SourceError> {
        let mut found = Outlook::default();
        let mut finished: Vec<Option<Kind>> = Vec::new();
        for toolchain in toolchains {
            let kind = toolchain.manager.as_ref().map(|(kind, _)| *kind);
            let strategy = Strategy::of(kind.unwrap_or(Kind::Npm));
            if finished.contains(&kind) || !strategies.contains(&strategy) {
                continue;
            }
            let moment = self.given.map_or(&self.publication.time, |given| &given.moment).clone();
            match self.run(&self.work(repository, toolchain, strategy, moment, None), all) {
                Ok(None) => {}
                Ok(Some(Ran { rebuilt, worth_another, newest, untrue, .. })) => {
                    if !worth_another {
                        finished.push(kind);
                    }
                    let closeness = rebuilt.closeness();
                    if found.closest.as_ref().is_none_or(|best| best.closeness < closeness) {
                        let code = rebuilt.run.as_ref().and_then(|run| run.code);
                        let by_date = clock::only_dates_differ(self.published, &rebuilt);
                        found.closest = Some(Near { closeness, toolchain, strategy, newest, code, untrue, by_date });
                    }
                    found.done = add(rebuilt, all);
                    if found.done {
                        break;
                    }
                }
                Err(error) if error.is_ours() => return Err(error),
                Err(error) => {
                    found.ended.get_or_insert(error);
                }
            }
        }
        Ok(found)
    }

    /// The same toolchain with the registry as it stood at other moments; whether one made what was published.
    fn moments(
        &self,
        repository: &mut Repository,
        near: &Near<'_>,
        toolchains: &[Toolchain],
        all: &mut Attempts,
    ) -> Result<bool, SourceError> {
        let Near { toolchain, strategy, mut newest, code, mut untrue, by_date, .. } = *near;
        if by_date && clock::can_be_set(&toolchain.node) {
            // The same once more; no other version of anything would change the day.
            let clock = clock::time_of(self.published, self.publication, jiff::Timestamp::from_second(self.committed).unwrap_or_default());
            let reason = Some(format!("the clock stands at {clock}: nothing but dates differed"));
            let work = Work { clock: Some(clock), ..self.work(repository, toolchain, strategy, self.publication.time.clone(), reason) };
            return match self.run(&work, all) {
                Ok(ran) => Ok(ran.is_some_and(|ran| add(ran.rebuilt, all))),
                Err(error) if error.is_ours() => Err(error),
                Err(_) => Ok(false),
            };
        }
        let lockfile = toolchain.lockfile.as_deref();
        if self.publication.first_seen && self.publication.time.is_some() && code == Some("install-failed") {
            // A mirror may have seen what was asked for later than the version itself. Nothing is known of any Node so far.
            let reason = "the registry as it is: its times may be those at which it first saw a version";
            let manager = |toolchain: &Toolchain| toolchain.manager.as_ref().map(|(kind, _)| *kind);
            for toolchain in toolchains.iter().filter(|other| manager(other) == manager(toolchain)) {
                match self.run(&self.work(repository, toolchain, strategy, None, Some(reason.to_owned())), all) {
                    Ok(Some(ran)) => {
                        if add(ran.rebuilt, all) {
                            return Ok(true);
                        }
                        if !ran.worth_another {
                            break;
                        }
                    }
                    Err(error) if error.is_ours() => return Err(error),
                    Ok(None) | Err(_) => {}
                }
            }
            (newest, untrue) = (None, true);
        }
        for other in Moment::ALL {
            let Some(newest_then) = newest else { break };
            let time = other.time(repository, self.origin, lockfile, self.site)?;
            // What was there by then already would be installed again.
            let Some(time) = time.filter(|time| *time < newest_then).and_then(|time| jiff::Timestamp::from_second(time).ok()) else {
                continue;
            };
            let work = self.work(repository, toolchain, strategy, Some(time.to_string()), Some(other.reason(lockfile)));
            match self.run(&work, all) {
                Ok(Some(ran)) => {
                    newest = ran.newest;
                    if add(ran.rebuilt, all) {
                        return Ok(true);
                    }
                }
                Err(error) if error.is_ours() => return Err(error),
                // The attempt at the publication came further, and is what is told.
                Ok(None) | Err(_) => {}
            }
        }
        if !untrue || lockfile.is_some() {
            return Ok(false);
        }
        let reason = "what package.json asks for in the oldest version of each range: the registry's times cannot be true";
        let work = Work { oldest: true, ..self.work(repository, toolchain, strategy, None, Some(reason.to_owned())) };
        match self.run(&work, all) {
            Ok(ran) => Ok(ran.is_some_and(|ran| add(ran.rebuilt, all))),
            Err(error) if error.is_ours() => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Runs one attempt; `None` where the time is over before its end. What a limit cut short is noted.
    fn run(&self, work: &Work<'_>, all: &mut Attempts) -> Result<Option<Ran>, SourceError> {
        let mut cut = |limit, how: &str| all.cut.push(Cut { limit, what: format!("{} {how}", work.named()) });
        if self.site.context.deadline.is_over() {
            cut(Limit::Time, "was not begun");
            return Ok(None);
        }
        match work.run() {
            Ok(ran) => {
                if let Some(limit) = ran.cut {
                    cut(limit, "was stopped");
                }
                Ok(Some(ran))
            }
            Err(SourceError::Cut(limit)) => {
                cut(limit, "was stopped");
                Ok(None)
            }
            // Its requests ended with the time.
            Err(_) if self.site.context.deadline.is_over() && !self.site.context.cancelled.load(Ordering::Relaxed) => {
                cut(Limit::Time, "was stopped");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn work<'w>(
        &'w self,
        repository: &'w Repository,
        toolchain: &'w Toolchain,
        strategy: Strategy,
        moment: Option<String>,
        reason: Option<String>,
    ) -> Work<'w> {
        let Self { folder, origin, published, publication, site, committed, given } = *self;
        let oldest = given.is_some_and(|given| given.oldest);
        let clock = given.and_then(|given| given.clock.as_deref()?.parse().ok());
        Work {
            repository,
            folder,
            origin,
            published,
            publication,
            site,
            toolchain,
            strategy,
            committed,
            given,
            moment,
            oldest,
            clock,
            reason,
        }
    }
}

/// Adds an attempt; whether it is one to end with.
fn add(rebuilt: Rebuilt, all: &mut Attempts) -> bool {
    let done = rebuilt.outcome != Outcome::OtherEntries;
    all.rebuilt.push(rebuilt);
    keep_closest(&mut all.rebuilt);
    done
}

/// Whether the package, or the root of its repository, has any script or task: without one, nothing that could be run makes a file.
fn has_scripts(repository: &mut Repository, origin: &Origin) -> Result<bool, SourceError> {
    for directory in [origin.directory(), ""] {
        let Some(entry) = origin.listing.get(&join(directory, "package.json")) else { continue };
        let manifest: serde_json::Value =
            serde_json::from_slice(npm_spec::manifest::without_bom(&repository.blob(&entry.id)?)).unwrap_or_default();
        if manifest.get("scripts").and_then(serde_json::Value::as_object).is_some_and(|scripts| !scripts.is_empty()) {
            return Ok(true);
        }
        for file in runners::files() {
            let Some(entry) = origin.listing.get(&join(directory, file)) else { continue };
            if runners::has_tasks(file, &repository.blob(&entry.id)?) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The toolchains to try, likeliest first.
fn toolchains(
    folder: &Folder<'_>,
    repository: &Repository,
    origin: &Origin,
    publication: &Publication,
    committed: i64,
    site: &Site,
) -> Result<Vec<Toolchain>, SourceError> {
    let view = folder.view(repository, Checkout::Posix);
    let committed = jiff::Timestamp::from_second(committed).unwrap_or_default();
    // A mirror's times are weeks apart for the packages of one release: these are to have one toolchain, and one build.
    let time = publication.time.as_deref().filter(|_| !publication.first_seen);
    let published = time.and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let clues = Clues {
        node_by_user: site.question.node.as_deref(),
        node_version: publication.node.as_deref(),
        npm_version: publication.npm.as_deref(),
        published: published.filter(|time| *time >= committed),
        committed,
        directory: origin.directory(),
        read: &|path| view.content(path).ok().flatten(),
        list: &|dir| npm_pack::tree::Tree::list(&view, dir).into_iter().flatten().map(|node| node.name).collect(),
    };
    let wanted = npm_toolchain::choose(&clues);
    site.runtime.block_on(site.toolchains.settle(&wanted)).map_err(Into::into)
}
