//! What a build asked the registry for besides what it installed, and what of it was private: what
//! of this the result says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use npm_timewarp::{Asked, During, FromGit, GitNote, Record, What};

use super::failure::listed;
use super::{Publication, Site};
use crate::rebuilt::Run;

/// What was asked for besides what was installed.
#[derive(Debug)]
pub(super) struct Beside {
    asked: BTreeSet<Asked>,
    more_asked: bool,
    private: BTreeSet<String>,
    not_named: BTreeSet<String>,
    withheld: BTreeSet<String>,
    copied: BTreeSet<String>,
    strangers: BTreeSet<String>,
    kept_in: BTreeSet<String>,
    later: BTreeMap<String, Timestamp>,
    repositories: BTreeSet<FromGit>,
    repositories_lost: BTreeMap<String, String>,
}

impl Beside {
    /// What of a record is told beside what was installed.
    pub(super) fn of(record: &Record) -> Self {
        Self {
            asked: record.asked.clone(),
            more_asked: record.asked_unrecorded,
            private: record.private.clone(),
            not_named: record.not_named.clone(),
            withheld: record.withheld.clone(),
            copied: record.copied.clone(),
            strangers: record.strangers.clone(),
            kept_in: record.kept_in.clone(),
            later: record.later.clone(),
            repositories: record.repositories.clone(),
            repositories_lost: record.repositories_lost.clone(),
        }
    }

    /// Whether nothing of it was served by the user's credentials, and nothing was withheld.
    pub(super) fn is_for_every_package(&self) -> bool {
        self.private.is_empty() && self.not_named.is_empty() && self.withheld.is_empty()
    }

    /// Adds what was asked of the registry beside the tarballs.
    fn tell_what_was_read(&self, run: &mut Run) {
        let taken: BTreeSet<&str> = self.tarballs_of_scripts().collect();
        let read = |during: During| {
            let metadata = self.asked.iter().filter(move |asked| asked.during == during && asked.what == What::Metadata);
            metadata.map(|asked| asked.name.clone())
        };
        let (taken, read_only): (BTreeSet<String>, BTreeSet<String>) = read(During::Script).partition(|name| taken.contains(package(name)));
        let by_installations: BTreeSet<String> = read(During::Install).collect();
        if !read_only.is_empty() {
            let names = listed(&read_only);
            run.warnings.push(("metadata-read", format!("scripts requested metadata of packages that they did not fetch: {names}")));
        }
        if !taken.is_empty() {
            run.notes.push(("metadata-read", format!("scripts requested metadata of packages that they fetched: {}", listed(&taken))));
        }
        if !by_installations.is_empty() {
            let names = listed(&by_installations);
            run.notes.push(("metadata-read", format!("the installation requested metadata of other packages: {names}")));
        }
        if self.more_asked {
            run.warnings.push(("metadata-read", "the build requested more from the registry than the result lists".to_owned()));
        }
    }

    /// The run with what is to be said of this.
    pub(super) fn told(&self, run: Run, publication: &Publication, site: &Site) -> Run {
        let mut run = run;
        self.tell_what_was_read(&mut run);
        if !self.private.is_empty() {
            let message = format!("the build had private packages of yours: {}", listed(&self.private));
            let is_own = |name: &String| {
                let own = &publication.name;
                let scope = |name: &str| name.split_once('/').map(|(scope, _)| scope.to_owned());
                let same = scope(name).is_some() && scope(name) == scope(own) || name == own;
                same && publication.registry.is_some() && site.context.npm.registry_for(name) == site.context.npm.registry_for(own)
            };
            if self.private.iter().all(is_own) {
                run.notes.push(("private-packages-used", message));
            } else {
                run.warnings.push(("private-packages-used", message));
            }
            run.log =
                format!("# private packages were at hand; this output may hold what is in them: {}\n{}", listed(&self.private), run.log);
        }
        if !self.copied.is_empty() {
            let said = format!("published files that are not in the source, but in a dependency: {}", listed(&self.copied));
            run.notes.push(("file-from-dependency", said));
        }
        self.tell_repositories(&mut run);
        let is_own = |line: &&String| package(line) == publication.name;
        let mut earlier: BTreeSet<String> =
            run.resolved.iter().filter(is_own).filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
        let is_judged = |one: &&FromGit| one.own_name.as_deref() == Some(&*publication.name) || one.notes.contains(&GitNote::OfJudged);
        earlier.extend(self.repositories.iter().filter(is_judged).map(from_git));
        if !earlier.is_empty() {
            run.warnings.push(("built-from-itself", format!("the build had other versions of the package itself: {}", listed(&earlier))));
        }
        if !self.later.is_empty() {
            run.warnings.push(("made-of-later-packages", self.later_ones(publication)));
        }
        if !self.withheld.is_empty() {
            let names = listed(&self.withheld);
            run.warnings.push(("judged-bytes-withheld", format!("the build requested the checked package, published as: {names}")));
        }
        if !self.not_named.is_empty() {
            let names = listed(&self.not_named);
            run.notes
                .push(("private-not-named", format!("private packages whose scope the project does not name were not served: {names}")));
        }
        if !self.kept_in.is_empty() {
            let names = listed(&self.kept_in);
            let message =
                format!("after it got private packages, the build requested packages that could leak them, and was refused: {names}");
            run.warnings.push(("private-kept-in", message));
        }
        if !self.strangers.is_empty() {
            let message = format!("other processes connected to the build's registry, and were refused: {}", listed(&self.strangers));
            run.warnings.push(("other-user-refused", message));
        }
        Run { asked: self.asked.iter().cloned().collect(), private: self.private.iter().cloned().collect(), ..run }
    }

