//! The rules of every group of clients, as data. Within a group all versions list the same files.

use super::{
    Bins, ClassicRules, Dotted, Engine, FilesRule, FstreamRules, ListRules, PnpmRustRules, ReadmeRule, StrictRules, WorkspaceIgnores,
};
use crate::glob::Dialect;

/// npm 2.0 to 2.14: fstream-npm 1.0.
pub static NPM_2_0: ListRules = fstream("npm-2.0", "npm 1.4 to 2.14 (fstream-npm 1.0.3 to 1.0.7)", &FSTREAM_OLD);
/// npm 2.15: fstream-npm 1.1.
pub static NPM_2_15: ListRules = fstream("npm-2.15", "npm 2.15 (fstream-npm 1.1)", &FSTREAM_1_1);
/// npm 3 and 4: fstream-npm 1.2.0, bundled packages hoisted.
pub static NPM_3: ListRules = fstream("npm-3", "npm 3 and 4 (fstream-npm 1.2.0)", &FSTREAM_1_2_0);
/// npm 5.0 to 5.3: fstream-npm 1.2.1.
pub static NPM_5_0: ListRules = fstream("npm-5.0", "npm 5.0 to 5.3 (fstream-npm 1.2.1)", &FSTREAM_1_2_1);
/// npm 5.4: npm-packlist 1.1.6 to 1.1.8, which leave out `test` and `tests` of the root.
pub static NPM_5_4: ListRules = classic("npm-5.4", "npm 5.4 (npm-packlist 1.1.6 to 1.1.8)", &PACKLIST_1_1_8);
/// npm 5.5: npm-packlist 1.1.9.
pub static NPM_5_5: ListRules = classic("npm-5.5", "npm 5.5 (npm-packlist 1.1.9)", &PACKLIST_1_1_9);
/// npm 5.6 to 6.4: npm-packlist 1.1.10 and 1.1.11.
pub static NPM_5_6: ListRules = classic("npm-5.6", "npm 5.6 to 6.4 (npm-packlist 1.1.10 and 1.1.11)", &PACKLIST_1_1_10);
/// npm 6.5 to 6.7: npm-packlist 1.1.12 and 1.2.
pub static NPM_6_5: ListRules = classic("npm-6.5", "npm 6.5 to 6.7 (npm-packlist 1.1.12 and 1.2)", &PACKLIST_1_1_12);
/// npm 6.8: npm-packlist 1.3.
pub static NPM_6_8: ListRules = classic("npm-6.8", "npm 6.8 (npm-packlist 1.3)", &PACKLIST_1_3);
/// npm 6.9: npm-packlist 1.4.0 and 1.4.1.
pub static NPM_6_9: ListRules = classic("npm-6.9", "npm 6.9 (npm-packlist 1.4.0 and 1.4.1)", &PACKLIST_1_4_1);
/// npm 6.10: npm-packlist 1.4.2 to 1.4.4.
pub static NPM_6_10: ListRules = classic("npm-6.10", "npm 6.10 and 6.11, lerna 3.16 (npm-packlist 1.4.2 to 1.4.4)", &PACKLIST_1_4_4);
/// npm 6.12 to 6.13.3: npm-packlist 1.4.5 and 1.4.6.
pub static NPM_6_12: ListRules = classic("npm-6.12", "npm 6.12 to 6.13.3 (npm-packlist 1.4.5 and 1.4.6)", &PACKLIST_1_4_6);
/// npm 6.13.4 to 6.14: npm-packlist 1.4.7 and 1.4.8.
pub static NPM_6_14: ListRules = classic("npm-6.14", "npm 6.13.4 to 6.14 (npm-packlist 1.4.7 and 1.4.8)", &PACKLIST_1_4_8);
/// npm 7.0.0 to 7.0.3: npm-packlist 2.0 to 2.1.2.
pub static NPM_7_0_0: ListRules = classic("npm-7.0.0", "npm 7.0.0 to 7.0.3 (npm-packlist 2.0 to 2.1.2)", &PACKLIST_2_1_2);
/// npm-packlist 2.1.3: the globs of `files` count in their order, as they also may have by chance
/// in 2.1.2.
pub static PACKLIST_2_1_3: ListRules = classic("packlist-2.1.3", "npm-packlist 2.1.3", &CLASSIC_2_1_3);
/// npm 7.0.4 to 7.7.5: npm-packlist 2.1.4.
pub static NPM_7_0_4: ListRules = classic("npm-7.0.4", "npm 7.0.4 to 7.7.5, lerna 4.0 (npm-packlist 2.1.4)", &PACKLIST_2_1_4);
/// npm 7.7.6 and 7.8: npm-packlist 2.1.5.
pub static NPM_7_0: ListRules = classic("npm-7.0", "npm 7.7.6 and 7.8, lerna 4 to 5.4 (npm-packlist 2.1.5)", &PACKLIST_2_1);
/// npm 7.9 to 8.4: npm-packlist 2.2 and 3.
pub static NPM_7_9: ListRules = classic("npm-7.9", "npm 7.9 to 8.4 (npm-packlist 2.2 and 3)", &PACKLIST_2_2);
/// npm 8.5: npm-packlist 4.
pub static NPM_8_5: ListRules = classic("npm-8.5", "npm 8.5 (npm-packlist 4)", &PACKLIST_4);
/// npm 8.6 and 8.7: npm-packlist 5.0.0.
pub static NPM_8_6: ListRules = classic("npm-8.6", "npm 8.6 and 8.7 (npm-packlist 5.0.0)", &PACKLIST_5_0_0);
/// npm 8.8 and 8.9: npm-packlist 5.0.1 and 5.0.2.
pub static NPM_8_8: ListRules = classic("npm-8.8", "npm 8.8 and 8.9 (npm-packlist 5.0.1 and 5.0.2)", &PACKLIST_5_0_2);
/// npm 8.10 to 8.14: npm-packlist 5.0.3 to 5.1.0.
pub static NPM_8_10: ListRules = classic("npm-8.10", "npm 8.10 to 8.14 (npm-packlist 5.0.3 to 5.1.0)", &PACKLIST_5_0_4);
/// npm 8.15 to 8.19: npm-packlist 5.1.1 to 5.1.3.
pub static NPM_8_15: ListRules = classic("npm-8.15", "npm 8.15 to 8.19 (npm-packlist 5.1.1 to 5.1.3)", &PACKLIST_5_1_3);
/// lerna 5.5 to 8: the same with glob 8.1.
pub static LERNA_5_5: ListRules = classic("lerna-5.5", "lerna 5.5 to 8 (npm-packlist 5.1.1 to 5.1.3)", &PACKLIST_5_1_3_KEPT);
/// npm 9.0: npm-packlist 7.0.0 and 7.0.1.
pub static NPM_9_0: ListRules = strict("npm-9.0", "npm 9.0 (npm-packlist 7.0.0 and 7.0.1)", &STRICT_7_0_0);
/// npm 9.1: npm-packlist 7.0.2.
pub static NPM_9_1: ListRules = strict("npm-9.1", "npm 9.1 (npm-packlist 7.0.2)", &STRICT_7_0_2);
/// npm 9.2 to 9.8: npm-packlist 7.0.3 and 7.0.4 on ignore-walk 6.0.0 to 6.0.3.
pub static NPM_9_2: ListRules = strict("npm-9.2", "npm 9.2 to 9.8 (npm-packlist 7.0.3 and 7.0.4, ignore-walk before 6.0.4)", &STRICT_7_0_4);
/// npm 9.9: npm-packlist 7.0.4 on ignore-walk 6.0.4.
pub static NPM_9_9: ListRules = strict("npm-9.9", "npm 9.9 (npm-packlist 7.0.4, ignore-walk 6.0.4)", &STRICT_7_0_4_EXACT);
/// npm 10.0 to 10.2: npm-packlist 8.0.0 on ignore-walk 6.0.3.
pub static NPM_10_0: ListRules = strict("npm-10.0", "npm 10.0 to 10.2.4 (npm-packlist 8.0.0, ignore-walk before 6.0.4)", &STRICT_8_0_0);
/// npm 10.2.5: npm-packlist 8.0.1.
pub static NPM_10_2: ListRules = strict("npm-10.2", "npm 10.2.5 (npm-packlist 8.0.1)", &STRICT_8_0_1);
/// npm 10.3 to 10.9: npm-packlist 8.0.2 and 9.
pub static NPM_10_3: ListRules = strict("npm-10.3", "npm 10.3 to 10.9 (npm-packlist 8.0.2 and 9)", &STRICT_9);
/// npm 11: npm-packlist 10.
pub static NPM_11: ListRules = strict("npm-11", "npm 11, lerna 9 and 10.0 (npm-packlist 10)", &STRICT_10);
/// npm-packlist 11.0 and 11.1.
pub static PACKLIST_11_0: ListRules = strict("packlist-11.0", "npm-packlist 11.0 and 11.1", &STRICT_11_0);
/// npm 12: npm-packlist 11.2 and 11.3.
pub static NPM_12: ListRules = strict("npm-12", "npm 12, lerna 10.1 (npm-packlist 11.2 and 11.3)", &STRICT_11_3);

