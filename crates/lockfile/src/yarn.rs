//! yarn.lock of yarn 1: patterns at the start of a line, their members below it.
//!
//! yarn's own reader takes much that yarn never writes: colons behind names, several names before
//! one value, escapes. Here only what yarn writes is read: a file that needs more than that is read
//! otherwise by each who reads it.

use std::collections::{BTreeSet, HashMap};

use npm_spec::version;

use super::collect::Collected;
use super::folders::{self, OwnFolder, Told};
use super::unmet::Unmet;
use super::{Fault, Needed, Place, Position, Reason, address};

/// Members that have a value, and those that have members of their own.
const VALUES: [&str; 6] = ["name", "version", "uid", "resolved", "registry", "integrity"];
const TABLES: [&str; 4] = ["dependencies", "optionalDependencies", "permissions", "prebuiltVariants"];

/// The registries of yarn 1: two names of one, the second of which it writes down.
const REGISTRIES: [&str; 2] = ["npm", "yarn"];

/// An entry, as far as it is read.
struct Entry<'a> {
    line: u64,
    patterns: Vec<&'a str>,
    members: Vec<(&'a str, &'a str)>,
    /// What it needs, by the name and the pattern.
    needs: Vec<(&'a str, String)>,
}

/// What is read so far.
#[derive(Default)]
struct All<'a> {
    by_pattern: HashMap<&'a str, Vec<usize>>,
    needs: Vec<Need<'a>>,
}

/// A need: the entry that has it with its place, the name that it asks for, and the pattern.
type Need<'a> = (Option<usize>, (&'a str, Position), &'a str, String);

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    let mut open: Option<Entry<'_>> = None;
    let mut all = All::default();
    let (mut in_table, mut is_closed, mut is_head) = (false, true, true);
    for (line, number) in text.lines().zip(1_u64..) {
        let bare = line.trim_matches(' ');
        if line.is_empty() {
            is_closed = true;
            continue;
        }
        if is_head && line.starts_with('#') {
            continue;
        }
        let malformed = || Fault::Malformed(format!("line {number}"));
        let is_within = line.starts_with(' ');
        // Blanks at the end, and lines of them, are indentation for yarn: it ends an entry where
        // nobody sees it.
        if line.ends_with(' ') || bare.contains(|c: char| c.is_control()) || bare.starts_with('#') || is_within && is_closed {
            return Err(malformed());
        }
        (is_head, is_closed) = (false, false);
        let depth = line.len() - line.trim_start_matches(' ').len();
        match (depth, &mut open) {
            (0, _) => {
                let patterns = patterns(bare.strip_suffix(':').ok_or_else(malformed)?).ok_or_else(malformed)?;
                if let Some(entry) = open.replace(Entry { line: number, patterns, members: Vec::new(), needs: Vec::new() }) {
                    add(entry, &mut all, found)?;
                }
                in_table = false;
            }
            (2, Some(entry)) => {
                let (name, value) = match bare.strip_suffix(':') {
                    Some(table) if TABLES.contains(&table) => (table, ""),
                    _ => member(bare).filter(|(name, _)| VALUES.contains(name)).ok_or_else(malformed)?,
                };
                if entry.members.iter().any(|(known, _)| *known == name) {
                    return Err(malformed());
                }
                entry.members.push((name, value));
                in_table = TABLES.contains(&name);
            }
            (4, Some(entry)) if in_table => {
                let (name, wanted) = member(bare).ok_or_else(malformed)?;
                if entry.members.last().is_some_and(|(table, _)| table.ends_with("ependencies")) {
                    entry.needs.push((name, format!("{name}@{wanted}")));
                }
            }
            _ => return Err(malformed()),
        }
    }
    if let Some(entry) = open {
        add(entry, &mut all, found)?;
    }
    for (from, (key, position), name, pattern) in with_needers(&all, found) {
        let Some(targets) = all.by_pattern.get(pattern.as_str()) else {
            found.gap(key, pattern, *position);
            continue;
        };
        for (from, to) in from.iter().flat_map(|from| targets.iter().map(move |to| (*from, *to))) {
            found.asks(from, to, name);
        }
    }
    Ok(())
}

