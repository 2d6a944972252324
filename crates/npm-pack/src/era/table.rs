//! The table of eras. Each row was measured on packs made by the client itself, and on archives
//! that the registry serves.

use super::{Adopts, Directories, Era, Executable, Gzip, HeaderStyle, LongName, ModeRule, Mtime, NPM_EPOCH, Octal, Order, Owner, Split};

/// node-tar 0.1 to 2, writing what fstream reads.
pub(super) static FSTREAM: HeaderStyle = HeaderStyle {
    number: Octal::SpaceNulEager,
    checksum: Octal::SpaceNulEager,
    device: Some(Octal::SpaceNulEager),
    split: Split::ShortestPrefix,
    long_name: LongName::PaxEverything,
    ascii_only: true,
};

/// node-tar 3 and later.
pub(super) static NODE_TAR: HeaderStyle = HeaderStyle {
    number: Octal::SpaceNul,
    checksum: Octal::SpaceNul,
    device: Some(Octal::SpaceNul),
    split: Split::LongestPrefix,
    long_name: LongName::PaxPathTimeSize,
    ascii_only: true,
};

/// tar-stream, all versions.
pub(super) static TAR_STREAM: HeaderStyle = HeaderStyle {
    number: Octal::Space,
    checksum: Octal::Space,
    device: Some(Octal::Space),
    split: Split::ShortestPrefix,
    long_name: LongName::PaxAnonymous,
    ascii_only: true,
};

/// libarchive's restricted pax format.
pub(super) static LIBARCHIVE: HeaderStyle = HeaderStyle {
    number: Octal::Space,
    checksum: Octal::NulSpace,
    device: Some(Octal::Space),
    split: Split::ShortestPrefix,
    long_name: LongName::PaxInDirectory,
    ascii_only: true,
};

/// The tar crate of Rust with a ustar header.
pub(super) static RUST_TAR: HeaderStyle = HeaderStyle {
    number: Octal::Nul,
    checksum: Octal::Nul,
    device: None,
    split: Split::LongestPrefixOver100,
    long_name: LongName::GnuLongLink,
    ascii_only: false,
};

/// Level 6, XFL 0, the publisher's platform: Node's zlib up to 16 or so, and pure-JavaScript
/// headers.
const LEVEL_6: Gzip = Gzip { level: 6, xfl: 0, os: None, zlib_rs: false };
/// Level 6 with the OS byte "unknown" that minizlib writes.
const LEVEL_6_UNKNOWN: Gzip = Gzip { level: 6, xfl: 0, os: Some(255), zlib_rs: false };
/// Level 9 with the OS byte "unknown".
const LEVEL_9_UNKNOWN: Gzip = Gzip { level: 9, xfl: 2, os: Some(255), zlib_rs: false };
/// Level 9 by zlib-ng: bun since 1.3.14.
const ZLIB_NG: Gzip = Gzip { zlib_rs: true, ..LEVEL_9_UNKNOWN };
/// Level 6 by flate2 on zlib-rs.
const ZLIB_RS: Gzip = Gzip { level: 6, xfl: 0, os: Some(255), zlib_rs: true };

/// Read and write bits: all that a umask or a copied tree changes without changing what is
/// installed.
const READ_WRITE: u32 = 0o666;
/// Read bits of group and others: what is left of them after `(mode | 0600) & ~022`.
const READ_OTHERS: u32 = 0o044;

const NOTHING: Adopts = Adopts { mtime: false, owner: false, mode_bits: 0, order: false, locale: false, pax: false, root: false };
const MODES: Adopts = Adopts { mode_bits: READ_WRITE, ..NOTHING };
const PORTABLE: Adopts = Adopts { mode_bits: READ_OTHERS, ..NOTHING };
const ORDER: Adopts = Adopts { order: true, ..NOTHING };

