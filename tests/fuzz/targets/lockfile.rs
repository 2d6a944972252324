//! Lockfiles of every client, and how they are changed for an installation.

use npm_timewarp::lockfile::{lead_berry, lead_bun, lead_pnpm, named, rewrite_bun, rewrite_yarn_v1, with_stand_ins};
use npm_timewarp::{Leads, fuzzing, redirected, settings_without_git, without_git};

use super::text;

const FILES: [&str; 8] =
    ["package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "npm-shrinkwrap.json", "pnpm-workspace.yaml", ".yarnrc.yml", ".npmrc"];
const BASE: &str = "http://127.0.0.1:1";

/// A digit that says which file it is, and its content.
pub(crate) fn lockfile(input: &[u8]) -> String {
    let Some((which, bytes)) = input.split_first() else { return String::new() };
    let file = FILES[usize::from(*which) % FILES.len()];
    let found = named(file, bytes);
    let names = |bytes: &[u8]| named(file, bytes).map(|found| found.versions);
    if let Ok(found) = &found {
        for (name, version) in &found.versions {
            assert!(npm_spec::PackageName::parse(name).is_ok(), "{name:?}");
            assert!(npm_spec::version::parse(version).is_some(), "{version:?}");
        }
        for host in &found.hosts {
            assert!(!host.is_empty() && !host.contains(['/', '@', ' ']) && !host.chars().any(char::is_control), "{host:?}");
        }
        // Of what is served in place of others only digests change.
        let gone: Vec<String> = found.versions.iter().take(3).map(|(name, version)| format!("{name}@{version}")).collect();
        let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
        if let Some(changed) = with_stand_ins(file, bytes, &fuzzing::stand_ins(&gone)) {
            assert_eq!(names(&changed).as_ref(), Ok(&found.versions), "stand-ins have the versions of what they stand in for");
        }
    }
    let without = if matches!(file, "pnpm-workspace.yaml" | ".yarnrc.yml") { settings_without_git } else { without_git };
    let leads = Leads::new(BASE);
    let no_git = without(bytes, &leads);
    if let Some(changed) = &no_git {
        // A name that no package has may itself look like an address.
        assert!(without(changed, &leads).is_none_or(|again| again == *changed), "a dependency on a repository is left");
    }
    let sent_on = redirected(file, bytes, BASE);
    if let Some(changed) = &sent_on {
        assert_eq!(redirected(file, changed, BASE).as_ref(), Some(changed), "what leads here leads here");
    }
    for lead in [lead_pnpm, lead_berry, lead_bun] {
        if let Some(changed) = lead(bytes, &leads) {
            assert_eq!(lead(&changed, &leads), None, "what leads here leads here");
            assert_eq!(lines(&changed), lines(bytes));
        }
    }
    match file {
        "yarn.lock" => yarn(bytes),
        "bun.lock" => {
            let changed = rewrite_bun(bytes, BASE);
            assert_eq!(lines(&changed), lines(bytes));
            assert_eq!(rewrite_bun(&changed, BASE), changed, "what leads here leads here");
        }
        _ => {}
    }
    let seen = found.map(|found| (found.versions.len().min(3), found.hosts.len().min(2)));
    format!("{file} {:?} {} {}", seen.map_err(|error| error.to_string().len()), no_git.is_some(), sent_on.is_some())
}

fn yarn(bytes: &[u8]) {
    let changed = rewrite_yarn_v1(bytes, &Leads::new(BASE));
    assert_eq!(lines(&changed.bytes), lines(bytes));
    let whole = text(bytes);
    // Where the file leads to the same place under two registries, or here already, the way back is
    // not known.
    let once = whole.matches("resolved").count() <= 1;
    if once && !whole.contains("127.0.0.1") {
        assert_eq!(changed.restore(&changed.bytes), bytes, "the way back");
    }
}

fn lines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count()
}
