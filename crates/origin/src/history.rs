//! Looking for the commit in history, where no claim leads to one that explains the files: by the
//! version in package.json, by the files themselves, and among the neighbours of the best commit so
//! far.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use git::Repository;
use npm_spec::path::join;
use verdict::EvidenceKind;

use super::bots::commits;
use super::error::LocateError;
use super::locate::{MAX_MANIFESTS, Nominee, Origin, Search, tip_of, unique};
use super::manifests::{manifest_at, read_manifests};
use super::score::{PublishedFile, Score, manifest_directories, only_in_source, score_directory};

/// Commits on each side of the best nominee, in order of time, whose trees are compared.
const NEIGHBOURS: usize = 200;
/// Most different trees of the package's folder that are compared in full.
const MAX_TREES: usize = 80;
/// Published files that are looked for in all of history where no claim leads to a commit.
const PROBES: usize = 6;
/// Seconds between the last file that a release tool writes and the commit that it makes of it.
const WRITTEN_BEFORE: i64 = 60;
/// Commits of history that are looked into for folders that the package has left since.
const SAMPLES: usize = 24;

/// Whether every published file but package.json is there, and there is such a file.
fn only_manifest_differs(score: &Score) -> bool {
    score.explained() > 0 && score.missing.is_empty() && score.changed == ["package.json"]
}

