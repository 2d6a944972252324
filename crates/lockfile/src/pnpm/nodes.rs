//! The packages and folders of one document, and what each of them needs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::keys::{address_of, base, is_of_commit, version};
use super::overrides::{Changes, Overrides};
use super::{Document, Importer, Package, Resolution, Scalar, Snapshot, Wanted};
use crate::collect::Collected;
use crate::folders::{self, OwnFolder, Told, joined};
use crate::graph::Kind;
use crate::links::Link;
use crate::unmet::Unmet;
use crate::yaml::Pairs;
use crate::{Fault, Needed, Place, Position, Reason, Stated, Usage, address, ranges};

/// The nodes of one document.
#[derive(Default)]
pub(super) struct One {
    by_key: HashMap<String, usize>,
    /// The keys that are looked up, with their peers.
    keys: HashSet<String>,
    /// The folders of the project with their peers, by their nodes.
    folders: HashMap<usize, (String, BTreeMap<String, String>)>,
    /// The peers of packages, by their nodes: the range, and whether they are said to be optional.
    peers: HashMap<usize, BTreeMap<String, (String, bool)>>,
    /// What the project's settings change of needs, and whether they may change anything.
    overrides: Arc<Overrides>,
    is_open: bool,
    importers: HashMap<String, usize>,
}

impl One {
    /// Collects them.
    pub(super) fn read(mut self, mut document: Document, found: &mut Collected) -> Result<(), Fault> {
        let of_tools = document.is_of_tools();
        let mut importers = std::mem::take(&mut document.importers.0);
        if importers.is_empty() {
            let alone = document.alone();
            importers.push((".".to_owned(), Position { line: 1, column: 1 }, alone));
        }
        if !of_tools {
            found.said.overrides = Some(document.overrides.0.into_iter().map(|(key, _, range)| (key, range)).collect());
            let catalogs = document.catalogs.0.into_iter().flat_map(|(catalog, _, lines)| {
                lines.0.into_iter().map(move |(name, _, line)| (format!("{catalog}/{name}"), line.specifier))
            });
            found.said.catalogs = Some(catalogs.collect());
        }
        for (folder, position, _) in &importers {
            // The project's own document tells its importers.
            if !of_tools {
                let reason = if folder == "." { Reason::Project } else { Reason::Workspace };
                let node = found.folder(folder, *position, (reason, folder))?;
                self.importers.insert(folder.clone(), node);
            }
        }
        for (key, position, package) in &document.packages.0 {
            self.add(key, *position, Some(package), found)?;
        }
        for (key, position, _) in &document.snapshots.0 {
            if !self.by_key.contains_key(base(key)) {
                self.add(key, *position, None, found)?;
            }
        }
        let has_snapshots = self.look_up(document.lockfile_version.as_ref(), (&document.packages, &document.snapshots), found)?;
        for (key, _, package) in &document.packages.0 {
            if !has_snapshots {
                self.states(key, [&package.dependencies, &package.optional_dependencies], found)?;
            }
            self.needs_of(key, (&package.dependencies, Kind::Production), found)?;
            self.needs_of(key, (&package.optional_dependencies, Kind::Optional), found)?;
        }
        for (key, _, snapshot) in &document.snapshots.0 {
            self.states(base(key), [&snapshot.dependencies, &snapshot.optional_dependencies], found)?;
            self.needs_of(base(key), (&snapshot.dependencies, Kind::Production), found)?;
            self.needs_of(base(key), (&snapshot.optional_dependencies, Kind::Optional), found)?;
            if let Some(node) = self.by_key.get(base(key)) {
                // Optional is what is so with all of its peers.
                found.set_usage(*node, |usage| usage.optional = Some(snapshot.optional && usage.optional != Some(false)));
            }
        }
        for (folder, position, importer) in &importers {
            let Some(node) = self.importers.get(folder).copied() else { continue };
            self.importer(node, (folder, *position), importer, found)?;
        }
        if of_tools {
            self.by_key.values().for_each(|node| found.set_usage(*node, |usage| usage.tool = true));
        } else {
            found.dev_by_graph();
        }
        Ok(())
    }

