use serde_json::json;

use super::*;

#[test]
fn ids_are_unique_and_kebab_case() {
    let mut ids: Vec<_> = ALL.iter().map(|era| era.id).collect();
    assert!(ids.iter().all(|id| id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), ALL.len());
}

#[test]
fn the_gzip_header_follows_from_the_level() {
    assert!(ALL.iter().all(|era| (era.gzip.level == 9) == (era.gzip.xfl == 2)));
}

#[test]
fn no_era_adopts_an_executable_bit() {
    assert!(ALL.iter().all(|era| era.adopts.mode_bits & !0o666 == 0));
}

#[test]
fn every_bin_is_executable_in_early_npm_7() {
    let bins = Bins::of(&json!({ "bin": { "a": "./bin/cli.js", "b": "b.js" } }));
    let rule = by_id("npm-7-0").unwrap().mode;
    assert_eq!(rule.file("bin/cli.js", 0o644, &bins), 0o755);
    assert_eq!(rule.file("b.js", 0o600, &bins), 0o711);
    assert_eq!(rule.file("lib.js", 0o664, &bins), 0o644);
}

#[test]
fn only_bins_in_the_root_are_executable_since_npm_7_20() {
    let bins = Bins::of(&json!({ "bin": { "a": "bin/cli.js", "b": "./b.js" } }));
    let rule = by_id("npm-7-20").unwrap().mode;
    assert_eq!(rule.file("bin/cli.js", 0o644, &bins), 0o644);
    assert_eq!(rule.file("b.js", 0o644, &bins), 0o755);
    assert_eq!(rule.file("sub/b.js", 0o644, &bins), 0o755);
}

#[test]
fn lerna_fixes_no_bin() {
    let bins = Bins::of(&json!({ "bin": "cli.js" }));
    assert_eq!(by_id("lerna-4").unwrap().mode.file("cli.js", 0o644, &bins), 0o644);
}

#[test]
fn pnpm_7_looks_at_the_list_only_and_11_28_also_at_the_bit() {
    let bins = Bins::of(&json!({ "publishConfig": { "executableFiles": ["./run.sh"] } }));
    let (seven, eleven) = (by_id("pnpm-7").unwrap().mode, by_id("pnpm-11-28").unwrap().mode);
    assert_eq!((seven.file("run.sh", 0o644, &bins), seven.file("x.sh", 0o755, &bins)), (0o755, 0o644));
    assert_eq!((eleven.file("run.sh", 0o644, &bins), eleven.file("x.sh", 0o755, &bins)), (0o755, 0o755));
}

#[test]
fn directories_bin_counts_only_without_bin() {
    let with = Bins::of(&json!({ "bin": "a.js", "directories": { "bin": "./bin" } }));
    let without = Bins::of(&json!({ "directories": { "bin": "./bin" } }));
    let rule = by_id("pnpm-7").unwrap().mode;
    assert_eq!((rule.file("bin/x", 0o644, &with), rule.file("bin/x", 0o644, &without)), (0o644, 0o755));
    assert_eq!(rule.file("binary", 0o644, &without), 0o644);
}

#[test]
fn bun_keeps_the_disk_mode_and_adds_to_bins() {
    let bins = Bins::of(&json!({ "bin": "a.js" }));
    let rule = by_id("bun-1").unwrap().mode;
    assert_eq!((rule.file("a.js", 0o664, &bins), rule.file("b.js", 0o775, &bins)), (0o775, 0o775));
}
