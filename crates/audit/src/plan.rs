//! What is audited: the lockfile of a folder, and which of its packages.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use npm_lockfile::{Entry, Format, Gap, LeftOut, Lockfile, MAX_FILE, Omit, Place, Reason};
use npmrc::NpmConfig;
use report::answer::Answer;
use report::json::PackageInfo;
use verdict::{Finding, Severity};

use super::settings::{self, Setting};
use super::since::Since;
use super::stated;
use super::{AuditError, Change, Exceptions, Learned, Look, Row};

/// Largest package.json that is looked into for its `packageManager`.
const MAX_MANIFEST: u64 = 4 << 20;

/// Most differences between package.json and the lockfile that are told.
const MAX_STALE: usize = 20;

/// How many folders upwards a client's settings are looked for.
const MAX_ABOVE: usize = 64;

/// The lockfiles of a folder with the manager that keeps them, in the order in which they count.
/// npm goes by npm-shrinkwrap.json where both are there.
const NAMES: &[(&str, &str)] = &[
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("npm-shrinkwrap.json", "npm"),
    ("package-lock.json", "npm"),
    ("deno.lock", "deno"),
];

/// The folder of packages.
const TREE: &str = "node_modules";

/// bun's lockfile up to bun 1.1.
const BINARY: &str = "bun.lockb";

/// What the user asks for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Read what lies in `node_modules` in place of a lockfile.
    pub tree: bool,
    /// Kinds of packages that are left out.
    pub omit: Omit,
    /// Only what these workspaces need; empty for all.
    pub workspaces: Vec<String>,
    /// Kinds of what is left out that are accepted.
    pub accepted: Vec<Reason>,
    /// Only what was added or changed since this commit.
    pub since: Option<String>,
    /// The user's own configuration of npm, by which packages are asked for; `None` for none.
    pub config: Option<NpmConfig>,
    /// Settings of the project that can change what is installed are accepted.
    pub accepts_settings: bool,
}

/// What is audited.
#[derive(Debug)]
pub struct Plan {
    /// The lockfile, as it was named or found.
    pub file: PathBuf,
    /// The folder that it lies in.
    pub folder: PathBuf,
    /// The name of its format.
    pub format: &'static str,
    /// The packages.
    pub packages: Vec<Entry>,
    /// How many packages were omitted as the user asked.
    pub omitted: usize,
    /// What is left out because it is no package of a registry.
    pub left_out: Vec<LeftOut>,
    /// What is to be told about the file.
    pub findings: Vec<Finding>,
    /// The decisions of the folder.
    pub exceptions: Exceptions,
    /// All of the lockfile, and no part of it.
    pub is_whole: bool,
    /// Kinds of what is left out that are accepted.
    pub accepted: Vec<Reason>,
    /// The client's own file of settings, where it says whom to ask and this program does not read
    /// it.
    pub(crate) registry_elsewhere: Option<String>,
    /// Settings of the project that can change what is installed, and whether all are accepted.
    pub(crate) settings: Vec<Setting>,
    pub(crate) accepts_settings: bool,
    /// What tarballs told, by package.
    learned: HashMap<String, Learned>,
    is_tree: bool,
    /// The lockfile as it was, where only what changed is asked for.
    since: Option<Since>,
    /// The peers of which the project itself says what its client writes down.
    peer_rules: Vec<String>,
    /// Those that are not audited.
    besides: HashMap<String, Besides>,
}

/// Why a package of the lockfile is not audited.
#[derive(Debug)]
enum Besides {
    /// Its kind or its workspace is not asked for.
    Omitted,
    /// The lockfile says of it what it said before; with the hashes that it has for it.
    Unchanged(Vec<String>),
}

