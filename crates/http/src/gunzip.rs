//! Unpacks an answer that came gzipped, a little at a time, so that a bomb is noticed before it has
//! gone off.

use std::io::Write;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;

/// How much is unpacked before the size is looked at: gzip grows at most by 1032, so at most 4 MiB
/// at once.
const STEP: usize = 4096;

/// A running decoder.
pub(super) struct Gunzip(MultiGzDecoder<Vec<u8>>);

/// Why unpacking stopped.
pub(super) enum GunzipError {
    /// It is no gzip, or damaged, or cut.
    Damaged,
    /// It is more than was allowed.
    TooLarge,
}

impl Gunzip {
    pub(super) fn new() -> Self {
        Self(MultiGzDecoder::new(Vec::new()))
    }

    /// What a piece unpacks to, if that is at most `room` bytes.
    pub(super) fn push(&mut self, piece: &[u8], room: u64) -> Result<Bytes, GunzipError> {
        for step in piece.chunks(STEP) {
            self.0.write_all(step).map_err(|_| GunzipError::Damaged)?;
            if self.0.get_ref().len() as u64 > room {
                return Err(GunzipError::TooLarge);
            }
        }
        Ok(std::mem::take(self.0.get_mut()).into())
    }

    /// The rest, once all pieces were pushed.
    pub(super) fn finish(&mut self) -> Result<Bytes, GunzipError> {
        self.0.try_finish().map_err(|_| GunzipError::Damaged)?;
        Ok(std::mem::take(self.0.get_mut()).into())
    }
}
