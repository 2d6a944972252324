//! A packument at a moment: which versions were there, and where the tags stood. Pure.
//!
//! **Versions.** What was published up to the moment is there; so is what a lockfile names, and
//! what has no time (npm's `before` lets it pass too). A stable version is also there if a higher
//! one of its line (the same major and minor) was. Where the times are those of a mirror, which has
//! no `created`, that goes for every line: it saw old versions when somebody wanted them.
//!
//! **Times that cannot be true.** A mirror may give the time at which it first saw a version. Two
//! things show that, and then nothing of this packument is hidden: no version is as old as the
//! commit or the moment, whichever is later, although the source asks for the package; or a
//! lockfile of the source names a version that came later than both, by more than a day. A package
//! whose versions all came between the moment and the commit is shown as it stood at the commit.
//! Where the times are a mirror's and no moment can be told by them, only what came after the
//! commit by the names of its nightly builds is hidden (crates/npm-timewarp/src/dated.rs).
//!
//! **What came after the publication.** What was published cannot have been made of it. Where it is
//! shown all the same (there is no earlier version, or a lockfile names it), and the registry's
//! times are its own, [`View::later`] tells.
//!
//! **Tags.** `latest` moves at each plain `npm publish`. If today's target was there, no plain
//! publish came after it up to now, and so not up to the moment either: it stays. Otherwise it is
//! the highest stable version of the time that is not above today's target: a backport to an old
//! line does not lower it, a version published aside (`next`) is above today's or a pre-release,
//! and does not raise it. npm's `before` bounds a tag in the same way. Without any stable version
//! it is the newest pre-release. Another tag stays if its target was there; otherwise it goes to
//! the highest version of the target's line below it, and vanishes if there is none
//! (crates/npm-timewarp/src/tags.rs).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use nodejs_semver::Version;

use npm_spec::version;

use crate::dated::earliest;
use crate::tags::{latest, same_line};

/// By how much the clocks of a registry and of a committer may differ.
const SLACK: SignedDuration = SignedDuration::from_hours(24);

/// For how long the packages of one release may be published one after the other: the one that
/// needs another may come first.
const RELEASE: SignedDuration = SignedDuration::from_hours(1);

/// What a packument says of its versions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) name: &'a str,
    pub(super) versions: &'a [String],
    pub(super) times: &'a BTreeMap<String, String>,
    pub(super) tags: &'a BTreeMap<String, String>,
}

/// When, and what is there in any case.
#[derive(Debug, Clone, Copy)]
pub(super) struct When<'a> {
    pub(super) moment: Option<Timestamp>,
    pub(super) commit: Option<Timestamp>,
    pub(super) keep: &'a BTreeSet<(String, String)>,
    /// When the judged version was published; none where its registry's times may be others.
    pub(super) published: Option<Timestamp>,
}

/// A packument as it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// The versions that are shown; none stands for all.
    shown: Option<BTreeSet<String>>,
    /// The tags as they stood.
    pub(super) tags: BTreeMap<String, String>,
    /// The times cannot be true, so nothing is hidden.
    pub(super) untrue: bool,
    /// When the versions came that are shown for no other reason than that they were there.
    came: HashMap<String, Timestamp>,
    /// When the versions came that are later than the publication of what is judged.
    later: HashMap<String, Timestamp>,
    /// Whether the times are the registry's own.
    has_own_times: bool,
    /// Whether what is hidden is so by the names of nightly builds.
    by_days: bool,
}

