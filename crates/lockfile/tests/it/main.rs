//! One project, locked by the clients themselves: `tests/fixtures/<client>-<version>`, and the two
//! SBOMs that npm 11.21.2 makes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use npm_lockfile::{Entry, Lockfile};

/// The files, and whether the format says what is for development, has hashes, and has addresses.
const FILES: [(&str, [bool; 3]); 14] = [
    ("npm-6.14.18/package-lock.json", [false, true, true]),
    ("npm-7.24.2/package-lock.json", [true, true, true]),
    ("npm-11.21.2/package-lock.json", [true, true, false]),
    ("yarn-1.22.22/yarn.lock", [false, true, true]),
    ("berry-4.18.1/yarn.lock", [false, false, false]),
    ("pnpm-6.35.1/pnpm-lock.yaml", [true, true, false]),
    ("pnpm-8.15.9/pnpm-lock.yaml", [true, true, false]),
    ("pnpm-9.15.9/pnpm-lock.yaml", [true, true, false]),
    ("pnpm-10.34.9/pnpm-lock.yaml", [true, true, false]),
    ("pnpm-12.21.0/pnpm-lock.yaml", [true, true, false]),
    ("bun-1.4.5/bun.lock", [true, true, false]),
    ("deno-2.9.6/deno.lock", [false, true, false]),
    ("sbom/cyclonedx.json", [false, true, false]),
    ("sbom/spdx.json", [false, true, false]),
];

fn read(path: &str) -> Lockfile {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)).unwrap();
    Lockfile::read(path.rsplit('/').next().unwrap(), &bytes).unwrap()
}

fn names(entries: &[Entry]) -> BTreeSet<String> {
    entries.iter().map(Entry::spec).collect()
}

#[test]
fn every_clients_lockfile_of_one_project_names_the_same_packages() {
    let expected = names(&read("npm-11.21.2/package-lock.json").entries);
    assert_eq!(expected.len(), 14);
    assert!(expected.contains("ms@2.1.1") && expected.contains("ms@2.1.2"), "the alias, and the package of that name");
    for (file, _) in FILES {
        let mut found = names(&read(file).entries);
        if file.starts_with("deno") {
            // deno does not install a project's optional dependencies.
            assert!(found.insert("is-docker@2.2.1".into()));
        }
        assert_eq!(found, expected, "{file}");
    }
}

#[test]
fn they_agree_on_hashes_lines_and_kinds_where_they_have_them() {
    let by_spec = |lockfile: Lockfile| lockfile.entries.into_iter().map(|entry| (entry.spec(), entry)).collect::<BTreeMap<_, _>>();
    let expected = by_spec(read("npm-11.21.2/package-lock.json"));
    let mut compared = 0;
    for (file, [tells_dev, has_hashes, has_addresses]) in FILES {
        let lockfile = read(file);
        assert_eq!(lockfile.tells_dev(), tells_dev, "{file}");
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file)).unwrap();
        for (spec, entry) in by_spec(lockfile) {
            let place = &entry.places[0];
            let own = &expected[&spec].places[0];
            assert_eq!(place.integrity == own.integrity, has_hashes, "{file} {spec}");
            assert_eq!(place.resolved.is_some(), has_addresses, "{file} {spec}");
            // pnpm 12 gives debug the optional peer that is there, which makes it one for
            // production.
            let by_peer = file.starts_with("pnpm-12") && matches!(entry.name.as_str(), "supports-color" | "has-flag");
            if by_peer {
                assert_eq!((place.usage.dev, own.usage.dev), (Some(false), Some(true)), "{spec}");
            } else if tells_dev {
                let both = (place.usage.dev, place.usage.optional.unwrap_or(false));
                assert_eq!(both, (own.usage.dev, own.usage.optional.unwrap_or(false) && place.usage.optional.is_some()), "{file} {spec}");
            }
            if !file.starts_with("sbom") {
                let line = text.lines().nth(usize::try_from(place.position.line).unwrap() - 1).unwrap();
                assert!(line.contains(entry.name.as_str()) || line.contains("millis"), "{file} {spec}: {line}");
            }
            compared += 1;
        }
    }
    assert_eq!(compared, FILES.len() * 14 - 1);
}
