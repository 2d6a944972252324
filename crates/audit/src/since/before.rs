//! Which version each package replaced, where a project has several versions of one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::Hash;

use npm_lockfile::{Entry, Lockfile, Needer};
use npm_spec::version;

/// Most versions that have one key or one needer in common and are looked at.
const MAX_ALIKE: usize = 64;

/// The versions of one package that are gone, the lowest first.
struct Gone<'a> {
    versions: Vec<&'a str>,
    by_needer: HashMap<Needer<'a>, Vec<usize>>,
    by_key: HashMap<&'a str, Vec<usize>>,
}

/// For each package that is new, as `name@version`, the version that it replaced: the one that the
/// same others needed, then the one that was at the same place, then the nearest older one, or else
/// the nearest. A version that is still there was not replaced.
pub(super) fn versions((old, was): (&Lockfile, &BTreeMap<String, Entry>), now: &Lockfile) -> HashMap<String, String> {
    let all: HashSet<String> = now.entries.iter().map(Entry::spec).collect();
    let is_gone = |spec: &String| was.contains_key(spec) && !all.contains(spec);
    let mut by_name: HashMap<&str, Vec<(&Entry, BTreeSet<Needer<'_>>)>> = HashMap::new();
    for (entry, needers) in old.entries.iter().zip(old.needers()).filter(|(entry, _)| is_gone(&entry.spec())) {
        by_name.entry(entry.name.as_str()).or_default().push((entry, needers));
    }
    let gone: HashMap<&str, Gone<'_>> = by_name.into_iter().map(|(name, all)| (name, Gone::of(all))).collect();
    let replaced = |(entry, needers): (&Entry, BTreeSet<Needer<'_>>)| {
        let before = gone.get(entry.name.as_str())?.before(entry, &needers)?;
        Some((entry.spec(), before.to_owned()))
    };
    now.entries.iter().zip(now.needers()).filter(|(entry, _)| !was.contains_key(&entry.spec())).filter_map(replaced).collect()
}

impl<'a> Gone<'a> {
    fn of(mut all: Vec<(&'a Entry, BTreeSet<Needer<'a>>)>) -> Self {
        all.sort_by(|(one, _), (other, _)| version::compare(&one.version, &other.version));
        let (mut by_needer, mut by_key) = (HashMap::new(), HashMap::new());
        for (at, (entry, needers)) in all.iter().enumerate() {
            for needer in needers {
                keep(&mut by_needer, *needer, at);
            }
            for key in keys(entry) {
                keep(&mut by_key, key, at);
            }
        }
        Self { versions: all.into_iter().map(|(entry, _)| entry.version.as_str()).collect(), by_needer, by_key }
    }

    fn before(&self, entry: &Entry, needers: &BTreeSet<Needer<'_>>) -> Option<&'a str> {
        let mut alike: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for at in needers.iter().filter_map(|needer| self.by_needer.get(needer)).flatten() {
            alike.entry(*at).or_default().0 += 1;
        }
        for at in keys(entry).filter_map(|key| self.by_key.get(key)).flatten() {
            alike.entry(*at).or_default().1 += 1;
        }
        let most = alike.values().max().copied();
        let closest = alike.into_iter().filter(|(_, shared)| Some(*shared) == most);
        let closest: Vec<&str> = closest.filter_map(|(at, _)| self.versions.get(at).copied()).collect();
        nearest(if closest.is_empty() { &self.versions } else { &closest }, &entry.version)
    }
}

fn keep<K: Hash + Eq>(all: &mut HashMap<K, Vec<usize>>, key: K, at: usize) {
    let known = all.entry(key).or_default();
    if known.len() < MAX_ALIKE {
        known.push(at);
    }
}

/// The places of a package. A line of yarn has a key for each range that leads to it.
fn keys(entry: &Entry) -> impl Iterator<Item = &str> {
    entry.places.iter().flat_map(|place| place.key.split(", "))
}

/// Of versions in their order the last one below this one, or else the first.
fn nearest<'a>(versions: &[&'a str], to: &str) -> Option<&'a str> {
    let older = versions.partition_point(|version| version::compare(version, to).is_lt());
    versions.get(older.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(name: &str, text: &str) -> Lockfile {
        Lockfile::read(name, text.as_bytes()).unwrap()
    }

    fn replaced(name: &str, old: &str, now: &str) -> Vec<(String, String)> {
        let (old, now) = (lock(name, old), lock(name, now));
        let was = old.entries.iter().map(|entry| (entry.spec(), entry.clone())).collect();
        let mut all: Vec<_> = versions((&old, &was), &now).into_iter().collect();
        all.sort();
        all
    }

    fn npm(rows: &[(&str, &str)]) -> String {
        let row = |(key, version): &(&str, &str)| format!(r#""{key}":{{"version":"{version}"}}"#);
        format!(r#"{{"lockfileVersion":3,"packages":{{{}}}}}"#, rows.iter().map(row).collect::<Vec<_>>().join(","))
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(spec, before)| ((*spec).to_owned(), (*before).to_owned())).collect()
    }

    #[test]
    fn a_version_is_held_against_the_one_at_its_place() {
        let old =
            npm(&[("node_modules/a", "1.0.0"), ("node_modules/x/node_modules/a", "2.0.0"), ("node_modules/y/node_modules/a", "3.0.0")]);
        let now =
            npm(&[("node_modules/a", "3.5.0"), ("node_modules/x/node_modules/a", "2.5.0"), ("node_modules/y/node_modules/a", "3.0.0")]);
        assert_eq!(replaced("package-lock.json", &old, &now), pairs(&[("a@2.5.0", "2.0.0"), ("a@3.5.0", "1.0.0")]));
    }

    #[test]
    fn a_version_that_is_still_there_was_not_replaced() {
        let old = npm(&[("node_modules/a", "1.0.0"), ("node_modules/x/node_modules/a", "2.0.0")]);
        let now =
            npm(&[("node_modules/a", "1.0.1"), ("node_modules/x/node_modules/a", "2.0.0"), ("node_modules/y/node_modules/a", "3.0.0")]);
        assert_eq!(replaced("package-lock.json", &old, &now), pairs(&[("a@1.0.1", "1.0.0"), ("a@3.0.0", "1.0.0")]));
        let now =
            npm(&[("node_modules/a", "1.0.0"), ("node_modules/x/node_modules/a", "2.0.0"), ("node_modules/y/node_modules/a", "3.0.0")]);
        assert_eq!(replaced("package-lock.json", &old, &now), pairs(&[]));
    }

    #[test]
    fn a_version_is_held_against_the_one_that_the_same_package_needed() {
        let pnpm = |x: &str, y: &str, own: &str| {
            let packages = [x, y, own].map(|version| format!("  a@{version}:\n    resolution: {{integrity: sha512-x}}\n")).concat();
            let needer = |name: &str, of: &str| format!("  {name}@1.0.0:\n    dependencies:\n      a: {of}\n");
            let names = ["x", "y"].map(|name| format!("  {name}@1.0.0:\n    resolution: {{integrity: sha512-x}}\n")).concat();
            let importers = format!(
                "importers:\n  .:\n    dependencies:\n      a:\n        specifier: '*'\n        version: {own}\n      x:\n        specifier: '*'\n        version: 1.0.0\n      y:\n        specifier: '*'\n        version: 1.0.0\n"
            );
            let bare = [x, y, own].map(|version| format!("  a@{version}: {{}}\n")).concat();
            format!(
                "lockfileVersion: '9.0'\n\n{importers}\npackages:\n{packages}{names}\nsnapshots:\n{bare}{}{}",
                needer("x", x),
                needer("y", y)
            )
        };
        let (old, now) = (pnpm("1.0.0", "2.0.0", "5.0.0"), pnpm("3.0.0", "4.0.0", "1.5.0"));
        let all = pairs(&[("a@1.5.0", "5.0.0"), ("a@3.0.0", "1.0.0"), ("a@4.0.0", "2.0.0")]);
        assert_eq!(replaced("pnpm-lock.yaml", &old, &now), all);
    }

    #[test]
    fn a_version_without_a_place_is_held_against_the_nearest_older_one() {
        let deno = |all: &[&str]| {
            let rows: Vec<String> = all.iter().map(|version| format!("\"a@{version}\":{{}}")).collect();
            format!(r#"{{"version":"5","npm":{{{}}}}}"#, rows.join(","))
        };
        let (old, now) = (deno(&["1.0.0", "9.0.0", "10.0.0"]), deno(&["0.5.0", "1.0.1", "9.1.0", "11.0.0"]));
        let all = pairs(&[("a@0.5.0", "1.0.0"), ("a@1.0.1", "1.0.0"), ("a@11.0.0", "10.0.0"), ("a@9.1.0", "9.0.0")]);
        assert_eq!(replaced("deno.lock", &old, &now), all);
    }

    #[test]
    fn a_line_of_yarn_is_held_against_the_one_of_its_ranges() {
        let yarn = |first: (&str, &str), second: (&str, &str)| {
            let line = |(ranges, version): (&str, &str)| {
                format!("{ranges}:\n  version \"{version}\"\n  resolved \"https://registry.yarnpkg.com/a/-/a-{version}.tgz\"\n")
            };
            format!("# yarn lockfile v1\n\n\n{}\n{}", line(first), line(second))
        };
        let old = yarn(("a@>=1, a@^1", "1.0.0"), ("a@>=1.5", "1.5.0"));
        let now = yarn(("a@>=1, a@^1", "1.9.0"), ("a@>=1.5", "1.4.0"));
        assert_eq!(replaced("yarn.lock", &old, &now), pairs(&[("a@1.4.0", "1.5.0"), ("a@1.9.0", "1.0.0")]));
    }
}
