//! Pipes and devices among the files of a command line: what is read from a pipe is waited for
//! until a signal comes, and nothing is written to one that nobody reads.

use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What ends the wait for pipes: see [`wait_until`].
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
/// Whether it ended the wait for one.
static CUT: AtomicBool = AtomicBool::new(false);
/// How often is looked whether the wait for a pipe is over.
const POLL: Duration = Duration::from_millis(20);
/// What is taken from a pipe at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Says what ends the wait for pipes and standard input: a signal to the program. A process has one
/// command line, and the first one counts.
pub(crate) fn wait_until(stop: Arc<AtomicBool>) {
    STOP.get_or_init(|| stop);
}

/// Whether a pipe was waited for until a signal came.
pub(crate) fn was_cut() -> bool {
    CUT.load(Ordering::Relaxed)
}

/// Standard input, until it ends or the program is to stop.
pub(crate) fn standard_input() -> impl Read + Send {
    Awaited::of(|| Ok(io::stdin()))
}

/// Opens what the user names on the command line: a regular file, or a pipe, as a shell's `<(…)`
/// is. The reader bounds what it takes; a pipe that nobody writes to is waited for, as any program
/// waits, until the program is to stop.
pub(crate) fn open_named(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&fs::metadata(path)?.file_type()) {
        let path = path.to_owned();
        return Ok(Box::new(Awaited::of(move || File::open(path))));
    }
    Ok(Box::new(store::at_hand::open(path)?))
}

/// Makes a file for what the user wants written, or empties the one that is there.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    check_output(path)?;
    File::create(path)
}

/// Fails for what is no place for an output: to open a pipe waits for its reader, without end where
/// none comes. What a shell has opened already, as its `>(…)`, is no such place, nor is /dev/null.
pub(crate) fn check_output(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let is_open = ["/dev/fd", "/proc/self/fd", "/dev/stdout", "/dev/stderr"].iter().any(|open| path.starts_with(open));
        let kind = fs::metadata(path).map(|about| about.file_type());
        if kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket() || kind.is_block_device()) && !is_open {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a pipe, a socket or a disk and no file"));
        }
    }
    #[cfg(not(unix))]
    let _: &Path = path;
    Ok(())
}

/// Fails where no file could be written by this name: its folder is not there, or nothing may be
/// written in it. Nothing is left behind, and what a shell has opened or a device is taken as it
/// is. Of a link the caller names the target.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    check_output(path)?;
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        Ok(about) if about.is_file() => File::options().append(true).open(path).map(drop),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            match fs::metadata(folder) {
                Ok(about) if !about.is_dir() => Err(io::Error::new(io::ErrorKind::NotADirectory, "its folder is a file")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Err(io::Error::new(io::ErrorKind::NotFound, "its folder is not there"))
                }
                Err(error) => Err(error),
                Ok(_) => tempfile::tempfile_in(folder).map(drop),
            }
        }
        Err(error) => Err(error),
    }
}

/// What a thread of its own reads, so that a signal ends the wait for it.
struct Awaited {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Cursor<Vec<u8>>,
}

impl Awaited {
    /// Opens and reads in the thread: both may wait.
    fn of<R: Read>(open: impl FnOnce() -> io::Result<R> + Send + 'static) -> Self {
        let (send, chunks) = sync_channel(1);
        std::thread::spawn(move || match open() {
            Ok(from) => Self::pass_on(from, &send),
            // An error of sending means that nobody reads any more, here and below.
            Err(error) => drop(send.send(Err(error))),
        });
        Self { chunks, chunk: Cursor::default() }
    }

    fn pass_on(mut from: impl Read, to: &SyncSender<io::Result<Vec<u8>>>) {
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = match from.read(&mut chunk) {
                Ok(0) => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Ok(size) => {
                    chunk.truncate(size);
                    Ok(chunk)
                }
                Err(error) => Err(error),
            };
            let is_error = read.is_err();
            if to.send(read).is_err() || is_error {
                return;
            }
        }
    }
}

impl Read for Awaited {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let size = self.chunk.read(into)?;
            if size > 0 || into.is_empty() {
                return Ok(size);
            }
            if STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                CUT.store(true, Ordering::Relaxed);
                return Err(io::Error::other("it was waited for until a signal came"));
            }
            match self.chunks.recv_timeout(POLL) {
                Ok(chunk) => self.chunk = Cursor::new(chunk?),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn pipe(folder: &Path) -> std::path::PathBuf {
        let pipe = folder.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()));
        pipe
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_a_file_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = pipe(folder.path());
        let text = "a line\n".repeat(50_000);
        let writer = std::thread::spawn({
            let (pipe, text) = (pipe.clone(), text.clone());
            move || fs::write(pipe, text).unwrap()
        });
        let mut said = String::new();
        open_named(&pipe).unwrap().read_to_string(&mut said).unwrap();
        writer.join().unwrap();
        assert!(said == text);
        assert!(open_named(Path::new("/dev/zero")).is_err() && open_named(folder.path()).is_err());
        assert_eq!(open_named(&folder.path().join("none")).err().unwrap().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_can_be_made_in_a_folder_alone_and_nothing_is_left_of_the_look() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("there"), "kept").unwrap();
        for (name, reason) in [("none/new", "its folder is not there"), ("there/new", "its folder is a file"), (".", "it is a folder")] {
            let error = check_writable(&at(name)).unwrap_err();
            assert!(error.to_string() == reason || error.kind() == io::ErrorKind::NotADirectory, "{name}: {error}");
        }
        for path in [at("new"), at("there"), "/dev/null".into(), "/dev/stdout".into()] {
            check_writable(&path).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(fs::read(at("there")).unwrap(), b"kept");
    }

    #[test]
    fn an_output_is_a_file_or_what_a_shell_has_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = pipe(folder.path());
        let link = folder.path().join("link to a pipe");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        for path in [&pipe, &link] {
            assert_eq!(create(path).unwrap_err().to_string(), "it is a pipe, a socket or a disk and no file");
        }
        assert!(create(Path::new("/dev/null")).is_ok() && create(&folder.path().join("new")).is_ok());
        for path in ["/dev/stdout", "/dev/null"] {
            check_output(Path::new(path)).unwrap();
        }
    }
}
