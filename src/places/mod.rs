//! The files that a command line or an options object names: what is written is not what is read,
//! is not written twice, and is no file of somebody else's. All of it is seen before a file is
//! touched.

mod earlier;
mod settings;
#[cfg(test)]
mod tests;
mod tracked;

use std::path::{Path, PathBuf};

use npm_spec::Spec;
use npmrc::Surroundings;
use report::answer::Answer;
use report::text::escape;
use store::output::{self, OutputError, Strangers};
use verdict::diagnostic::{plain, shown_path};

use crate::options::Options;
use crate::session;

/// What the file of results is called.
const RESULTS: &str = "--cache-file";
/// What a database of results is called.
const DATABASE: &str = "--db";
/// What to do where a file would be lost.
const KEPT: &str = "nothing was touched; name another file";

/// The files of a command line, each with what it is called.
#[derive(Default)]
pub(crate) struct Places {
    read: Vec<Place>,
    written: Vec<Place>,
    /// Folders whose files all count for what is checked.
    folders: Vec<Place>,
    strangers: Strangers,
    /// The user's own cache, which is where the system has it.
    usual_results: Option<PathBuf>,
}

struct Place {
    /// The option or the argument that names it.
    what: String,
    path: PathBuf,
}

impl Places {
    /// With a file that is read, where one is named.
    pub(crate) fn read(mut self, what: &str, path: Option<impl Into<PathBuf>>) -> Self {
        self.read.extend(path.map(|path| Place { what: what.to_owned(), path: path.into() }));
        self
    }

    /// With a file that is written, where one is named.
    pub(crate) fn written(mut self, what: &str, path: Option<impl Into<PathBuf>>) -> Self {
        self.written.extend(path.map(|path| Place { what: what.to_owned(), path: path.into() }));
        self
    }

    /// With a folder that is checked: no file that is there is written over, but for an earlier
    /// document of this program's, and no link in it is followed.
    pub(crate) fn folder(mut self, what: &str, path: &Path) -> Self {
        self.strangers = self.strangers.and(path);
        self.folders.extend(output::real(path).ok().map(|path| Place { what: what.to_owned(), path }));
        self
    }

    /// With what the options name, with the file of results that goes with them, and with the
    /// user's settings.
    pub(crate) fn with(self, options: &Options) -> Self {
        let mut around = Surroundings::of_process(None);
        // A path stays as it was typed where it starts at the working folder.
        let named = |path: &PathBuf| options.cwd.as_ref().map_or_else(|| path.clone(), |cwd| around.cwd.join(cwd).join(path));
        let [recipe, keys, root, emit] =
            [&options.recipe, &options.node_keys, &options.trusted_root, &options.emit].map(|path| path.as_ref().map(named));
        if let Some(cwd) = &options.cwd {
            around.cwd = around.cwd.join(cwd);
        }
        // Without a folder for caches there is no file of results either.
        let folders = session::cache_folders(options, &around).ok();
        let source = options.local_source().map(|(path, _)| match (path.strip_prefix("~"), &around.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => around.cwd.join(path),
        });
        let seal = folders.as_ref().map(store::Folders::seal_key);
        let is_usual = options.cache_dir.is_none() && options.cache_file.is_none();
        let usual_results = folders.as_ref().filter(|_| is_usual).map(|folders| folders.results.clone());
        let is_own =
            |folder: &Path| around.home.as_ref().and_then(|home| output::real(home).ok()).is_some_and(|home| home.starts_with(folder));
        let here = options.cwd.as_ref().and_then(|_| output::real(&around.cwd).ok()).filter(|here| !is_own(here));
        let strangers = here.iter().fold(self.strangers.clone(), |strangers, here| strangers.and(here));
        let mut places = Self { strangers, usual_results, ..self };
        if let Some(folder) = source.as_deref().filter(|source| source.is_dir()) {
            places = places.folder("--source", folder);
        }
        settings::files(&around, options)
            .into_iter()
            .fold(places, |places, (what, file)| places.read(what, Some(file)))
            .read("the key that results are sealed with", seal)
            .read("--source", source)
            .read("--recipe", recipe)
            .read("--node-keys", keys)
            .read("--trusted-root", root)
            .written(RESULTS, folders.map(|folders| folders.results))
            .written("--emit", emit)
    }

    /// With the tarballs on disk among these specs.
    pub(crate) fn of_specs(mut self, specs: &[String], cwd: Option<&Path>) -> Self {
        let around = Surroundings::of_process(None);
        let cwd = cwd.map_or_else(|| around.cwd.clone(), |cwd| around.cwd.join(cwd));
        for word in specs {
            let file = Spec::parse(word).ok().and_then(|spec| spec.file_in(&cwd, around.home.as_deref()));
            self = self.read("a tarball that is checked", file);
        }
        self
    }

