//! Readers of files of settings, stricter than any client's: what two readers could take for two
//! things is refused.

use std::fmt;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// Largest file, and most lines of it.
const MAX_FILE: u64 = 1 << 20;
const MAX_LINES: usize = 2000;

/// Why a file is not read.
pub(super) type Odd = String;

/// Keys with their values, each as often as it is there.
pub(super) type Pairs = Vec<(String, Tree)>;

/// A value of JSON or YAML in which nothing is lost.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Map(Pairs),
    List(Vec<Tree>),
    Text(String),
    /// As it is written.
    Number(String),
    Nothing,
}

impl Tree {
    /// The text of a plain value.
    pub(super) fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
                Ok(Tree::Text(flag.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
                Ok(Tree::Number(number.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
                Ok(Tree::Number(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
                Ok(Tree::Number(number.to_string()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }

            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Nothing)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
                let mut all = Vec::new();
                while let Some(value) = list.next_element()? {
                    all.push(value);
                }
                Ok(Tree::List(all))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut all: Pairs = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((key, value)) = map.next_entry::<String, Tree>()? {
                    if !seen.insert(key.clone()) {
                        return Err(serde::de::Error::custom("an object has a key twice"));
                    }
                    all.push((key, value));
                }
                Ok(Tree::Map(all))
            }
        }
        value.deserialize_any(Any)
    }
}

/// The text of a file; `None` if there is none. A link is not followed.
pub(super) fn text(path: &Path) -> Result<Option<String>, Odd> {
    match std::fs::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error.to_string()),
        Ok(data) if !data.is_file() => return Err("it is a link, or no regular file".to_owned()),
        Ok(_) => {}
    }
    let bytes = store::at_hand::read(path, MAX_FILE).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    plain(&text).map(|()| Some(text))
}

/// An error where lines and blanks are not the same to every reader.
fn plain(text: &str) -> Result<(), Odd> {
    if text.starts_with('\u{feff}') {
        return Err("it begins with a byte order mark".to_owned());
    }
    let unbroken = text.replace("\r\n", "\n");
    if unbroken.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err("it has control characters".to_owned());
    }
    if unbroken.lines().count() > MAX_LINES {
        return Err(format!("it has more than {MAX_LINES} lines"));
    }
    Ok(())
}

/// Lines of `key=value`.
pub(super) fn npmrc(text: &str) -> Result<Pairs, Odd> {
    lines(text, &['#', ';'], |line| {
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        let (key, value) = (blanks(key), blanks(value));
        let key = key.strip_suffix("[]").unwrap_or(key);
        let is_plain = is_word(key, b"-_.:/@") && !value.contains('\\');
        is_plain.then(|| (key.to_owned(), unquoted(value)))
    })
}

/// Lines of `key value`.
pub(super) fn yarnrc(text: &str) -> Result<Pairs, Odd> {
    lines(text, &['#'], |line| {
        let (key, value) = line.split_once(' ')?;
        let is_plain = is_word(key, b"-_.:/@") && !value.contains('\\') && !line.contains('\t');
        // yarn 1 reads on behind the value, and takes the next word of the line for a key.
        (is_plain && is_one_value(blanks(value))).then(|| (key.to_owned(), unquoted(blanks(value))))
    })
}

