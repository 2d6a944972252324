//! `pack <folder> <file>`: writes the tarball that npm 11 makes of a folder. For `bench/pack.mjs`, which holds it against npm itself.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use reproduce::pack::era::{self, Bins};
use reproduce::pack::gzip::{self, Match};
use reproduce::pack::list::{self, Context, NPM_11};
use reproduce::pack::tar::{self, Adopted, Content, Kind, Member};
use reproduce::pack::tree::{DirTree, Tree};

/// A file on disk, opened when its turn comes.
struct OnDisk {
    path: PathBuf,
    size: u64,
}

impl Content for OnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(BufReader::new(File::open(&self.path)?)))
    }
}

fn member(folder: &Path, entry: list::Entry) -> io::Result<Member<'static>> {
    let path = folder.join(&entry.source);
    let size = path.metadata()?.len();
    Ok(Member { path: entry.path, mode: 0o644, kind: Kind::File(Box::new(OnDisk { path, size })), mtime: None })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).filter(|argument| argument != "--bench");
    // `cargo bench` runs every benchmark without arguments.
    let (Some(folder), Some(file)) = (arguments.next(), arguments.next()) else { return Ok(()) };
    let folder = PathBuf::from(folder);
    let tree = DirTree::new(&folder)?;
    let entries = list::entries(&tree, &NPM_11, &Context::default())?;
    let members = entries.into_iter().map(|entry| member(&folder, entry)).collect::<io::Result<Vec<_>>>()?;
    let manifest = serde_json::from_slice(&tree.read("package.json").unwrap_or_default())?;
    let era = era::by_id("npm-7-20").ok_or("no such era")?;
    let mut packed = Vec::new();
    tar::write(&members, era, &Bins::of(&manifest), &Adopted::default(), &mut packed)?;
    let mut out = BufWriter::new(File::create(file)?);
    gzip::compress(&mut packed.as_slice(), Match::usual(era, None), &mut out)?;
    out.flush()?;
    Ok(())
}
