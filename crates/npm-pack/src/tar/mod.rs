//! Writes a tar stream as a publishing client wrote it.
//!
//! In: the members of a package (path, mode on disk, content), an [`Era`], and the values
//! [`Adopted`] from a published archive where that client wrote what only its publisher's disk
//! knew. Out: the very bytes, streamed; a member's content is opened when its turn comes, so a
//! package need not be in memory. The writes have the sizes in which the client's own library made
//! them (a header, pieces of 8192 bytes, the padding), because one compressor (zlib-rs) gives other
//! bytes for other pieces.

mod adopted;
pub(crate) mod block;
mod entry;
mod name;
pub(crate) mod pax;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read, Write};

use verdict::diagnostic::{Diagnostic, Stage};

use crate::era::{Bins, DIRECTORY_MODE, Directories, Era, Order};
use crate::order;

pub use adopted::{Adopted, AdoptedEntry, AdoptedPax, IdField, Signature};
use entry::{Entry, Type};

/// The bytes of a file, from wherever they are.
pub trait Content {
    /// How many bytes [`Content::open`] will give.
    fn size(&self) -> u64;
    /// Starts reading from the first byte.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

impl Content for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.as_slice()))
    }
}

impl Content for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(*self))
    }
}

/// What a member is.
pub enum Kind<'a> {
    /// A regular file.
    File(Box<dyn Content + 'a>),
    /// A symbolic link and its target.
    Symlink(String),
    /// A directory. Only eras that write directories use them; those above files need not be given.
    Directory,
}

impl fmt::Debug for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(content) => write!(f, "File({} bytes)", content.size()),
            Self::Symlink(target) => write!(f, "Symlink({target:?})"),
            Self::Directory => f.write_str("Directory"),
        }
    }
}

/// One file, link or directory of a package.
#[derive(Debug)]
pub struct Member<'a> {
    /// Relative to the package, with slashes; none at the end.
    pub path: String,
    /// Permission bits on disk.
    pub mode: u32,
    /// What it is.
    pub kind: Kind<'a>,
    /// Seconds since 1970, where known; the published archive overrules it, and eras with one time
    /// for all ignore it.
    pub mtime: Option<u64>,
}

/// A tar stream that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TarError {
    /// The content could not be read, or the output not be written.
    #[error("cannot write the archive entry {path}: {source}")]
    Io {
        /// The member.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// The output could not be written.
    #[error("cannot write the archive: {0}")]
    Output(#[from] io::Error),
    /// A content gave more or fewer bytes than it had announced.
    #[error("{path} was announced with {announced} bytes and has another size")]
    SizeChanged {
        /// The member.
        path: String,
        /// What [`Content::size`] said.
        announced: u64,
    },
    /// A number does not fit in its header field; the size of a file over 8 GiB.
    #[error("{path}: the {field} {value} does not fit in a tar header")]
    FieldOverflow {
        /// The member.
        path: String,
        /// The header field.
        field: &'static str,
        /// The value.
        value: u64,
    },
    /// A path is empty, absolute or contains NUL.
    #[error("{path:?} is not a path in a package")]
    BadPath {
        /// The path.
        path: String,
    },
}

impl Diagnostic for TarError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } | Self::Output(_) => "tar-io",
            Self::SizeChanged { .. } => "tar-size-changed",
            Self::FieldOverflow { .. } => "tar-field-overflow",
            Self::BadPath { .. } => "tar-bad-path",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Pack
    }
}

/// Writes `members` as `era` did. The sequence in which they are given does not count, unless the
/// era's rule leaves it open. `bins` tells which files package.json calls executable.
pub fn write(members: &[Member<'_>], era: &Era, bins: &Bins, adopted: &Adopted, out: &mut impl Write) -> Result<(), TarError> {
    let root = adopted.root.as_deref().unwrap_or("package");
    let mut nodes = nodes(members, era)?;
    if root_entry_is_missing(era, adopted) {
        nodes.retain(|(path, _)| !path.is_empty());
    }
    for position in sequence(&nodes, era.order, adopted) {
        let Some((path, member)) = nodes.get(position) else { continue };
        write_entry((root, path), *member, &Habits { era, bins, adopted }, out)?;
    }
    out.write_all(&[0; 1024])?;
    Ok(())
}

/// Paths (a directory's with a slash at the end, the root's empty) with what stands there; none: a
/// directory that only files imply.
type Node<'m, 'c> = (String, Option<&'m Member<'c>>);

/// The members that this era writes, and the directories above them where it writes those.
fn nodes<'m, 'c>(members: &'m [Member<'c>], era: &Era) -> Result<Vec<Node<'m, 'c>>, TarError> {
    let mut nodes = Vec::with_capacity(members.len());
    let mut directories = BTreeSet::new();
    for member in members {
        let path = &member.path;
        if path.is_empty() || path.starts_with('/') || path.contains('\0') {
            return Err(TarError::BadPath { path: path.clone() });
        }
        let parents = path.match_indices('/').filter_map(|(end, _)| path.get(..=end));
        match member.kind {
            Kind::Directory if era.directories == Directories::No => {}
            Kind::Directory => {
                directories.insert(format!("{path}/"));
            }
            Kind::Symlink(_) if !era.symlinks => {}
            Kind::Symlink(_) | Kind::File(_) => {
                if era.directories != Directories::No {
                    directories.extend(parents.map(String::from));
                }
                nodes.push((path.clone(), Some(member)));
            }
        }
    }
    if era.directories != Directories::No {
        nodes.push((String::new(), None));
        nodes.extend(directories.into_iter().map(|path| (path, None)));
    }
    Ok(nodes)
}

