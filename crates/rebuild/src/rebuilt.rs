//! A recipe that came to an end: what was made, how it compares, and how to write it out again.

use std::cmp::Reverse;
use std::io::{self, Read, Write};

use sha2::{Digest, Sha512};

use isolation::Tier;
use npm_pack::gzip::{self, Match};
use npm_pack::tar::Adopted;
use npm_tarball::{Archive, Comparison};
use npm_timewarp::Asked;
use npm_toolchain::Tool;
use recipe::{Recipe, StepDone, SubmoduleInfo, Taken, TarballRecipe, TooMuch, ToolchainInfo};
use verdict::Outcome;

use super::committed::Edited;
use super::error::SourceError;

/// One recipe that came to an end.
pub struct Rebuilt {
    /// The recipe.
    pub recipe: Recipe,
    /// What came of it.
    pub outcome: Outcome,
    /// File by file.
    pub comparison: Comparison,
    /// What was taken over from the published archive.
    pub adopted: Vec<String>,
    /// The values that were taken over; kept of the closest attempt only.
    pub values: Adopted,
    /// Files that git has Git LFS pointers of, and that the published ones are by the hashes in
    /// them.
    pub pointers: usize,
    /// What a tool that cleans up before packing made other than the source; known where the files
    /// are the same.
    pub cleaned: Cleaned,
    /// The rebuilt tar stream, read by the same reader as the published one; kept of the closest
    /// attempt only.
    pub archive: Option<Archive>,
    /// The encoder for the gzip around it: the published one's where that is known, else what the
    /// client would use today.
    pub encoder: Match,
    /// Milliseconds for packing and for comparing.
    pub times: [u64; 2],
    /// What was run before; none where nothing was.
    pub run: Option<Run>,
    /// The submodules whose files were there.
    pub submodules: Vec<SubmoduleInfo>,
}

/// What a tool that cleans up before packing made of a package, where the source shows something
/// else.
#[derive(Debug, Clone, Default)]
pub struct Cleaned {
    /// Published scripts without comments of the source.
    pub uncommented: Vec<String>,
    /// Keys of package.json that say what is installed, run or loaded, and that it set otherwise.
    pub obeyed: Vec<String>,
    /// Whether README.md was cut.
    pub shortened: Option<Shortened>,
    /// What was found there.
    pub before: Before,
}

/// A README.md that was published without all that the source has in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortened {
    /// A file of the package that may run or read it.
    pub user: Option<String>,
}

/// What packing found in the folder, where it made another of it.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// package.json.
    pub manifest: Option<Vec<u8>>,
    /// The ids of files that a tool edits, by the paths that they were packed under.
    pub edited: Edited,
}

/// What was run to make a package's files.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Each command, in order.
    pub steps: Vec<StepDone>,
    /// What they printed, capped.
    pub log: String,
    /// Whether a way to install came to its end.
    pub installed: bool,
    /// What was installed: `name@version integrity`, sorted.
    pub resolved: Vec<String>,
    /// Node and the package managers that were there.
    pub tools: Vec<Tool>,
    /// Toolchains of the user's that were in reach.
    pub toolchains: Vec<ToolchainInfo>,
    /// What was asked of the registry besides.
    pub asked: Vec<Asked>,
    /// Packages that were served by the user's credentials, or from a registry of their scope's.
    pub private: Vec<String>,
    /// What stood in the way, if something did.
    pub code: Option<&'static str>,
    /// What else was noticed: a code and a line each.
    pub notes: Vec<(&'static str, String)>,
    /// What a reader should look at: a code and a line each.
    pub warnings: Vec<(&'static str, String)>,
}

/// What came of all that was tried.
#[derive(Default)]
pub struct Attempts {
    /// The recipes that came to an end, in the order in which they were tried.
    pub rebuilt: Vec<Rebuilt>,
    /// A line for each part of the source that could not be had.
    pub unavailable: Vec<String>,
    /// A line for each submodule of what was reproduced whose commit its own repository never took.
    pub unreached: Vec<String>,
    /// A line for the submodules of what was reproduced that are the judged repository again.
    pub own_submodules: Option<String>,
    /// Files of the commit that was tried last, which a checkout has with other text than a reader
    /// of the repository sees.
    pub altered: Vec<String>,
    /// The isolation that builds ran in, where any did.
    pub sandbox: Option<Tier>,
    /// When the version was published, where it was asked for a build.
    pub published_at: Option<String>,
    /// Why nothing was built, where a build was wanted: what a later stage says of it.
    pub not_built: Option<SourceError>,
    /// What a limit stopped or kept from being tried. While there is anything, files that differ
    /// decide nothing.
    pub cut: Vec<Cut>,
}

/// A part of the search that met a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The limit.
    pub limit: Limit,
    /// A part of a line of text: what it was, and whether it was begun.
    pub what: String,
}