    /// Adds what a reader should know of dependencies from git repositories.
    fn tell_repositories(&self, run: &mut Run) {
        let told = |pick: &dyn Fn(&GitNote) -> Option<String>| -> BTreeSet<String> {
            let of = |one: &FromGit| one.notes.iter().filter_map(pick).map(|more| format!("{}{more}", from_git(one))).collect::<Vec<_>>();
            self.repositories.iter().flat_map(of).collect()
        };
        let chosen = told(&|note| if let GitNote::Chosen(how) = note { Some(format!(" ({how})")) } else { None });
        if !chosen.is_empty() {
            run.notes.push((
                "git-dependency-chosen",
                format!("no lockfile names the whole commit of git dependencies, which was chosen: {}", listed(&chosen)),
            ));
        }
        let off = told(&|note| (*note == GitNote::OffBranch).then(String::new));
        if !off.is_empty() {
            let said = format!("git dependencies at commits that no branch or tag of their repository leads to: {}", listed(&off));
            run.warnings.push(("git-dependency-off-branch", said));
        }
        let altered = told(&|note| if let GitNote::Altered(path) = note { Some(format!(" ({path})")) } else { None });
        if !altered.is_empty() {
            let said = format!("files of git dependencies are not what their repositories show, by .gitattributes: {}", listed(&altered));
            run.warnings.push(("altered-by-attributes", said));
        }
        let unprepared = told(&|note| if let GitNote::Unprepared(script) = note { Some(format!(" ({script})")) } else { None });
        if !unprepared.is_empty() {
            let said = format!("git dependencies were packed without their scripts, which the client would run: {}", listed(&unprepared));
            run.notes.push(("git-dependency-unprepared", said));
        }
        if !self.repositories_lost.is_empty() {
            let lost = self.repositories_lost.iter().map(|(name, why)| format!("{name} ({why})")).collect();
            run.notes.push(("git-dependency-lost", format!(
                    "git dependencies could not be fetched, and an empty package took the place of each: {}; if a host was only out of reach, check the package again",
                    listed(&lost)
                )));
        }
    }

    /// A line of the packages that came after the publication.
    fn later_ones(&self, publication: &Publication) -> String {
        const SHOWN: usize = 5;
        let shown = self.later.iter().take(SHOWN).map(|(name, came)| format!("{name} ({came})")).collect::<Vec<_>>().join(", ");
        let more = self.later.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let published = publication.time.as_deref().unwrap_or("a time that is not known");
        format!("the build had packages that came after the version was published ({published}): {shown}{more}")
    }

    /// The packages of which scripts fetched a tarball.
    fn tarballs_of_scripts(&self) -> impl Iterator<Item = &str> {
        let tarballs = self.asked.iter().filter(|asked| asked.during == During::Script && asked.what == What::Tarball);
        tarballs.map(|asked| package(&asked.name))
    }
}

/// A dependency from a repository, for a line of text.
fn from_git(one: &FromGit) -> String {
    format!("{}@git+{}#{}", one.name, one.url, one.commit)
}

/// The name in `name@version`.
fn package(name: &str) -> &str {
    name.char_indices().skip(1).find(|(_, c)| *c == '@').and_then(|(at, _)| name.get(..at)).unwrap_or(name)
}

