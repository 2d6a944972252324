use npm_spec::Wanted;

use super::super::{Packument, VersionEntry, pick};

fn packument(versions: &[&str], tags: &[(&str, &str)]) -> Packument {
    Packument {
        dist_tags: tags.iter().map(|(tag, version)| ((*tag).to_owned(), (*version).to_owned())).collect(),
        versions: versions
            .iter()
            .map(|text| VersionEntry { version: text.trim_end_matches('!').to_owned(), deprecated: text.ends_with('!'), promised: None })
            .collect(),
        times: versions
            .iter()
            .enumerate()
            .map(|(at, text)| (text.trim_end_matches('!').to_owned(), format!("201{at}-01-01T00:00:00.000Z")))
            .collect(),
        ..Packument::default()
    }
}

fn range(text: &str) -> Wanted {
    Wanted::Range(text.to_owned())
}

#[test]
fn latest_is_preferred_to_higher_versions_in_the_range() {
    let all = packument(&["1.0.0", "1.5.0", "1.9.0", "2.0.0"], &[("latest", "1.5.0")]);
    for (wanted, picked) in [(Wanted::Default, "1.5.0"), (range("^1"), "1.5.0"), (range("^1.6"), "1.9.0"), (range("2"), "2.0.0")] {
        assert_eq!(pick(&all, &wanted, "latest", None), Some(picked), "{wanted:?}");
    }
    assert_eq!(pick(&all, &range("3"), "latest", None), None);
}

#[test]
fn the_default_tag_can_be_another() {
    let all = packument(&["1.0.0", "2.0.0"], &[("latest", "2.0.0"), ("old", "1.0.0")]);
    assert_eq!(pick(&all, &Wanted::Default, "old", None), Some("1.0.0"));
}

#[test]
fn deprecated_versions_are_avoided_but_not_excluded() {
    let all = packument(&["1.0.0", "1.1.0", "1.2.0!"], &[("latest", "1.2.0")]);
    assert_eq!(pick(&all, &Wanted::Default, "latest", None), Some("1.1.0"));
    assert_eq!(pick(&all, &range("^1.2"), "latest", None), Some("1.2.0"));
    assert_eq!(pick(&all, &Wanted::Tag("latest".into()), "latest", None), Some("1.2.0"));
}

#[test]
fn pre_releases_are_taken_where_the_range_or_tag_names_them() {
    let all = packument(&["1.0.0-rc.1", "1.0.0-rc.2"], &[("latest", "1.0.0-rc.1")]);
    // Without another version the tag's is taken, even for no wish at all.
    assert_eq!(pick(&all, &Wanted::Default, "latest", None), Some("1.0.0-rc.1"));
    assert_eq!(pick(&all, &range("^1.0.0-rc.2"), "latest", None), Some("1.0.0-rc.2"));
    assert_eq!(pick(&all, &range("^1"), "latest", None), None);
}

#[test]
fn an_exact_version_is_that_version_or_none() {
    let all = packument(&["1.0.0", "v1.1.0", "1.2.0+build"], &[]);
    let exact = |version: &str| Wanted::Version(version.to_owned());
    assert_eq!(pick(&all, &exact("1.0.0"), "latest", None), Some("1.0.0"));
    assert_eq!(pick(&all, &exact("1.1.0"), "latest", None), Some("v1.1.0"));
    assert_eq!(pick(&all, &exact("1.2.0"), "latest", None), Some("1.2.0+build"));
    assert_eq!(pick(&all, &exact("1.0.1"), "latest", None), None);
}

#[test]
fn a_tag_must_exist_and_lead_to_a_version() {
    let all = packument(&["1.0.0"], &[("gone", "9.9.9"), ("next", "1.0.0")]);
    let tag = |tag: &str| Wanted::Tag(tag.to_owned());
    assert_eq!(pick(&all, &tag("next"), "latest", None), Some("1.0.0"));
    assert_eq!(pick(&all, &tag("gone"), "latest", None), None);
    assert_eq!(pick(&all, &tag("nope"), "latest", None), None);
}

#[test]
fn nothing_after_before_is_taken() {
    // Published 2010, 2011, 2012, 2013.
    let all = packument(&["1.0.0", "1.1.0", "1.2.0", "2.0.0"], &[("latest", "2.0.0")]);
    assert_eq!(pick(&all, &Wanted::Default, "latest", Some("2012-06-01")), Some("1.2.0"));
    assert_eq!(pick(&all, &range("^1"), "latest", Some("2011-06-01T00:00:00Z")), Some("1.1.0"));
    assert_eq!(pick(&all, &Wanted::Tag("latest".into()), "latest", Some("2012-06-01")), Some("1.2.0"));
    assert_eq!(pick(&all, &Wanted::Version("2.0.0".into()), "latest", Some("2012-06-01")), None);
    assert_eq!(pick(&all, &Wanted::Default, "latest", Some("2000-01-01")), None);
}

#[test]
fn what_is_no_version_is_never_the_best_of_a_range() {
    let all = packument(&["nonsense", "1.0.0"], &[]);
    assert_eq!(pick(&all, &Wanted::Default, "latest", None), Some("1.0.0"));
}