/// pnpm 7.12 to 8.7: npm-packlist 5.1.3 without a look above the package.
pub static PNPM_7_12: ListRules = classic("pnpm-7.12", "pnpm 7.12 to 8.7 (npm-packlist 5.1.3)", &PACKLIST_5_1_3_ALONE);
/// pnpm 8.8 to 10: the same, each file once.
pub static PNPM_8_8: ListRules = classic("pnpm-8.8", "pnpm 8.8 to 10 (npm-packlist 5.1.3)", &PACKLIST_5_1_3_ONCE);
/// pnpm 11.28 and later: npm-packlist 10 of its own, with links.
pub static PNPM_11_28: ListRules = strict("pnpm-11.28", "pnpm 11.28 and later (npm-packlist 10, with links)", &STRICT_10_LINKS);
/// pnpm 12.0.0, which packs change logs, histories and notices against `files`.
pub static PNPM_12_0: ListRules = pnpm_rust("pnpm-12.0", "pnpm 12.0", PACQUET_12_0);
/// pnpm 12.1 to 12.7.
pub static PNPM_12_1: ListRules = pnpm_rust("pnpm-12.1", "pnpm 12.1 to 12.7", PACQUET_12_1);
/// pnpm 12.8 to 12.10.
pub static PNPM_12_8: ListRules = pnpm_rust("pnpm-12.8", "pnpm 12.8 to 12.10", PACQUET_12_8);
/// pnpm 12.11.
pub static PNPM_12_11: ListRules = pnpm_rust("pnpm-12.11", "pnpm 12.11", PACQUET_12_11);
/// pnpm 12.12 and 12.13; later releases have npm's rules.
pub static PNPM_12_12: ListRules = pnpm_rust("pnpm-12.12", "pnpm 12.12 and 12.13", PACQUET_12_12);
/// pnpm 12.14 and later: npm's rules, and `main` found under `./`.
pub static PNPM_12_14: ListRules = strict("pnpm-12.14", "pnpm 12.14 to 12.21 (as npm-packlist 10, with links)", &STRICT_10_DOTTED);
/// yarn 0.27 to 1.22.
pub static YARN_1: ListRules = ListRules { name: "yarn-1", clients: "yarn 1", engine: Engine::Yarn };
/// yarn 2 to 4.
pub static BERRY: ListRules = ListRules { name: "berry", clients: "yarn 2 to 4", engine: Engine::Berry };
/// bun 1.2 to 1.4.
pub static BUN_1: ListRules = ListRules { name: "bun-1", clients: "bun 1.2 to 1.4", engine: Engine::Bun };
/// The release candidates of vlt 1.0.
pub static VLT_1: ListRules = ListRules { name: "vlt-1", clients: "vlt 1.0 release candidates", engine: Engine::Vlt };

