use super::*;

fn score_of(tag: &str, name: &str, version: &str) -> Option<u8> {
    rank(tag, name, version).map(|rank| rank.score)
}

/// Tags for one package and version, the better before the worse; those in one row are equal.
fn check_order(name: &str, version: &str, rows: &[&[&str]]) {
    let scores: Vec<Vec<u8>> = rows
        .iter()
        .map(|row| row.iter().map(|tag| score_of(tag, name, version).unwrap_or_else(|| panic!("{tag} names {name}@{version}"))).collect())
        .collect();
    for (row, scores) in rows.iter().zip(&scores) {
        assert!(scores.iter().all(|score| *score == scores[0]), "{name}@{version}: {row:?} {scores:?}");
    }
    for (at, pair) in scores.windows(2).enumerate() {
        assert!(pair[0][0] > pair[1][0], "{name}@{version}: {:?} {} before {:?} {}", rows[at], pair[0][0], rows[at + 1], pair[1][0]);
    }
}

fn check_rejected(name: &str, version: &str, tags: &[&str]) {
    for tag in tags {
        assert_eq!(rank(tag, name, version), None, "{tag} does not name {name}@{version}");
    }
}

#[test]
fn tags_of_an_unscoped_package_are_ordered_by_how_they_name_it() {
    check_order(
        "left-pad",
        "1.2.3",
        &[
            &[
                "left-pad@1.2.3",
                "left-pad-1.2.3",
                "left-pad-v1.2.3",
                "left-pad@v1.2.3",
                "left-pad/v1.2.3",
                "left-pad/1.2.3",
                "left-pad_1.2.3",
                "Left-Pad-1.2.3",
            ],
            &["left-pad-1_2_3", "left-pad-v1-2-3"],
            &["leftpad-1.2.3", "left_pad_v1.2.3", "left-pad.js-1.2.3", "node-left-pad-1.2.3"],
        ],
    );
    check_order(
        "left-pad",
        "1.2.3",
        &[
            &["left-pad@1.2.3"],
            &["left-pad@1.2.3+5"],
            &["left-pad@1.2.3-release"],
            &["v1.2.3", "1.2.3", "V1.2.3", "v.1.2.3", "refs/tags/v1.2.3", "v1.2.3^{}"],
            &["1_2_3", "v1_2_3", "v1-2-3", "01.02.03"],
            &[
                "release/1.2.3",
                "release-1.2.3",
                "release-v1.2.3",
                "version-1.2.3",
                "version/1.2.3",
                "rel-1.2.3",
                "tags/1.2.3",
                "r1.2.3",
                "release1.2.3",
                "npm-1.2.3",
                "release@1.2.3",
                "js-v1.2.3",
                "stable/v1.2.3",
            ],
            &["REL_1_2_3", "Release_1-2-3"],
            &["v1.2.3+build", "1.2.3+20200101"],
            &["v1.2.3-release", "1.2.3.RELEASE", "1.2.3-final", "v1.2.3-npm", "v1.2.3_stable"],
            &["pad-1.2.3", "pad@1.2.3", "acme-left-pad@1.2.3"],
            &["other-1.2.3", "other/v1.2.3", "project_v1.2.3"],
        ],
    );
}

#[test]
fn a_word_before_the_name_still_names_the_package() {
    for tag in
        ["release/left-pad/1.2.3", "packages/left-pad/v1.2.3", "release-left-pad-1.2.3", "npm/left-pad@1.2.3", "releases/left-pad-1.2.3"]
    {
        assert!(rank(tag, "left-pad", "1.2.3") > rank("v1.2.3", "left-pad", "1.2.3"), "{tag}");
        assert!(rank(tag, "@acme/left-pad", "1.2.3") > rank("v1.2.3", "@acme/left-pad", "1.2.3"), "{tag}");
    }
}

#[test]
fn tags_of_a_scoped_package_are_ordered_by_how_they_name_it() {
    check_order(
        "@acme/core",
        "1.2.3",
        &[
            &["@acme/core@1.2.3", "@acme/core-1.2.3", "@acme/core/v1.2.3", "@acme/core@v1.2.3", "@Acme/Core@1.2.3"],
            &["@acme/core_1_2_3"],
            &[
                "acme-core@1.2.3",
                "acme-core-1.2.3",
                "acme/core/1.2.3",
                "acme/core@1.2.3",
                "@acme-core@1.2.3",
                "acme_core_v1.2.3",
                "release/@acme/core@1.2.3",
            ],
            &["core@1.2.3", "core-1.2.3", "core/v1.2.3", "core-v1.2.3", "packages/core/1.2.3"],
            &["@acme/core@1.2.3+7"],
            &["@acme/core@1.2.3-release"],
            &["v1.2.3", "1.2.3"],
            &["release-1.2.3"],
            &["v1.2.3+7"],
            &["v1.2.3-final"],
            &["acme-1.2.3", "@acme@1.2.3", "acme@1.2.3"],
            &["the-core-1.2.3"],
            &["project-1.2.3"],
        ],
    );
}

