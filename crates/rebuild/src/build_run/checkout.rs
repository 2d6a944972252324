//! A commit's files on a disk, as a checkout on the publisher's machine had them, with a `.git`
//! that answers questions.
//!
//! Builds ask git for the commit, a description or the list of files. The `.git` here has the
//! commit with its own objects and its tag; no history, no other commit's objects, no hook, and
//! nothing of the user's.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use gix::objs::tree::EntryKind;

use git::Repository;
use recipe::Checkout;

use crate::SourceError;
use crate::checkout::Folder;

/// Writes all files of `folder`, which were ensured, into the empty folder `into`. Links come last,
/// so that no file is written through one.
pub(super) fn write_files(folder: &Folder<'_>, repository: &Repository, into: &Path, checkout: Checkout) -> Result<(), SourceError> {
    let view = folder.view(repository, checkout);
    let mut links = Vec::new();
    for (path, kind) in folder.files() {
        match kind {
            EntryKind::Link => links.push(path),
            // A submodule that could not be had is an empty folder, as git makes it.
            EntryKind::Commit | EntryKind::Tree => fs::create_dir_all(into.join(path))?,
            EntryKind::Blob | EntryKind::BlobExecutable => {
                let content = view.content(path)?.unwrap_or_default();
                write_file(&into.join(path), &content, kind == EntryKind::BlobExecutable)?;
            }
        }
    }
    for path in links {
        let target = view.content(path)?.unwrap_or_default();
        link(&String::from_utf8_lossy(&target), &into.join(path))?;
    }
    Ok(())
}

fn write_file(path: &Path, content: &[u8], executable: bool) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o755 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path)?.write_all(content)
}

#[cfg(unix)]
fn link(target: &str, path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    std::os::unix::fs::symlink(target, path)
}

/// As git does where links cannot be made: a file with the target as its content.
#[cfg(not(unix))]
fn link(target: &str, path: &Path) -> io::Result<()> {
    write_file(path, target.as_bytes(), false)
}

/// What a `.git` is made of.
pub(super) struct GitDir<'a> {
    /// The commit that is checked out.
    pub(super) commit: &'a str,
    /// The ref that led to it.
    pub(super) reference: Option<&'a str>,
    /// The repository's address, by the commit's own word.
    pub(super) url: Option<&'a str>,
}

impl GitDir<'_> {
    /// Makes `.git` in a checkout.
    pub(super) fn write(&self, checkout: &Path) -> io::Result<()> {
        let dir = checkout.join(".git");
        for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"] {
            fs::create_dir_all(dir.join(folder))?;
        }
        let put = |name: &str, text: &str| fs::write(dir.join(name), text);
        put("HEAD", &format!("{}\n", self.commit))?;
        put("shallow", &format!("{}\n", self.commit))?;
        // The address is a stranger's text: only what needs no escaping stands in a configuration
        // file.
        let is_plain = |url: &&str| url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'#' | b';'));
        let remote = self.url.filter(is_plain).map(|url| format!("[remote \"origin\"]\n\turl = {url}\n")).unwrap_or_default();
        put("config", &format!("[core]\n\trepositoryformatversion = 0\n\tbare = false\n{remote}"))?;
        if let Some(name) = self.reference.filter(|name| is_plain_ref(name)) {
            let path: PathBuf = dir.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(path, format!("{}\n", self.commit))?;
        }
        Ok(())
    }
}

/// A branch or tag whose name can be a path below `.git` without meaning another.
fn is_plain_ref(name: &str) -> bool {
    let below = name.strip_prefix("refs/tags/").or_else(|| name.strip_prefix("refs/heads/"));
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.len() < 200;
    below.is_some_and(|rest| rest.split('/').all(part) && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_a_path_below_git_only_where_it_cannot_lead_elsewhere() {
        assert!(is_plain_ref("refs/tags/v1.0.0") && is_plain_ref("refs/tags/@scope/name@1.0.0"));
        for odd in ["refs/tags/../../config", "refs/tags/.x", "HEAD", "refs/tags/", "refs/tags/a//b", "config"] {
            assert!(!is_plain_ref(odd), "{odd}");
        }
    }

    #[test]
    fn an_address_that_needs_escaping_is_left_out_of_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        let git = GitDir { commit: "c0", reference: Some("refs/tags/v1"), url: Some("https://x/\"]\n[core]\n\thooksPath=/") };
        git.write(dir.path()).unwrap();
        assert!(!fs::read_to_string(dir.path().join(".git/config")).unwrap().contains("hooksPath"));
        assert_eq!(fs::read_to_string(dir.path().join(".git/refs/tags/v1")).unwrap(), "c0\n");
    }
}
