//! The registry as it stood at a moment: a loopback server that a build installs from, and all that
//! a build can reach.
//!
//! In: the user's registries (with the user's tokens, which stay on this side), a moment, and what
//! the lockfiles name ([`lockfile`]). Out: a server on a listener that was made inside the sandbox,
//! the variables that point each package manager at it ([`client_env`]), and a [`Record`] of
//! everything that was asked.
//!
//! A packument is shown with the versions and tags of the moment (`moment.rs` has the rule); a
//! tarball is fetched whole, checked against what its registry promises, kept for the next run, and
//! only then handed on. Requests in a proxy's form are answered for the registries; `CONNECT` works
//! to hosts on the allow-list. Everything else is refused and recorded, and whatever a build sends,
//! the only hosts that we speak to are the user's registries, where these serve their tarballs, and
//! the allow-list.

mod access;
mod answer;
mod body;
mod client_env;
mod dated;
mod document;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod git_dependency;
mod git_wanted;
mod handed_out;
mod heard;
mod judged;
mod lean;
mod ledger;
pub mod lockfile;
mod moment;
mod needing;
mod neighbour;
mod packages;
mod packuments;
mod path;
mod peers;
mod record;
mod redirects;
mod serve;
mod stand_in;
mod tags;
mod tarballs;
#[cfg(test)]
mod tests;
mod trivial;
mod tunnel;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use tokio::runtime::Handle;

pub use client_env::{GLOBAL, Manager, client_env, scopes, variables};
pub use error::{Refused, TimewarpError};
pub use git_dependency::{note_npm_lock, settings_without_git, without_git};
pub use git_wanted::{GitWanted, Reference};
pub use heard::Heard;
pub use judged::JudgedBytes;
pub use ledger::{GitNote, GitPackage, Leads, Repositories, git_tarball};
pub use peers::Peers;
pub use record::{Asked, During, FromGit, Kind, Record, Request, What};
pub use redirects::redirected;
pub use serve::Serving;
pub use stand_in::StandIns;

use http::{Cancel, Client, HttpConfig};
use npm_registry::MetadataCache;
use npm_spec::PackageName;
use npm_spec::version::{self, VersionRange};
use npmrc::{AllowList, NpmConfig};
use store::folders;

use stand_in::{Near, StandIn};

/// How many stand-ins are made of near versions at the same time.
const MADE_AT_ONCE: usize = 2;

/// What one loopback registry shows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Asks the registries; it holds the user's credentials for them.
    pub client: Client,
    /// Which registries there are.
    pub npm: NpmConfig,
    /// As of when; none shows everything.
    pub moment: Option<Timestamp>,
    /// When the source's commit was made: what the source names was there by then.
    pub commit_time: Option<Timestamp>,
    /// When the judged version was published; none where its registry may give other times than its
    /// own.
    pub published: Option<Timestamp>,
    /// Names and versions that the source's lockfiles name: never hidden.
    pub keep: BTreeSet<(String, String)>,
    /// Names of packages that the project's manifests have: credentials are used for their scopes
    /// only, and for those that `keep` and `judged` name.
    pub named: BTreeSet<String>,
    /// The name and version that is judged: never shown, for a build that could copy it would
    /// reproduce anything.
    pub judged: Option<(String, String)>,
    /// The tags that the project's manifests ask for; of others a client is told only `latest` and
    /// what dependencies ask for.
    pub tags: BTreeSet<String>,
    /// Whether a registry has it under that name: its publisher is then who owns the scope.
    pub is_registered: bool,
    /// Its tarball: never handed out under any other name either.
    pub judged_bytes: Option<Arc<JudgedBytes>>,
    /// Whether the build's npm is one that writes a manifest to disk as the package's own (npm 3
    /// and 4): no other client gets the texts of scripts.
    pub manifests_on_disk: bool,
    /// The folder of checked tarballs, shared between runs.
    pub tarballs: PathBuf,
    /// The folder of packuments, shared between runs; none keeps them for this run only.
    pub packuments: Option<PathBuf>,
    /// Where dependencies on git repositories come from; none: an empty package stands for each.
    pub repositories: Option<Arc<dyn Repositories>>,
    /// Other hosts that a build may reach, by TLS.
    pub hosts: AllowList,
    /// Ends all requests.
    pub cancel: Cancel,
}