#[test]
fn prereleases_are_spelled_in_many_ways() {
    check_order(
        "a-b",
        "1.2.0-beta.1",
        &[
            &["a-b@1.2.0-beta.1"],
            &["a-b@1.2.0-beta1", "a-b-1.2.0.beta.1"],
            &["v1.2.0-beta.1"],
            &["v1.2.0-beta1", "v1.2.0beta1", "1.2.0.beta.1", "1_2_0_beta_1", "1.2.0_beta.1", "v1.2.0-BETA.1", "1.2.0-beta-1"],
            &["v1.2-beta.1"],
        ],
    );
    check_rejected(
        "a-b",
        "1.2.0-beta.1",
        &["v1.2.0", "v1.2.0-beta", "v1.2.0-beta.10", "v1.2.0-beta.1.2", "v1.2.0-alpha.1", "v1.2.0-1", "v1.2", "v1.2.0-rc.beta.1"],
    );
}

#[test]
fn a_version_with_zeros_may_be_shortened() {
    check_order("a-b", "1.0.0", &[&["a-b@1.0.0"], &["v1.0.0"], &["a-b@1.0"], &["a-b@1"], &["v1.0", "1.0"], &["v1"]]);
    check_order("a-b", "2.1.0", &[&["v2.1.0"], &["v2.1", "2.1"]]);
    check_rejected("a-b", "2.1.0", &["v2", "2", "v2.1-release", "other-2.1", "v2.10", "v2.1.1"]);
    check_rejected("a-b", "1.2.3", &["v1.2", "v1"]);
}

#[test]
fn another_version_is_not_this_one() {
    check_rejected(
        "a-b",
        "1.2.3",
        &[
            "v1.2.30",
            "v11.2.3",
            "v1.2.31",
            "v1.2.3.4",
            "v0.1.2.3",
            "1.2.3.0",
            "v1.2.3-beta",
            "v1.2.3-beta.1",
            "v1.2.3-rc1",
            "1.2.3rc1",
            "v1.2.3-0",
            "v1.2.3a",
            "1.2.3-next",
            "v1.2.3-canary.20200101",
            "v1.2-3",
            "1-2.3",
            "v123",
            "1.23",
            "v1.2.4",
            "v2.2.3",
            "0-1-2-3",
            "1_2_3_4",
            "v1.2.3-release.1",
            "v1.2.3 ",
            "v1.2.3+",
            "2020.1.2.3",
            "a-b@1.2.3-beta",
            "",
            "latest",
            "v",
            "refs/tags/",
            "1.2.3-beta+1",
            "v1..2.3",
            "1.2.3/other",
        ],
    );
}

#[test]
fn a_tag_that_names_another_package_is_rejected() {
    check_rejected(
        "@acme/core",
        "1.2.3",
        &[
            "@acme/utils@1.2.3",
            "@other/core@1.2.3",
            "@acme/core-utils@1.2.3",
            "utils@1.2.3",
            "@acme/the-core@1.2.3",
            "packages/@acme/utils@1.2.3",
        ],
    );
    check_rejected("a-b", "1.2.3", &["other-pkg@1.2.3", "@acme/a-b@1.2.3", "a-b-c@1.2.3", "a@1.2.3"]);
}

#[test]
fn digits_in_a_name_are_not_a_version() {
    check_order("v8-compile", "2.1.0", &[&["v8-compile@2.1.0", "v8-compile-2.1.0"], &["v2.1.0"]]);
    check_order("lib-2", "1.2.3", &[&["lib-2-1.2.3", "lib-2@1.2.3"], &["lib-2-1-2-3"], &["1.2.3"]]);
    check_order("h264-mp4", "1.0.0", &[&["h264-mp4-1.0.0"], &["v1.0.0"]]);
    check_rejected("lib", "2.1.2", &["lib-2-1.2.3", "lib@2.1.2.3"]);
}

