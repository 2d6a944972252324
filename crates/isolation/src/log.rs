//! What a build prints: all of it is read, the beginning and the end are kept.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::error::SandboxError;

/// A build that prints this many times what is kept is no build.
const FLOOD: u64 = 64;

/// What a command printed, on both its outputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// The beginning and the end, with a line between them that says how much is missing.
    pub text: Vec<u8>,
    /// Bytes that were printed.
    pub total: u64,
}

/// Reads on a thread of its own: a build never waits for us, and we never wait for a build.
#[derive(Debug)]
pub(super) struct Reader {
    kept: Arc<Mutex<Kept>>,
    flooded: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Reader {
    pub(super) fn start(mut output: impl Read + Send + 'static, keep: u64) -> Result<Self, SandboxError> {
        let kept = Arc::new(Mutex::new(Kept::new(usize::try_from(keep).unwrap_or(usize::MAX))));
        let flooded = Arc::new(AtomicBool::new(false));
        let (says, ended) = channel();
        let (ours, flag) = (Arc::clone(&kept), Arc::clone(&flooded));
        let read = move || {
            // Dropped with the thread, which is what the other side waits for.
            let _says = says;
            let mut buffer = vec![0; 64 << 10];
            loop {
                match output.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(length) => {
                        let mut kept = ours.lock().unwrap_or_else(PoisonError::into_inner);
                        kept.add(buffer.get(..length).unwrap_or_default());
                        if kept.total > keep.saturating_mul(FLOOD) {
                            flag.store(true, Ordering::Release);
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // The pipe is ours: nothing is lost but what nobody can read.
                    Err(_) => return,
                }
            }
        };
        thread::Builder::new().name("build-log".to_owned()).spawn(read).map_err(SandboxError::io("read what a build prints"))?;
        Ok(Self { kept, flooded, ended })
    }

    /// Whether the build prints without end.
    pub(super) fn flooded(&self) -> bool {
        self.flooded.load(Ordering::Acquire)
    }

    /// What was printed. All of it, unless somebody who should be gone still holds the pipe.
    pub(super) fn finish(self) -> Log {
        const PATIENCE: Duration = Duration::from_millis(500);
        match self.ended.recv_timeout(PATIENCE) {
            Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).log()
    }
}

#[derive(Debug)]
struct Kept {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Kept {
    fn new(keep: usize) -> Self {
        Self { half: keep / 2, head: Vec::new(), tail: VecDeque::new(), total: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.total = self.total.saturating_add(bytes.len() as u64);
        let room = self.half.saturating_sub(self.head.len()).min(bytes.len());
        let (first, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..over);
    }

    fn log(&self) -> Log {
        let kept = (self.head.len() + self.tail.len()) as u64;
        let mut text = self.head.clone();
        if self.total > kept {
            text.extend(format!("\n[{} bytes are left out here]\n", self.total - kept).bytes());
        }
        text.extend(&self.tail);
        Log { text, total: self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let mut kept = Kept::new(8);
        for part in [b"abcdef".as_slice(), b"ghij", b"klmnop"] {
            kept.add(part);
        }
        assert_eq!(kept.log(), Log { text: b"abcd\n[8 bytes are left out here]\nmnop".to_vec(), total: 16 });
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let mut kept = Kept::new(8);
        kept.add(b"abc");
        kept.add(b"defgh");
        assert_eq!(kept.log(), Log { text: b"abcdefgh".to_vec(), total: 8 });
    }

    #[test]
    fn a_flood_is_noticed() {
        let reader = Reader::start(io::repeat(b'x').take(FLOOD * 10 + 1), 10).unwrap();
        let ended = reader.ended.recv_timeout(Duration::from_secs(30));
        assert_eq!(ended, Err(RecvTimeoutError::Disconnected));
        assert!(reader.flooded());
        assert_eq!(reader.finish().total, FLOOD * 10 + 1);
    }
}
