//! Packages that `deno pack` wrote (Deno 2.8 and later): it compiles what deno.json exports and
//! writes a package.json of its own. Which files there are, and their bytes, is Deno's compiler's
//! word, and no other program's.

use git::{GitError, Repository};
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use npm_pack::fingerprint::{Form, HeaderEntry};
use rebuild::Published;

/// Deno's configuration, by its names.
const FILES: [&str; 2] = ["deno.json", "deno.jsonc"];
/// Configurations of a repository that are looked into.
const MOST: usize = 64;
/// Bytes of one that are looked into.
const LARGEST: u64 = 1 << 20;

/// The headers of its archives: package.json first, no times, and no numbers of devices.
fn is_of_deno(published: &Published) -> bool {
    let Some(headers) = &published.headers else { return false };
    let plain = |entry: &HeaderEntry| entry.flag == b'0' && entry.mtime == Some(0) && entry.forms.device == Form::Empty;
    headers.entries.first().is_some_and(|first| first.path == "package.json") && headers.entries.iter().all(plain)
}

/// The configuration of a commit that names the package, where Deno packed what was published.
pub(crate) fn configuration(
    repository: &mut Repository,
    commit: Option<ObjectId>,
    name: &str,
    published: &Published,
) -> Result<Option<String>, GitError> {
    let Some(commit) = commit.or_else(|| repository.head()).filter(|_| is_of_deno(published)) else { return Ok(None) };
    repository.ensure_commits(&[commit])?;
    let Some(listing) = repository.listing(&commit)? else { return Ok(None) };
    let is_one = |path: &str| FILES.contains(&path.rsplit('/').next().unwrap_or(path));
    let found: Vec<_> = listing
        .entries
        .iter()
        .filter(|entry| matches!(entry.kind, EntryKind::Blob | EntryKind::BlobExecutable) && is_one(&entry.path))
        .take(MOST)
        .collect();
    repository.ensure_blobs(found.iter().map(|entry| entry.id))?;
    for entry in found {
        // A larger one names nothing: only a word depends on it.
        if repository.blob_up_to(&entry.id, LARGEST)?.is_some_and(|text| names(&text, name)) {
            return Ok(Some(entry.path.clone()));
        }
    }
    Ok(None)
}

/// Whether a configuration has this name. Comments may stand in it, so it is not read as JSON; only
/// a word depends on it.
fn names(configuration: &[u8], name: &str) -> bool {
    let Ok(text) = std::str::from_utf8(configuration) else { return false };
    let value =
        |rest: &str| Some(rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.strip_prefix(name)?.starts_with('"'));
    text.split("\"name\"").skip(1).any(|rest| value(rest) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_that_of_the_whole_package() {
        for (text, expected) in [
            (r#"{"name":"@s/a"}"#, true),
            ("{\n  // ours\n  \"name\" : \"@s/a\",\n}", true),
            (r#"{"name":"@s/ab"}"#, false),
            (r#"{"names":"@s/a"}"#, false),
            (r#"{"name":"x","imports":{"@s/a":"npm:@s/a"}}"#, false),
        ] {
            assert_eq!(names(text.as_bytes(), "@s/a"), expected, "{text}");
        }
    }
}