#[test]
fn dates_are_versions_with_leading_zeros() {
    check_order("a-b", "2020.1.5", &[&["v2020.1.5"], &["2020.01.05", "2020-01-05"], &["release-2020.01.05"]]);
    check_rejected("a-b", "1.5.0", &["2020.1.5", "2020-01-05"]);
}

#[test]
fn versions_that_are_not_versions_have_no_tag() {
    for version in ["", "latest", "1.2", "1.2.x", "^1.2.3", "1..3", "1.2.3.4"] {
        assert_eq!(rank("v1.2.3", "a-b", version), None, "{version}");
        assert!(best(["v1.2.3", "latest"], "a-b", version, 5).is_empty());
    }
    assert_eq!(rank("v1.2.3", "a-b", "1.2.3+5"), rank("v1.2.3", "a-b", "1.2.3"));
}

fn names<'a>(tags: &'a [&'a str], name: &str, version: &str) -> Vec<&'a str> {
    best(tags.iter().copied(), name, version, 10).iter().map(|ranked| ranked.tag).collect()
}

#[test]
fn in_a_monorepo_the_packages_own_tag_wins() {
    let tags = ["@acme/a@1.2.3", "@acme/core@1.2.3", "core-1.2.3", "v1.2.3", "zzz-1.2.3"];
    assert_eq!(names(&tags, "@acme/core", "1.2.3"), ["@acme/core@1.2.3", "core-1.2.3", "v1.2.3"]);
    let tags = ["alpha-1.2.3", "beta-1.2.3", "gamma-1.0.0", "core-1.2.3", "v1.2.3"];
    assert_eq!(names(&tags, "core", "1.2.3"), ["core-1.2.3", "v1.2.3"]);
    assert_eq!(names(&tags, "delta", "1.2.3"), ["v1.2.3"]);
}

#[test]
fn in_a_repository_of_one_package_an_old_name_is_a_last_resort() {
    let tags = ["oldname-1.2.3", "v1.2.3", "oldname-1.0.0", "v1.2.2"];
    assert_eq!(names(&tags, "newname", "1.2.3"), ["v1.2.3", "oldname-1.2.3"]);
    assert_eq!(names(&["oldname-1.2.3"], "newname", "1.2.3"), ["oldname-1.2.3"]);
}

#[test]
fn the_order_of_the_text_decides_nothing() {
    let tags = ["a-1.2.3", "v1.2.3", "core@1.2.3", "1.2.3"];
    let mut reversed = tags;
    reversed.reverse();
    assert_eq!(names(&tags, "core", "1.2.3"), ["core@1.2.3", "1.2.3", "v1.2.3", "a-1.2.3"]);
    assert_eq!(names(&reversed, "core", "1.2.3"), ["core@1.2.3", "1.2.3", "v1.2.3", "a-1.2.3"]);
    assert_eq!(best(tags, "core", "1.2.3", 1).len(), 1);
    assert!(best(tags, "core", "1.2.3", 0).is_empty());
}

#[test]
fn a_hundred_thousand_tags_are_ranked() {
    let tags: Vec<String> = (0..100_000)
        .map(|at| format!("@acme/package-{}@{}.{}.0", at % 300, at / 3000, at % 7))
        .chain(["@acme/core@1.2.3".to_owned()])
        .collect();
    assert_eq!(
        best(tags.iter().map(String::as_str), "@acme/core", "1.2.3", 3).iter().map(|ranked| ranked.tag).collect::<Vec<_>>(),
        ["@acme/core@1.2.3"]
    );
}

#[test]
fn strange_tags_do_no_harm() {
    let long = "1.2.3-".repeat(1000);
    for tag in [
        long.as_str(),
        "é1.2.3é",
        "名前-1.2.3",
        "v1.2.3\u{301}",
        "@@@@1.2.3",
        "@/@1.2.3",
        "////",
        "999999999999999999999999999.2.3",
        "١.٢.٣",
        "@1.2.3",
    ] {
        let _ = rank(tag, "@acme/core", "1.2.3");
        let _ = rank(tag, "", "1.2.3");
        let _ = best([tag], "@", "1.2.3", 3);
    }
    assert_eq!(rank(&long, "a", "1.2.3"), None);
    assert!(rank("名前-1.2.3", "名前", "1.2.3") > rank("1.2.3", "名前", "1.2.3"));
    assert_eq!(rank("١.٢.٣", "a", "1.2.3"), None);
}
