//! A build that a recipe names, run again: the same checkout, the same versions of the tools, the
//! same commands in their order. Nothing is searched for and nothing is compared on the way.

use git::Repository;
use npm_spec::tool::Kind;
use npm_tarball::Archive;
use npm_toolchain::{Tool, Toolchain};
use origin::Origin;
use recipe::{BuildRecipe, Checkout, Recipe, Step, Strategy, SubmoduleInfo};

use super::before_release::BeforeRelease;
use super::bench::{Bench, Installed};
use super::beside::Beside;
use super::disk::{DiskStock, Source, surroundings};
use super::failure::{Course, stands_in};
use super::install::installs;
use super::kept::{Kept, State};
use super::project::Project;
use super::run::{MAX_CHECKOUT, Room, Work};
use super::world::{Purpose, World};
use super::{Publication, Site};
use crate::SourceError;
use crate::checkout::{Folder, Which};
use crate::own_submodules::{self, Judged};
use crate::packing::follow;
use crate::rebuilt::{Cleaned, Limit, Run};
use crate::source::Blank;

/// What came of a build that was run again.
pub struct Built {
    /// The packed files.
    pub archive: Archive,
    /// A line for each part of the source that could not be had.
    pub unavailable: Vec<String>,
    /// A line for each submodule whose commit its own repository never took.
    pub unreached: Vec<String>,
    /// A line for the submodules that are the judged repository again.
    pub own_submodules: Option<String>,
    /// The submodules whose files were there.
    pub submodules: Vec<SubmoduleInfo>,
    /// Files that the checkout has with other text than a reader of the repository sees.
    pub altered: Vec<String>,
    /// Scripts that a tool took comments out of.
    pub cleaned: Cleaned,
    /// What was run.
    pub run: Run,
}

/// Runs the build of a recipe, which has one, and packs what it says.
pub fn replay(repository: &mut Repository, origin: &Origin, recipe: &Recipe, blank: &Blank<'_>, site: &Site) -> Result<Built, SourceError> {
    let Blank { nothing, open_submodule, outside } = *blank;
    let Some(build) = &recipe.build else { return Err(SourceError::NothingBuilt) };
    site.context.progress.tell("build", "checking the commit out");
    let mut folder = Folder::open(repository, (&origin.listing, ""), &nothing.archive, Which::All, open_submodule)?;
    let lacking = folder.ensure_all(repository, &origin.commit, MAX_CHECKOUT)?;
    let mut unavailable: Vec<String> = lacking.iter().map(|path| format!("the host does not have the content of {path}")).collect();
    unavailable.extend(folder.unavailable().iter().cloned());
    let toolchain = toolchain_of(recipe.strategy, build);
    let before = before_release(repository, origin, build, &recipe.version)?;
    let publication =
        Publication { time: build.moment.clone(), version: recipe.version.clone(), name: recipe.name.clone(), ..Publication::default() };
    let work = Work {
        repository,
        folder: &folder,
        origin,
        published: nothing,
        publication: &publication,
        site,
        toolchain: &toolchain,
        strategy: recipe.strategy,
        committed: repository.commit(&origin.commit)?.map_or(0, |commit| commit.time),
        given: Some(build),
        oldest: build.oldest,
        clock: build.clock.as_deref().and_then(|clock| clock.parse().ok()),
        without_ci: build.without_ci,
        before,
        moment: build.moment.clone(),
        reasons: Vec::new(),
    };
    let ((archive, cleaned), run) = work.replay(recipe, build)?;
    let (unreached, submodules) = (folder.unreached()?, folder.submodules_listed());
    let judged = Judged { origin, published: nothing, reads_history: true };
    let own_submodules = own_submodules::told(&mut folder, repository, judged, outside)?;
    Ok(Built { archive, unavailable, unreached, own_submodules, submodules, altered: folder.altered(), cleaned, run })
}

/// The versions that package.json files have while steps run, where a recipe says of which commit:
/// history is asked, and must say the same.
pub(super) fn before_release(
    repository: &mut Repository,
    origin: &Origin,
    build: &BuildRecipe,
    version: &str,
) -> Result<Option<BeforeRelease>, SourceError> {
    let Some(commit) = &build.versions_at else { return Ok(None) };
    let before = BeforeRelease::find(repository, origin, version)?.filter(|before| before.commit == *commit);
    before.map(Some).ok_or_else(|| SourceError::Impossible { what: format!("versionsAt {commit}") })
}

/// The versions that the recipe names, with the manager that installs.
pub(super) fn toolchain_of(strategy: Strategy, build: &BuildRecipe) -> Toolchain {
    let manager = Kind::ALL.into_iter().find(|kind| *kind != Kind::Node && Strategy::of(*kind) == strategy);
    Toolchain {
        node: build.node.clone(),
        manager: manager.and_then(|kind| Some((kind, build.tools.get(kind.as_str())?.clone()))),
        lockfile: build.lockfile.clone(),
        reasons: vec!["the given recipe says so".to_owned()],
    }
}