/// A limit that another run, or another machine, need not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// The time for the package.
    Time,
    /// Memory, disk, processes or output of a build.
    Machine,
    /// What the sandbox of this machine refuses, and a stronger one allows.
    Sandbox,
}

impl Limit {
    /// The code of what it cut short.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Time => "timed-out",
            Self::Machine => "build-over-limit",
            Self::Sandbox => "sandbox-refused",
        }
    }

    /// A part of a line of text: what it did to a build.
    pub(super) fn done(self) -> &'static str {
        if self == Self::Sandbox { "was refused it" } else { "was stopped" }
    }

    /// Whether a code is that of something cut short.
    pub fn is_of(code: &str) -> bool {
        [Self::Time, Self::Machine, Self::Sandbox].iter().any(|limit| limit.code() == code)
    }
}

/// Lets go of every archive but the closest attempt's: each takes as much disk as the package.
pub fn keep_closest(rebuilt: &mut [Rebuilt]) {
    let closest = closest(rebuilt);
    for (at, one) in rebuilt.iter_mut().enumerate() {
        if Some(at) != closest {
            one.archive = None;
            one.values = Adopted::default();
        }
    }
}

/// The attempt that came closest; of several the first.
pub fn closest(rebuilt: &[Rebuilt]) -> Option<usize> {
    rebuilt.iter().enumerate().max_by_key(|(at, one)| (one.closeness(), Reverse(*at))).map(|(at, _)| at)
}

/// How close an attempt came; the greater, the closer. What comes first counts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Closeness {
    /// In line with the order of verdicts.
    outcome: u8,
    /// Of attempts that differ one that built comes before one that only packed: what was packed
    /// without a build says nothing about the build's files.
    was_run: bool,
    /// Nor does a build without its dependencies, though more files may be as they were published:
    /// those that it did not come to.
    installed: bool,
    /// Published files that came out the same.
    matched: usize,
    /// Those that did not come out at all: of two lists with the same right files the one that has
    /// the others too, though they differ, is nearer to the publisher's.
    missing: Reverse<usize>,
    /// Those that came out besides.
    besides: Reverse<usize>,
    /// Whether nothing stood in the way.
    unhindered: bool,
}

impl Rebuilt {
    /// How close it came.
    pub fn closeness(&self) -> Closeness {
        let run = self.run.as_ref();
        Closeness {
            outcome: match self.outcome {
                Outcome::SameBytes => 2,
                Outcome::SameEntries => 1,
                Outcome::OtherEntries => 0,
            },
            was_run: run.is_some(),
            installed: run.is_some_and(|run| run.installed),
            matched: self.files_matched(),
            missing: Reverse(self.comparison.only_published.len()),
            besides: Reverse(self.comparison.only_rebuilt.len()),
            unhindered: run.is_none_or(|run| run.code.is_none()),
        }
    }

    /// The rebuilt package.json, where this attempt's archive was kept.
    pub fn manifest(&self) -> Option<serde_json::Value> {
        let archive = self.archive.as_ref()?;
        let bytes = archive.content(archive.get("package.json")?).ok()?;
        npm_spec::manifest::read_up_to(&bytes, npm_spec::manifest::LARGEST_PACKED)
    }

    /// Published files that came out the same.
    pub fn files_matched(&self) -> usize {
        self.comparison.identical.len()
    }

    /// Writes the rebuilt tarball; an error for an attempt whose archive was not kept.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<(), SourceError> {
        let archive = self.archive.as_ref().ok_or_else(|| io::Error::other("the archive of this attempt was not kept"))?;
        Ok(gzip::compress(&mut archive.tar(), self.encoder, out)?)
    }

    /// The part of the recipe that says what came out; an error where the archive has more values
    /// than a recipe holds.
    pub fn tarball(&self, integrity: &str) -> Result<TarballRecipe, TooMuch> {
        Ok(TarballRecipe { integrity: integrity.to_owned(), gzip: self.encoder, adopted: Taken::of(&self.values)? })
    }

    /// The rebuilt tarball's integrity.
    pub fn integrity(&self) -> Result<String, SourceError> {
        let mut hash = Hashed::new(io::sink());
        self.write_to(&mut hash)?;
        Ok(hash.finish().1)
    }
}

/// `sha512-…` of a digest.
fn sha512_integrity(digest: &[u8]) -> String {
    use base64::Engine;
    format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(digest))
}

