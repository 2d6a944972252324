//! The body of an answer: bounded, timed, cancellable; read piece by piece, at once, or as a
//! blocking `Read`.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout_at};

use super::gunzip::{Gunzip, GunzipError};
use super::{Cancel, HttpError, connect};

/// Pieces that wait between the network and a blocking reader.
const PIPE: usize = 8;

/// An answer's body. While it lives, it counts as one of the host's connections.
pub struct Body {
    pub(super) response: reqwest::Response,
    pub(super) url: String,
    pub(super) gunzip: Option<Gunzip>,
    pub(super) limit: u64,
    pub(super) read: u64,
    pub(super) read_timeout: Duration,
    pub(super) deadline: Option<(Instant, Duration)>,
    pub(super) cancel: Cancel,
    pub(super) ended: bool,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Body {
    /// The next piece; none at the end. Pieces are never empty.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        while !self.ended {
            let piece = self.next().await?;
            let room = self.limit - self.read;
            let unpacked = match (&mut self.gunzip, piece) {
                (None, Some(piece)) => Ok(piece),
                (Some(gunzip), Some(piece)) => gunzip.push(&piece, room),
                (gunzip, None) => {
                    self.ended = true;
                    gunzip.as_mut().map_or(Ok(Bytes::new()), Gunzip::finish)
                }
            };
            let unpacked = unpacked.map_err(|error| match error {
                GunzipError::TooLarge => self.too_large(),
                GunzipError::Damaged => HttpError::Malformed { url: self.url.clone(), reason: "its gzip is damaged".into() },
            })?;
            if unpacked.len() as u64 > room {
                return Err(self.too_large());
            }
            self.read += unpacked.len() as u64;
            if !unpacked.is_empty() {
                return Ok(Some(unpacked));
            }
        }
        Ok(None)
    }

    /// All of it. The limit is the request's.
    pub async fn bytes(mut self) -> Result<Vec<u8>, HttpError> {
        let mut all = Vec::new();
        while let Some(piece) = self.chunk().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    /// The body as a blocking reader, for a thread on which nothing async runs (`spawn_blocking` is
    /// one). The pieces are fetched on `runtime`; dropping the reader ends that.
    pub fn into_blocking(mut self, runtime: &Handle) -> BlockingBody {
        let (sender, pieces) = mpsc::channel(PIPE);
        runtime.spawn(async move {
            while let Some(piece) = self.chunk().await.transpose() {
                let failed = piece.is_err();
                if sender.send(piece).await.is_err() || failed {
                    return;
                }
            }
        });
        BlockingBody { pieces, current: Bytes::new() }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        let idle = Instant::now() + self.read_timeout;
        let (until, after) = match self.deadline {
            Some((deadline, total)) if deadline < idle => (deadline, total),
            _ => (idle, self.read_timeout),
        };
        let read = tokio::select! {
            biased;
            () = self.cancel.cancelled() => return Err(HttpError::Cancelled),
            read = timeout_at(until, self.response.chunk()) => read,
        };
        match read {
            Err(_) => Err(HttpError::Timeout { url: self.url.clone(), after }),
            Ok(Err(error)) => Err(connect::explain(&error, self.response.url(), None, after)),
            Ok(Ok(piece)) => Ok(piece),
        }
    }

    fn too_large(&self) -> HttpError {
        HttpError::TooLarge { url: self.url.clone(), limit: self.limit }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Body").field("url", &self.url).field("read", &self.read).finish_non_exhaustive()
    }
}

/// A body that is read without async. A failure comes as an `io::Error` whose inner error is the
/// [`HttpError`].
#[derive(Debug)]
pub struct BlockingBody {
    pieces: mpsc::Receiver<Result<Bytes, HttpError>>,
    current: Bytes,
}

impl Read for BlockingBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.current.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(Err(error)) => return Err(io::Error::other(error)),
                Some(Ok(piece)) => self.current = piece,
            }
        }
        let count = buffer.len().min(self.current.len());
        let piece = self.current.split_to(count);
        if let Some(target) = buffer.get_mut(..count) {
            target.copy_from_slice(&piece);
        }
        Ok(count)
    }
}
