//! One checkout from its installation to the last script, with a comparison after every step.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use isolation::Stopped;
use npm_pack::tree::DirTree;
use npm_spec::tool::Kind;
use recipe::{Checkout, Recipe, Step};
use verdict::Outcome;

use super::declarations;
use super::detour::{Detour, Folders};
use super::disk::{self, DiskStock, surroundings};
use super::failure::{Course, hosts_in};
use super::install::{holds_the_lockfile, installs, ways};
use super::kept::State;
use super::project::Project;
use super::release_version::ReleaseVersion;
use super::roots::package_roots;
use super::run::{Laid, Work};
use super::runners::{is_for_publication, runs_a_task};
use super::said::lacks_its_task;
use super::steps::{pieces, same, steps, within};
use super::workshop::Workshop;
use super::world::World;
use crate::SourceError;
use crate::packing::{Subject, pack_folder};
use crate::rebuilt::{Limit, Rebuilt};

/// A step that is a guess has three quarters of the time that is left, and this at least.
const GUESS: Duration = Duration::from_secs(120);

/// For how long a step that is a guess may do nothing: the default task of a runner may serve or
/// watch files, which never ends.
const WAITS: Duration = Duration::from_secs(45);

/// What came of a step.
enum Ran {
    /// It ended, with this exit code if it was not stopped.
    Ended(Option<i32>),
    /// There was no time for it.
    NoTime,
}

/// What came of a step that installs.
pub(super) enum Installed {
    Yes,
    No {
        /// Whether others stand in from now on for what it failed for.
        others_stand_in: bool,
    },
    NoTime,
}

/// The build of one checkout: what is run, and what the best comparison was.
pub(super) struct Bench<'w, 's> {
    pub(super) work: &'w Work<'w>,
    pub(super) world: &'w World,
    pub(super) shop: &'w mut Workshop<'s>,
    pub(super) recipe: Recipe,
    pub(super) course: Course,
    pub(super) best: Option<Rebuilt>,
    pub(super) state: State,
    pub(super) detour: Option<Detour>,
    /// The version that package.json gets, where the commit has another.
    pub(super) version: Option<ReleaseVersion>,
    /// Whether an installation failed for what was gone, and others stand in for that.
    pub(super) others_stand_in: bool,
    /// No step begins later, and none goes on.
    pub(super) until: Option<Instant>,
    /// The last of the state's steps: scripts that were run for another package, and are to be
    /// found in this one's plan.
    recalled: VecDeque<(Step, Option<i32>)>,
}

impl<'w, 's> Bench<'w, 's> {
    /// What is laid out, ready for its first step; `until` bounds the steps, where it is not the
    /// package's own limit.
    pub(super) fn new(
        work: &'w Work<'w>,
        world: &'w World,
        laid: &'w mut Laid<'s>,
        recipe: Recipe,
        (state, until): (State, Option<Instant>),
    ) -> Self {
        let Laid { shop, detour, version } = laid;
        let (detour, version) = (detour.take(), version.take());
        let (course, recalled) = (Course::default(), VecDeque::new());
        Self { work, world, shop, recipe, course, best: None, state, detour, version, others_stand_in: false, until, recalled }
    }
}

/// The step that installs where lerna links the packages itself.
fn bootstrap() -> Step {
    Step { name: "lerna bootstrap".into(), directory: String::new(), command: ["lerna", "bootstrap"].map(str::to_owned).into() }
}

