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
    // Files are read while what was read is compressed.
    let (mut packed, writer) = io::pipe()?;
    let bins = Bins::of(&manifest);
    let mut out = BufWriter::new(File::create(file)?);
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        // On this thread: contents are not for several. What is read is compressed on another, and by those that it starts.
        let compressing = scope.spawn(move || {
            let compressed = gzip::compress(&mut packed, Match::usual(era, None), &mut out);
            compressed.map_err(|error| error.to_string()).and_then(|()| out.flush().map_err(|error| error.to_string()))
        });
        let mut writer = BufWriter::with_capacity(1 << 16, writer);
        tar::write(&members, era, &bins, &Adopted::default(), &mut writer)?;
        writer.flush()?;
        drop(writer);
        compressing.join().map_err(|_| "the compressing thread failed")?.map_err(Into::into)
    })
}
