//! Toolchains that no npm registry has and that the user puts in reach: folders with a `bin`, as
//! `rust=/opt/rust`.
//!
//! A build sees such a folder read-only. It is known by its bytes, as everything that a build is
//! made from: all of its files are hashed, so nothing may lead out of it, and nobody else may be
//! able to change it afterwards.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use npm_toolchain::sha256_of_file;
use recipe::{ToolchainInfo, is_toolchain_name};

/// Most files and folders of a toolchain, the deepest folder, and most bytes: Rust's has a few
/// thousand files and a gigabyte, an Emscripten SDK ten times that.
const MAX_ENTRIES: usize = 300_000;
const MAX_DEPTH: usize = 64;
const MAX_BYTES: u64 = 32 << 30;
/// Most programs that are listed by name.
const MAX_PROGRAMS: usize = 1_000;

/// What was hashed in this process, by the folder and the state that the system says of its files:
/// a survey asks for every package.
static KNOWN: Mutex<BTreeMap<(PathBuf, String), Hashed>> = Mutex::new(BTreeMap::new());

/// A toolchain that the user put in reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolchainByUser {
    /// Its folder, without links on the way.
    pub root: PathBuf,
    /// Its name, and what it is by its bytes.
    pub info: ToolchainInfo,
}

/// The hash of everything, and of each program.
#[derive(Debug, Clone)]
struct Hashed {
    digest: String,
    programs: BTreeMap<String, String>,
}

/// A file or a link of a toolchain.
struct Part {
    path: String,
    data: Metadata,
    link: Option<PathBuf>,
}

impl ToolchainByUser {
    /// Reads the folder; `home` may not be below it. An error is a line about what is wrong with
    /// the name or the folder.
    pub fn open(name: &str, folder: &Path, home: Option<&Path>) -> Result<Self, String> {
        if !is_toolchain_name(name) {
            return Err("a name has lower-case letters, digits and single - or _ between them, 32 at most".to_owned());
        }
        let said = |error: io::Error| format!("{}: {error}", folder.display());
        let root = folder.canonicalize().map_err(said)?;
        let real_home = home.and_then(|home| home.canonicalize().ok());
        if real_home.is_some_and(|home| home.starts_with(&root)) {
            return Err(format!("{} is no toolchain's folder: your home folder is in it", root.display()));
        }
        if !root.join("bin").is_dir() {
            return Err(format!("there is no folder bin in {}", root.display()));
        }
        let parts = parts(&root)?;
        let key = (root.clone(), stamp(&parts));
        let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let hashed = match known {
            Some(known) => known,
            None => hashed(&root, &parts).map_err(|error| format!("{}: {error}", root.display()))?,
        };
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(key, hashed.clone());
        let Hashed { digest, programs } = hashed;
        Ok(Self { root, info: ToolchainInfo { name: name.to_owned(), digest, programs } })
    }
}