    /// Keeps the keys that are looked up, and which needs the project's settings change; gives
    /// whether the former are those of snapshots.
    fn look_up(
        &mut self,
        version: Option<&Scalar>,
        (packages, snapshots): (&Pairs<Package>, &Pairs<Snapshot>),
        found: &Collected,
    ) -> Result<bool, Fault> {
        // Up to version 6 the packages themselves are what is looked up.
        let has_snapshots = version.is_some_and(|version| version.0.starts_with('9'));
        self.keys = if has_snapshots {
            snapshots.0.iter().map(|(key, ..)| key.clone()).collect()
        } else {
            packages.0.iter().map(|(key, ..)| key.clone()).collect()
        };
        let head = found.said.of_pnpm.as_ref();
        self.is_open = head.is_none_or(|head| head.has_hook || head.has_extensions);
        self.overrides = Arc::new(Overrides::of(found.said.overrides.as_ref(), head)?);
        Ok(has_snapshots)
    }

    /// What the project or a workspace needs; links that lead out of both are told.
    fn importer(&self, node: usize, (folder, position): (&str, Position), of: &Importer, found: &mut Collected) -> Result<(), Fault> {
        let folder = if folder == "." { "" } else { folder };
        let mut development = Vec::new();
        let beside = of.beside();
        let lists = [(&of.dependencies, Kind::Production), (&of.optional_dependencies, Kind::Optional)];
        let lists = lists.into_iter().map(|(list, kind)| (list, Some(kind))).chain([(&of.dev_dependencies, None)]);
        for ((name, place, wanted), kind) in lists.flat_map(|(list, kind)| list.0.iter().map(move |one| (one, kind))) {
            let targets = self.targets(name, &wanted.0, folder);
            if targets.is_empty() && !wanted.0.starts_with("link:") {
                found.gap(folder, &format!("{name}@{}", wanted.0), *place);
            }
            found.count(targets.len())?;
            if let Some(path) = wanted.0.strip_prefix("link:").filter(|_| targets.is_empty()) {
                let target = joined(folder, path).unwrap_or_else(|| "..".to_owned());
                found.folder(&format!("{name}@{}", wanted.0), (*place).max(position), (Reason::Link, &target))?;
            }
            let range = wanted.1.as_deref().or_else(|| beside.get(name.as_str()).copied());
            if let Some(target) = wanted.0.strip_prefix("link:").and_then(|path| joined(folder, path)) {
                let is_asked = |path: &str| joined(folder, path).is_some_and(|asked| asked == target);
                let asked = range.and_then(|range| range.strip_prefix("link:").or_else(|| range.strip_prefix("file:")));
                if !asked.is_some_and(is_asked) {
                    Link::to(real_name(name, range.unwrap_or_default()), &target).keep(&mut found.said.links)?;
                }
            }
            let real = range.filter(|range| address::kind(range).is_none()).map(|range| real_name(name, range));
            for to in targets {
                self.unmet((folder, name, range.unwrap_or_default()), to, found)?;
                if let Some(real) = real {
                    found.is_asked_for(to, real);
                }
                match kind {
                    Some(kind) => found.needs(node, to, kind)?,
                    None => development.push(to),
                }
            }
        }
        found.said.by_folder.insert(folder.to_owned(), of.asked());
        found.said.metas.push((folder.to_owned(), of.meta()));
        found.importer(node, None, folder, development);
        Ok(())
    }

