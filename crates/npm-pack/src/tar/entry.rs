//! The header blocks of one entry: its own, and the extended one in front where the path (or the
//! owner) needs it.

use std::io::Write;

use super::adopted::{AdoptedEntry, AdoptedPax, IdField, Signature};
use super::block::{
    self, ACCESS_TIME, Block, CHANGE_TIME, DEVICE_MAJOR, DEVICE_MINOR, GID, GNU, GROUP, LINK, MAGIC, MODE, MTIME, NAME, PREFIX, SIZE, TYPE,
    UID, USER, USTAR,
};
use super::name::{Divided, abridged, divide, first_units, shortest};
use super::{TarError, pax};
use crate::era::{Era, HeaderStyle, LongName, Owner};

/// The type flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    File,
    Symlink,
    Directory,
}

impl Type {
    fn flag(self) -> u8 {
        match self {
            Self::File => b'0',
            Self::Symlink => b'2',
            Self::Directory => b'5',
        }
    }
}

/// What the header says of one entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// From the archive's root on.
    pub(super) path: String,
    pub(super) kind: Type,
    pub(super) mode: u32,
    pub(super) size: u64,
    /// None: twelve NULs.
    pub(super) mtime: Option<u64>,
    /// The target of a link.
    pub(super) link: String,
}

/// The fields of one block that differ between an entry and its extended header.
struct Fields<'a> {
    divided: Divided,
    mode: u32,
    size: u64,
    mtime: Option<u64>,
    flag: u8,
    link: &'a str,
    owner: Owner,
    signature: Option<&'a Signature>,
}

impl Entry {
    pub(super) fn new(path: String, kind: Type, mode: u32, size: u64) -> Self {
        Self { path, kind, mode, size, mtime: None, link: String::new() }
    }

    /// Writes all that stands before the content.
    pub(super) fn write_headers(&self, era: &Era, known: Option<&AdoptedEntry>, out: &mut impl Write) -> Result<(), TarError> {
        let style = era.header;
        let prefix_limit = if era.extra_times { 130 } else { PREFIX.len() };
        let mut fields = self.fields(era, known, divide(&self.path, style.split, prefix_limit));
        let long =
            !fields.divided.whole || self.link.len() > LINK.len() || (style.ascii_only && !(self.path.is_ascii() && self.link.is_ascii()));
        // Records that name no path cannot replace those that a long one needs.
        let adopted_pax = known.and_then(|known| known.pax.as_ref()).filter(|pax| era.adopts.pax && (!long || pax.covers(&self.link)));
        if long || adopted_pax.is_some() {
            self.write_extension(era, adopted_pax, out)?;
            match style.long_name {
                LongName::PaxAnonymous => {
                    fields.divided = Divided::whole("PaxHeader", "");
                    fields.link = if self.link.is_empty() { "" } else { "PaxHeader" };
                }
                LongName::PaxInDirectory => fields.divided = in_two_fields(abridged(&self.path, None)),
                _ => {}
            }
        }
        out.write_all(&self.block(era, &fields)?)?;
        Ok(())
    }

    fn fields<'a>(&'a self, era: &Era, known: Option<&'a AdoptedEntry>, divided: Divided) -> Fields<'a> {
        Fields {
            divided,
            mode: self.mode,
            size: self.size,
            mtime: self.mtime,
            flag: self.kind.flag(),
            link: &self.link,
            owner: era.owner,
            signature: known.map(|known| &known.signature),
        }
    }

    /// The block that carries the path, and its content, padded.
    fn write_extension(&self, era: &Era, adopted: Option<&AdoptedPax>, out: &mut impl Write) -> Result<(), TarError> {
        if era.header.long_name == LongName::GnuLongLink {
            return self.write_long_links(era.header, out);
        }
        let records = match adopted {
            Some(adopted) => adopted.records(&self.path, &self.link, self.size),
            None => self.records(era),
        };
        let portable = era.header.long_name == LongName::PaxPathTimeSize;
        let fields = Fields {
            divided: self.extension_name(era.header),
            mode: if portable { 0o644 } else { self.mode },
            size: records.len() as u64,
            mtime: self.mtime,
            flag: b'x',
            link: if era.header.long_name == LongName::PaxAnonymous && !self.link.is_empty() { "PaxHeader" } else { "" },
            owner: era.owner,
            signature: adopted.map(|adopted| &adopted.signature),
        };
        out.write_all(&self.block(era, &fields)?)?;
        out.write_all(&records)?;
        block::pad(records.len() as u64, out)?;
        Ok(())
    }

