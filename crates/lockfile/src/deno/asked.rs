//! What a project of deno asks for, in package.json and deno.json, held against the specifiers of
//! its lockfile.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jsonc_parser::ast::{Object, Value};
use npm_spec::version::{self, VersionRange};

use crate::asked::{Said, asked_in, folders, is_within, text_of};
use crate::{Format, Patterns, address, json};

/// The peers of a package.json, which deno does not install for the project itself.
const PEERS: &str = "peerDependencies";

/// deno's own files, the one that counts first.
const SETTINGS: [&str; 2] = ["deno.json", "deno.jsonc"];

/// Most pairs of a range and a version that are compared: a name may have many of both.
const MAX_COMPARED: usize = 1_000_000;

/// Most of what is missing that is told of one file.
const MAX_TOLD: usize = 100;

/// What the project and its members ask for and the lockfile has no version for.
pub(crate) fn differences(said: &Said, project: &Path) -> Vec<String> {
    let folders = match members(project) {
        Ok(folders) => folders,
        Err(reason) => return vec![reason],
    };
    let mut left = MAX_COMPARED;
    let mut told = Vec::new();
    for folder in folders.iter().map(String::as_str).chain([""]).collect::<BTreeSet<_>>() {
        for file in ["package.json"].into_iter().chain(SETTINGS) {
            let name = if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") };
            let path = project.join(&name);
            if fs::symlink_metadata(&path).is_err() {
                continue;
            }
            match wanted(&path, is_within(&project.join(folder), project)) {
                Ok(all) => told.extend(missing(said, &name, &all, &mut left)),
                Err(reason) => told.push(format!("{name} cannot be read: {reason}")),
            }
            // Where both are there, deno reads the first.
            if file == SETTINGS[0] {
                break;
            }
        }
    }
    told
}

/// What of it has no version that fits; `left` is how much may yet be compared. Where that is too
/// little, nobody knows of any.
fn missing(said: &Said, file: &str, wanted: &[(String, String)], left: &mut usize) -> Vec<String> {
    let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, range) in wanted {
        by_name.entry(name).or_default().insert(range);
    }
    let mut told = Vec::new();
    for (name, ranges) in by_name {
        let versions = said.versions.get(name).map_or(0, BTreeSet::len);
        let known = said.versions.get(name).filter(|_| versions <= *left).into_iter().flatten();
        let known: Vec<_> = known.map(|text| version::parse(text)).collect();
        for range in ranges {
            let parsed = VersionRange::parse(range);
            let is_known = versions <= *left;
            *left = left.saturating_sub(versions);
            let has = is_known && known.iter().any(|own| parsed.as_ref().zip(own.as_ref()).is_none_or(|(range, own)| range.contains(own)));
            if !has && told.len() < MAX_TOLD {
                let text = format!("{file} asks for {name}@{range}, and the lockfile has no version for that");
                told.push(verdict::without_secrets(&text));
            }
        }
    }
    told
}

/// What a file asks for, as names and ranges.
fn wanted(path: &Path, is_within: bool) -> Result<Vec<(String, String)>, String> {
    if !is_within {
        return Err("it is outside the project".to_owned());
    }
    if path.ends_with("package.json") {
        let asked = asked_in(path)?.into_iter().filter(|(_, (list, range))| *list != PEERS && address::kind(range).is_none());
        return Ok(asked.map(|(name, (_, range))| range.strip_prefix("npm:").map(specifier).unwrap_or((name, range.clone()))).collect());
    }
    // Import maps, plugins, types and what JSX is made of: each is a specifier, wherever it stands.
    let text = text_of(path).ok_or("it is too large, or no text")?;
    let root = json::with_comments(&text).map_err(|_| "it is no JSON that all clients read alike")?;
    let mut all = Vec::new();
    in_object(&root, &mut all);
    Ok(all)
}

fn in_object(object: &Object<'_>, all: &mut Vec<(String, String)>) {
    let mut open: Vec<&Value<'_>> = object.properties.iter().map(|property| &property.value).collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(object) => open.extend(object.properties.iter().map(|property| &property.value)),
            Value::Array(list) => open.extend(&list.elements),
            Value::StringLit(text) => all.extend(text.value.strip_prefix("npm:").map(specifier)),
            _ => {}
        }
    }
}

/// The name and the range of `a@^1.0.0/lib/x.js`, also with a slash in front.
fn specifier(text: &str) -> (String, String) {
    let text = text.strip_prefix('/').unwrap_or(text);
    let scope = if text.starts_with('@') { text.find('/').map_or(text.len(), |at| at + 1) } else { 0 };
    let (before, rest) = text.split_at_checked(scope).unwrap_or((text, ""));
    let end = rest.find(['@', '/']).unwrap_or(rest.len());
    let (base, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let range = behind.strip_prefix('@').map(|range| range.split('/').next().unwrap_or(range)).filter(|range| !range.is_empty());
    (format!("{before}{base}"), range.unwrap_or("*").to_owned())
}

/// The folders that deno.json and package.json name as the project's members.
fn members(project: &Path) -> Result<BTreeSet<String>, String> {
    let mut listed = Vec::new();
    for (file, key, below) in
        [(SETTINGS[0], "workspace", "members"), (SETTINGS[1], "workspace", "members"), ("package.json", "workspaces", "packages")]
    {
        let text = text_of(&project.join(file)).unwrap_or_default();
        let Ok(root) = json::with_comments(&text) else { continue };
        let own = json::list(&root, key).iter().chain(json::object(&root, key).map_or(&[][..], |all| json::list(all, below)));
        listed.extend(own.filter_map(json::string).map(|text| text.strip_prefix("./").unwrap_or(text).trim_end_matches('/').to_owned()));
    }
    let Some(patterns) = Patterns::of(listed.iter().map(String::as_str), Format::Deno) else {
        return Err("a pattern for workspaces is not supported".to_owned());
    };
    folders(project, ("", Format::Deno), &patterns, &mut 0)
}

#[cfg(test)]
mod tests {
    use super::specifier;

    #[test]
    fn a_specifier_has_a_name_a_range_and_a_path() {
        for (text, name, range) in [
            ("a", "a", "*"),
            ("a@^1.0.0", "a", "^1.0.0"),
            ("/a@1/x/y.js", "a", "1"),
            ("@s/a", "@s/a", "*"),
            ("@s/a/jsx", "@s/a", "*"),
            ("@s/a@1 || 2/x", "@s/a", "1 || 2"),
            ("a@", "a", "*"),
        ] {
            assert_eq!(specifier(text), (name.to_owned(), range.to_owned()), "{text}");
        }
    }
}
