use std::io::{self, BufReader};

use serde_json::json;
use verdict::{Finding, Severity, Verdict};

use crate::*;

#[path = "../../report/src/test_support.rs"]
mod test_support;

/// A line of a result.
fn line(name: &str, verdict: Verdict) -> Vec<u8> {
    line_of(name, &json!(test_support::report(name, verdict, Vec::new())))
}

fn line_of(spec: &str, result: &serde_json::Value) -> Vec<u8> {
    json!({ "spec": spec, "result": result, "error": null, "durationMs": 5 }).to_string().into_bytes()
}

fn run() -> Run {
    Run { as_of: "2026-11-30".into(), program: "0.1.0".into(), node: "22.12.0".into(), list: "a list".into(), waiting: 0 }
}

fn page_of(lines: Vec<Vec<u8>>, before: Option<Vec<Vec<u8>>>) -> (String, Figures) {
    let mut out = Vec::new();
    let earlier = before.map(|lines| {
        let mut earlier = Earlier::default();
        for line in lines {
            earlier.add(&line);
        }
        (run(), earlier)
    });
    let mut page = Page::begin(&mut out, run(), earlier).unwrap();
    for line in lines {
        page.add(&line).unwrap();
    }
    let figures = page.end().unwrap();
    (String::from_utf8(out).unwrap(), figures)
}

fn figures_of(lines: Vec<Vec<u8>>) -> Figures {
    page_of(lines, None).1
}

/// The JSON of all blocks of a class.
fn blocks(page: &str, mark: &str) -> Vec<serde_json::Value> {
    let start = format!("<script type=\"application/json\" {mark}>");
    page.split(&start).skip(1).map(|rest| serde_json::from_str(rest.split("</script>").next().unwrap()).unwrap()).collect()
}

#[test]
fn intervals_are_wilsons() {
    for (count, of, low, high) in
        [(10, 100, 0.0552, 0.1744), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (1, 1, 0.2065, 1.0), (10, 155, 0.0354, 0.1147)]
    {
        let share = Share::of(count, of).unwrap();
        assert!((share.low.unwrap() - low).abs() < 1e-4 && (share.high.unwrap() - high).abs() < 1e-4, "{share:?}");
    }
    assert_eq!((Share::of(0, 0), Share::of(2, 1)), (None, None));
}

#[test]
fn what_is_not_decided_is_apart() {
    let all = [Verdict::Identical, Verdict::SameContent, Verdict::Differs, Verdict::BuildFailed, Verdict::NoSource, Verdict::Unsupported];
    let figures = figures_of(all.iter().map(|verdict| line("a", *verdict)).chain([b"{".to_vec()]).collect());
    assert_eq!(figures.all, Counts { packages: 7, reproduced: 2, identical: 1, undecided: 3 });
    assert_eq!((figures.all.not_reproduced(), figures.unreadable), (2, 1));
    assert_eq!(figures.by[&Facet::Verdict].values().map(|counts| counts.packages).sum::<u64>(), 7);
}

/// What a registry lists of a provenance, and what was found of it.
fn provenance(verified: bool, problem: Option<&str>) -> serde_json::Value {
    json!({
        "verified": verified, "problem": problem, "predicateType": "https://slsa.dev/provenance/v1", "subjectMatches": true,
        "digestMatches": true, "repository": null, "repositoryMatches": null, "commit": null, "commitMatches": null, "ref": null,
        "refKind": null, "workflow": null, "trigger": null, "runner": null, "run": null, "signer": null, "issuer": null, "loggedAt": null,
        "registryAttestation": true,
    })
}

