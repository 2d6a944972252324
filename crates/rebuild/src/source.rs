//! The strategy `source`: pack the commit's files as the publishing client did, without installing
//! or running anything.

use gix::objs::tree::EntryKind;
use tokio::runtime::Handle;

use context::Context as Outside;
use git::Repository;
use git::attributes::TooComplex;
use npm_pack::list::{self, Context};
use npm_pack::rewrite::Workspace;
use npm_pack::tree::LARGEST_READ;
use npm_spec::path::join;
use npm_tarball::Archive;
use origin::Origin;
use recipe::{Checkout, Recipe, Strategy, SubmoduleInfo};
use verdict::Outcome;

use super::checkout::{Folder, Which, size_in};
use super::error::SourceError;
use super::packing::{self, Shelves, Stock, Subject, pack_folder};
use super::rebuilt::{Attempts, Cleaned};
use super::submodules::Open;
use super::surroundings::workspace_of;
use crate::own_submodules::{self, Judged};
use crate::{Case, Published, recipe_for};

/// Tries the recipes for one origin. An error only if none came to an end, or if this machine
/// failed.
pub fn attempts(
    repository: &mut Repository,
    origin: &Origin,
    case: &Case<'_>,
    outside: (&Outside, &Handle),
) -> Result<Attempts, SourceError> {
    let Case { published, open_submodule, .. } = *case;
    let cancelled = &*outside.0.cancelled;
    let context = surroundings(repository, origin)?;
    let folder = Folder::open(repository, (&origin.listing, origin.directory()), &published.archive, Which::Published, open_submodule)?;
    let base = Recipe { submodules: folder.submodules(), ..recipe_for(Strategy::Source, published, repository.url(), origin) };
    let mut rebuilt = Vec::new();
    let mut stock = GitStock { checkouts: checkouts(origin, published, &folder)?, folder, repository, origin };
    pack_folder(&mut stock, &Subject { published, context, base, cancelled }, &mut rebuilt)?;
    let (mut unreached, mut own_submodules) = (Vec::new(), None);
    if rebuilt.iter().any(|one| one.outcome != Outcome::OtherEntries) {
        stock.folder.drop_unpublished();
        stock.folder.confirm(stock.repository, &origin.commit)?;
        unreached = stock.folder.unreached()?;
        let judged = Judged { origin, published, reads_history: false };
        own_submodules = own_submodules::told(&mut stock.folder, stock.repository, judged, outside)?;
    }
    let (submodules, paths) = (stock.folder.submodules_listed(), stock.folder.submodules());
    for one in &mut rebuilt {
        one.submodules.clone_from(&submodules);
        one.recipe.submodules.clone_from(&paths);
    }
    let (unavailable, altered) = (stock.folder.unavailable().to_vec(), stock.folder.altered());
    Ok(Attempts { rebuilt, unavailable, unreached, own_submodules, altered, ..Attempts::default() })
}

/// What stands for the published archive where none is looked at.
#[derive(Clone, Copy)]
pub struct Blank<'a> {
    /// An archive without entries.
    pub nothing: &'a Published,
    /// How a submodule's repository is opened.
    pub open_submodule: &'a Open<'a>,
    /// What the run may use of the outside.
    pub outside: (&'a Outside, &'a Handle),
}

/// What was packed as a recipe says.
pub struct Followed {
    /// The packed files.
    pub archive: Archive,
    /// A line for each part of the source that could not be had.
    pub unavailable: Vec<String>,
    /// A line for each submodule whose commit its own repository never took.
    pub unreached: Vec<String>,
    /// A line for the submodules that are the judged repository again.
    pub own_submodules: Option<String>,
    /// The submodules whose files were there.
    pub submodules: Vec<SubmoduleInfo>,
    /// Files that the checkout has with other text than a reader of the repository sees.
    pub altered: Vec<String>,
    /// Scripts that a tool took comments out of.
    pub cleaned: Cleaned,
}

