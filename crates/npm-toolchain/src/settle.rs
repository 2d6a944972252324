//! From wishes to versions that can be had: a few toolchains, likeliest first.

use nodejs_semver::Version;

use npm_spec::tool::Kind;
use npm_spec::version::{self, VersionRange};

use super::choose::{ManagerCandidate, Wanted, Wish};
use super::error::ToolchainError;
use super::fetch::Toolchains;
use super::index::PublishedVersion;
use super::{managers, schedule};

/// Most toolchains that are worth a try.
const MAX: usize = 4;
/// Most versions of a manager that are looked at for one that runs on a Node.
const MAX_MANAGERS: usize = 4;
/// Lines that build most of what any line builds, tried last.
const USUAL: &[u64] = &[18, 20, 22];

/// Versions that go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// Node.
    pub node: String,
    /// The package manager.
    pub manager: Option<(Kind, String)>,
    /// The lockfile that the manager goes by.
    pub lockfile: Option<String>,
    /// Why these, for people: `node 18.20.4: .nvmrc says 18`.
    pub reasons: Vec<String>,
}

/// A version that was found for a wish, and why.
#[derive(Debug, Clone)]
struct Settled {
    version: String,
    reason: String,
}

/// A manager's version with what it needs.
struct SettledManager {
    kind: Kind,
    version: String,
    lockfile: Option<String>,
    reason: String,
    /// The Nodes that it runs on: its own word, and what is known besides.
    runs_on: Vec<VersionRange>,
    /// Its version was named, and must not be bent to a Node.
    named: bool,
}

impl SettledManager {
    fn is_for(&self, node: &str) -> bool {
        self.runs_on.iter().all(|range| contains(range, node))
    }
}

impl Toolchains {
    /// The published version that is nearest to a wish: for a range the one of the time, for an
    /// exact version that one, else one of the same minor, else of the same major. The second value
    /// says where it is not what was wished for.
    pub async fn nearest(&self, kind: Kind, wish: &Wish, at: jiff::Timestamp) -> Result<Option<(String, bool)>, ToolchainError> {
        let published = self.versions(kind).await?;
        Ok(match wish {
            Wish::Exact(exact) => nearest(exact, &published).map(|version| (version.to_owned(), version != exact)),
            Wish::Range(range) => of_range(kind, range, at, &published).map(|version| (version, false)),
        })
    }

    /// The version of a manager that scripts would find beside the one that installs: npm as it
    /// came with a Node, others as they were usual at the time.
    pub async fn companion(&self, kind: Kind, node: &str, at: jiff::Timestamp) -> Result<Option<String>, ToolchainError> {
        let wish = match managers::bundled_npm(node).filter(|_| kind == Kind::Npm) {
            Some(bundled) => Wish::Exact(bundled.to_owned()),
            None => Wish::Range("*".to_owned()),
        };
        Ok(self.nearest(kind, &wish, at).await?.map(|(version, _)| version))
    }

    /// Turns wishes into at most four toolchains, likeliest first; the later ones are for when the
    /// first is refused. In each, Node satisfies what the manager's own `engines` says.
    pub async fn settle(&self, wanted: &Wanted) -> Result<Vec<Toolchain>, ToolchainError> {
        let published = self.versions(Kind::Node).await?;
        let nodes = nodes(wanted, &published);
        let mut all: Vec<Toolchain> = Vec::new();
        for (manager, node) in pairs(&nodes, &wanted.manager) {
            if all.len() >= MAX {
                break;
            }
            let made = self.pair(manager, node, wanted, &published).await?;
            let is_new = |made: &Toolchain| !all.iter().any(|known| known.node == made.node && known.manager == made.manager);
            let made = match made.filter(is_new) {
                // The named npm runs on no Node but those that were tried: each Node has one of its
                // own.
                None if manager.kind == Kind::Npm => {
                    let loose =
                        ManagerCandidate { wish: Wish::Range("*".to_owned()), reason: "another Node".to_owned(), ..manager.clone() };
                    self.pair(&loose, node, wanted, &published).await?.filter(is_new)
                }
                made => made,
            };
            all.extend(made);
        }
        if all.is_empty() {
            let wanted = wanted.node.first().map_or("*", |candidate| match &candidate.wish {
                Wish::Exact(text) | Wish::Range(text) => text,
            });
            return Err(ToolchainError::NotPublished { tool: Kind::Node.spoken(), wanted: wanted.to_owned() });
        }
        Ok(all)
    }

