//! The files that the value of a setting names. A pin for the value alone would hold whatever
//! becomes of them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::read::Tree;

/// Most words of a value that are looked at, and the longest one, in bytes.
const MAX_WORDS: usize = 2_000;
const MAX_WORD: usize = 1_000;

/// Endings of scripts, which Node and clients let people leave out.
const ENDINGS: [&str; 5] = ["js", "cjs", "mjs", "ts", "json"];

/// What ends a word in a text: the value can be a list, options of a command or an address.
const BETWEEN: &[char] = &[' ', '\t', '\n', '=', ':', ',', ';', '#', '!', '&', '|', '<', '>', '(', ')', '[', ']', '{', '}', '"', '\'', '`'];
/// What ends an item of a list that is read as one text.
const BETWEEN_ITEMS: &[char] = &[',', '[', ']', '"', '\'', '`'];

/// The files that a value names, from the folders in which a client may look for them; `None` where
/// they are not known: a folder, a path that leads out, or one at which there is no file.
pub(super) fn files(value: &Tree, folders: &[&Path]) -> Option<BTreeSet<PathBuf>> {
    let mut looking = Looking { folders, found: BTreeSet::new(), words: 0 };
    looking.value(value)?;
    Some(looking.found)
}

struct Looking<'a> {
    folders: &'a [&'a Path],
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
        let mut is_known = true;
        for word in text.split(BETWEEN).filter(|word| !word.is_empty()) {
            // Behind a scheme stand a host and a path there.
            let is_address = word.starts_with("//") && text.contains(&format!(":{word}"));
            is_known &= match word.strip_prefix("~/").filter(|_| is_patch) {
                // yarn writes the project's folder like this, and others write the user's.
                Some(own) => self.word(own) == Word::File,
                None => is_address || self.word(word) != Word::Unknown,
            };
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
            let Ok(about) = folder.join(path).symlink_metadata() else {
                // Node finds what is written without its ending.
                let ended = ENDINGS.iter().map(|ending| PathBuf::from(format!("{word}.{ending}")));
                for file in ended.filter(|ended| folder.join(ended).is_file()).filter_map(|ended| within(folder, &ended)) {
                    self.found.insert(file);
                    is_file = true;
                }
                continue;
            };
            match within(folder, path).filter(|_| about.is_file()) {
                Some(file) => {
                    self.found.insert(file);
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

/// The real path of a file, if that is in the folder.
fn within(folder: &Path, path: &Path) -> Option<PathBuf> {
    let (whole, real) = (folder.canonicalize().ok()?, folder.join(path).canonicalize().ok()?);
    real.starts_with(whole).then_some(real)
}

/// Whether a word is the name of a package with a scope.
fn is_scoped(word: &str) -> bool {
    word.starts_with('@') && word.matches('/').count() == 1
}