    fn add(&mut self, key: &str, position: Position, package: Option<&Package>, found: &mut Collected) -> Result<(), Fault> {
        let nothing = Resolution::default();
        let resolution = package.map_or(&nothing, |package| &package.resolution);
        let named = version(key);
        let is_named = |(name, version): &(String, String)| {
            package.is_none_or(|of| {
                of.id.is_none() && of.name.as_ref().is_none_or(|own| own == name) && of.version.as_ref().is_none_or(|own| own == version)
            })
        };
        let is_odd = resolution.url.is_some() || resolution.path.is_some();
        let by_key = address_of(key)
            .and_then(address::kind)
            .or_else(|| address::kind(base(key).trim_start_matches('/')).filter(|reason| *reason != Reason::Git));
        let reason = match resolution.kind.as_deref() {
            Some("git") => Some(Reason::Git),
            Some("directory") => Some(Reason::File),
            _ if resolution.repo.is_some() => Some(Reason::Git),
            _ if resolution.directory.is_some() => Some(Reason::File),
            Some("variations" | "binary") => Some(Reason::OtherRegistry),
            Some("tarball") | None if resolution.git_hosted => Some(Reason::Git),
            Some(kind) if kind != "tarball" => Some(Reason::Unreadable),
            _ if is_odd => Some(Reason::Unreadable),
            _ => by_key
                .or_else(|| named.is_none().then(|| resolution.tarball.as_deref().and_then(address::kind).unwrap_or(Reason::Unreadable))),
        };
        // The host of repositories makes a tarball of a commit.
        let reason = if reason == Some(Reason::Tarball) && is_of_commit(resolution) { Some(Reason::Git) } else { reason };
        let first = (!key.starts_with('/') && !base(key).contains('@')).then(|| key.split('/').next()).flatten();
        // A registry that no address can have is none that can be asked.
        let host_in_key = first.map(|first| address::host(&format!("https://{first}/")));
        let reason = reason.or((host_in_key == Some(None)).then_some(Reason::Unreadable));
        let reason = reason.or_else(|| named.as_ref().is_some_and(|named| !is_named(named)).then_some(Reason::Unreadable));
        // What a registry is called here only the configuration knows.
        let of_registry = resolution.registry.as_ref().map(|registry| address::host(registry).unwrap_or_else(|| registry.clone()));
        let node = match (reason, &named) {
            (None, Some((name, version))) => {
                let at = Place::at(position, key).with_address(resolution.tarball.as_deref());
                let place = Place {
                    integrity: resolution.integrity.as_deref().map(address::hashes).unwrap_or_default(),
                    host: at.host.clone().or(host_in_key.flatten()).or(of_registry),
                    usage: Usage {
                        dev: package.and_then(|package| package.dev),
                        optional: package.and_then(|package| package.optional),
                        ..Usage::default()
                    },
                    ..at
                };
                found.package(name, version, place)?
            }
            (Some(Reason::File), _) if own_folder(resolution).is_some() => {
                let path = own_folder(resolution).unwrap_or_default();
                found.folder(key, position, (Reason::File, &path))?
            }
            (reason, _) => found.left_out(key, position, reason.unwrap_or(Reason::Unreadable))?,
        };
        if let Some(path) = own_folder(resolution).filter(|_| reason == Some(Reason::File)) {
            let peers = package.into_iter().flat_map(|package| &package.peer_dependencies.0);
            self.folders.insert(node, (path, peers.map(|(name, _, range)| (name.clone(), range.clone())).collect()));
        }
        self.peers.extend(package.filter(|_| reason.is_none()).map(|package| (node, peers_of(package))));
        let Resolution { tarball, repo, commit, directory, integrity, .. } = resolution;
        found.leads_to(node, &[tarball, repo, commit, directory, integrity].map(Option::as_deref));
        self.by_key.insert(if package.is_some() { key } else { base(key) }.to_owned(), node);
        Ok(())
    }

    /// Keeps what a row says that its package needs: pnpm asks the registry for that where anything
    /// of its settings has changed.
    fn states(&self, key: &str, lists: [&Pairs<Wanted>; 2], found: &mut Collected) -> Result<(), Fault> {
        let Some(node) = self.by_key.get(key) else { return Ok(()) };
        let of = |(name, _, wanted): &(String, Position, Wanted)| {
            let locked = keys_of(name, &wanted.0).into_iter().find(|key| self.keys.contains(key)).and_then(|key| version(&key));
            let told = locked.map(|(real, version)| if real == *name { version } else { format!("npm:{real}@{version}") });
            (name.clone(), told.map_or(Needed::Named, |told| Needed::Versions(vec![told])))
        };
        let needs: BTreeMap<String, Needed> = lists.into_iter().flat_map(|list| list.0.iter().map(of)).collect();
        let changes = Some(Changes::new(&self.overrides, version(key)));
        if let Some((path, peers)) = self.folders.get(node) {
            // A peer that is installed stands among what is needed, with the version.
            let peers = peers.iter().filter(|(name, _)| needs.contains_key(*name));
            let peers = peers.map(|(name, range)| (name.clone(), Needed::Range(range.clone()))).collect();
            found.said.folders.push(OwnFolder { peers: Some(peers), changes, ..OwnFolder::of(path.clone(), Told::Entry(needs)) });
            return Ok(());
        }
        if self.is_open {
            return Ok(());
        }
        let peers = self.peers.get(node);
        // A package is one row, and may have any number of snapshots.
        found.count(peers.map_or(0, BTreeMap::len))?;
        let peers = peers.into_iter().flatten().filter(|(name, (_, is_optional))| !is_optional || needs.contains_key(*name));
        let peers = peers.map(|(name, (range, _))| (name.clone(), Needed::Range(range.clone()))).collect();
        found.states(*node, Stated { needs: Some(needs), lacks_brought: true, peers: Some(peers), changes, ..Stated::default() })
    }