impl View {
    /// Whether a version is shown.
    pub(super) fn shows(&self, version: &str) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.contains(version))
    }

    /// When a version came, if it is shown for that and an earlier moment could hide it.
    pub(super) fn came(&self, version: &str) -> Option<Timestamp> {
        self.came.get(version).copied()
    }

    /// When a version came, if that was after the publication of what is judged.
    pub(super) fn later(&self, version: &str) -> Option<Timestamp> {
        self.later.get(version).copied()
    }

    /// Whether a version may stand in for another: not one that came later, where that is known.
    pub(super) fn may_stand_in(&self, version: &str) -> bool {
        !self.has_own_times || self.shows(version) && self.later(version).is_none()
    }

    /// With these versions, where nothing else is hidden.
    pub(super) fn of_these(self, versions: &[String]) -> Self {
        Self { shown: self.shown.or_else(|| Some(versions.iter().cloned().collect())), ..self }
    }

    /// Whether something was taken back to a moment.
    pub(super) fn is_past(&self) -> bool {
        self.shown.is_some()
    }

    fn today(facts: &Facts<'_>, untrue: bool, later: HashMap<String, Timestamp>) -> Self {
        Self {
            shown: None,
            tags: facts.tags.clone(),
            untrue,
            came: HashMap::new(),
            later,
            has_own_times: facts.has_own_times(),
            by_days: false,
        }
    }

    /// The versions that are shown, where others are hidden by the names of nightly builds.
    pub(super) fn shown_by_days(&self) -> Option<impl Iterator<Item = &str>> {
        self.shown.as_ref().filter(|_| self.by_days).map(|shown| shown.iter().map(String::as_str))
    }

    /// Without versions that came later by what they need; as it is if none were left, and where a
    /// moment hides what it hides. A version that a lockfile names stays.
    pub(super) fn without(&self, hidden: &BTreeSet<String>, facts: &Facts<'_>, when: &When<'_>) -> Option<Self> {
        let named = |version: &str| when.keep.contains(&(facts.name.to_owned(), version.to_owned()));
        let is_there = |version: &&String| self.shows(version) && (named(version) || !hidden.contains(*version));
        let shown: BTreeSet<String> = facts.versions.iter().filter(is_there).cloned().collect();
        if when.moment.is_some() || facts.has_own_times() || shown.is_empty() {
            return None;
        }
        Some(self.clone().of(shown, facts, &times(facts)))
    }

    fn of(self, shown: BTreeSet<String>, facts: &Facts<'_>, published: &HashMap<&str, Timestamp>) -> Self {
        let there: Vec<(&str, Option<Version>)> = shown.iter().map(|text| (text.as_str(), version::parse(text))).collect();
        Self { tags: tags(facts, &there, published), shown: Some(shown), ..self }
    }

    /// Without what cannot have been there at the commit, by the names of nightly builds.
    fn before_the_commit(self, facts: &Facts<'_>, when: &When<'_>, published: &HashMap<&str, Timestamp>) -> Self {
        let limit = when.commit.filter(|_| !facts.has_own_times()).and_then(|commit| commit.checked_add(SLACK).ok());
        let Some(limit) = limit else { return self };
        let earliest = earliest(facts.versions, |version| published.get(version).copied());
        let named = |version: &str| when.keep.contains(&(facts.name.to_owned(), version.to_owned()));
        let is_there = |version: &&String| named(version) || earliest.get(version.as_str()).is_none_or(|came| *came <= limit);
        let shown: BTreeSet<String> = facts.versions.iter().filter(is_there).cloned().collect();
        if shown.len() == facts.versions.len() || shown.is_empty() {
            return self;
        }
        Self { by_days: true, ..self.of(shown, facts, published) }
    }
}

impl Facts<'_> {
    /// Whether the times are those at which the registry got the versions: a mirror, which may give
    /// those at which it first saw them, has no `created`.
    fn has_own_times(&self) -> bool {
        self.times.contains_key("created")
    }
}

/// When versions came, as the registry tells it.
fn times<'a>(facts: &Facts<'a>) -> HashMap<&'a str, Timestamp> {
    facts.times.iter().filter_map(|(version, time)| Some((version.as_str(), time.parse().ok()?))).collect()
}