    fn extension_name(&self, style: &HeaderStyle) -> Divided {
        let path = self.path.trim_end_matches('/');
        let name = match style.long_name {
            LongName::PaxEverything => first_units(&format!("PaxHeader/{}", self.path), NAME.len()),
            LongName::PaxPathTimeSize => {
                let base = path.rsplit_once('/').map_or(path, |(_, base)| base);
                first_units(&format!("PaxHeader/{base}"), NAME.len() - 1)
            }
            LongName::PaxAnonymous | LongName::GnuLongLink => "PaxHeader".to_owned(),
            LongName::PaxInDirectory => return in_two_fields(abridged(path, Some("PaxHeader"))),
        };
        divide(&name, style.split, PREFIX.len())
    }

    /// What the client puts in by itself. The sequence of the keywords is the library's.
    fn records(&self, era: &Era) -> Vec<u8> {
        let mut records = Vec::new();
        let form = era.header.long_name;
        if form == LongName::PaxInDirectory && !self.path.is_ascii() {
            pax::push(&mut records, "hdrcharset", b"BINARY");
        }
        pax::push(&mut records, "path", self.path.as_bytes());
        if !self.link.is_empty() {
            pax::push(&mut records, "linkpath", self.link.as_bytes());
        }
        if form == LongName::PaxPathTimeSize
            && let Some(mtime) = self.mtime
        {
            pax::push(&mut records, "mtime", mtime.to_string().as_bytes());
        }
        if matches!(form, LongName::PaxPathTimeSize | LongName::PaxEverything) && self.size > 0 {
            pax::push(&mut records, "size", self.size.to_string().as_bytes());
        }
        records
    }

    /// GNU's form: an `L` entry for a path, a `K` entry for a link target, each ending in NUL.
    fn write_long_links(&self, style: &HeaderStyle, out: &mut impl Write) -> Result<(), TarError> {
        let long_path = !divide(&self.path, style.split, PREFIX.len()).whole;
        let long_link = self.link.len() > LINK.len();
        for (flag, text) in [(b'L', long_path.then_some(&self.path)), (b'K', long_link.then_some(&self.link))] {
            let Some(text) = text else { continue };
            let size = text.len() as u64 + 1;
            let mut block = Block::new();
            block.text(NAME, "././@LongLink");
            for (field, value) in [(MODE, 0o644), (UID, 0), (GID, 0), (SIZE, size), (MTIME, 0)] {
                block.number(field, style.number, value);
            }
            block.bytes(TYPE, &[flag]);
            block.bytes(MAGIC, GNU);
            out.write_all(&block.seal(style.checksum))?;
            out.write_all(text.as_bytes())?;
            out.write_all(&[0])?;
            block::pad(size, out)?;
        }
        Ok(())
    }

    fn block(&self, era: &Era, fields: &Fields<'_>) -> Result<[u8; 512], TarError> {
        let style = era.header;
        let overflow = |field, value| TarError::FieldOverflow { path: self.path.clone(), field, value };
        let mut block = Block::new();
        block.bytes(NAME, &fields.divided.name);
        block.bytes(PREFIX, &fields.divided.prefix);
        block.number(MODE, style.number, u64::from(fields.mode));
        match (fields.owner, fields.signature) {
            (Owner::Nul, _) => {}
            (Owner::OfFile, Some(Signature { uid, gid, .. })) => {
                for (field, id) in [(UID, uid), (GID, gid)] {
                    match id {
                        IdField::Number(value) if block.number(field.clone(), style.number, *value) => {}
                        IdField::Number(value) => return Err(overflow("owner", *value)),
                        IdField::Raw(bytes) => block.bytes(field, bytes),
                    }
                }
            }
            (Owner::Zero | Owner::OfFile, _) => {
                block.number(UID, style.number, 0);
                block.number(GID, style.number, 0);
            }
        }
        if !block.number(SIZE, style.number, fields.size) {
            return Err(overflow("size", fields.size));
        }
        if let Some(mtime) = fields.mtime
            && !block.number(MTIME, style.number, mtime)
        {
            return Err(overflow("mtime", mtime));
        }
        block.bytes(TYPE, &[fields.flag]);
        block.text(LINK, fields.link);
        block.bytes(MAGIC, USTAR);
        if let Some(signature) = fields.signature.filter(|_| era.owner == Owner::OfFile) {
            block.text(USER, &signature.user);
            block.text(GROUP, &signature.group);
            for (field, time) in [(ACCESS_TIME, signature.accessed), (CHANGE_TIME, signature.changed)] {
                if let Some(time) = time.filter(|_| era.extra_times) {
                    block.number(field, style.number, time);
                }
            }
        }
        if let Some(device) = style.device {
            block.number(DEVICE_MAJOR, device, 0);
            block.number(DEVICE_MINOR, device, 0);
        }
        Ok(block.seal(style.checksum))
    }
}

fn in_two_fields(name: Vec<u8>) -> Divided {
    shortest(&name).unwrap_or_else(|| Divided::whole(name, ""))
}
