//! package.json as lerna writes it to disk just before it packs: `gitHead` is the last key,
//! dependencies are sorted.
//!
//! lerna writes with write-pkg, which keeps the indentation that it finds, and ends the file with a
//! line feed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::json::{self, Object};
use super::spec::{Resolver, Unresolved};

const DEPENDENCIES: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// package.json as lerna publishes it. `bytes` are the file that it finds.
pub(super) fn rewrite(bytes: &[u8], source: &Object, git_head: bool, to: Resolver<'_>) -> Result<Vec<u8>, Unresolved> {
    let mut manifest = source.clone();
    for field in DEPENDENCIES {
        let Some(Value::Object(ranges)) = manifest.get_mut(field) else { continue };
        for (name, value) in ranges.iter_mut() {
            let Some(rest) = value.as_str().and_then(|spec| spec.strip_prefix("workspace:")) else { continue };
            let sign = rest.get(..1).filter(|sign| matches!(*sign, "^" | "~")).unwrap_or("");
            let member = to.workspace.members.get(name).and_then(|member| to.version_of(member)).ok_or(Unresolved)?;
            *value = Value::String(format!("{sign}{member}"));
        }
        json::sort_keys(ranges);
        if ranges.is_empty() {
            json::remove(&mut manifest, field);
        }
    }
    if git_head {
        manifest.insert("gitHead".to_owned(), Value::String(to.workspace.git_head.clone()));
    }
    let text = String::from_utf8_lossy(npm_spec::manifest::without_bom(bytes));
    Ok((json::print(&manifest, &indentation(&text)) + "\n").into_bytes())
}

/// The npm package detect-indent, version 5: the most used difference between the indentations of
/// two lines.
pub(super) fn indentation(text: &str) -> String {
    let (mut tabs, mut spaces, mut previous) = (0_u32, 0_u32, 0_usize);
    // By difference: how often it occurs, and how many lines follow one that goes in. The sequence
    // decides between equals.
    let mut used: BTreeMap<i64, (usize, u32, u32)> = BTreeMap::new();
    let mut current: Option<i64> = None;
    let mut goes_in = false;
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let of = |sign: char| line.len() - line.trim_start_matches(sign).len();
        let width = match (of(' '), of('\t')) {
            (0, 0) => 0,
            (0, width) => {
                tabs += 1;
                width
            }
            (width, _) => {
                spaces += 1;
                width
            }
        };
        let deeper = width > previous;
        let difference = i64::try_from(width.abs_diff(previous)).unwrap_or(i64::MAX);
        previous = width;
        if difference != 0 {
            goes_in = deeper;
            // A difference that is first met going out is remembered with its sign, and never found
            // again.
            let key = if used.contains_key(&difference) || goes_in { difference } else { -difference };
            let place = used.len();
            used.entry(key).and_modify(|entry| entry.1 += u32::from(key == difference)).or_insert((place, 1, 0));
            current = Some(key);
        } else if let Some(entry) = current.and_then(|key| used.get_mut(&key)) {
            entry.2 += u32::from(goes_in);
        }
    }
    let mut by_place: Vec<_> = used.into_iter().map(|(amount, (place, used, weight))| (place, amount, used, weight)).collect();
    by_place.sort_unstable();
    let mut most = (0, 0, 0_i64);
    for (_, amount, used, weight) in by_place {
        if used > most.0 || (used == most.0 && weight > most.1) {
            most = (used, weight, amount);
        }
    }
    let sign = if spaces >= tabs { " " } else { "\t" };
    sign.repeat(usize::try_from(most.2).unwrap_or(0).min(10))
}

#[cfg(test)]
mod tests {
    use super::super::spec::Versions;
    use super::super::workspace::Workspace;
    use super::*;

    #[test]
    fn git_head_is_the_last_key_and_dependencies_are_sorted() {
        let workspace = Workspace::new("1.0.0", "abc", "p");
        let to = Resolver { workspace: &workspace, versions: Versions::Tree, own: None };
        let source =
            "{\n\t\"name\": \"x\",\n\t\"dependencies\": {\n\t\t\"b\": \"1\",\n\t\t\"a\": \"1\"\n\t},\n\t\"devDependencies\": {}\n}";
        let object = json::parse(source.as_bytes()).expect("an object");
        let written = rewrite(source.as_bytes(), &object, true, to).expect("a manifest");
        let expected =
            "{\n\t\"name\": \"x\",\n\t\"dependencies\": {\n\t\t\"a\": \"1\",\n\t\t\"b\": \"1\"\n\t},\n\t\"gitHead\": \"abc\"\n}\n";
        assert_eq!(String::from_utf8_lossy(&written), expected);
    }

    #[test]
    fn the_most_used_indentation_is_kept() {
        assert_eq!(indentation("{\n    \"a\": {\n        \"b\": 1\n    }\n}\n"), "    ");
        assert_eq!(indentation("{\n\t\"a\": 1\n}\n"), "\t");
        assert_eq!(indentation("{}"), "");
    }
}
