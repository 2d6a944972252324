//! Which commit, and which folder of it, a version came from.
//!
//! Claims nominate commits: gitHead, tags, a reference in the address. Each nominee's tree is then
//! compared with the published files by blob ids, and the tree that explains most of them wins,
//! whoever claimed it. Only where no nominee explains every file that stands at its path is history
//! read: for the commits that carry this version in package.json, and for the neighbours of the
//! best nominee, because publishers tag a commit early or late.

use std::collections::{HashMap, HashSet};

use gix::ObjectId;

use git::{Listing, RemoteRef, Repository};
use verdict::{Evidence, EvidenceKind, Finding};

use super::bots;
use super::error::LocateError;
use super::manifests::read_manifests;
use super::named::{by_user, named, not_there};
use super::score::{PublishedFile, Score, candidate_directories, manifest_directories, score_directory};
use super::tags;

/// Tags whose trees are fetched before the tarball is known.
const MAX_TAGS: usize = 3;
/// Most manifests that are read when the package's folder is not where it was expected.
pub(super) const MAX_MANIFESTS: usize = 2_000;
/// Most commits of history whose manifests are looked at.
pub(super) const MAX_COMMITS: usize = 30_000;

/// What the published version says about where it came from.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// `gitHead` of the registry's metadata.
    pub git_head: Option<String>,
    /// The commit, branch or tag in the declared address.
    pub reference: Option<String>,
    /// The folder in the declared address or in `repository.directory`.
    pub directory: Option<String>,
    /// The commit that verified provenance names.
    pub provenance: Option<String>,
    /// The commit that the user named: no other one counts then.
    pub user_commit: Option<String>,
    /// The publishing client rewrites package.json (pnpm, yarn 2 and later, lerna, bun), so that it
    /// says nothing about the commit when it differs.
    pub manifest_rewritten: bool,
    /// The newest time of a file in the tarball, in seconds since 1970, where the client wrote true
    /// ones.
    pub packed: Option<i64>,
}

/// A commit that some claim leads to.
#[derive(Debug, Clone)]
pub struct Nominee {
    /// The commit.
    pub commit: ObjectId,
    /// The branch or tag that it is the tip of.
    pub reference: Option<String>,
    /// The kind of claim.
    pub kind: EvidenceKind,
    /// The claim.
    pub value: String,
    /// Why this claim, or what is wrong with it.
    pub note: Option<String>,
}

/// A commit and folder that could be the source.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The commit.
    pub commit: ObjectId,
    /// The branch or tag that it is the tip of.
    pub reference: Option<String>,
    /// What claim led there.
    pub kind: EvidenceKind,
    /// All files of the commit's tree.
    pub listing: Listing,
    /// The comparison by ids, with the package's folder.
    pub score: Score,
    /// The name in the folder's package.json; `None` where there is no readable one.
    pub name: Option<String>,
    /// The version in the folder's package.json.
    pub version: Option<String>,
}

impl Origin {
    /// A commit and folder that were not found but named.
    pub fn at(commit: ObjectId, reference: Option<String>, directory: &str, listing: Listing) -> Self {
        let score = Score { directory: directory.to_owned(), ..Score::default() };
        Self { commit, reference, kind: EvidenceKind::User, listing, score, name: None, version: None }
    }

    /// The package's folder in the tree, `""` for the root.
    pub fn directory(&self) -> &str {
        &self.score.directory
    }
}

/// What was found: the best origin first, and all that was considered.
#[derive(Debug, Default)]
pub struct Located {
    /// Candidates, best first; never empty.
    pub origins: Vec<Origin>,
    /// Every reason that was looked at.
    pub evidence: Vec<Evidence>,
    /// What a reader should know of the best origin.
    pub finding: Option<Finding>,
}

