//! The source of a package, for the explanation of what differs.

use gix::objs::tree::EntryKind;

use explain::Source;
use git::{ListingEntry, Repository};
use npm_pack::tree::LARGEST_READ;
use origin::Located;
use recipe::Recipe;

/// What was located: the commit's files, and the ignore files that count for the folder and are
/// here already.
pub(crate) fn source_of(located: &Located, repository: &Repository, recipe: &Recipe) -> Source {
    let commit = gix::ObjectId::from_hex(recipe.commit.as_bytes()).ok();
    let origin = located.origins.iter().find(|origin| Some(origin.commit) == commit);
    let Some(origin) = origin else { return Source::default() };
    let is_file = |entry: &&ListingEntry| matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable);
    let files = origin.listing.entries.iter().filter(is_file);
    let id = |entry: &ListingEntry| <[u8; 20]>::try_from(entry.id.as_bytes()).ok();
    let mut source = Source::of(files.clone().filter_map(|entry| Some((entry.path.clone(), id(entry)?))), &recipe.directory);
    for entry in files.filter(|entry| entry.path.ends_with(".gitignore")) {
        let folder = entry.path.strip_suffix(".gitignore").unwrap_or_default();
        let inside = format!("{}/", recipe.directory);
        let counts = entry.path.ends_with("/.gitignore") || entry.path == ".gitignore";
        let near = inside.starts_with(folder) || folder.starts_with(&inside) || recipe.directory.is_empty();
        // One that is not here or cannot be read leaves nothing out: only words depend on it.
        let store = repository.store();
        let is_small = || store.size(&entry.id).is_some_and(|size| size <= LARGEST_READ);
        if counts
            && near
            && is_small()
            && let Ok(Some(content)) = store.blob(&entry.id)
        {
            let _: std::io::Result<()> = source.ignoring(&entry.path, &content);
        }
    }
    source
}
