//! Glob patterns, and the lists of files that ignore files and package.json make.

use std::collections::BTreeSet;

use npm_pack::glob::{Dialect, Fuel, Options, Pattern, Subject};
use npm_pack::list::{self, Context};
use npm_pack::tree::{MemoryTree, NodeKind};

use super::{parts, text};

const FUEL: u64 = 5_000_000;

/// A pattern and a path.
pub(crate) fn glob(input: &[u8]) -> String {
    let [pattern, path, _] = parts(input);
    let (pattern, path) = (text(pattern), text(path));
    let components: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let subject = Subject { parts: &components, leading: path.starts_with('/'), trailing: path.len() > 1 && path.ends_with('/') };
    let mut seen = Vec::new();
    for dialect in [Dialect::V3, Dialect::V5, Dialect::V9] {
        for (match_base, prefixes) in [(false, false), (true, true)] {
            let matched = |nocase: bool, partial: bool| {
                let compiled = Pattern::new(&pattern, Options { dialect, nocase, match_base, prefixes }).ok()?;
                let fuel = Fuel::new(FUEL);
                let matched = compiled.matches(subject, partial, &fuel);
                let folder = compiled.names_folder(&components, &fuel);
                (!fuel.is_empty()).then_some((matched, folder, compiled.negate))
            };
            let plain = matched(false, false);
            assert_eq!(plain, matched(false, false));
            let any_case = matched(true, false);
            let lower_is_itself = pattern.is_ascii() && path.is_ascii() && !pattern.contains(['!', '^', '[']);
            if let (Some((true, _, _)), Some((of_any_case, _, _)), true) = (plain, any_case, lower_is_itself) {
                assert!(of_any_case, "{pattern:?} matches {path:?} only where case counts");
            }
            let literal = !pattern.is_empty() && pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte));
            if let (Some((matched, _, _)), true, false) = (plain, literal && !pattern.contains("//"), match_base) {
                let own = pattern.trim_matches('/') == path.trim_matches('/');
                assert!(matched == own || pattern.contains('/') || path.contains('/'), "{pattern:?} {path:?}");
            }
            seen.push((plain, any_case, matched(false, true)));
        }
    }
    format!("{seen:?}")
}

/// A package.json, a .npmignore, and the paths of files by line; each third of them is executable
/// or a link.
pub(crate) fn packlist(input: &[u8]) -> String {
    let [manifest, ignored, paths] = parts(input);
    let paths = text(paths);
    let mut tree = MemoryTree::new();
    let mut there = BTreeSet::new();
    for (at, path) in paths.lines().take(60).enumerate() {
        let plain = !path.is_empty() && path.split('/').all(|part| !matches!(part, "" | "." | "..")) && path.len() < 300;
        let apart = there.iter().all(|other: &String| {
            let below = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/') || rest.is_empty());
            !below(path, other) && !below(other, path)
        });
        if plain && apart && !matches!(path, "package.json" | ".npmignore") && !path.starts_with("package.json/") {
            let kind = match at % 3 {
                0 => NodeKind::File { executable: false },
                1 => NodeKind::File { executable: true },
                _ => NodeKind::Symlink,
            };
            let content: &[u8] = if path.ends_with("ignore") || path.ends_with("package.json") { ignored } else { b"x" };
            tree.insert(path, kind, content.to_vec());
            there.insert(path.to_owned());
        }
    }
    tree.insert("package.json", NodeKind::File { executable: false }, manifest.to_vec());
    tree.insert(".npmignore", NodeKind::File { executable: false }, ignored.to_vec());
    there.extend(["package.json".to_owned(), ".npmignore".to_owned()]);
    let mut seen = BTreeSet::new();
    for rules in list::ALL {
        let entries = match list::entries(&tree, rules, &Context::default()) {
            Ok(entries) => entries,
            Err(error) => {
                seen.insert(format!("{error:?}").chars().take(12).collect::<String>());
                continue;
            }
        };
        for entry in &entries {
            let source = entry.source.trim_end_matches('/');
            let is_folder = there.iter().any(|path| path.starts_with(&format!("{source}/")));
            assert!(there.contains(source) || is_folder || source.is_empty(), "{}: {entry:?} is not there", rules.name);
            assert!(!source.split('/').any(|part| part == "..") && !source.starts_with('/'), "{}: {entry:?}", rules.name);
        }
        seen.insert(format!("{}", entries.len().min(8)));
    }
    format!("{seen:?} {:?}", list::needs(&tree).len().min(5))
}