/// An archive, and the scripts in it that a tool took comments out of.
type Packed = (Archive, Cleaned);

impl Work<'_> {
    fn replay(&self, recipe: &Recipe, build: &BuildRecipe) -> Result<(Packed, Run), SourceError> {
        let tools = self.exact_tools(build)?;
        let builds = &self.site.ground.builds;
        // Folders of its own: what a search left in the others is not what the recipe says.
        let world = World::of(self, &tools, Purpose::Replay)?;
        let (mut kept, _) = Kept::take(builds, &world.key(), self.site.context.deadline.left())?;
        kept.clear()?;
        let done = self.replay_in(Room { kept: &kept, world: &world, tools: &tools }, recipe, build);
        kept.remove()?;
        done
    }

    fn replay_in(&self, room: Room<'_>, recipe: &Recipe, build: &BuildRecipe) -> Result<(Packed, Run), SourceError> {
        let Room { world, tools, .. } = room;
        let state = State::default();
        let mut laid = self.lay_out(room, &state)?;
        laid.shop.hand_over()?;
        let mut bench = Bench::new(self, world, &mut laid, recipe.clone(), (state, None));
        bench.follow(&build.steps, None)?;
        let Bench { state, version, .. } = bench;
        let shop = laid.shop;
        let checkout = shop.tree()?;
        if let Some(version) = version {
            version.before_packing(&checkout)?;
        }
        let packed = build.packed.as_deref().unwrap_or(&recipe.directory);
        let windows = recipe.checkout == Checkout::Windows;
        let source = Source { folder: self.folder, repository: self.repository, windows, mount: None, restored: &build.restored };
        let mut stock = DiskStock::open(&checkout, packed, &recipe.commit, Some(source)).map_err(|_| SourceError::NothingBuilt)?;
        let made = follow(&mut stock, recipe, &surroundings(&checkout, packed), &self.site.context.cancelled)?;
        let record = shop.timewarp().record();
        if let Some(limit) = (Course { stopped: shop.stopped, refused: shop.refused, ..Course::default() }).cut() {
            // What a build that was stopped, or kept from its work, left is not what the recipe
            // says.
            return Err(SourceError::Cut(limit));
        }
        let (beside, stood_in) = (Beside::of(&record), shop.timewarp().stood_in());
        let missing = record.missing.into_iter().filter(|missing| !stands_in(&stood_in, missing)).collect();
        let course = Course { missing, stood_in, wanted: record.wanted, stopped: shop.stopped, ..Course::default() };
        let timewarp = shop.timewarp();
        let bundled = self.bundled(&made.0, packed, &record.tarballs, &|line| timewarp.handed_out(line));
        let resolved = record.tarballs.into_iter().collect();
        let notes = course.notes().into_iter().chain(self.node_from_elsewhere()).collect();
        let (steps, log, tools) = (state.done, shop.log().to_owned(), tools.to_vec());
        let warnings = self.warnings(&course, bundled);
        let toolchains = self.toolchains_by_user();
        let run =
            Run { steps, log, installed: state.installed, resolved, tools, toolchains, code: None, notes, warnings, ..Run::default() };
        Ok((made, beside.told(run, self.publication, self.site)))
    }

    /// The tools in the versions that the recipe names: Node, the manager that installs, and the
    /// others.
    pub(super) fn exact_tools(&self, build: &BuildRecipe) -> Result<Vec<Tool>, SourceError> {
        let mut wanted = vec![(Kind::Node, build.node.clone())];
        wanted.extend(self.toolchain.manager.clone());
        for kind in Kind::ALL {
            if let Some(version) = build.tools.get(kind.as_str())
                && wanted.iter().all(|(known, _)| *known != kind)
            {
                wanted.push((kind, version.clone()));
            }
        }
        self.fetch_tools(wanted)
    }
}

impl Bench<'_, '_> {
    /// Runs these steps. What a search does between them is done here too: the detours of an
    /// installation end with it, and others take the place of packages that are gone. Compares
    /// after each step where there is a project to compare in, until nothing more is wanted.
    pub(super) fn follow(&mut self, steps: &[Step], project: Option<&Project>) -> Result<(), SourceError> {
        if self.work.toolchain.lockfile.is_some() {
            self.stand_in()?;
        }
        for step in steps {
            if installs(step) {
                if matches!(self.install_by(step)?, Installed::NoTime) {
                    return Err(SourceError::Cut(Limit::Time));
                }
                continue;
            }
            self.end_installation()?;
            let exit = self.run_step(step)?;
            self.course.exits.push((step.name.clone(), exit));
            if let Some(project) = project
                && self.compare(project)?
            {
                break;
            }
        }
        self.course.install_failed = !self.state.installed;
        self.end_installation()
    }
}