#[test]
fn provenance_is_none_listed_or_verified_and_none_where_it_does_not_hold() {
    let of = |provenance: serde_json::Value| {
        let mut result = json!(test_support::report("a", Verdict::Identical, Vec::new()));
        result["provenance"] = provenance;
        let (page, figures) = page_of(vec![line_of("a", &result)], None);
        assert_eq!(figures.unreadable, 0);
        (blocks(&page, "class=\"rows\"")[0][0][9].clone(), figures.provenance, figures.provenance_verified)
    };
    for (found, expected) in [
        (serde_json::Value::Null, (json!(0), 0, 0)),
        (provenance(false, None), (json!(1), 1, 0)),
        (provenance(true, None), (json!(2), 1, 1)),
        (provenance(false, Some("the certificate is for another repository")), (json!(0), 0, 0)),
    ] {
        assert_eq!(of(found.clone()), expected, "{found}");
    }
}

#[test]
fn no_word_of_a_file_makes_a_package_reproduced() {
    for verdict in [Verdict::Differs, Verdict::BuildFailed, Verdict::NoSource, Verdict::Unsupported, Verdict::Error] {
        let mut result = json!(test_support::report("a", verdict, Vec::new()));
        result["reproduced"] = json!(true);
        let figures = figures_of(vec![line_of("a", &result)]);
        assert_eq!((figures.all.reproduced, figures.all.identical), (0, 0), "{verdict:?}");
    }
    let strict = {
        let mut result = json!(test_support::report("a", Verdict::SameContent, Vec::new()));
        result["reproduced"] = json!(false);
        figures_of(vec![line_of("a", &result)])
    };
    assert_eq!((strict.all.reproduced, strict.all.not_reproduced()), (0, 1));
    let failed = json!(test_support::failure("a"));
    let both =
        json!({ "spec": "a", "result": test_support::report("a", Verdict::Identical, Vec::new()), "error": failed, "durationMs": 1 });
    assert_eq!(figures_of(vec![both.to_string().into_bytes()]).all, Counts { packages: 1, undecided: 1, ..Counts::default() });
}

#[test]
fn nothing_in_a_block_ends_it() {
    let text = "</script><script>x</script><!-- &amp; \u{2028}\u{2029} ]]> \u{202e}";
    let finding = Finding::new(text, Severity::Warning, text);
    let mut result = json!(test_support::report(text, Verdict::Differs, vec![finding]));
    result["diff"] = json!(text);
    let (page, _) = page_of(vec![line_of(text, &result)], None);
    let data = page.split("<script type=\"application/json\" class=\"rows\">").nth(1).unwrap().split("<script>").next().unwrap();
    assert_eq!((data.matches("<script").count(), data.matches("</script").count()), (2, 3));
    assert!(!data.contains("<!--") && !data.contains('\u{2028}') && !data.contains('\u{202e}'));
    let details = blocks(&page, "class=\"details\"");
    assert_eq!(details[0][0]["spec"], "</script><script>x</script><!-- &amp; \\u{2028}\\u{2029} ]]> \\u{202e}");
}

#[test]
fn every_text_of_a_row_is_cut() {
    let huge = "x".repeat(1 << 15);
    let mut report = test_support::report(&huge, Verdict::Differs, vec![Finding::new(&huge, Severity::Info, huge.clone()); 100]);
    report.diff = Some(huge.clone());
    report.hints = vec![huge.clone(); 100];
    let (page, _) = page_of(vec![line_of(&huge, &json!(report))], None);
    let (empty, _) = page_of(Vec::new(), None);
    assert!(page.len() - empty.len() < 100_000, "{}", page.len() - empty.len());
}

#[test]
fn a_page_has_as_many_rows_as_it_may_and_counts_the_rest() {
    let most = usize::try_from(MOST_ROWS).unwrap();
    let (page, figures) = page_of(vec![line("a", Verdict::NoSource); most + 5], None);
    let rows: usize = blocks(&page, "class=\"rows\"").iter().map(|block| block.as_array().unwrap().len()).sum();
    let details: usize = blocks(&page, "class=\"details\"").iter().map(|block| block.as_array().unwrap().len()).sum();
    assert_eq!((rows, details, figures.all.packages), (most, most, MOST_ROWS + 5));
}

