//! Submodules: the parts of a checkout that come from another repository, pinned by the commit that
//! is packed.
//!
//! A checkout has all of them, or none: what was published never chooses those that are there.
//! The commit id stands in the parent's tree, so no branch or tag has to reach it; the address is a
//! stranger's like any other. One that cannot be had is an empty folder, as it is in a checkout
//! without submodules, and is reported; where that is more than a few, all are.

use std::collections::HashMap;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;

use git::{GitError, Listing, Repository};
use npm_spec::path::join;

/// Opens the repository at an address that a `.gitmodules` names.
pub type Open<'a> = dyn Fn(&str) -> Result<Repository, GitError> + 'a;

/// Most submodules of one package that are fetched, the first by their paths: each is a request to
/// a host of the repository's choice.
const MAX: usize = recipe::MAX_SUBMODULES;

/// Most of these that may be missing where others are there: a byte by the word of their hosts.
pub(super) const MOST_LEFT_OUT: usize = 8;

/// Why all are left out where more are missing.
pub(super) const TOO_FEW: &str = "too many others cannot be had, and a checkout has all submodules or none";

/// A submodule as the parent's tree has it.
pub(super) struct Pinned {
    /// Its folder, relative to the package's.
    pub(super) path: String,
    /// Its folder in the parent's tree, by which `.gitmodules` names it.
    pub(super) in_tree: String,
    /// The commit.
    pub(super) commit: ObjectId,
}

/// One submodule, fetched.
pub(super) struct Submodule {
    /// Its place in the parent's tree.
    pub(super) pinned: Pinned,
    /// Its files.
    pub(super) listing: Listing,
    /// Where their contents come from: an index of [`Submodules::repositories`].
    pub(super) repository: usize,
}

/// What could be had of a package's submodules.
#[derive(Default)]
pub(super) struct Submodules {
    /// Those that are here.
    pub(super) found: Vec<Submodule>,
    /// Their repositories, each once.
    pub(super) repositories: Vec<Repository>,
    /// A line for each that cannot be had.
    pub(super) unavailable: Vec<String>,
}

/// The addresses in a `.gitmodules` file by path; of two for one path the last counts, as in git.
pub(super) fn addresses(gitmodules: &[u8]) -> HashMap<String, String> {
    let Some(file) = gitmodules.to_str().ok().and_then(|text| gix::config::File::try_from(text).ok()) else { return HashMap::new() };
    let sections = file.sections_by_name("submodule").into_iter().flatten();
    sections
        .filter_map(|section| {
            let text = |key: &str| section.body().value(key).and_then(|value| value.to_str().ok().map(str::to_owned));
            Some((text("path")?, text("url")?))
        })
        .collect()
}