/// The loopback registry. Clones are the same one.
#[derive(Clone)]
pub struct Timewarp {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    /// The client of the settings without credentials.
    anonymous: Client,
    access: access::Access,
    disk: Option<packuments::PackumentFolder>,
    packages: packages::Packages,
    tarballs: tarballs::Tarballs,
    record: record::Recorder,
    hearing: heard::Hearing,
    ledger: Arc<ledger::Ledger>,
    /// What stand-ins are served for.
    stand_ins: Mutex<StandIns>,
    /// Turns for making stand-ins: each has a package in memory.
    making: tokio::sync::Semaphore,
    runtime: Handle,
}

impl Timewarp {
    /// One that serves nobody yet. Its work is done on `runtime`.
    pub fn new(settings: Settings, runtime: Handle) -> Self {
        // Without the folder packuments are fetched anew: slower, and no failure.
        let disk = settings.packuments.as_deref().filter(|folder| folders::create(folder).is_ok());
        let config = HttpConfig { credentials: Arc::new(|_| None), ..settings.client.config().clone() };
        let locked = settings.keep.iter().chain(&settings.judged).map(|(name, _)| name);
        let access = access::Access::of(settings.named.iter().chain(locked));
        let inner = Inner {
            anonymous: Client::new(config),
            access,
            disk: disk.map(packuments::PackumentFolder::at),
            packages: packages::Packages::new(),
            tarballs: tarballs::Tarballs::at(&settings.tarballs),
            record: record::Recorder::default(),
            hearing: heard::Hearing::default(),
            ledger: Arc::default(),
            stand_ins: Mutex::default(),
            making: tokio::sync::Semaphore::new(MADE_AT_ONCE),
            runtime,
            settings,
        };
        inner.tarballs.sweep();
        Self { inner: Arc::new(inner) }
    }

    /// Serves a listener, which may be one of another network namespace, until the result is
    /// dropped. `base` is how clients see it, as in `http://127.0.0.1:4873/`. Several can be served
    /// at once; they share packuments, tarballs and the record. A connection of anybody but `peers`
    /// is closed before a byte of it is read, and recorded.
    pub fn serve(&self, listener: TcpListener, base: &str, peers: Peers) -> Result<Serving, TimewarpError> {
        let failed = |error: std::io::Error| TimewarpError::Listener { reason: error.to_string() };
        let base = answer::Base::parse(base)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let listener = {
            let _inside = self.inner.runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(failed)?
        };
        Ok(serve::start(self.inner.clone(), listener, base, peers))
    }

    /// What is asked for from now on is asked by an installation, or by something else.
    pub fn installing(&self, installs: bool) {
        self.inner.record.installing(installs);
    }

    /// Whether an installation that failed may have failed for what others could stand in for: a
    /// package that the registry does not have, or the version that is judged, which tools of a
    /// later time ask for.
    pub fn lacked_something(&self) -> bool {
        self.inner.record.lacked_something() || self.judged_was_wanted()
    }

    /// Whether hosts were asked for that are not reached from here.
    pub fn asked_elsewhere(&self) -> bool {
        self.inner.record.asked_elsewhere()
    }

    /// Whether the package that is judged was asked for.
    pub fn judged_was_wanted(&self) -> bool {
        self.inner.settings.judged.as_ref().is_some_and(|(name, _)| self.inner.record.asked_for(name))
    }