/// Lines of `NAME=value`; a value is of one line.
pub(super) fn env(text: &str) -> Result<Pairs, Odd> {
    lines(text, &['#'], |line| {
        let (key, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        (is_word(key, b"_") && is_closed(blanks(value))).then(|| (key.to_owned(), unquoted(blanks(value))))
    })
}

/// TOML of tables with plain names, and values of one line. A key is told with its table.
pub(super) fn toml(text: &str) -> Result<Pairs, Odd> {
    let mut table = String::new();
    let mut all = Vec::new();
    for pair in lines(text, &['#'], |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            return is_word(name, b".").then(|| (name.to_owned(), Tree::Nothing));
        }
        let (key, value) = line.split_once('=')?;
        let (key, value) = (blanks(key), blanks(value));
        let is_list = value.starts_with('[') && value.ends_with(']');
        let is_plain = is_word(key, b".") && !value.contains(['\\', '{', '}']) && !value.contains("'''") && !value.contains("\"\"\"");
        let is_one = if is_list { quotes_are_even(value) } else { !value.contains(['[', ']']) && is_closed(value) };
        (is_plain && !value.is_empty() && is_one).then(|| (key.to_owned(), unquoted(value)))
    })? {
        match pair {
            (name, Tree::Nothing) => table = format!("{name}."),
            (key, value) => all.push((format!("{table}{key}"), value)),
        }
    }
    Ok(all)
}

/// JSON without comments.
pub(super) fn json(text: &str) -> Result<Pairs, Odd> {
    match serde_json::from_str(text) {
        Ok(Tree::Map(pairs)) => Ok(pairs),
        Ok(_) => Err("it is no object".to_owned()),
        Err(error) => Err(format!("it is no plain JSON: {error}")),
    }
}

/// YAML of one mapping. Its keys have to be those that stand at the beginnings of lines, too.
pub(super) fn yaml(text: &str) -> Result<Pairs, Odd> {
    // yarn reads a file with the head of its first lockfiles by other rules.
    if text.contains(['\t', '\\']) || text.to_ascii_lowercase().contains("yarn lockfile") {
        return Err("it has tabs, escapes or the head of a lockfile".to_owned());
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_aliases: 0,
            max_anchors: 0,
            max_merge_keys: 0,
            max_depth: 32,
            max_documents: 1,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        with_snippet: false,
    };
    let pairs = match serde_saphyr::from_str_with_options(text, options) {
        Ok(Tree::Map(pairs)) => pairs,
        Ok(Tree::Nothing) => Vec::new(),
        Ok(_) => return Err("it is no mapping".to_owned()),
        Err(_) => return Err("it is no plain YAML".to_owned()),
    };
    let mut seen = Vec::new();
    for line in text.lines().filter(|line| !blanks(line).is_empty() && !line.starts_with([' ', '#', '-'])) {
        let key = line.split_once(':').map(|(key, _)| key.trim_matches(['"', '\'']));
        seen.push(key.filter(|key| is_word(key, b"-_")).ok_or_else(|| "a line is no plain key".to_owned())?);
    }
    if text.contains("\n---") || text.starts_with("---") || !pairs.iter().map(|(key, _)| key.as_str()).eq(seen.iter().copied()) {
        return Err("its lines have other keys than it has".to_owned());
    }
    Ok(pairs)
}

/// Each line that is not empty and no comment.
fn lines(text: &str, comments: &[char], read: impl Fn(&str) -> Option<(String, Tree)>) -> Result<Pairs, Odd> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = blanks(line);
        if line.is_empty() || line.starts_with(comments) {
            continue;
        }
        all.push(read(line).ok_or_else(|| format!("line {} is no plain one", at + 1))?);
    }
    Ok(all)
}

/// A text without the blanks around it. Others than these are blanks to some readers alone.
fn blanks(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_word(text: &str, more: &[u8]) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
}

/// Whether a value has no quotes but a pair around it.
fn is_closed(value: &str) -> bool {
    let within = ['"', '\'', '`'].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value);
    !within.contains(['"', '\'', '`', '\\'])
}

/// Whether a text is one value: a word, or a text in quotes that end where it ends.
fn is_one_value(value: &str) -> bool {
    let within = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    within.map_or_else(|| !value.contains(char::is_whitespace) && !value.contains(['"', '\'']), |within| !within.contains('"'))
}

fn quotes_are_even(value: &str) -> bool {
    !value.contains('\'') && value.matches('"').count().is_multiple_of(2)
}

fn unquoted(value: &str) -> Tree {
    let within = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote)).unwrap_or(value);
    Tree::Text(within.to_owned())
}