impl Plan {
    /// Reads the lockfile `at`, or the one of the folder `at`.
    pub fn of(at: &Path, asked: &Asked) -> Result<Self, AuditError> {
        let unreadable = |error| AuditError::Unreadable { path: at.to_owned(), error };
        let is_folder = fs::metadata(at).map_err(unreadable)?.is_dir();
        let mut findings = Vec::new();
        let file = match is_folder {
            true if asked.tree => tree_of(at)?,
            true => in_folder(at, &mut findings)?,
            false => at.to_owned(),
        };
        let lockfile = if asked.tree {
            Lockfile::of_tree(&file)?
        } else {
            let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
            let bytes = store::at_hand::read(&file, limit).map_err(|error| AuditError::Unreadable { path: file.clone(), error })?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            Lockfile::read(&name, &bytes)?
        };
        if asked.omit.dev && !lockfile.tells_dev() {
            let message = "the lockfile does not mark development dependencies, so none were omitted";
            findings.push(Finding::new("lockfile-kinds-unknown", Severity::Warning, message));
        }
        let folder = if is_folder && file != at { at } else { file.parent().unwrap_or(Path::new("")) };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.to_owned();
        findings.extend(lockfile.gaps_in(&folder).into_iter().map(|gap| gap_found(&file, gap)));
        findings.extend(lockfile.lacking().map(lacking_found));
        if !asked.tree {
            let told = lockfile.differences(&folder);
            findings.extend(told.into_iter().take(MAX_STALE).map(|told| Finding::new("lockfile-stale", Severity::Error, told)));
        }
        let (mut packages, omitted) = chosen(&lockfile, asked)?;
        let since = asked.since.as_deref().map(|revision| Since::of(&folder, (&file, &lockfile), revision, asked)).transpose()?;
        let all: BTreeSet<String> = lockfile.entries.iter().map(Entry::spec).collect();
        let besides = besides(&all, &mut packages, since.as_ref());
        let mut exceptions = Exceptions::of(&folder)?;
        if let Some(revision) = &asked.since {
            exceptions.since(&folder, revision)?;
        }
        let (format, is_whole) = (lockfile.format.as_str(), omitted == 0 && asked.omit == Omit::default() && since.is_none());
        let (registry_elsewhere, peer_rules) = (registry_elsewhere(&folder, lockfile.format), lockfile.peer_rules(&folder));
        let settings = settings::find(&folder, (&file, &lockfile), asked.config.as_ref());
        Ok(Self {
            left_out: settings::with_files(lockfile.left_out, lockfile.format, &folder),
            file,
            folder,
            format,
            packages,
            omitted,
            findings,
            exceptions,
            is_whole,
            accepted: asked.accepted.clone(),
            registry_elsewhere,
            settings,
            accepts_settings: asked.accepts_settings,
            learned: HashMap::new(),
            is_tree: asked.tree,
            since,
            peer_rules,
            besides,
        })
    }

    /// What is to be looked up in tarballs, before the packages are judged.
    pub fn looks(&self) -> Vec<Look> {
        let mut all: BTreeMap<String, Look> = BTreeMap::new();
        for left in &self.left_out {
            if let Some(bundled) = &left.bundled {
                all.entry(bundled.by.clone()).or_default().bundled.push((left.key.clone(), bundled.clone()));
            }
        }
        for entry in self.packages.iter().filter(|_| self.is_tree) {
            let folders = &mut all.entry(entry.spec()).or_default().folders;
            folders.extend(entry.places.iter().map(|place| (place.key.clone(), self.file.join(&place.key))));
        }
        for entry in &self.packages {
            for (by, alias) in entry.places.iter().flat_map(|place| &place.aliases) {
                all.entry(by.clone()).or_default().aliases.push((alias.clone(), entry.name.as_str().to_owned()));
            }
        }
        for entry in self.packages.iter().filter(|entry| entry.places.iter().any(stated::is_to_look_up)) {
            all.entry(entry.spec()).or_default();
        }
        let mut known: BTreeSet<String> = self.packages.iter().map(Entry::spec).collect();
        let is_new = |left: &&LeftOut| self.since.as_ref().is_some_and(|since| !since.has_bundled(left));
        let new_in = self.left_out.iter().filter(is_new).filter_map(|left| left.bundled.as_ref());
        known.extend(
            new_in.filter(|bundled| matches!(self.besides.get(&bundled.by), Some(Besides::Unchanged(_)))).map(|bundled| bundled.by.clone()),
        );
        for entry in self.packages.iter().filter(|_| self.since.is_some()) {
            all.entry(entry.spec()).or_default();
            if let Some(before) = self.before(entry) {
                all.entry(before.clone()).or_default().is_before = true;
                known.insert(before);
            }
        }
        all.into_iter()
            .filter(|(spec, look)| known.contains(spec) || !look.aliases.is_empty())
            .map(|(spec, look)| Look { spec, ..look })
            .collect()
    }

