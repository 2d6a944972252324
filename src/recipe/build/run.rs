//! The way of one toolchain at one moment through installation, steps and comparisons.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::bench::Bench;
use super::beside::named_in;
use super::checkout::{GitDir, write_files};
use super::detour::{Detour, Folders};
use super::failure::{Course, hosts_in};
use super::kept::{Kept, State};
use super::release_version::ReleaseVersion;
use super::workshop::{self, Plan, Workshop};
use super::{Publication, Site};
use crate::git::Repository;
use crate::git::attributes::Checkout;
use crate::origin::Origin;
use crate::origin::score::{join, manifest_directories};
use crate::published::Published;
use crate::recipe::checkout::Folder;
use crate::recipe::rebuilt::{Limit, Rebuilt, Run};
use crate::recipe::{BuildRecipe, Recipe, SourceError, Strategy};
use crate::timewarp::{self, JudgedBytes, Timewarp, lockfile};
use crate::toolchain::{Kind, Tool, Toolchain};
use crate::verdict::Outcome;

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
    /// Why at that moment, where it is not the publication's.
    pub(super) reason: Option<String>,
}

/// What came of one toolchain at one moment.
pub(super) struct Ran {
    /// The closest that it came.
    pub(super) rebuilt: Rebuilt,
    /// Whether another toolchain could come closer.
    pub(super) worth_another: bool,
    /// See `State::newest`.
    pub(super) newest: Option<i64>,
    /// Whether the registry's times could not be true.
    pub(super) untrue: bool,
    /// The limit that was met, if one was.
    pub(super) cut: Option<Limit>,
}

/// What came of the steps in one folder.
struct Came {
    made: Option<Rebuilt>,
    state: State,
    worth_another: bool,
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

impl Work<'_> {
    pub(super) fn run(&self) -> Result<Ran, SourceError> {
        let tools = self.given.map_or_else(|| self.tools(), |given| self.exact_tools(given))?;
        let builds = &self.site.folders.builds;
        crate::store::folders::create(builds)?;
        // What a user's recipe leaves is not what a search would have left.
        let key = if self.given.is_some() { format!("given-{}", self.key(&tools)) } else { self.key(&tools) };
        let (mut kept, state) = Kept::take(builds, &key, self.site.deadline.left())?;
        let mut reused = None;
        if let Some(state) = state.filter(|_| self.given.is_none()).and_then(|state| self.gone_on_with(&kept, state)) {
            // Another package of this commit was built here: what is there may be all that is needed. A build of its own has time left.
            match self.build_in(&kept, state, &tools, Some(Instant::now() + self.site.deadline.left() / 2)) {
                Ok(Came { made: Some(made), state, cut, .. }) if made.outcome != Outcome::OtherEntries => {
                    keep(kept, &state, cut)?;
                    return Ok(Ran { rebuilt: made, worth_another: false, newest: state.newest, untrue: state.times_untrue, cut: None });
                }
                // What half of the time was not enough for says nothing: the build of its own has what is left.
                Ok(Came { made, cut, .. }) => reused = made.filter(|_| cut.is_none()),
                Err(error) if self.site.cancelled.load(Ordering::Relaxed) => return Err(error),
                // What builds before left there is in the way, and in a new folder it is not.
                Err(_) => {}
            }
        }
        kept.clear()?;
        let Came { made, state, worth_another, cut } = self.build_in(&kept, State::default(), &tools, None)?;
        keep(kept, &state, cut)?;
        let (newest, untrue) = (state.newest, state.times_untrue);
        let closer = |reused: Rebuilt| match &made {
            Some(made) if made.closeness() >= reused.closeness() => None,
            _ => Some(reused),
        };
        let rebuilt = reused.and_then(closer).or(made);
        let rebuilt = rebuilt.ok_or_else(|| cut.map_or(SourceError::NothingBuilt, SourceError::Cut))?;
        Ok(Ran { rebuilt, worth_another, newest, untrue, cut })
    }

    /// The toolchain and the moment, for a line of text.
    pub(super) fn named(&self) -> String {
        let Toolchain { node, manager, .. } = self.toolchain;
        let manager = manager.as_ref().map(|(kind, version)| format!("{kind} {version} with ")).unwrap_or_default();
        let reason = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{manager}Node {node}{reason}")
    }

    /// The state of another package's build, from where this one can go on; none where what is judged may be in its folders, or where they are
    /// no folders any more.
    fn gone_on_with(&self, kept: &Kept, state: State) -> Option<State> {
        let Publication { name, version, .. } = self.publication;
        if state.may_hold(name, version, &self.published.sha512) || !state.beside.is_for_every_package() {
            return None;
        }
        if !workshop::is_sound(kept.dir(), &repository_name(self.repository.url())) {
            return None;
        }
        // What was installed for the other was held against the other's bytes.
        let copied = self.judged_bytes().shared_with_kept(&self.site.folders.tarballs, &state.resolved)?;
        let beside = state.beside.with_copied(copied);
        Some(State { beside, ..state })
    }