/// Takes a packument back.
pub(super) fn view(facts: &Facts<'_>, when: &When<'_>) -> View {
    let published = times(facts);
    let release = when.published.filter(|_| facts.has_own_times()).and_then(|time| time.checked_add(RELEASE).ok());
    let later = published.iter().filter(|(_, time)| release.is_some_and(|release| **time > release));
    let later: HashMap<String, Timestamp> = later.map(|(text, time)| ((*text).to_owned(), *time)).collect();
    let today = |untrue, later| View::today(facts, untrue, later).before_the_commit(facts, when, &published);
    let Some(moment) = when.moment else { return today(false, later) };
    let by = |version: &str, limit: Timestamp| published.get(version).is_none_or(|time| *time <= limit);
    let latest_possible = when.commit.map_or(moment, |commit| commit.max(moment));
    let named = |version: &String| when.keep.contains(&(facts.name.to_owned(), version.clone()));
    // Only a commit says when the lockfile was there; a moment alone may well be earlier than it.
    let is_named_too_early = |version: &String| {
        let too_late = latest_possible.checked_add(SLACK).unwrap_or(latest_possible);
        when.commit.is_some() && named(version) && !by(version, too_late)
    };
    let has_times = facts.versions.iter().any(|version| published.contains_key(version.as_str()));
    let Some(limit) = [moment, latest_possible].into_iter().find(|limit| facts.versions.iter().any(|version| by(version, *limit))) else {
        return today(!facts.versions.is_empty(), later);
    };
    if !has_times || facts.versions.iter().any(is_named_too_early) {
        return today(true, later);
    }

    let there: Vec<(&str, Option<Version>)> =
        facts.versions.iter().filter(|version| by(version, limit)).map(|text| (text.as_str(), version::parse(text))).collect();
    let mut highest: HashMap<(u64, u64), &Version> = HashMap::new();
    for version in there.iter().filter_map(|(_, version)| version.as_ref()).filter(|version| !version.is_prerelease()) {
        let top = highest.entry((version.major(), version.minor())).or_insert(version);
        *top = (*top).max(version);
    }
    let of_all = highest.values().max().copied().filter(|_| !facts.has_own_times());
    let was_passed = |text: &str| {
        version::parse(text).is_some_and(|version| {
            let of_line = highest.get(&(version.major(), version.minor())).copied();
            !later.contains_key(text) && !version.is_prerelease() && of_all.or(of_line).is_some_and(|top| version < *top)
        })
    };
    let shown = facts.versions.iter().filter(|text| by(text, limit) || named(text) || was_passed(text)).cloned().collect();
    let tags = tags(facts, &there, &published);
    let came = published.iter().filter(|(text, time)| **time <= limit && !named(&(**text).to_owned()));
    let came = came.map(|(text, time)| ((*text).to_owned(), *time)).collect();
    View { shown: Some(shown), tags, untrue: false, came, later, has_own_times: facts.has_own_times(), by_days: false }
}

