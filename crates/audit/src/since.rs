//! What changed since an earlier commit: the lockfile as it was then, held against the one that is
//! there.

mod before;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use npm_lockfile::{Bundled, Entry, LeftOut, Lockfile, MAX_FILE, Place};
use npm_registry::Release;
use report::answer::Answer;
use serde::Serialize;
use serde_json::Value;

use super::plan::chosen;
use super::{Asked, AuditError, Learned};

/// Hosts whose pages compare two commits, and what stands between a repository's address and the
/// commits there.
const COMPARING: [(&str, &str); 3] =
    [("https://github.com/", "/compare/"), ("https://gitlab.com/", "/-/compare/"), ("https://codeberg.org/", "/compare/")];

/// The scripts that an installation runs.
const INSTALLING: [&str; 3] = ["preinstall", "install", "postinstall"];

/// In the place of scripts that nobody knows.
const NOT_READ: &str = "unknown, as its package.json cannot be read";

/// The lockfile as it was.
#[derive(Debug, Default)]
pub(crate) struct Since {
    /// The packages, by name and version.
    old: BTreeMap<String, Entry>,
    /// What packages brought with them, by its keys.
    bundled: BTreeMap<String, Bundled>,
    /// The versions that those of the lockfile that is there replaced, by `name@version`.
    before: HashMap<String, String>,
}

/// What changed with a package.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The version that it replaced; null for a package that is new beside those that are still
    /// there, and the same version where another line of it changed.
    pub from: Option<String>,
    /// What became of the provenance that the registry lists: kept, lost, gained or none; invalid
    /// where it does not hold, and unchecked where nobody could tell; null where the version before
    /// is not known.
    pub provenance: Option<&'static str>,
    /// Scripts of the installation that are new, or run something else.
    pub install_scripts: Vec<String>,
    /// Dependencies that are new.
    pub dependencies: Vec<String>,
    /// Where the commits of the two can be compared: those from which they were rebuilt.
    pub compare: Option<String>,
    /// The commit that the registry names for the version before, where nobody has looked whether
    /// that is from it.
    pub claimed_commit: Option<String>,
}

/// What a version says of itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    scripts: BTreeMap<String, String>,
    dependencies: BTreeSet<String>,
    has_provenance: bool,
    commit: Option<String>,
}

impl Since {
    /// Reads the lockfile as it was, and of it what is asked for: what was omitted then was not
    /// installed. One that was not there, or that nobody could read, had nothing. `now` is the one
    /// that is there.
    pub(crate) fn of(folder: &Path, (file, now): (&Path, &Lockfile), revision: &str, asked: &Asked) -> Result<Self, AuditError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let largest = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
        let bytes = git::local::file_at(folder, revision, (&name, largest))
            .map_err(|error| AuditError::Since { revision: revision.to_owned(), reason: error.to_string() })?;
        let Some(was) = bytes.and_then(|bytes| Lockfile::read(&name, &bytes).ok()) else { return Ok(Self::default()) };
        let bundled = was.left_out.iter().filter_map(|left| Some((left.key.clone(), left.bundled.clone()?))).collect();
        // A workspace that was not there then needed nothing.
        let entries = chosen(&was, asked).map(|(entries, _)| entries).unwrap_or_default();
        let old = entries.into_iter().map(|entry| (entry.spec(), entry)).collect();
        let before = before::versions((&was, &old), now);
        Ok(Self { old, bundled, before })
    }

    /// Whether the lockfile had just this as a part of another package.
    pub(crate) fn has_bundled(&self, left: &LeftOut) -> bool {
        left.bundled.is_some() && self.bundled.get(&left.key) == left.bundled.as_ref()
    }

    /// Whether all that the lockfile says of a package was there before.
    pub(crate) fn has(&self, entry: &Entry) -> bool {
        let says = |place: &Place| {
            let Place { integrity, resolved, address_more, host, has_shrinkwrap, in_place_of, aliases, stated, .. } = place.clone();
            (integrity, (resolved, address_more, host), has_shrinkwrap, in_place_of, aliases, stated)
        };
        let old = self.old.get(&entry.spec());
        old.is_some_and(|old| entry.places.iter().all(|place| old.places.iter().any(|known| says(known) == says(place))))
    }

    /// The version that a package had before: the same where only its line changed, else the one
    /// that it replaced.
    pub(crate) fn from(&self, entry: &Entry) -> Option<String> {
        let spec = entry.spec();
        if self.old.contains_key(&spec) { Some(entry.version.clone()) } else { self.before.get(&spec).cloned() }
    }
}

