//! The real tarballs: fetched with `npm pack` from the configured registry, and kept in the folder
//! that `REPRODUCE_REAL_TARBALLS` names, else in one below the target directory.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Small ones, of all eras and clients: npm 1 to 11, yarn 1 and berry, pnpm, lerna, the two writers
/// of `@types`, and others.
const SPECS: &[&str] = &[
    "@babel/helper-plugin-utils@7.0.0",
    "@babel/helper-plugin-utils@7.24.0",
    "@elysiajs/cors@1.3.0",
    "@lerna/collect-uncommitted@4.0.0",
    "@pnpm/types@8.0.0",
    "@types/ms@0.7.29",
    "@types/ms@0.7.34",
    "@vitest/pretty-format@2.1.0",
    "async@0.9.0",
    "bun@1.4.5",
    "chalk@1.1.3",
    "chalk@5.3.0",
    "commander@12.0.0",
    "create-react-class@15.6.0",
    "debug@2.6.9",
    "debug@4.3.4",
    "esbuild@0.20.0",
    "inherits@1.0.0",
    "is-odd@3.0.1",
    "isarray@0.0.1",
    "jest@29.7.0",
    "left-pad@1.3.0",
    "minimist@1.2.8",
    "mkdirp@0.3.5",
    "ms@2.1.3",
    "nanoid@5.0.0",
    "rc@1.2.8",
    "storybook@8.0.0",
    "tslib@2.6.2",
    "uuid@3.0.0",
    "wrappy@1.0.2",
    "yocto-queue@1.0.0",
];

/// Spec and bytes of each.
pub(crate) fn fetch() -> Vec<(&'static str, Vec<u8>)> {
    let folder = folder();
    let missing: Vec<&str> = SPECS.iter().copied().filter(|spec| !folder.join(file_name(spec)).exists()).collect();
    for specs in missing.chunks(8) {
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let status = Command::new(npm).args(["pack", "--silent", "--ignore-scripts"]).args(specs).current_dir(&folder).status();
        assert!(status.expect("this test needs npm on PATH").success(), "npm pack {specs:?}");
    }
    SPECS.iter().map(|spec| (*spec, std::fs::read(folder.join(file_name(spec))).unwrap())).collect()
}

fn folder() -> PathBuf {
    let folder = std::env::var_os("REPRODUCE_REAL_TARBALLS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-tarballs"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// npm's file name for a spec: `@a/b@1.0.0` is `a-b-1.0.0.tgz`.
fn file_name(spec: &str) -> String {
    let (name, version) = spec.rsplit_once('@').unwrap();
    format!("{}-{version}.tgz", name.trim_start_matches('@').replace('/', "-"))
}