/// Where the tags stood when these versions were there.
fn tags(facts: &Facts<'_>, there: &[(&str, Option<Version>)], published: &HashMap<&str, Timestamp>) -> BTreeMap<String, String> {
    let tags = facts.tags.iter().filter_map(|(tag, target)| {
        let then = if there.iter().any(|(text, _)| text == target) {
            Some(target.as_str())
        } else if tag == "latest" {
            latest(there, target, published)
        } else {
            same_line(there, target)
        };
        Some((tag.clone(), then?.to_owned()))
    });
    tags.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &BTreeSet<(String, String)> = &BTreeSet::new();

    struct Case {
        versions: Vec<String>,
        times: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
    }

    fn case(versions: &[(&str, &str)], tags: &[(&str, &str)]) -> Case {
        let own = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<BTreeMap<_, _>>();
        let created = [("created", versions.iter().map(|(_, day)| *day).min().unwrap())];
        let times = versions.iter().chain(&created).filter(|(_, day)| !day.is_empty());
        let times = times.map(|(v, day)| ((*v).to_owned(), format!("{day}T12:00:00.000Z")));
        Case { versions: versions.iter().map(|(v, _)| (*v).to_owned()).collect(), times: times.collect(), tags: own(tags) }
    }

    fn at(
        case: &Case,
        day: &str,
        commit: Option<&str>,
        keep: &BTreeSet<(String, String)>,
    ) -> (Vec<String>, BTreeMap<String, String>, bool) {
        let time = |day: &str| format!("{day}T00:00:00Z").parse().unwrap();
        let facts = Facts { name: "p", versions: &case.versions, times: &case.times, tags: &case.tags };
        let view = view(&facts, &When { moment: Some(time(day)), commit: commit.map(time), keep, published: None });
        let shown = case.versions.iter().filter(|version| view.shows(version)).cloned().collect();
        (shown, view.tags, view.untrue)
    }

    fn kept(versions: &[&str]) -> BTreeSet<(String, String)> {
        versions.iter().map(|version| ("p".to_owned(), (*version).to_owned())).collect()
    }

    #[test]
    fn later_versions_are_hidden_and_latest_goes_back() {
        let case = case(&[("1.0.0", "2018-01-01"), ("1.1.0", "2018-02-01"), ("2.0.0", "2018-03-01")], &[("latest", "2.0.0")]);
        let (shown, tags, untrue) = at(&case, "2018-02-15", None, NOBODY);
        assert_eq!((shown, tags["latest"].as_str(), untrue), (vec!["1.0.0".into(), "1.1.0".into()], "1.1.0", false));
    }

    #[test]
    fn without_a_moment_nothing_is_changed() {
        let case = case(&[("1.0.0", "2018-01-01")], &[("latest", "1.0.0"), ("gone", "9.0.0")]);
        let facts = Facts { name: "p", versions: &case.versions, times: &case.times, tags: &case.tags };
        let view = view(&facts, &When { moment: None, commit: None, keep: NOBODY, published: None });
        assert!(view.shows("1.0.0") && !view.is_past() && view.tags == case.tags);
    }

    #[test]
    fn latest_stays_where_it_is_if_its_target_was_there() {
        // 3.0.0 was published aside and never became latest.
        let case = case(&[("2.0.0", "2018-01-01"), ("3.0.0", "2018-02-01"), ("2.0.1", "2019-01-01")], &[("latest", "2.0.0")]);
        assert_eq!(at(&case, "2018-06-01", None, NOBODY).1["latest"], "2.0.0");
    }

    #[test]
    fn a_backport_does_not_lower_latest() {
        let case = case(&[("2.0.0", "2018-01-01"), ("1.9.1", "2018-02-01"), ("2.1.0", "2018-03-01")], &[("latest", "2.1.0")]);
        assert_eq!(at(&case, "2018-02-15", None, NOBODY).1["latest"], "2.0.0");
    }

    #[test]
    fn what_is_above_todays_latest_was_never_latest() {
        let case = case(&[("4.1.0", "2018-01-01"), ("5.0.0", "2018-02-01"), ("4.2.0", "2018-03-01")], &[("latest", "4.2.0")]);
        assert_eq!(at(&case, "2018-02-15", None, NOBODY).1["latest"], "4.1.0");
    }

    #[test]
    fn a_prerelease_is_latest_only_where_there_is_nothing_else() {
        let both = [("1.0.0", "2018-01-01"), ("2.0.0-rc.1", "2018-02-01"), ("2.0.0", "2018-03-01")];
        assert_eq!(at(&case(&both, &[("latest", "2.0.0")]), "2018-02-15", None, NOBODY).1["latest"], "1.0.0");
        let only = [("0.1.0-b", "2018-01-01"), ("0.1.0-a", "2018-02-01"), ("0.1.0", "2018-03-01")];
        assert_eq!(at(&case(&only, &[("latest", "0.1.0")]), "2018-02-15", None, NOBODY).1["latest"], "0.1.0-a");
    }

    #[test]
    fn another_tag_follows_its_line_back_or_vanishes() {
        let versions =
            [("1.0.0", "2018-01-01"), ("2.0.0-beta.1", "2018-01-02"), ("2.0.0-alpha.9", "2018-01-03"), ("2.0.0-beta.2", "2018-03-01")];
        let case = case(&versions, &[("latest", "1.0.0"), ("beta", "2.0.0-beta.2"), ("canary", "3.0.0-canary.1"), ("v1", "1.0.0")]);
        let tags = at(&case, "2018-02-01", None, NOBODY).1;
        assert_eq!(tags.get("beta").map(String::as_str), Some("2.0.0-beta.1"));
        assert_eq!(tags.get("v1").map(String::as_str), Some("1.0.0"));
        assert_eq!(tags.get("canary"), None);
    }

    #[test]
    fn what_a_lockfile_names_is_never_hidden() {
        let case = case(&[("1.0.0", "2018-01-01"), ("1.1.0", "2018-03-01"), ("1.2.0", "2018-04-01")], &[("latest", "1.2.0")]);
        let (shown, tags, untrue) = at(&case, "2018-02-01", None, &kept(&["1.1.0"]));
        assert_eq!((shown, tags["latest"].as_str(), untrue), (vec!["1.0.0".into(), "1.1.0".into()], "1.0.0", false));
    }

    #[test]
    fn times_that_are_all_later_than_the_commit_are_not_believed() {
        let case = case(&[("1.0.0", "2024-02-27"), ("1.1.0", "2024-02-27")], &[("latest", "1.1.0")]);
        let (shown, tags, untrue) = at(&case, "2018-02-01", Some("2018-01-01"), NOBODY);
        assert_eq!((shown.len(), tags["latest"].as_str(), untrue), (2, "1.1.0", true));
    }

    #[test]
    fn a_lockfile_older_than_the_versions_that_it_names_gives_the_times_away() {
        let case = case(&[("1.0.0", "2017-01-01"), ("1.1.0", "2024-02-27")], &[("latest", "1.1.0")]);
        let (shown, _, untrue) = at(&case, "2018-02-01", Some("2018-01-31"), &kept(&["1.1.0"]));
        assert_eq!((shown.len(), untrue), (2, true));
    }

    #[test]
    fn a_packument_without_times_hides_nothing() {
        let case = case(&[("1.0.0", ""), ("1.1.0", "")], &[("latest", "1.1.0")]);
        assert!(at(&case, "2018-02-01", None, NOBODY).2);
    }

    #[test]
    fn a_package_made_between_moment_and_commit_is_shown_as_of_the_commit() {
        let case = case(&[("1.0.0", "2018-02-10"), ("1.1.0", "2018-04-01")], &[("latest", "1.1.0")]);
        let (shown, tags, untrue) = at(&case, "2018-02-01", Some("2018-03-01"), NOBODY);
        assert_eq!((shown, tags["latest"].as_str(), untrue), (vec!["1.0.0".into()], "1.0.0", false));
    }

    #[test]
    fn an_older_version_of_a_line_was_there_before_a_newer_one() {
        let case = case(&[("1.0.0", "2025-12-11"), ("1.0.2", "2024-02-27"), ("1.0.3", "2026-01-01")], &[("latest", "1.0.3")]);
        assert_eq!(at(&case, "2025-01-01", None, NOBODY).0, ["1.0.0", "1.0.2"]);
    }

    #[test]
    fn what_came_after_the_publication_is_told_and_no_higher_version_brings_it() {
        let both = [("1.0.5", "2018-01-01"), ("1.0.4", "2019-01-01")];
        let judged = |case: &Case, day: &str, commit: &str, keep| {
            let time = |day: &str| format!("{day}T00:00:00Z").parse().unwrap();
            let facts = Facts { name: "p", versions: &case.versions, times: &case.times, tags: &case.tags };
            let view = view(&facts, &When { moment: Some(time(day)), commit: Some(time(commit)), keep, published: Some(time(day)) });
            let of = |text: &str| (view.shows(text), view.later(text).is_some(), view.may_stand_in(text));
            (of("1.0.5"), of("1.0.4"))
        };
        let own = case(&both, &[("latest", "1.0.5")]);
        assert_eq!(judged(&own, "2018-06-01", "2018-05-01", NOBODY), ((true, false, true), (false, true, false)));
        let named = kept(&["1.0.4"]);
        assert_eq!(judged(&own, "2018-06-01", "2019-02-01", &named).1, (true, true, false), "a lockfile names it");
        assert_eq!(
            judged(&own, "2017-06-01", "2017-05-01", NOBODY),
            ((true, true, false), (true, true, false)),
            "there is nothing earlier"
        );
        assert_eq!(judged(&own, "2017-06-01", "2018-02-01", NOBODY).0, (true, true, false), "a commit of later");
        assert_eq!(judged(&own, "2019-01-01", "2018-02-01", NOBODY).1, (false, true, false));
        let mut mirror = case(&both, &[("latest", "1.0.5")]);
        mirror.times.remove("created");
        assert_eq!(judged(&mirror, "2018-06-01", "2018-05-01", NOBODY), ((true, false, true), (true, false, true)), "times of a mirror");
    }

    #[test]
    fn the_packages_of_one_release_may_come_one_after_the_other() {
        let case = case(&[("1.0.0", "2018-01-01")], &[("latest", "1.0.0")]);
        let facts = Facts { name: "p", versions: &case.versions, times: &case.times, tags: &case.tags };
        for (published, later) in [("2018-01-01T11:30:00Z", false), ("2018-01-01T10:30:00Z", true)] {
            let time = published.parse().ok();
            let view = view(&facts, &When { moment: time, commit: None, keep: NOBODY, published: time });
            assert_eq!(view.later("1.0.0").is_some(), later, "{published}");
        }
    }

    #[test]
    fn a_mirror_that_saw_an_old_line_late_does_not_hide_it() {
        let mut case = case(&[("1.0.0", "2025-12-11"), ("2.0.0", "2024-02-27"), ("3.0.0", "2026-01-01")], &[("latest", "3.0.0")]);
        assert_eq!(at(&case, "2025-01-01", None, NOBODY).0, ["2.0.0"], "with `created` it is a backport");
        case.times.remove("created");
        assert_eq!(at(&case, "2025-01-01", None, NOBODY).0, ["1.0.0", "2.0.0"]);
    }

    #[test]
    fn a_nightly_below_a_placeholder_is_not_taken_for_an_older_version() {
        let case = case(&[("0.0.1", "2018-01-01"), ("0.0.0-nightly.1", "2020-01-01")], &[("latest", "0.0.1")]);
        assert_eq!(at(&case, "2019-01-01", None, NOBODY).0, ["0.0.1"]);
    }

    #[test]
    fn a_mirror_hides_what_its_nightly_builds_say_came_after_the_commit() {
        let nightly = ["5.3.0-dev.20231020", "5.3.0-dev.20231021", "5.3.0-dev.20231022"];
        let versions: Vec<(&str, &str)> = nightly.into_iter().chain(["5.2.2", "5.3.2"]).map(|version| (version, "2024-11-22")).collect();
        let mut case = case(&versions, &[("latest", "5.3.2"), ("next", "5.3.0-dev.20231022")]);
        let at = |case: &Case, moment: Option<&str>, commit: &str, keep: &BTreeSet<(String, String)>| {
            let time = |day: &str| format!("{day}T00:00:00Z").parse().unwrap();
            let facts = Facts { name: "p", versions: &case.versions, times: &case.times, tags: &case.tags };
            let when = When { moment: moment.map(time), commit: Some(time(commit)), keep, published: None };
            let view = view(&facts, &when);
            (view.shows("5.2.2"), view.shows("5.3.2"), view.tags.get("latest").cloned().unwrap_or_default())
        };
        assert!(at(&case, None, "2023-10-01", NOBODY).1, "the registry's own times are another matter");
        case.times.remove("created");
        for moment in [None, Some("2023-10-02")] {
            assert_eq!(at(&case, moment, "2023-10-01", NOBODY), (true, false, "5.2.2".to_owned()), "{moment:?}");
        }
        assert!(at(&case, None, "2023-12-01", NOBODY).1);
        assert!(at(&case, None, "2023-10-01", &kept(&["5.3.2"])).1, "a lockfile names it");
    }
}
