//! What the rows of the table need: the rows that this leads to, what has none, and what has one of
//! another version.

use std::collections::{HashMap, HashSet};

use jsonc_parser::ast::Object;

use super::{FOLDER, KINDS, Table};
use crate::asked::{PEERS, optional_peers};
use crate::graph::Kind;
use crate::{Fault, address, json, ranges};

/// Most steps that are taken to see whether anything holds a peer's version in its place.
const MAX_COMPARED: usize = 1_000_000;

/// What a row needs.
#[derive(Default)]
pub(super) struct Needs<'t> {
    /// Each with the name that it is asked for by.
    pub(super) production: Vec<(usize, Kind, &'t str)>,
    pub(super) development: Vec<usize>,
    /// Each row that is asked for, with the range, and whether as a peer.
    asked: Vec<(usize, &'t str, bool)>,
    /// What has no row, and whether it is a peer.
    pub(super) gaps: Vec<(String, bool)>,
    /// What is optional for a package and has no row.
    pub(super) lacking: Vec<String>,
    /// What has one of another version.
    pub(super) unmet: Vec<Unmet<'t>>,
}

/// A need that has a row of another version.
#[derive(Clone, Copy)]
pub(super) struct Unmet<'t> {
    pub(super) target: usize,
    pub(super) name: &'t str,
    pub(super) wanted: &'t str,
    pub(super) is_peer: bool,
    /// Of a peer, that nobody has to install it.
    is_optional: bool,
}

/// The lists of a row that have to be looked at together.
struct Lists<'t> {
    optional_peers: HashSet<&'t str>,
    /// What other lists than that of the peers have: there those count.
    besides: HashSet<&'t str>,
    /// What lies in the row's own tarball: npm takes it as it is.
    bundled: HashSet<&'t str>,
}

impl<'t> Lists<'t> {
    fn of(entry: &'t Object<'_>, is_package: bool) -> Self {
        let has_peers = json::object(entry, PEERS).is_some();
        let lists = KINDS.iter().map(|(list, _)| *list).filter(|list| has_peers && *list != PEERS);
        let lists = lists.filter(|list| !is_package || *list != "devDependencies");
        let bundled = json::list(entry, "bundleDependencies").iter().filter(|_| is_package);
        Self {
            optional_peers: optional_peers(entry),
            besides: lists.flat_map(|list| json::pairs(entry, list)).map(|(name, _)| name).collect(),
            bundled: bundled.filter_map(json::string).collect(),
        }
    }
}