/// All groups, the oldest first.
pub static ALL: [&ListRules; 33] = [
    &NPM_2_0,
    &NPM_2_15,
    &NPM_3,
    &NPM_5_0,
    &NPM_5_4,
    &NPM_5_5,
    &NPM_5_6,
    &NPM_6_5,
    &NPM_6_8,
    &NPM_6_9,
    &NPM_6_10,
    &NPM_6_12,
    &NPM_6_14,
    &NPM_7_0_0,
    &PACKLIST_2_1_3,
    &NPM_7_0_4,
    &NPM_7_0,
    &NPM_7_9,
    &NPM_8_5,
    &NPM_8_6,
    &NPM_8_8,
    &NPM_8_10,
    &NPM_8_15,
    &NPM_9_0,
    &NPM_9_1,
    &NPM_9_2,
    &NPM_9_9,
    &NPM_10_0,
    &NPM_10_2,
    &NPM_10_3,
    &NPM_11,
    &PACKLIST_11_0,
    &NPM_12,
];

/// Those of the clients that list in a way of their own, or npm's with a change.
pub(super) static OTHERS: [&ListRules; 14] = [
    &LERNA_5_5,
    &PNPM_7_12,
    &PNPM_8_8,
    &PNPM_11_28,
    &PNPM_12_0,
    &PNPM_12_1,
    &PNPM_12_8,
    &PNPM_12_11,
    &PNPM_12_12,
    &PNPM_12_14,
    &YARN_1,
    &BERRY,
    &BUN_1,
    &VLT_1,
];