/// All needs; it is kept who asks for what has a version that is not in its range.
fn with_needers<'n, 'a>(all: &'n All<'a>, found: &mut Collected) -> &'n [Need<'a>] {
    let unmet = found.said.unmet.patterns();
    for (_, (key, _), _, pattern) in all.needs.iter().filter(|(.., pattern)| unmet.contains(pattern)) {
        let by = address::split_name(key).map_or(*key, |(name, _)| name).to_owned();
        found.said.unmet.needers.entry(pattern.clone()).or_default().insert(by);
    }
    &all.needs
}

/// A name and its value, each in quotes or of letters that need none.
fn member(line: &str) -> Option<(&str, &str)> {
    let (name, behind) = word(line)?;
    let (value, end) = word(behind.strip_prefix(' ')?)?;
    end.is_empty().then_some((name, value))
}

/// The word at the start of a text, without its quotes, and what stands behind it.
fn word(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').filter(|(word, _)| !word.contains('\\'));
    }
    let end = text.find([' ', ':', ',', '"', '\\', '[', ']', '{', '}', '#']).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(word, _)| !word.is_empty())
}

/// The patterns of a line, without quotes. A comma within quotes belongs to its pattern.
fn patterns(line: &str) -> Option<Vec<&str>> {
    let mut all = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (pattern, behind) = word(rest)?;
        all.push(pattern);
        rest = match behind.strip_prefix(", ") {
            Some(next) if !next.is_empty() => next,
            None if behind.is_empty() => "",
            _ => return None,
        };
    }
    (!all.is_empty()).then_some(all)
}

fn add<'a>(mut entry: Entry<'a>, all: &mut All<'a>, found: &mut Collected) -> Result<(), Fault> {
    let position = Position { line: entry.line, column: 1 };
    let key = entry.patterns.join(", ");
    let (mut names, mut elsewhere) = (BTreeSet::new(), BTreeSet::new());
    for pattern in &entry.patterns {
        let Some((name, wanted)) = address::split_name(pattern) else {
            elsewhere.insert(Reason::Unreadable);
            continue;
        };
        match (wanted.strip_prefix("npm:"), address::kind(wanted)) {
            (Some(real), _) => names.insert(address::split_name(real).map_or(real, |(name, _)| name)),
            (None, Some(reason)) => elsewhere.insert(reason),
            (None, None) => names.insert(name),
        };
    }
    // The line holds for all of its patterns: where they are not of one package, it is not known to
    // be any of them.
    let mut nodes = Vec::with_capacity(names.len());
    let is_named = entry.get("name").is_none_or(|own| {
        names.contains(own) || entry.patterns.iter().any(|pattern| address::split_name(pattern).is_some_and(|(name, _)| name == own))
    });
    let is_whole = is_named
        && entry.get("resolved").is_some()
        && entry.get("prebuiltVariants").is_none()
        && entry.get("registry").is_none_or(|registry| REGISTRIES.contains(&registry));
    // Without an address yarn asks for what is newest.
    if !names.is_empty() && !is_whole {
        names.clear();
        elsewhere.insert(Reason::Unreadable);
    }
    for name in names {
        nodes.push(found.package(name, entry.get("version").unwrap_or_default(), place(&entry, position, &key))?);
    }
    let locked = entry.get("version").unwrap_or_default();
    for pattern in entry.patterns.iter().filter(|pattern| !is_met(pattern, locked)) {
        // yarn drops such a line, and asks the registry for what is newest.
        let (name, wanted) = address::split_name(pattern).unwrap_or((pattern, ""));
        let (name, wanted, locked) = (name.to_owned(), wanted.to_owned(), locked.to_owned());
        found.said.unmet.add(Unmet { by: None, key: key.clone(), name, wanted, locked, is_peer: false })?;
    }
    found.said.patterns.extend(entry.patterns.iter().map(|pattern| (*pattern).to_owned()));
    for pattern in &entry.patterns {
        all.by_pattern.entry(pattern).or_default().extend(&nodes);
    }
    let (own, first) = (nodes.first().copied(), entry.patterns.first().copied().unwrap_or_default());
    let needs = std::mem::take(&mut entry.needs);
    all.needs.extend(needs.iter().map(|(name, pattern)| (own, (first, position), *name, pattern.clone())));
    if let Some((reason, folder)) = own_folder(&entry, &needs).filter(|_| nodes.is_empty()) {
        return found.own_folder(&key, position, reason, folder).map(|_| ());
    }
    for reason in elsewhere {
        let node = found.left_out(&key, position, reason)?;
        found.leads_to(node, &[entry.get("resolved"), entry.get("version"), entry.get("integrity")]);
    }
    Ok(())
}

