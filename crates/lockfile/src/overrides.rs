//! npm's `overrides`: which rule holds for what a package needs.
//!
//! A rule is for a name, for some of its ranges (`a@^1`), or for what lies below another package. A
//! rule that holds for nothing says nothing of the needs of others, whatever name it has.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use jsonc_parser::ast::{Object, Value};
use npm_spec::version::{self, VersionRange};

use super::asked::{PEERS, text_of};
use super::graph::Graph;
use super::ranges;
use super::{address, json};

/// Most rules of a project, how deep they lie, and most pairs of a package with a rule that are
/// looked at.
const MAX_RULES: usize = 2_000;
const MAX_DEPTH: usize = 32;
const MAX_STATES: usize = 1_000_000;
/// Most rules that are looked at for all needs of a lockfile together: a second's work.
const MAX_LOOKS: u64 = 40_000_000;

/// The rules of a project; the first one is that of the project itself, and for no name.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    rules: Vec<Rule>,
    /// What the project itself asks for, to which `$name` leads.
    asked: BTreeMap<String, String>,
    /// How many rules were looked at.
    looks: Cell<u64>,
}

/// A rule.
#[derive(Debug)]
struct Rule {
    name: String,
    key: Key,
    /// What takes the place of a range; `*` if nothing does.
    value: String,
    above: usize,
    below: Vec<usize>,
}

/// For which ranges of its name a rule is.
#[derive(Debug)]
enum Key {
    Any,
    /// The range, and its text.
    Some(VersionRange, String),
    /// For what no range is.
    None,
}

/// By node: the rules below which a package stands, without those that have another of them below.
pub(crate) type Contexts = HashMap<usize, BTreeSet<usize>>;

/// A need: its name, the range, and the version that it leads to.
pub(crate) type Need<'n> = (&'n str, &'n str, &'n str);

impl Overrides {
    /// The rules of a project; `None` if it has none, or such as are not understood.
    pub(crate) fn of(project: &Path) -> Option<Self> {
        let text = text_of(&project.join("package.json"))?;
        let root = json::parse(&text, false).ok()?;
        let overrides = json::object(&root, "overrides")?;
        // The list that counts first stands last.
        let lists = [PEERS, "dependencies", "optionalDependencies", "devDependencies"];
        let asked = lists.into_iter().flat_map(|list| json::pairs(&root, list));
        let asked = asked.map(|(name, range)| (name.to_owned(), range.to_owned())).collect();
        let own = Rule { name: String::new(), key: Key::None, value: "*".to_owned(), above: 0, below: Vec::new() };
        let mut all = Self { rules: vec![own], asked, looks: Cell::default() };
        all.read(overrides, 0, 0)?;
        Some(all)
    }

    /// Reads the rules of an object below the rule `above`.
    fn read(&mut self, of: &Object<'_>, above: usize, depth: usize) -> Option<()> {
        for property in of.properties.iter().filter(|property| property.name.as_str() != ".") {
            if self.rules.len() >= MAX_RULES || depth >= MAX_DEPTH {
                return None;
            }
            let key = property.name.as_str();
            let (name, range) = address::split_name(key).unwrap_or((key, "*"));
            let value = match &property.value {
                Value::StringLit(text) => Some(text.value.as_ref()),
                Value::Object(own) => json::text(own, "."),
                _ => return None,
            };
            // An empty text stands for any version.
            let value = match value {
                Some("") => "*",
                Some(value) => value,
                None => range,
            };
            let key = match range {
                "" | "*" => Key::Any,
                range => VersionRange::parse(range).map_or(Key::None, |read| Key::Some(read, range.to_owned())),
            };
            let at = self.rules.len();
            self.rules.push(Rule { name: name.to_owned(), key, value: value.to_owned(), above, below: Vec::new() });
            self.rules.get_mut(above)?.below.push(at);
            if let Value::Object(own) = &property.value {
                self.read(own, at, depth + 1)?;
            }
        }
        Some(())
    }

    /// The rules that are in effect below one: its own, and those of the rules above it. None any
    /// more once too many were looked at.
    fn in_effect(&self, at: usize) -> impl Iterator<Item = (usize, &Rule)> {
        let below =
            std::iter::once(at).chain(self.above(at)).flat_map(|at| self.rules.get(at).map_or(&[][..], |rule| rule.below.as_slice()));
        below.filter_map(|at| Some((*at, self.rules.get(*at)?))).take_while(|_| {
            self.looks.set(self.looks.get() + 1);
            !self.is_too_much()
        })
    }

