use npm_spec::version::{VersionRange, clean, compare, parse};

/// Checked against npm's own semver 7 in its loose reading, as npm-pick-manifest uses it.
const TABLE: &[(&str, &str, bool)] = &[
    ("*", "1.2.3", true),
    ("", "1.2.3", true),
    ("*", "1.2.3-a", false),
    ("^1.2.3", "1.9.0", true),
    ("^1.2.3", "2.0.0", false),
    ("^1.2.3", "2.0.0-a", false),
    ("^0.2.3", "0.3.0", false),
    ("^0.0.3", "0.0.4", false),
    ("^1.2.3-beta.2", "1.2.3-beta.4", true),
    ("^1.2.3-beta.2", "1.2.4-beta.4", false),
    ("~1.2", "1.2.9", true),
    ("~1.2", "1.3.0", false),
    ("~>1.2.3", "1.2.4", true),
    ("1.x", "1.9.9", true),
    ("1 - 2", "2.9.9", true),
    ("1.2.3 - 2.3", "2.4.0", false),
    (">=1.2.3 <2", "2.0.0-rc.1", false),
    (">1.x", "2.0.0", true),
    (">1.x", "1.9.0", false),
    ("<=1.x", "1.9.0", true),
    ("1.2.3 || ^2", "2.5.0", true),
    ("v1.2.3", "1.2.3", true),
    ("=1.2.3", "1.2.3+build", true),
    ("~1.2.3beta", "1.2.3", true),
    // What the crate alone gets wrong.
    (">=20 <11", "10.0.4", false),
    (">=20 <11", "25.0.0", false),
    (">=4.x <2.X", "20.11.0", false),
    ("2 - 1", "1.5.0", false),
    ("^*", "1.2.3", true),
    ("~x", "1.2.3", true),
    ("<=x", "1.2.3", true),
    ("<*", "1.2.3", false),
    (">*", "1.2.3", false),
    (">X || ^2", "2.3.4", true),
    ("x - x", "1.2.3", true),
    ("~=1.2.3", "1.2.9", true),
    ("1.2.3 - v2", "2.9.0", true),
    (">1.2.3, <2", "1.5.0", true),
];

#[test]
fn ranges_mean_what_npm_means() {
    for (range, version, fits) in TABLE {
        let parsed = VersionRange::parse(range).unwrap_or_else(|| panic!("{range}"));
        assert_eq!(parsed.contains(&parse(version).unwrap()), *fits, "{range} {version}");
    }
}

#[test]
fn what_is_no_range_is_none() {
    for text in ["latest", "next", "beta-1", "foo bar", ">", "^", "1.2.3.4", "\u{1b}", &"1 ".repeat(2000)] {
        assert!(VersionRange::parse(text).is_none(), "{text}");
    }
}

#[test]
fn a_version_is_cleaned_as_npm_does_it() {
    for (text, version) in
        [("1.2.3", "1.2.3"), (" v1.2.3 ", "1.2.3"), ("= v1.2.3+b", "1.2.3"), ("1.2.3-a.1+b", "1.2.3-a.1"), ("1.2.3beta", "1.2.3-beta")]
    {
        assert_eq!(clean(text).as_deref(), Some(version), "{text}");
    }
    for text in [
        "1",
        "1.2",
        "^1.2.3",
        "x",
        "",
        "1.2.3 2.0.0",
        "1.2.3 - 2",
        "1.2.3.4",
        "1.2.3+",
        "1.2.3+a+b",
        "1.2.3-a..b",
        "1.2.3_a",
        "latest",
        &format!("1.2.3-{}", "a".repeat(300)),
    ] {
        assert_eq!(clean(text), None, "{text}");
    }
}

#[test]
fn versions_are_ordered_by_precedence() {
    let sorted = ["nonsense", "0.9.9", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-a", "1.0.0-a.1", "1.0.0", "1.0.1", "1.10.0", "10.0.0"];
    for pair in sorted.windows(2) {
        assert!(compare(pair[0], pair[1]).is_lt(), "{pair:?}");
    }
    assert!(compare("1.0.0+a", "v1.0.0").is_eq());
}
