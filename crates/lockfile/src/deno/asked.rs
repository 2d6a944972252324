//! What a project of deno asks for, in package.json and deno.json, held against the specifiers of
//! its lockfile.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jsonc_parser::ast::{Object, Value};

use super::JSR;
use crate::asked::{MAX_SHOWN, OPTIONAL, Said, asked_in, folders, is_peer, is_within, text_of};
use crate::{Format, Patterns, Reason, address, json, ranges};

/// deno's own files, the one that counts first.
const SETTINGS: [&str; 2] = ["deno.json", "deno.jsonc"];

/// Most pairs of a range and a version that are compared: a name may have many of both.
pub(super) const MAX_COMPARED: usize = 1_000_000;

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
                Ok(all) => {
                    told.extend(missing(said, &name, &all, &mut left));
                    told.extend(unlisted(said, &name, &path));
                }
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

/// What of it has no version that fits; `left` is how much may yet be compared.
fn missing(said: &Said, file: &str, wanted: &[(String, String)], left: &mut usize) -> Vec<String> {
    let wanted: BTreeSet<&(String, String)> = wanted.iter().collect();
    let open = wanted.into_iter().filter(|wanted| !fits(said, wanted, left)).take(MAX_TOLD);
    let told = open.map(|(name, range)| format!("{file} asks for {name}@{range}, and the lockfile has no specifier for just that"));
    told.map(|text| verdict::without_secrets(&text)).collect()
}

/// The addresses that an import map leads to and the lockfile has no row for: deno loads those,
/// too. Of what ends with a slash only the files that are imported have one.
fn unlisted(said: &Said, file: &str, path: &Path) -> Vec<String> {
    let text = text_of(path).filter(|_| !path.ends_with("package.json")).unwrap_or_default();
    let Ok(root) = json::with_comments(&text) else { return Vec::new() };
    let mut open: Vec<&Object<'_>> = ["imports", "scopes"].iter().filter_map(|key| json::object(&root, key)).collect();
    let mut told = Vec::new();
    while let Some(object) = open.pop() {
        for value in object.properties.iter().map(|property| &property.value) {
            open.extend(value.as_object());
            let address = json::string(value).filter(|text| address::host(text.trim()).is_some() && !text.trim_end().ends_with('/'));
            if let Some(address) = address.map(str::trim).filter(|address| !said.remote.contains(*address) && told.len() < MAX_TOLD) {
                let short: String = address.chars().take(MAX_SHOWN).collect();
                told.push(verdict::without_secrets(&format!("{file} asks for {short}, and the lockfile has no row for that")));
            }
        }
    }
    told
}

/// Whether the lockfile has a specifier for a name and a range: deno looks up just that one, and
/// takes the newest version where there is none, whatever else the lockfile has. `left` is how much
/// may yet be compared; where that is too little, nobody knows of any.
pub(super) fn fits(said: &Said, (name, range): &(String, String), left: &mut usize) -> bool {
    let Some(own) = said.specifiers.get(name).filter(|own| own.len() <= *left) else { return false };
    *left = left.saturating_sub(own.len());
    own.contains(range) || own.iter().any(|own| ranges::are_same(range, own))
}

/// What a file asks for, as names and ranges.
fn wanted(path: &Path, is_within: bool) -> Result<Vec<(String, String)>, String> {
    if !is_within {
        return Err("it is outside the project".to_owned());
    }
    if path.ends_with("package.json") {
        // deno does not install the peers of the project itself, and not what is optional for it.
        let is_asked = |range: &str| address::kind(range).is_none_or(|reason| reason == Reason::OtherRegistry);
        let asked =
            asked_in(path, Format::Deno)?.into_iter().filter(|(_, (list, range))| !is_peer(list) && *list != OPTIONAL && is_asked(range));
        let own = |name: String, range: &str| (name, if range.trim().is_empty() { "*" } else { range }.to_owned());
        return Ok(asked.map(|(name, (_, range))| of_manifest(&name, &range).unwrap_or_else(|| own(name, &range))).collect());
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
            Value::StringLit(text) => all.extend(of_kind(&text.value)),
            _ => {}
        }
    }
}

/// The same in a package.json, where the other registry's name may be the key.
fn of_manifest(name: &str, range: &str) -> Option<(String, String)> {
    let of_jsr = range.strip_prefix(JSR).filter(|range| !range.trim_start_matches('/').starts_with('@'));
    of_jsr.map(|range| (format!("{JSR}{name}"), range.to_owned())).or_else(|| of_kind(range))
}

/// The name and the range of a specifier of npm or JSR, the latter's name with its kind. It is read
/// as an address is: the kind in any letters, without blanks around it and without tabs and line
/// ends in it.
pub(super) fn of_kind(text: &str) -> Option<(String, String)> {
    let plain: String = text.chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let plain = plain.trim_matches(|c: char| c <= ' ');
    let (kind, rest) = plain.split_once(':')?;
    match kind.to_ascii_lowercase().as_str() {
        "npm" => Some(specifier(rest)),
        "jsr" => Some(specifier(rest)).map(|(name, range)| (format!("{JSR}{name}"), range)),
        _ => None,
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
