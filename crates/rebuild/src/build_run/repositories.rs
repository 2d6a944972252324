//! What dependencies on git repositories have: fetched by the client that fetches the judged
//! source, under the same rule of hosts and as nobody in particular, and packed as the package
//! manager packs it.
//!
//! A publisher names the repository, and may be whoever owns it. So what is fetched is an
//! ingredient like any tarball: the result lists it with its commit, and the registry beside the
//! build holds it against the judged tarball before it is handed out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use jiff::Timestamp;
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::runtime::Handle;

use context::Context;
use git::{GitError, Repository};
use npm_pack::list::{self, ListRules};
use npm_spec::tool::Kind;
use npm_spec::version::{self, VersionRange};
use npm_timewarp::{GitNote, GitPackage, GitWanted, Reference, git_tarball};
use origin::address;
use recipe::Checkout;

use crate::checkout::{Folder, Which};
use crate::judged_repository::JudgedRepository;
use crate::opening::open_beside;
use crate::{Published, SourceError};

/// Most bytes of one dependency's files.
const LARGEST: u64 = 128 << 20;
/// Fewest digits of a commit that stand for it.
const FEWEST_DIGITS: usize = 7;
/// Scripts that a package manager runs before it packs a repository.
const PREPARE: [&str; 3] = ["prepare", "prepack", "prepublish"];

/// A commit's files as an installation gets them.
struct Packed {
    tarball: NamedTempFile,
    manifest: Value,
    /// Files with other text than a reader of the repository sees.
    altered: Vec<String>,
}

/// Where dependencies on repositories come from in one build.
pub(super) struct Repositories {
    pub(super) context: Context,
    pub(super) runtime: Handle,
    /// The package manager that installs.
    pub(super) manager: Kind,
    /// No commit that is chosen here is later.
    pub(super) until: Timestamp,
    /// The repository of what is judged.
    pub(super) judged: JudgedRepository,
    /// Held while one is fetched and packed.
    pub(super) turn: Mutex<()>,
}

impl fmt::Debug for Repositories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repositories").field("manager", &self.manager).field("until", &self.until).finish_non_exhaustive()
    }
}

impl npm_timewarp::Repositories for Repositories {
    fn get(&self, wanted: &GitWanted) -> Result<GitPackage, String> {
        // One after the other: files of each are held in memory while it is packed.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.context.progress.tell("build", &format!("fetching the repository of {}", wanted.name));
        let allowed = self.judged.allowed(&self.context);
        let opened = open_beside(&wanted.repository, &self.context, &self.runtime, &allowed);
        let mut repository = opened.map_err(|error| error.to_string())?;
        let (commit, mut notes) = self.commit(&mut repository, &wanted.reference)?;
        // Archives of the big hosts have no submodules, and only npm asks other hosts for them.
        // What one of those leads to would be an ingredient that nothing names.
        let takes_submodules = self.manager == Kind::Npm && !address::is_public(repository.url());
        let listing = if takes_submodules { repository.listing(&commit).map_err(|error| error.to_string())? } else { None };
        if listing.is_some_and(|listing| listing.entries.iter().any(|entry| entry.kind == EntryKind::Commit)) {
            return Err("it has submodules, which are not fetched".to_owned());
        }
        let Packed { tarball, manifest, altered } =
            self.packed(&mut repository, &commit, &wanted.directory).map_err(|error| error.to_string())?;
        notes.extend(self.unprepared(&manifest, &wanted.repository));
        notes.extend(altered.into_iter().map(GitNote::Altered));
        if self.is_of_judged(&mut repository, wanted, &commit).map_err(|error| error.to_string())? {
            notes.push(GitNote::OfJudged);
        }
        let name = manifest.get("name").and_then(Value::as_str).map(str::to_owned);
        Ok(GitPackage { tarball, name, url: repository.url().to_owned(), commit: commit.to_string(), notes })
    }
}

