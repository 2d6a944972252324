//! Patterns by which a project names the folders of its workspaces.

use super::Format;

/// Most patterns that are looked at, and the longest one, in bytes.
const MAX_PATTERNS: usize = 1000;
const MAX_LENGTH: usize = 1000;
/// Most lists that a pattern has.
const MAX_LISTS: usize = 8;

/// The patterns of one project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns {
    wanted: Vec<Vec<String>>,
    /// What is none of them all the same.
    except: Vec<Vec<String>>,
}

impl Patterns {
    /// Reads patterns; `None` where one is none that all readers understand alike.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a str>, format: Format) -> Option<Self> {
        // yarn 1 has no exceptions, and bun's first versions have none.
        Self::with(texts, format, matches!(format, Format::Npm | Format::Pnpm | Format::Berry))
    }

    /// The same, where it is known whether the client has exceptions.
    pub(crate) fn with<'a>(texts: impl IntoIterator<Item = &'a str>, format: Format, excepts: bool) -> Option<Self> {
        let mut all = Self::default();
        for text in texts {
            let (pattern, is_except) = text.strip_prefix('!').map_or((text, false), |except| (except, true));
            if text.len() > MAX_LENGTH {
                return None;
            }
            let each = if format == Format::Deno { Some(vec![pattern.to_owned()]) } else { braces(pattern, 0) };
            let each = each.filter(|each| each.iter().all(|one| is_plain(one)));
            match each {
                _ if is_except && !excepts => {}
                Some(each) if is_except => all.except.extend(each.iter().map(|one| parts(one))),
                None if is_except => {}
                None => return None,
                Some(each) => {
                    // npm and yarn take a pattern behind an exception for one that counts again.
                    if format != Format::Pnpm {
                        all.except.clear();
                    }
                    all.wanted.extend(each.iter().map(|one| parts(one)));
                }
            }
            if all.wanted.len() + all.except.len() > MAX_PATTERNS {
                return None;
            }
        }
        Some(all)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Whether a folder, from the project's, is one of a workspace.
    pub fn has(&self, folder: &str) -> bool {
        let path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        let fits = |all: &[Vec<String>]| all.iter().any(|pattern| fits(pattern, &path));
        fits(&self.wanted) && !fits(&self.except)
    }

    /// Whether folders below one of this depth can be of workspaces.
    pub(crate) fn goes_below(&self, depth: usize) -> bool {
        self.wanted.iter().any(|pattern| pattern.iter().any(|part| part == "**") || pattern.len() > depth)
    }
}

/// What a pattern with lists stands for: `a/{b,c}` is `a/b` and `a/c`. `None` where clients take it
/// for different things, or for too many.
fn braces(pattern: &str, depth: usize) -> Option<Vec<String>> {
    let Some((before, rest)) = pattern.split_once('{') else { return Some(vec![pattern.to_owned()]) };
    let (list, behind) = rest.split_once('}')?;
    let all: Vec<&str> = list.split(',').collect();
    let is_odd = |one: &&str| one.is_empty() || one.contains(['{', ' ']) || one.contains("..");
    if depth >= MAX_LISTS || all.len() < 2 || all.iter().any(is_odd) || before.contains('}') {
        return None;
    }
    let behind = braces(behind, depth + 1)?;
    let each = all.iter().flat_map(|one| behind.iter().map(move |behind| format!("{before}{one}{behind}")));
    let each: Vec<String> = each.take(MAX_PATTERNS + 1).collect();
    (each.len() <= MAX_PATTERNS).then_some(each)
}

/// Whether a pattern has names, `*` and `**` alone, and stays in the project.
fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['{', '[', '?', '(', '\\', '!', '+', ']', '}', ')'])
        && !pattern.starts_with('/')
        && !pattern.split('/').any(|part| part == "..")
}

fn parts(pattern: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in pattern.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part != "**" || all.last().is_none_or(|last| last != "**") {
            all.push(part.to_owned());
        }
    }
    all
}