    fn needs_of(&self, key: &str, (list, kind): (&Pairs<Wanted>, Kind), found: &mut Collected) -> Result<(), Fault> {
        let Some(from) = self.by_key.get(key) else { return Ok(()) };
        for (name, position, wanted) in &list.0 {
            if let Some(path) = wanted.0.strip_prefix("link:") {
                let target = joined("", path).unwrap_or_else(|| "..".to_owned());
                found.folder(&format!("{key} > {name}@{}", wanted.0), *position, (Reason::Link, &target))?;
                // pnpm links a workspace for what a package needs, or what an override leads it to.
                if !self.overrides.is_linked(name) {
                    let link = Link::to(name, &target);
                    let link = self.folders.get(from).map_or_else(|| link.clone(), |(folder, _)| link.clone().asked_by(folder));
                    link.keep(&mut found.said.links)?;
                }
                continue;
            }
            let targets = self.targets(name, &wanted.0, "");
            if targets.is_empty() {
                found.gap(key, &format!("{name}@{}", wanted.0), *position);
            }
            for to in targets {
                found.asks(*from, to, name);
                found.needs(*from, to, kind)?;
            }
        }
        Ok(())
    }

    /// The nodes that `name: wanted` may mean, for a package or for the importer in `folder`.
    fn targets(&self, name: &str, wanted: &str, folder: &str) -> Vec<usize> {
        if let Some(path) = wanted.strip_prefix("link:") {
            return joined(folder, path).and_then(|folder| self.importers.get(&folder).copied()).into_iter().collect();
        }
        let known = keys_of(name, wanted)
            .iter()
            .filter(|key| self.keys.contains(*key))
            .find_map(|key| self.by_key.get(key).or_else(|| self.by_key.get(base(key))));
        known.copied().into_iter().collect()
    }

    /// Keeps a need of the project that leads to a version that is not in its range, and in that of
    /// no override: pnpm 10 and later asks for another one.
    fn unmet(&self, (folder, name, range): (&str, &str, &str), to: usize, found: &mut Collected) -> Result<(), Fault> {
        let Some(locked) = found.version_of(to).map(str::to_owned) else { return Ok(()) };
        let in_catalog = range.strip_prefix("catalog:").map(|catalog| if catalog.is_empty() { "default" } else { catalog });
        let line = in_catalog.and_then(|catalog| found.said.catalogs.as_ref()?.get(&format!("{catalog}/{name}")));
        let wanted = line.map_or(range, String::as_str).to_owned();
        if ranges::may_have(&wanted, &locked) || self.overrides.may_have(name, &locked) {
            return Ok(());
        }
        found.said.unmet.add(Unmet { by: None, key: folder.to_owned(), name: name.to_owned(), wanted, locked, is_peer: false })
    }
}

/// The peers of a row: the range, and whether it can do without. One that is optional can stand in
/// the table of those alone.
pub(super) fn peers_of(package: &Package) -> BTreeMap<String, (String, bool)> {
    let is_optional = |all: &Pairs<Scalar>| all.0.iter().any(|(key, _, value)| key == "optional" && value.0 == "true");
    let optional: HashSet<&str> =
        package.peer_dependencies_meta.0.iter().filter(|(.., all)| is_optional(all)).map(|(name, ..)| name.as_str()).collect();
    package.peer_dependencies.0.iter().map(|(name, _, range)| (name.clone(), (range.clone(), optional.contains(name.as_str())))).collect()
}

/// The folder of the project that a row is for, and nothing else.
fn own_folder(resolution: &Resolution) -> Option<String> {
    let Resolution { tarball: None, repo: None, integrity: None, commit: None, directory: Some(folder), .. } = resolution else {
        return None;
    };
    folders::own(folder)
}

/// The keys that `name: wanted` may stand for.
fn keys_of(name: &str, wanted: &str) -> [String; 4] {
    [wanted.to_owned(), format!("{name}@{wanted}"), format!("/{name}@{wanted}"), format!("/{name}/{wanted}")]
}

/// The name of the package that a range asks for: of `npm:b@^1.0.0` and `workspace:b@*` another
/// one.
fn real_name<'n>(name: &'n str, range: &'n str) -> &'n str {
    let is_version = |real: &&str| real.is_empty() || real.starts_with(|c: char| c.is_ascii_digit() || "^~<>=*.".contains(c));
    let aliased = range.strip_prefix("npm:").or_else(|| range.strip_prefix("workspace:")).filter(|real| !is_version(real));
    match aliased.map(|real| (real, address::split_name(real))) {
        Some((_, Some((real, _)))) => real,
        // `workspace:packages/a` is a path.
        Some((real, None)) if range.starts_with("npm:") => real,
        _ => name,
    }
}
