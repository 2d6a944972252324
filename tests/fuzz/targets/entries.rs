//! What a project installs, as its lockfile says.

use std::collections::BTreeSet;

use npm_lockfile::{Lockfile, MAX_ENTRIES, Omit};
use verdict::diagnostic::Diagnostic;

const FILES: [&str; 6] = ["package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "deno.lock", "bom.json"];

/// A digit that says which file it is, and its content.
pub(crate) fn entries(input: &[u8]) -> String {
    let Some((which, bytes)) = input.split_first() else { return String::new() };
    let file = FILES[usize::from(*which) % FILES.len()];
    let lockfile = match Lockfile::read(file, bytes) {
        Ok(lockfile) => lockfile,
        Err(error) => return format!("{file} {}", error.code()),
    };
    // In YAML a carriage return ends a line, too.
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r')).count() as u64;
    let mut places = lockfile.left_out.len();
    let mut said = BTreeSet::new();
    for pair in lockfile.entries.windows(2) {
        assert!((&pair[0].name, &pair[0].version) < (&pair[1].name, &pair[1].version), "each package once, in order");
    }
    for entry in &lockfile.entries {
        assert!(npm_spec::Spec::parse(&entry.spec()).is_ok_and(|spec| spec.display() == entry.spec()), "{:?}", entry.spec());
        assert!(!entry.places.is_empty());
        for place in &entry.places {
            places += 1;
            assert!((1..=lines).contains(&place.position.line) && place.position.column >= 1, "{:?} of {lines}", place.position);
            assert!(place.host.as_ref().is_none_or(|host| !host.contains(['/', '@', ' '])), "{:?}", place.host);
            said.insert((place.integrity.is_empty(), place.resolved.is_some(), place.usage.dev, place.usage.optional));
        }
    }
    let omit = Omit { dev: true, optional: true, peer: true };
    let kept: usize = lockfile.installed_without(omit).iter().map(|entry| entry.places.len()).sum();
    assert!(kept <= places);
    assert!(places <= MAX_ENTRIES);
    let of_root = lockfile.of_workspace(".").map(|all| all.len().min(3)).map_err(|error| error.code());
    let reasons: Vec<&str> = lockfile.left_out_by_reason().into_keys().map(npm_lockfile::Reason::as_str).collect();
    format!("{file} {:?} {reasons:?} {said:?} {of_root:?}", (lockfile.entries.len().min(3), kept.min(3)))
}
