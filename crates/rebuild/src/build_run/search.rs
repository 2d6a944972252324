//! Builds one origin: what is tried next is the plan's word, and what comes of it goes onto its
//! board.

use std::sync::atomic::Ordering;

use jiff::Timestamp;

use git::Repository;
use npm_spec::manifest::{LARGEST, LARGEST_LOCKFILE};
use npm_spec::path::join;
use npm_spec::tool::Kind;
use npm_toolchain::{self, Clues, Toolchain};
use origin::Origin;
use recipe::{BuildRecipe, Checkout, Strategy};
use verdict::Outcome;

use super::before_release::BeforeRelease;
use super::moments::Moment;
use super::replay::{before_release, toolchain_of};
use super::run::{MAX_CHECKOUT, Ran, Work};
use super::{Publication, Site, clock, earlier_version, runners};
use crate::checkout::{Folder, Which};
use crate::own_submodules::{self, Judged};
use crate::plan::board::{self, Board};
use crate::plan::observation::Observation;
use crate::plan::remedies::{FOLLOW, REMEDIES};
use crate::plan::setup::{Ci, Clock, RegistryView, Setup, Versions};
use crate::plan::vetoes::VETOES;
use crate::plan::{self, Trial, World};
use crate::rebuilt::{Attempts, Cut, Limit, keep_closest};
use crate::strategies::Case;
use crate::{Published, SourceError, left_behind, native_toolchain};

/// Builds an origin with one setup after the other, and adds what each came closest to.
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
    let mut folder = Folder::open(repository, (&origin.listing, ""), &published.archive, Which::All, open_submodule)?;
    let lacking = folder.ensure_all(repository, &origin.commit, MAX_CHECKOUT)?;
    all.unavailable.extend(lacking.iter().map(|path| format!("the host does not have the content of {path}")));
    all.unavailable.extend(folder.unavailable().iter().cloned());
    let committed = repository.commit(&origin.commit)?.map_or(0, |commit| commit.time);
    let publication = case.publication.of_commit(Timestamp::from_second(committed).unwrap_or_default());
    let mut toolchains = match given.zip(strategies.first()) {
        Some((given, strategy)) => vec![toolchain_of(*strategy, given)],
        None => toolchains(&folder, repository, origin, (&publication, committed), site)?,
    };
    toolchains.retain(|toolchain| strategies.contains(&strategy_of(toolchain)));
    let mut board = board_of(&toolchains, &publication);
    // A recipe that was given says all of its build.
    let remedies = if given.is_some() { FOLLOW } else { REMEDIES };
    let build = Build { folder: &folder, origin, published, publication: &publication, site, toolchains: &toolchains, committed, given };
    let mut builder = Builder { build, repository: &mut *repository, all, ended: None };
    plan::search(&mut builder, &mut board, remedies, VETOES)?;
    if board.is_reproduced() {
        folder.view(builder.repository, Checkout::Posix).read_altered()?;
    }
    builder.all.altered = folder.altered();
    match builder.ended {
        Some(error) if !board.is_reproduced() => Err(error),
        _ if board.is_reproduced() => {
            folder.confirm(repository, &origin.commit)?;
            all.unreached.extend(folder.unreached()?);
            let judged = Judged { origin, published, reads_history: true };
            all.own_submodules = own_submodules::told(&mut folder, repository, judged, (&site.context, &site.runtime))?;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What all builds of one origin have in common.
#[derive(Clone, Copy)]
struct Build<'a> {
    folder: &'a Folder<'a>,
    origin: &'a Origin,
    published: &'a Published,
    publication: &'a Publication,
    site: &'a Site,
    toolchains: &'a [Toolchain],
    /// The commit's time, in seconds since 1970.
    committed: i64,
    given: Option<&'a BuildRecipe>,
}

/// The world of the plan: it builds.
struct Builder<'a> {
    build: Build<'a>,
    repository: &'a mut Repository,
    all: &'a mut Attempts,
    /// Why the first build as of the publication did not come to an end.
    ended: Option<SourceError>,
}

/// A setup with its times looked up.
struct Resolved {
    moment: Option<String>,
    oldest: bool,
    clock: Option<Timestamp>,
    without_ci: bool,
    before: Option<BeforeRelease>,
    /// For the recipe, where it is not the likeliest setup.
    reasons: Vec<String>,
}

impl World for Builder<'_> {
    fn attempt(&mut self, setup: &Setup, board: &Board) -> Result<Option<Trial>, SourceError> {
        let Some(toolchain) = self.build.toolchains.get(setup.toolchain) else { return Ok(None) };
        let Some(resolved) = self.resolve(setup, toolchain, board)? else { return Ok(None) };
        match self.run(toolchain, resolved) {
            Ok(Some(ran)) => Ok(Some(self.learn(ran))),
            Err(error) if error.is_ours() => Err(error),
            ended => {
                if let (Err(error), RegistryView::AtPublication, Clock::Present) = (ended, setup.registry, setup.clock) {
                    self.ended.get_or_insert(error);
                }
                Ok(Some(Trial { seen: vec![Observation::NothingMade], closeness: None }))
            }
        }
    }
}