#[test]
fn many_values_of_a_facet_are_counted_together() {
    let of = |at: usize| {
        let mut report = test_support::report("a", Verdict::Differs, Vec::new());
        report.code = Some(format!("code-{at}"));
        line_of("a", &json!(report))
    };
    let reasons = figures_of((0..5_000).map(of).collect()).by.remove(&Facet::Reason).unwrap();
    assert_eq!((reasons.len(), reasons["(other)"].packages), (201, 4_800));
}

#[test]
fn two_runs_are_compared() {
    let pairs = [
        ("regressed", Some(Verdict::Identical), Some(Verdict::Differs)),
        ("regressed-content", Some(Verdict::SameContent), Some(Verdict::BuildFailed)),
        ("improved", Some(Verdict::Differs), Some(Verdict::Identical)),
        ("improved-2", Some(Verdict::NoSource), Some(Verdict::SameContent)),
        ("lost", Some(Verdict::Identical), Some(Verdict::NoSource)),
        ("decided", Some(Verdict::Unsupported), Some(Verdict::Differs)),
        ("otherwise", Some(Verdict::Identical), Some(Verdict::SameContent)),
        ("same", Some(Verdict::Differs), Some(Verdict::Differs)),
        ("new", None, Some(Verdict::Identical)),
        ("gone", Some(Verdict::Identical), None),
    ];
    let before = pairs.iter().filter_map(|(name, before, _)| before.map(|verdict| line(name, verdict))).collect();
    let now = pairs.iter().filter_map(|(name, _, now)| now.map(|verdict| line(name, verdict))).collect();
    let (page, figures) = page_of(now, Some(before));
    let expected = Changes {
        regressed: 2,
        improved: 2,
        no_longer_decided: 1,
        now_decided: 1,
        otherwise: 1,
        same: 1,
        new: 1,
        gone: 1,
        gone_names: vec!["gone@1.0.0".into()],
        not_compared: 0,
    };
    assert_eq!(figures.changes, Some(expected));
    assert_eq!(blocks(&page, "class=\"rows\"")[0][0][11], json!(["regressed", "identical", null]));
}

#[test]
fn another_version_of_a_package_is_compared_by_its_name() {
    let mut later = test_support::report("a", Verdict::Differs, Vec::new());
    later.package.version = Some("2.0.0".into());
    let (_, figures) = page_of(vec![line_of("a", &json!(later))], Some(vec![line("a", Verdict::Identical)]));
    let changes = figures.changes.unwrap();
    assert_eq!((changes.regressed, changes.gone), (1, 0));
}

#[test]
fn markdown_has_the_figures_and_no_markup_of_a_stranger() {
    let mut report = test_support::report("a", Verdict::Differs, Vec::new());
    report.code = Some("<img> | @someone [x](y)".into());
    let figures = figures_of(vec![line("b", Verdict::Identical), line_of("a", &json!(report))]);
    let text = markdown(&Run { list: "# `list`\n<b>".into(), ..run() }, &figures);
    assert!(text.contains("| reproduced | 1 | 50.0 % | 9.5–90.5 % |"), "{text}");
    for word in ["<img>", "@someone", "[x]", "<b>", "`list`"] {
        assert!(!text.contains(word), "{text}");
    }
    assert!(markdown(&run(), &Figures::default()).contains("0 packages"));
    // While packages wait the shares are of what is done, and have no interval.
    let begun = markdown(&Run { waiting: 3, ..run() }, &figures);
    assert!(begun.contains("3 packages wait") && begun.contains("| reproduced | 1 | 50.0 % | none yet |"), "{begun}");
}