/// The rules with this name, as a recipe gives it.
pub fn by_name(name: &str) -> Option<&'static ListRules> {
    ALL.iter().chain(&OTHERS).copied().find(|rules| rules.name == name)
}

const fn fstream(name: &'static str, clients: &'static str, rules: &FstreamRules) -> ListRules {
    ListRules { name, clients, engine: Engine::Fstream(FstreamRules { ..*rules }) }
}

const fn classic(name: &'static str, clients: &'static str, rules: &ClassicRules) -> ListRules {
    ListRules { name, clients, engine: Engine::Classic(ClassicRules { ..*rules }) }
}

const fn strict(name: &'static str, clients: &'static str, rules: &StrictRules) -> ListRules {
    ListRules { name, clients, engine: Engine::Strict(StrictRules { ..*rules }) }
}

const fn pnpm_rust(name: &'static str, clients: &'static str, rules: PnpmRustRules) -> ListRules {
    ListRules { name, clients, engine: Engine::PnpmRust(rules) }
}

const PACQUET_12_0: PnpmRustRules = PnpmRustRules {
    always: &["README", "LICENSE", "LICENCE", "CHANGELOG", "CHANGES", "HISTORY", "NOTICE"],
    always_begins: true,
    prunes: false,
    one_ignore_file: false,
    hides_ignore_files: false,
};
const PACQUET_12_1: PnpmRustRules = PnpmRustRules { always: &["README", "LICENSE", "LICENCE"], ..PACQUET_12_0 };
const PACQUET_12_8: PnpmRustRules = PnpmRustRules { prunes: true, ..PACQUET_12_1 };
const PACQUET_12_11: PnpmRustRules =
    PnpmRustRules { always: &["README", "COPYING", "LICENSE", "LICENCE"], always_begins: false, one_ignore_file: true, ..PACQUET_12_8 };
const PACQUET_12_12: PnpmRustRules = PnpmRustRules { hides_ignore_files: true, ..PACQUET_12_11 };

const FSTREAM_OLD: FstreamRules =
    FstreamRules { files_only: true, notice: false, no_orig: false, no_package_lock: false, scopes: false, hoisted: false };
