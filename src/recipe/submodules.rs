//! Submodules: the parts of a checkout that come from another repository, pinned by the commit that is packed.
//!
//! They are fetched only where the published package has files below them. The commit id stands in the parent's tree, so
//! no branch or tag has to reach it; the address is a stranger's like any other.

use gix::ObjectId;
use gix::bstr::ByteSlice;

use crate::git::{GitError, Listing, Repository};

/// Opens the repository at an address that a `.gitmodules` names.
pub type Open<'a> = dyn Fn(&str) -> Result<Repository, GitError> + 'a;

/// One submodule, fetched.
pub struct Submodule {
    /// Its folder, relative to the package's.
    pub path: String,
    /// Its files.
    pub listing: Listing,
    /// Where their contents come from.
    pub repository: Repository,
}

/// The addresses in a `.gitmodules` file: `(path, url)`.
pub fn addresses(gitmodules: &[u8]) -> Vec<(String, String)> {
    let Some(file) = gitmodules.to_str().ok().and_then(|text| gix::config::File::try_from(text).ok()) else { return Vec::new() };
    let sections = file.sections_by_name("submodule").into_iter().flatten();
    sections
        .filter_map(|section| {
            let text = |key: &str| section.body().value(key).and_then(|value| value.to_str().ok().map(str::to_owned));
            Some((text("path")?, text("url")?))
        })
        .collect()
}

/// A submodule's address: as it stands, or, where it begins with `./` or `../`, relative to its parent's.
pub fn resolve(url: &str, parent: &str) -> Option<String> {
    if !url.starts_with("./") && !url.starts_with("../") {
        return Some(url.to_owned());
    }
    let (scheme, rest) = parent.trim_end_matches('/').split_once("://")?;
    let mut parts: Vec<&str> = rest.split('/').collect();
    for part in url.split('/') {
        match part {
            "." | "" => {}
            // The host is not a folder that one can leave.
            ".." if parts.len() > 1 => {
                parts.pop();
            }
            ".." => return None,
            name => parts.push(name),
        }
    }
    Some(format!("{scheme}://{}", parts.join("/")))
}

/// Fetches one submodule at its pinned commit.
pub fn fetch(path: &str, url: &str, commit: ObjectId, open: &Open<'_>) -> Result<Submodule, GitError> {
    let mut repository = open(url)?;
    let missing = || GitError::ObjectMissing { url: url.to_owned(), id: commit.to_string() };
    if !repository.ensure_commits(&[commit])?.is_empty() {
        return Err(missing());
    }
    let listing = repository.listing(&commit)?.ok_or_else(missing)?;
    Ok(Submodule { path: path.to_owned(), listing, repository })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_address_starts_at_the_parent() {
        let parent = "https://host.example/group/project";
        assert_eq!(resolve("../other.git", parent).as_deref(), Some("https://host.example/group/other.git"));
        assert_eq!(resolve("./child", parent).as_deref(), Some("https://host.example/group/project/child"));
        assert_eq!(resolve("../../../../x", parent), None);
        assert_eq!(resolve("https://a.example/b", parent).as_deref(), Some("https://a.example/b"));
    }

    #[test]
    fn gitmodules_are_read_as_git_reads_them() {
        let text = b"[submodule \"x\"]\n\tpath = vendor/x\n\turl = ../x.git\n[submodule \"y\"]\n\tpath = y\n";
        assert_eq!(addresses(text), vec![("vendor/x".to_owned(), "../x.git".to_owned())]);
    }
}