impl<'t> Table<'t, '_> {
    /// The rows that one needs, in production and for development, each told how it was asked for.
    pub(super) fn needs(&mut self, at: usize) -> Result<Needs<'t>, Fault> {
        let mut needs = Needs::default();
        let Some((key, Some(entry))) = self.rows.get(at).map(|row| (row.key, row.entry)) else { return Ok(needs) };
        if json::flag(entry, "link") {
            let target = json::text(entry, "resolved").and_then(|target| self.by_path.get(target));
            needs.production.extend(target.map(|row| (*row, Kind::Production, "")));
            return Ok(needs);
        }
        let is_package = key.contains(FOLDER);
        let lists = Lists::of(entry, is_package);
        for (list, kind) in KINDS.into_iter().filter(|(list, _)| !is_package || *list != "devDependencies") {
            for (name, wanted) in json::pairs(entry, list) {
                let is_peer = kind == Kind::Peer;
                let counts = !is_peer || !lists.besides.contains(name);
                let Some(target) = self.found_from(key, name)? else {
                    if list == "optionalDependencies" && is_package {
                        needs.lacking.push(format!("{name}@{wanted}"));
                    } else if counts && !(is_peer && lists.optional_peers.contains(name)) {
                        needs.gaps.push((format!("{name}@{wanted}"), is_peer));
                    }
                    continue;
                };
                if list == "devDependencies" {
                    needs.development.push(target);
                } else {
                    needs.production.push((target, kind, name));
                }
                if counts {
                    needs.asked.push((target, wanted, is_peer));
                    // For folders of the project npm goes by package.json, and not by the row.
                    let accepted = json::object(entry, "acceptDependencies").filter(|_| is_package).and_then(|all| json::text(all, name));
                    let is_met = self.is_met(target, wanted) || accepted.is_some_and(|accepted| self.is_met(target, accepted));
                    if !is_met && !lists.bundled.contains(name) {
                        let is_optional = is_peer && lists.optional_peers.contains(name);
                        needs.unmet.push(Unmet { target, name, wanted, is_peer, is_optional });
                    }
                }
                if let Some(row) = self.rows.get_mut(target) {
                    row.is_asked_for(name, wanted);
                }
            }
        }
        Ok(needs)
    }

    /// The version of a row; `None` where the row says none. A link has that of its folder.
    pub(super) fn version(&self, target: usize) -> Option<&'t str> {
        json::text(self.held(target)?, "version")
    }

    /// The row whose version is held against ranges.
    fn held(&self, target: usize) -> Option<&'t Object<'t>> {
        let row = self.rows.get(target).and_then(|row| row.entry);
        let behind = row.filter(|row| json::flag(row, "link")).and_then(|row| self.entry(json::text(row, "resolved")?));
        behind.or(row)
    }

    /// Which of its needs lead to folders of the project: the name, the range, the folder, and
    /// whether it is a peer.
    pub(super) fn in_folders<'n>(&'n self, needs: &'n Needs<'t>) -> impl Iterator<Item = (&'t str, &'t str, &'t str, bool)> + 'n {
        needs.asked.iter().filter_map(|(target, wanted, is_peer)| {
            let row = self.rows.get(*target)?;
            let folder = row.entry.filter(|entry| json::flag(entry, "link")).and_then(|entry| json::text(entry, "resolved"))?;
            Some((name_of(row.key), *wanted, folder, *is_peer))
        })
    }

    /// Whether the version of a row is in a range, as npm takes it.
    fn is_met(&self, target: usize, wanted: &str) -> bool {
        self.held(target).is_none_or(|row| ranges::is_met(wanted, json::text(row, "version")))
    }

    /// Takes out the peers whose versions npm leaves in their place: what has them beside it needs
    /// a version that is not in the peer's range. npm warns of those, and installs what the
    /// lockfile has; what else needs the version gets one of its own, and holds nothing.
    pub(super) fn keep_conflicts(&self, all: &mut [Needs<'t>]) -> Result<(), Fault> {
        let peers = all.iter().flat_map(|needs| &needs.unmet).filter(|unmet| unmet.is_peer);
        let mut askers: HashMap<usize, Vec<Asker<'t>>> = peers.map(|unmet| (unmet.target, Vec::new())).collect();
        if askers.is_empty() {
            return Ok(());
        }
        for (from, needs) in all.iter().enumerate() {
            for (target, wanted, is_peer) in &needs.asked {
                if let Some(askers) = askers.get_mut(target).filter(|_| self.is_met(*target, wanted)) {
                    askers.push(Asker { from, wanted, is_peer: *is_peer });
                }
            }
        }
        let mut compared = 0;
        let mut kept = Vec::new();
        for (at, needs) in all.iter().enumerate() {
            let mut is_kept = |unmet: &Unmet<'_>| {
                let owner = if unmet.is_peer && compared <= MAX_COMPARED { self.owner(at, unmet.name, &mut compared) } else { None };
                let beside: &[(usize, &str, bool)] = owner.and_then(|owner| all.get(owner)).map_or(&[], |of| &of.asked);
                let askers = askers.get(&unmet.target).filter(|_| unmet.is_peer).map_or(&[][..], Vec::as_slice);
                askers.iter().any(|asker| {
                    compared += 1;
                    if compared > MAX_COMPARED {
                        return true;
                    }
                    let mut is_direct = || {
                        compared += beside.len();
                        asker.is_peer && beside.iter().any(|(to, ..)| *to == asker.from)
                    };
                    let holds = Some(asker.from) == owner || unmet.is_optional && self.lie_beside(at, unmet.target) || is_direct();
                    asker.from != at && holds && !ranges::intersect(asker.wanted, unmet.wanted)
                })
            };
            kept.push(needs.unmet.iter().map(&mut is_kept).collect::<Vec<bool>>());
            if compared > MAX_COMPARED {
                return Err(Fault::TooMuch);
            }
        }
        for (needs, kept) in all.iter_mut().zip(kept) {
            let mut kept = kept.into_iter();
            needs.unmet.retain(|_| !kept.next().unwrap_or(false));
        }
        Ok(())
    }

    /// The package or the folder of the project in which npm puts a peer of a row. It is none that
    /// has that peer itself: its own lies beside it.
    fn owner(&self, at: usize, name: &str, compared: &mut usize) -> Option<usize> {
        let mut folder = folder_of(self.rows.get(at)?.key);
        loop {
            let owner = *self.by_path.get(folder)?;
            let entry = self.entry(folder).filter(|_| folder.contains(FOLDER));
            let peers = entry.and_then(|entry| json::object(entry, PEERS));
            *compared += peers.map_or(0, |peers| peers.properties.len());
            if peers.is_none_or(|peers| json::member(peers, name).is_none()) {
                return Some(owner);
            }
            folder = folder_of(folder);
        }
    }

    /// Whether two rows lie in one folder.
    fn lie_beside(&self, one: usize, other: usize) -> bool {
        let folder = |at: usize| self.rows.get(at).map(|row| folder_of(row.key));
        folder(one) == folder(other)
    }
}

/// Who asks for a row, and in which range.
struct Asker<'t> {
    from: usize,
    wanted: &'t str,
    is_peer: bool,
}

/// The folder in whose `node_modules` a row lies; of a folder of the project, itself.
fn folder_of(key: &str) -> &str {
    key.rfind(FOLDER).map_or(key, |at| key.get(..at).unwrap_or("").trim_end_matches('/'))
}

/// The name by which a row is asked for; empty for a folder of the project.
pub(super) fn name_of(key: &str) -> &str {
    key.rsplit_once(FOLDER).map_or("", |(_, name)| name)
}

/// Whether the project's own settings have npm pass over peers.
pub(crate) fn ignores_peers(project: &std::path::Path) -> bool {
    crate::pnpm::in_npmrc(&project.join(".npmrc"), "legacy-peer-deps").unwrap_or(false)
}

/// The name of a package that a range asks for.
pub(super) fn real_name<'n>(name: &'n str, wanted: &'n str) -> &'n str {
    wanted.strip_prefix("npm:").map_or(name, |real| address::split_name(real).map_or(real, |(real, _)| real))
}