const FSTREAM_1_1: FstreamRules = FstreamRules { notice: true, scopes: true, ..FSTREAM_OLD };
const FSTREAM_1_2_0: FstreamRules = FstreamRules { no_orig: true, hoisted: true, ..FSTREAM_1_1 };
const FSTREAM_1_2_1: FstreamRules = FstreamRules { no_package_lock: true, ..FSTREAM_1_2_0 };

const CHANGES: &str = "readme|license|licence|notice|changes|changelog|history";
const COPYING: &str = "readme|copying|license|licence|notice|changes|changelog|history";
const LEGAL: &str = "readme|copying|license|licence";

const PACKLIST_1_1_8: ClassicRules = ClassicRules {
    dialect: Dialect::V3,
    defaults: &DEFAULTS_1_1_8,
    always: CHANGES,
    no_backups: false,
    bins: Bins::Ignored,
    necessary: &[],
    expands_files: false,
    keeps_slashes: false,
    races_globs: false,
    one_bundle_spelling: false,
    glob_8: false,
    strips_dot_slash: false,
    no_nested_modules: true,
    no_root_git: false,
    scope_is_package: true,
    no_star_names: false,
    dotted: Dotted::Lost,
    workspace_ignores: WorkspaceIgnores::Ignored,
};
const PACKLIST_1_1_9: ClassicRules = ClassicRules { defaults: &DEFAULTS_1_1_9, ..PACKLIST_1_1_8 };
const PACKLIST_1_1_10: ClassicRules = ClassicRules { no_nested_modules: false, ..PACKLIST_1_1_9 };
const PACKLIST_1_1_12: ClassicRules = ClassicRules { defaults: &DEFAULTS_1_1_12, always: COPYING, ..PACKLIST_1_1_10 };
const PACKLIST_1_3: ClassicRules = ClassicRules { defaults: &DEFAULTS_1_3, no_backups: true, bins: Bins::Raw, ..PACKLIST_1_1_12 };
const PACKLIST_1_4_1: ClassicRules = ClassicRules { defaults: &DEFAULTS_1_4_1, necessary: &["package.json"], ..PACKLIST_1_3 };
const PACKLIST_1_4_4: ClassicRules = ClassicRules { defaults: &DEFAULTS_1_4_4, no_root_git: true, ..PACKLIST_1_4_1 };
const PACKLIST_1_4_6: ClassicRules =
    ClassicRules { necessary: &["package.json", "npm-shrinkwrap.json"], no_star_names: true, ..PACKLIST_1_4_4 };
const PACKLIST_1_4_8: ClassicRules = ClassicRules { bins: Bins::Normalized, ..PACKLIST_1_4_6 };
const PACKLIST_2_1: ClassicRules = ClassicRules { defaults: &DEFAULTS_2, expands_files: true, ..PACKLIST_1_4_8 };
const PACKLIST_2_1_4: ClassicRules = ClassicRules { one_bundle_spelling: true, ..PACKLIST_2_1 };
const CLASSIC_2_1_3: ClassicRules = ClassicRules { keeps_slashes: true, ..PACKLIST_2_1_4 };
const PACKLIST_2_1_2: ClassicRules = ClassicRules { races_globs: true, ..CLASSIC_2_1_3 };
const PACKLIST_2_2: ClassicRules = ClassicRules { always: LEGAL, ..PACKLIST_2_1 };
const PACKLIST_4: ClassicRules = ClassicRules { defaults: &DEFAULTS_4, ..PACKLIST_2_2 };
const PACKLIST_5_0_0: ClassicRules = ClassicRules { dialect: Dialect::V5, scope_is_package: false, ..PACKLIST_4 };
const PACKLIST_5_0_2: ClassicRules = ClassicRules { glob_8: true, ..PACKLIST_5_0_0 };
const PACKLIST_5_0_4: ClassicRules = ClassicRules { strips_dot_slash: true, workspace_ignores: WorkspaceIgnores::Both, ..PACKLIST_5_0_2 };
const PACKLIST_5_1_3: ClassicRules = ClassicRules { workspace_ignores: WorkspaceIgnores::First, ..PACKLIST_5_0_4 };