impl Builder<'_> {
    /// Looks up the times of a setup; `None` if they would show the build nothing else than before.
    fn resolve(&mut self, setup: &Setup, toolchain: &Toolchain, board: &Board) -> Result<Option<Resolved>, SourceError> {
        let Build { publication, published, committed, given, origin, site, .. } = self.build;
        let mut others: Vec<String> = Vec::new();
        others.extend((setup.ci == Ci::Unset).then(|| "scripts do not find CI: one failed, and named it".to_owned()));
        let before = match given {
            Some(given) => before_release(self.repository, origin, given, &publication.version)?,
            None if setup.versions == Versions::OfRelease => None,
            None => {
                let Some(before) = self.before_release(board)? else { return Ok(None) };
                others.push(format!("scripts find the version {}, of before the release: nothing else differed", before.version));
                Some(before)
            }
        };
        let reasons = |why: String| [why].into_iter().chain(others.iter().cloned()).collect();
        let as_given = Resolved {
            moment: given.map_or(&publication.time, |given| &given.moment).clone(),
            oldest: given.is_some_and(|given| given.oldest),
            clock: given.and_then(|given| given.clock.as_deref()?.parse().ok()),
            without_ci: given.map_or(setup.ci == Ci::Unset, |given| given.without_ci),
            before,
            reasons: others.clone(),
        };
        if setup.clock == Clock::AtPublication {
            let clock = clock::time_of(published, publication, Timestamp::from_second(committed).unwrap_or_default());
            let reasons = reasons(format!("the clock stands at {clock}: the build goes by the day"));
            return Ok(Some(Resolved { clock: Some(clock), reasons, ..as_given }));
        }
        let moment = match setup.registry {
            RegistryView::AtPublication => return Ok(Some(as_given)),
            RegistryView::AsItIs => {
                let reason = "the registry as it is: its times may be those at which it first saw a version";
                return Ok(Some(Resolved { moment: None, reasons: reasons(reason.to_owned()), ..as_given }));
            }
            RegistryView::OldestOfRanges => {
                let reason = "what package.json asks for in the oldest version of each range: the registry's times cannot be true";
                return Ok(Some(Resolved { moment: None, oldest: true, reasons: reasons(reason.to_owned()), ..as_given }));
            }
            RegistryView::AtCommit => Moment::Commit,
            RegistryView::AtLastChange => Moment::Change,
        };
        let lockfile = toolchain.lockfile.as_deref();
        let time = moment.time(self.repository, origin, lockfile, site)?;
        // What was there by then already would be installed again.
        let hides_something = |time: &i64| board.newest_dependency().is_some_and(|newest| *time < newest);
        let time = time.filter(hides_something).and_then(|time| Timestamp::from_second(time).ok());
        Ok(time.map(|time| Resolved { moment: Some(time.to_string()), reasons: reasons(moment.reason(lockfile)), ..as_given }))
    }

    /// The versions of before the release; `None` if a build with them would show nothing new.
    fn before_release(&mut self, board: &Board) -> Result<Option<BeforeRelease>, SourceError> {
        let Build { publication, origin, site, .. } = self.build;
        site.context.progress.tell("build", "looking for the version before the release");
        let found = BeforeRelease::find(self.repository, origin, &publication.version)?;
        // With another version than the published files have nothing would come out.
        Ok(found.filter(|found| {
            let wanted = Observation::EarlierVersionDiffers(found.version.clone());
            board.attempts.iter().any(|entry| entry.has(&wanted))
        }))
    }

    /// Runs one build; `None` if the time was over before its end. What a limit cut short is noted.
    fn run(&mut self, toolchain: &Toolchain, resolved: Resolved) -> Result<Option<Ran>, SourceError> {
        let Build { folder, origin, published, publication, site, committed, given, .. } = self.build;
        let Resolved { moment, oldest, clock, without_ci, before, reasons } = resolved;
        let (repository, strategy) = (&*self.repository, strategy_of(toolchain));
        let work = Work {
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
            without_ci,
            before,
            reasons,
        };
        let mut cut = |limit, how: &str| self.all.cut.push(Cut { limit, what: format!("{} {how}", work.named()) });
        let is_stopped = || site.context.cancelled.load(Ordering::Relaxed);
        if is_stopped() {
            return Err(SourceError::Cancelled);
        }
        if site.context.deadline.is_over() {
            cut(Limit::Time, "was not begun");
            return Ok(None);
        }
        match work.run() {
            Ok(ran) => {
                if let Some(limit) = ran.cut {
                    cut(limit, limit.done());
                }
                Ok(Some(ran))
            }
            Err(SourceError::Cut(limit)) => {
                cut(limit, limit.done());
                Ok(None)
            }
            // Whatever step that ended: no other toolchain is made ready for a run that is stopped.
            Err(_) if is_stopped() => Err(SourceError::Cancelled),
            // Its requests ended with the time.
            Err(_) if site.context.deadline.is_over() => {
                cut(Limit::Time, "was stopped");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Adds what a build made to the attempts, and says what it showed.
    fn learn(&mut self, ran: Ran) -> Trial {
        let Ran { mut rebuilt, mut seen, .. } = ran;
        rebuilt.submodules = self.build.folder.submodules_listed();
        let closeness = Some(rebuilt.closeness());
        if rebuilt.outcome != Outcome::OtherEntries {
            seen.push(Observation::Reproduced);
        } else if clock::only_dates_differ(self.build.published, &rebuilt) {
            seen.push(Observation::OnlyDatesDiffer);
        } else if let Some(earlier) = earlier_version::instead_of(&self.build.publication.version, self.build.published, &rebuilt) {
            seen.push(Observation::EarlierVersionDiffers(earlier));
        } else if native_toolchain::is_lacking(self.build.origin, self.build.published, &rebuilt) {
            seen.push(Observation::CompilerMissing);
        } else if left_behind::all_that_is_missing(self.build.origin, &rebuilt).is_some() {
            seen.push(Observation::OnlyLeftBehind);
        }
        self.all.rebuilt.push(rebuilt);
        keep_closest(&mut self.all.rebuilt);
        Trial { seen, closeness }
    }
}

/// The strategy that installs with a toolchain.
fn strategy_of(toolchain: &Toolchain) -> Strategy {
    Strategy::of(toolchain.manager.as_ref().map_or(Kind::Npm, |(kind, _)| *kind))
}

/// What is known before anything is built.
fn board_of(toolchains: &[Toolchain], publication: &Publication) -> Board {
    let of = |toolchain: &Toolchain| board::Toolchain {
        manager: toolchain.manager.as_ref().map(|(kind, _)| *kind),
        node: npm_spec::version::parse(&toolchain.node).map_or(0, |node| node.major()),
        lockfile: toolchain.lockfile.clone(),
        takes_a_clock: clock::can_be_set(&toolchain.node),
    };
    let first_seen = publication.first_seen && publication.time.is_some();
    let facts = if first_seen { vec![Observation::TimesAreFirstSeen] } else { Vec::new() };
    Board { toolchains: toolchains.iter().map(of).collect(), facts, ..Board::default() }
}

/// Whether the package, or the root of its repository, has any script or task: without one, nothing
/// that could be run makes a file.
fn has_scripts(repository: &mut Repository, origin: &Origin) -> Result<bool, SourceError> {
    for directory in [origin.directory(), ""] {
        let Some(entry) = origin.listing.get(&join(directory, "package.json")) else { continue };
        let manifest = repository.blob_up_to(&entry.id, LARGEST)?.unwrap_or_default();
        let manifest: serde_json::Value = npm_spec::manifest::read(&manifest).unwrap_or_default();
        if manifest.get("scripts").and_then(serde_json::Value::as_object).is_some_and(|scripts| !scripts.is_empty()) {
            return Ok(true);
        }
        for file in runners::files() {
            let Some(entry) = origin.listing.get(&join(directory, file)) else { continue };
            if runners::has_tasks(file, &repository.blob_up_to(&entry.id, LARGEST)?.unwrap_or_default()) {
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
    (publication, committed): (&Publication, i64),
    site: &Site,
) -> Result<Vec<Toolchain>, SourceError> {
    let view = folder.view(repository, Checkout::Posix);
    let committed = jiff::Timestamp::from_second(committed).unwrap_or_default();
    // A mirror's times are weeks apart for the packages of one release: these are to have one
    // toolchain, and one build.
    let published = publication.own_time();
    let clues = Clues {
        node_by_user: site.question.node.as_deref(),
        node_version: publication.node.as_deref(),
        npm_version: publication.npm.as_deref(),
        published: published.filter(|time| *time >= committed),
        committed,
        directory: origin.directory(),
        read: &|path| view.content_up_to(path, LARGEST_LOCKFILE).ok().flatten(),
        list: &|dir| npm_pack::tree::Tree::list(&view, dir).into_iter().flatten().map(|node| node.name).collect(),
    };
    let wanted = npm_toolchain::choose(&clues);
    site.runtime
        .block_on(site.toolchains.settle(&wanted))
        .map_err(|error| if site.context.cancelled.load(Ordering::Relaxed) { SourceError::Cancelled } else { error.into() })
}