/// A submodule's address: as it stands, or, where it begins with `./` or `../`, relative to its
/// parent's.
pub(super) fn resolve(url: &str, parent: &str) -> Option<String> {
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

/// The line that reports a submodule that cannot be had.
pub(super) fn left_out(in_tree: &str, why: impl std::fmt::Display) -> String {
    format!("the submodule {in_tree} is left out: {why}")
}

/// Lines for the submodules of a submodule that are needed.
pub(super) fn nested<'a>(outer: &'a Submodule, is_needed: &'a dyn Fn(&str) -> bool) -> impl Iterator<Item = String> + 'a {
    let inner = outer.listing.entries.iter().filter(|entry| entry.kind == EntryKind::Commit);
    let needed = inner.filter(|entry| is_needed(&join(&outer.pinned.path, &entry.path)));
    needed.map(|entry| left_out(&join(&outer.pinned.in_tree, &entry.path), "submodules of submodules are not fetched"))
}

/// The line for a submodule whose commit no branch and no tag of its repository leads to.
pub(super) fn unreached(pinned: &Pinned, url: &str) -> String {
    let Pinned { in_tree, commit, .. } = pinned;
    format!("the submodule {in_tree} is at {commit}, which no branch and no tag of {url} leads to: it may be of a fork or a pull request")
}

/// The line for a submodule of which that cannot be found out.
pub(super) fn history_unread(pinned: &Pinned, why: &GitError) -> String {
    format!("whether a branch or tag leads to the commit of the submodule {} could not be found out: {why}", pinned.in_tree)
}

/// Whether an error ends the run, and is not one submodule's own.
pub(super) fn ends_the_run(error: &GitError) -> bool {
    matches!(error, GitError::Cancelled | GitError::Cache { .. })
}

/// Fetches the submodules at their pinned commits; `parent` is the address of the repository that
/// pins them.
pub(super) fn fetch(
    pinned: Vec<Pinned>,
    addresses: &HashMap<String, String>,
    parent: &str,
    open: &Open<'_>,
) -> Result<Submodules, GitError> {
    let mut all = Submodules::default();
    let mut opened: HashMap<String, Result<usize, String>> = HashMap::new();
    let beyond = pinned.len().saturating_sub(MAX);
    for one in pinned.into_iter().take(MAX) {
        let Some(url) = addresses.get(&one.in_tree).and_then(|url| resolve(url, parent)) else {
            all.unavailable.push(left_out(&one.in_tree, ".gitmodules gives no address for it"));
            continue;
        };
        let known = if let Some(known) = opened.get(&url) {
            known.clone()
        } else {
            let known = match open(&url) {
                Ok(repository) => {
                    all.repositories.push(repository);
                    Ok(all.repositories.len() - 1)
                }
                Err(error) if ends_the_run(&error) => return Err(error),
                Err(error) => Err(error.to_string()),
            };
            opened.insert(url.clone(), known.clone());
            known
        };
        let listed = match &known {
            Ok(at) => all.repositories.get_mut(*at).map(|repository| (*at, listing(repository, &url, one.commit))),
            Err(why) => {
                all.unavailable.push(left_out(&one.in_tree, why));
                None
            }
        };
        match listed {
            Some((repository, Ok(listing))) => all.found.push(Submodule { pinned: one, listing, repository }),
            Some((_, Err(error))) if ends_the_run(&error) => return Err(error),
            Some((_, Err(error))) => all.unavailable.push(left_out(&one.in_tree, error)),
            None => {}
        }
    }
    if beyond > 0 {
        all.unavailable.push(format!("{beyond} more submodules are left out: {MAX} are fetched at most"));
    }
    Ok(all)
}

fn listing(repository: &mut Repository, url: &str, commit: ObjectId) -> Result<Listing, GitError> {
    let missing = || GitError::ObjectMissing { url: url.to_owned(), id: commit.to_string() };
    if !repository.ensure_commits(&[commit])?.is_empty() {
        return Err(missing());
    }
    repository.listing(&commit)?.ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

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
        assert_eq!(addresses(text), HashMap::from([("vendor/x".to_owned(), "../x.git".to_owned())]));
    }

    #[test]
    fn of_two_addresses_for_one_path_the_last_counts() {
        let text =
            b"[submodule \"x\"]\n\tpath = x\n\turl = https://a.example/1\n[submodule \"z\"]\n\tpath = x\n\turl = https://a.example/2\n";
        assert_eq!(addresses(text), HashMap::from([("x".to_owned(), "https://a.example/2".to_owned())]));
    }

    fn pinned(count: usize) -> Vec<Pinned> {
        let one = |at| Pinned { path: format!("m{at}"), in_tree: format!("m{at}"), commit: ObjectId::null(gix::hash::Kind::Sha1) };
        (0..count).map(one).collect()
    }

    /// Fetches from a host that has nothing, and returns what was asked for.
    fn ask(count: usize, url: impl Fn(usize) -> String) -> (Vec<String>, Vec<String>) {
        let asked = RefCell::new(Vec::new());
        let open = |url: &str| {
            asked.borrow_mut().push(url.to_owned());
            Err(GitError::NotFound { url: url.to_owned(), status: 404 })
        };
        let addresses = (0..count).map(|at| (format!("m{at}"), url(at))).collect();
        let all = fetch(pinned(count), &addresses, "https://host.example/p", &open).expect("no failure of ours");
        assert!(all.found.is_empty());
        (asked.into_inner(), all.unavailable)
    }

    #[test]
    fn a_submodule_that_is_gone_is_reported_and_the_address_asked_once() {
        let (asked, unavailable) = ask(2, |_| "https://a.example/gone".into());
        assert_eq!(asked, ["https://a.example/gone"]);
        assert_eq!(unavailable.len(), 2);
        assert!(unavailable[1].starts_with("the submodule m1 is left out: "), "{unavailable:?}");
    }

    #[test]
    fn no_more_than_the_limit_of_hosts_is_asked() {
        let (asked, unavailable) = ask(MAX + 5, |at| format!("https://a.example/{at}"));
        assert_eq!(asked.len(), MAX);
        assert_eq!(unavailable.len(), MAX + 1);
        assert!(unavailable[MAX].starts_with("5 more submodules"), "{unavailable:?}");
    }

    #[test]
    fn a_submodule_without_an_address_is_reported() {
        let open = |_: &str| Err(GitError::Cancelled);
        let all = fetch(pinned(1), &HashMap::new(), "https://host.example/p", &open).expect("nothing is asked");
        assert_eq!(all.unavailable.len(), 1);
    }

    #[test]
    fn a_cancelled_run_ends_at_once() {
        let open = |_: &str| Err(GitError::Cancelled);
        let addresses = HashMap::from([("m0".to_owned(), "https://a.example/x".to_owned())]);
        assert!(matches!(fetch(pinned(1), &addresses, "https://host.example/p", &open), Err(GitError::Cancelled)));
    }
}
