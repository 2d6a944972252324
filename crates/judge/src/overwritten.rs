//! What a reader should know where a build came out that packed other than the commit shows: who
//! reads the repository sees another text, or a link, at the same path, or another package.json.

use std::collections::BTreeSet;

use explain::is_build_output;
use git::{Listing, Repository};
use npm_tarball::{Archive, EntryKind};
use origin::{Located, Origin};
use rebuild::SourceError;
use rebuild::committed::{Differences, Made, compare, folder_of};
use rebuild::left_out::LeftOut;
use rebuild::manifest_change::ManifestChange;
use rebuild::rebuilt::Rebuilt;
use rebuild::source::{self, Blank};
use rebuild::submodules::Open;
use recipe::{Recipe, Strategy};
use verdict::{Finding, Outcome, Severity};

use crate::checkout_notes::first_of;

const PACKAGE_JSON: &str = "package.json";

/// What packing the folder of the chosen attempt without a build shows of it.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    /// Whether package.json came out: then a client or a tool that the commit sets up makes it, and
    /// it is told by its keys.
    pub(crate) gives_manifest: bool,
    /// Files that it packs, and that were not published.
    pub(crate) gone: Vec<String>,
}

impl Plain {
    /// Of the attempt that ran nothing, in the same folder of the same commit; nothing where there
    /// was none.
    pub(crate) fn of(attempts: &[Rebuilt], chosen: usize) -> Self {
        let Some(chosen) = attempts.get(chosen) else { return Self::default() };
        let (commit, folder) = (&chosen.recipe.commit, folder_of(&chosen.recipe));
        let is_it = |one: &&Rebuilt| one.run.is_none() && one.recipe.commit == *commit && one.recipe.directory == folder;
        let plain: Vec<&Rebuilt> = attempts.iter().filter(is_it).collect();
        let gives_manifest = plain.iter().any(|one| one.comparison.identical.iter().any(|path| path == PACKAGE_JSON));
        let gone = plain.iter().map(|one| &one.comparison.only_rebuilt).min_by_key(|paths| paths.len()).cloned().unwrap_or_default();
        Self { gives_manifest, gone }
    }

    /// The same of a build that a recipe repeats: the commit's folder is packed once more, as the
    /// recipe packs it, and nothing is run. Nothing of a folder that only the build makes.
    fn of_commit(repository: &mut Repository, origin: &Origin, made: Made<'_>, blank: &Blank<'_>) -> Result<Self, SourceError> {
        let folder = made.folder();
        let origin = Origin::at(origin.commit, None, folder, origin.listing.clone());
        let recipe = Recipe { strategy: Strategy::Source, directory: folder.to_owned(), build: None, tarball: None, ..made.recipe.clone() };
        let plain = match source::follow(repository, &origin, &recipe, blank) {
            Ok(followed) => followed.archive,
            Err(error) if error.is_ours() => return Err(error),
            Err(_) => return Ok(Self::default()),
        };
        let id = |archive: &Archive| archive.get(PACKAGE_JSON).map(|entry| entry.blob_id);
        let files = plain.entries().iter().filter(|entry| entry.kind == EntryKind::File);
        let gone = files.filter(|entry| made.archive.get(&entry.path).is_none()).map(|entry| entry.path.clone()).collect();
        Ok(Self { gives_manifest: id(&plain).is_some() && id(&plain) == id(made.archive), gone })
    }
}

