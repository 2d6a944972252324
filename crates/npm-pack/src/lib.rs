//! From a package's folder to the tarball that a publishing client of some era wrote: which files
//! (`list`), in which order (`order`), with which headers (`era`, `tar`), compressed by which
//! deflate (`gzip`, `deflate`); and, the other way round, from a tarball's bytes to the clients
//! that could have written it (`fingerprint`).

pub mod disk_tree;
pub mod era;
pub mod fingerprint;
pub mod glob;
pub mod gzip;
pub mod list;
pub mod order;
pub mod rewrite;
pub mod tar;
pub mod tree;

pub use node_deflate as deflate;

use era::Era;
use fingerprint::Fingerprint;
use list::ListRules;

/// The era that is tried where the published headers tell nothing: what npm has written since 2021.
const DEFAULT_ERA: &str = "npm-7-20";

/// The eras whose headers a published archive has, likeliest first.
pub fn eras_of(fingerprint: Option<&Fingerprint>) -> Vec<&'static Era> {
    let found: Vec<_> = fingerprint.into_iter().flat_map(|found| &found.eras).filter_map(|id| era::by_id(id)).collect();
    if found.is_empty() { era::by_id(DEFAULT_ERA).into_iter().collect() } else { found }
}

/// Whether a client that writes so also rewrites package.json before it packs (facts about pnpm
/// 6.20 and later, yarn 2 and later, bun, and lerna, which adds gitHead; npm and yarn 1 pack it as
/// it is on disk).
pub fn rewrites_manifest(era: &Era) -> bool {
    ["pnpm-", "berry-", "bun-", "lerna-"].iter().any(|client| era.id.starts_with(client))
}

/// The file-list rules of the clients that wrote such headers, likeliest first. The headers of npm
/// have not changed since 7.20 while its rules have, ten times; lerna and pnpm carry npm's rules of
/// some version. For custom publishers, whose rules are not here, npm's of their time stand in:
/// what they list decides, not their name.
pub fn list_rules_of(era: &Era) -> &'static [&'static ListRules] {
    match era.id {
        "npm-2" => FSTREAM,
        "npm-5-4" => NPM_5_4,
        "npm-5-7" => NPM_5_7,
        "npm-5-8" => NPM_5_8,
        "npm-6-10" => NPM_6_10,
        "npm-7-0" => NPM_7_0,
        "npm-7-7" => NPM_7_7,
        "npm-7-20" => SINCE_NPM_7,
        "lerna-4" => LERNA,
        "pnpm-6-20" => PNPM_6,
        "pnpm-11-28" => PNPM_11,
        "pnpm-12-0" => PNPM_12_0,
        "pnpm-12-5" | "pnpm-12-21" => PNPM_12,
        id if id.starts_with("pnpm-") => PNPM,
        "fstream-directory" => FSTREAM,
        "yarn-1" => YARN,
        "berry-2" | "berry-3" => BERRY,
        "bun-1" => BUN,
        "vlt-1" => VLT,
        _ => OTHERS,
    }
}

static FSTREAM: &[&ListRules] = &[&list::NPM_3, &list::NPM_2_15, &list::NPM_2_0, &list::NPM_5_0];

static SINCE_NPM_7: &[&ListRules] = &[
    &list::NPM_10_3,
    &list::NPM_8_15,
    &list::NPM_11,
    &list::NPM_12,
    &list::NPM_7_9,
    &list::NPM_8_10,
    &list::NPM_8_8,
    &list::NPM_8_6,
    &list::NPM_8_5,
    &list::NPM_9_9,
    &list::NPM_9_2,
    &list::NPM_9_1,
    &list::NPM_9_0,
    &list::NPM_10_0,
    &list::NPM_10_2,
];

static LERNA: &[&ListRules] = &[
    &list::LERNA_5_5,
    &list::NPM_8_15,
    &list::NPM_8_10,
    &list::NPM_7_9,
    &list::NPM_11,
    &list::NPM_10_3,
    &list::NPM_12,
    &list::NPM_7_0,
    &list::NPM_7_0_4,
];

static PNPM_6: &[&ListRules] = &[&list::NPM_7_9, &list::PNPM_7_12];

static PNPM: &[&ListRules] = &[&list::PNPM_8_8, &list::PNPM_7_12, &list::NPM_7_9, &list::NPM_11, &list::NPM_8_10, &list::NPM_12];

static PNPM_11: &[&ListRules] = &[&list::PNPM_11_28, &list::NPM_11, &list::NPM_12, &list::PNPM_8_8];

static PNPM_12_0: &[&ListRules] = &[&list::PNPM_12_1, &list::PNPM_12_0];

static PNPM_12: &[&ListRules] = &[
    &list::PNPM_12_14,
    &list::PNPM_11_28,
    &list::NPM_11,
    &list::NPM_12,
    &list::PNPM_12_12,
    &list::PNPM_12_11,
    &list::PNPM_12_8,
    &list::PNPM_12_1,
];

static YARN: &[&ListRules] = &[&list::YARN_1, &list::NPM_6_14];

static BUN: &[&ListRules] = &[&list::BUN_1, &list::NPM_10_3];

static VLT: &[&ListRules] = &[&list::VLT_1, &list::NPM_10_3];

static BERRY: &[&ListRules] = &[&list::BERRY, &list::NPM_8_15];

static NPM_5_4: &[&ListRules] = &[&list::NPM_5_4, &list::NPM_5_5, &list::NPM_5_6];

static NPM_5_8: &[&ListRules] = &[&list::NPM_5_6, &list::NPM_6_9, &list::NPM_6_5, &list::NPM_6_8];

static NPM_6_10: &[&ListRules] = &[&list::NPM_6_14, &list::NPM_6_12, &list::NPM_6_10];

static NPM_7_7: &[&ListRules] = &[&list::NPM_7_0, &list::NPM_7_9, &list::NPM_7_0_4];

static OTHERS: &[&ListRules] = &[&list::NPM_6_14, &list::NPM_8_15, &list::NPM_10_3, &list::NPM_12];

static NPM_5_7: &[&ListRules] = &[&list::NPM_5_6];

static NPM_7_0: &[&ListRules] = &[&list::NPM_7_0_4, &list::NPM_7_0, &list::NPM_7_0_0, &list::PACKLIST_2_1_3];

/// The README's example is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