impl Search<'_> {
    /// Commits whose package.json has the published bytes, or this name and version.
    pub(super) fn by_version(&mut self, repository: &mut Repository) -> Result<(), LocateError> {
        let commits = commits(repository)?;
        let directories = self.directories(repository)?;
        if !self.by_version_in(repository, &commits, &directories)? && self.located.origins.is_empty() {
            let earlier = self.earlier_directories(repository, &commits, &directories)?;
            self.by_version_in(repository, &commits, &earlier)?;
        }
        Ok(())
    }

    /// Looks for the version in each of these folders; true once one has it.
    pub(super) fn by_version_in(
        &mut self,
        repository: &mut Repository,
        commits: &[ObjectId],
        directories: &[String],
    ) -> Result<bool, LocateError> {
        for directory in directories {
            let manifests = repository.entries_at(commits, &join(directory, "package.json"))?;
            let mut blobs: Vec<ObjectId> = unique(manifests.values().map(|(_, id)| *id));
            let exact = self.published.iter().find(|file| file.path == "package.json").map(|file| file.blob);
            let same: HashSet<ObjectId> = if let Some(id) = exact.filter(|id| blobs.contains(id)) {
                [id].into()
            } else {
                repository.ensure_blobs(blobs.iter().copied())?;
                blobs.retain(|id| self.is_this_version(repository, id));
                blobs.into_iter().collect()
            };
            let with_version: HashSet<ObjectId> =
                manifests.iter().filter(|(_, (_, id))| same.contains(id)).map(|(commit, _)| *commit).collect();
            if with_version.is_empty() {
                continue;
            }
            // Oldest first: the first commit with this version is the one that set it.
            let ordered: Vec<ObjectId> = commits.iter().rev().copied().filter(|id| with_version.contains(id)).collect();
            self.by_trees(repository, &ordered, directory, (EvidenceKind::VersionBump, "package.json"))?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Commits that hold some of the published files, where nothing else names one: versions may be
    /// set only while publishing. A few files are looked for in all of history, and the trees of
    /// the commits that have most of them are compared in full. `by_tool`: the published
    /// package.json has a `gitHead`, so a release tool wrote it, and may have written the version,
    /// too.
    pub(super) fn by_content(&mut self, repository: &mut Repository, by_tool: bool) -> Result<(), LocateError> {
        let commits = commits(repository)?;
        let told: Vec<&PublishedFile> = self.published.iter().filter(|file| file.path != "package.json").collect();
        let step = told.len().div_ceil(PROBES).max(1);
        for directory in self.directories(repository)? {
            let mut matches: HashMap<ObjectId, usize> = HashMap::new();
            for file in told.iter().step_by(step) {
                for (commit, (_, blob)) in repository.entries_at(&commits, &join(&directory, &file.path))? {
                    if blob == file.blob || Some(blob) == file.blob_lf {
                        *matches.entry(commit).or_default() += 1;
                    }
                }
            }
            let Some(most) = matches.values().copied().max() else { continue };
            let best: Vec<ObjectId> = commits.iter().copied().filter(|commit| matches.get(commit) == Some(&most)).collect();
            self.by_trees(repository, &best, &directory, (EvidenceKind::Content, "published files"))?;
            if !self.located.origins.is_empty() {
                break;
            }
        }
        // Alike is not enough: a commit of another version is no commit for this one. It stays in
        // the evidence.
        let version = self.claims.version.as_str();
        let counts = |origin: &Origin| origin.version.as_deref() == Some(version) || by_tool && only_manifest_differs(&origin.score);
        self.located.origins.retain(counts);
        Ok(())
    }

    /// Where the package was at other times: folders that name it in commits spread over all of
    /// history.
    fn earlier_directories(&self, repository: &mut Repository, commits: &[ObjectId], known: &[String]) -> Result<Vec<String>, LocateError> {
        let step = commits.len().div_ceil(SAMPLES).max(1);
        let samples: Vec<ObjectId> = commits.iter().copied().step_by(step).collect();
        repository.ensure_commits(&samples)?;
        let mut found = Vec::new();
        for sample in samples {
            let Some(listing) = repository.listing(&sample)? else { continue };
            let directories = manifest_directories(&listing, MAX_MANIFESTS);
            let manifests = read_manifests(repository, &listing, directories.into_iter(), &self.claims.name)?;
            let ours = manifests.into_iter().filter(|(_, (name, _))| name.as_deref() == Some(&self.claims.name)).map(|(dir, _)| dir);
            found.extend(ours.filter(|dir| !known.contains(dir)));
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn is_this_version(&self, repository: &Repository, id: &ObjectId) -> bool {
        let (name, version) = manifest_at(repository.store(), id, &self.claims.name).unwrap_or_default();
        name.as_deref() == Some(&self.claims.name) && version.as_deref() == Some(&self.claims.version)
    }

    /// Where the package's folder may have been: where a nominee has it, else where the newest
    /// commit has it.
    pub(super) fn directories(&self, repository: &mut Repository) -> Result<Vec<String>, LocateError> {
        let mut directories: Vec<String> = self.located.origins.iter().map(|origin| origin.directory().to_owned()).collect();
        if directories.is_empty() {
            let newest = commits(repository)?.first().copied();
            if let Some(newest) = newest {
                repository.ensure_commits(&[newest])?;
                if let Some(listing) = repository.listing(&newest)? {
                    let nominee =
                        Nominee { commit: newest, reference: None, kind: EvidenceKind::Content, value: newest.to_string(), note: None };
                    let origin = self.score(repository, &nominee, listing)?;
                    if origin.name.as_deref() == Some(&self.claims.name) {
                        directories.push(origin.score.directory);
                    }
                }
            }
            directories.extend(self.claims.directory.clone());
            directories.push(String::new());
        }
        let mut seen = HashSet::new();
        directories.retain(|dir| seen.insert(dir.clone()));
        Ok(directories)
    }

    /// The commits around the best nominee: a tag is often a commit early or late.
    pub(super) fn by_neighbours(&mut self, repository: &mut Repository) -> Result<(), LocateError> {
        let Some(best) = self.located.origins.first() else { return Ok(()) };
        if best.score.complete() || best.score.changed.is_empty() {
            return Ok(());
        }
        let (commit, directory) = (best.commit, best.directory().to_owned());
        let mut commits = commits(repository)?;
        if !commits.contains(&commit) {
            commits = repository.history()?.commits.iter().map(|(id, _)| *id).collect();
        }
        let Some(at) = commits.iter().position(|id| *id == commit) else { return Ok(()) };
        let around = commits.get(at.saturating_sub(NEIGHBOURS)..(at + NEIGHBOURS).min(commits.len())).unwrap_or_default();
        // Nearest first.
        let mut near: Vec<(usize, ObjectId)> =
            around.iter().enumerate().map(|(i, id)| ((i + at.saturating_sub(NEIGHBOURS)).abs_diff(at), *id)).collect();
        near.sort_by_key(|(distance, _)| *distance);
        let near: Vec<ObjectId> = near.into_iter().map(|(_, id)| id).collect();
        self.by_trees(repository, &near, &directory, (EvidenceKind::Content, &commit.to_string()))
    }

    /// Compares the different trees that these commits have at `directory`, and keeps the best
    /// commit as an origin: the one that explains most files, and of those the one that has fewest
    /// others.
    fn by_trees(
        &mut self,
        repository: &mut Repository,
        commits: &[ObjectId],
        directory: &str,
        (kind, value): (EvidenceKind, &str),
    ) -> Result<(), LocateError> {
        let trees = repository.entries_at(commits, directory)?;
        let distinct = unique(commits.iter().filter_map(|commit| trees.get(commit)).map(|(_, tree)| *tree));
        // Those at both ends: a version may be set at the beginning of its cycle or at the end.
        let (head, tail) = (MAX_TREES / 2, distinct.len().saturating_sub(MAX_TREES / 2));
        let chosen: HashSet<ObjectId> =
            distinct.iter().enumerate().filter(|(at, _)| *at < head || *at >= tail).map(|(_, tree)| *tree).collect();
        repository.ensure_trees(&chosen.iter().copied().collect::<Vec<_>>())?;
        let mut best: Option<(Score, usize)> = None;
        let mut equal: HashSet<ObjectId> = HashSet::new();
        for tree in distinct.iter().filter(|tree| chosen.contains(*tree)) {
            let listing = repository.tree_listing(tree)?;
            let score = score_directory(&listing, "", self.published);
            let stray = only_in_source(&listing, self.published);
            let order = best.as_ref().map_or(Ordering::Greater, |(known, strays)| score.key().cmp(&known.key()).then(strays.cmp(&stray)));
            match order {
                Ordering::Greater => (best, equal) = (Some((score, stray)), [*tree].into()),
                Ordering::Equal => drop(equal.insert(*tree)),
                Ordering::Less => {}
            }
        }
        let Some((score, _)) = best else { return Ok(()) };
        let known = self.located.origins.first().filter(|_| kind == EvidenceKind::Content);
        if known.is_some_and(|known| known.score.key() >= score.key()) {
            return Ok(());
        }
        let equal: Vec<ObjectId> =
            commits.iter().copied().filter(|commit| trees.get(commit).is_some_and(|(_, tree)| equal.contains(tree))).collect();
        // The neighbours of a known commit come nearest first, and may be of another branch than
        // the default one, as it may be.
        let commit = if known.is_some() { equal.first().copied() } else { self.likeliest(repository, equal)? };
        let Some(commit) = commit else { return Ok(()) };
        repository.ensure_commits(&[commit])?;
        let reference = tip_of(repository, commit);
        self.consider(repository, &Nominee { commit, reference, kind, value: value.to_owned(), note: None })
    }

    /// Of commits that explain the files equally, one of the default branch, and of these the last
    /// one before the files were packed. The first of them where the tarball does not say when that
    /// was, or none is as old.
    fn likeliest(&self, repository: &mut Repository, mut equal: Vec<ObjectId>) -> Result<Option<ObjectId>, LocateError> {
        let first = equal.first().copied();
        if equal.len() < 2 {
            return Ok(first);
        }
        repository.history()?;
        let Some(history) = repository.known_history() else { return Ok(first) };
        let by_default = history.reached_from(repository.store(), repository.head())?;
        if equal.iter().any(|commit| by_default.contains(commit)) {
            equal.retain(|commit| by_default.contains(commit));
        }
        let before = |id: &&ObjectId| {
            history.get(id).zip(self.claims.packed).filter(|(commit, packed)| commit.time <= packed.saturating_add(WRITTEN_BEFORE))
        };
        let last = equal.iter().filter(|id| before(id).is_some()).max_by_key(|id| history.get(id).map(|commit| commit.time));
        Ok(last.or(equal.first()).copied())
    }
}