impl About {
    /// By the registry's metadata and the tarball's package.json.
    ///
    /// Where a package has `binding.gyp` and no script for it, clients run node-gyp, and that runs
    /// what the file says.
    pub(crate) fn of(release: &Release, (manifest, is_read): (&Value, bool), has_gyp: bool) -> Self {
        let names = |key: &str| manifest.get(key).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone());
        let script = |name: &str| Some((name.to_owned(), manifest.get("scripts")?.get(name)?.as_str()?.to_owned()));
        let mut scripts: BTreeMap<String, String> = INSTALLING.iter().filter_map(|name| script(name)).collect();
        if !is_read {
            scripts.insert(NOT_READ.to_owned(), String::new());
        }
        if has_gyp {
            scripts.entry("install".to_owned()).or_insert_with(|| "node-gyp rebuild".to_owned());
        }
        Self {
            scripts,
            dependencies: ["dependencies", "optionalDependencies", "peerDependencies"].into_iter().flat_map(names).collect(),
            has_provenance: release.attestations.is_some(),
            commit: release.git_head.clone(),
        }
    }
}

impl Change {
    /// What changed from one version to another, as far as both are known.
    pub(crate) fn of(from: Option<String>, (old, new): (Option<&Learned>, Option<&Learned>), answer: &Answer) -> Self {
        let about = |learned: Option<&Learned>| learned.and_then(|learned| learned.about.clone());
        let compare = compare(old.and_then(|old| old.source.as_ref()), answer);
        let (known, nothing) = (about(old), About::default());
        let (old, new) = (known.as_ref().unwrap_or(&nothing), about(new).unwrap_or_default());
        let state = provenance_state(answer, new.has_provenance);
        let provenance = known.as_ref().map(|old| match (old.has_provenance, state) {
            (_, Stated::Invalid) => "invalid",
            (_, Stated::Unchecked) => "unchecked",
            (true, Stated::Holds) => "kept",
            (true, Stated::None) => "lost",
            (false, Stated::Holds) => "gained",
            (false, Stated::None) => "none",
        });
        let scripts = new.scripts.iter().filter(|(name, command)| old.scripts.get(*name) != Some(*command));
        Self {
            from,
            provenance,
            install_scripts: scripts.map(|(name, _)| name.clone()).collect(),
            dependencies: new.dependencies.difference(&old.dependencies).cloned().collect(),
            claimed_commit: old.commit.clone().filter(|commit| compare.is_none() && is_commit(commit)),
            compare,
        }
    }
}

/// What the provenance of a version is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stated {
    None,
    Holds,
    Invalid,
    Unchecked,
}

/// What was found of it; `is_listed` is what the registry says.
fn provenance_state(answer: &Answer, is_listed: bool) -> Stated {
    let found = match answer {
        Answer::Judged { report, .. } => report.provenance.as_ref(),
        Answer::Failed(_) => None,
    };
    match found {
        Some(provenance) if provenance.verified => Stated::Holds,
        Some(provenance) if provenance.problem.is_some() => Stated::Invalid,
        Some(_) => Stated::Unchecked,
        None if is_listed => Stated::Unchecked,
        None => Stated::None,
    }
}

/// Whether this is the full id of a commit.
fn is_commit(id: &str) -> bool {
    id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The page that compares the commits that the two versions were reproduced from. What a version's
/// metadata names can be any commit.
fn compare(old: Option<&(String, String)>, answer: &Answer) -> Option<String> {
    let Answer::Judged { report, .. } = answer else { return None };
    let origin = report.origin.as_ref().filter(|_| report.reproduced)?;
    let (_, old) = old.filter(|(repository, old)| *repository == origin.repository && is_commit(old) && *old != origin.commit)?;
    let (_, between) = COMPARING.iter().find(|(host, _)| origin.repository.starts_with(host))?;
    let repository = origin.repository.trim_end_matches('/').trim_end_matches(".git");
    let is_plain = repository.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/:".contains(&byte));
    (is_plain && is_commit(&origin.commit)).then(|| format!("{repository}{between}{old}...{}", origin.commit))
}
