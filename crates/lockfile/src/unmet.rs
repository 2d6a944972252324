//! What is asked for in a range in which the version that it leads to is not: a client asks the
//! registry for one anew, unless the project itself says that the version takes its place.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
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
    /// Of yarn 1: by pattern the packages that ask for one whose version is not in its range.
    pub(crate) needers: HashMap<String, BTreeSet<String>>,
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

    /// Of yarn 1: the patterns whose version is not in their range.
    pub(crate) fn patterns(&self) -> HashSet<String> {
        self.needs.iter().map(|need| format!("{}@{}", need.name, need.wanted)).collect()
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
        let of_one = |need: &Unmet| excuses.are_for_all_of(need, self.needers.get(&format!("{}@{}", need.name, need.wanted)));
        for need in self.needs.iter().chain(&in_folders).filter(|need| !excuses.are_for(need) && !of_one(need)) {
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
    resolutions: Resolutions<String>,
    /// Of yarn 1: by name and the package that asks for it what takes the place of the range.
    of_package: Resolutions<(String, String)>,
    /// Of yarn 1: the patterns that the project itself asks for.
    own: HashSet<String>,
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
            Format::Yarn => {
                let (resolutions, of_package) = resolutions(project);
                let own = if of_package.is_empty() { HashSet::new() } else { own_patterns(project) };
                Self { resolutions, of_package, own, ..Self::default() }
            }
            Format::Bun => Self { resolutions: bun::overrides(project), ..Self::default() },
            _ => Self::default(),
        }
    }

    /// Whether a resolution of yarn 1 has the version of a need for each package that asks for it.
    /// What the project itself asks for it is not for.
    fn are_for_all_of(&self, need: &Unmet, by: Option<&BTreeSet<String>>) -> bool {
        let is_for = |by: &String| {
            let all = self.of_package.get(&(need.name.clone(), by.clone()));
            all.is_some_and(|all| all.iter().any(|range| ranges::is_met(range, Some(&need.locked))))
        };
        let is_own = || self.own.contains(&format!("{}@{}", need.name, need.wanted));
        by.is_some_and(|by| !by.is_empty() && by.iter().all(is_for)) && !is_own()
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

/// What takes the place of ranges, by what it is for.
type Resolutions<K> = HashMap<K, Vec<String>>;

/// The resolutions of yarn 1: those for a name wherever it is asked for, and those for the needs of
/// one package. One that is for other paths may be for none.
fn resolutions(project: &Path) -> (Resolutions<String>, Resolutions<(String, String)>) {
    let text = text_of(&project.join("package.json")).unwrap_or_default();
    let (mut all, mut of_package) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
    let Ok(root) = json::parse(&text, false) else { return (all, of_package) };
    let own: HashSet<&str> = LISTS.into_iter().flat_map(|list| json::pairs(&root, list)).map(|(name, _)| name).collect();
    for (key, range) in json::pairs(&root, "resolutions") {
        let plain = key.strip_prefix("**/").unwrap_or(key);
        let mut names: Vec<String> = Vec::new();
        for part in plain.split('/') {
            match names.last_mut().filter(|last| last.starts_with('@') && !last.contains('/')) {
                Some(scope) => *scope = format!("{scope}/{part}"),
                None => names.push(part.to_owned()),
            }
        }
        if plain.contains('*') || names.iter().any(|name| address::split_name(name).is_some()) {
            continue;
        }
        match names.as_slice() {
            [name] => all.entry(name.clone()).or_default().push(range.to_owned()),
            // A path without stars is one from the project.
            [by, name] if plain.len() < key.len() || own.contains(by.as_str()) => {
                of_package.entry((name.clone(), by.clone())).or_default().push(range.to_owned());
            }
            _ => {}
        }
    }
    (all, of_package)
}

/// The lists of a project in which yarn 1 installs what they ask for.
const LISTS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// The patterns that the project and its workspaces ask for.
fn own_patterns(project: &Path) -> HashSet<String> {
    let members = asked::workspaces(project, Format::Yarn, false).unwrap_or_default();
    let texts = members.iter().map(String::as_str).chain([""]).filter_map(|folder| text_of(&project.join(folder).join("package.json")));
    let mut all = HashSet::new();
    for text in texts {
        let Ok(of) = json::parse(&text, false) else { continue };
        all.extend(LISTS.into_iter().flat_map(|list| json::pairs(&of, list)).map(|(name, range)| format!("{name}@{range}")));
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