    /// A usage error where two of the files are one, or where an output cannot be written: that is
    /// told before the work, and not after it.
    pub(crate) fn check(&self) -> Result<(), Box<Answer>> {
        for (at, one) in self.written.iter().enumerate() {
            let settled = self.settled(one)?;
            check_place(one, &settled)?;
            let Some(file) = FileId::of(&one.path) else { continue };
            let is_same = |other: &&Place| FileId::of(&other.path).is_some_and(|other| other.is(&file));
            if let Some(other) = self.read.iter().find(is_same) {
                return Err(Box::new(refused(&format!("{} would write over {}, which is read", named(one), of(other)), KEPT)));
            }
            if let Some(other) = self.written.iter().take(at).find(is_same) {
                let message = format!("{} and {} are written to one file, {}", other.what, one.what, shown(&one.path));
                return Err(Box::new(refused(&message, "nothing was touched; name a file for each")));
            }
            self.check_lost(one, &settled)?;
        }
        Ok(())
    }

    /// Where an output goes.
    fn settled(&self, one: &Place) -> Result<PathBuf, Box<Answer>> {
        // Where the user's cache is, and through which links, is the user's affair.
        let settled = if self.usual_results.as_ref() == Some(&one.path) {
            output::real(&one.path)
        } else {
            output::settled(&one.path, &self.strangers_here())
        };
        settled.map_err(|error| {
            let hint = match error {
                OutputError::Link(_) => "nothing was touched; name the file that the link leads to, or remove the link".to_owned(),
                _ => hint(one),
            };
            Box::new(refused(&format!("{} cannot be written: {}", named(one), plain(&error.to_string())), &hint))
        })
    }

    /// The folders whose links are not followed.
    fn strangers_here(&self) -> Strangers {
        Strangers::of_process().with(&self.strangers)
    }

    /// Refuses to write over a file that git tracks, or that lies in a folder that is checked. A
    /// document that this program wrote earlier may be one of them.
    fn check_lost(&self, one: &Place, settled: &Path) -> Result<(), Box<Answer>> {
        // A file that is no database is told where it is opened, and never written over.
        if one.what == DATABASE {
            return Ok(());
        }
        let is_file = std::fs::symlink_metadata(settled).is_ok_and(|about| about.is_file() && about.len() > 0);
        if !is_file || output::is_of_system(settled) {
            return Ok(());
        }
        let unknown = |error: &dyn std::fmt::Display| {
            let message = format!("{} would write over a file of which it is not known whether git tracks it: {error}", named(one));
            Box::new(refused(&message, "nothing was touched; name a file outside of the checkout"))
        };
        let kind = earlier::kind_of(settled).map_err(|error| unknown(&error))?;
        if kind == earlier::Kind::Document {
            return Ok(());
        }
        if tracked::is_tracked(settled).map_err(|error| unknown(&error))? {
            return Err(Box::new(refused(&format!("{} would write over a file that git tracks", named(one)), KEPT)));
        }
        let around = self.folders.iter().find(|folder| settled.starts_with(&folder.path));
        match around.filter(|_| kind == earlier::Kind::Other) {
            Some(folder) => {
                Err(Box::new(refused(&format!("{} would write over a file of {}, which is read", named(one), of(folder)), KEPT)))
            }
            None => Ok(()),
        }
    }
}

/// Refuses what cannot be written, and what git keeps for itself.
fn check_place(one: &Place, settled: &Path) -> Result<(), Box<Answer>> {
    // Where nothing can be stored a run gives its answer all the same.
    let is_needed = one.what != RESULTS;
    let checked = if is_needed { output::check_writable(settled) } else { output::check(settled) };
    checked.map_err(|error| {
        let error = plain(&error.to_string());
        Box::new(refused(&format!("{} cannot be written: {error}", named(one)), &hint(one)))
    })?;
    if is_needed && settled.components().any(|part| part.as_os_str() == ".git") {
        return Err(Box::new(refused(&format!("{} is in the folder of git's own files", named(one)), KEPT)));
    }
    Ok(())
}

fn refused(message: &str, hint: &str) -> Answer {
    Answer::usage(message, hint.to_owned())
}

fn hint(one: &Place) -> String {
    format!("name a file for {}; /dev/stdout and a shell's >(…) are possible too", one.what)
}

/// An output with the option that names it.
fn named(place: &Place) -> String {
    format!("{} {}", place.what, shown(&place.path))
}

/// What is read by the option that names it, or by its name.
fn of(place: &Place) -> String {
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
            path: output::real(path).unwrap_or_else(|_| path.to_owned()),
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
