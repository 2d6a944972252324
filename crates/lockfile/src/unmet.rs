//! What is asked for in a range in which the version that it leads to is not: a client asks the
//! registry for one anew, unless the project itself says that the version takes its place.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::asked::{self, MAX_SHOWN, Siblings, text_of};
use super::graph::Graph;
use super::overrides::{Contexts, Overrides};
use super::{Fault, Format, Gap, Lockfile, address, bun, json, npm, ranges};

/// Most needs without their version that a file may have.
const MAX_UNMET: usize = 10_000;

/// Most needs that lead to folders of the project.
const MAX_IN_FOLDERS: usize = 100_000;

/// A need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unmet {
    /// The node that has it, where that is known.
    pub(crate) by: Option<usize>,
    /// Its key; empty for the project.
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) wanted: String,
    /// The version that the file has for it.
    pub(crate) locked: String,
    pub(crate) is_peer: bool,
}

/// All of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct All {
    needs: Vec<Unmet>,
    /// What leads to a folder of the project, with that: its version is the one of package.json,
    /// and not what the file says.
    in_folders: Vec<(Unmet, String)>,
    /// Of npm: by node the name by which it is asked for, and its version.
    pub(crate) rows: HashMap<usize, (String, String)>,
}

impl All {
    pub(crate) fn add(&mut self, need: Unmet) -> Result<(), Fault> {
        if self.needs.len() >= MAX_UNMET {
            return Err(Fault::TooMuch);
        }
        self.needs.push(need);
        Ok(())
    }

    /// Keeps a need that leads to a folder of the project.
    pub(crate) fn add_folder(&mut self, need: Unmet, folder: &str) -> Result<(), Fault> {
        if self.in_folders.len() >= MAX_IN_FOLDERS {
            return Err(Fault::TooMuch);
        }
        self.in_folders.push((need, folder.to_owned()));
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.needs.is_empty() && self.in_folders.is_empty()
    }

    /// The needs that lead to a folder whose version is not in their range.
    fn of_folders(&self, format: Format, project: &Path) -> Vec<Unmet> {
        let mut versions = HashMap::new();
        let mut told = Vec::new();
        for (need, folder) in self.in_folders.iter().filter(|(_, folder)| address::is_inside(folder)) {
            let version = versions.entry(folder.as_str()).or_insert_with(|| version_in(project, folder));
            let is_met = match format {
                Format::Berry => version.as_deref().is_some_and(|version| ranges::is_of_sibling(&need.wanted, version)),
                _ => ranges::is_met(&need.wanted, version.as_deref()),
            };
            if !is_met {
                let locked = version.clone().unwrap_or_else(|| format!("the folder {folder}"));
                told.push(Unmet { locked, ..need.clone() });
            }
        }
        told
    }

    /// What a client of this format finds anew in this project, in words; one for each name.
    pub(crate) fn told(&self, graph: &Graph, format: Format, project: &Path) -> Vec<String> {
        let in_folders = self.of_folders(format, project);
        if self.needs.is_empty() && in_folders.is_empty() {
            return Vec::new();
        }
        let excuses = Excuses::of(self, graph, format, project);
        let mut told = BTreeMap::new();
        for need in self.needs.iter().chain(&in_folders).filter(|need| !excuses.are_for(need)) {
            told.entry(need.name.as_str()).or_insert_with(|| need.told());
        }
        told.into_values().collect()
    }
}

impl Unmet {
    fn told(&self) -> String {
        let short = |text: &str| text.chars().take(MAX_SHOWN).collect::<String>();
        let by = if self.key.is_empty() { "package.json" } else { &self.key };
        let (by, name, wanted, locked) = (short(by), short(&self.name), short(&self.wanted), short(&self.locked));
        verdict::without_secrets(&format!("{by} needs {name}@{wanted}, and the lockfile has {locked}: a client asks for another one anew"))
    }
}

