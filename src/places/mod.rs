//! The files that a command line names: what is written is not what is read, and is not written
//! twice. All of it is seen before a file is touched.

use std::path::{Path, PathBuf};

use npm_spec::Spec;
use npmrc::Surroundings;
use report::answer::Answer;
use report::text::escape;
use verdict::diagnostic::{plain, shown_path};

use super::arguments::Arguments;
use crate::options::Options;
use crate::pipes;
use crate::session;

/// Most links that lead from one to the next; Linux follows no more.
const MAX_LINKS: usize = 40;

/// Where npm's settings are, in a project and at home.
const NPMRC: &str = ".npmrc";

/// What the file of results is called.
const RESULTS: &str = "--cache-file";

/// The files of a command line, each with what it is called.
#[derive(Default)]
pub(super) struct Places {
    read: Vec<Place>,
    written: Vec<Place>,
}

struct Place {
    /// The option or the argument that names it.
    what: String,
    path: PathBuf,
}

impl Places {
    /// With a file that is read, where one is named.
    pub(super) fn read(mut self, what: &str, path: Option<impl Into<PathBuf>>) -> Self {
        self.read.extend(path.map(|path| Place { what: what.to_owned(), path: path.into() }));
        self
    }

    /// With a file that is written, where one is named.
    pub(super) fn written(mut self, what: &str, path: Option<impl Into<PathBuf>>) -> Self {
        self.written.extend(path.map(|path| Place { what: what.to_owned(), path: path.into() }));
        self
    }

    /// With what the options name, and with the file of results that goes with them.
    pub(super) fn with(self, options: &Options) -> Self {
        let around = Surroundings::of_process(None);
        // Without a folder for caches there is no file of results either.
        let folders = session::cache_folders(options, &around).ok();
        let source = options.local_source().map(|(path, _)| match (path.strip_prefix("~"), &around.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path,
        });
        let seal = folders.as_ref().map(store::Folders::seal_key);
        let npmrcs = std::iter::once(around.cwd.join(NPMRC)).chain(around.home.as_ref().map(|home| home.join(NPMRC)));
        npmrcs
            .fold(self, |places, npmrc| places.read("npm's settings", Some(npmrc)))
            .read("the key that results are sealed with", seal)
            .read("--source", source)
            .read("--recipe", options.recipe.clone())
            .read("--node-keys", options.node_keys.clone())
            .read("--trusted-root", options.trusted_root.clone())
            .written(RESULTS, folders.map(|folders| folders.results))
            .written("--emit", options.emit.clone())
    }

    /// With the documents of a run, and what they are signed with.
    pub(super) fn of(self, arguments: &Arguments) -> Self {
        self.with(&arguments.options())
            .read("--from", arguments.from.clone())
            // What a shell has opened as standard input is a file too.
            .read("-", arguments.specs.iter().any(|spec| spec == "-").then_some("/dev/stdin"))
            .read("--attest-key", arguments.attest_key.clone())
            .read("--signing-config", arguments.signing_config.clone())
            .read("--verify-attestation", arguments.verify_attestation.clone())
            .written("--attest", arguments.attest.clone())
            .written("--attest-svr", arguments.attest_svr.clone())
            .written("--sarif", arguments.sarif.clone())
            .written("--diffoscope-json", arguments.diffoscope_json.clone())
            .written("--junit", arguments.junit.clone())
    }

    /// With the tarballs on disk among these specs.
    pub(super) fn of_specs(mut self, specs: &[String]) -> Self {
        let around = Surroundings::of_process(None);
        for word in specs {
            let file = Spec::parse(word).ok().and_then(|spec| spec.file_in(&around.cwd, around.home.as_deref()));
            self = self.read("a tarball that is checked", file);
        }
        self
    }