    async fn pair(
        &self,
        manager: &ManagerCandidate,
        node: &Settled,
        wanted: &Wanted,
        published: &[PublishedVersion],
    ) -> Result<Option<Toolchain>, ToolchainError> {
        let manager = match self.manager(manager, &node.version, wanted).await {
            Ok(Some(manager)) => manager,
            Ok(None) => return Ok(None),
            Err(error) if error.is_about_one_version() => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut reasons = vec![format!("node {}: {}", node.version, node.reason)];
        let mut version = node.version.clone();
        if !manager.is_for(&node.version) && !wanted.node_is_given {
            let fitting = published.iter().map(|entry| entry.version.as_str()).filter(|name| manager.is_for(name));
            let Some(other) = nearest_among(&node.version, fitting, wanted.at) else { return Ok(None) };
            reasons.push(format!("node {other} instead: {} {} does not run on {}", manager.kind, manager.version, node.version));
            version = other;
        }
        reasons.push(format!("{} {}: {}", manager.kind, manager.version, manager.reason));
        Ok(Some(Toolchain { node: version, manager: Some((manager.kind, manager.version)), lockfile: manager.lockfile, reasons }))
    }

    /// The manager's version for a Node: the named one; else of the range the one of the time that
    /// runs on this Node.
    async fn manager(&self, wanted: &ManagerCandidate, node: &str, all: &Wanted) -> Result<Option<SettledManager>, ToolchainError> {
        let (kind, reason) = (wanted.kind, wanted.reason.clone());
        let mut published = self.versions(kind).await?;
        published.retain(|entry| managers::is_whole(kind, &entry.version));
        let make = |version: String, reason: String, named: bool| SettledManager {
            kind,
            version,
            lockfile: wanted.lockfile.clone(),
            reason,
            runs_on: Vec::new(),
            named,
        };
        let mut tries = Vec::new();
        match &wanted.wish {
            Wish::Exact(exact) => {
                let of_time = || of_range(kind, "*", all.at, &published);
                let Some(found) = nearest(exact, &published).map(str::to_owned).or_else(of_time) else { return Ok(None) };
                let reason = said_where_other(&reason, exact, &found);
                tries.push(make(found, reason, true));
            }
            Wish::Range(range) => {
                if kind == Kind::Npm
                    && let Some(bundled) = managers::bundled_npm(node)
                    && VersionRange::parse(range).is_some_and(|range| contains(&range, bundled))
                    && published.iter().any(|entry| entry.version == bundled)
                {
                    tries.push(make(bundled.to_owned(), format!("{reason}, and it is the npm of node {}", major(node)), false));
                }
                tries.extend(lines_down(kind, range, all.at, &published).into_iter().map(|version| make(version, reason.clone(), false)));
            }
        }
        let mut first = None;
        for mut tried in tries.into_iter().take(MAX_MANAGERS) {
            // bun is its own runtime.
            let engines = self.engines(kind, &tried.version).await?.filter(|_| kind != Kind::Bun);
            let ranges = [engines.as_deref(), managers::measured(kind, &tried.version)];
            tried.runs_on = ranges.into_iter().flatten().filter_map(VersionRange::parse).collect();
            if tried.named || tried.is_for(node) {
                return Ok(Some(tried));
            }
            first.get_or_insert(tried);
        }
        Ok(first)
    }
}

/// Versions of Node for the wishes, then what else of the time is worth a try; no major twice.
fn nodes(wanted: &Wanted, published: &[PublishedVersion]) -> Vec<Settled> {
    let mut all: Vec<Settled> = Vec::new();
    let add = |all: &mut Vec<Settled>, version: Option<String>, reason: String| {
        if let Some(version) = version
            && all.iter().all(|known| major(&known.version) != major(&version))
        {
            all.push(Settled { version, reason });
        }
    };
    for candidate in &wanted.node {
        match &candidate.wish {
            Wish::Exact(exact) => {
                let found = nearest(exact, published).filter(|found| found == exact || !wanted.node_is_given).map(str::to_owned);
                let reason = said_where_other(&candidate.reason, exact, found.as_deref().unwrap_or_default());
                add(&mut all, found, reason);
            }
            Wish::Range(range) => add(&mut all, of_range(Kind::Node, range, wanted.at, published), candidate.reason.clone()),
        }
    }
    if wanted.node_is_given {
        return all;
    }
    let first = all.first().map_or(0, |first| major(&first.version));
    for (line, reason) in other_lines(first, wanted.at) {
        add(&mut all, of_range(Kind::Node, &line.to_string(), wanted.at, published), reason.to_owned());
    }
    all
}

/// Lines of Node to try when the first is refused: by turns the next newer one and the next older
/// one under long-term support, then those that build most.
fn other_lines(first: u64, at: jiff::Timestamp) -> Vec<(u64, &'static str)> {
    let newer = schedule::lines_above(first);
    let older: Vec<u64> = schedule::lts_at(at).into_iter().filter(|line| *line < first).collect();
    let mut all = Vec::new();
    for place in 0..newer.len().max(older.len()) {
        all.extend(newer.get(place).map(|line| (*line, "the next newer line")));
        all.extend(older.get(place).map(|line| (*line, "also under long-term support then")));
    }
    all.extend(USUAL.iter().map(|line| (*line, "a usual line")));
    all
}

/// What goes with what, in order of trying: the likeliest of both; another major of Node; another
/// manager; then the rest.
fn pairs<'a>(nodes: &'a [Settled], managers: &'a [ManagerCandidate]) -> Vec<(&'a ManagerCandidate, &'a Settled)> {
    let mut order = Vec::new();
    let places = [(0, 0), (0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (0, 4), (0, 5)];
    for (manager, node) in places {
        if let (Some(manager), Some(node)) = (managers.get(manager), nodes.get(node)) {
            order.push((manager, node));
        }
    }
    order
}

/// For each major in a range, newest of the time first, the version that the time would have had.
fn lines_down(kind: Kind, range: &str, at: jiff::Timestamp, published: &[PublishedVersion]) -> Vec<String> {
    let Some(parsed) = VersionRange::parse(range) else { return Vec::new() };
    let mut all = Vec::new();
    let mut left = published.to_vec();
    while all.len() < MAX_MANAGERS {
        let Some(next) = managers::pick(kind, &parsed, at, &left).map(str::to_owned) else { break };
        let limit = major(&next);
        left.retain(|entry| major(&entry.version) < limit);
        all.push(next);
    }
    all
}

fn of_range(kind: Kind, range: &str, at: jiff::Timestamp, published: &[PublishedVersion]) -> Option<String> {
    let range = VersionRange::parse(range)?;
    let names = published.iter().map(|entry| entry.version.as_str());
    let picked = if kind == Kind::Node { schedule::pick(&range, at, names) } else { managers::pick(kind, &range, at, published) };
    picked.map(str::to_owned)
}

/// The version itself; else the nearest of its minor, of its major: the next one above, or the last
/// one below.
fn nearest<'v>(exact: &str, published: &'v [PublishedVersion]) -> Option<&'v str> {
    let wanted = version::parse(exact)?;
    if let Some(found) = published.iter().find(|entry| entry.version == exact) {
        return Some(&found.version);
    }
    let parsed: Vec<(Version, &str)> =
        published.iter().filter_map(|entry| Some((version::parse(&entry.version)?, entry.version.as_str()))).collect();
    let among = |fits: &dyn Fn(&Version) -> bool| {
        let fitting = || parsed.iter().filter(|(version, _)| !version.is_prerelease() && fits(version));
        let above = fitting().filter(|(version, _)| *version > wanted).min_by(|a, b| a.0.cmp(&b.0));
        above.or_else(|| fitting().max_by(|a, b| a.0.cmp(&b.0))).map(|(_, text)| *text)
    };
    among(&|version| version.major() == wanted.major() && version.minor() == wanted.minor())
        .or_else(|| among(&|version| version.major() == wanted.major()))
}

