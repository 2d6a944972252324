//! The fields of package.json that choose files, with JavaScript's ideas of truth and text.

use std::path::Component;

use serde_json::{Map, Value};

use npm_spec::manifest::{LARGEST_PACKED, is_too_large};

use super::ListError;

/// A parsed package.json.
#[derive(Debug, Clone, Default)]
pub(super) struct Manifest(Map<String, Value>);

/// How `bin` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bins {
    /// Not at all (npm-packlist before 1.3).
    Ignored,
    /// As it stands (npm-packlist 1.3 to 1.4.6).
    Raw,
    /// Through npm-normalize-package-bin (npm-packlist 1.4.7 and later).
    Normalized,
}

/// `files`, as a client reads it.
pub(super) enum Files {
    Absent,
    Entries(Vec<String>),
}

impl Manifest {
    /// Parses package.json as `JSON.parse` does, a byte order mark being an error; `None` if it is
    /// no JSON object, or takes gigabytes of memory.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        if is_too_large(bytes, LARGEST_PACKED) {
            return None;
        }
        match serde_json::from_slice(bytes).ok()? {
            Value::Object(fields) => Some(Self(fields)),
            _ => None,
        }
    }

    /// Parses package.json as npm's own readers do: a byte order mark is taken off.
    pub(super) fn parse_lenient(bytes: &[u8]) -> Option<Self> {
        Self::parse(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))
    }

    pub(super) fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// The field as a template string shows it, if it is truthy.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.get(field).filter(|value| truthy(value)).map(text)
    }

    /// The entries of `files` if it is an array; a client fails on an entry that is no string.
    pub(super) fn files_array(&self) -> Result<Files, ListError> {
        match self.get("files") {
            Some(Value::Array(entries)) => strings(entries).map(Files::Entries),
            _ => Ok(Files::Absent),
        }
    }

    /// The entries of `files` as `for … of` walks it: a string gives its characters.
    pub(super) fn files_iterable(&self) -> Result<Files, ListError> {
        match self.get("files") {
            Some(Value::String(name)) if !name.is_empty() => Ok(Files::Entries(name.chars().map(String::from).collect())),
            Some(value) if truthy(value) && !value.is_array() => Err(ListError::InvalidManifest("\"files\" is not an array".to_owned())),
            _ => self.files_array(),
        }
    }

    /// The targets of `bin`.
    pub(super) fn bins(&self, how: Bins) -> Vec<String> {
        let Some(bin) = self.get("bin").filter(|value| truthy(value)) else { return Vec::new() };
        match (how, bin) {
            (Bins::Raw, Value::Object(map)) => map.values().map(text).collect(),
            (Bins::Raw, Value::Array(list)) => list.iter().map(text).collect(),
            (Bins::Raw, value) => vec![text(value)],
            (Bins::Normalized, Value::String(target)) if self.get("name").is_some_and(truthy) => {
                vec![rooted(target)].into_iter().filter(|target| !target.is_empty()).collect()
            }
            (Bins::Normalized, Value::Array(list)) => targets(list.iter()),
            (Bins::Normalized, Value::Object(map)) => {
                targets(map.iter().filter(|(key, _)| !base_name(key).is_empty()).map(|(_, value)| value))
            }
            (Bins::Ignored | Bins::Normalized, _) => Vec::new(),
        }
    }

    /// The files that yarn 2 and later take in whatever `files` says: main, module, browser and
    /// bin, those of `publishConfig` first.
    pub(super) fn entry_points(&self) -> Vec<String> {
        let config = self.get("publishConfig").and_then(Value::as_object);
        let field = |name: &str| config.and_then(|config| config.get(name)).filter(|value| !value.is_null()).or_else(|| self.get(name));
        let mut paths: Vec<&str> = ["main", "module"].iter().filter_map(|name| field(name)?.as_str()).collect();
        match field("browser") {
            Some(Value::String(path)) => paths.push(path),
            Some(Value::Object(map)) => {
                paths.extend(map.iter().flat_map(|(from, to)| std::iter::once(from.as_str()).chain(to.as_str())));
            }
            _ => {}
        }
        match field("bin") {
            Some(Value::String(path)) => paths.push(path),
            Some(Value::Object(map)) => paths.extend(map.values().filter_map(Value::as_str)),
            _ => {}
        }
        paths.into_iter().map(str::to_owned).collect()
    }

    /// The folder of `directories.bin`.
    pub(super) fn bin_folder(&self) -> Option<String> {
        self.get("directories")?.get("bin")?.as_str().map(rooted).filter(|folder| !folder.is_empty())
    }

    /// The names of a dependency field.
    pub(super) fn names(&self, field: &str) -> Vec<String> {
        match self.get(field) {
            Some(Value::Object(map)) => map.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The names of `dependencies` and `optionalDependencies`.
    pub(super) fn all_dependencies(&self) -> Vec<String> {
        [self.names("dependencies"), self.names("optionalDependencies")].concat()
    }

    /// The value of `bundleDependencies` or its other spelling, the first that is truthy.
    pub(super) fn bundle(&self) -> Option<&Value> {
        ["bundleDependencies", "bundledDependencies"].into_iter().find_map(|field| self.get(field).filter(|v| truthy(v)))
    }
}

/// What JavaScript's `if` thinks of a value.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(|item| if item.is_null() { String::new() } else { text(item) }).collect();
            parts.join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
        other => other.to_string(),
    }
}

fn strings(entries: &[Value]) -> Result<Vec<String>, ListError> {
    let strings: Option<Vec<String>> = entries.iter().map(|entry| entry.as_str().map(str::to_owned)).collect();
    strings.ok_or_else(|| ListError::InvalidManifest("\"files\" has an entry that is not a string".to_owned()))
}

fn targets<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<String> {
    values.filter_map(Value::as_str).map(rooted).filter(|target| !target.is_empty()).collect()
}

fn base_name(path: &str) -> &str {
    path.trim_end_matches(['/', '\\', ':']).rsplit(['/', '\\', ':']).next().filter(|name| !matches!(*name, "." | "..")).unwrap_or("")
}

/// `path.join('/', target)` without its first slash: `.` and `..` resolved, a slash at the end
/// kept.
fn rooted(target: &str) -> String {
    let target = target.replace('\\', "/");
    // Above the root there is nothing: `..` that lead out of it are dropped.
    let inside = target.split('/').fold(Vec::new(), |mut parts: Vec<&str>, part| {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
        parts
    });
    let mut clean = inside.join("/");
    if target.ends_with('/') && !clean.is_empty() {
        clean.push('/');
    }
    clean
}

/// Resolves `.`, `..` and repeated slashes; `None` if the path leads out of the root. An absolute
/// path is taken as relative.
pub(super) fn normalize(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in std::path::Path::new(path.trim_start_matches('/')).components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str()?),
            Component::ParentDir => {
                parts.pop()?;
            }
            _ => {}
        }
    }
    Some(parts.join("/"))
}