impl<'w> Bench<'w, '_> {
    /// Installs, runs the steps, and compares after each, until nothing more is wanted. Where
    /// others were run here before, nothing is compared before this package's own plan has come to
    /// where they ended; if it leads elsewhere, nothing at all.
    pub(super) fn build(&mut self) -> Result<(), SourceError> {
        let work = self.work;
        // As the commit has it: what was run in the folders, for this package or for another, may
        // have changed what says which scripts there are.
        let plan = work.folder.view(work.repository, Checkout::Posix);
        let project = Project::read(&plan, &self.world.packages);
        if let Some(given) = work.given {
            self.follow(&given.steps, Some(&project))?;
            return self.compare(&project).map(|_| ());
        }
        let (manager, version) = work.toolchain.manager.clone().unwrap_or((Kind::Npm, String::new()));
        let major = npm_spec::version::parse(&version).map_or(0, |version| version.major());
        let (bootstrap, apart) = (bootstrap(), self.apart(&project));
        if self.state.steps.is_empty() {
            self.install(manager, major)?;
            if project.needs_bootstrap {
                self.install_by(&bootstrap)?;
            }
            self.install_apart(manager, major, &apart)?;
        } else {
            let mut installation = vec![self.ways_of_the_lockfile(manager, major)];
            installation.extend(project.needs_bootstrap.then(|| vec![bootstrap]));
            installation.extend(apart.iter().map(|directory| ways(manager, major, false, directory)));
            let exits = self.state.done.iter().map(|done| done.exit);
            let Some(behind) = behind(&installation, self.state.steps.iter().cloned().zip(exits).collect()) else { return Ok(()) };
            self.recalled = behind;
        }
        self.end_installation()?;
        self.course.install_failed = !self.state.installed;
        if self.recalled.is_empty() && self.compare(&project)? {
            return Ok(());
        }
        let mut todo = steps(&plan, &project, work.origin.directory(), manager, &work.publication.version);
        todo.reverse();
        let mut declaring = declarations::steps(&plan, &project, work.origin.directory(), manager);
        let mut called = Vec::new();
        while let Some(step) = self.next_step(&mut todo, &mut declaring) {
            let own = self.state.steps.len().saturating_sub(self.recalled.len());
            if self.state.steps.iter().take(own).any(|ran| *ran == step) || called.iter().any(|inner| same(inner, &step)) {
                continue;
            }
            if !self.shop.tree()?.is_dir(&step.directory) {
                // A workflow's folder that the workflow makes itself, or checks another repository
                // out to.
                continue;
            }
            let exit = match self.recalled.pop_front() {
                Some((earlier, exit)) if earlier == step => exit,
                Some(_) => return Ok(()),
                None => {
                    let Ran::Ended(exit) = self.step(&step)? else { break };
                    exit
                }
            };
            let has_no_such_task = self.note_exit(&step, exit);
            if self.recalled.is_empty() && self.compare(&project)? {
                return Ok(());
            }
            if exit == Some(0) {
                called.extend(within(&project, &step));
            } else if (exit.is_some() || step.is_script()) && !has_no_such_task {
                todo.extend(pieces(&project, &step, manager).into_iter().rev());
            }
        }
        Ok(())
    }

    /// The next step: one that makes declarations, where these alone are missing, or where the kept
    /// build went on with it.
    fn next_step(&self, todo: &mut Vec<Step>, declaring: &mut Vec<Step>) -> Option<Step> {
        let went_on = self.recalled.front().is_some_and(|(earlier, _)| declaring.first() == Some(earlier) && todo.last() != Some(earlier));
        let only_these = || self.best.as_ref().is_some_and(|best| declarations::are_all_that_is_missing(&best.comparison));
        if went_on || self.recalled.is_empty() && !self.state.done.is_empty() && only_these() {
            todo.extend(std::mem::take(declaring).into_iter().rev());
        }
        todo.pop()
    }

    /// Notes how a step ended; true for the task of a runner that has none of that name, which is
    /// no step that failed.
    fn note_exit(&mut self, step: &Step, exit: Option<i32>) -> bool {
        let has_no_such_task = self.state.installed && runs_a_task(step) && lacks_its_task(step, exit, self.shop.log());
        if !has_no_such_task {
            self.course.exits.push((step.name.clone(), exit));
        }
        has_no_such_task
    }

    /// The folder of the lockfile, or the root.
    fn at(&self) -> &'w str {
        self.work.toolchain.lockfile.as_deref().and_then(|path| path.rsplit_once('/')).map_or("", |(dir, _)| dir)
    }

    /// The ways to install where the lockfile is.
    fn ways_of_the_lockfile(&self, manager: Kind, major: u64) -> Vec<Step> {
        ways(manager, major, self.work.toolchain.lockfile.is_some(), self.at())
    }

    fn install(&mut self, manager: Kind, major: u64) -> Result<(), SourceError> {
        if self.work.toolchain.lockfile.is_some() {
            // What is gone stops every way, some of them after minutes; and what is asked of the
            // registry here is asked once.
            self.stand_in()?;
        }
        let mut ways = self.ways_of_the_lockfile(manager, major);
        ways.reverse();
        while let Some(way) = ways.pop() {
            match self.install_by(&way)? {
                Installed::Yes | Installed::NoTime => return Ok(()),
                Installed::No { others_stand_in: false } => {}
                // What is gone is gone for every way: the same way is gone again.
                Installed::No { others_stand_in: true } => ways.push(way),
            }
        }
        Ok(())
    }

    /// Takes back what led the installation here, and writes the version that was to wait for its
    /// end.
    pub(super) fn end_installation(&mut self) -> Result<(), SourceError> {
        let Some(detour) = self.detour.take() else { return Ok(()) };
        let tree = self.shop.tree()?;
        detour.take_back(&tree)?;
        // Once: another way to install may follow, and what steps made of the files stays.
        if let Some(version) = self.version.as_mut().filter(|version| version.is_late) {
            version.is_late = false;
            version.write(&tree)?;
        }
        Ok(())
    }

    /// Runs a step that installs. Where it failed for packages that are gone, others stand in for
    /// them from then on.
    pub(super) fn install_by(&mut self, way: &Step) -> Result<Installed, SourceError> {
        self.lead_what_is_out_of_reach(way)?;
        let Ran::Ended(exit) = self.step(way)? else { return Ok(Installed::NoTime) };
        if exit == Some(0) {
            self.state.installed = true;
            return Ok(Installed::Yes);
        }
        let others_stand_in = !self.others_stand_in && self.shop.timewarp().lacked_something();
        if others_stand_in {
            self.others_stand_in = true;
            self.stand_in()?;
        }
        Ok(Installed::No { others_stand_in })
    }

    /// The folders of the package and of what it needs of this repository, where they are no
    /// members of a workspace: an installation elsewhere gives them nothing.
    fn apart(&self, project: &Project) -> Vec<String> {
        let (own, at) = (self.work.origin.directory(), self.at());
        let Some(package) = project.at(own).filter(|_| own != at && !project.has_members) else { return Vec::new() };
        let needed = project.needed_by(own).into_iter().chain([package]);
        let wants = needed.filter(|package| package.directory != at && !package.dependencies.is_empty());
        wants.map(|package| package.directory.clone()).collect()
    }

    /// Installs in these folders.
    fn install_apart(&mut self, manager: Kind, major: u64, folders: &[String]) -> Result<(), SourceError> {
        for directory in folders {
            for way in ways(manager, major, false, directory) {
                match self.install_by(&way)? {
                    Installed::NoTime => return Ok(()),
                    Installed::Yes => break,
                    Installed::No { .. } => self.state.installed = false,
                }
            }
        }
        Ok(())
    }

    /// Before a way that may mend the lockfile of another client than npm, where a way before it
    /// asked for other hosts: leads dependencies on repositories to the registry. A way that holds
    /// the lockfile would refuse the changed package.json.
    fn lead_what_is_out_of_reach(&mut self, way: &Step) -> Result<(), SourceError> {
        let toolchain = &self.work.toolchain;
        let is_npm = toolchain.manager.as_ref().is_none_or(|(kind, _)| matches!(kind, Kind::Npm | Kind::Node));
        if is_npm || toolchain.lockfile.is_none() || holds_the_lockfile(way) {
            return Ok(());
        }
        if !self.shop.timewarp().asked_elsewhere() && hosts_in(self.shop.log()).is_empty() {
            return Ok(());
        }
        let (checkout, leads) = (self.shop.tree()?, self.shop.leads()?);
        let folders = Folders { packages: &self.world.packages, settings: &self.world.settings_folders() };
        self.detour.get_or_insert_default().lead_git_dependencies(&checkout, folders, None, &leads)?;
        Ok(())
    }

    /// Has others stand in for what the registry does not have.
    pub(super) fn stand_in(&mut self) -> Result<(), SourceError> {
        let lockfile = self.work.toolchain.lockfile.as_deref();
        let named = self.shop.named().clone();
        let gone = self.shop.timewarp().stand_in(&named, Instant::now() + self.work.site.context.deadline.left());
        let checkout = self.shop.tree()?;
        self.detour.get_or_insert_default().stand_in(&checkout, lockfile, &gone)?;
        Ok(())
    }

    /// Runs a step and gives its exit code; an error where there is no time for it.
    pub(super) fn run_step(&mut self, step: &Step) -> Result<Option<i32>, SourceError> {
        match self.step(step)? {
            Ran::Ended(exit) => Ok(exit),
            Ran::NoTime => Err(SourceError::Cut(Limit::Time)),
        }
    }

    /// Runs a step, if there is time for it.
    fn step(&mut self, step: &Step) -> Result<Ran, SourceError> {
        let for_all = self.work.site.context.deadline.left();
        let left = self.until.map_or(for_all, |until| for_all.min(until.saturating_duration_since(Instant::now())));
        if left.is_zero() {
            self.course.out_of_time = true;
            return Ok(Ran::NoTime);
        }
        let is_guess = !(step.is_script() || installs(step) || is_for_publication(step) || self.work.given.is_some());
        let limit = if is_guess { left.min(GUESS.max(left / 4 * 3)) } else { left };
        if let Some(version) = self.version.as_ref().filter(|version| !version.is_late || self.detour.is_none()) {
            version.before_a_step(&self.shop.tree()?)?;
        }
        let done = self.shop.run(step, limit, is_guess.then_some(WAITS))?;
        if self.shop.stopped == Some(Stopped::Idle) || limit < left && self.shop.stopped == Some(Stopped::Time) {
            // Only the guess was wrong; and yet with more time it might have come to its end.
            self.shop.stopped = None;
            self.course.guess_stopped = true;
        }
        let exit = done.exit;
        self.state.done.push(done);
        self.state.steps.push(step.clone());
        if let Some(build) = &mut self.recipe.build {
            build.steps.push(step.clone());
        }
        Ok(Ran::Ended(exit))
    }

    /// Packs what is there now; true where nothing more is wanted.
    pub(super) fn compare(&mut self, project: &Project) -> Result<bool, SourceError> {
        let work = self.work;
        let checkout = self.shop.tree()?;
        if let Some(version) = &self.version {
            version.before_packing(&checkout)?;
        }
        let directory = work.origin.directory();
        let empty = super::project::Package::default();
        let own = project.at(directory).unwrap_or(&empty);
        let roots = match work.given {
            Some(given) => vec![given.packed.clone().unwrap_or_else(|| directory.to_owned())],
            None => package_roots(&checkout, own, directory, &work.publication.name),
        };
        for root in roots {
            let restored = work.given.map(|given| given.restored.clone()).unwrap_or_default();
            if self.pack(&checkout, &root, &restored)? {
                return Ok(true);
            }
            let restored = if work.given.is_none() { self.put_back(&checkout, &root)? } else { Vec::new() };
            if !restored.is_empty() && self.pack(&checkout, &root, &restored)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Packs one folder, with these files as the commit has them; true where nothing more is
    /// wanted.
    fn pack(&mut self, checkout: &DirTree, root: &str, restored: &[String]) -> Result<bool, SourceError> {
        let work = self.work;
        let mut base = self.recipe.clone();
        if let Some(build) = &mut base.build {
            build.packed = (root != work.origin.directory()).then(|| root.to_owned());
            build.restored = restored.to_vec();
        }
        let context = surroundings(checkout, root);
        let subject = Subject { published: work.published, context, base, cancelled: &work.site.context.cancelled };
        let commit = work.origin.commit.to_string();
        // Where published files are the commit's with other line endings, the publisher's checkout
        // was one of Windows.
        let windows = work.origin.score.matched_lf > 0;
        let mount = work.published.without_modes().filter(|mount| mount.mode_of_all() != Some(0o644));
        let source = disk::Source { folder: work.folder, repository: work.repository, windows, mount, restored };
        let Ok(mut stock) = DiskStock::open(checkout, root, &commit, Some(source)) else { return Ok(false) };
        let mut made = Vec::new();
        let packed = pack_folder(&mut stock, &subject, &mut made);
        if root == work.origin.directory() {
            // What has its end with the time is no word on the package.
            let is_cut = work.site.context.deadline.is_over();
            self.course.unpackable = packed.as_ref().err().filter(|_| !is_cut).map(ToString::to_string);
        }
        match packed {
            Ok(()) => {}
            Err(error) if error.is_ours() => return Err(error),
            // What a half-done build left may be no package; a later step may make it one.
            Err(_) => return Ok(false),
        }
        made.extend(self.best.take());
        made.sort_by_key(|one| std::cmp::Reverse(one.closeness()));
        self.best = made.into_iter().next();
        Ok(self.best.as_ref().is_some_and(|best| best.outcome != Outcome::OtherEntries))
    }
}

/// What was run behind an installation; none if that was another one. Each part of it has its turn,
/// by one of its ways at least.
fn behind(installation: &[Vec<Step>], ran: VecDeque<(Step, Option<i32>)>) -> Option<VecDeque<(Step, Option<i32>)>> {
    let mut rest = ran;
    for ways in installation {
        let before = rest.len();
        while rest.front().is_some_and(|(step, _)| ways.contains(step)) {
            rest.pop_front();
        }
        if rest.len() == before {
            return None;
        }
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_installation_is_not_gone_on_from() {
        let installation = [ways(Kind::Npm, 10, true, ""), ways(Kind::Npm, 10, false, "x"), ways(Kind::Npm, 10, false, "y")];
        let [root, x, y] = installation.clone().map(|ways| ways.first().cloned().unwrap());
        let script = Step { name: "build".into(), directory: String::new(), command: vec!["npm".into(), "run".into(), "build".into()] };
        let after = |steps: &[&Step]| {
            let ran = steps.iter().map(|step| ((*step).clone(), Some(0))).collect();
            behind(&installation, ran).map(|rest| rest.into_iter().map(|(step, _)| step).collect::<Vec<_>>())
        };
        assert_eq!(after(&[&root, &root, &x, &y, &script]), Some(vec![script.clone()]));
        assert_eq!(after(&[&root, &x, &y]), Some(Vec::new()));
        for other in [&[&root, &y, &x, &script][..], &[&root, &x, &script], &[&root, &x], &[&x, &y, &script], &[&script]] {
            assert_eq!(after(other), None);
        }
        let more = ways(Kind::Npm, 10, false, "z").first().cloned().unwrap();
        assert_eq!(after(&[&root, &x, &y, &more]), Some(vec![more]), "what is no part of it is a step of the plan, or is none");
    }
}