const PACKLIST_5_1_3_KEPT: ClassicRules = ClassicRules { dotted: Dotted::Kept, ..PACKLIST_5_1_3 };
const PACKLIST_5_1_3_ALONE: ClassicRules = ClassicRules { workspace_ignores: WorkspaceIgnores::Ignored, ..PACKLIST_5_1_3_KEPT };
const PACKLIST_5_1_3_ONCE: ClassicRules = ClassicRules { dotted: Dotted::Stripped, ..PACKLIST_5_1_3_ALONE };

const STRICT_7_0_0: StrictRules = StrictRules {
    dialect: Dialect::V5,
    exact: false,
    defaults: &DEFAULTS_6,
    never: &["/.git", "/node_modules", "/package-lock.json", "/yarn.lock", "/pnpm-lock.yaml"],
    readme: ReadmeRule::Everywhere,
    files: FilesRule::Plain,
    missing_fails: true,
    no_patches: false,
    finds_dotted: false,
    links: false,
};
const STRICT_7_0_2: StrictRules = StrictRules { files: FilesRule::NoLead, ..STRICT_7_0_0 };
const STRICT_7_0_4: StrictRules =
    StrictRules { files: FilesRule::NoLeadOrStar, missing_fails: false, dialect: Dialect::V9, ..STRICT_7_0_2 };
const STRICT_7_0_4_EXACT: StrictRules = StrictRules { exact: true, ..STRICT_7_0_4 };
const STRICT_8_0_0: StrictRules = StrictRules { readme: ReadmeRule::EverywhereUnlessNegated, ..STRICT_7_0_4 };
const STRICT_8_0_1: StrictRules = StrictRules {
    exact: true,
    files: FilesRule::NoDotOrStar,
    never: &["/.git", "/node_modules", ".npmrc", "/package-lock.json", "/yarn.lock", "/pnpm-lock.yaml"],
    ..STRICT_8_0_0
};
const STRICT_9: StrictRules = StrictRules { readme: ReadmeRule::Root, files: FilesRule::DeepStar, ..STRICT_8_0_1 };
const STRICT_10: StrictRules = StrictRules {
    never: &["/.git", "/node_modules", ".npmrc", "/package-lock.json", "/yarn.lock", "/pnpm-lock.yaml", "/bun.lockb"],
    ..STRICT_9
};
const STRICT_10_LINKS: StrictRules = StrictRules { links: true, ..STRICT_10 };
const STRICT_10_DOTTED: StrictRules = StrictRules { finds_dotted: true, ..STRICT_10_LINKS };
const STRICT_11_0: StrictRules = StrictRules {
    files: FilesRule::Glob,
    never: &[
        "/.git",
        "/node_modules",
        ".npmrc",
        "/package-lock.json",
        "/npm-shrinkwrap.json",
        "/yarn.lock",
        "/pnpm-lock.yaml",
        "/bun.lockb",
        "/bun.lock",
    ],
    ..STRICT_10
};
const STRICT_11_3: StrictRules = StrictRules {
    no_patches: true,
    never: &[
        "/.git",
        "/node_modules",
        ".npmrc",
        "/package-lock.json",
        "/npm-shrinkwrap.json",
        "/yarn.lock",
        "/pnpm-lock.yaml",
        "/bun.lockb",
        "/bun.lock",
        "/.npm-extension.mjs",
        "/.npm-extension.cjs",
    ],
    ..STRICT_11_0
};

