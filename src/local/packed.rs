//! From a folder to the tarball that a publish would send.
//!
//! Without pack scripts nothing is run: the file list and the archive are made here. Where
//! package.json has scripts that run while a package is packed, the package manager that is about
//! to publish packs it, as it will in a moment; so do all others than npm, whose lists and archives
//! are their own. Without one, as outside of a hook, the folder is packed as it stands, and the
//! result says so.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use npm_pack::era::Bins;
use npm_pack::gzip::{self, Match};
use npm_pack::list;
use npm_pack::tar::{self, Adopted};
use npm_pack::tree::{DirTree, LARGEST_READ};
use npm_tarball::{Archive, EntryKind, Limits};
use rebuild::SourceError;
use rebuild::build_run::disk::{self, DiskStock};
use rebuild::packing::Stock;
use recipe::Checkout;
use report::terminal::shown_client;
use store::at_hand;

use super::client::Client;
use super::error::LocalError;

/// Scripts that npm runs on the way from a folder to its tarball
/// (docs.npmjs.com/cli/using-npm/scripts).
const PACK_SCRIPTS: [&str; 3] = ["prepack", "prepare", "postpack"];
/// How often a running package manager is looked at.
const POLL: Duration = Duration::from_millis(25);
/// How much of what it printed is shown when it fails, in bytes.
const SHOWN: u64 = 2000;
/// How much it may print at all, in bytes.
const MOST_PRINTED: u64 = 64 << 20;

/// Until when the package manager may pack.
#[derive(Debug)]
pub(super) struct Until {
    /// The user does not want to wait any longer.
    pub(super) cancelled: Arc<AtomicBool>,
    /// The longest time; `None` for any.
    pub(super) limit: Option<Duration>,
    /// From when on it counts.
    pub(super) began: Instant,
}

/// The tarball of a folder.
#[derive(Debug)]
pub(super) struct Packed {
    /// The gzipped archive.
    pub(super) bytes: Vec<u8>,
    /// Its files, sorted by path.
    pub(super) files: Vec<String>,
    /// package.json as it would be published.
    pub(super) manifest: Value,
    /// Who wrote it, for people.
    pub(super) by: String,
    /// Scripts that a publish will run and that were not run.
    pub(super) not_run: Vec<&'static str>,
}

impl Packed {
    /// A text of package.json.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.manifest.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    /// The script of this name.
    pub(super) fn script(&self, name: &str) -> Option<&str> {
        self.manifest.get("scripts")?.get(name)?.as_str().filter(|script| !script.trim().is_empty())
    }
}

/// Packs `folder`, which is `directory` of the checkout at `root`.
pub(super) fn pack(folder: &Path, (root, directory): (&Path, &str), client: &Client, until: &Until) -> Result<Packed, LocalError> {
    let no_manifest = || LocalError::NoManifest { path: folder.to_owned() };
    let text = at_hand::read(&folder.join("package.json"), LARGEST_READ).map_err(|_| no_manifest())?;
    let manifest: Value = serde_json::from_slice(npm_spec::manifest::without_bom(&text)).map_err(|_| no_manifest())?;
    if !manifest.is_object() {
        return Err(no_manifest());
    }
    let scripts: Vec<_> = PACK_SCRIPTS.into_iter().filter(|name| manifest.pointer(&format!("/scripts/{name}")).is_some()).collect();
    let into = tempfile::tempdir()?;
    let natively_like_npm = client.is("npm") && scripts.is_empty();
    let (bytes, by, not_run) = match client.pack_command(into.path()).filter(|_| !natively_like_npm) {
        Some(command) => {
            let name = client.name.as_deref().unwrap_or_default();
            (by_client(folder, command, into.path(), until)?, format!("{name} pack"), Vec::new())
        }
        None => (natively(root, directory, client, &manifest)?, format!("the file list of {}", shown_client(client.rules().name)), scripts),
    };
    let archive = Archive::read(bytes.as_slice(), &Limits::default()).map_err(SourceError::from)?;
    let files = archive.entries().iter().filter(|entry| entry.kind == EntryKind::File).map(|entry| entry.path.clone()).collect();
    // pnpm publishes another package.json than the folder's.
    let published = archive.get("package.json").and_then(|entry| archive.content(entry).ok()).unwrap_or_default();
    let manifest = serde_json::from_slice(npm_spec::manifest::without_bom(&published)).unwrap_or(manifest);
    Ok(Packed { bytes, files, manifest, by, not_run })
}