    /// The version that a package had before, as `name@version`.
    fn before(&self, entry: &Entry) -> Option<String> {
        let from = self.since.as_ref()?.from(entry)?;
        Some(format!("{}@{from}", entry.name))
    }

    /// What changed with a package, where that is asked for.
    pub(crate) fn change(&self, entry: &Entry, answer: &Answer) -> Option<Change> {
        let from = self.since.as_ref()?.from(entry);
        let old = self.before(entry).and_then(|before| self.learned.get(&before));
        Some(Change::of(from, (old, self.learned.get(&entry.spec())), answer))
    }

    /// Keeps what a tarball told.
    pub fn learn(&mut self, learned: Learned) {
        self.learned.insert(learned.spec.clone(), learned);
    }

    /// Whether what is left out lies in the tarball of this row, which was judged, or of a package
    /// that is not asked for.
    pub(crate) fn is_bundled(&self, left: &LeftOut, row: Option<&Row>) -> bool {
        let Some(bundled) = &left.bundled else { return false };
        let is_there = |told: &Learned| told.bundled.contains(&left.key);
        let learned = self.learned.get(&bundled.by);
        match (row, self.besides.get(&bundled.by)) {
            (Some(row), _) => row.judged.is_some() && learned.is_some_and(|told| is_there(told) && told.is_of(row.judged.as_deref())),
            (None, None) => false,
            (None, Some(Besides::Omitted)) => true,
            // As the package was looked at before, so was what lies in it.
            (None, Some(Besides::Unchanged(hashes))) => {
                let is_locked = |told: &Learned| hashes.iter().all(|hash| told.is_of(Some(hash)));
                self.since.as_ref().is_some_and(|since| since.has_bundled(left))
                    || learned.is_some_and(|told| is_there(told) && is_locked(told))
            }
        }
    }

    /// Whether a package really asks for another one under this name.
    pub(crate) fn asks(&self, (by, alias): &(String, String), real: &str) -> bool {
        self.learned.get(by).is_some_and(|told| told.aliases.contains(&(alias.clone(), real.to_owned())))
    }

    /// What a place says otherwise of the package itself than the registry, with the exit code that
    /// it makes.
    pub(crate) fn misstated(&self, spec: &str, place: &Place) -> Option<(Finding, u8)> {
        let stated = place.stated.as_ref()?;
        let learned = self.learned.get(spec);
        let code = "lockfile-other-manifest";
        let Some(real) = learned.and_then(|learned| learned.real.as_ref()) else {
            // Who asks nobody knows that nothing is looked up.
            let is_asked = learned.is_none_or(|learned| learned.is_asked);
            let reason = learned.and_then(|learned| learned.failed.as_deref()).unwrap_or("it was not looked up");
            let message = format!("what the lockfile says of {spec} itself was not compared: {reason}");
            return is_asked.then(|| (Finding::new(code, Severity::Error, message), 2));
        };
        let told = real.differences(stated, &self.peer_rules);
        let message = || format!("the lockfile says of {spec} what the registry does not: {}", told.join(", "));
        (!told.is_empty()).then(|| (Finding::new(code, Severity::Error, message()), 2))
    }

