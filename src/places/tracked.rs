//! Whether git tracks a file.

use std::path::Path;

use gix::bstr::BStr;

/// Whether the checkout that a file lies in has it in its index; `path` is one without links. The
/// error is why that cannot be told.
pub(super) fn is_tracked(path: &Path) -> Result<bool, String> {
    let said = |error: gix::Error| error.to_string();
    let Some(folder) = path.parent() else { return Ok(false) };
    let Some(root) = folder.ancestors().find(|above| above.join(".git").symlink_metadata().is_ok()) else { return Ok(false) };
    // The library opens what it finds: a pipe would be waited for.
    git::local::check_repository(root).map_err(|error| error.to_string())?;
    let repository = gix::open(root).map_err(said)?;
    let Ok(inside) = path.strip_prefix(root) else { return Ok(false) };
    let inside = inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
    let index = repository.index_or_empty().map_err(said)?;
    Ok(index.entry_by_path(BStr::new(&inside)).is_some())
}