/// Collects the commits that claims lead to and fetches their trees, with one request for all of
/// them. This needs nothing of the tarball, so it runs while that is downloaded.
pub fn nominate(repository: &mut Repository, claims: &Claims) -> Result<Vec<Nominee>, LocateError> {
    if repository.refs().is_empty() {
        return Err(LocateError::Empty { repository: repository.url().to_owned() });
    }
    let mut nominees = Vec::new();
    if let Some(value) = &claims.user_commit {
        nominees.push(by_user(repository, value)?);
    }
    let claimed = [(&claims.git_head, EvidenceKind::GitHead), (&claims.reference, EvidenceKind::Reference)];
    for (value, kind) in claimed.into_iter().filter(|_| claims.user_commit.is_none()) {
        if let Some(nominee) = value.as_deref().and_then(|value| named(repository, value, kind)) {
            nominees.push(nominee);
        }
    }
    if claims.user_commit.is_none() {
        let tips: HashMap<&str, ObjectId> = repository.refs().iter().filter_map(|r| Some((r.tag()?, r.commit))).collect();
        for found in tags::best(repository.refs().iter().filter_map(RemoteRef::tag), &claims.name, &claims.version, MAX_TAGS) {
            if let Some(commit) = tips.get(found.tag) {
                nominees.push(Nominee {
                    commit: *commit,
                    reference: Some(format!("refs/tags/{}", found.tag)),
                    kind: EvidenceKind::Tag,
                    value: found.tag.to_owned(),
                    note: Some(found.rank.reason().to_owned()),
                });
            }
        }
    }
    let ids: Vec<ObjectId> = unique(nominees.iter().map(|nominee| nominee.commit));
    let unknown = repository.ensure_commits(&ids)?;
    if let Some(wanted) = claims.user_commit.as_ref().filter(|_| !unknown.is_empty()) {
        return Err(not_there(repository, wanted));
    }
    for nominee in &mut nominees {
        if unknown.contains(&nominee.commit) {
            nominee.note = Some("the repository does not have it".into());
        }
    }
    Ok(nominees)
}

pub(super) fn unique(ids: impl Iterator<Item = ObjectId>) -> Vec<ObjectId> {
    let mut seen = HashSet::new();
    ids.filter(|id| seen.insert(*id)).collect()
}

/// The tag, else the branch (a person's before a bot's), that the commit is the tip of.
pub(super) fn tip_of(repository: &Repository, commit: ObjectId) -> Option<String> {
    let mut tips = repository.refs().iter().filter(|reference| reference.commit == commit);
    let first = tips.clone().next()?;
    let branch = tips.clone().find(|reference| bots::branch(reference).is_none()).unwrap_or(first);
    Some(tips.find(|reference| reference.tag().is_some()).unwrap_or(branch).name.clone())
}

/// Compares the nominees with what was published and finds better commits where they leave a file
/// unexplained.
pub fn locate(
    repository: &mut Repository,
    mut nominees: Vec<Nominee>,
    claims: &Claims,
    published: &[PublishedFile],
    tarball_git_head: Option<&str>,
) -> Result<Located, LocateError> {
    let mut search = Search { claims, published, located: Located::default(), unreachable: None };
    if claims.user_commit.is_none()
        && let Some(nominee) = tarball_git_head.and_then(|value| named(repository, value, EvidenceKind::TarballGitHead))
        && !nominees.iter().any(|other| other.commit == nominee.commit)
    {
        repository.ensure_commits(&[nominee.commit])?;
        nominees.push(nominee);
    }
    if claims.user_commit.is_none()
        && let Some(nominee) = claims.provenance.as_deref().and_then(|value| named(repository, value, EvidenceKind::Provenance))
    {
        if !nominees.iter().any(|other| other.commit == nominee.commit) {
            repository.ensure_commits(&[nominee.commit])?;
        }
        // First: among commits whose files explain the package equally, the one that was attested.
        nominees.insert(0, nominee);
    }
    for nominee in nominees {
        search.consider(repository, &nominee)?;
    }
    search.rank();
    if claims.user_commit.is_none() && search.needs_history() {
        search.by_version(repository)?;
        search.rank();
        // A claim that leads to none of the files, such as a gitHead that was committed years ago,
        // is not where to look on.
        let stale = if search.explains_nothing() { std::mem::take(&mut search.located.origins) } else { Vec::new() };
        if search.located.origins.is_empty() {
            search.by_content(repository, tarball_git_head.is_some())?;
        }
        if search.located.origins.is_empty() {
            search.located.origins = stale;
        }
        if search.located.origins.is_empty() {
            search.by_bots(repository)?;
        }
        search.rank();
        search.by_neighbours(repository)?;
        search.rank();
    }
    search.located.finding = search.only_bots(repository)?;
    search.finish(repository)
}

