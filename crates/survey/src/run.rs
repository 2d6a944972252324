//! The order in which packages are judged: some at a time, and those of one source one behind
//! another.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use report::answer::Answer;
use tokio::task::JoinSet;

use crate::Package;

/// Whether a survey goes on after a package.
pub type Flow = ControlFlow<()>;

/// How far a package is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// What needs no build: metadata, commit, pack.
    First,
    /// All of it.
    Build,
}

/// The outside of a survey.
pub trait World: Send + Sync + 'static {
    /// The repository that the registry names for a package; `None` where there is none, or where
    /// it cannot be asked.
    fn source(&self, spec: &str) -> impl Future<Output = Option<String>> + Send;
    /// Judges a package.
    fn judge(&self, spec: &str, pass: Pass) -> impl Future<Output = Answer> + Send;
}

/// What is to be judged in one pass.
#[derive(Debug)]
pub struct Job {
    /// The packages, in the order in which they are begun.
    pub packages: Vec<Package>,
    /// How far.
    pub pass: Pass,
    /// How many at a time.
    pub places: usize,
}

/// A package with its answer.
pub struct Done {
    /// The package.
    pub package: Package,
    /// What came of it.
    pub answer: Answer,
    /// How long it took.
    pub took: Duration,
}

impl Job {
    /// The first pass over what is new, in the order of the list.
    pub fn first(waiting: &[Package], places: usize) -> Self {
        let packages = waiting.iter().filter(|package| !package.needs_build).cloned().collect();
        Self { packages, pass: Pass::First, places }
    }

    /// The builds. First the commits that cost least for each package that waits for them, by what
    /// the first pass took for their repository: the packages of one commit share its checkout and
    /// its installation. Where that is equal, the order of the list counts.
    pub fn builds(waiting: &[Package], places: usize) -> Self {
        let mut packages: Vec<Package> = waiting.iter().filter(|package| package.needs_build).cloned().collect();
        let mut groups: HashMap<String, (u64, u64)> = HashMap::new();
        for package in &packages {
            let (count, cost) = groups.entry(group_of(package)).or_default();
            *count += 1;
            *cost = (*cost).max(package.cost_ms);
        }
        packages.sort_by_cached_key(|package| {
            let group = group_of(package);
            let each = groups.get(&group).map_or(0, |(count, cost)| cost / (*count).max(1));
            (each, group, package.place)
        });
        Self { packages, pass: Pass::Build, places }
    }
}

/// Packages without a known commit are each a group.
fn group_of(package: &Package) -> String {
    package.group.clone().unwrap_or_else(|| package.place.to_string())
}

/// What a task says.
enum Said {
    Located(Package, Option<String>),
    Judged(Box<Done>, Option<String>),
}

/// Judges the packages of a pass, and hands each over as it is done. Where `done` breaks, nothing
/// more is begun, and what runs is waited for: the caller stops it. `true` if all packages had
/// their turn.
pub async fn run<W: World>(world: &Arc<W>, job: Job, mut done: impl FnMut(Done) -> Flow) -> bool {
    let total = job.packages.len();
    let mut lanes = Lanes { world: Arc::clone(world), pass: job.pass, busy: HashMap::new(), running: JoinSet::new() };
    let mut waiting = VecDeque::from(job.packages);
    let (mut count, mut goes_on) = (0, true);
    loop {
        while goes_on && lanes.running.len() < job.places.max(1) {
            let Some(package) = waiting.pop_front() else { break };
            lanes.begin(package);
        }
        let Some(said) = lanes.running.join_next().await else { break };
        match said {
            Ok(Said::Located(package, group)) if goes_on => lanes.enter(package, group),
            Ok(Said::Judged(one, group)) if goes_on => {
                count += 1;
                goes_on = done(*one).is_continue();
                if goes_on {
                    lanes.leave(group);
                }
            }
            // A task that panicked has no answer, and the count says so.
            _ => {}
        }
    }
    goes_on && count == total
}

/// What runs, and what waits for the same source.
struct Lanes<W> {
    world: Arc<W>,
    pass: Pass,
    busy: HashMap<String, VecDeque<Package>>,
    running: JoinSet<Said>,
}

impl<W: World> Lanes<W> {
    fn begin(&mut self, package: Package) {
        if self.pass == Pass::Build {
            let group = package.group.clone();
            return self.enter(package, group);
        }
        let world = Arc::clone(&self.world);
        self.running.spawn(async move {
            let source = world.source(&package.spec).await;
            Said::Located(package, source)
        });
    }

    /// Judges a package, or has it wait for the one whose source is the same: it takes no place
    /// meanwhile.
    fn enter(&mut self, package: Package, group: Option<String>) {
        if let Some(group) = &group {
            if let Some(lane) = self.busy.get_mut(group) {
                lane.push_back(package);
                return;
            }
            self.busy.insert(group.clone(), VecDeque::new());
        }
        self.judge(package, group);
    }

    /// Goes on with the next package of a source.
    fn leave(&mut self, group: Option<String>) {
        let Some(name) = group else { return };
        match self.busy.get_mut(&name).and_then(VecDeque::pop_front) {
            Some(next) => self.judge(next, Some(name)),
            None => drop(self.busy.remove(&name)),
        }
    }

    fn judge(&mut self, package: Package, group: Option<String>) {
        let (world, pass) = (Arc::clone(&self.world), self.pass);
        self.running.spawn(async move {
            let began = Instant::now();
            let answer = world.judge(&package.spec, pass).await;
            Said::Judged(Box::new(Done { package, answer, took: began.elapsed() }), group)
        });
    }
}
