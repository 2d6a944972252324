//! The body of an answer: some bytes, or a file that is read while it is sent.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// Bytes of a file that are read at once, and pieces that wait for a slow client.
const PIECE: usize = 64 << 10;
const WAITING: usize = 4;

/// An answer's body, of a length that is known before.
pub(super) enum Reply {
    Bytes(Bytes),
    File { pieces: mpsc::Receiver<io::Result<Bytes>>, left: u64 },
}

impl Reply {
    /// Sends a file from its start.
    pub(super) fn file(mut file: File, length: u64) -> Self {
        let (sender, pieces) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = file.seek(SeekFrom::Start(0)) {
                // Nobody is left to tell if the client is gone.
                drop(sender.blocking_send(Err(error)));
                return;
            }
            let mut reader = file.take(length);
            loop {
                let mut piece = vec![0; PIECE];
                let read = reader.read(&mut piece).map(|count| {
                    piece.truncate(count);
                    Bytes::from(piece)
                });
                let is_last = read.as_ref().map_or(true, Bytes::is_empty);
                if matches!(&read, Ok(piece) if piece.is_empty()) || sender.blocking_send(read).is_err() || is_last {
                    return;
                }
            }
        });
        Self::File { pieces, left: length }
    }
}

impl From<Vec<u8>> for Reply {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
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
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::File { left, .. } => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { left, .. } => *left,
        })
    }
}

/// The error of a service that answers everything.
pub(super) type Never = Infallible;