#[rustfmt::skip]
const DEFAULTS_1_1_8: [&str; 17] = [
    ".npmignore", ".gitignore", "**/.git/", "**/.svn/", "**/.hg/", "**/CVS/", "/.lock-wscript", "/.wafpickle-*",
    "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp", ".DS_Store", "._*", "*.orig", "/test{,s}/",
    "package-lock.json",
];
#[rustfmt::skip]
const DEFAULTS_1_1_9: [&str; 16] = [
    ".npmignore", ".gitignore", "**/.git/", "**/.svn/", "**/.hg/", "**/CVS/", "/.lock-wscript", "/.wafpickle-*",
    "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp", ".DS_Store", "._*", "*.orig", "package-lock.json",
];
#[rustfmt::skip]
const DEFAULTS_1_1_12: [&str; 21] = [
    ".npmignore", ".gitignore", "**/.git", "**/.svn", "**/.hg", "**/CVS", "**/.git/**", "**/.svn/**", "**/.hg/**",
    "**/CVS/**", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp",
    ".DS_Store", "._*", "*.orig", "package-lock.json", "archived-packages/**",
];
#[rustfmt::skip]
const DEFAULTS_1_3: [&str; 27] = [
    ".npmignore", ".gitignore", "**/.git", "**/.svn", "**/.hg", "**/CVS", "**/.git/**", "**/.svn/**", "**/.hg/**",
    "**/CVS/**", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp",
    ".DS_Store", "._*", "*.orig", "package-lock.json", "yarn.lock", "archived-packages/**", "core", "*.core",
    "*.vgcore", "vgcore.*", "core.+([0-9])",
];
#[rustfmt::skip]
const DEFAULTS_1_4_1: [&str; 30] = [
    ".npmignore", ".gitignore", "**/.git", "**/.svn", "**/.hg", "**/CVS", "**/.git/**", "**/.svn/**", "**/.hg/**",
    "**/CVS/**", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp",
    "**/.DS_Store/**", "._*", "**/._*/**", "*.orig", "/package-lock.json", "/yarn.lock", "archived-packages/**",
    "core", "!core/", "!**/core/", "*.core", "*.vgcore", "vgcore.*", "core.+([0-9])",
];
#[rustfmt::skip]
const DEFAULTS_1_4_4: [&str; 31] = [
    ".npmignore", ".gitignore", "**/.git", "**/.svn", "**/.hg", "**/CVS", "**/.git/**", "**/.svn/**", "**/.hg/**",
    "**/CVS/**", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp",
    ".DS_Store", "**/.DS_Store/**", "._*", "**/._*/**", "*.orig", "/package-lock.json", "/yarn.lock",
    "archived-packages/**", "core", "!core/", "!**/core/", "*.core", "*.vgcore", "vgcore.*", "core.+([0-9])",
];
#[rustfmt::skip]
const DEFAULTS_2: [&str; 24] = [
    ".npmignore", ".gitignore", "**/.git", "**/.svn", "**/.hg", "**/CVS", "**/.git/**", "**/.svn/**", "**/.hg/**",
    "**/CVS/**", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp",
    ".DS_Store", "**/.DS_Store/**", "._*", "**/._*/**", "*.orig", "/package-lock.json", "/yarn.lock",
    "/archived-packages/**",
];
#[rustfmt::skip]
const DEFAULTS_4: [&str; 25] = [
    ".npmignore", ".gitignore", "**/.git", "**/.svn", "**/.hg", "**/CVS", "**/.git/**", "**/.svn/**", "**/.hg/**",
    "**/CVS/**", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp",
    ".DS_Store", "**/.DS_Store/**", "._*", "**/._*/**", "*.orig", "/package-lock.json", "/yarn.lock",
    "/pnpm-lock.yaml", "/archived-packages/**",
];
#[rustfmt::skip]
const DEFAULTS_6: [&str; 22] = [
    ".npmignore", ".gitignore", "**/.git", "**/.svn", "**/.hg", "**/CVS", "**/.git/**", "**/.svn/**", "**/.hg/**",
    "**/CVS/**", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp",
    ".DS_Store", "**/.DS_Store/**", "._*", "**/._*/**", "*.orig", "/archived-packages/**",
];