    /// Serves other packages in place of those that the registry turned out not to have
    /// (`Record::missing`), and of what else `named` has that it does not have: the nearest version
    /// of the same line, or an empty package. Returns them all. An earlier version stands in for
    /// the one that is judged, where that was asked for. What is not found `until` then is left as
    /// it is.
    pub fn stand_in(&self, named: &BTreeSet<(String, String)>, until: Instant) -> StandIns {
        const AT_ONCE: usize = 32;
        let inner = &self.inner;
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, version) in named {
            versions.entry(name.clone()).or_default().push(version.clone());
        }
        let judged = inner.settings.judged.clone().filter(|_| self.judged_was_wanted());
        if let Some((name, version)) = judged.clone() {
            versions.entry(name).or_default().push(version);
        }
        let mut gone = inner.runtime.block_on(gone_of(inner, versions, AT_ONCE, until));
        if let Some((name, version)) = judged {
            let wanted = format!("{name}@{version}");
            let near = gone.iter().find(|(gone, _)| *gone == wanted).and_then(|(_, near)| near.clone());
            let shown = near.map(|near| inner.runtime.block_on(inner.packages.show_neighbour(&name, &version, &near, &inner.source())));
            if matches!(shown, Some(Err(_))) {
                // A tarball without its metadata is of no use: the installation fails as before,
                // and its client says why.
                gone.retain(|(gone, _)| *gone != wanted);
                inner.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).remove(&wanted);
            }
        }
        let mut stand_ins = inner.stand_ins.lock().unwrap_or_else(PoisonError::into_inner);
        stand_ins.add(gone.into_iter().chain(inner.record.all_missing().into_iter().map(|name| (name, None))));
        inner.hearing.stands_in(stand_ins.digest());
        stand_ins.clone()
    }

    /// The lowest released version that the registry has of each name and range; what is gone or
    /// matches nothing is left out.
    pub fn lowest(&self, ranges: BTreeSet<(String, String)>) -> BTreeMap<(String, String), String> {
        const AT_ONCE: usize = 32;
        let inner = &self.inner;
        inner.runtime.block_on(async {
            let (mut found, mut asked) = (BTreeMap::new(), tokio::task::JoinSet::new());
            for (name, range) in ranges {
                let (Ok(parsed), Some(wanted)) = (PackageName::parse(&name), VersionRange::parse(&range)) else { continue };
                if asked.len() >= AT_ONCE {
                    found.extend(asked.join_next().await.and_then(Result::ok).flatten());
                }
                let inner = Arc::clone(inner);
                asked.spawn(async move {
                    // The client asks again for what fails now, and says so.
                    let package = inner.packages.get(&parsed, &inner.source()).await.ok()?;
                    let released = package.versions().filter_map(|text| Some((version::parse(text)?, text)));
                    let fitting = released.filter(|(known, _)| !known.is_prerelease() && wanted.contains(known));
                    let lowest = fitting.min_by(|(one, _), (other, _)| one.cmp(other))?.1.to_owned();
                    Some(((name, range), lowest))
                });
            }
            while let Some(one) = asked.join_next().await {
                found.extend(one.ok().flatten());
            }
            found
        })
    }

    /// What others were handed out for: packages (`name@version`), each with the version in its
    /// place, and none for an empty one.
    pub fn stood_in(&self) -> BTreeMap<String, Option<String>> {
        self.inner.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).handed_out().clone()
    }

    /// What was asked and answered so far, to be asked again.
    pub fn heard(&self) -> Heard {
        let mut heard = self.inner.hearing.get();
        heard.repositories = self.inner.ledger.all();
        heard
    }

    /// How dependencies on git repositories are led to this registry, which its clients see at
    /// `base`.
    pub fn leads(&self, base: &str) -> Leads {
        self.inner.leads(base)
    }

    /// Whether all that an earlier build was told is told to this one too: its questions are put
    /// again, and are recorded as this one's. `named` is what this build's lockfile has. False too
    /// where there is no time for it.
    pub fn hears_again(&self, heard: &Heard, named: &BTreeSet<(String, String)>, until: Instant) -> bool {
        self.inner.ledger.add_all(&heard.repositories);
        heard.is_whole()
            && heard.parts.iter().all(|part| {
                let same = self.inner.runtime.block_on(is_said_again(&self.inner, &part.answers, until));
                same && part.stands_in.as_ref().is_none_or(|digest| *digest == self.stand_in(named, until).digest())
            })
    }

    /// What was asked so far.
    pub fn record(&self) -> Record {
        self.inner.record.get()
    }
}

impl std::fmt::Debug for Timewarp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timewarp").field("moment", &self.inner.settings.moment).finish_non_exhaustive()
    }
}

/// Whether these questions have these answers now.
async fn is_said_again(inner: &Arc<Inner>, answers: &BTreeSet<(heard::Question, String)>, until: Instant) -> bool {
    const AT_ONCE: usize = 32;
    let mut asked = tokio::task::JoinSet::new();
    let is_same = |same: Result<bool, tokio::task::JoinError>| same.unwrap_or(false);
    for (question, before) in answers {
        if Instant::now() >= until || inner.settings.cancel.is_cancelled() {
            return false;
        }
        if asked.len() >= AT_ONCE && !asked.join_next().await.is_some_and(is_same) {
            return false;
        }
        let (inner, question, before) = (Arc::clone(inner), question.clone(), before.clone());
        asked.spawn(async move { answer::again(&inner, question).await == Some(before) });
    }
    while let Some(same) = asked.join_next().await {
        if !is_same(same) {
            return false;
        }
    }
    true
}