pub(super) struct Search<'a> {
    pub(super) claims: &'a Claims,
    pub(super) published: &'a [PublishedFile],
    pub(super) located: Located,
    unreachable: Option<String>,
}

impl Search<'_> {
    /// Scores one nominee, if a branch or tag reaches it.
    pub(super) fn consider(&mut self, repository: &mut Repository, nominee: &Nominee) -> Result<(), LocateError> {
        let id = nominee.commit.to_string();
        let mut evidence = Evidence {
            kind: nominee.kind,
            value: nominee.value.clone(),
            commit: Some(id.clone()),
            files_matched: None,
            files_published: self.published.len(),
            note: nominee.note.clone(),
        };
        if self.located.origins.iter().any(|origin| origin.commit == nominee.commit) {
            evidence.files_matched = self.located.origins.iter().find(|origin| origin.commit == nominee.commit).map(|o| o.score.matched);
            self.located.evidence.push(evidence);
            return Ok(());
        }
        let Some(listing) = repository.listing(&nominee.commit)? else {
            evidence.note = Some("the repository does not have it".into());
            self.located.evidence.push(evidence);
            return Ok(());
        };
        if !repository.reaches(&nominee.commit)? {
            evidence.note = Some("it is on no branch or tag of the repository".into());
            self.unreachable.get_or_insert(id);
            self.located.evidence.push(evidence);
            return Ok(());
        }
        let origin = self.score(repository, nominee, listing)?;
        evidence.files_matched = Some(origin.score.matched);
        if let Some(version) = origin.version.as_deref().filter(|version| *version != self.claims.version) {
            evidence.note = Some(format!("package.json there says version {version}"));
        }
        self.located.evidence.push(evidence);
        self.located.origins.push(origin);
        Ok(())
    }

    /// Finds the package's folder in a tree. The best-scoring folder that names the package is
    /// taken.
    pub(super) fn score(&self, repository: &mut Repository, nominee: &Nominee, listing: Listing) -> Result<Origin, LocateError> {
        let (commit, reference, kind) = (nominee.commit, nominee.reference.clone(), nominee.kind);
        let declared: Vec<&str> = self.claims.directory.as_deref().into_iter().collect();
        let scores = candidate_directories(&listing, self.published, &self.claims.name, &declared);
        let complete = scores.first().filter(|score| score.complete() && score.matched_lf == 0).cloned();
        if let Some(score) = complete {
            // package.json is among the published files, so its name and version are those of the
            // tarball.
            let (name, version) = (Some(self.claims.name.clone()), Some(self.claims.version.clone()));
            return Ok(Origin { commit, reference, kind, listing, score, name, version });
        }
        let likely = scores.iter().map(|score| score.directory.clone());
        let mut named = read_manifests(repository, &listing, likely, &self.claims.name)?;
        if !named.values().any(|(name, _)| name.as_deref() == Some(&self.claims.name)) {
            let all = manifest_directories(&listing, MAX_MANIFESTS).into_iter();
            named.extend(read_manifests(repository, &listing, all, &self.claims.name)?);
        }
        let mut ours: Vec<Score> = named
            .iter()
            .filter(|(_, (name, _))| name.as_deref() == Some(&self.claims.name))
            .map(|(dir, _)| score_directory(&listing, dir, self.published))
            .collect();
        // Two folders may name the package (a fixture, a template): content decides, then the
        // declared one, then the shorter.
        ours.sort_by(|a, b| {
            b.key()
                .cmp(&a.key())
                .then_with(|| declared.contains(&b.directory.as_str()).cmp(&declared.contains(&a.directory.as_str())))
                .then_with(|| a.directory.len().cmp(&b.directory.len()))
                .then_with(|| a.directory.cmp(&b.directory))
        });
        let best_anywhere = scores.into_iter().next().unwrap_or_default();
        let score = match ours.into_iter().next() {
            // A folder that explains far more without naming the package is a build's output or a
            // renamed package; a licence and a readme that other folders have too are not far more.
            Some(score) if score.explained() * 2 + 2 >= best_anywhere.explained() => score,
            Some(_) | None => best_anywhere,
        };
        let (name, version) = named.remove(&score.directory).unwrap_or_default();
        Ok(Origin { commit, reference, kind, listing, score, name, version })
    }

    fn rank(&mut self) {
        let version = self.claims.version.as_str();
        let name = self.claims.name.as_str();
        // The sort is stable: among equals the earlier claim stays first.
        self.located.origins.sort_by(|a, b| {
            let key = |origin: &Origin| {
                (
                    origin.kind == EvidenceKind::User,
                    origin.score.key(),
                    origin.name.as_deref() == Some(name),
                    origin.version.as_deref() == Some(version),
                )
            };
            key(b).cmp(&key(a))
        });
    }

    /// A file that stands in the tree with other bytes may be a commit away; one that is not there
    /// is a build's.
    fn needs_history(&self) -> bool {
        let Some(best) = self.located.origins.first() else { return true };
        let this_version = best.version.as_deref() == Some(&self.claims.version);
        if best.explained_nothing() || best.score.matched_lf > 0 && !this_version {
            return true;
        }
        match best.score.changed.as_slice() {
            [] => false,
            // What a publishing client rewrites says nothing about the commit.
            [only] if only == "package.json" && this_version => !self.claims.manifest_rewritten && !self.claims_agree(best.commit),
            _ => true,
        }
    }

    /// Whether no commit so far has any of the published files.
    fn explains_nothing(&self) -> bool {
        self.located.origins.iter().all(Origin::explained_nothing)
    }

    /// Whether gitHead and a tag both name this commit.
    fn claims_agree(&self, commit: ObjectId) -> bool {
        let id = commit.to_string();
        let names = |kinds: &[EvidenceKind]| {
            self.located.evidence.iter().any(|item| kinds.contains(&item.kind) && item.commit.as_deref() == Some(id.as_str()))
        };
        names(&[EvidenceKind::GitHead, EvidenceKind::TarballGitHead]) && names(&[EvidenceKind::Tag])
    }

    fn finish(self, repository: &Repository) -> Result<Located, LocateError> {
        let (url, claims) = (repository.url().to_owned(), self.claims);
        let Self { located, unreachable, .. } = self;
        let Some(best) = located.origins.first() else {
            return Err(match unreachable {
                Some(commit) => LocateError::Unreachable { commit, repository: url, evidence: located.evidence },
                None => LocateError::NoCommit {
                    repository: url,
                    name: claims.name.clone(),
                    version: claims.version.clone(),
                    evidence: located.evidence,
                },
            });
        };
        if best.explained_nothing() && best.name.as_deref() != Some(&claims.name) {
            return Err(LocateError::NotInRepository { repository: url, name: claims.name.clone(), evidence: located.evidence });
        }
        Ok(located)
    }
}

impl Origin {
    fn explained_nothing(&self) -> bool {
        self.score.explained() == 0
    }
}
