//! The package manager: what names it, and which version of it.

use serde_json::Value;

use npm_spec::tool::Kind;
use npm_spec::version::{self, VersionRange};

use super::files::Around;
use super::lockfile::{self, Lockfile};
use super::spelling::{quoted, wish};
use super::workflow::Setup;
use super::{Clues, ManagerCandidate, Wish};

/// A version of a manager that somebody names.
struct Named {
    kind: Kind,
    wish: Wish,
    reason: String,
}

/// Candidates, likeliest first.
///
/// Who names the manager itself decides which it is: `packageManager`, `devEngines`, a checked-in
/// yarn; then the lockfiles. Which version of it: the registry's word, then the first that names
/// one, within the range that the lockfile's form allows if that only gives a range.
pub(super) fn candidates(clues: &Clues<'_>, around: &Around<'_>, setups: &[Setup]) -> Vec<ManagerCandidate> {
    let lockfiles = lockfile::find(around);
    let own = named_by_manifest(around).into_iter().chain(checked_in_yarn(around));
    let deciding: Vec<Named> = own.collect();
    let mut kinds: Vec<Kind> = deciding.iter().map(|named| named.kind).collect();
    let mut versions: Vec<Named> = Vec::new();
    if let Some(npm) = clues.npm_version.and_then(version::clean) {
        let reason = format!("the registry says that it was published with npm {npm}");
        versions.push(Named { kind: Kind::Npm, wish: Wish::Exact(npm), reason });
    }
    versions.extend(deciding);
    versions.extend(named_beside(around));
    versions.extend(named_by_workflows(setups));
    versions.extend(named_by_engines(around));

    // Two lockfiles: the one that more than npm writes was made on purpose. A folder lists them in
    // that order.
    kinds.extend(lockfiles.iter().map(|lockfile| lockfile.kind));
    if kinds.is_empty() {
        versions.extend(by_workspace(around));
        kinds.extend(versions.iter().filter(|named| named.kind != Kind::Npm).map(|named| named.kind).take(1));
        kinds.push(Kind::Npm);
    }
    let mut seen = Vec::new();
    kinds.retain(|kind| {
        !seen.contains(kind) && {
            seen.push(*kind);
            true
        }
    });
    kinds.into_iter().map(|kind| candidate(kind, &versions, &lockfiles)).collect()
}

fn candidate(kind: Kind, versions: &[Named], lockfiles: &[Lockfile]) -> ManagerCandidate {
    let lockfile = lockfiles.iter().find(|lockfile| lockfile.kind == kind);
    let path = lockfile.map(|lockfile| lockfile.path.clone());
    let by_lockfile = lockfile.map(|lockfile| (Wish::Range(lockfile.range.to_owned()), format!("{} is {}", lockfile.path, lockfile.form)));
    let named = versions.iter().filter(|named| named.kind == kind);
    let form = lockfile.filter(|lockfile| lockfile.range != "*");
    let mut fitting = named.into_iter().filter_map(|named| {
        let wish = within(&named.wish, form.map(|lockfile| lockfile.range))?;
        let held = form.filter(|_| wish != named.wish).map(|lockfile| format!(", and {} is {}", lockfile.path, lockfile.form));
        Some((wish, named.reason.clone() + &held.unwrap_or_default()))
    });
    let best = fitting.next();
    let otherwise = || {
        let named = versions.iter().find(|named| named.kind == kind);
        named.map(|named| (named.wish.clone(), named.reason.clone()))
    };
    let fallback =
        || (Wish::Range("*".to_owned()), if kind == Kind::Npm { "no lockfile".to_owned() } else { "nothing names a version".to_owned() });
    let (wish, reason) = best.or(by_lockfile).or_else(otherwise).unwrap_or_else(fallback);
    ManagerCandidate { kind, wish, lockfile: path, reason }
}

/// What is wished for within the range that the lockfile's form allows; none where it contradicts
/// that: it was not what wrote the file. An exact version is held whatever the form.
fn within(wish: &Wish, form: Option<&str>) -> Option<Wish> {
    /// More majors than any manager has.
    const MAJORS: u32 = 64;
    let (Wish::Range(range), Some(form)) = (wish, form) else { return Some(wish.clone()) };
    if range.contains("||") || form.contains("||") {
        return None;
    }
    let both = format!("{range} {form}");
    let parsed = VersionRange::parse(&both)?;
    let ends = (0..MAJORS).flat_map(|major| [format!("{major}.0.0"), format!("{major}.999.999")]);
    ends.filter_map(|end| version::parse(&end)).any(|end| parsed.contains(&end)).then_some(Wish::Range(both))
}

