//! The scripts that pnpm writes into `.bin` in place of links.

use std::path::{Path, PathBuf};

/// Largest script that is read, in bytes; the paths in it can be long.
const MAX_SHIM: u64 = 64 << 10;

/// The file that a script in `.bin` runs, if it is to the letter what pnpm writes for that: with
/// folders of the project's own packages alone for Node to look in.
pub(super) fn target(shim: &Path, project: &Path) -> Option<PathBuf> {
    let text = String::from_utf8(store::at_hand::read(shim, MAX_SHIM).ok()?).ok()?;
    let file = text.split_once("exec node  \"$basedir/")?.1.split_once("\" \"$@\"")?.0;
    let folders = text.split_once("  export NODE_PATH=\"").map(|(_, rest)| rest.split_once("\"\n").map_or("", |(folders, _)| folders));
    let has_only_own = folders.is_none_or(|folders| folders.split(':').all(|folder| is_own(folder, project)));
    let is_it = is_plain(file) && has_only_own && CASES.iter().any(|case| text == script(case, file, folders));
    is_it.then(|| shim.parent().map(|bin| bin.join(file))).flatten()
}

/// Whether a folder is one of packages in the project.
fn is_own(folder: &str, project: &Path) -> bool {
    let below = Path::new(folder).strip_prefix(project.join("node_modules")).ok();
    is_plain(folder) && below.is_some() && folder.ends_with("/node_modules") && !folder.split('/').any(|part| matches!(part, "." | ".."))
}

/// Whether a path has nothing that a shell reads otherwise.
fn is_plain(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@=,~ ".contains(&byte))
}

/// What pnpm up to 9 and later ones do on Windows.
const CASES: [&str; 2] = [
    "    *CYGWIN*) basedir=`cygpath -w \"$basedir\"`;;",
    "    *CYGWIN*|*MINGW*|*MSYS*)\n        if command -v cygpath > /dev/null 2>&1; then\n            basedir=`cygpath -w \"$basedir\"`\n        fi\n    ;;",
];

/// What pnpm writes for a file.
fn script(case: &str, file: &str, folders: Option<&str>) -> String {
    let path = folders.map_or_else(String::new, |folders| {
        format!("if [ -z \"$NODE_PATH\" ]; then\n  export NODE_PATH=\"{folders}\"\nelse\n  export NODE_PATH=\"{folders}:$NODE_PATH\"\nfi\n")
    });
    format!(
        r#"#!/bin/sh
basedir=$(dirname "$(echo "$0" | sed -e 's,\\,/,g')")

case `uname` in
{case}
esac

{path}if [ -x "$basedir/node" ]; then
  exec "$basedir/node"  "$basedir/{file}" "$@"
else
  exec node  "$basedir/{file}" "$@"
fi
"#
    )
}
