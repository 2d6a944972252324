use std::sync::Arc;
use std::time::Instant;

use verdict::patience::Patience;

use super::*;

const MODERN: Options = Options { dialect: Dialect::V9, nocase: true, match_base: true, prefixes: true };
const OLD: Options = Options { dialect: Dialect::V3, ..MODERN };

fn hit_with(options: Options, pattern: &str, path: &str) -> bool {
    let fuel = Fuel::new(1_000_000);
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let subject = Subject { parts: &parts, leading: path.starts_with('/'), trailing: path.ends_with('/') };
    Pattern::new(pattern, options).unwrap().matches(subject, false, &fuel)
}

fn hit(pattern: &str, path: &str) -> bool {
    hit_with(MODERN, pattern, path)
}

fn leads(pattern: &str, path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let subject = Subject { parts: &parts, leading: false, trailing: false };
    Pattern::new(pattern, MODERN).unwrap().matches(subject, true, &Fuel::new(1_000_000))
}

fn expanded(pattern: &str) -> Vec<String> {
    braces::expand(pattern).unwrap()
}

#[test]
fn a_pattern_without_slash_is_put_to_the_last_component() {
    assert!(hit("*.js", "lib/a.js"));
    assert!(!hit("/*.js", "/lib/a.js"));
    assert!(hit("/*.js", "/a.js"));
}

#[test]
fn case_is_ignored_or_not() {
    assert!(hit("README*", "readme.md"));
    assert!(!hit_with(Options { nocase: false, ..MODERN }, "README*", "readme.md"));
    assert!(hit("É.js", "é.js"));
}

#[test]
fn two_stars_take_any_number_of_components() {
    assert!(hit("lib/**/a.js", "lib/a.js"));
    assert!(hit("lib/**/a.js", "lib/x/y/a.js"));
    assert!(hit("lib/**", "lib/x/y"));
    assert!(hit("lib/**", "lib/"));
    assert!(!hit("lib/**", "lib"));
    assert!(!hit("lib/**", "./lib/x"));
    assert!(hit("**/sub/**", "a/sub/b"));
}

#[test]
fn dot_files_match_but_dots_do_not() {
    assert!(hit("*", ".hidden"));
    assert!(hit("lib/**", "lib/.hidden"));
    assert!(!hit("*/x", "./x"));
    assert!(!hit("**/x", "./x"));
}

#[test]
fn a_slash_at_the_end_wants_a_folder() {
    assert!(hit("lib/", "lib/"));
    assert!(!hit("lib/", "lib"));
    assert!(hit("lib", "lib/"));
    assert!(hit("a/*", "a/b/"));
    assert!(!hit("a/*", "a/"));
}

#[test]
fn a_folder_on_the_way_matches_in_part() {
    assert!(leads("lib/sub/*.js", "lib"));
    assert!(leads("lib/sub/*.js", "lib/sub"));
    assert!(!leads("lib/sub/*.js", "src"));
    assert!(leads("**/x/y", "anything/at/all"));
}

#[test]
fn signs_in_front_negate_and_comment() {
    let pattern = |text| Pattern::new(text, MODERN).unwrap();
    assert!(pattern("!a").negate);
    assert!(!pattern("!!a").negate);
    assert!(hit("!!a", "a"));
    assert!(!hit("#a", "#a"));
    assert!(hit("\\#a", "#a"));
    assert!(hit("\\!a", "!a"));
    assert!(hit_with(Options { prefixes: false, ..MODERN }, "#a", "#a"));
}

#[test]
fn an_empty_pattern_matches_nothing() {
    assert!(!hit("", "a"));
    assert!(!hit("", ""));
}

#[test]
fn extended_globs_match_as_in_a_shell() {
    assert!(hit("@(a|b).js", "a.js") && !hit("@(a|b).js", "ab.js"));
    assert!(hit("+(a|b).js", "abba.js") && !hit("+(a|b).js", ".js"));
    assert!(hit("*(a|b).js", ".js") && hit("?(a).js", "a.js") && !hit("?(a).js", "aa.js"));
    assert!(hit("x!(a).js", "xb.js") && !hit("x!(a).js", "xa.js") && hit("x!(a).js", "xaa.js"));
    assert!(hit("@(!(x)|y)", "y") && !hit("@(!(x))", "x"));
    assert!(hit("a@(b|+(c|d)e)", "acdce"));
    assert!(hit("a+(b", "a+(b"));
}

#[test]
fn what_follows_a_negation_is_bound_to_the_end_since_version_6() {
    assert!(hit("x!(a).js", "xa.jsx.js"));
    assert!(!hit_with(OLD, "x!(a).js", "xa.jsx.js"));
}

#[test]
fn classes_match_one_character() {
    assert!(hit("[a-c].ts", "B.ts") && !hit("[a-c].ts", "d.ts"));
    assert!(hit("[!a].ts", "b.ts") && !hit("[!a].ts", "a.ts"));
    assert!(hit("[]].ts", "].ts"));
    assert!(hit("[[]x].js", "[x].js"));
    assert!(hit("[a.ts", "[a.ts"));
    assert!(hit("[[:digit:]].ts", "7.ts") && !hit("[[:digit:]].ts", "a.ts"));
    assert!(!hit("[^[:alpha:]].ts", "a.ts"));
}