/// What a project says by which a version takes the place of what is asked for.
#[derive(Default)]
struct Excuses {
    overrides: Option<(Overrides, Contexts)>,
    /// Of yarn 1 and bun: by name what takes the place of all its ranges.
    resolutions: HashMap<String, Vec<String>>,
    ignores_peers: bool,
}

impl Excuses {
    fn of(all: &All, graph: &Graph, format: Format, project: &Path) -> Self {
        match format {
            Format::Npm => {
                let overrides = Overrides::of(project);
                let overrides = overrides.and_then(|own| own.contexts(&all.rows, graph).map(|contexts| (own, contexts)));
                Self { overrides, ignores_peers: npm::ignores_peers(project), ..Self::default() }
            }
            Format::Yarn => Self { resolutions: resolutions(project), ..Self::default() },
            Format::Bun => Self { resolutions: bun::overrides(project), ..Self::default() },
            _ => Self::default(),
        }
    }

    fn are_for(&self, need: &Unmet) -> bool {
        let Unmet { name, wanted, locked, .. } = need;
        self.ignores_peers && need.is_peer
            || self.overrides.as_ref().is_some_and(|(own, contexts)| own.meet(contexts, need.by, (name, wanted, locked)))
            || self.resolutions.get(name).is_some_and(|all| all.iter().all(|range| ranges::is_met(range, Some(locked))))
    }
}

/// The version of a folder of the project.
fn version_in(project: &Path, folder: &str) -> Option<String> {
    let text = text_of(&project.join(folder).join("package.json"))?;
    json::text(&json::parse(&text, false).ok()?, "version").map(str::to_owned)
}

/// The resolutions of yarn 1 that are for a name wherever it is asked for. One that is for some
/// packages alone may be for none.
fn resolutions(project: &Path) -> HashMap<String, Vec<String>> {
    let text = text_of(&project.join("package.json")).unwrap_or_default();
    let mut all = HashMap::<_, Vec<_>>::new();
    let Ok(root) = json::parse(&text, false) else { return all };
    for (key, range) in json::pairs(&root, "resolutions") {
        let name = key.strip_prefix("**/").unwrap_or(key);
        let is_name = name.split('/').count() == 1 + usize::from(name.starts_with('@'));
        if is_name && !name.contains('*') && address::split_name(name).is_none() {
            all.entry(name.to_owned()).or_default().push(range.to_owned());
        }
    }
    all
}

impl Lockfile {
    /// The gaps that a client fills up by itself, in a project with these settings. Where a package
    /// needs what a workspace is, yarn 1 takes that, and has no line for it.
    pub fn gaps_in(&self, project: &Path) -> Vec<&Gap> {
        let is_left = |gap: &&Gap| !gap.is_peer || self.format != Format::Npm || !npm::ignores_peers(project);
        let open: Vec<&Gap> = self.gaps.iter().filter(is_left).collect();
        if self.format != Format::Yarn || open.is_empty() {
            return open;
        }
        let members = asked::workspaces(project, Format::Yarn, false).unwrap_or_default();
        let siblings = asked::siblings(project, &members);
        open.into_iter().filter(|gap| !gap.is_met(&siblings)).collect()
    }

    /// Whether the file of yarn 1 has a line for a name and a range.
    pub fn has_line(&self, name: &str, range: &str) -> bool {
        self.said.patterns.contains(&format!("{name}@{range}"))
    }

    /// Which packages have optional needs without an entry: how many, and the first one in words.
    /// Some versions of clients never come back to those.
    pub fn lacking(&self) -> Option<(usize, &str)> {
        self.said.lacking.first.as_deref().map(|first| (self.said.lacking.count, first))
    }
}

impl Gap {
    /// Whether a workspace is what is wanted. A text that was cut says only a part of the range.
    fn is_met(&self, siblings: &Siblings) -> bool {
        let is_whole = self.wanted.chars().count() < super::MAX_KEY;
        let asked = address::split_name(&self.wanted).filter(|_| is_whole);
        asked.is_some_and(|(name, range)| siblings.get(name).is_some_and(|version| asked::is_sibling(version, range)))
    }
}