    /// What the folders of this commit and toolchain are called, as this program isolates builds and asks these registries. The packages of one release are published some seconds apart: with
    /// a lockfile that makes no difference to what is installed, and without one the same hour counts as the same moment.
    pub(super) fn key(&self, tools: &[Tool]) -> String {
        // Another program of the same version is another tool.
        let tools: Vec<String> = tools.iter().map(|tool| format!("{}@{}#{}", tool.kind.as_str(), tool.version, tool.digest)).collect();
        let lockfile = &self.toolchain.lockfile;
        let matters = lockfile.is_none() || self.moment != self.publication.time;
        let hour = self.moment.as_deref().filter(|_| matters).and_then(|time| time.get(.."2026-01-01T00".len()));
        let oldest = if self.oldest { " oldest" } else { "" };
        let clock = self.clock.map(|clock| format!(" clock {clock}")).unwrap_or_default();
        let registries: Vec<String> = self.site.npm.registries().iter().map(ToString::to_string).collect();
        let (tier, hosts) = (self.site.sandbox.tier(), self.site.hosts.names());
        let how = format!("{} {tier} {} {}", env!("CARGO_PKG_VERSION"), registries.join(" "), hosts.join(" "));
        let key =
            format!("{} {} {} {lockfile:?} {hour:?}{oldest}{clock} {how}", self.repository.url(), self.origin.commit, tools.join(" "));
        crate::store::folders::safe_name(&key)
    }

    /// Builds in the folders, going on from what was run there, with no step that begins after `until`.
    fn build_in(&self, kept: &Kept, state: State, tools: &[Tool], until: Option<Instant>) -> Result<Came, SourceError> {
        let fresh = state.steps.is_empty();
        let mut state = state;
        if fresh {
            state.moment.clone_from(&self.moment);
        }
        let mut laid = self.lay_out(kept, &state, tools)?;
        let version = laid.version.as_ref().map(ReleaseVersion::written);
        if fresh {
            state.version = version;
        } else if state.version != version {
            return Ok(Came { made: None, state, worth_another: true, cut: None });
        }
        if fresh {
            laid.shop.hand_over()?;
        }
        let mut recipe = self.recipe(tools, laid.version.as_ref().map(|version| version.version.clone()));
        if let Some(build) = &mut recipe.build {
            build.moment.clone_from(&state.moment);
            build.steps.clone_from(&state.steps);
        }
        let mut bench = Bench::new(self, &mut laid, recipe, state, until);
        bench.build()?;
        let Bench { course, best, mut state, .. } = bench;
        let shop = laid.shop;
        let record = shop.timewarp().record();
        state.stood_in.extend(shop.timewarp().stood_in());
        state.more_resolved |= record.tarballs_unrecorded;
        state.beside.extend(&record);
        state.resolved.extend(record.tarballs);
        state.missing.extend(record.missing);
        state.wanted.extend(record.wanted);
        state.wanted.extend(hosts_in(shop.log()));
        state.times_untrue |= record.times_untrue || self.publication.untrue;
        state.newest = state.newest.max(record.newest.map(jiff::Timestamp::as_second));
        shop.log().clone_into(&mut state.log);
        let missing = state.missing.iter().filter(|missing| !state.stands_in(missing)).cloned().collect();
        let course = Course { missing, stood_in: state.stood_in.clone(), wanted: state.wanted.clone(), stopped: shop.stopped, ..course };
        let best = best.map(|best| {
            let mut notes = course.notes();
            notes.extend(self.node_from_elsewhere());
            if !self.site.hosts.names().is_empty() {
                let hosts = self.site.hosts.names().join(", ");
                notes.push(("hosts-allowed", format!("--allow-host let the build reach: {hosts}")));
            }
            if state.times_untrue {
                notes.push((
                    "registry-times-untrue",
                    "publication dates in this registry are unreliable, so dependencies may be newer than at publication".into(),
                ));
            }
            let code = if best.outcome == Outcome::OtherEntries { course.code() } else { None };
            let resolved = state.resolved.iter().cloned().collect();
            let (steps, log, installed) = (state.done.clone(), state.log.clone(), state.installed);
            let run = Run { steps, log, installed, resolved, tools: tools.to_vec(), code, notes, ..Run::default() };
            Rebuilt { run: Some(state.beside.told(run, self.publication, self.site)), ..best }
        });
        Ok(Came { made: best, state, worth_another: course.is_worth_another_try(), cut: course.cut() })
    }