/// The integrity of what is written through it to another place.
pub struct Hashed<W> {
    hash: Sha512,
    to: W,
}

impl<W: Write> Hashed<W> {
    /// A writer that hashes what goes through it.
    pub fn new(to: W) -> Self {
        Self { hash: Sha512::new(), to }
    }

    /// The place, and the integrity of what was written.
    pub fn finish(self) -> (W, String) {
        (self.to, sha512_integrity(&self.hash.finalize()))
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The sha512 integrity of what a reader gives.
pub fn integrity_of(mut reader: impl Read) -> io::Result<String> {
    let mut hash = Hashed::new(io::sink());
    io::copy(&mut reader, &mut hash)?;
    Ok(hash.finish().1)
}

#[cfg(test)]
mod tests {
    use npm_tarball::{self, Limits};
    use recipe::{Checkout, Strategy};

    use super::*;

    fn rebuilt(outcome: Outcome) -> Rebuilt {
        let archive = Archive::read_tar(io::Cursor::new(vec![0; 1024]), &Limits::default()).expect("an empty archive");
        Rebuilt {
            recipe: Recipe {
                schema_version: recipe::RECIPE_VERSION,
                strategy: Strategy::Source,
                name: String::new(),
                version: String::new(),
                repository: String::new(),
                commit: String::new(),
                directory: String::new(),
                checkout: Checkout::Posix,
                rewrite: String::new(),
                file_list: String::new(),
                packer: String::new(),
                submodules: Vec::new(),
                build: None,
                tarball: None,
            },
            outcome,
            comparison: npm_tarball::compare(&archive, &archive),
            adopted: Vec::new(),
            values: Adopted::default(),
            pointers: 0,
            cleaned: Cleaned::default(),
            archive: Some(archive),
            encoder: Match { class: gzip::Class::C, level: 6, xfl: 0, os: 3 },
            times: [0, 0],
            run: None,
            submodules: Vec::new(),
        }
    }

    #[test]
    fn the_closest_archive_is_kept_and_of_equals_the_first() {
        let kept = |outcomes: &[Outcome]| {
            let mut all: Vec<Rebuilt> = outcomes.iter().map(|outcome| rebuilt(*outcome)).collect();
            keep_closest(&mut all);
            all.iter().map(|one| one.archive.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(kept(&[Outcome::OtherEntries, Outcome::SameEntries, Outcome::SameEntries]), [false, true, false]);
        assert_eq!(kept(&[Outcome::SameEntries, Outcome::SameBytes, Outcome::OtherEntries]), [false, true, false]);
        assert!(rebuilt(Outcome::SameBytes).integrity().is_ok());
    }

    #[test]
    fn of_builds_with_the_same_files_the_one_that_came_to_its_end_is_closer() {
        let built = |code| Rebuilt { run: Some(Run { code, ..Run::default() }), ..rebuilt(Outcome::OtherEntries) };
        let all = [rebuilt(Outcome::OtherEntries), built(Some("build-script-failed")), built(None), built(None)];
        assert_eq!(closest(&all), Some(2));
        assert_eq!(closest(&[]), None);
    }

    #[test]
    fn a_build_without_its_dependencies_is_further_away_though_more_files_are_equal() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(0);
        header.set_mode(0o644);
        tar.append_data(&mut header, "package/a", io::empty()).expect("an entry");
        let one = tar.into_inner().expect("an archive");
        let built = |installed, files: &[u8]| {
            let archive = Archive::read_tar(io::Cursor::new(files.to_vec()), &Limits::default()).expect("an archive");
            let run = Some(Run { installed, ..Run::default() });
            Rebuilt { run, comparison: npm_tarball::compare(&archive, &archive), ..rebuilt(Outcome::OtherEntries) }
        };
        let none = vec![0; 1024];
        assert_eq!(closest(&[built(false, &one), built(true, &none)]), Some(1));
        assert_eq!(closest(&[built(true, &none), built(true, &one)]), Some(1));
    }

    #[test]
    fn of_lists_with_the_same_right_files_the_one_that_lacks_fewer_is_closer() {
        let listed = |missing: &[&str], besides: &[&str]| {
            let mut one = rebuilt(Outcome::OtherEntries);
            one.comparison.only_published = missing.iter().map(|path| (*path).to_owned()).collect();
            one.comparison.only_rebuilt = besides.iter().map(|path| (*path).to_owned()).collect();
            one
        };
        assert_eq!(closest(&[listed(&["a", "b"], &[]), listed(&["a"], &["c"]), listed(&["a"], &[])]), Some(2));
        assert_eq!(closest(&[listed(&["a"], &[]), listed(&["b"], &[])]), Some(0), "of equals the first");
    }
}
