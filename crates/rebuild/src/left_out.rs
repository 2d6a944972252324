//! Scripts of the commit that would be packed, and that a build took away: what loads them goes on
//! without them (`try { require('./guard') } catch {}`).

use std::collections::BTreeSet;

use npm_tarball::Entry;

use crate::committed::{PACKAGE_JSON, led};
use crate::shadowing::{Packed, is_script, tried_for};

/// Bytes of one script, and of all, that are searched for names of files.
const SEARCHED: (u64, u64) = (4 << 20, 64 << 20);
/// Longest name of a file in a script, in bytes.
const LONGEST: usize = 1_024;

/// A file of the commit that is not in the package, though packing the commit has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its path in the package.
    pub path: String,
    /// A file of the package that names or loads it.
    pub user: Option<String>,
}

/// What was taken away, that which is used first: scripts, and other files if something names
/// them.
pub(crate) fn of(packed: Packed<'_>) -> Vec<LeftOut> {
    let all = packed.paths();
    let gone: BTreeSet<&str> = packed.gone.iter().map(String::as_str).filter(|path| !all.contains(path)).collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<LeftOut> = gone.iter().map(|path| LeftOut { path: (*path).to_owned(), user: None }).collect();
    let mut tell = |path: &str, user: &str| {
        if let Some(one) = found.iter_mut().find(|one| one.path == path && one.user.is_none()) {
            one.user = Some(user.to_owned());
        }
    };
    for named in packed.named {
        let first = tried_for(named).into_iter().find(|path| all.contains(path.as_str()) || gone.contains(path.as_str()));
        if let Some(path) = first {
            tell(&path, PACKAGE_JSON);
        }
    }
    let (one, mut left) = SEARCHED;
    for entry in packed.files.iter().filter(|entry| is_searched(entry)) {
        if entry.size > one.min(left) {
            continue;
        }
        left = left.saturating_sub(entry.size);
        let text = packed.archive.content(entry).unwrap_or_default();
        for path in users(&entry.path, &text, &all, &gone) {
            tell(&path, &entry.path);
        }
    }
    found.retain(|one| one.user.is_some() || is_script(&one.path));
    found.sort_by_key(|one| (one.user.is_none(), one.path.clone()));
    found
}

fn is_searched(entry: &Entry) -> bool {
    let name = entry.path.rsplit('/').next().unwrap_or_default();
    name != "package.json" && (is_script(&entry.path) || !name.contains('.'))
}

/// The files that are gone, and that the texts in a script name: as Node finds a path that begins
/// with a dot, and as they stand beside the script (`path.join(__dirname, 'guard.js')`) or at the
/// root.
fn users(path: &str, text: &[u8], all: &BTreeSet<&str>, gone: &BTreeSet<&str>) -> BTreeSet<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut found = BTreeSet::new();
    for word in text.split(|byte| matches!(byte, b'\'' | b'"' | b'`')).filter(|word| (1..=LONGEST).contains(&word.len())) {
        let Ok(word) = std::str::from_utf8(word) else { continue };
        if word.starts_with('.') {
            let Some(base) = led(folder, word) else { continue };
            let first = tried_for(&base).into_iter().find(|path| all.contains(path.as_str()) || gone.contains(path.as_str()));
            found.extend(first.filter(|path| gone.contains(path.as_str())));
        } else {
            let plain = word.trim_start_matches('/');
            let both = [led(folder, plain), led("", plain)].into_iter().flatten();
            found.extend(both.filter(|path| path.contains('.') && gone.contains(path.as_str())));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::io;

    use npm_tarball::{Archive, Limits};

    use super::*;
    use crate::shadowing::named;

    fn left_out(files: &[(&str, &str)], gone: &[&str]) -> Vec<(String, Option<String>)> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("package/{path}"), text.as_bytes()).expect("an entry");
        }
        let archive = Archive::read_tar(io::Cursor::new(tar.into_inner().expect("an archive")), &Limits::default()).expect("an archive");
        let files: Vec<&Entry> = archive.entries().iter().collect();
        let manifest = archive.get("package.json").map(|entry| archive.content(entry).expect("a text")).unwrap_or_default();
        let named = named(&npm_spec::manifest::read(&manifest).unwrap_or_default());
        let gone: Vec<String> = gone.iter().map(|path| (*path).to_owned()).collect();
        let packed = Packed { archive: &archive, files: &files, places: &[], gone: &gone, named: &named };
        of(packed).into_iter().map(|one| (one.path, one.user)).collect()
    }

    fn used(path: &str, user: &str) -> Vec<(String, Option<String>)> {
        vec![(path.to_owned(), Some(user.to_owned()))]
    }

    #[test]
    fn a_script_that_is_gone_and_that_another_loads_is_told_with_that() {
        for text in [
            "try{require('./guard')}catch{}",
            "import \"./guard.js\"",
            "x('a'),import(`./in/../guard`)",
            "j(__dirname,'guard.js')",
            "j(d+'/guard.js')",
        ] {
            assert_eq!(left_out(&[("index.js", text)], &["guard.js"]), used("guard.js", "index.js"), "{text}");
        }
        assert_eq!(left_out(&[("lib/a.js", "require('..')")], &["index.js"]), used("index.js", "lib/a.js"));
        assert_eq!(left_out(&[("bin/run", "readFileSync('bin/deny.txt')")], &["bin/deny.txt"]), used("bin/deny.txt", "bin/run"));
    }

    #[test]
    fn what_package_json_names_is_used_by_it() {
        let manifest = r#"{"main":"lib/a","bin":{"x":"./cli.js"},"scripts":{"postinstall":"node ./check.js","test":"node test.js"}}"#;
        for path in ["lib/a.js", "cli.js", "check.js"] {
            assert_eq!(left_out(&[("package.json", manifest)], &[path]), used(path, "package.json"));
        }
        assert_eq!(left_out(&[("package.json", manifest)], &["test.js", "README.md"]), [("test.js".to_owned(), None)]);
    }

    #[test]
    fn what_is_there_under_the_name_that_node_takes_first_is_not_gone() {
        assert_eq!(
            left_out(&[("index.js", "require('./a')"), ("a.js", "1")], &["a.json", "a/index.js"]),
            [("a.json".to_owned(), None), ("a/index.js".to_owned(), None)]
        );
        assert_eq!(left_out(&[("index.js", "import './a.js'"), ("a.js", "1")], &["a.ts"]), [("a.ts".to_owned(), None)]);
        assert!(left_out(&[("index.js", "require('./a')"), ("a.js", "1")], &["a.js"]).is_empty());
    }
}