    /// The workshop in these folders; where they are fresh, with the checkout in it, and what leads its installation here.
    pub(super) fn lay_out(&self, kept: &Kept, state: &State, tools: &[Tool]) -> Result<Laid<'_>, SourceError> {
        let (timewarp, named) = self.timewarp(state.moment.as_deref())?;
        let plan = Plan {
            scratch: kept.dir(),
            name: repository_name(self.repository.url()),
            tools,
            timewarp,
            log: state.log.clone(),
            scopes: self.scopes()?,
            variables: self.variables()?,
            named,
            clock: self.clock,
        };
        let shop = Workshop::open(self.site, plan)?;
        let checkout = shop.checkout();
        let packages = manifest_directories(&self.origin.listing, MAX_MANIFESTS);
        let (detour, version);
        if state.steps.is_empty() {
            write_files(self.folder, self.repository, &checkout, Checkout::Posix)?;
            let commit = self.origin.commit.to_string();
            let git = GitDir { commit: &commit, reference: self.origin.reference.as_deref(), url: self.repository.url() };
            git.write(&checkout)?;
            let objects = checkout.join(".git/objects");
            self.repository.store().export(&self.origin.commit, &objects, &|id| self.folder.published_blob(id))?;
            let tree = shop.tree()?;
            version = ReleaseVersion::of(self, &tree, &packages);
            if let Some(version) = version.as_ref().filter(|version| !version.is_late) {
                // Before the detour: what it puts back has the version.
                version.write(&tree)?;
            }
            let manager = self.toolchain.manager.as_ref().map_or(Kind::Npm, |(kind, _)| *kind);
            let locked = self.toolchain.lockfile.as_deref();
            let folders = Folders { packages: &packages, settings: &self.settings_folders() };
            let mut laid = Detour::lay(&tree, manager, locked, folders, &shop.registry()?)?;
            if self.oldest {
                laid.ask_for_the_oldest(&tree, &packages, |ranges| shop.timewarp().lowest(ranges))?;
            }
            detour = Some(laid);
        } else {
            // As the commit has it: what was run here may have changed it.
            let view = self.folder.view(self.repository, Checkout::Posix);
            (detour, version) = (None, ReleaseVersion::of(self, &view, &packages));
        }
        Ok(Laid { shop, detour, version })
    }

    /// A note where Node does not come from where it came from for the recipe that is followed.
    pub(super) fn node_from_elsewhere(&self) -> Option<(&'static str, String)> {
        let (then, now) = (self.given?.node_dist.as_deref(), self.site.toolchains.distribution());
        let named = |place: Option<&str>| place.unwrap_or("the registry").to_owned();
        let code = "node-from-elsewhere";
        let message = format!("the recipe was made with Node from {}, and this was with Node from {}", named(then), named(now));
        (then != now).then_some((code, message))
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
            site.progress.tell("build", &format!("{kind} {version}"));
            tools.push(site.runtime.block_on(site.toolchains.get(kind, &version))?);
        }
        Ok(tools)
    }

    /// Whether a script of the package or of the root calls a package manager.
    fn scripts_call(&self, kind: Kind) -> Result<bool, SourceError> {
        let view = self.folder.view(self.repository, Checkout::Posix);
        for directory in [self.origin.directory(), ""] {
            let bytes = view.content(&join(directory, "package.json"))?.unwrap_or_default();
            let manifest: serde_json::Value = serde_json::from_slice(crate::manifest::without_bom(&bytes)).unwrap_or_default();
            let scripts = manifest.get("scripts").and_then(serde_json::Value::as_object);
            let mut texts = scripts.into_iter().flatten().filter_map(|(_, text)| text.as_str());
            if texts.any(|text| text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == kind.spoken())) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The registry as the build sees it, and what the lockfile names.
    fn timewarp(&self, moment: Option<&str>) -> Result<(Timewarp, BTreeSet<(String, String)>), SourceError> {
        let mut keep = BTreeSet::new();
        if let Some(path) = &self.toolchain.lockfile
            && let Some(bytes) = self.folder.view(self.repository, Checkout::Posix).content(path)?
        {
            let name = path.rsplit('/').next().unwrap_or(path);
            // A lockfile that cannot be read hides nothing and keeps nothing; the client says what is wrong with it.
            if let Ok(named) = lockfile::named(name, &bytes) {
                keep = named.versions;
            }
        }
        let named = keep.clone();
        let settings = timewarp::Settings {
            client: self.site.client.clone(),
            npm: self.site.npm.clone(),
            moment: moment.and_then(|time| time.parse().ok()),
            commit_time: jiff::Timestamp::from_second(self.committed).ok(),
            keep,
            named: self.named_packages()?,
            judged: Some((self.publication.name.clone(), self.publication.version.clone())),
            judged_bytes: Some(Arc::new(self.judged_bytes())),
            manifests_on_disk: self.installs_with_npm(3..=4),
            tarballs: self.site.folders.tarballs.clone(),
            packuments: Some(self.site.folders.packuments.clone()),
            hosts: self.site.hosts.clone(),
            cancel: self.site.cancel.clone(),
        };
        Ok((Timewarp::new(settings, self.site.runtime.clone()), named))
    }

    /// Whether the manager is npm of these major versions.
    fn installs_with_npm(&self, majors: std::ops::RangeInclusive<u64>) -> bool {
        let Some((Kind::Npm, version)) = &self.toolchain.manager else { return false };
        crate::registry::version::parse(version).is_some_and(|version| majors.contains(&version.major()))
    }

    /// What is judged, by its bytes.
    fn judged_bytes(&self) -> JudgedBytes {
        let tracked: HashSet<&[u8]> = self.origin.listing.below("").map(|entry| entry.id.as_bytes()).collect();
        JudgedBytes::of(&self.published.bytes, &self.published.archive, |blob| tracked.contains(blob.as_slice()))
    }

    /// The packages that the manifests of the commit name: read before anything of it runs.
    fn named_packages(&self) -> Result<BTreeSet<String>, SourceError> {
        let view = self.folder.view(self.repository, Checkout::Posix);
        let mut names = BTreeSet::new();
        for directory in manifest_directories(&self.origin.listing, MAX_MANIFESTS) {
            names.extend(named_in(&view.content(&join(&directory, "package.json"))?.unwrap_or_default()));
        }
        Ok(names)
    }

    /// The folders whose configuration package managers read: those of the package and of the lockfile, and all above them.
    pub(super) fn settings_folders(&self) -> BTreeSet<&str> {
        let locked = self.toolchain.lockfile.as_deref().and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder);
        let above = |folder| std::iter::successors(Some(folder), |folder: &&str| folder.rsplit_once('/').map(|(above, _)| above));
        [self.origin.directory(), locked].into_iter().flat_map(above).chain([""]).collect()
    }

    /// The variables that the project's configuration of package managers asks for: a publisher's token, which a build has not.
    fn variables(&self) -> Result<Vec<String>, SourceError> {
        let view = self.folder.view(self.repository, Checkout::Posix);
        let mut variables = Vec::new();
        for file in [".npmrc", ".yarnrc", ".yarnrc.yml"] {
            for directory in self.settings_folders() {
                variables.extend(timewarp::variables(&view.content(&join(directory, file))?.unwrap_or_default()));
            }
        }
        Ok(variables)
    }

    /// The scopes that the project sends to registries of their own: they are led to the one registry that a build reaches.
    fn scopes(&self) -> Result<Vec<String>, SourceError> {
        let view = self.folder.view(self.repository, Checkout::Posix);
        let mut scopes = Vec::new();
        for directory in self.settings_folders() {
            scopes.extend(timewarp::scopes(&view.content(&join(directory, ".npmrc"))?.unwrap_or_default()));
        }
        Ok(scopes)
    }

    fn recipe(&self, tools: &[Tool], version: Option<String>) -> Recipe {
        let others = tools.iter().filter(|tool| tool.kind != Kind::Node);
        let build = BuildRecipe {
            node: self.toolchain.node.clone(),
            node_dist: self.site.toolchains.distribution().map(str::to_owned),
            tools: others.map(|tool| (tool.kind.as_str().to_owned(), tool.version.clone())).collect::<BTreeMap<_, _>>(),
            reasons: self.toolchain.reasons.iter().chain(&self.reason).cloned().collect(),
            lockfile: self.toolchain.lockfile.clone(),
            moment: None,
            oldest: self.oldest,
            clock: self.clock.map(|clock| clock.to_string()),
            version,
            reference: self.origin.reference.clone(),
            steps: Vec::new(),
            packed: None,
            restored: Vec::new(),
        };
        Recipe { build: Some(build), ..Recipe::of(self.strategy, self.published, self.repository.url(), self.origin) }
    }
}

/// Keeps the folders for the next package, where no limit stopped a step in them: it would be taken for one that was run.
fn keep(kept: Kept, state: &State, cut: Option<Limit>) -> Result<(), SourceError> {
    if cut.is_none() {
        kept.keep(state)?;
    }
    Ok(())
}

/// The last part of a repository's address, as a folder's name.
fn repository_name(url: &str) -> String {
    let last = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name: String =
        last.trim_end_matches(".git").chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).take(100).collect();
    if name.is_empty() || name.starts_with('.') || name.starts_with('-') { "source".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_has_the_repositorys_name_and_never_leads_elsewhere() {
        assert_eq!(repository_name("https://host.example/owner/name.git"), "name");
        assert_eq!(repository_name("https://host.example/owner/.."), "source");
        assert_eq!(repository_name("https://host.example/owner/a b;c/"), "abc");
    }
}
