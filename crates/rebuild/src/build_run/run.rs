//! The way of one toolchain at one moment through installation, steps and comparisons.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use gix::ObjectId;

use git::Repository;
use npm_spec::manifest::LARGEST;
use npm_spec::path::join;
use npm_spec::tool::Kind;
use npm_timewarp::{self, JudgedBytes, Timewarp};
use npm_toolchain::{Tool, Toolchain};
use origin::Origin;
use recipe::{BuildRecipe, Checkout, Recipe, Strategy, ToolchainInfo};
use verdict::Outcome;

use super::before_release::BeforeRelease;
use super::bench::Bench;
use super::beside::Beside;
use super::checkout::{GitDir, write_files};
use super::detour::{Detour, Folders};
use super::failure::{Course, blames_ci, compiler_is_older, data_are_old, hosts_in, listed, stands_in};
use super::kept::{Kept, State};
use super::release_version::ReleaseVersion;
use super::repositories::Repositories;
use super::said::programs_missing;
use super::workshop::{self, Plan, Workshop};
use super::world::{Purpose, World};
use super::{Publication, Site};
use crate::checkout::Folder;
use crate::judged_repository::JudgedRepository;
use crate::plan::observation::Observation;
use crate::rebuilt::{Limit, Rebuilt, Run};
use crate::{Published, SourceError, recipe_for};

/// Largest checkout, in bytes.
pub(super) const MAX_CHECKOUT: u64 = 4 << 30;
/// Most manifests that are read of one repository.
pub(super) const MAX_MANIFESTS: usize = 2_000;

/// One toolchain's attempt.
pub(super) struct Work<'a> {
    pub(super) repository: &'a Repository,
    pub(super) folder: &'a Folder<'a>,
    pub(super) origin: &'a Origin,
    pub(super) published: &'a Published,
    pub(super) publication: &'a Publication,
    pub(super) site: &'a Site,
    pub(super) toolchain: &'a Toolchain,
    pub(super) strategy: Strategy,
    pub(super) committed: i64,
    /// The build that the user gave, to be followed as it is.
    pub(super) given: Option<&'a BuildRecipe>,
    /// The registry is as it stood then; as it is, where there is none.
    pub(super) moment: Option<String>,
    /// See `BuildRecipe::oldest`.
    pub(super) oldest: bool,
    /// See `BuildRecipe::clock`.
    pub(super) clock: Option<jiff::Timestamp>,
    /// See `BuildRecipe::without_ci`.
    pub(super) without_ci: bool,
    /// See `BuildRecipe::versions_at`.
    pub(super) before: Option<BeforeRelease>,
    /// Why this setup, where it is not the likeliest.
    pub(super) reasons: Vec<String>,
}

/// What came of one toolchain at one moment.
pub(super) struct Ran {
    /// The closest that it came.
    pub(super) rebuilt: Rebuilt,
    /// What it showed.
    pub(super) seen: Vec<Observation>,
    /// The limit that was met, if one was.
    pub(super) cut: Option<Limit>,
}

/// What came of the steps in one folder.
struct Came {
    made: Option<Rebuilt>,
    state: State,
    seen: Vec<Observation>,
    cut: Option<Limit>,
}

/// A workshop with what was done to its checkout.
pub(super) struct Laid<'a> {
    pub(super) shop: Workshop<'a>,
    /// What leads the installation here; none where that was before.
    pub(super) detour: Option<Detour>,
    /// The version that package.json gets, where the commit has another.
    pub(super) version: Option<ReleaseVersion>,
}

/// Where a build runs, what it can see, and what it runs with.
#[derive(Clone, Copy)]
pub(super) struct Room<'a> {
    pub(super) kept: &'a Kept,
    pub(super) world: &'a World,
    pub(super) tools: &'a [Tool],
}