#[test]
fn the_terminal_has_the_words_of_markdown_and_the_json_the_same_figures() {
    let mut report = test_support::report("c|<b>`", Verdict::Differs, Vec::new());
    report.code = Some("\u{1b}[2Jcode".into());
    let figures = figures_of(vec![line("a", Verdict::Identical), line("b", Verdict::NoSource), line_of("c", &json!(report))]);
    let about = Run { list: "x".into(), ..run() };
    let shown = text(&about, &figures, true);
    let mark = markdown(&about, &figures);
    for (name, percent) in [("reproduced", "33.3 %"), ("not reproduced", "33.3 %"), ("not decided", "33.3 %")] {
        assert!(shown.contains(&format!("      1   {percent}  {name}  (95 %: 6.1–79.2 %)\n")), "{shown}");
        assert!(mark.contains(&format!("| {name} | 1 | {percent} | 6.1–79.2 % |\n")), "{mark}");
    }
    assert!(shown.starts_with("x: 3 packages done\n") && !shown.contains('\u{1b}') && !mark.contains("<b>"), "{shown}{mark}");
    let totals = json!(Totals::of(&about, &figures));
    assert_eq!((&totals["packages"], &totals["reproduced"]["count"]), (&json!(3), &json!(1)));
    assert_eq!((&totals["by"]["verdict"]["identical"]["packages"], totals["classes"].as_array().unwrap().len()), (&json!(1), 2));
    // While packages wait the shares are of what is done, and have no interval.
    let begun = Run { waiting: 2, ..about };
    let part = json!({ "count": 1, "of": 3, "share": 1.0 / 3.0, "low": null, "high": null });
    assert_eq!(json!(Totals::of(&begun, &figures))["reproduced"], part);
    assert!(text(&begun, &figures, false).starts_with("x: 3 packages done, 2 waiting\n"));
    assert!(!text(&begun, &figures, false).contains("95 %"));
}

#[test]
fn a_value_is_counted_as_its_line_is() {
    let result = json!(test_support::report("a", Verdict::Identical, Vec::new()));
    let failure = json!(test_support::failure("a"));
    let of = |result: Option<&serde_json::Value>, error: Option<&serde_json::Value>| Entry::of_parts("a", result, error, 1);
    assert!(of(Some(&result), None).is_identical());
    assert!(!of(Some(&result), Some(&failure)).reproduced);
    for odd in [of(None, None), of(Some(&json!({ "verdict": "identical", "reproduced": true })), None)] {
        assert!(!odd.was_read && !odd.reproduced && odd.verdict == Verdict::Error, "{odd:?}");
    }
}

#[test]
fn the_year_is_the_commits_where_nobody_says_when_it_was_published() {
    let of = |published: Option<&str>, committed: Option<&str>| {
        let mut report = test_support::report("a", Verdict::Identical, Vec::new());
        report.published_at = published.map(str::to_owned);
        report.origin = Some(report::json::OriginInfo { committed_at: committed.map(str::to_owned), ..Default::default() });
        Entry::of_parts("a", Some(&json!(report)), None, 1).year().map(str::to_owned)
    };
    assert_eq!(of(Some("2020-01-02T03:04:05Z"), Some("2019-01-02T03:04:05Z")).as_deref(), Some("2020"));
    assert_eq!(of(None, Some("2019-01-02T03:04:05Z")).as_deref(), Some("2019"));
    assert_eq!((of(None, Some("long ago, in a galaxy")), of(None, None)), (None, None));
}

#[test]
fn a_line_has_a_bound_and_the_next_is_read_all_the_same() {
    let mut text = vec![b'a'; LONGEST_LINE + 10];
    text.extend(b"\n\n  \nnext\r\nlast");
    let lines: Vec<Vec<u8>> = Lines::new(BufReader::new(text.as_slice())).collect::<io::Result<_>>().unwrap();
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST_LINE, 4, 4]);
}

#[test]
fn the_policy_names_the_script_and_the_style_and_nothing_else() {
    let (page, _) = page_of(Vec::new(), None);
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
    assert_eq!((page.matches("<style>").count(), page.matches("<script>").count()), (1, 1));
}