    /// A usage error where two of the files are one, or where an output cannot be written: that is
    /// told before the work, and not after it.
    pub(super) fn check(&self) -> Result<(), Box<Answer>> {
        for (at, one) in self.written.iter().enumerate() {
            // Where nothing can be stored a run gives its answer all the same.
            let is_needed = one.what != RESULTS;
            // What is there is taken as it is: what a shell has opened is a link to nothing on
            // the disk.
            let target = if one.path.exists() { one.path.clone() } else { resolved(&one.path) };
            let checked = if is_needed { pipes::check_writable(&target) } else { pipes::check_output(&one.path) };
            checked.map_err(|error| {
                let error = plain(&error.to_string());
                let message = format!("{} {} cannot be written: {error}", one.what, shown(&one.path));
                Box::new(refused(&message, &format!("name a file for {}; /dev/stdout and a shell's >(…) are possible too", one.what)))
            })?;
            let Some(file) = FileId::of(&one.path) else { continue };
            if is_needed && file.path.components().any(|part| part.as_os_str() == ".git") {
                let message = format!("{} {} is in the folder of git's own files", one.what, shown(&one.path));
                return Err(Box::new(refused(&message, "nothing was touched; name another file")));
            }
            let is_same = |other: &&Place| FileId::of(&other.path).is_some_and(|other| other.is(&file));
            if let Some(other) = self.read.iter().find(is_same) {
                let message = format!("{} {} would write over {}, which is read", one.what, shown(&one.path), named(other));
                return Err(Box::new(refused(&message, "nothing was touched; name another file")));
            }
            if let Some(other) = self.written.iter().take(at).find(is_same) {
                let message = format!("{} and {} are written to one file, {}", other.what, one.what, shown(&one.path));
                return Err(Box::new(refused(&message, "nothing was touched; name a file for each")));
            }
        }
        Ok(())
    }
}

fn refused(message: &str, hint: &str) -> Answer {
    Answer::usage(message, hint.to_owned())
}

fn named(place: &Place) -> String {
    if place.what.starts_with('-') { place.what.clone() } else { format!("{} ({})", shown(&place.path), place.what) }
}

fn shown(path: &Path) -> String {
    escape(&shown_path(path)).into_owned()
}

/// What makes a file the same one, however it is spelled.
struct FileId {
    /// Where it is, through all links, whether it is there yet or not.
    path: PathBuf,
    /// Where it is on the disk: a file can have two names.
    #[cfg(unix)]
    node: Option<(u64, u64)>,
}

impl FileId {
    /// `None` for what can be read and written at the same time: a device, a pipe, a folder.
    fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok();
        if about.as_ref().is_some_and(|about| !about.is_file()) {
            return None;
        }
        Some(Self {
            path: resolved(path),
            #[cfg(unix)]
            node: about.map(|about| {
                use std::os::unix::fs::MetadataExt as _;
                (about.dev(), about.ino())
            }),
        })
    }

    fn is(&self, other: &Self) -> bool {
        #[cfg(unix)]
        if self.node.is_some() && self.node == other.node {
            return true;
        }
        // Where two spellings are one file unless somebody switched that off.
        if cfg!(any(windows, target_os = "macos")) {
            return self.path.to_string_lossy().to_lowercase() == other.path.to_string_lossy().to_lowercase();
        }
        self.path == other.path
    }
}

/// The path without links, also of a file that is not there, to which a link may lead.
fn resolved(path: &Path) -> PathBuf {
    let mut path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for _ in 0..MAX_LINKS {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    if let Ok(there) = path.canonicalize() {
        return there;
    }
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(places: &Places) -> Option<String> {
        places.check().err().map(|answer| answer.to_json())
    }

    #[test]
    fn an_output_that_is_an_input_is_refused_in_every_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        std::fs::write(&key, "key").unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::hard_link(&key, folder.path().join("hard")).unwrap();
        let mut spellings = vec!["key.pem", "a/../key.pem", "./key.pem", "hard"];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("key.pem", folder.path().join("link")).unwrap();
            std::os::unix::fs::symlink("..", folder.path().join("a/up")).unwrap();
            spellings.extend(["link", "a/up/key.pem"]);
        }
        for spelling in spellings {
            let places = Places::default().read("--key", Some(&key)).written("--out", Some(folder.path().join(spelling)));
            let said = message(&places).expect(spelling);
            assert!(said.contains("would write over --key, which is read"), "{spelling}: {said}");
        }
        assert_eq!(message(&Places::default().read("--key", Some(&key)).written("--out", Some(folder.path().join("other")))), None);
        assert_eq!(std::fs::read(&key).unwrap(), b"key");
    }

    #[cfg(unix)]
    #[test]
    fn two_outputs_are_two_files_also_where_neither_is_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Some(folder.path().join(name));
        std::os::unix::fs::symlink("new", folder.path().join("link")).unwrap();
        for (one, other) in [("new", "new"), ("new", "./new"), ("link", "new"), ("new", "link")] {
            assert!(message(&Places::default().written("--a", at(one)).written("--b", at(other))).is_some(), "{one} {other}");
        }
        assert_eq!(message(&Places::default().written("--a", at("new")).written("--b", at("newer"))), None);
        assert_eq!(message(&Places::default().written("--a", Some("/dev/null")).written("--b", Some("/dev/null"))), None);
    }
}
