//! Folders by which a client takes another lockfile than the one beside package.json: a workspace's
//! root above, and the workspaces below.

use std::path::Path;

use npm_lockfile::{Format, Patterns};

use super::read::{self, Pairs, Tree};

const ROOT: &str = "the audited folder is a workspace of it, and the client takes the lockfile there";
const NEXT: &str = "the audited folder has none, so the client takes this folder and its lockfile";
const BELOW: &str = "a client in that workspace can read it instead of the audited lockfile";

/// The lockfiles of a client.
fn lockfiles(format: Format) -> &'static [&'static str] {
    match format {
        Format::Npm => &["npm-shrinkwrap.json", "package-lock.json"],
        Format::Yarn | Format::Berry => &["yarn.lock"],
        Format::Pnpm => &["pnpm-lock.yaml"],
        Format::Bun => &["bun.lock", "bun.lockb"],
        Format::Deno => &["deno.lock"],
        _ => &[],
    }
}

/// What of the folder `above` makes a client in the audited one take the lockfile there: the file,
/// its key and why. `below` is the audited folder, from there.
pub(super) fn root(
    above: &Path,
    below: &str,
    (audited, format): (&Path, Format),
) -> Option<(&'static str, Option<&'static str>, &'static str)> {
    let is_there = |folder: &Path, file: &str| folder.join(file).symlink_metadata().is_ok();
    // A client looks for the next folder up that has one of these, where the audited one has none.
    let projects: &[&'static str] = match format {
        Format::Npm | Format::Yarn | Format::Pnpm | Format::Bun => &["package.json"],
        Format::Deno => &["deno.json", "deno.jsonc", "package.json"],
        // yarn 2 and later refuses to install there.
        _ => &[],
    };
    let is_file = |file: &&&str| audited.join(file).symlink_metadata().is_ok_and(|found| !found.is_dir());
    if !projects.iter().any(|file| is_file(&file))
        && let Some(file) = projects.iter().find(|file| is_there(above, file))
    {
        return Some((file, None, NEXT));
    }
    match format {
        // pnpm takes the nearest one, whatever folders it names.
        Format::Pnpm => {
            let is_root = !is_there(audited, "pnpm-workspace.yaml") && is_there(above, "pnpm-workspace.yaml");
            is_root.then_some(("pnpm-workspace.yaml", None, ROOT))
        }
        Format::Npm | Format::Yarn | Format::Bun | Format::Deno => {
            let files: &[(&str, &str)] = match format {
                Format::Deno => &[("deno.json", "workspace"), ("deno.jsonc", "workspace"), ("package.json", "workspaces")],
                _ => &[("package.json", "workspaces")],
            };
            let file = files.iter().find(|(file, key)| has(&above.join(file), key, (below, format)))?;
            Some((file.0, Some(file.1), ROOT))
        }
        // yarn 2 and later takes the nearest lockfile, which is the audited one.
        _ => None,
    }
}

/// Whether a file names a folder among its workspaces. One that is not read is told for that.
fn has(file: &Path, key: &str, (folder, format): (&str, Format)) -> bool {
    let Ok(Some(pairs)) = read::text(file).and_then(|text| text.map(|text| read::json(&text)).transpose()) else { return false };
    let listed = |pairs: &Pairs, key: &str| pairs.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone());
    let patterns = match listed(&pairs, key) {
        Some(Tree::Map(of)) => listed(&of, "packages").or_else(|| listed(&of, "members")),
        other => other,
    };
    let Some(Tree::List(patterns)) = patterns else { return false };
    let patterns = Patterns::of(patterns.iter().map(Tree::text), format);
    patterns.is_none_or(|patterns| patterns.has(folder))
}

/// The lockfiles in the folder of a workspace.
pub(super) fn within(workspace: &Path, format: Format) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_there = |file: &&&str| workspace.join(file).symlink_metadata().is_ok();
    lockfiles(format).iter().filter(is_there).map(|file| (*file, BELOW)).collect::<Vec<_>>().into_iter()
}