impl Repositories {
    /// The commit, with its trees.
    fn commit(&self, repository: &mut Repository, reference: &Reference) -> Result<(ObjectId, Vec<GitNote>), String> {
        let (commit, mut notes) = match reference {
            Reference::Commit(id) => (ObjectId::from_hex(id.as_bytes()).map_err(|_| format!("{id} is no commit"))?, Vec::new()),
            other => {
                let (commit, how) = self.chosen(repository, other)?;
                (commit, vec![GitNote::Chosen(how)])
            }
        };
        let lacking = repository.ensure_commits(&[commit]).map_err(|error| error.to_string())?;
        if !lacking.is_empty() {
            return Err(format!("the host does not have the commit {commit}"));
        }
        // Also where that cannot be told.
        if !repository.reaches(&commit).unwrap_or(false) {
            notes.push(GitNote::OffBranch);
        }
        Ok((commit, notes))
    }

    /// The commit that words led to when the version was published, as far as the repository still
    /// tells, and how it was chosen.
    fn chosen(&self, repository: &mut Repository, reference: &Reference) -> Result<(ObjectId, String), String> {
        let until = self.until;
        match reference {
            Reference::Range(range) => self.tagged(repository, range),
            Reference::Named(name) => {
                let full = |kind: &str| format!("refs/{kind}/{}", name.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/"));
                let at = |repository: &Repository, full: String| {
                    repository.refs().iter().find(|reference| reference.name == full).map(|reference| reference.commit)
                };
                if let Some(tag) = at(repository, full("tags")) {
                    let tagged = self.newest(repository, tag, false)?.ok_or_else(|| format!("the tag {name} is later than {until}"))?;
                    return Ok((tagged, format!("the tag {name}, as it is now")));
                }
                if let Some(tip) = at(repository, full("heads")) {
                    let newest = self
                        .newest(repository, tip, true)?
                        .ok_or_else(|| format!("no commit of the branch {name} is as old as {until}"))?;
                    return Ok((newest, format!("the newest commit of the branch {name} at {until}")));
                }
                let commit = abbreviated(repository, name)?.ok_or_else(|| format!("there is no branch, tag or commit {name}"))?;
                Ok((commit, format!("the one commit that begins with {name}")))
            }
            Reference::Default | Reference::Commit(_) => {
                let head = repository.head().ok_or("the host shows no branch")?;
                let newest =
                    self.newest(repository, head, true)?.ok_or_else(|| format!("no commit of the default branch is as old as {until}"))?;
                Ok((newest, format!("the newest commit of the default branch at {until}")))
            }
        }
    }

    /// The commit itself, or the newest before it in its line, that is not later than the
    /// publication.
    fn newest(&self, repository: &mut Repository, tip: ObjectId, goes_back: bool) -> Result<Option<ObjectId>, String> {
        let until = self.until.as_second();
        let history = repository.history().map_err(|error| error.to_string())?;
        let mut at = Some(tip);
        while let Some(id) = at {
            let Some(commit) = history.get(&id) else { return Ok(None) };
            if commit.time <= until {
                return Ok(Some(commit.id));
            }
            at = commit.parents.first().copied().filter(|_| goes_back);
        }
        Ok(None)
    }

    /// The highest version of a range that has a tag.
    fn tagged(&self, repository: &mut Repository, range: &str) -> Result<(ObjectId, String), String> {
        let wanted = VersionRange::parse(range).ok_or_else(|| format!("{range} is no range of versions"))?;
        let tags = repository.refs().iter().filter_map(|reference| Some((reference.tag()?.to_owned(), reference.commit)));
        let of_range = tags.filter_map(|(tag, commit)| {
            let version = version::parse(&version::clean(&tag)?)?;
            wanted.contains(&version).then_some((version, tag, commit))
        });
        let mut all: Vec<_> = of_range.collect();
        all.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        for (_, tag, commit) in all {
            if let Some(commit) = self.newest(repository, commit, false)? {
                return Ok((commit, format!("the tag {tag}, the highest in {range} at {}", self.until)));
            }
        }
        Err(format!("no tag at {} is in {range}", self.until))
    }

    /// The files of a commit as a tarball, and their package.json.
    fn packed(&self, repository: &mut Repository, commit: &ObjectId, directory: &str) -> Result<Packed, SourceError> {
        let listing = repository.listing(commit)?.ok_or(SourceError::NothingBuilt)?;
        let nothing = Published::nothing()?;
        let allowed = self.judged.allowed(&self.context);
        let open = |url: &str| open_beside(url, &self.context, &self.runtime, &allowed);
        let mut folder = Folder::open(repository, (&listing, directory), &nothing.archive, Which::These(&[]), &open)?;
        folder.ensure_all(repository, commit, LARGEST)?;
        let view = folder.view(repository, Checkout::Posix);
        let manifest = view.content("package.json")?.ok_or(list::ListError::NoManifest)?;
        let manifest: Value = npm_spec::manifest::read(&manifest).unwrap_or_default();
        let paths: Vec<(String, String)> = match self.rules() {
            Some(rules) => {
                let entries = list::entries(&view, rules, &list::Context::default())?;
                entries.into_iter().map(|entry| (entry.source, entry.path)).collect()
            }
            None => folder.files().map(|(path, _)| (path.to_owned(), path.to_owned())).collect(),
        };
        let kinds: BTreeMap<&str, EntryKind> = folder.files().collect();
        // One file after the other: they are not in memory together.
        let files = paths.into_iter().filter_map(|(source, path)| {
            // Installers make no links of what a tarball has.
            let Some(kind @ (EntryKind::Blob | EntryKind::BlobExecutable)) = kinds.get(source.as_str()) else { return None };
            let content = view.content(&source).transpose()?;
            Some(content.map(|content| (path, *kind == EntryKind::BlobExecutable, content)))
        });
        let tarball = git_tarball::<_, SourceError>(files, NamedTempFile::new()?)?;
        Ok(Packed { tarball, manifest, altered: folder.altered() })
    }

    /// By which rules the package manager packs a repository; none where it takes all of it.
    fn rules(&self) -> Option<&'static ListRules> {
        match self.manager {
            Kind::Npm | Kind::Node => Some(&list::NPM_10_3),
            Kind::Pnpm => Some(&list::PNPM_8_8),
            Kind::Berry => Some(&list::BERRY),
            Kind::Yarn | Kind::Bun => None,
        }
    }