/// Everything in the folder but folders, in byte order; an error where a file is none that can be
/// known by its bytes.
fn parts(root: &Path) -> Result<Vec<Part>, String> {
    let (mut all, mut seen, mut bytes) = (Vec::new(), 0, 0_u64);
    let mut folders = vec![(String::new(), 0)];
    check_mode(root, &fs::symlink_metadata(root).map_err(|error| format!("{}: {error}", root.display()))?)?;
    while let Some((folder, depth)) = folders.pop() {
        let said = |error: io::Error| format!("{}: {error}", root.join(&folder).display());
        for entry in fs::read_dir(root.join(&folder)).map_err(said)? {
            let entry = entry.map_err(said)?;
            let place = entry.path();
            let bad = |why: &str| Err(format!("{} {why}", place.display()));
            let Ok(name) = entry.file_name().into_string() else { return bad("has a name that is not text") };
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            let data = fs::symlink_metadata(&place).map_err(said)?;
            seen += 1;
            bytes = bytes.saturating_add(if data.is_file() { data.len() } else { 0 });
            if seen > MAX_ENTRIES || bytes > MAX_BYTES || depth > MAX_DEPTH {
                return Err(format!("{} has too many files, or too large or too deep ones, for a toolchain", root.display()));
            }
            if data.is_symlink() {
                let inside = place.canonicalize().is_ok_and(|target| target.starts_with(root));
                let target = fs::read_link(&place).map_err(said)?;
                if !inside || target.is_absolute() {
                    return bad("is a link that leads out of the toolchain, or is absolute or broken");
                }
                all.push(Part { path, data, link: Some(target) });
                continue;
            }
            check_mode(&place, &data)?;
            if data.is_dir() {
                folders.push((path, depth + 1));
            } else if data.is_file() {
                all.push(Part { path, data, link: None });
            } else {
                return bad("is neither a file nor a folder");
            }
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(all)
}

/// An error where anybody may change it.
#[cfg(unix)]
fn check_mode(place: &Path, data: &Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt as _;
    if data.mode() & 0o002 == 0 { Ok(()) } else { Err(format!("{} can be changed by every user of this machine", place.display())) }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on the systems that have modes")]
fn check_mode(_: &Path, _: &Metadata) -> Result<(), String> {
    Ok(())
}

#[cfg(unix)]
fn mode(data: &Metadata) -> u32 {
    use std::os::unix::fs::MetadataExt as _;
    data.mode() & 0o7777
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> u32 {
    0o644
}

/// A name for the state of the files, as far as the system tells it.
fn stamp(parts: &[Part]) -> String {
    let mut hash = Sha256::new();
    for Part { path, data, link } in parts {
        #[cfg(unix)]
        let changed = {
            use std::os::unix::fs::MetadataExt as _;
            (data.ino(), data.dev(), data.ctime(), data.ctime_nsec())
        };
        #[cfg(not(unix))]
        let changed = data.created().ok();
        hash.update(format!("{path}\0{:o} {} {changed:?} {:?} {link:?}\0", mode(data), data.len(), data.modified().ok()));
    }
    hex::encode(hash.finalize())
}

/// Reads every file.
fn hashed(root: &Path, parts: &[Part]) -> io::Result<Hashed> {
    let (mut hash, mut programs) = (Sha256::new(), BTreeMap::new());
    let mut contents: BTreeMap<&str, String> = BTreeMap::new();
    for Part { path, data, link } in parts {
        if let Some(target) = link {
            hash.update(format!("link {} {path}\0", target.display()));
            continue;
        }
        let content = sha256_of_file(&root.join(path))?;
        hash.update(format!("{:o} file {content} {path}\0", mode(data)));
        contents.insert(path, content);
    }
    // `bin` may be a link to another folder of the toolchain.
    let bin = root.join("bin").canonicalize().ok();
    let bin = bin.as_deref().and_then(|bin| bin.strip_prefix(root).ok()?.to_str()).unwrap_or("bin");
    for Part { path, .. } in parts {
        let inside = if bin.is_empty() { Some(path.as_str()) } else { path.strip_prefix(bin).and_then(|rest| rest.strip_prefix('/')) };
        let Some(name) = inside.filter(|name| !name.contains('/')) else { continue };
        let target = root.join(path).canonicalize()?;
        let target = target.strip_prefix(root).ok().and_then(Path::to_str).and_then(|target| contents.get(target));
        if let Some(content) = target.filter(|_| programs.len() < MAX_PROGRAMS) {
            programs.insert(name.to_owned(), content.clone());
        }
    }
    Ok(Hashed { digest: hex::encode(hash.finalize()), programs })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn toolchain() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::write(folder.path().join("bin/cargo"), "#!/bin/sh\n").unwrap();
        folder
    }

    fn open(folder: &Path) -> Result<ToolchainByUser, String> {
        ToolchainByUser::open("rust", folder, None)
    }

    #[test]
    fn every_change_shows_in_the_digest_and_programs_are_named() {
        let folder = toolchain();
        let before = open(folder.path()).unwrap().info;
        assert_eq!(before.programs.keys().collect::<Vec<_>>(), ["cargo"]);
        assert_eq!(open(folder.path()).unwrap().info, before);
        fs::write(folder.path().join("bin/cargo"), "#!/bin/bash\n").unwrap();
        let after = open(folder.path()).unwrap().info;
        assert_ne!(after.digest, before.digest);
        assert_ne!(after.programs, before.programs);
        symlink("cargo", folder.path().join("bin/rustc")).unwrap();
        let linked = open(folder.path()).unwrap().info;
        assert_eq!(linked.programs.get("rustc"), linked.programs.get("cargo"));
        assert_ne!(linked.digest, after.digest);
    }

    #[test]
    fn programs_are_named_where_bin_is_a_link() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("real/more")).unwrap();
        fs::write(folder.path().join("real/cargo"), "#!/bin/sh\n").unwrap();
        fs::write(folder.path().join("real/more/inner"), "x").unwrap();
        symlink("real", folder.path().join("bin")).unwrap();
        assert_eq!(open(folder.path()).unwrap().info.programs.keys().collect::<Vec<_>>(), ["cargo"]);
        let flat = tempfile::tempdir().unwrap();
        fs::write(flat.path().join("cargo"), "#!/bin/sh\n").unwrap();
        symlink(".", flat.path().join("bin")).unwrap();
        assert_eq!(open(flat.path()).unwrap().info.programs.keys().collect::<Vec<_>>(), ["cargo"]);
    }

    #[test]
    fn what_leads_out_or_can_be_changed_by_everybody_is_refused() {
        for target in ["/etc/passwd", "../../../etc/passwd", "nowhere"] {
            let folder = toolchain();
            symlink(target, folder.path().join("bin/x")).unwrap();
            assert!(open(folder.path()).unwrap_err().contains("link"), "{target}");
        }
        for path in ["bin/cargo", "bin", ""] {
            let folder = toolchain();
            fs::set_permissions(folder.path().join(path), fs::Permissions::from_mode(0o777)).unwrap();
            assert!(open(folder.path()).unwrap_err().contains("every user"), "{path}");
        }
        let folder = toolchain();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("s")).unwrap();
        assert!(open(folder.path()).is_err());
    }

    #[test]
    fn a_folder_that_is_no_toolchain_or_holds_the_home_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(open(folder.path()).unwrap_err().contains("bin"));
        let folder = toolchain();
        let home = folder.path().join("bin");
        assert!(ToolchainByUser::open("rust", folder.path(), Some(&home)).unwrap_err().contains("home"));
        for name in ["", "..", "a/b", "a..b", "-a", "a-", "A", "a b", &"a".repeat(33)] {
            assert!(ToolchainByUser::open(name, folder.path(), None).unwrap_err().contains("name"), "{name}");
        }
    }
}
