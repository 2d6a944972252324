//! What each publishing client of each time wrote around the same files, as data.
//!
//! In: an id, or a glance at a published archive (`fingerprint`). Out: an [`Era`], a row of a table
//! that says how header fields are written, which order and modes the entries get, which gzip
//! header stands in front, and which values can only be known from the published archive itself.
//! Rows instead of code: a client release that changes one habit is one more row, and the writer in
//! `crate::tar` has one branch per habit, not per client.

mod mode;
mod table;

#[cfg(test)]
mod tests;

pub use mode::{Bins, Executable, ModeRule};
pub use table::{ALL, by_id};

/// How a numeric header field is filled: octal digits, and what ends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Octal {
    /// Two bytes short of the field, then space and NUL; one byte short and NUL alone for a value
    /// that needs the digit (node-tar 4 and later).
    SpaceNul,
    /// As [`Octal::SpaceNul`], but the largest value of the shorter form already takes the longer
    /// one (node-tar up to 2).
    SpaceNulEager,
    /// Six digits, space and NUL in a field of eight; eleven digits and space in a field of twelve
    /// (tar-stream, libarchive).
    Space,
    /// One byte short of the field, then NUL (the tar crate of Rust).
    Nul,
    /// Six digits, NUL and space (libarchive's checksum).
    NulSpace,
}

/// How a path of more than a hundred bytes is divided between the name and the prefix field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// As much as possible into the prefix, also for a name of exactly 100 bytes (node-tar 4 and
    /// later).
    LongestPrefix,
    /// As much as possible into the prefix, for names over 100 bytes (the tar crate of Rust).
    LongestPrefixOver100,
    /// As little as possible into the prefix (node-tar up to 2, tar-stream, libarchive).
    ShortestPrefix,
}

/// What stands in front of an entry whose path no header field can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongName {
    /// A pax header named `PaxHeader/<whole path>` that repeats all that the client knew of the
    /// file (node-tar up to 2).
    PaxEverything,
    /// A pax header named `PaxHeader/<base name>` with path, mtime and size (node-tar 4 and later).
    PaxPathTimeSize,
    /// A pax header named `PaxHeader` with the path alone; the entry itself is named `PaxHeader`
    /// too (tar-stream).
    PaxAnonymous,
    /// A pax header named `<directory>/PaxHeader/<base name>` with the path (libarchive).
    PaxInDirectory,
    /// A GNU `L` entry named `././@LongLink` with the path as its content (the tar crate of Rust).
    GnuLongLink,
}

/// How a tar library writes a header, whoever calls it.
#[derive(Debug, PartialEq, Eq)]
pub struct HeaderStyle {
    /// Mode, uid and gid, size and mtime.
    pub number: Octal,
    /// The checksum.
    pub checksum: Octal,
    /// Device numbers, of which every client writes zero; none: eight NULs.
    pub device: Option<Octal>,
    /// How long paths are divided.
    pub split: Split,
    /// What is done about paths that cannot be divided.
    pub long_name: LongName,
    /// Whether a name outside of ASCII needs the long form (false: its UTF-8 bytes stand in the
    /// header).
    pub ascii_only: bool,
}

/// What the uid and gid fields hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Eight NULs: node-tar's `portable`, and an unset field of the Rust crate.
    Nul,
    /// The number zero.
    Zero,
    /// The owner of the file on the publisher's disk.
    OfFile,
}

/// What the mtime field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mtime {
    /// Twelve NULs (npm 5.7).
    Nul,
    /// The same second for every entry.
    Fixed(u64),
    /// The file's own time on the publisher's disk.
    OfFile {
        /// Whether directories have theirs too (false: twelve NULs).
        directories: bool,
    },
}

/// Whether directories are entries, and how they are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directories {
    /// Not written.
    No,
    /// Named with a slash at the end.
    Slash,
    /// Named without a slash at the end.
    Bare,
}

/// Which order the entries stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// npm up to 5.3: a comparison that contradicts itself, so the outcome depended on the
    /// directory listing. What is computed is the intended order; what was published overrules it.
    Fstream,
    /// npm 5.4 to 6.9: package.json, files of the root, the others; `node_modules` last.
    RootFilesFirst,
    /// npm 6.10 and later: lower-cased extension, lower-cased base name, path.
    Extension,
    /// As [`Order::Extension`], with package.json at the end (pnpm 8.8 to 8.14).
    PackageJsonLast,
    /// Breadth first, bytewise within a directory (yarn 1, vlt, node-tar packing a directory).
    BreadthFirst,
    /// Bytewise by path.
    Bytewise,
    /// package.json, then bytewise by path (bun).
    PackageJsonFirst,
}

/// What the gzip layer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gzip {
    /// zlib's level.
    pub level: u8,
    /// The XFL byte: 2 for level 9, else 0.
    pub xfl: u8,
    /// The OS byte, where it is the same on every platform; none: the publisher's platform.
    pub os: Option<u8>,
    /// Whether zlib-rs compressed it, not Node's zlib.
    pub zlib_rs: bool,
}

/// What may be taken over from the published archive: only what extraction throws away, and only
/// where this client wrote something that its input does not determine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "independent columns of a table")]
pub struct Adopts {
    /// The time in each header.
    pub mtime: bool,
    /// uid, gid and user names.
    pub owner: bool,
    /// The permission bits that came from the publisher's umask; installation overrides all of
    /// them.
    pub mode_bits: u32,
    /// The sequence of the entries.
    pub order: bool,
    /// The sequence of the entries, where the rules of some language give just that one (npm 6.10
    /// to 7.12).
    pub locale: bool,
    /// pax records other than path, link target and size.
    pub pax: bool,
    /// The first path component, which extraction strips.
    pub root: bool,
}

/// One way in which clients of one time wrote a package.
#[derive(Debug)]
pub struct Era {
    /// Stable name, kebab-case.
    pub id: &'static str,
    /// The clients that write so, for people.
    pub clients: &'static str,
    /// The header layout of the tar library in use.
    pub header: &'static HeaderStyle,
    /// uid and gid.
    pub owner: Owner,
    /// mtime.
    pub mtime: Mtime,
    /// Whether access and change time stand behind a shortened prefix, and the owner's name in its
    /// field (node-tar without `portable`).
    pub extra_times: bool,
    /// Permission bits of files.
    pub mode: ModeRule,
    /// Permission bits of symbolic links. On disk they are 777 on Linux.
    pub link_mode: u32,
    /// Directory entries.
    pub directories: Directories,
    /// Whether symbolic links are kept as entries (false: skipped).
    pub symlinks: bool,
    /// Sequence of entries.
    pub order: Order,
    /// Compression.
    pub gzip: Gzip,
    /// What only the published archive can tell.
    pub adopts: Adopts,
}

/// Permission bits of directories: nothing that is known of them is kept by extraction.
pub const DIRECTORY_MODE: u32 = 0o755;

/// 1985-10-26T08:15:00Z, which npm and, after it, pnpm and bun give every entry.
pub const NPM_EPOCH: u64 = 499_162_500;