/// The Node nearest above one, of its own line or the next line under long-term support; else what
/// the time had.
fn nearest_among<'v>(node: &str, fitting: impl Iterator<Item = &'v str>, at: jiff::Timestamp) -> Option<String> {
    let from = version::parse(node)?;
    let any = VersionRange::parse("*")?;
    let fitting: Vec<&str> = fitting.collect();
    let above = || fitting.iter().copied().filter(|name| version::parse(name).is_some_and(|version| version > from));
    let same_line = schedule::pick(&any, at, above().filter(|name| major(name) == from.major()));
    let next_line = || {
        let first = above().map(major).filter(|major| major.is_multiple_of(2)).min()?;
        schedule::pick(&any, at, above().filter(|name| major(name) == first))
    };
    same_line.or_else(next_line).or_else(|| schedule::pick(&any, at, fitting.iter().copied())).map(str::to_owned)
}

/// The reason for a version; it says so where it is not the one that was named.
fn said_where_other(reason: &str, exact: &str, found: &str) -> String {
    if found == exact { reason.to_owned() } else { format!("{reason}; {exact} is not in the registry, this is the nearest") }
}

fn contains(range: &VersionRange, text: &str) -> bool {
    version::parse(text).is_some_and(|version| range.contains(&version))
}

fn major(text: &str) -> u64 {
    version::parse(text).map_or(0, |version| version.major())
}