/// Packs what is on disk as the client does.
fn natively(root: &Path, directory: &str, client: &Client, manifest: &Value) -> Result<Vec<u8>, LocalError> {
    let era = client.era().ok_or(SourceError::NothingBuilt)?;
    let tree = DirTree::new(root)?;
    let stock = DiskStock::open(&tree, directory, "", None)?;
    let shelves = stock.shelves(Checkout::Posix);
    let around = disk::surroundings(&tree, directory);
    let entries = list::entries(&*shelves, client.rules(), &around).map_err(SourceError::from)?;
    let mut members = Vec::with_capacity(entries.len());
    for entry in &entries {
        members.extend(shelves.member(entry)?);
    }
    let mut archive = tempfile::tempfile()?;
    tar::write(&members, era, &Bins::of(manifest), &Adopted::default(), &mut archive).map_err(SourceError::from)?;
    archive.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    gzip::compress(&mut archive, Match::usual(era, None), &mut bytes).map_err(SourceError::from)?;
    Ok(bytes)
}

/// Has the package manager pack. Its scripts are the maintainer's own, and a publish runs them too.
fn by_client(folder: &Path, mut command: Command, into: &Path, until: &Until) -> Result<Vec<u8>, LocalError> {
    let printed = tempfile::NamedTempFile::new()?;
    // With what it starts it is a group of its own, which can be ended as a whole.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let child = command
        .current_dir(folder)
        // Nothing of this program is to run in the scripts, and a publish that is only tried must
        // still pack.
        .env("REPRODUCE_ACTIVE", "1")
        .env_remove("npm_config_dry_run")
        .env_remove("npm_config_json")
        .stdin(Stdio::null())
        .stdout(printed.reopen()?)
        .stderr(printed.reopen()?)
        .spawn()?;
    let status = Running { child, ended: false }.wait(until, printed.as_file())?;
    let failed =
        |exit: String| Ok::<_, LocalError>(LocalError::Client { command: words(&command), exit, output: tail(printed.reopen()?)? });
    let Some(status) = status else {
        return Err(failed(format!("it printed more than {} MiB", MOST_PRINTED >> 20))?);
    };
    let tarball = std::fs::read_dir(into)?.filter_map(Result::ok).find(|entry| entry.path().extension().is_some_and(|end| end == "tgz"));
    match tarball.filter(|_| status.success()) {
        Some(tarball) => Ok(at_hand::read(&tarball.path(), Limits::default().compressed)?),
        None => Err(failed(status.code().map_or_else(|| "ended by a signal".to_owned(), |code| format!("exit code {code}")))?),
    }
}

/// The package manager at work. It ends with this value, and so does all that it started.
struct Running {
    child: Child,
    ended: bool,
}

impl Running {
    /// Waits for it; `None` where it printed more than is read.
    fn wait(mut self, until: &Until, printed: &File) -> Result<Option<ExitStatus>, LocalError> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.ended = true;
                return Ok(Some(status));
            }
            if until.cancelled.load(Ordering::Relaxed) {
                return Err(LocalError::Cancelled);
            }
            if let Some(limit) = until.limit.filter(|limit| until.began.elapsed() >= *limit) {
                return Err(LocalError::TimedOut(limit));
            }
            if printed.metadata()?.len() > MOST_PRINTED {
                return Ok(None);
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // It is not reaped yet, so that its number is still its group's. There is nobody to tell
        // what fails.
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command as it is shown.
fn words(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(std::ffi::OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// The end of a file, as text.
fn tail(mut file: File) -> Result<String, LocalError> {
    let mut bytes = Vec::new();
    let from = file.seek(SeekFrom::End(0))?.saturating_sub(SHOWN);
    file.seek(SeekFrom::Start(from))?;
    file.take(SHOWN).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}