impl Work<'_> {
    pub(super) fn run(&self) -> Result<Ran, SourceError> {
        let tools = self.given.map_or_else(|| self.tools(), |given| self.exact_tools(given))?;
        let builds = &self.site.ground.builds;
        let world = World::of(self, &tools, Purpose::Search)?;
        let (mut kept, state) = Kept::take(builds, &world.key(), self.site.context.deadline.left())?;
        let mut reused = None;
        // What a recipe of the user's says is done from its start.
        if let Some(state) = state.filter(|state| self.given.is_none() && may_go_on(&kept, &world, state)) {
            // Another package of this commit was built here: what is there may be all that is
            // needed. A build of its own has time left.
            match self.build_in(
                Room { kept: &kept, world: &world, tools: &tools },
                state,
                Some(Instant::now() + self.site.context.deadline.left() / 2),
            ) {
                Ok(Came { made: Some(made), state, cut, seen }) if made.outcome != Outcome::OtherEntries => {
                    keep(kept, &state, cut)?;
                    return Ok(Ran { rebuilt: made, seen, cut: None });
                }
                // What half of the time was not enough for says nothing: the build of its own has
                // what is left.
                Ok(Came { made, cut, .. }) => reused = made.filter(|_| cut.is_none()),
                Err(error) if self.site.context.cancelled.load(Ordering::Relaxed) => return Err(error),
                // What builds before left there is in the way, and in a new folder it is not.
                Err(_) => {}
            }
        }
        kept.clear()?;
        let Came { made, state, seen, cut } = self.build_in(Room { kept: &kept, world: &world, tools: &tools }, State::default(), None)?;
        keep(kept, &state, cut)?;
        let closer = |reused: Rebuilt| match &made {
            Some(made) if made.closeness() >= reused.closeness() => None,
            _ => Some(reused),
        };
        let rebuilt = reused.and_then(closer).or(made);
        let rebuilt = rebuilt.ok_or_else(|| cut.map_or(SourceError::NothingBuilt, SourceError::Cut))?;
        Ok(Ran { rebuilt, seen, cut })
    }

    /// The toolchain and the moment, for a line of text.
    pub(super) fn named(&self) -> String {
        let Toolchain { node, manager, .. } = self.toolchain;
        let manager = manager.as_ref().map(|(kind, version)| format!("{kind} {version} with ")).unwrap_or_default();
        let reason = if self.reasons.is_empty() { String::new() } else { format!(" ({})", self.reasons.join("; ")) };
        format!("{manager}Node {node}{reason}")
    }

    /// Builds in the folders, going on from what was run there, with no step that begins after
    /// `until`. Nothing is made where this build would have been told something else by the
    /// registry.
    fn build_in(&self, room: Room<'_>, state: State, until: Option<Instant>) -> Result<Came, SourceError> {
        let Room { world, tools, .. } = room;
        let mut laid = self.lay_out(room, &state)?;
        if state.steps.is_empty() {
            laid.shop.hand_over()?;
        } else if !self.is_told_the_same(&laid.shop, &state, until.unwrap_or_else(Instant::now)) {
            return Ok(Came { made: None, state, seen: Vec::new(), cut: None });
        }
        let mut recipe = self.recipe(tools, world);
        if let Some(build) = &mut recipe.build {
            build.steps.clone_from(&state.steps);
        }
        let mut bench = Bench::new(self, world, &mut laid, recipe, (state, until));
        bench.build()?;
        let Bench { course, best, mut state, .. } = bench;
        let shop = laid.shop;
        let (record, stood_in) = (shop.timewarp().record(), shop.timewarp().stood_in());
        state.heard = shop.timewarp().heard();
        shop.log().clone_into(&mut state.log);
        let beside = Beside::of(&record);
        let untrue = record.times_untrue || self.publication.untrue;
        let missing = record.missing.into_iter().filter(|missing| !stands_in(&stood_in, missing)).collect();
        let wanted = record.wanted.into_iter().chain(hosts_in(shop.log())).collect();
        let is_incomplete =
            best.as_ref().is_none_or(|best| best.comparison.changed.is_empty() && !best.comparison.only_published.is_empty());
        let programs = Some(programs_missing(shop.log())).filter(|programs| is_incomplete && !programs.is_empty());
        let (stopped, refused) = (shop.stopped, shop.refused);
        let log = shop.log();
        let (blames_ci, compiler_is_older, data_are_old) = (blames_ci(log), compiler_is_older(log), data_are_old(log));
        let course = Course { missing, stood_in, wanted, stopped, refused, blames_ci, compiler_is_older, data_are_old, ..course };
        let best = best.map(|best| {
            let mut notes = course.notes();
            notes.extend(self.node_from_elsewhere());
            if !self.site.question.hosts.names().is_empty() {
                let hosts = self.site.question.hosts.names().join(", ");
                notes.push(("hosts-allowed", format!("--allow-host let the build reach hosts besides the registry: {hosts}")));
            }
            if untrue {
                let said = "publication dates in this registry are later than the commit, and unreliable: dependencies may be newer";
                notes.push(("registry-times-untrue", said.to_owned()));
            }
            if let Some(programs) = programs.as_ref().filter(|_| course.failed()) {
                let said = format!(
                    "the build asked for programs that are not on this machine, and that no npm package brings: {} (--toolchain <name>=<folder> puts them in reach)",
                    listed(programs)
                );
                notes.push(("program-missing", said));
            }
            let code = if best.outcome == Outcome::OtherEntries { course.code() } else { None };
            let warnings = self.warnings(&course, self.bundled_in(&best, &record.tarballs, shop.timewarp()));
            let resolved = record.tarballs.into_iter().collect();
            let (steps, log, installed) = (state.done.clone(), state.log.clone(), state.installed);
            let toolchains = self.toolchains_by_user();
            let run = Run { steps, log, installed, resolved, tools: tools.to_vec(), toolchains, code, notes, warnings, ..Run::default() };
            Rebuilt { run: Some(beside.told(run, self.publication, self.site)), ..best }
        });
        let mut seen = course.observations();
        seen.extend(record.newest.map(|newest| Observation::NewestDependency(newest.as_second())));
        seen.extend(untrue.then_some(Observation::TimesUntrue));
        seen.extend(programs.map(Observation::ProgramsMissing));
        Ok(Came { made: best, state, seen, cut: course.cut() })
    }

    /// Whether the registry tells this build all that it told the one before: nothing of it by the
    /// user's credentials, nothing withheld as what is judged, and nothing made of another version.
    fn is_told_the_same(&self, shop: &Workshop<'_>, state: &State, until: Instant) -> bool {
        self.site.context.progress.tell("build", "comparing another package's installation with the registry");
        let timewarp = shop.timewarp();
        timewarp.hears_again(&state.heard, shop.named(), until)
            && Beside::of(&timewarp.record()).is_for_every_package()
            && timewarp.stood_in().values().all(Option::is_none)
            // After an installation that failed, an earlier version would have stood in for what is
            // judged here.
            && !(timewarp.judged_was_wanted() && state.done.iter().any(|step| step.exit != Some(0)))
    }

    /// The workshop in these folders; where they are fresh, with the checkout in it, and what leads
    /// its installation here.
    pub(super) fn lay_out(&self, room: Room<'_>, state: &State) -> Result<Laid<'_>, SourceError> {
        let Room { kept, world, tools } = room;
        let plan = Plan {
            scratch: kept.dir(),
            name: world.folder().to_owned(),
            tools,
            timewarp: self.timewarp(world),
            log: state.log.clone(),
            scopes: world.scopes.clone(),
            variables: world.variables.clone(),
            named: world.locked.clone(),
            clock: world.clock,
            without_ci: world.without_ci,
        };
        let shop = Workshop::open(self.site, plan)?;
        if !state.steps.is_empty() {
            return Ok(Laid { shop, detour: None, version: world.release.clone() });
        }
        let checkout = shop.checkout();
        write_files(self.folder, self.repository, &checkout, Checkout::Posix)?;
        GitDir { commit: &world.commit, reference: world.reference.as_deref(), url: world.url.as_deref() }.write(&checkout)?;
        let objects = checkout.join(".git/objects");
        self.repository.store().export(&self.origin.commit, &objects, &|id| self.folder.published_blob(id))?;
        let tree = shop.tree()?;
        if let Some(version) = world.release.as_ref().filter(|version| !version.is_late) {
            // Before the detour: what it puts back has the version.
            version.write(&tree)?;
        }
        let manager = self.toolchain.manager.as_ref().map_or(Kind::Npm, |(kind, _)| *kind);
        let folders = Folders { packages: &world.packages, settings: &world.settings_folders() };
        let mut detour = Detour::lay(&tree, manager, world.lockfile.as_deref(), folders, &shop.leads()?)?;
        if world.oldest {
            detour.ask_for_the_oldest(&tree, &world.packages, |ranges| shop.timewarp().lowest(ranges))?;
        }
        Ok(Laid { shop, detour: Some(detour), version: world.release.clone() })
    }

    /// A note where Node does not come from where it came from for the recipe that is followed.
    pub(super) fn node_from_elsewhere(&self) -> Option<(&'static str, String)> {
        let (then, now) = (self.given?.node_dist.as_deref(), self.site.toolchains.distribution());
        let named = |place: Option<&str>| place.unwrap_or("the registry").to_owned();
        let code = "node-from-elsewhere";
        let message = format!("the recipe was made with Node from {}, and this run used Node from {}", named(then), named(now));
        (then != now).then_some((code, message))
    }

    /// The user's toolchains, as a result lists them.
    pub(super) fn toolchains_by_user(&self) -> Vec<ToolchainInfo> {
        self.site.question.toolchains.iter().map(|toolchain| toolchain.info.clone()).collect()
    }

    /// What a reader should look at: in the course of a build, and what it left of dependencies.
    pub(super) fn warnings(&self, course: &Course, bundled: Option<String>) -> Vec<(&'static str, String)> {
        let mut warnings = course.warnings();
        warnings.extend(self.toolchain_warnings().into_iter().chain(self.earlier_versions()));
        if let Some(message) = bundled {
            warnings.push(("bundled-altered", message));
        }
        warnings
    }

    /// That the steps saw versions which the commit does not have.
    fn earlier_versions(&self) -> Vec<(&'static str, String)> {
        let own = self.origin.commit.to_string();
        let mut warnings = Vec::new();
        if let Some(BeforeRelease { commit, version, manifests }) = self.before.as_ref().filter(|before| before.commit != own) {
            let count = manifests.len();
            warnings.push((
                "built-before-release",
                format!("the build had version {version}, which commit {commit} has, in place of the checked one in {count} package.json"),
            ));
        }
        warnings
    }

    /// Warnings for the user's toolchains, and where they are not those of the recipe that is
    /// followed.
    fn toolchain_warnings(&self) -> Vec<(&'static str, String)> {
        let mut warnings = Vec::new();
        let now = digests_of(self.site);
        if !now.is_empty() {
            let names = now.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("the build had toolchains of the user's in reach, which no registry vouches for: {names}");
            warnings.push(("toolchain-by-user", message));
        }
        if let Some(then) = self.given.map(|given| &given.toolchains).filter(|then| **then != now) {
            let named = |all: &BTreeMap<String, String>| {
                let named = all.iter().map(|(name, digest)| format!("{name} {}", digest.get(..12).unwrap_or(digest)));
                if all.is_empty() { "none".to_owned() } else { named.collect::<Vec<_>>().join(", ") }
            };
            let message =
                format!("the recipe was made with other toolchains of a user's ({}) than this run ({})", named(then), named(&now));
            warnings.push(("toolchain-differs", message));
        }
        warnings
    }

    /// Node, the manager that installs, and those that scripts call besides.
    fn tools(&self) -> Result<Vec<Tool>, SourceError> {
        let site = self.site;
        let node = &self.toolchain.node;
        let mut wanted = vec![(Kind::Node, node.clone())];
        wanted.extend(self.toolchain.manager.clone());
        let at = jiff::Timestamp::from_second(self.committed).unwrap_or_default();
        for kind in [Kind::Npm, Kind::Yarn, Kind::Pnpm] {
            let beside = kind == Kind::Yarn && wanted.iter().any(|(kind, _)| *kind == Kind::Berry);
            if beside || wanted.iter().any(|(known, _)| *known == kind) || kind != Kind::Npm && !self.scripts_call(kind)? {
                continue;
            }
            // A script that calls a manager which cannot be had fails by itself, and says so.
            if let Ok(Some(version)) = site.runtime.block_on(site.toolchains.companion(kind, node, at)) {
                wanted.push((kind, version));
            }
        }
        self.fetch_tools(wanted)
    }

    /// These versions, ready to be run.
    pub(super) fn fetch_tools(&self, wanted: Vec<(Kind, String)>) -> Result<Vec<Tool>, SourceError> {
        let site = self.site;
        let mut tools = Vec::new();
        for (kind, version) in wanted {
            site.context.progress.tell("build", &format!("{kind} {version}"));
            tools.push(site.runtime.block_on(site.toolchains.get(kind, &version))?);
        }
        Ok(tools)
    }

    /// Whether a script of the package or of the root calls a package manager.
    fn scripts_call(&self, kind: Kind) -> Result<bool, SourceError> {
        let view = self.folder.view(self.repository, Checkout::Posix);
        for directory in [self.origin.directory(), ""] {
            let bytes = view.content_up_to(&join(directory, "package.json"), LARGEST)?.unwrap_or_default();
            let manifest: serde_json::Value = npm_spec::manifest::read(&bytes).unwrap_or_default();
            let scripts = manifest.get("scripts").and_then(serde_json::Value::as_object);
            let mut texts = scripts.into_iter().flatten().filter_map(|(_, text)| text.as_str());
            if texts.any(|text| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == kind.spoken())) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The registry as the build sees it.
    fn timewarp(&self, world: &World) -> Timewarp {
        let settings = npm_timewarp::Settings {
            client: self.site.context.client.clone(),
            npm: self.site.context.npm.clone(),
            moment: self.moment.as_deref().and_then(|time| time.parse().ok()),
            commit_time: jiff::Timestamp::from_second(world.committed).ok(),
            published: self.publication.own_time(),
            keep: world.locked.clone(),
            named: world.named.clone(),
            tags: world.tags.clone(),
            judged: Some((self.publication.name.clone(), self.publication.version.clone())),
            is_registered: self.publication.registry.is_some(),
            judged_bytes: Some(Arc::new(self.judged_bytes())),
            manifests_on_disk: self.installs_with_npm(3..=4),
            tarballs: self.site.context.folders.tarballs.clone(),
            packuments: Some(self.site.context.folders.packuments.clone()),
            repositories: Some(Arc::new(self.repositories())),
            hosts: self.site.question.hosts.clone(),
            cancel: self.site.context.cancel.clone(),
        };
        Timewarp::new(settings, self.site.runtime.clone())
    }

    /// Where dependencies on git repositories come from.
    fn repositories(&self) -> Repositories {
        let time = |text: &Option<String>| text.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
        let told = time(&self.moment).into_iter().chain(time(&self.publication.time)).min();
        let context = &self.site.context;
        Repositories {
            context: self.site.context.clone(),
            runtime: self.site.runtime.clone(),
            manager: self.toolchain.manager.as_ref().map_or(Kind::Npm, |(kind, _)| *kind),
            until: told.or_else(|| jiff::Timestamp::from_second(self.committed).ok()).unwrap_or_default(),
            judged: JudgedRepository::of(self.repository.url(), self.origin, self.published, context),
            turn: Mutex::new(()),
        }
    }

    /// Whether the manager is npm of these major versions.
    fn installs_with_npm(&self, majors: std::ops::RangeInclusive<u64>) -> bool {
        let Some((Kind::Npm, version)) = &self.toolchain.manager else { return false };
        npm_spec::version::parse(version).is_some_and(|version| majors.contains(&version.major()))
    }

    /// What is judged, by its bytes.
    fn judged_bytes(&self) -> JudgedBytes {
        // The files of its submodules are the commit's, too.
        let with_submodules = self.folder.files().filter_map(|(path, _)| self.folder.file(path)).map(|file| file.id);
        let tracked: HashSet<ObjectId> = self.origin.listing.below("").map(|entry| entry.id).chain(with_submodules).collect();
        let is_tracked = |blob: &[u8; 20]| tracked.contains(&ObjectId::from(*blob));
        JudgedBytes::of(&self.published.bytes, &self.published.archive, is_tracked)
    }

    /// The folders whose configuration package managers read: those of the package and of the
    /// lockfile, and all above them.
    pub(super) fn settings_folders(&self) -> BTreeSet<&str> {
        let locked = self.toolchain.lockfile.as_deref().and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder);
        let above = |folder| std::iter::successors(Some(folder), |folder: &&str| folder.rsplit_once('/').map(|(above, _)| above));
        [self.origin.directory(), locked].into_iter().flat_map(above).chain([""]).collect()
    }

    fn recipe(&self, tools: &[Tool], world: &World) -> Recipe {
        let others = tools.iter().filter(|tool| tool.kind != Kind::Node);
        let build = BuildRecipe {
            node: self.toolchain.node.clone(),
            node_dist: self.site.toolchains.distribution().map(str::to_owned),
            tools: others.map(|tool| (tool.kind.as_str().to_owned(), tool.version.clone())).collect::<BTreeMap<_, _>>(),
            toolchains: digests_of(self.site),
            reasons: self.toolchain.reasons.iter().chain(&self.reasons).cloned().collect(),
            lockfile: self.toolchain.lockfile.clone(),
            moment: self.moment.clone(),
            oldest: world.oldest,
            clock: world.clock.map(|clock| clock.to_string()),
            without_ci: world.without_ci,
            version: world.release.as_ref().and_then(|release| release.version.clone()),
            versions_at: world.release.as_ref().and_then(|release| release.before.clone()),
            reference: world.reference.clone(),
            steps: Vec::new(),
            packed: None,
            restored: Vec::new(),
        };
        Recipe { build: Some(build), ..recipe_for(self.strategy, self.published, self.repository.url(), self.origin) }
    }
}

/// The user's toolchains by name, each with the digest of its files.
fn digests_of(site: &Site) -> BTreeMap<String, String> {
    site.question.toolchains.iter().map(|toolchain| (toolchain.info.name.clone(), toolchain.info.digest.clone())).collect()
}

/// Keeps the folders for the next package, where no limit stopped a step in them: it would be taken
/// for one that was run.
fn keep(kept: Kept, state: &State, cut: Option<Limit>) -> Result<(), SourceError> {
    if cut.is_none() {
        kept.keep(state)?;
    }
    Ok(())
}

/// Whether what another package's build left in these folders can be gone on from, as far as that
/// can be told without the registry.
fn may_go_on(kept: &Kept, world: &World, state: &State) -> bool {
    state.heard.is_whole() && workshop::is_sound(kept.dir(), world.folder())
}