/// What npm 5.4 wrote first and later npm changed one habit at a time: node-tar, no owner.
const NPM: Era = Era {
    id: "npm-6-10",
    clients: "npm 6.10 to 6.14, lerna 3",
    header: &NODE_TAR,
    owner: Owner::Nul,
    mtime: Mtime::Fixed(NPM_EPOCH),
    extra_times: false,
    mode: ModeRule::Raw,
    link_mode: 0o777,
    directories: Directories::No,
    symlinks: false,
    order: Order::Extension,
    gzip: LEVEL_6,
    adopts: Adopts { locale: true, ..MODES },
};

/// pnpm since it packs by itself: tar-stream, owner zero.
const PNPM: Era = Era {
    id: "pnpm-7",
    clients: "pnpm 7.0 to 11.25",
    header: &TAR_STREAM,
    owner: Owner::Zero,
    mtime: Mtime::Fixed(NPM_EPOCH),
    extra_times: false,
    mode: ModeRule::Fixed(Executable::Listed),
    link_mode: 0o777,
    directories: Directories::No,
    symlinks: false,
    order: Order::Extension,
    gzip: LEVEL_6,
    // A licence copied from the workspace's root came after all others, and `./` in front of a
    // listed file was sorted with it.
    adopts: ORDER,
};

/// yarn 2 and later: tar-stream, owner zero.
const BERRY: Era = Era {
    id: "berry-3",
    clients: "yarn 3 and 4",
    header: &TAR_STREAM,
    owner: Owner::Zero,
    mtime: Mtime::Fixed(456_789_000),
    extra_times: false,
    mode: ModeRule::Fixed(Executable::Listed),
    link_mode: 0o644,
    directories: Directories::No,
    symlinks: true,
    order: Order::Bytewise,
    gzip: LEVEL_6,
    adopts: NOTHING,
};

/// pnpm in Rust.
const PNPM_RUST: Era = Era {
    id: "pnpm-12-21",
    clients: "pnpm 12.7 to 12.21",
    header: &RUST_TAR,
    owner: Owner::Nul,
    mtime: Mtime::Fixed(NPM_EPOCH),
    extra_times: false,
    mode: ModeRule::Fixed(Executable::ListedOrBit),
    link_mode: 0o777,
    directories: Directories::No,
    symlinks: true,
    order: Order::Extension,
    gzip: ZLIB_RS,
    adopts: NOTHING,
};

