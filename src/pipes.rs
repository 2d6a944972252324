//! Pipes among the files that a command line reads: one is waited for until a signal comes.

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
}
