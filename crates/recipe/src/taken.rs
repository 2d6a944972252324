//! What a recipe has from the published archive: header values that the client read from its
//! publisher's disk, which the source cannot tell and extraction throws away. No content, path or
//! mode on disk is among them.
//!
//! The same values as [`Adopted`] has for the writer, in a compact form: owners and extended
//! records, which most entries share, stand once and are referred to by number.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use npm_pack::tar::{Adopted, AdoptedEntry, AdoptedPax, IdField, Signature};

/// Most entries that are written down, and that are read.
const MOST_ENTRIES: usize = 50_000;
/// Most bytes of paths and records together: more than a recipe is worth.
const MOST_BYTES: usize = 4 << 20;
/// Read and write bits of a file where nothing is said.
const USUAL_MODE: u32 = 0o644;

/// Header values of a published archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taken {
    /// The first path component, where it is not `package`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Which sequence the entries of the archive have.
    pub sequence: Sequence,
    /// Owners, each once; empty where they are not from the archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<Owner>,
    /// Extended records (keyword and value), each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<(String, Value)>,
    /// The entries, in the archive's sequence where that counts.
    pub entries: Vec<TakenEntry>,
}

/// Which sequence entries have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sequence {
    /// That of the packer's rule.
    #[default]
    Packer,
    /// That of [`Taken::entries`].
    Archive,
}

/// An owner's fields.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// User id.
    pub uid: Id,
    /// Group id.
    pub gid: Id,
    /// User name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Group name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub group: String,
}

/// A uid or gid field.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// A number.
    Number(u64),
    /// The field's bytes, where an old client wrote no number.
    Raw([u8; 8]),
}

/// A record's value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Text.
    Text(String),
    /// Bytes that are no UTF-8.
    Bytes(Vec<u8>),
}

/// One entry's values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenEntry {
    /// Its path in the package; a directory's with a slash at the end, the root's empty.
    pub path: String,
    /// Modification time, seconds since 1970; absent where the field is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtime: Option<u64>,
    /// Permission bits, octal, of which those count that the packer leaves to its user's disk; 644
    /// where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Which of [`Taken::owners`]; the first where absent.
    #[serde(default, skip_serializing_if = "is_first")]
    pub owner: usize,
    /// Access time, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atime: Option<u64>,
    /// Change time, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctime: Option<u64>,
    /// The extended header in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pax: Option<TakenPax>,
}

/// An extended header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenPax {
    /// Which of [`Taken::owners`]; the first where absent.
    #[serde(default, skip_serializing_if = "is_first")]
    pub owner: usize,
    /// Access time, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub atime: Option<u64>,
    /// Change time, seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ctime: Option<u64>,
    /// Which of [`Taken::records`], in their sequence.
    pub records: Vec<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_first(at: &usize) -> bool {
    *at == 0
}

/// Values that stand once, by number.
struct Once<T> {
    all: Vec<T>,
    at: HashMap<T, usize>,
}

impl<T: Clone + Eq + Hash> Once<T> {
    fn new() -> Self {
        Self { all: Vec::new(), at: HashMap::new() }
    }

    fn number(&mut self, value: T) -> usize {
        *self.at.entry(value).or_insert_with_key(|value| {
            self.all.push(value.clone());
            self.all.len() - 1
        })
    }
}

impl Taken {
    /// Writes down what was adopted; `None` where nothing was. An error where it is more than a
    /// recipe holds.
    pub fn of(adopted: &Adopted) -> Result<Option<Self>, TooMuch> {
        let sequence = if adopted.order.is_empty() { Sequence::Packer } else { Sequence::Archive };
        if adopted.root.is_none() && adopted.entries.is_empty() && sequence == Sequence::Packer {
            return Ok(None);
        }
        let (mut owners, mut records) = (Once::new(), Once::new());
        let none = AdoptedEntry { mode: USUAL_MODE, ..AdoptedEntry::default() };
        let mut write = |path: &String, known: &AdoptedEntry| TakenEntry {
            path: path.clone(),
            mtime: known.mtime,
            mode: (known.mode != USUAL_MODE).then(|| format!("{:o}", known.mode)),
            owner: owners.number(Owner::of(&known.signature)),
            atime: known.signature.accessed,
            ctime: known.signature.changed,
            pax: known.pax.as_ref().map(|pax| TakenPax {
                owner: owners.number(Owner::of(&pax.signature)),
                atime: pax.signature.accessed,
                ctime: pax.signature.changed,
                records: pax.records.iter().map(|(keyword, value)| records.number((keyword.clone(), Value::of(value)))).collect(),
            }),
        };
        let entries: Vec<TakenEntry> = match sequence {
            Sequence::Packer => adopted.entries.iter().map(|(path, known)| write(path, known)).collect(),
            Sequence::Archive => adopted.order.iter().map(|path| write(path, adopted.entries.get(path).unwrap_or(&none))).collect(),
        };
        // Where the owner is no publisher's, there is none to write down.
        let owners = if owners.all == [Owner::of(&Signature::default())] { Vec::new() } else { owners.all };
        let taken = Self { root: adopted.root.clone(), sequence, owners, records: records.all, entries };
        if taken.is_too_much() { Err(TooMuch) } else { Ok(Some(taken)) }
    }

