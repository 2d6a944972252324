//! A file as a commit of the repository around a folder has it.

use std::path::Path;

use gix::ObjectId;
use gix::objs::tree::EntryMode;

use super::unreadable;
use crate::GitError;

/// Most steps back from a name: `HEAD~100`.
const MAX_STEPS: usize = 10_000;

/// The content of `file`, which lies in `folder`, at a revision: a commit's whole id, or a name of
/// git's, each also with `^` or `~3` behind it. `None` if the commit has no such file. Its
/// configuration counts for nothing, and nothing is run.
pub fn file_at(folder: &Path, revision: &str, (file, largest): (&str, u64)) -> Result<Option<Vec<u8>>, GitError> {
    let failed = |why: &dyn std::fmt::Display| unreadable(folder, why);
    let Some(Found { repository, id, .. }) = entry_at(folder, revision, file)?.filter(|found| found.mode.is_blob()) else {
        return Ok(None);
    };
    if repository.find_header(id).map_err(|error| failed(&error))?.size() > largest {
        return Err(failed(&"the file was too large there"));
    }
    Ok(Some(repository.find_object(id).map_err(|error| failed(&error))?.data.clone()))
}

/// Whether a revision has anything at `path`, a file or a folder, below `folder`, or a link or a
/// submodule above it. As [`file_at`] finds it.
pub fn has_at(folder: &Path, revision: &str, path: &str) -> Result<bool, GitError> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    for above in ends.filter_map(|end| path.get(..end)) {
        match entry_at(folder, revision, above)? {
            None => return Ok(false),
            Some(found) if !found.mode.is_tree() => return Ok(true),
            Some(_) => {}
        }
    }
    Ok(true)
}

/// What a revision has at a path, and the repository.
struct Found {
    repository: gix::Repository,
    id: ObjectId,
    mode: EntryMode,
}

/// What a revision has at a path below a folder.
fn entry_at(folder: &Path, revision: &str, path: &str) -> Result<Option<Found>, GitError> {
    let failed = |why: &dyn std::fmt::Display| unreadable(folder, why);
    let folder = folder.canonicalize().map_err(|error| failed(&error))?;
    let Some(root) = folder.ancestors().find(|above| above.join(".git").exists()) else {
        return Err(failed(&"it is not in a git repository"));
    };
    super::check_repository(root).map_err(|error| failed(&error))?;
    let mut repository = gix::open_opts(root, gix::open::Options::isolated()).map_err(|error| failed(&error))?;
    // An object is what its id says, whatever `git replace` put in its place here.
    repository.objects.ignore_replacements = true;
    let absent = || failed(&format!("{revision} is not in it: fetch it first (in GitHub Actions with fetch-depth: 0)"));
    let (name, steps) = stepped(revision).ok_or_else(absent)?;
    let id = match ObjectId::from_hex(name.as_bytes()) {
        Ok(id) => id,
        Err(_) => named(&repository, name).map_err(|why| failed(&why))?.ok_or_else(absent)?,
    };
    let mut commit = repository.find_object(id).ok().and_then(|object| object.peel_to_commit().ok()).ok_or_else(absent)?;
    for _ in 0..steps {
        let parent = commit.parent_ids().next().map(gix::Id::detach).ok_or_else(absent)?;
        commit = repository.find_commit(parent).map_err(|_| absent())?;
    }
    let path = folder.strip_prefix(root).unwrap_or(&folder).join(path);
    let tree = commit.tree().map_err(|error| failed(&error))?;
    let entry = tree.lookup_entry_by_path(path).map_err(|error| failed(&error))?;
    let entry = entry.map(|entry| (entry.object_id(), entry.mode()));
    drop((tree, commit));
    Ok(entry.map(|(id, mode)| Found { repository, id, mode }))
}

/// The commit that a name stands for. git takes the first of these names that is there, and warns
/// of the others: whoever can push a tag `origin/main` would say since when changes are asked for.
/// So the name has to stand for one commit, and a whole name, or `HEAD`, for itself.
fn named(repository: &gix::Repository, name: &str) -> Result<Option<ObjectId>, String> {
    let is_whole = name == "HEAD" || name.starts_with("refs/");
    let below = ["refs/", "refs/tags/", "refs/heads/", "refs/remotes/"].map(|start| format!("{start}{name}"));
    let more = below.into_iter().chain([format!("refs/remotes/{name}/HEAD")]).filter(|_| !is_whole);
    let mut found: Vec<(String, ObjectId)> = Vec::new();
    for name in [name.to_owned()].into_iter().chain(more) {
        let reference = repository.try_find_reference(&name).ok().flatten();
        // A name that is not there is looked for behind others.
        let own = reference.filter(|reference| reference.name().as_bstr() == name);
        let Some(id) = own.and_then(|mut own| own.peel_to_id().ok()) else { continue };
        found.push((name, id.detach()));
    }
    match found.split_first() {
        Some(((first, id), others)) => match others.iter().find(|(_, other)| other != id) {
            Some((other, _)) => Err(format!("{name} is both {first} and {other}: give the whole name of the one that is meant")),
            None => Ok(Some(*id)),
        },
        None => Ok(None),
    }
}

/// `HEAD~2^` is `HEAD`, and three steps back.
fn stepped(revision: &str) -> Option<(&str, usize)> {
    let end = revision.find(['~', '^']).unwrap_or(revision.len());
    let (name, mut rest) = revision.split_at_checked(end)?;
    let mut steps = 0_usize;
    while let Some(sign) = rest.chars().next() {
        let digits = rest.get(1..)?.len() - rest.get(1..)?.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = rest.get(1..=digits)?;
        let count = if number.is_empty() { 1 } else { number.parse::<usize>().ok()? };
        // `^2` is another parent, and no number of steps.
        if !matches!(sign, '~' | '^') || sign == '^' && count != 1 {
            return None;
        }
        steps = steps.saturating_add(count);
        rest = rest.get(1 + digits..)?;
    }
    (!name.is_empty() && steps <= MAX_STEPS).then_some((name, steps))
}

#[cfg(test)]
mod tests {
    use super::stepped;

    #[test]
    fn steps_back_are_counted() {
        for (text, expected) in [
            ("HEAD", Some(("HEAD", 0))),
            ("HEAD~2^", Some(("HEAD", 3))),
            ("main^^", Some(("main", 2))),
            ("HEAD^2", None),
            ("~1", None),
            ("HEAD~x", None),
            ("HEAD~99999999999999999999", None),
        ] {
            assert_eq!(stepped(text), expected, "{text}");
        }
    }
}