#[test]
fn posix_classes_are_plain_brackets_before_version_6() {
    assert!(!hit_with(OLD, "[[:digit:]].ts", "7.ts"));
    assert!(hit_with(OLD, "[[:digit:]].ts", "d].ts"));
}

#[test]
fn an_impossible_range_is_literal_then_matches_nothing() {
    assert!(hit_with(OLD, "[z-a].ts", "[z-a].ts"));
    assert!(!hit("[z-a].ts", "[z-a].ts"));
    assert!(!hit_with(Options { dialect: Dialect::V5, ..MODERN }, "[z-a].ts", "[z-a].ts"));
}

#[test]
fn dots_in_a_pattern_are_resolved_since_version_6() {
    assert!(hit("lib/../src/a.js", "src/a.js"));
    assert!(!hit_with(OLD, "lib/../src/a.js", "src/a.js"));
}

#[test]
fn braces_expand() {
    assert_eq!(expanded("a{b,c}d"), ["abd", "acd"]);
    assert_eq!(expanded("{a,b{c,d}}e"), ["ae", "bce", "bde"]);
    assert_eq!(expanded("x{a,}"), ["xa", "x"]);
    assert_eq!(expanded("{1..3}"), ["1", "2", "3"]);
    assert_eq!(expanded("{c..a}"), ["c", "b", "a"]);
    assert_eq!(expanded("{01..03..2}"), ["01", "03"]);
    assert_eq!(expanded("{-1..1}"), ["-1", "0", "1"]);
    assert_eq!(expanded("{{a,b}}"), ["{a}", "{b}"]);
}

#[test]
fn braces_that_are_no_set_stay() {
    assert_eq!(expanded("{a}"), ["{a}"]);
    assert_eq!(expanded("{a,b"), ["{a,b"]);
    assert_eq!(expanded("{}"), ["{}"]);
    assert_eq!(expanded("\\{a,b}"), ["{a,b}"]);
    assert_eq!(expanded("a{},b}c"), ["a}c", "abc"]);
}

#[test]
fn braces_are_bounded() {
    assert_eq!(Pattern::new(&"{a,b}".repeat(40), MODERN).unwrap_err(), GlobError::TooManyBraces);
    assert_eq!(Pattern::new("{1..999999999}", MODERN).unwrap_err(), GlobError::TooManyBraces);
    assert_eq!(Pattern::new(&"{".repeat(9_000).replace('{', "{}"), MODERN).unwrap_err(), GlobError::TooManyBraces);
    assert_eq!(Pattern::new(&"a".repeat(70_000), MODERN).unwrap_err(), GlobError::TooLong);
}

#[test]
fn a_hostile_pattern_uses_up_its_fuel_and_no_more() {
    let fuel = Fuel::new(10_000);
    let pattern = Pattern::new("+(+(+(+(+(a|b)|c)|d)|e)|f)x", MODERN).unwrap();
    let name = "a".repeat(255);
    let subject = Subject { parts: &[&name], leading: false, trailing: false };
    assert!(!pattern.matches(subject, false, &fuel));
    assert!(fuel.is_empty());
}

#[test]
fn unclosed_groups_are_parsed_once() {
    assert!(!hit(&"+(".repeat(2_000), "a"));
}

#[test]
fn all_patterns_of_a_listing_share_the_fuel_also_to_be_compiled() {
    let fuel = Fuel::new(100_000);
    let compiled = (0..1000).map(|at| fuel.compile(&format!("{{a,b}}/{at}"), MODERN)).take_while(Result::is_ok).count();
    assert!((10..100).contains(&compiled), "{compiled}");
    assert_eq!(fuel.compile("a", MODERN).unwrap_err(), GlobError::TooMuch);
    let paths = [("a".to_owned(), false)];
    assert_eq!(expand("a", MODERN, false, &paths, &fuel).unwrap_err(), GlobError::TooMuch);
}

#[test]
fn a_run_that_is_over_has_no_fuel() {
    let over = Patience::new(Arc::default(), Some(Instant::now()));
    let matched = || {
        let fuel = Fuel::new(1_000_000);
        (fuel.compile("a", MODERN).is_ok(), fuel.is_empty())
    };
    assert_eq!(over.during(matched), (false, true));
    assert_eq!(matched(), (true, false));
}

#[test]
fn expansion_names_folders_too() {
    let paths: Vec<(String, bool)> =
        [("lib", true), ("lib/a.js", false), ("lib/sub", true), ("b.js", false)].map(|(path, is_dir)| (path.to_owned(), is_dir)).to_vec();
    let named = |pattern, keeps_dot| expand(pattern, MODERN, keeps_dot, &paths, &Fuel::new(10_000)).unwrap();
    assert_eq!(named("lib/**", false), ["lib", "lib/a.js", "lib/sub"]);
    assert_eq!(named("lib/", false), ["lib"]);
    assert_eq!(named("lib/!(a.js)", false), ["lib/sub"]);
    assert_eq!(named("*.js", false), ["b.js"]);
    assert_eq!(named("./b.js", true), ["./b.js"]);
    assert!(named("./b.js", false).is_empty());
}