/// Members of package.json that name packages.
const DEPENDENCIES: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
/// Members that replace packages by others.
const REPLACEMENTS: [&str; 3] = ["overrides", "resolutions", "pnpm"];
/// How deep replacements lie in each other.
const DEPTH: u8 = 8;

/// The packages that a package.json names: its dependencies of every kind, and those that stand
/// behind an alias.
pub(super) fn named_in(manifest: &[u8]) -> BTreeSet<String> {
    let manifest: Value = npm_spec::manifest::read(manifest).unwrap_or_default();
    let mut names = BTreeSet::new();
    for (name, wanted) in DEPENDENCIES.iter().filter_map(|field| manifest.get(field)?.as_object()).flatten() {
        names.insert(aliased(wanted).unwrap_or(name).to_owned());
    }
    for field in REPLACEMENTS {
        replacements(manifest.get(field), DEPTH, &mut names);
    }
    names
}

fn replacements(value: Option<&Value>, depth: u8, names: &mut BTreeSet<String>) {
    if depth == 0 {
        return;
    }
    match value {
        Some(Value::Object(members)) => members.values().for_each(|inner| replacements(Some(inner), depth - 1, names)),
        Some(text) => names.extend(aliased(text).map(str::to_owned)),
        None => {}
    }
}

/// Most tags that one package.json asks for.
const MAX_TAGS: usize = 1_000;
/// Longest tag, in bytes.
const LONGEST_TAG: usize = 64;

/// The tags that a package.json may ask for: words that are no ranges, as what a dependency is
/// wanted as, or behind the `@` of a package in a script.
pub(super) fn tags_in(manifest: &[u8]) -> BTreeSet<String> {
    let manifest: Value = npm_spec::manifest::read(manifest).unwrap_or_default();
    let mut texts = Vec::new();
    for field in DEPENDENCIES.iter().chain(&REPLACEMENTS).chain(&["scripts"]) {
        texts_of(manifest.get(field), DEPTH, &mut texts);
    }
    let is_of_tag = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let behind = |text: &str| text.split('@').skip(1).filter_map(|rest| rest.split(|c| !is_of_tag(c)).next()).map(str::to_owned).collect();
    let mut tags = BTreeSet::new();
    for text in texts {
        let words: Vec<String> = if text.chars().all(is_of_tag) { vec![text.to_owned()] } else { behind(text) };
        let is_tag = |word: &String| (1..=LONGEST_TAG).contains(&word.len()) && npm_spec::version::VersionRange::parse(word).is_none();
        tags.extend(words.into_iter().filter(is_tag).take(MAX_TAGS.saturating_sub(tags.len())));
    }
    tags
}

fn texts_of<'a>(value: Option<&'a Value>, depth: u8, texts: &mut Vec<&'a str>) {
    match value {
        Some(Value::Object(members)) if depth > 0 => members.values().for_each(|inner| texts_of(Some(inner), depth - 1, texts)),
        Some(Value::String(text)) => texts.push(text),
        _ => {}
    }
}

fn aliased(wanted: &Value) -> Option<&str> {
    wanted.as_str()?.strip_prefix("npm:").map(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_its_dependencies_and_what_is_behind_aliases() {
        let manifest = br#"{"name":"a","dependencies":{"@s/b":"1","c":"npm:@t/d@^1"},"peerDependencies":{"e":"*"},
            "overrides":{"x":{"y":"npm:@u/z@2"}},"scripts":{"build":"npm pack @corp/secret"}}"#;
        assert_eq!(named_in(manifest).into_iter().collect::<Vec<_>>(), ["@s/b", "@t/d", "@u/z", "e"]);
        assert!(named_in(b"no json").is_empty());
    }

    #[test]
    fn a_manifest_asks_for_the_tags_of_its_dependencies_and_of_its_scripts() {
        let manifest = br#"{"dependencies":{"a":"next","b":"^1.0.0","c":"npm:@t/d@beta"},"overrides":{"x":{"y":"rc"}},
            "scripts":{"build":"npx tool@canary && npx @s/other@1.2.3 && npx 'third@dev'"},"description":"word@text"}"#;
        let tags = tags_in(manifest);
        for tag in ["next", "beta", "rc", "canary", "dev"] {
            assert!(tags.contains(tag), "{tag}");
        }
        assert!(!tags.contains("1.2.3") && !tags.contains("text") && tags_in(b"no json").is_empty());
    }
}