    /// What lies in `node_modules` otherwise than in the tarball that was judged, each with the
    /// exit code that it makes.
    pub(crate) fn in_tree(&self, entry: &Entry, package: &PackageInfo) -> Vec<(Finding, u8)> {
        if !self.is_tree {
            return Vec::new();
        }
        let spec = entry.spec();
        let learned = self.learned.get(&spec);
        let unknown = learned.map_or_else(|| Some("its tarball was not looked at".to_owned()), |learned| learned.reason(package));
        if let Some(reason) = unknown {
            return vec![(Finding::new("tree-unchecked", Severity::Error, format!("the files of {spec} were not compared: {reason}")), 2)];
        }
        let differing = learned.into_iter().flat_map(|learned| &learned.differences).filter(|(_, found)| !found.is_empty());
        let told = differing.map(|(key, found)| {
            let mut finding = Finding::new("tree-differs", Severity::Error, format!("{spec}: {}", found.join(", ")));
            finding.path = Some(key.clone());
            (finding, 1)
        });
        told.collect()
    }
}

/// Takes out of the packages what did not change, and gives all that are not asked for.
fn besides(all: &BTreeSet<String>, packages: &mut Vec<Entry>, since: Option<&Since>) -> HashMap<String, Besides> {
    let asked: BTreeSet<String> = packages.iter().map(Entry::spec).collect();
    let mut besides: HashMap<_, _> = all.difference(&asked).map(|spec| (spec.clone(), Besides::Omitted)).collect();
    if let Some(since) = since {
        packages.retain(|entry| {
            let is_unchanged = since.has(entry);
            if is_unchanged {
                let hashes = entry.places.iter().map(|place| place.integrity.join(" ")).filter(|hashes| !hashes.is_empty());
                besides.insert(entry.spec(), Besides::Unchanged(hashes.collect()));
            }
            !is_unchanged
        });
    }
    besides
}

/// The file of a client's own settings, where it names registries: this program goes by npm's.
fn registry_elsewhere(folder: &Path, format: Format) -> Option<String> {
    let (names, words): (&[&str], &[&str]) = match format {
        Format::Yarn => (&[".yarnrc"], &["registry", "integrity"]),
        // It reads no .npmrc, and a file of variables for itself.
        Format::Berry => (&[".yarnrc.yml", ".env.yarn", ".npmrc"], &["registr", "npmscopes", "environmentfiles"]),
        Format::Pnpm => (&["pnpm-workspace.yaml"], &["registr"]),
        Format::Bun => (&["bunfig.toml", ".bunfig.toml"], &["registry", "scopes"]),
        _ => return None,
    };
    // Clients look upwards, too.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let files = folder.ancestors().take(MAX_ABOVE).flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let names_one = |file: &PathBuf| match store::at_hand::read(file, MAX_MANIFEST) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
            if file.ends_with(".npmrc") { text.lines().any(is_registry) } else { is_named(&text, words) }
        }
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    files.into_iter().find(names_one).map(|file| file.display().to_string())
}

/// Whether one of the words is in a text. With an escape a word can be written so that it is not
/// found.
fn is_named(text: &str, words: &[&str]) -> bool {
    text.contains('\\') || words.iter().any(|word| text.contains(word))
}

/// Whether a line of an `.npmrc` says which registry is asked; credentials for one do not.
fn is_registry(line: &str) -> bool {
    let key = line.split('=').next().unwrap_or(line).trim_matches([' ', '\t', '"', '\'']);
    key.contains("registry") && !key.starts_with("//")
}

/// What is told of a need that has no entry.
fn gap_found(file: &Path, gap: &Gap) -> Finding {
    let message = format!("{} needs {}, and the lockfile has no entry for that: a client fills it up by itself", gap.by, gap.wanted);
    let mut finding = Finding::new("lockfile-stale", Severity::Error, message);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    finding.path = Some(format!("{name}:{}:{}", gap.position.line, gap.position.column));
    finding
}