/// `packageManager`, then `devEngines.packageManager`, of the nearest package.json that has one.
fn named_by_manifest(around: &Around<'_>) -> Option<Named> {
    let field = around.in_manifests(|manifest| {
        let text = manifest.get("packageManager")?.as_str()?;
        let (name, rest) = text.trim().split_once('@')?;
        let version = rest.split('+').next().unwrap_or(rest);
        let kind = Kind::of_manager(name, version)?;
        Some((kind, wish(version)?, quoted(&format!("{name}@{version}"))))
    });
    if let Some((path, (kind, wish, text))) = field {
        return Some(Named { kind, wish, reason: format!("packageManager of {path} is {text}") });
    }
    let (path, (kind, wish, text)) = around.in_manifests(|manifest| dev_engine(manifest, "packageManager").find_map(manager_of_entry))?;
    Some(Named { kind, wish, reason: format!("devEngines of {path} says {text}") })
}

/// The entries of one kind in `devEngines`: an object, or a list of them.
pub(super) fn dev_engine<'v>(manifest: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    let entry = manifest.get("devEngines").and_then(|engines| engines.get(key));
    let one = entry.filter(|entry| entry.is_object());
    one.into_iter().chain(entry.and_then(Value::as_array).into_iter().flatten())
}

fn manager_of_entry(entry: &Value) -> Option<(Kind, Wish, String)> {
    let name = entry.get("name")?.as_str()?;
    let version = entry.get("version").and_then(Value::as_str).unwrap_or("*");
    Some((Kind::of_manager(name, version)?, wish(version)?, quoted(&format!("{name} {version}"))))
}

/// A yarn that is checked in: `yarnPath` of `.yarnrc.yml`, `yarn-path` of `.yarnrc`. Its file name
/// has the version.
fn checked_in_yarn(around: &Around<'_>) -> Option<Named> {
    [(".yarnrc.yml", "yarnPath:"), (".yarnrc", "yarn-path ")].iter().find_map(|(name, key)| {
        let (path, text) = around.nearest(name)?;
        let value = text.lines().find_map(|line| line.trim().strip_prefix(key))?;
        let file = value.trim().trim_matches(['"', '\'']).rsplit('/').next()?;
        let version = version::clean(file.strip_prefix("yarn-")?.trim_end_matches(".cjs").trim_end_matches(".js"))?;
        let reason = format!("{path} names {}", quoted(file));
        Some(Named { kind: Kind::of_manager("yarn", &version)?, wish: Wish::Exact(version), reason })
    })
}

/// `volta` and `.tool-versions`.
fn named_beside(around: &Around<'_>) -> Vec<Named> {
    let mut all = Vec::new();
    for name in ["npm", "yarn", "pnpm"] {
        let volta = around.in_manifests(|manifest| Some(manifest.get("volta")?.get(name)?.as_str()?.to_owned()));
        if let Some((path, version)) = volta
            && let (Some(kind), Some(wish)) = (Kind::of_manager(name, &version), wish(&version))
        {
            all.push(Named { kind, wish, reason: format!("volta of {path} says {name} {}", quoted(&version)) });
        }
    }
    if let Some((path, text)) = around.nearest(".tool-versions") {
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            if let (Some(name), Some(version)) = (words.next(), words.next())
                && let (Some(kind), Some(wish)) = (Kind::of_manager(name, version), wish(version))
            {
                all.push(Named { kind, wish, reason: format!("{path} says {name} {}", quoted(version)) });
            }
        }
    }
    all
}

/// A workspace that only pnpm reads. It names no version.
fn by_workspace(around: &Around<'_>) -> Option<Named> {
    let (path, _) = around.nearest("pnpm-workspace.yaml")?;
    Some(Named { kind: Kind::Pnpm, wish: Wish::Range("*".to_owned()), reason: format!("there is {path}, and no lockfile") })
}

fn named_by_workflows(setups: &[Setup]) -> impl Iterator<Item = Named> + '_ {
    setups.iter().filter_map(|setup| {
        let (name, version) = setup.manager.as_ref()?;
        let reason = format!("{} sets up {name} {}", setup.path, quoted(version));
        Some(Named { kind: Kind::of_manager(name, version)?, wish: wish(version)?, reason })
    })
}

fn named_by_engines(around: &Around<'_>) -> Vec<Named> {
    let of = |name: &str| {
        let (path, range) = around.in_manifests(|manifest| {
            let range = manifest.get("engines")?.get(name)?.as_str()?.to_owned();
            // Some write there why not to use a manager: `please-use-pnpm`.
            VersionRange::parse(&range).map(|_| range)
        })?;
        let reason = format!("engines of {path} wants {name} {}", quoted(&range));
        Some(Named { kind: Kind::of_manager(name, &range)?, wish: wish(&range)?, reason })
    };
    ["pnpm", "yarn", "bun", "npm"].iter().filter_map(|name| of(name)).collect()
}