/// Every era, oldest habits of a client first.
pub static ALL: &[Era] = &[
    Era {
        id: "npm-2",
        clients: "npm 2.0 to 5.3 (fstream)",
        header: &FSTREAM,
        owner: Owner::OfFile,
        mtime: Mtime::OfFile { directories: true },
        order: Order::Fstream,
        adopts: Adopts { mtime: true, owner: true, mode_bits: READ_WRITE, order: true, locale: false, pax: true, root: false },
        ..NPM
    },
    Era {
        id: "npm-5-4",
        clients: "npm 5.4 to 5.6",
        mtime: Mtime::OfFile { directories: true },
        order: Order::RootFilesFirst,
        adopts: Adopts { mtime: true, mode_bits: READ_WRITE, pax: true, ..NOTHING },
        ..NPM
    },
    Era { id: "npm-5-7", clients: "npm 5.7", mtime: Mtime::Nul, order: Order::RootFilesFirst, adopts: MODES, ..NPM },
    Era { id: "npm-5-8", clients: "npm 5.8 to 6.9", order: Order::RootFilesFirst, adopts: MODES, ..NPM },
    NPM,
    Era {
        id: "npm-7-0",
        clients: "npm 7.0 to 7.5",
        mode: ModeRule::Portable(Executable::Listed),
        gzip: LEVEL_6_UNKNOWN,
        adopts: Adopts { locale: true, ..PORTABLE },
        ..NPM
    },
    Era {
        id: "npm-7-7",
        clients: "npm 7.7 to 7.16",
        mode: ModeRule::Portable(Executable::Listed),
        gzip: LEVEL_9_UNKNOWN,
        adopts: Adopts { locale: true, ..PORTABLE },
        ..NPM
    },
    Era {
        id: "npm-7-20",
        clients: "npm 7.20 to 12",
        mode: ModeRule::Portable(Executable::ListedWithoutFirstSegment),
        gzip: LEVEL_9_UNKNOWN,
        adopts: PORTABLE,
        ..NPM
    },
    Era {
        id: "lerna-4",
        clients: "lerna 4 to 10",
        mode: ModeRule::Portable(Executable::None),
        gzip: LEVEL_6_UNKNOWN,
        adopts: Adopts { locale: true, ..PORTABLE },
        ..NPM
    },
    Era {
        id: "vlt-1",
        clients: "vlt 1.0 release candidates",
        mtime: Mtime::OfFile { directories: false },
        mode: ModeRule::Portable(Executable::None),
        link_mode: 0o755,
        directories: Directories::Slash,
        symlinks: true,
        order: Order::BreadthFirst,
        gzip: LEVEL_6_UNKNOWN,
        adopts: Adopts { mtime: true, mode_bits: READ_OTHERS, pax: true, ..NOTHING },
        ..NPM
    },
    Era {
        id: "yarn-1",
        clients: "yarn 0.27 to 1.22",
        header: &TAR_STREAM,
        owner: Owner::Zero,
        mtime: Mtime::OfFile { directories: true },
        mode: ModeRule::Umask,
        link_mode: 0o755,
        directories: Directories::Bare,
        symlinks: true,
        order: Order::BreadthFirst,
        adopts: Adopts { mtime: true, mode_bits: READ_WRITE, ..NOTHING },
        ..NPM
    },
    Era { id: "berry-2", clients: "yarn 2", mtime: Mtime::Fixed(315_532_800), ..BERRY },
    BERRY,
    Era { id: "pnpm-6-20", clients: "pnpm 6.20 to 6.35", mode: ModeRule::Fixed(Executable::ListedOrBit), ..PNPM },
    PNPM,
    Era { id: "pnpm-8-8", clients: "pnpm 8.8 to 8.14", order: Order::PackageJsonLast, ..PNPM },
    Era {
        id: "pnpm-11-28",
        clients: "pnpm 11.28",
        mode: ModeRule::Fixed(Executable::ListedOrBit),
        symlinks: true,
        adopts: NOTHING,
        ..PNPM
    },
    Era {
        id: "pnpm-12-0",
        clients: "pnpm 12.0 to 12.4",
        mode: ModeRule::Fixed(Executable::Listed),
        symlinks: false,
        order: Order::Bytewise,
        // Licences copied from the workspace's root came after all others, as its folder lists
        // them.
        adopts: ORDER,
        ..PNPM_RUST
    },
    Era { id: "pnpm-12-5", clients: "pnpm 12.5 and 12.6", mode: ModeRule::Fixed(Executable::Listed), symlinks: false, ..PNPM_RUST },
    PNPM_RUST,
    Era {
        id: "bun-1",
        clients: "bun 1.2 to 1.4",
        header: &LIBARCHIVE,
        owner: Owner::Zero,
        mode: ModeRule::RawAnd(Executable::ListedBins),
        order: Order::PackageJsonFirst,
        gzip: ZLIB_NG,
        adopts: MODES,
        ..NPM
    },
    Era {
        id: "fstream-directory",
        clients: "publishers that pack a directory with fstream and node-tar 2 (types-publisher until 2018 and others)",
        header: &FSTREAM,
        owner: Owner::OfFile,
        mtime: Mtime::OfFile { directories: true },
        directories: Directories::Slash,
        order: Order::Fstream,
        adopts: Adopts { mtime: true, owner: true, mode_bits: READ_WRITE, order: true, locale: false, pax: true, root: true },
        ..NPM
    },
    Era {
        id: "node-tar-directory",
        clients: "publishers that pack a directory with node-tar 3 or later (types-publisher since 2018 and others)",
        owner: Owner::OfFile,
        mtime: Mtime::OfFile { directories: true },
        extra_times: true,
        directories: Directories::Slash,
        symlinks: true,
        order: Order::BreadthFirst,
        adopts: Adopts { mtime: true, owner: true, mode_bits: READ_WRITE, order: true, locale: false, pax: true, root: true },
        ..NPM
    },
];

/// The era of that id.
pub fn by_id(id: &str) -> Option<&'static Era> {
    ALL.iter().find(|era| era.id == id)
}
