//! Packing codes of a few bits into bytes, least significant bit first.

use super::tables::Code;

/// Bits on their way to bytes.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits that do not fill four bytes yet; those above `held` are zero.
    pending: u64,
    /// How many bits `pending` holds, always below 32 between calls.
    held: u32,
}

impl BitWriter {
    /// Appends the low `count` bits of `value`, at most 32; the bits above must be zero.
    #[inline]
    pub(super) fn put(&mut self, value: u32, count: u32) {
        self.pending |= u64::from(value) << self.held;
        self.held += count;
        if self.held >= 32 {
            let [a, b, c, d, ..] = self.pending.to_le_bytes();
            self.bytes.extend_from_slice(&[a, b, c, d]);
            self.pending >>= 32;
            self.held -= 32;
        }
    }

    /// Appends a prefix code.
    #[inline]
    pub(super) fn put_code(&mut self, code: Code) {
        self.put(u32::from(code.bits), u32::from(code.len));
    }

    /// Fills the last byte up with zero bits.
    pub(super) fn align(&mut self) {
        let used = self.held.div_ceil(8) as usize;
        self.bytes.extend(self.pending.to_le_bytes().into_iter().take(used));
        self.pending = 0;
        self.held = 0;
    }

    /// Appends whole bytes; the writer must be aligned.
    pub(super) fn put_bytes(&mut self, bytes: &[u8]) {
        debug_assert_eq!(self.held, 0, "bytes go to byte boundaries");
        self.bytes.extend_from_slice(bytes);
    }

    /// Moves the whole bytes that are ready to `out`.
    pub(super) fn drain_into(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.bytes);
    }
}