    /// The same for the writer. Numbers that lead nowhere, which [`check`](Self::check) refuses,
    /// count as nothing.
    pub fn adopted(&self) -> Adopted {
        let mut adopted = Adopted::default();
        adopted.root.clone_from(&self.root);
        for entry in &self.entries {
            if self.sequence == Sequence::Archive {
                adopted.order.push(entry.path.clone());
            }
            adopted.entries.entry(entry.path.clone()).or_insert_with(|| AdoptedEntry {
                mtime: entry.mtime,
                mode: entry.mode.as_deref().and_then(octal).unwrap_or(USUAL_MODE),
                signature: self.signature(entry.owner, entry.atime, entry.ctime),
                pax: entry.pax.as_ref().map(|pax| AdoptedPax {
                    signature: self.signature(pax.owner, pax.atime, pax.ctime),
                    records: pax
                        .records
                        .iter()
                        .filter_map(|at| self.records.get(*at))
                        .map(|(key, value)| (key.clone(), value.bytes()))
                        .collect(),
                }),
            });
        }
        adopted
    }

    fn signature(&self, owner: usize, accessed: Option<u64>, changed: Option<u64>) -> Signature {
        let id = |id: &Id| match id {
            Id::Number(number) => IdField::Number(*number),
            Id::Raw(bytes) => IdField::Raw(*bytes),
        };
        let times = Signature { accessed, changed, ..Signature::default() };
        self.owners.get(owner).map_or(times.clone(), |owner| Signature {
            uid: id(&owner.uid),
            gid: id(&owner.gid),
            user: owner.user.clone(),
            group: owner.group.clone(),
            ..times
        })
    }

    /// What is wrong with it, if anything is.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.is_too_much() {
            return Err("it has more entries or bytes than an archive".to_owned());
        }
        if let Some(root) = &self.root
            && (root.is_empty() || root.contains(['/', '\0']) || root == "..")
        {
            return Err(format!("root is {root:?}, and not the name of a folder"));
        }
        for entry in &self.entries {
            let mut owners = std::iter::once(entry.owner).chain(entry.pax.as_ref().map(|pax| pax.owner));
            if owners.any(|owner| owner >= self.owners.len().max(1)) {
                return Err(format!("the owner of {:?} is not in owners", entry.path));
            }
            if entry.pax.iter().flat_map(|pax| &pax.records).any(|at| *at >= self.records.len()) {
                return Err(format!("a record of {:?} is not in records", entry.path));
            }
            if entry.mode.as_deref().is_some_and(|mode| octal(mode).is_none()) {
                return Err(format!("the mode of {:?} is not octal", entry.path));
            }
        }
        let records = self.records.iter().map(|(keyword, _)| (keyword.clone(), Vec::new())).collect();
        if !(AdoptedPax { signature: Signature::default(), records }).is_harmless() {
            return Err("a record has a keyword that extraction may follow".to_owned());
        }
        Ok(())
    }

    fn is_too_much(&self) -> bool {
        let numbers: usize = self.entries.iter().filter_map(|entry| entry.pax.as_ref()).map(|pax| pax.records.len()).sum();
        let paths: usize = self.entries.iter().map(|entry| entry.path.len()).sum();
        let records: usize = self.records.iter().map(|(keyword, value)| keyword.len() + value.len()).sum();
        let owners: usize = self.owners.iter().map(|owner| owner.user.len() + owner.group.len()).sum();
        self.entries.len() > MOST_ENTRIES || paths + records + owners + numbers > MOST_BYTES
    }
}

/// The values are more than a recipe holds.
#[derive(Debug, PartialEq, Eq)]
pub struct TooMuch;

impl Owner {
    fn of(signature: &Signature) -> Self {
        let id = |field: &IdField| match field {
            IdField::Number(number) => Id::Number(*number),
            IdField::Raw(bytes) => Id::Raw(*bytes),
        };
        Self { uid: id(&signature.uid), gid: id(&signature.gid), user: signature.user.clone(), group: signature.group.clone() }
    }
}

impl Value {
    fn of(bytes: &[u8]) -> Self {
        std::str::from_utf8(bytes).map_or_else(|_| Self::Bytes(bytes.to_vec()), |text| Self::Text(text.to_owned()))
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.as_bytes().to_vec(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777)
}

#[cfg(test)]
mod tests;
