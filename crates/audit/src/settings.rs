//! Settings in the audited project by which a client installs other bytes than the lockfile says,
//! or from elsewhere.
//!
//! The lockfile can be right, and the client takes packages from a cache in the project, reads
//! another lockfile, asks another registry or runs a hook. What a setting does is each client's own
//! business, and clients have hundreds of them: so those are known that cannot change what is
//! installed, and every other one is told. It makes the audit undecided, unless the user or the
//! team accepts it.

mod above;
mod known;
mod manifest;
mod named;
mod overrides;
mod pins;
mod read;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use npm_lockfile::{Format, LeftOut, Lockfile, Reason};
use npmrc::NpmConfig;
use url::Url;

use known::Kind;
use overrides::Locked;
use read::{Odd, Pairs, Tree};

/// The code of the finding, as decisions of the team name it.
pub(crate) const CODE: &str = "client-settings";

/// How many folders upwards are looked at, and how many workspaces.
const MAX_ABOVE: usize = 64;
const MAX_WORKSPACES: usize = 5000;

/// Most names of a folder that are looked at.
const MAX_NAMES: usize = 100_000;

/// Most settings that are told.
const MAX_TOLD: usize = 500;

/// What a key can do.
const CHANGES: &str = "it can change what the client installs, or from where";
const ELSEWHERE: &str = "the audit does not use it without --accept-settings";

/// A setting that can change what is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The file, from the audited folder.
    pub(crate) file: String,
    /// The key in it; `None` if it is the file as a whole.
    pub(crate) key: Option<String>,
    /// Why.
    pub(crate) why: String,
    /// What it is now: its value, and the hash of the files that this names. `None` where these are
    /// not known.
    pub(crate) pin: Option<String>,
}

impl Setting {
    /// The name by which a decision of the team names it: `.npmrc#cache`.
    pub(crate) fn name(&self) -> String {
        self.key.as_ref().map_or_else(|| self.file.clone(), |key| format!("{}#{key}", self.file))
    }
}

/// Every such setting of a project. `asks` is what the audit itself goes by: whom that asks, a file
/// may name, too.
pub(crate) fn find(folder: &Path, (file, lockfile): (&Path, &Lockfile), asks: Option<&NpmConfig>) -> Vec<Setting> {
    if matches!(lockfile.format, Format::Tree | Format::CycloneDx | Format::Spdx) {
        return Vec::new();
    }
    let mut locked = Locked::of(lockfile);
    if let Ok(Some(manifest)) = read::text(&folder.join("package.json")).and_then(|text| text.map(|text| read::json(&text)).transpose()) {
        locked.is_asked(&manifest);
    }
    let mut looking = Looking { format: lockfile.format, locked, asks, found: Vec::new() };
    let audited = folder;
    for (name, folder) in folders(folder, lockfile) {
        looking.beside(audited, &folder, &name);
        for (file, kind, formats) in known::FILES {
            // What a client keeps lies beside the lockfile and in the workspaces.
            let is_elsewhere = name.starts_with("../") && matches!(kind, Kind::Committed(_));
            if formats.contains(&lockfile.format) && !is_elsewhere {
                looking.at(&folder, (&format!("{name}{file}"), file), *kind);
            }
        }
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    for (first, then) in known::FIRST {
        if then.contains(&name.as_ref()) && folder.join(first).symlink_metadata().is_ok() {
            looking.tell(first, None, format!("a client reads it instead of {name}"));
        }
    }
    let mut pins = pins::Pins::default();
    for setting in &mut looking.found {
        setting.pin = pins.of(folder, setting);
    }
    looking.found
}

/// What is left out and lies on disk, where it leads to with the hash of the files of the project
/// that it names. yarn 2 and later makes the hash of a patch in its lockfile anew from whatever
/// that is, and so do it and pnpm with a tarball's; of a folder no lockfile has one. The project's
/// own folders need no decision.
pub(crate) fn with_files(mut all: Vec<LeftOut>, format: Format, folder: &Path) -> Vec<LeftOut> {
    let mut pins = pins::Pins::default();
    for left in all.iter_mut().filter(|left| matches!(left.reason, Reason::File | Reason::Link) && !left.is_own) {
        let Some(to) = left.leads_to.take() else { continue };
        let is_patch = format == Format::Berry && to.contains("@patch:");
        left.leads_to = match left.reason {
            // A link of bun is one of the machine, by its name.
            Reason::Link => Some(to).filter(|to| format != Format::Bun && pins::is_inside(folder, to)),
            _ if is_patch => pins.of_entry(folder, &to),
            _ => pins.of_path(folder, to),
        };
    }
    all
}

/// The audited folder, those above it as far as the repository goes, and the workspaces; each with
/// its name from the audited one.
fn folders(folder: &Path, lockfile: &Lockfile) -> Vec<(String, PathBuf)> {
    let mut all = vec![(String::new(), folder.to_owned())];
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    let is_users = |above: &Path| above.parent().is_none() || home.as_deref().is_some_and(|home| home.starts_with(above));
    let above: Vec<&Path> = whole.ancestors().skip(1).take(MAX_ABOVE).take_while(|above| !is_users(above)).collect();
    // The outermost one counts: clients know nothing of repositories, and go on.
    let root = above.iter().rposition(|above| above.join(".git").exists());
    let is_root = whole.join(".git").exists();
    let count = root.map_or(if is_root { 0 } else { above.len() }, |at| at + 1);
    all.extend(above.iter().take(count).enumerate().map(|(at, above)| ("../".repeat(at + 1), above.to_path_buf())));
    let inside =
        |name: &&str| !name.is_empty() && name.split('/').all(|part| !matches!(part, "" | "." | "..")) && !name.contains(['\\', ':']);
    let workspaces = lockfile.workspaces().filter(inside).take(MAX_WORKSPACES);
    all.extend(workspaces.map(|name| (format!("{name}/"), folder.join(name))));
    all
}

struct Looking<'a> {
    format: Format,
    locked: Locked<'a>,
    asks: Option<&'a NpmConfig>,
    found: Vec<Setting>,
}

