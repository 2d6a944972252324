//! How much of a stranger's archive is read before reading stops.

/// The bounds within which an archive is read. Each has its own variant in
/// [`ArchiveError`](super::ArchiveError).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the compressed file.
    pub compressed: u64,
    /// Bytes of the tar stream inside.
    pub unpacked: u64,
    /// Files, links and directories.
    pub entries: usize,
    /// How many times larger than the compressed bytes the tar stream may be. deflate cannot pass
    /// 1032; npm 11 stops at 1000.
    pub ratio: u64,
    /// Bytes of the tar stream that `ratio` does not apply to: a few megabytes of zeros are no
    /// attack.
    pub ratio_free: u64,
    /// Bytes of one path or link target.
    pub path: usize,
    /// Bytes of all paths and link targets together: what is kept in memory.
    pub paths_total: usize,
    /// Bytes of one pax or GNU extended header. node-tar skips one over 1 MiB.
    pub extended_header: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            compressed: 1 << 30,
            unpacked: 2 << 30,
            entries: 200_000,
            ratio: 1000,
            ratio_free: 64 << 20,
            path: 4096,
            paths_total: 64 << 20,
            extended_header: 1 << 20,
        }
    }
}
