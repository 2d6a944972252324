//! `pack <folder> <file>`: writes the tarball that npm 11 makes of a folder, and prints its SHA-1
//! and SHA-512, as npm computes both. For `bench/pack.mjs`, which holds it against npm itself.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write as _};
use std::path::{Path, PathBuf};

use npm_pack::era::{self, Bins};
use npm_pack::gzip::{self, Match};
use npm_pack::list::{self, Context, NPM_11};
use npm_pack::tar::{self, Adopted, Content, Kind, Member};
use npm_pack::tree::{DirTree, Tree};
use sha1::Digest as _;

/// Writes a file and hashes what goes by.
struct Hashed {
    file: File,
    sha1: sha1::Sha1,
    sha512: sha2::Sha512,
}

impl io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.sha1.update(bytes);
        self.sha512.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

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
    let mut out = BufWriter::new(Hashed { file: File::create(file)?, sha1: sha1::Sha1::new(), sha512: sha2::Sha512::new() });
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        // On this thread: contents are not for several. What is read is compressed on another, and
        // by those that it starts.
        let compressing = scope.spawn(move || {
            gzip::compress(&mut packed, Match::usual(era, None), &mut out).map_err(|error| error.to_string())?;
            out.into_inner().map_err(|error| error.to_string())
        });
        let mut writer = BufWriter::with_capacity(1 << 16, writer);
        tar::write(&members, era, &bins, &Adopted::default(), &mut writer)?;
        writer.flush()?;
        drop(writer);
        let hashed = compressing.join().map_err(|_| "the compressing thread failed")??;
        writeln!(io::stdout(), "{} {}", hex::encode(hashed.sha1.finalize()), hex::encode(hashed.sha512.finalize()))?;
        Ok(())
    })
}