    /// The script that the package manager would have run first, which is not run here.
    fn unprepared(&self, manifest: &Value, url: &str) -> Option<GitNote> {
        let prepares = match self.manager {
            Kind::Npm | Kind::Node | Kind::Pnpm | Kind::Berry => true,
            Kind::Yarn => !address::is_public(url),
            Kind::Bun => false,
        };
        let has = |name: &&&str| manifest.pointer(&format!("/scripts/{name}")).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        PREPARE.iter().find(has).filter(|_| prepares).map(|name| GitNote::Unprepared((*name).to_owned()))
    }

    /// Whether a repository is that of what is judged, or a copy of it.
    fn is_of_judged(&self, repository: &mut Repository, wanted: &GitWanted, commit: &ObjectId) -> Result<bool, GitError> {
        let is_at = self.judged.is_at(&wanted.repository, &self.context);
        Ok(is_at || self.judged.shares(repository, (commit, &wanted.directory), (&self.context, &self.runtime))?)
    }
}

/// The one commit of the branches and tags whose id begins so.
fn abbreviated(repository: &mut Repository, digits: &str) -> Result<Option<ObjectId>, String> {
    if digits.len() < FEWEST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let digits = digits.to_ascii_lowercase();
    let history = repository.history().map_err(|error| error.to_string())?;
    let mut found = history.commits.iter().map(|(id, _)| *id).filter(|id| id.to_string().starts_with(&digits));
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(format!("several commits begin with {digits}")),
        (one, _) => Ok(one),
    }
}
