//! The files that the value of a setting names. A pin for the value alone would hold whatever
//! becomes of them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::read::Tree;

/// Most words of a value that are looked at, and the longest one, in bytes.
const MAX_WORDS: usize = 2_000;
const MAX_WORD: usize = 1_000;

/// Endings of scripts, which Node, bun and clients let people leave out.
const ENDINGS: [&str; 10] = ["js", "cjs", "mjs", "ts", "json", "node", "cts", "mts", "jsx", "tsx"];

/// Options behind which a script stands, or a package that has one.
const LOADING: [&str; 7] = ["--require", "-r", "--import", "--loader", "--experimental-loader", "--env-file", "--env-file-if-exists"];
/// The setting of bun that is a list of such scripts.
const PRELOAD: &str = "preload";

/// What ends a word in a text: the value can be a list, options of a command or an address.
const BETWEEN: &[char] = &[' ', '\t', '\n', '=', ':', ',', ';', '#', '!', '&', '|', '<', '>', '(', ')', '[', ']', '{', '}', '"', '\'', '`'];
/// What ends an item of a list that is read as one text.
const BETWEEN_ITEMS: &[char] = &[',', '[', ']', '"', '\'', '`'];

/// The files and folders that the value of a key names, from the folders in which a client may look
/// for them; `None` where they are not known: a path that leads out, one at which there is nothing,
/// or a script that lies elsewhere.
pub(super) fn files((key, value): (&str, &Tree), folders: &[&Path]) -> Option<BTreeSet<PathBuf>> {
    let is_code = key.rsplit('.').next() == Some(PRELOAD);
    let mut looking = Looking { folders, is_code, found: BTreeSet::new(), words: 0 };
    looking.value(value)?;
    Some(looking.found)
}

struct Looking<'a> {
    folders: &'a [&'a Path],
    /// Each word is a script.
    is_code: bool,
    found: BTreeSet<PathBuf>,
    words: usize,
}

/// What a word is.
#[derive(PartialEq, Eq)]
enum Word {
    File,
    Unknown,
    Other,
}

impl Looking<'_> {
    fn value(&mut self, value: &Tree) -> Option<()> {
        match value {
            Tree::Map(pairs) => pairs.iter().try_for_each(|(key, value)| {
                // Keys are names, most often with a slash.
                self.word(key);
                self.value(value)
            }),
            Tree::List(all) => all.iter().try_for_each(|one| self.value(one)),
            Tree::Text(text) => self.text(text),
            Tree::Number(_) | Tree::Nothing => Some(()),
        }
    }

    fn text(&mut self, text: &str) -> Option<()> {
        // A file can have blanks and more in its name; what has options is a line of words.
        let is_whole = self.word(text) == Word::File && !text.contains('=');
        for item in text.split(BETWEEN_ITEMS) {
            self.word(item.trim());
        }
        let is_patch = text.contains("patch:");
        // Behind a second escape stands a path of its own.
        if text.contains("file://") || is_patch && ["%23", "%25"].iter().any(|escape| text.contains(escape)) {
            return None;
        }
        let (mut is_known, mut is_code) = (true, self.is_code);
        for word in text.split(BETWEEN).filter(|word| !word.is_empty()) {
            // Behind a scheme stand a host and a path there.
            let is_address = word.starts_with("//") && text.contains(&format!(":{word}"));
            is_known &= match word.strip_prefix("~/").filter(|_| is_patch) {
                // yarn writes the project's folder like this, and others write the user's.
                Some(own) => self.word(own) == Word::File,
                None if is_address => true,
                None => match self.word(word) {
                    Word::File => true,
                    Word::Unknown => false,
                    // A script without a file here is that of a package, or yet to be made.
                    Word::Other => !is_code,
                },
            };
            is_code = self.is_code || LOADING.contains(&word);
        }
        (self.words <= MAX_WORDS && (is_known || is_whole)).then_some(())
    }

    fn word(&mut self, word: &str) -> Word {
        self.words += 1;
        if self.words > MAX_WORDS || word.len() > MAX_WORD {
            return Word::Unknown;
        }
        let path = Path::new(word);
        let is_relative = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir | Component::ParentDir));
        if !is_relative || word.contains('\\') || word == "~" || word.starts_with("~/") {
            return Word::Unknown;
        }
        let (mut is_file, mut is_odd) = (false, false);
        for folder in self.folders.iter().filter(|_| !word.is_empty()) {
            let about = folder.join(path).symlink_metadata();
            // Node finds what is written without its ending, also where a folder has that name.
            if !about.as_ref().is_ok_and(std::fs::Metadata::is_file) {
                let ended = ENDINGS.iter().map(|ending| PathBuf::from(format!("{word}.{ending}")));
                for file in ended.filter(|ended| folder.join(ended).is_file()).filter_map(|ended| within(folder, &ended)) {
                    self.found.insert(file);
                    is_file = true;
                }
            }
            let Ok(about) = about else { continue };
            match within(folder, path).filter(|_| about.is_file() || about.is_dir()) {
                Some(there) => {
                    self.found.insert(there);
                    is_file = true;
                }
                None => is_odd = true,
            }
        }
        let is_path = word.contains('/') && !is_scoped(word) || matches!(word, "." | "..");
        match (is_file, is_odd || is_path) {
            (true, _) if !is_odd => Word::File,
            (_, true) => Word::Unknown,
            _ => Word::Other,
        }
    }
}

/// The real path of a file or a folder, if that is in the folder.
fn within(folder: &Path, path: &Path) -> Option<PathBuf> {
    inside(folder, &folder.join(path))
}

/// The real path of what lies at a path, if that is in the folder, and not the folder itself.
pub(super) fn inside(folder: &Path, at: &Path) -> Option<PathBuf> {
    let (whole, real) = (folder.canonicalize().ok()?, at.canonicalize().ok()?);
    (real != whole && real.starts_with(whole)).then_some(real)
}

/// Whether a word is the name of a package with a scope.
fn is_scoped(word: &str) -> bool {
    word.starts_with('@') && word.matches('/').count() == 1
}