/// fstream gave the entries below the directory that it packed, not that directory; a published
/// archive shows which way it was used.
fn root_entry_is_missing(era: &Era, adopted: &Adopted) -> bool {
    era.adopts.root && !adopted.entries.is_empty() && !adopted.entries.contains_key("")
}

/// The published sequence where it is adopted, and the era's rule for the rest.
fn sequence(nodes: &[Node<'_, '_>], rule: Order, adopted: &Adopted) -> Vec<usize> {
    let paths: Vec<&str> = nodes.iter().map(|(path, _)| path.as_str()).collect();
    let mut arranged = order::arrange(rule, &paths);
    if !adopted.order.is_empty() {
        let place: std::collections::HashMap<&str, usize> =
            adopted.order.iter().enumerate().map(|(place, path)| (path.as_str(), place)).collect();
        arranged.sort_by_key(|index| paths.get(*index).and_then(|path| place.get(*path)).copied().unwrap_or(usize::MAX));
    }
    arranged
}

/// What decides about the headers of an entry.
struct Habits<'a> {
    era: &'a Era,
    bins: &'a Bins,
    adopted: &'a Adopted,
}

fn write_entry((root, path): (&str, &str), member: Option<&Member<'_>>, habits: &Habits<'_>, out: &mut impl Write) -> Result<(), TarError> {
    let Habits { era, bins, adopted } = *habits;
    let known = adopted.entries.get(path);
    let mode_of = |computed: u32| adopted::mode(computed, era.adopts.mode_bits, known);
    let mut full = if path.is_empty() { root.to_owned() } else { format!("{root}/{path}") };
    let mut entry = match member.map(|member| (member, &member.kind)) {
        Some((member, Kind::File(content))) => {
            Entry::new(full, Type::File, mode_of(era.mode.file(path, member.mode, bins)), content.size())
        }
        Some((_, Kind::Symlink(target))) => {
            let mut entry = Entry::new(full, Type::Symlink, mode_of(era.link_mode), 0);
            target.clone_into(&mut entry.link);
            entry
        }
        Some((_, Kind::Directory)) | None => {
            match era.directories {
                Directories::Slash if path.is_empty() => full.push('/'),
                Directories::Bare => full.truncate(full.trim_end_matches('/').len()),
                Directories::Slash | Directories::No => {}
            }
            Entry::new(full, Type::Directory, mode_of(DIRECTORY_MODE), 0)
        }
    };
    entry.mtime = adopted::mtime(era, entry.kind, known, member.and_then(|member| member.mtime));
    entry.write_headers(era, known, out)?;
    if let Some(Kind::File(content)) = member.map(|member| &member.kind) {
        copy_content(path, content.as_ref(), out)?;
    }
    Ok(())
}

/// The size of a piece in which contents are handed on.
const PIECE: usize = 8192;

fn copy_content(path: &str, content: &dyn Content, out: &mut impl Write) -> Result<(), TarError> {
    let io = |source| TarError::Io { path: path.to_owned(), source };
    let announced = content.size();
    let changed = || TarError::SizeChanged { path: path.to_owned(), announced };
    let mut input = content.open().map_err(io)?;
    let mut piece = [0; PIECE];
    let mut left = announced;
    while left > 0 {
        let want = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        let Some(piece) = piece.get_mut(..want) else { break };
        match input.read_exact(piece) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(changed()),
            Err(error) => return Err(io(error)),
        }
        out.write_all(piece)?;
        left -= want as u64;
    }
    if input.read(&mut [0]).map_err(io)? != 0 {
        return Err(changed());
    }
    block::pad(announced, out)?;
    Ok(())
}