/// The findings of an attempt that came out; none where nothing was run.
pub(crate) fn of_attempt(
    one: &Rebuilt,
    plain: &Plain,
    published: &Archive,
    located: &Located,
    (repository, open): (&mut Repository, &Open<'_>),
) -> Result<Vec<Finding>, SourceError> {
    let commit = gix::ObjectId::from_hex(one.recipe.commit.as_bytes()).ok();
    let origin = located.origins.iter().find(|origin| Some(origin.commit) == commit);
    let Some(origin) = origin.filter(|_| one.run.is_some() && one.outcome != Outcome::OtherEntries) else { return Ok(Vec::new()) };
    let made = Made { recipe: &one.recipe, archive: published, before: &one.cleaned.before, gone: &plain.gone };
    of_build(repository, &origin.listing, made, plain, open)
}

/// The same of a build that a recipe repeats.
pub(crate) fn of_replay(
    repository: &mut Repository,
    origin: &Origin,
    made: Made<'_>,
    blank: &Blank<'_>,
) -> Result<Vec<Finding>, SourceError> {
    let plain = Plain::of_commit(repository, origin, made, blank)?;
    of_build(repository, &origin.listing, Made { gone: &plain.gone, ..made }, &plain, blank.open_submodule)
}

/// The same of what a build made, where `listing` is its commit's.
fn of_build(
    repository: &mut Repository,
    listing: &Listing,
    made: Made<'_>,
    plain: &Plain,
    open: &Open<'_>,
) -> Result<Vec<Finding>, SourceError> {
    match compare(repository, listing, made, open) {
        Ok(differences) => Ok(findings(differences, plain)),
        Err(error) if error.is_ours() => Err(error),
        Err(error) => {
            let message = format!("whether the build wrote over files of the commit could not be found out: {error}");
            Ok(vec![Finding::new("source-overwritten", Severity::Warning, message)])
        }
    }
}

fn findings(differences: Differences, plain: &Plain) -> Vec<Finding> {
    let Differences { mut overwritten, shadowed, left_out, manifest, obeyed } = differences;
    // Of a package.json that a tool of the commit makes the keys that are obeyed are told.
    let is_of_commit = overwritten.iter().any(|path| path == PACKAGE_JSON);
    if plain.gives_manifest {
        overwritten.retain(|path| path != PACKAGE_JSON);
    }
    let shadowed: Vec<String> = shadowed.into_iter().map(|one| format!("{} (in place of {})", one.loaded, one.of_commit)).collect();
    let shadowed = (!shadowed.is_empty()).then(|| {
        let message = format!("Node loads files of the package in place of those that the commit leads to: {}", first_of(&shadowed));
        Finding::new("source-shadowed", Severity::Info, message)
    });
    let obeyed = (!obeyed.is_empty()).then(|| {
        let message = format!("the build makes files that an installation obeys, and that are not in the source: {}", first_of(&obeyed));
        // Commands are built, too.
        let severity = if obeyed.iter().all(|path| is_build_output(path)) { Severity::Info } else { Severity::Warning };
        Finding::new("manifest-rewritten", severity, message)
    });
    written_over(overwritten)
        .into_iter()
        .chain(obeyed)
        .chain(manifest.map(|change| rewritten(&change, is_of_commit)))
        .chain(shadowed)
        .chain(taken_away(&left_out))
        .collect()
}

/// A finding that names the files that the commit has otherwise; `None` if there are none.
///
/// A warning, unless all of them lie where builds write: a project that commits what it builds
/// commits it late.
fn written_over(paths: Vec<String>) -> Option<Finding> {
    let (expected, others): (Vec<String>, Vec<String>) = paths.into_iter().partition(|path| is_build_output(path));
    let severity = if others.is_empty() { Severity::Info } else { Severity::Warning };
    let paths = [others, expected].concat();
    let message = format!("the build wrote other text over files of the commit: {}", first_of(&paths));
    (!paths.is_empty()).then(|| Finding::new("source-overwritten", severity, message))
}

/// A finding that names files of the commit that the build took away; `None` if there are none.
///
/// A warning, if package.json names one, or a file of the package loads it: others may be of a
/// build that makes its folder anew, or that leaves its tests out.
fn taken_away(paths: &[LeftOut]) -> Option<Finding> {
    let is_used = paths.iter().any(|one| one.user.is_some());
    let shown = |one: &LeftOut| one.user.as_ref().map_or_else(|| one.path.clone(), |user| format!("{} (which {user} names)", one.path));
    let shown: Vec<String> = paths.iter().map(shown).collect();
    let message = format!("the build takes files away that would be packed of the commit: {}", first_of(&shown));
    let severity = if is_used { Severity::Warning } else { Severity::Info };
    (!paths.is_empty()).then(|| Finding::new("source-left-out", severity, message))
}

/// A finding that names the keys of package.json that the build set otherwise. A build that makes
/// the package's folder makes its package.json, too: of that one only what is run or fetched at an
/// installation is a warning.
fn rewritten(change: &ManifestChange, is_of_commit: bool) -> Finding {
    let severity = if is_of_commit || change.is_installed_otherwise() { Severity::Warning } else { Severity::Info };
    let named = |kind: &str, names: &BTreeSet<String>| {
        let names: Vec<String> = names.iter().cloned().collect();
        if names.is_empty() { String::new() } else { format!("; no package.json of the commit names {kind}{}", first_of(&names)) }
    };
    let unnamed = named("", &change.new.dependencies) + &named("the commands ", &change.new.commands);
    let message = format!("the build sets {} otherwise than the package.json of the source{unnamed}", first_of(&change.keys));
    Finding::new("manifest-rewritten", severity, message)
}

#[cfg(test)]
mod tests {
    use rebuild::manifest_change::Names;

    use super::*;

    fn change(keys: &[&str], new: &[&str]) -> ManifestChange {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let new = Names { dependencies: owned(new).into_iter().collect(), ..Names::default() };
        ManifestChange { keys: owned(keys), new }
    }

    fn told(overwritten: &[&str], manifest: Option<ManifestChange>, gives_manifest: bool) -> Vec<(String, Severity)> {
        let overwritten = overwritten.iter().map(|path| (*path).to_owned()).collect();
        let plain = Plain { gives_manifest, gone: Vec::new() };
        let all = findings(Differences { overwritten, manifest, ..Differences::default() }, &plain);
        all.into_iter().map(|one| (one.code, one.severity)).collect()
    }

    /// Compared with what `told` gives.
    fn expected(all: &[(&str, Severity)]) -> Vec<(String, Severity)> {
        all.iter().map(|(code, severity)| ((*code).to_owned(), *severity)).collect()
    }

    #[test]
    fn what_lies_where_builds_write_is_no_warning() {
        assert_eq!(told(&["dist/a.js"], None, false), expected(&[("source-overwritten", Severity::Info)]));
        assert_eq!(told(&["a.js", "dist/a.js"], None, false), expected(&[("source-overwritten", Severity::Warning)]));
        assert!(told(&[], None, false).is_empty());
    }

    #[test]
    fn a_file_that_a_build_takes_away_is_a_warning_where_it_is_used() {
        let told = |user: Option<&str>| {
            let left_out = vec![LeftOut { path: "guard.js".to_owned(), user: user.map(str::to_owned) }];
            findings(Differences { left_out, ..Differences::default() }, &Plain::default()).into_iter().map(|one| (one.code, one.severity))
        };
        assert_eq!(told(None).collect::<Vec<_>>(), expected(&[("source-left-out", Severity::Info)]));
        assert_eq!(told(Some("index.js")).collect::<Vec<_>>(), expected(&[("source-left-out", Severity::Warning)]));
    }

    #[test]
    fn a_package_json_that_a_tool_of_the_commit_makes_is_told_by_its_keys() {
        let obeyed = || Some(change(&["scripts.postinstall"], &[]));
        assert_eq!(told(&[PACKAGE_JSON], obeyed(), true), expected(&[("manifest-rewritten", Severity::Warning)]));
        assert!(told(&[PACKAGE_JSON], None, true).is_empty());
        let both = expected(&[("source-overwritten", Severity::Warning), ("manifest-rewritten", Severity::Warning)]);
        assert_eq!(told(&[PACKAGE_JSON], obeyed(), false), both);
    }

    #[test]
    fn a_package_json_that_a_build_makes_elsewhere_is_a_warning_where_it_installs_otherwise() {
        assert_eq!(told(&[], Some(change(&["main"], &[])), false), expected(&[("manifest-rewritten", Severity::Info)]));
        assert_eq!(told(&[], Some(change(&["dependencies"], &["evil"])), false), expected(&[("manifest-rewritten", Severity::Warning)]));
        assert_eq!(told(&[], Some(change(&["scripts.install"], &[])), false), expected(&[("manifest-rewritten", Severity::Warning)]));
    }
}
