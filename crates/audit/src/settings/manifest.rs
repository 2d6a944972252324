//! What package.json tells the client. Its keys are without number; those that clients read are
//! known.

use npm_lockfile::Format::{self, Berry, Bun, Deno, Npm, Pnpm, Yarn};

use super::known;
use super::overrides::{Locked, is_range};
use super::read::{Pairs, Tree};

/// What clients take from package.json, each with those that read it, by the formats of their
/// lockfiles. What deno reads of the others is not known.
const OF_CLIENTS: &[(&str, &[Format])] = &[
    ("bun", &[Bun, Deno]),
    ("catalog", &[Bun, Deno]),
    ("catalogs", &[Bun, Deno]),
    ("devEngines", &[Npm, Yarn, Berry, Pnpm, Bun, Deno]),
    ("flat", &[Yarn, Deno]),
    ("overrides", &[Npm, Bun, Deno]),
    ("packageManager", &[Npm, Yarn, Berry, Pnpm, Bun, Deno]),
    ("patchedDependencies", &[Pnpm, Bun, Deno]),
    ("pnpm", &[Pnpm, Deno]),
    ("resolutions", &[Yarn, Berry, Pnpm, Bun, Deno]),
    ("yarn", &[Yarn, Berry, Deno]),
];

/// The keys by which a client can install other bytes.
pub(super) fn harmful(pairs: &Pairs, format: Format, locked: &Locked<'_>) -> Vec<String> {
    let mut all = Vec::new();
    // bun reads its catalogs there, too.
    let workspaces = pairs.iter().filter(|(key, _)| key == "workspaces").filter_map(|(_, value)| match value {
        Tree::Map(own) => Some(own),
        _ => None,
    });
    let catalogs = workspaces.flatten().filter(|(key, value)| key.starts_with("catalog") && !locked.has(key, value));
    all.extend(catalogs.map(|(key, _)| format!("workspaces.{key}")));
    let is_read = |key: &str| OF_CLIENTS.iter().any(|(name, formats)| *name == key && formats.contains(&format));
    for (key, value) in pairs.iter().filter(|(key, _)| is_read(key)) {
        match (key.as_str(), value) {
            ("pnpm", Tree::Map(own)) => {
                let is_harmful = |(key, value): &&(String, Tree)| !known::PNPM.contains(&key.as_str()) && !locked.has(key, value);
                all.extend(own.iter().filter(is_harmful).map(|(key, _)| format!("pnpm.{key}")));
            }
            // yarn 1 looks a resolution up as it does what is asked for.
            ("resolutions", value) if format == Yarn => all.extend((!locked.has_lines(value)).then(|| key.clone())),
            ("packageManager", Tree::Text(text)) if is_manager(text, format) => {}
            ("devEngines", Tree::Map(own)) if own.iter().all(|(key, value)| key != "packageManager" || is_engine(value, format)) => {}
            (_, value) if locked.has(key, value) => {}
            _ => all.push(key.clone()),
        }
    }
    all
}

/// Whether `name@1.2.3` is a release of the client that the lockfile is of.
fn is_manager(text: &str, format: Format) -> bool {
    let Some((name, version)) = text.split_once('@') else { return false };
    let major = version.split('.').next().unwrap_or_default();
    let is_clients = match format {
        Format::Npm => name == "npm",
        Format::Yarn => name == "yarn" && major == "1",
        Format::Berry => name == "yarn" && major != "1",
        Format::Pnpm => name == "pnpm",
        Format::Bun => name == "bun",
        Format::Deno => name == "deno",
        _ => false,
    };
    is_clients
        && version.starts_with(|c: char| c.is_ascii_digit())
        && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte))
}

fn is_engine(value: &Tree, format: Format) -> bool {
    let Tree::Map(own) = value else { return false };
    let of = |wanted: &str| own.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.text());
    let name = match format {
        Format::Npm => "npm",
        Format::Yarn | Format::Berry => "yarn",
        Format::Pnpm => "pnpm",
        Format::Bun => "bun",
        _ => "deno",
    };
    of("name") == Some(name) && of("version").is_none_or(is_range)
}