/// Packs one origin as a recipe says. `nothing` is an empty archive in place of a published one.
pub fn follow(repository: &mut Repository, origin: &Origin, recipe: &Recipe, blank: &Blank<'_>) -> Result<Followed, SourceError> {
    let Blank { nothing, open_submodule, outside } = *blank;
    let context = surroundings(repository, origin)?;
    let which = Which::These(&recipe.submodules);
    let folder = Folder::open(repository, (&origin.listing, origin.directory()), &nothing.archive, which, open_submodule)?;
    let mut stock = GitStock { checkouts: vec![recipe.checkout], folder, repository, origin };
    let (archive, cleaned) = packing::follow(&mut stock, recipe, &context, &outside.0.cancelled)?;
    let judged = Judged { origin, published: nothing, reads_history: false };
    let own_submodules = own_submodules::told(&mut stock.folder, stock.repository, judged, outside)?;
    let (unreached, folder) = (stock.folder.unreached()?, &stock.folder);
    let (unavailable, submodules) = (folder.unavailable().to_vec(), folder.submodules_listed());
    Ok(Followed { archive, unavailable, unreached, own_submodules, submodules, altered: folder.altered(), cleaned })
}

/// A package's folder among git's objects.
struct GitStock<'a> {
    folder: Folder<'a>,
    repository: &'a mut Repository,
    checkouts: Vec<Checkout>,
    origin: &'a Origin,
}

impl Stock for GitStock<'_> {
    fn checkouts(&self) -> Vec<Checkout> {
        self.checkouts.clone()
    }

    fn needs(&self, checkout: Checkout) -> Vec<String> {
        list::needs(&self.folder.view(self.repository, checkout))
    }

    fn ensure(&mut self, paths: &[&str], largest: u64) -> Result<(), SourceError> {
        self.folder.ensure(self.repository, paths.iter().copied(), largest)
    }

    fn shelves(&self, checkout: Checkout) -> Box<dyn Shelves + '_> {
        Box::new(self.folder.view(self.repository, checkout))
    }

    fn workspace(&mut self, version: &str, manifest: &[u8]) -> Result<Option<Workspace>, SourceError> {
        workspace_of(self.repository, self.origin, version, manifest).map(Some)
    }
}

/// A Windows checkout is one more thing to try where only line endings differ, or modes that
/// Windows does not have; and a file system without modes where all published files have the same
/// executable bits, and git another.
fn checkouts(origin: &Origin, published: &Published, folder: &Folder<'_>) -> Result<Vec<Checkout>, TooComplex> {
    const WINDOWS_OS: [u8; 2] = [10, 11];
    let from_windows = published.headers.as_ref().is_some_and(|headers| WINDOWS_OS.contains(&headers.gzip.os));
    let mut all = vec![Checkout::Posix];
    if origin.score.matched_lf > 0 || from_windows && folder.converts(Checkout::Windows)? {
        all.push(Checkout::Windows);
    }
    all.extend(published.without_modes().filter(|mount| mount.mode_of_all() != Some(0o644) || folder.lost_executable_bits()));
    Ok(all)
}

/// The ignore files of the folders above the package, which some clients follow in a workspace.
pub(super) fn surroundings(repository: &mut Repository, origin: &Origin) -> Result<Context, SourceError> {
    let mut above = Vec::new();
    let directory = origin.directory();
    if directory.is_empty() {
        return Ok(Context::default());
    }
    let mut dirs = vec![String::new()];
    dirs.extend(directory.match_indices('/').filter_map(|(at, _)| directory.get(..at).map(str::to_owned)));
    for dir in dirs {
        let mut read = |name: &str| -> Result<Option<String>, SourceError> {
            let Some(entry) = origin.listing.get(&join(&dir, name)) else { return Ok(None) };
            if !matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable) {
                return Ok(None);
            }
            repository.ensure_blobs([entry.id])?;
            if size_in(repository, &entry.id)? > LARGEST_READ {
                return Err(SourceError::TooLarge { what: entry.path.clone(), limit: LARGEST_READ });
            }
            Ok(Some(String::from_utf8_lossy(&repository.blob(&entry.id)?).into_owned()))
        };
        above.push(list::Above { npmignore: read(".npmignore")?, gitignore: read(".gitignore")? });
    }
    Ok(Context { above, workspaces: Vec::new() })
}