/// npm up to 10 never comes back to what is optional for a package, and often writes no row of
/// another system's: no error.
fn lacking_found((count, first): (usize, &str)) -> Finding {
    let more = if count > 1 { format!(", and {} more like it", count - 1) } else { String::new() };
    let message = format!(
        "{first} (optional){more}, and the lockfile has no entry for that: npm 11 and later fills it up by itself, npm ci and earlier ones do not"
    );
    Finding::new("lockfile-stale", Severity::Warning, message)
}

/// The packages that are asked for, and how many are not.
pub(crate) fn chosen(lockfile: &Lockfile, asked: &Asked) -> Result<(Vec<Entry>, usize), AuditError> {
    let mut needed: BTreeSet<String> = BTreeSet::new();
    for workspace in &asked.workspaces {
        needed.extend(lockfile.of_workspace(workspace)?.into_iter().map(Entry::spec));
    }
    let mut packages = Vec::new();
    for entry in lockfile.installed_without(asked.omit) {
        if asked.workspaces.is_empty() || needed.contains(&entry.spec()) {
            packages.push(entry);
        }
    }
    let omitted = lockfile.entries.len() - packages.len();
    Ok((packages, omitted))
}

/// The folder of packages that is meant by a folder: itself, or the one in it.
fn tree_of(at: &Path) -> Result<PathBuf, AuditError> {
    let folder = if at.ends_with(TREE) { at.to_owned() } else { at.join(TREE) };
    match fs::metadata(&folder) {
        Ok(about) if about.is_dir() => Ok(folder),
        Ok(_) => Err(AuditError::Unreadable { path: folder, error: std::io::ErrorKind::NotADirectory.into() }),
        Err(error) => Err(AuditError::Unreadable { path: folder, error }),
    }
}

/// The lockfile that a folder's package manager uses: the one that package.json names, else the
/// first that is there.
fn in_folder(folder: &Path, findings: &mut Vec<Finding>) -> Result<PathBuf, AuditError> {
    let there: Vec<_> = NAMES.iter().filter(|(name, _)| folder.join(name).is_file()).collect();
    let manager = manager(folder);
    let named = there.iter().find(|(_, own)| manager.as_deref() == Some(*own)).or_else(|| there.first());
    let Some((name, own)) = named else {
        let binary = folder.join(BINARY);
        return Err(if binary.is_file() { AuditError::Binary(binary) } else { AuditError::Missing(folder.to_owned()) });
    };
    let binary = folder.join(BINARY).is_file().then_some(BINARY);
    let others: Vec<&str> = there.iter().filter(|(_, other)| other != own).map(|(name, _)| *name).chain(binary).collect();
    // Whose counts, the one who installs decides: no client is kept from reading its own file.
    if !others.is_empty() {
        let others = others.join(", ");
        let message = if manager.as_deref() == Some(*own) {
            format!("{name} was read, as package.json names {own}; another client reads {others}")
        } else {
            format!("{name} was read; {others} is there too, and package.json does not say whose counts")
        };
        findings.push(Finding::new("lockfile-one-of-several", Severity::Error, message));
    }
    Ok(file_in(folder, name))
}

/// The path of a file in a folder; what lies here is named without one.
pub(crate) fn file_in(folder: &Path, name: &str) -> PathBuf {
    if folder == Path::new(".") { PathBuf::from(name) } else { folder.join(name) }
}

/// The package manager that package.json names: `pnpm` of `"packageManager": "pnpm@9.0.0"`.
fn manager(folder: &Path) -> Option<String> {
    let bytes = store::at_hand::read(&folder.join("package.json"), MAX_MANIFEST).ok()?;
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    Some(manifest.get("packageManager")?.as_str()?.split('@').next()?.to_owned())
}
