//! JSON with the place of everything in it.

use std::collections::HashSet;

use jsonc_parser::ast::{Array, Object, ObjectProp, Value};
use jsonc_parser::{CollectOptions, parse_to_ast};
use npm_spec::manifest::json_options;

use super::{Fault, Position, guard};

/// How many bytes lie between two known positions.
const STEP: usize = 1024;

/// Reads JSON; `commas` allows trailing ones. The parser itself refuses what is nested more than
/// 512 deep.
pub(crate) fn parse(text: &str, commas: bool) -> Result<Object<'_>, Fault> {
    // No client writes comments, and where one ends readers do not agree.
    read(text, &json_options(false, commas))
}

/// Reads JSON that people write, with comments.
pub(crate) fn with_comments(text: &str) -> Result<Object<'_>, Fault> {
    read(text, &json_options(true, true))
}

fn read<'a>(text: &'a str, options: &jsonc_parser::ParseOptions) -> Result<Object<'a>, Fault> {
    match parse_to_ast(text, &CollectOptions::default(), options) {
        Ok(parsed) => match parsed.value {
            Some(Value::Object(object)) => said_once(&object).map(|()| object),
            _ => Err(Fault::Malformed("it is no object of JSON".to_owned())),
        },
        Err(error) => Err(Fault::Malformed(format!("line {}, column {}", error.line_display(), error.column_display()))),
    }
}

/// An error where a key is there twice in one object, or is more than a key for JavaScript: which
/// value is true, readers do not agree.
fn said_once(root: &Object<'_>) -> Result<(), Fault> {
    let mut open = vec![root];
    let mut lists = Vec::new();
    while let Some(object) = open.pop() {
        let mut seen = HashSet::with_capacity(object.properties.len());
        for property in &object.properties {
            if !seen.insert(property.name.as_str()) {
                return Err(Fault::Malformed("an object has a key twice".to_owned()));
            }
            if guard::is_magic(property.name.as_str()) {
                return Err(Fault::Malformed("a key is a word of JavaScript".to_owned()));
            }
            below(&property.value, &mut open, &mut lists);
        }
        while let Some(list) = lists.pop() {
            list.elements.iter().for_each(|value| below(value, &mut open, &mut lists));
        }
    }
    Ok(())
}

fn below<'b, 'a>(value: &'b Value<'a>, objects: &mut Vec<&'b Object<'a>>, lists: &mut Vec<&'b Array<'a>>) {
    match value {
        Value::Object(object) => objects.push(object),
        Value::Array(list) => lists.push(list),
        _ => {}
    }
}

/// A member of an object.
pub(crate) fn member<'b, 'a>(object: &'b Object<'a>, name: &str) -> Option<&'b Value<'a>> {
    object.properties.iter().find(|property| property.name.as_str() == name).map(|property| &property.value)
}

pub(crate) fn object<'b, 'a>(of: &'b Object<'a>, name: &str) -> Option<&'b Object<'a>> {
    member(of, name).and_then(Value::as_object)
}

/// A table of a file: it may be missing, but where it stands it is an object.
pub(crate) fn table<'b, 'a>(of: &'b Object<'a>, name: &str) -> Result<Option<&'b Object<'a>>, Fault> {
    match member(of, name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Fault::Malformed(format!("its {name} is no object"))),
    }
}

pub(crate) fn text<'b>(of: &'b Object<'_>, name: &str) -> Option<&'b str> {
    string(member(of, name)?)
}

pub(crate) fn string<'b>(value: &'b Value<'_>) -> Option<&'b str> {
    value.as_string_lit().map(|text| text.value.as_ref())
}

pub(crate) fn flag(of: &Object<'_>, name: &str) -> bool {
    member(of, name).and_then(Value::as_boolean_lit).is_some_and(|flag| flag.value)
}

/// Whether these members are texts and those are flags, where they are there at all: what is of
/// another kind, each client reads otherwise.
pub(crate) fn is_plain(of: &Object<'_>, texts: &[&str], flags: &[&str]) -> bool {
    texts.iter().all(|name| member(of, name).is_none_or(|value| value.as_string_lit().is_some()))
        && flags.iter().all(|name| member(of, name).is_none_or(|value| value.as_boolean_lit().is_some()))
}

/// Whether a member is an object of texts, or a list of them, where it is there at all.
pub(crate) fn is_of_texts(of: &Object<'_>, name: &str, is_table: bool) -> bool {
    member(of, name).is_none_or(|value| match value {
        Value::Object(all) if is_table => all.properties.iter().all(|one| string(&one.value).is_some()),
        Value::Array(all) if !is_table => all.elements.iter().all(|one| string(one).is_some()),
        _ => false,
    })
}

/// Whether an object has no other members than these, which are all that the client writes.
pub(crate) fn has_only(of: &Object<'_>, known: &[&[&str]]) -> bool {
    of.properties.iter().all(|property| known.iter().any(|list| list.contains(&property.name.as_str())))
}

/// An error where the file has members that its client does not write.
pub(crate) fn whole(root: &Object<'_>, known: &[&str]) -> Result<(), Fault> {
    let is_whole = has_only(root, &[known]);
    if is_whole { Ok(()) } else { Err(Fault::Malformed("it has a member that its client does not write".to_owned())) }
}

/// The rows of a table that [`table`] has found.
pub(crate) fn rows<'b, 'a>(table: Option<&'b Object<'a>>) -> &'b [ObjectProp<'a>] {
    table.map_or(&[], |table| table.properties.as_slice())
}

pub(crate) fn list<'b, 'a>(of: &'b Object<'a>, name: &str) -> &'b [Value<'a>] {
    member(of, name).and_then(Value::as_array).map_or(&[], |list| list.elements.as_slice())
}

/// As [`table`], for a list.
pub(crate) fn table_list<'b, 'a>(of: &'b Object<'a>, name: &str) -> Result<&'b [Value<'a>], Fault> {
    match member(of, name) {
        None => Ok(&[]),
        Some(Value::Array(list)) => Ok(&list.elements),
        Some(_) => Err(Fault::Malformed(format!("its {name} is no list"))),
    }
}

/// The names and texts of an object, as of `dependencies`.
pub(crate) fn pairs<'b>(of: &'b Object<'_>, name: &str) -> impl Iterator<Item = (&'b str, &'b str)> {
    let properties = object(of, name).map_or(&[][..], |object| object.properties.as_slice());
    properties.iter().filter_map(|property| Some((property.name.as_str(), string(&property.value)?)))
}

/// Positions of a text, by offset.
pub(crate) struct Lines<'a> {
    text: &'a str,
    /// The position at each multiple of [`STEP`], or at the first character behind it.
    known: Vec<(usize, Position)>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let mut known = Vec::with_capacity(text.len() / STEP + 1);
        let mut position = Position { line: 1, column: 1 };
        for (at, c) in text.char_indices() {
            if at >= known.len() * STEP {
                known.push((at, position));
            }
            position = next(position, c);
        }
        Self { text, known }
    }

    pub(crate) fn position(&self, offset: usize) -> Position {
        let before = self.known.partition_point(|(at, _)| *at <= offset).saturating_sub(1);
        let (start, position) = self.known.get(before).copied().unwrap_or((0, Position { line: 1, column: 1 }));
        self.text.get(start..offset).unwrap_or_default().chars().fold(position, next)
    }
}

fn next(position: Position, c: char) -> Position {
    if c == '\n' { Position { line: position.line + 1, column: 1 } } else { Position { column: position.column + 1, ..position } }
}