impl Looking<'_> {
    fn tell(&mut self, file: &str, key: Option<String>, why: String) {
        match self.found.len() {
            MAX_TOLD => {
                let why = format!("there are more than {MAX_TOLD} such settings");
                self.found.push(Setting { file: ".".to_owned(), key: None, why, pin: None });
            }
            len if len < MAX_TOLD => self.found.push(Setting { file: file.to_owned(), key, why, pin: None }),
            _ => {}
        }
    }

    /// Tells of what makes a client take the lockfile of another folder.
    fn beside(&mut self, audited: &Path, folder: &Path, name: &str) {
        if let Some(up) = name.strip_suffix("../").map(|_| name.matches("../").count()) {
            let whole = std::path::absolute(audited).unwrap_or_else(|_| audited.to_owned());
            let parts: Vec<String> = whole.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            let below = parts.get(parts.len().saturating_sub(up)..).unwrap_or_default().join("/");
            if let Some((file, key, why)) = above::root(folder, &below, (audited, self.format)) {
                self.tell(&format!("{name}{file}"), key.map(str::to_owned), why.to_owned());
            }
        } else if !name.is_empty() {
            for (file, why) in above::within(folder, self.format) {
                self.tell(&format!("{name}{file}"), None, why.to_owned());
            }
        }
    }

    fn at(&mut self, folder: &Path, (name, file): (&str, &str), kind: Kind) {
        let path = folder.join(file);
        match kind {
            Kind::There(why) => {
                if path.symlink_metadata().is_ok() {
                    self.tell(name, None, why.to_owned());
                }
                return;
            }
            Kind::Committed(why) => {
                // What is no part of the commit the client itself wrote. Where nobody knows the
                // commit, it may be either.
                let is_there = path.symlink_metadata().is_ok();
                if is_there && (!has_very_name(folder, file) || git::local::has_at(folder, "HEAD", file).unwrap_or(true)) {
                    self.tell(name, None, why.to_owned());
                }
                return;
            }
            _ => {}
        }
        match read::text(&path).and_then(|text| text.map(|text| self.harmful(kind, &text)).transpose()) {
            Ok(keys) => {
                for key in keys.into_iter().flatten() {
                    let is_asked = kind == Kind::Npmrc && (key.ends_with("registry") || key.starts_with("//"));
                    let why = if is_asked { ELSEWHERE } else { CHANGES };
                    self.tell(name, Some(key), why.to_owned());
                }
            }
            Err(odd) => self.tell(name, None, format!("clients could read it differently: {odd}")),
        }
    }

    /// The keys of a file that can change what is installed.
    fn harmful(&self, kind: Kind, text: &str) -> Result<Vec<String>, Odd> {
        let (pairs, known): (Pairs, &[&str]) = match kind {
            Kind::Npmrc => (read::npmrc(text)?, known::NPMRC),
            Kind::Yarnrc => (read::yarnrc(text)?, known::YARNRC),
            Kind::YarnrcYml => (read::yaml(text)?, known::YARNRC_YML),
            Kind::PnpmWorkspace => (read::yaml(text)?, known::PNPM),
            Kind::Bunfig => (read::toml(text)?, known::BUNFIG),
            Kind::Env => (read::env(text)?, known::ENV),
            Kind::Deno => (read::json(text)?, known::DENO),
            Kind::Manifest => return Ok(manifest::harmful(&read::json(text)?, self.format, &self.locked)),
            Kind::There(_) | Kind::Committed(_) => return Ok(Vec::new()),
        };
        let is_harmless = |(key, value): &&(String, Tree)| {
            known.contains(&key.as_str())
                || known::AS_WITHOUT.contains(&(key, value.text()))
                || kind == Kind::Env && known::ENV_STARTS.iter().any(|start| key.starts_with(start))
                || matches!(kind, Kind::PnpmWorkspace | Kind::YarnrcYml) && self.locked.has(key, value)
                || self.is_asked(kind, key, value.text())
        };
        Ok(pairs.iter().filter(|pair| !is_harmless(pair)).map(|(key, _)| key.clone()).collect())
    }

    /// Whether a key names a registry that the audit itself asks, or says who one is there.
    fn is_asked(&self, kind: Kind, key: &str, value: &str) -> bool {
        let Some(asks) = self.asks else { return false };
        let is = |registry: &Url| address(value).is_some_and(|named| named == *registry);
        match (kind, key) {
            (Kind::Npmrc, _) if key.starts_with("//") => {
                let Some((at, what)) = key.rsplit_once(':') else { return false };
                let is_own =
                    |registry: &Url| registry.as_str().split_once(':').is_some_and(|(_, own)| own == at || own.trim_end_matches('/') == at);
                known::CREDENTIALS.contains(&what) && asks.registries().iter().any(is_own)
            }
            (Kind::Npmrc | Kind::Yarnrc, "registry") | (Kind::YarnrcYml, "npmRegistryServer") | (Kind::Bunfig, "install.registry") => {
                is(&asks.registry)
            }
            (Kind::Npmrc | Kind::Yarnrc, _) => key
                .strip_suffix(":registry")
                .filter(|scope| scope.starts_with('@'))
                .is_some_and(|scope| is(&asks.registry_for(&format!("{scope}/x")))),
            _ => false,
        }
    }
}

/// Whether a path has this name letter by letter: some file systems find `Node_Modules` as
/// `node_modules`, and git does not.
fn has_very_name(folder: &Path, path: &str) -> bool {
    let mut at = folder.to_owned();
    for part in path.split('/') {
        let mut names = std::fs::read_dir(&at).into_iter().flatten().take(MAX_NAMES).flatten();
        if !names.any(|entry| entry.file_name() == part) {
            return false;
        }
        at.push(part);
    }
    true
}

/// The address of a registry, where every reader takes it for the same.
fn address(text: &str) -> Option<Url> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/.-_".contains(&byte));
    let whole = if text.ends_with('/') { text.to_owned() } else { format!("{text}/") };
    Url::parse(&whole).ok().filter(|url| is_plain && url.as_str() == whole)
}