/// The folder of the project that all patterns of a line are for.
fn own_folder(entry: &Entry<'_>, needs: &[(&str, String)]) -> Option<(Reason, OwnFolder)> {
    let of = |pattern: &&str| {
        let (_, wanted) = address::split_name(pattern)?;
        let file = wanted.strip_prefix("file:").map(|path| (Reason::File, path));
        let (reason, path) = file.or_else(|| wanted.strip_prefix("link:").map(|path| (Reason::Link, path)))?;
        Some((reason, folders::own(path)?))
    };
    let first = of(entry.patterns.first()?)?;
    let is_one = entry.patterns.iter().all(|pattern| of(pattern).as_ref() == Some(&first)) && entry.get("resolved").is_none();
    let (reason, path) = first;
    let told = |(name, pattern): &(&str, String)| {
        let range = address::split_name(pattern).map_or("", |(_, range)| range);
        ((*name).to_owned(), Needed::Range(range.to_owned()))
    };
    // A link has nothing of its folder's needs, and yarn installs them all the same.
    let told = if reason == Reason::File { Told::Entry(needs.iter().map(told).collect()) } else { Told::Lines };
    is_one.then(|| (reason, OwnFolder::of(path, told)))
}

/// Whether the version of a line is in the range of a pattern, where that is a range. What is one
/// in npm's loose reading alone yarn takes for a word, and keeps the line.
fn is_met(pattern: &str, locked: &str) -> bool {
    let range = address::split_name(pattern).map(|(_, range)| range).filter(|range| is_strict(range));
    range.and_then(version::VersionRange::parse).zip(version::parse(locked)).is_none_or(|(range, locked)| range.contains(&locked))
}

/// Whether each word of a range is a version, or the beginning of one, by the letter of the
/// grammar.
fn is_strict(range: &str) -> bool {
    let is_number =
        |part: &str| part == "0" || !part.starts_with('0') && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_part = |part: &str| matches!(part, "x" | "X" | "*") || is_number(part);
    let is_word = |part: &str| {
        let is_plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_plain && (is_number(part) || !part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    range.split("||").flat_map(str::split_whitespace).all(|word| {
        let operand = word.trim_start_matches(['^', '~', '<', '>', '=']).trim_start_matches('v');
        let (plain, build) = operand.split_once('+').map_or((operand, None), |(plain, build)| (plain, Some(build)));
        let (core, pre) = plain.split_once('-').map_or((plain, None), |(core, pre)| (core, Some(pre)));
        let is_core = core.split('.').count() <= 3 && core.split('.').all(is_part);
        let is_rest = |rest: Option<&str>| rest.is_none_or(|rest| rest.split('.').all(is_word));
        operand.is_empty() || word == "-" || is_core && is_rest(pre) && build.is_none_or(|build| !build.is_empty())
    })
}

impl<'a> Entry<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.members.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

fn place(entry: &Entry<'_>, position: Position, key: &str) -> Place {
    // The hash behind the address is that of clients from before integrities.
    let (resolved, sha1) = entry.get("resolved").map_or((None, None), |address| match address.split_once('#') {
        Some((address, hash)) => (Some(address), Some(hash)),
        None => (Some(address), None),
    });
    // What is no hash there is one that nobody knows.
    let old = || sha1.map(|digits| address::from_hex("sha1", digits).unwrap_or_else(|| digits.to_owned())).into_iter().collect();
    // A line can have hundreds of patterns; the first ones tell which it is.
    let key: String = key.chars().take(super::MAX_KEY / 4).collect();
    Place { integrity: entry.get("integrity").map_or_else(old, address::hashes), ..Place::at(position, &key).with_address(resolved) }
}