/// Whether a path fits a pattern of names, `*` and `**`.
fn fits(pattern: &[String], path: &[&str]) -> bool {
    // For each count of names, whether the parts so far fit just those.
    let mut fitting = vec![false; path.len() + 1];
    if let Some(none) = fitting.first_mut() {
        *none = true;
    }
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        for at in 0..fitting.len() {
            let before = |at: usize| fitting.get(at).copied().unwrap_or_default();
            let is = match at.checked_sub(1) {
                _ if part == "**" => fitting.iter().take(at + 1).any(|fits| *fits),
                Some(last) => before(last) && path.get(last).is_some_and(|name| is_like(part, name)),
                None => false,
            };
            if let Some(slot) = next.get_mut(at) {
                *slot = is;
            }
        }
        fitting = next;
    }
    fitting.last().copied().unwrap_or_default()
}

/// Whether a name fits a part of a pattern, in which `*` stands for any letters.
fn is_like(part: &str, name: &str) -> bool {
    let Some((start, rest)) = part.split_once('*') else { return part == name };
    let Some(mut behind) = name.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*').filter(|piece| !piece.is_empty()) {
        let Some((_, rest)) = behind.split_once(piece) else { return false };
        behind = rest;
    }
    behind.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_fits_names_stars_and_double_stars() {
        let has = |texts: &[&str], folder: &str| Patterns::of(texts.iter().copied(), Format::Npm).map(|all| all.has(folder));
        for (texts, folder, expected) in [
            (&["packages/*"][..], "packages/a", Some(true)),
            (&["./packages/*/"], "packages/a", Some(true)),
            (&["packages/*"], "packages/a/b", Some(false)),
            (&["packages/**"], "packages/a/b", Some(true)),
            (&["**"], "a/b/c", Some(true)),
            (&["**/test"], "a/b/test", Some(true)),
            (&["a/**/b/**/c"], "a/x/b/y/z/c", Some(true)),
            (&["a/**/b/**/c"], "a/x/c", Some(false)),
            (&["lib-*-x*"], "lib-a-b-xy", Some(true)),
            (&["lib-*-x*"], "lib-a", Some(false)),
            (&["a*b*"], "ab", Some(true)),
            (&["a*ba"], "aba", Some(true)),
            (&["a", "!a"], "a", Some(false)),
            (&["!a", "a"], "a", Some(true)),
            (&["{a,b}"], "a", Some(true)),
            (&["{a,b}"], "c", Some(false)),
            (&["p/{a,b}/x-{c,d*}"], "p/b/x-de", Some(true)),
            (&["p/{a,b}/x-{c,d*}"], "p/b/x-e", Some(false)),
            (&["{p/*,q}"], "p/a", Some(true)),
            (&["p/*", "!p/{a,b}"], "p/b", Some(false)),
            (&["p/*", "!p/{a,b}"], "p/c", Some(true)),
            (&["{a,{b,c}}"], "a", None),
            (&["{a}"], "a", None),
            (&["{1..3}"], "1", None),
            (&["{a,..}/b"], "b", None),
            (&["{a,}"], "a", None),
            (&["a}{b,c}"], "a", None),
            (&["../a"], "a", None),
            (&["."], "", Some(true)),
        ] {
            assert_eq!(has(texts, folder), expected, "{texts:?} {folder}");
        }
        assert_eq!(Patterns::of(["a", "!a"], Format::Yarn).map(|all| all.has("a")), Some(true), "yarn 1 has no exceptions");
        assert_eq!(Patterns::of(["a", "!a"], Format::Bun).map(|all| all.has("a")), Some(true), "and bun not in each version");
        assert_eq!(Patterns::with(["a", "!a"], Format::Bun, true).map(|all| all.has("a")), Some(false));
        let many = "{a,b,c,d,e,f,g,h}".repeat(8);
        assert_eq!(Patterns::of([many.as_str()], Format::Npm), None, "too many");
    }

    #[test]
    fn a_pattern_of_many_stars_is_no_bomb() {
        let started = std::time::Instant::now();
        let deep = vec!["a"; 400].join("/");
        let stars = "**/a/".repeat(190);
        assert!(!Patterns::of([format!("{stars}b").as_str()], Format::Npm).unwrap().has(&deep));
        assert!(!Patterns::of([format!("{}b", "*a".repeat(400)).as_str()], Format::Npm).unwrap().has(&"a".repeat(2000)));
        assert!(started.elapsed().as_secs() < 5);
    }
}