/// Which of these packages and versions the registry does not have, asked for so many at once, as
/// far as there is time.
async fn gone_of(
    inner: &Arc<Inner>,
    versions: BTreeMap<String, Vec<String>>,
    at_once: usize,
    until: Instant,
) -> Vec<(String, Option<Near>)> {
    let mut gone = Vec::new();
    let mut asked = tokio::task::JoinSet::new();
    for (name, versions) in versions {
        let Ok(parsed) = PackageName::parse(&name) else { continue };
        if Instant::now() >= until || inner.settings.cancel.is_cancelled() {
            break;
        }
        if asked.len() >= at_once {
            gone.extend(asked.join_next().await.and_then(Result::ok).into_iter().flatten());
        }
        let inner = Arc::clone(inner);
        asked.spawn(async move {
            match inner.packages.get(&parsed, &inner.source()).await {
                Ok(package) => {
                    let mut lacking = Vec::new();
                    for version in versions.into_iter().filter(|version| package.dist(version).is_none()) {
                        let wanted = format!("{name}@{version}");
                        let near = inner.near(&package, &wanted, &version, until).await;
                        lacking.push((wanted, near));
                    }
                    lacking
                }
                Err(error) if error.is_gone() => vec![(name, None)],
                // A registry that fails now is asked again by the client, which says so.
                Err(_) => Vec::new(),
            }
        });
    }
    while let Some(one) = asked.join_next().await {
        gone.extend(one.into_iter().flatten());
    }
    gone
}

impl Settings {
    /// Whether a private package is of whoever publishes what is judged.
    fn is_of_publisher(&self, name: &str) -> bool {
        let judged = self.judged.as_ref().filter(|_| self.is_registered);
        judged.is_some_and(|(judged, _)| access::is_of_publisher(name, judged, &self.npm))
    }

    fn is_judged(&self, name: &str, version: &str) -> bool {
        self.judged.as_ref().is_some_and(|judged| judged.0 == name && version::same(&judged.1, version))
    }
}

impl Inner {
    /// What a near version makes of one that is gone, where there is time and room for it.
    async fn near(&self, package: &packages::Package, wanted: &str, version: &str, until: Instant) -> Option<Near> {
        let is_there = || self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).near_one(wanted);
        if let Some(near) = is_there() {
            return Some(near);
        }
        let _turn = self.making.acquire().await.ok()?;
        let has_room = || self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).has_room();
        if Instant::now() >= until || self.settings.cancel.is_cancelled() || !has_room() {
            return None;
        }
        let near = answer::neighbour(self, package, version).await?;
        // Counted at once: others wait for their turn.
        self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).add([(wanted.to_owned(), Some(near.clone()))]);
        Some(near)
    }

    /// Whether another package is served in place of a version.
    fn stands_in_for(&self, name: &PackageName, version: &str) -> bool {
        self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).has(name.as_str(), version)
    }

    /// The near version that is served for one that is gone.
    fn stood_in_by(&self, name: &PackageName, version: &str) -> Option<Near> {
        self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).near_one(&format!("{name}@{version}"))
    }

    /// What is served for a version that is gone.
    fn stand_in(&self, name: &PackageName, version: &str) -> Option<Arc<StandIn>> {
        self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).hand_out(name.as_str(), version)
    }

    /// What is served for a dependency on a git repository.
    fn stand_in_for_git(&self, name: &PackageName) -> Option<StandIn> {
        self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).hand_out_for_git(name.as_str())
    }

    fn leads(&self, base: &str) -> Leads {
        Leads::of(base, Arc::clone(&self.ledger))
    }

    /// The versions of a stand-in, where all of a package is gone.
    fn stand_in_versions(&self, name: &PackageName) -> Option<BTreeSet<String>> {
        let served = self.stand_ins.lock().unwrap_or_else(PoisonError::into_inner).whole(name.as_str());
        let versions = self.settings.keep.iter().filter(|(kept, _)| kept == name.as_str()).map(|(_, version)| version.clone());
        served.then(|| versions.collect())
    }

    fn source(&self) -> packages::Source<'_> {
        let settings = &self.settings;
        packages::Source {
            client: &settings.client,
            anonymous: &self.anonymous,
            access: &self.access,
            npm: &settings.npm,
            disk: self.disk.as_ref().map(|disk| disk as &dyn MetadataCache),
            folder: std::env::temp_dir(),
            when: moment::When {
                moment: settings.moment,
                commit: settings.commit_time,
                keep: &settings.keep,
                published: settings.published,
            },
            named: &settings.named,
            judged: settings.judged.as_ref(),
            judged_bytes: settings.judged_bytes.as_deref(),
            cancel: &settings.cancel,
        }
    }
}