    fn is_too_much(&self) -> bool {
        self.looks.get() > MAX_LOOKS
    }

    /// The rule below which a package stands that one below the rule `at` asks for.
    fn below(&self, at: usize, name: &str, locked: &str) -> usize {
        let locked = version::parse(locked);
        let has = |range: &VersionRange| locked.as_ref().is_some_and(|locked| range.contains(locked));
        let is_for = |rule: &Rule| match &rule.key {
            Key::Any => true,
            Key::Some(range, _) => has(range) || VersionRange::parse(&rule.value).is_some_and(|value| has(&value)),
            Key::None => false,
        };
        let found = self.in_effect(at).find(|(_, rule)| rule.name == name && is_for(rule));
        found.map_or(at, |(found, _)| found)
    }

    /// For each package of a lockfile, the rules below which it stands; `None` if nobody can tell.
    /// `rows` are the names by which the nodes are asked for, and their versions.
    pub(crate) fn contexts(&self, rows: &HashMap<usize, (String, String)>, graph: &Graph) -> Option<Contexts> {
        let mut all = Contexts::new();
        if self.rules.iter().skip(1).all(|rule| rule.below.is_empty()) {
            return Some(all);
        }
        let mut open = Vec::new();
        let mut development: HashMap<usize, &[usize]> = HashMap::new();
        for importer in &graph.importers {
            development.insert(importer.node, &importer.development);
            let name = importer.name.as_deref().filter(|_| !importer.folder.is_empty());
            let version = rows.get(&importer.node).map_or("", |(_, version)| version);
            open.push((importer.node, name.map_or(0, |name| self.below(0, name, version))));
        }
        let mut seen = HashSet::new();
        while let Some((node, at)) = open.pop() {
            if !seen.insert((node, at)) {
                continue;
            }
            if seen.len() > MAX_STATES || self.is_too_much() {
                return None;
            }
            all.entry(node).or_default().insert(at);
            let own = graph.edges.get(node).into_iter().flatten().map(|(to, _)| *to);
            for to in own.chain(development.get(&node).copied().unwrap_or_default().iter().copied()) {
                // The folder behind a link has no name of its own there.
                let below = rows.get(&to).filter(|(name, _)| !name.is_empty());
                open.push((to, below.map_or(at, |(name, version)| self.below(at, name, version))));
            }
        }
        for own in all.values_mut() {
            let above: BTreeSet<usize> = own.iter().flat_map(|one| self.above(*one)).collect();
            own.retain(|one| !above.contains(one));
        }
        (!self.is_too_much()).then_some(all)
    }

    /// The rules above one.
    fn above(&self, at: usize) -> impl Iterator<Item = usize> {
        let next = move |at: &usize| (*at > 0).then(|| self.rules.get(*at).map_or(0, |rule| rule.above));
        std::iter::successors(next(&at), next)
    }

    /// Whether the version of a need is the one that a rule asks for in its place: by all of the
    /// nearest rules below which the package stands.
    pub(crate) fn meet(&self, contexts: &Contexts, by: Option<usize>, need: Need<'_>) -> bool {
        let of_project = BTreeSet::from([0]);
        by.and_then(|by| contexts.get(&by)).unwrap_or(&of_project).iter().all(|at| self.meets(*at, need))
    }

    fn meets(&self, at: usize, (name, wanted, locked): Need<'_>) -> bool {
        let range = VersionRange::parse(ranges::bare(wanted));
        let is_for = |rule: &Rule| match &rule.key {
            Key::Any => true,
            // Of a tag or an address no versions are compared.
            Key::Some(_, key) => range.is_none() || ranges::intersect(wanted, key),
            Key::None => false,
        };
        let Some((_, rule)) = self.in_effect(at).find(|(_, rule)| rule.name == name && is_for(rule)) else { return false };
        let value = match rule.value.strip_prefix('$') {
            Some(other) => self.asked.get(other).map(String::as_str),
            None => Some(rule.value.as_str()),
        };
        value.is_some_and(|value| value.trim() != "*" && ranges::is_met(value, Some(locked)))
    }
}
