//! The body of an answer: some bytes, or a file that is read while it is sent.
//!
//! A build can ask for much and then not read it. So nothing here waits on a thread, a file is read
//! piece by piece as the client takes it, and bytes hold their share of the room that all answers
//! have together until they are gone.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf as _, Bytes};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Bytes that are handed over at once, and pieces of a file that wait for a slow client.
const PIECE: usize = 64 << 10;
const WAITING: usize = 2;

/// An answer's body, of a length that is known before.
pub(super) enum Reply {
    Bytes { bytes: Bytes, _room: Option<OwnedSemaphorePermit> },
    File { pieces: mpsc::Receiver<io::Result<Bytes>>, left: u64 },
}

impl Reply {
    /// Bytes that hold their room until they are sent.
    pub(super) fn bytes(bytes: Vec<u8>, room: OwnedSemaphorePermit) -> Self {
        Self::Bytes { bytes: bytes.into(), _room: Some(room) }
    }

    /// Sends a file from its start.
    pub(super) fn file(file: File, length: u64) -> Self {
        let (sender, pieces) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut rest = Some((file, 0));
            while let Some((file, position)) = rest.take() {
                // No room any more: the client has gone.
                let Ok(place) = sender.reserve().await else { return };
                let read = tokio::task::spawn_blocking(move || piece(file, position, length)).await;
                match read.map_err(io::Error::other).and_then(|read| read) {
                    Ok((_, piece)) if piece.is_empty() => return,
                    Ok((file, piece)) => {
                        rest = Some((file, position + piece.len() as u64));
                        place.send(Ok(piece));
                    }
                    Err(error) => place.send(Err(error)),
                }
            }
        });
        Self::File { pieces, left: length }
    }
}

fn piece(mut file: File, position: u64, length: u64) -> io::Result<(File, Bytes)> {
    file.seek(SeekFrom::Start(position))?;
    let mut piece = Vec::with_capacity(PIECE);
    (&mut file).take((length - position.min(length)).min(PIECE as u64)).read_to_end(&mut piece)?;
    Ok((file, piece.into()))
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes { bytes: bytes.into(), _room: None }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Bytes { bytes, .. } if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes { bytes, .. } => {
                // Copied: a piece that waits in the connection's buffer must not keep the whole.
                let piece = Bytes::copy_from_slice(bytes.get(..PIECE).unwrap_or(bytes));
                bytes.advance(piece.len());
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Self::File { pieces, left } => pieces.poll_recv(context).map(|piece| {
                piece.map(|piece| {
                    let piece = piece?;
                    *left = left.saturating_sub(piece.len() as u64);
                    Ok(Frame::data(piece))
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Bytes { bytes, .. } => bytes.is_empty(),
            Self::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Bytes { bytes, .. } => bytes.len() as u64,
            Self::File { left, .. } => *left,
        })
    }
}

/// The error of a service that answers everything.
pub(super) type Never = Infallible;
