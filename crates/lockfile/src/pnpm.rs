//! pnpm-lock.yaml 5 to 9.
//!
//! The keys of `packages` have the versions: `/a/1.0.0`, `/@s/a/1.0.0_peer@2.0.0`, `host/a/1.0.0`
//! (5), `/a@1.0.0(peer@2.0.0)` (6) and `a@1.0.0` (9, where `snapshots` have the keys with peers). A
//! first document of pnpm 11 and later is about pnpm itself.

mod keys;
mod settings;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::collect::Collected;
use super::folders::{self, OwnFolder};
use super::graph::Kind;
use super::links::Link;
use super::yaml::{Ignored, Pairs, documents};
use super::{Fault, Needed, Place, Position, Reason, Stated, Usage, address, asked};
pub(crate) use settings::Head;

use keys::{address_of, base, is_of_commit, joined, version};

/// A document. Of it and of all in it, no other members are read than those that pnpm writes.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Document {
    settings: Settings,
    catalogs: Pairs<Pairs<Catalogued>>,
    overrides: Pairs<String>,
    // pnpm does not read a file in which one of these is of another kind.
    package_extensions_checksum: Option<String>,
    pnpmfile_checksum: Option<String>,
    ignored_optional_dependencies: Vec<String>,
    patched_dependencies: Pairs<Ignored>,
    never_built_dependencies: Vec<String>,
    only_built_dependencies: Vec<String>,
    time: Pairs<String>,
    dependencies_meta: Pairs<Ignored>,
    publish_directory: Option<String>,
    lockfile_version: Option<Wanted>,
    importers: Pairs<Importer>,
    // A project without workspaces is its own importer up to version 6.
    dependencies: Pairs<Wanted>,
    optional_dependencies: Pairs<Wanted>,
    dev_dependencies: Pairs<Wanted>,
    /// The ranges of those, up to version 5.
    specifiers: Pairs<String>,
    packages: Pairs<Package>,
    snapshots: Pairs<Snapshot>,
}

/// The settings of pnpm that stand in the file, since version 6.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Settings {
    /// Whether a project's peers are installed as its dependencies are.
    auto_install_peers: Option<bool>,
    exclude_links_from_lockfile: Option<bool>,
    inject_workspace_packages: Option<bool>,
    peers_suffix_max_length: Option<u32>,
}

/// A line of a catalog.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Catalogued {
    specifier: String,
    version: Ignored,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Importer {
    dependencies_meta: Ignored,
    publish_directory: Ignored,
    dependencies: Pairs<Wanted>,
    optional_dependencies: Pairs<Wanted>,
    dev_dependencies: Pairs<Wanted>,
    specifiers: Pairs<String>,
    config_dependencies: Pairs<Wanted>,
    package_manager_dependencies: Pairs<Wanted>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Package {
    requires_build: Option<bool>,
    prepare: Option<bool>,
    patched: Option<bool>,
    peer_dependencies: Pairs<String>,
    peer_dependencies_meta: Pairs<Ignored>,
    transitive_peer_dependencies: Vec<String>,
    bundled_dependencies: Ignored,
    bundle_dependencies: Ignored,
    engines: Ignored,
    cpu: Ignored,
    os: Ignored,
    libc: Ignored,
    deprecated: Ignored,
    has_bin: Option<bool>,
    resolution: Resolution,
    /// Where they are there, pnpm takes them, and not what the key says.
    name: Option<String>,
    version: Option<String>,
    id: Option<String>,
    dependencies: Pairs<Wanted>,
    optional_dependencies: Pairs<Wanted>,
    dev: Option<bool>,
    optional: Option<bool>,
}

/// Where a package comes from. What else than this it may be told is of no registry that all
/// versions of pnpm know.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Resolution {
    commit: Option<String>,
    variants: Ignored,
    archive: Ignored,
    bin: Ignored,
    prefix: Ignored,
    integrity: Option<String>,
    tarball: Option<String>,
    repo: Option<String>,
    directory: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    git_hosted: bool,
    registry: Option<String>,
    url: Option<Ignored>,
    path: Option<Ignored>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Snapshot {
    transitive_peer_dependencies: Vec<String>,
    patched: Option<bool>,
    dependencies: Pairs<Wanted>,
    optional_dependencies: Pairs<Wanted>,
    optional: bool,
}

/// `1.0.0(peer@2.0.0)`, or `{specifier: ^1.0.0, version: 1.0.0(peer@2.0.0)}`: the version, and the
/// range if it is there.
struct Wanted(String, Option<String>);

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Wanted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a version, or a mapping with one")
            }

            fn visit_str<E>(self, text: &str) -> Result<Wanted, E> {
                Ok(Wanted(text.to_owned(), None))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Wanted, E> {
                Ok(Wanted(number.to_string(), None))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Wanted, E> {
                Ok(Wanted(number.to_string(), None))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Wanted, E> {
                Ok(Wanted(number.to_string(), None))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Wanted, A::Error> {
                let mut wanted = Wanted(String::new(), None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "version" => wanted.0 = map.next_value()?,
                        "specifier" => wanted.1 = map.next_value()?,
                        _ => return Err(serde::de::Error::custom("a member that pnpm does not write")),
                    }
                }
                Ok(wanted)
            }
        }
        value.deserialize_any(Either)
    }
}

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    let is_of_two = is_of_two(text)?;
    let documents = documents::<Document>(text)?;
    let count = documents.len();
    if count > 2 || is_of_two != (count == 2) {
        return Err(Fault::Malformed("it has other documents than pnpm writes".to_owned()));
    }
    for (document, at) in documents.into_iter().zip(0..) {
        // Of two, the first one is of pnpm itself, and the other one is the project's.
        if count == 2 && document.is_of_tools() != (at == 0) {
            return Err(Fault::Malformed("its first document is not pnpm's own, or is not the only one of that kind".to_owned()));
        }
        let version = document.lockfile_version.as_ref().map_or("", |version| version.0.as_str());
        match version.split('.').next().and_then(|major| major.parse::<u32>().ok()) {
            Some(major @ 5..=9) => {
                found.said.names_all = major < 9;
                if !document.is_of_tools() {
                    found.said.of_pnpm = Some(document.head((major, version)));
                }
                One::default().read(document, found)?;
            }
            Some(_) => return Err(Fault::Version),
            None => return Err(Fault::Malformed("it has no lockfileVersion".to_owned())),
        }
    }
    Ok(())
}

/// Whether a file has two documents. pnpm does not read it as YAML before it has cut it at these
/// lines: a file that begins with one of them and has no other is empty for it.
fn is_of_two(text: &str) -> Result<bool, Fault> {
    let marks = text.lines().filter(|line| line.starts_with("---") || line.starts_with("...")).collect::<Vec<_>>();
    match marks.as_slice() {
        [] => Ok(false),
        ["---", "---"] if text.starts_with("---") => Ok(true),
        _ => Err(Fault::Malformed("it has other documents than pnpm writes".to_owned())),
    }
}

impl Document {
    /// What it says of pnpm's own settings.
    fn head(&self, (major, version): (u32, &str)) -> Head {
        Head {
            major,
            version: version.to_owned(),
            installs_peers: self.settings.auto_install_peers,
            ignored_optional: self.ignored_optional_dependencies.clone(),
            has_extensions: self.package_extensions_checksum.is_some(),
            has_hook: self.pnpmfile_checksum.is_some(),
        }
    }

    /// Whether it is about pnpm itself and its configuration.
    fn is_of_tools(&self) -> bool {
        let importers = &self.importers.0;
        importers.iter().any(|(.., of)| !of.config_dependencies.0.is_empty() || !of.package_manager_dependencies.0.is_empty())
    }
}

/// The nodes of one document.
#[derive(Default)]
struct One {
    by_key: HashMap<String, usize>,
    /// The keys that are looked up, with their peers.
    keys: HashSet<String>,
    /// The folders of the project, by their nodes.
    folders: HashMap<usize, String>,
    /// What the project's settings say of needs: by the name, and none is told where they may say
    /// anything.
    lifted: Option<BTreeMap<String, Needed>>,
    importers: HashMap<String, usize>,
}

impl One {
    fn read(mut self, document: Document, found: &mut Collected) -> Result<(), Fault> {
        let of_tools = document.is_of_tools();
        let mut importers = document.importers.0;
        if importers.is_empty() {
            let (dependencies, optional_dependencies, dev_dependencies) =
                (document.dependencies, document.optional_dependencies, document.dev_dependencies);
            let specifiers = document.specifiers;
            let alone = Importer { dependencies, optional_dependencies, dev_dependencies, specifiers, ..Importer::default() };
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
        let has_snapshots = self.look_up(document.lockfile_version.as_ref(), (&document.packages, &document.snapshots), found);
        for (key, _, package) in &document.packages.0 {
            if !has_snapshots {
                self.states(key, [&package.dependencies, &package.optional_dependencies], found);
            }
            self.needs_of(key, (&package.dependencies, Kind::Production), found)?;
            self.needs_of(key, (&package.optional_dependencies, Kind::Optional), found)?;
        }
        for (key, _, snapshot) in &document.snapshots.0 {
            self.states(base(key), [&snapshot.dependencies, &snapshot.optional_dependencies], found);
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
    fn look_up(&mut self, version: Option<&Wanted>, (packages, snapshots): (&Pairs<Package>, &Pairs<Snapshot>), found: &Collected) -> bool {
        // Up to version 6 the packages themselves are what is looked up.
        let has_snapshots = version.is_some_and(|version| version.0.starts_with('9'));
        self.keys = if has_snapshots {
            snapshots.0.iter().map(|(key, ..)| key.clone()).collect()
        } else {
            packages.0.iter().map(|(key, ..)| key.clone()).collect()
        };
        self.lifted = found.said.of_pnpm.as_ref().filter(|head| !head.has_hook && !head.has_extensions).map(|head| {
            let ignored = head.ignored_optional.iter().cloned();
            let overridden = found.said.overrides.iter().flatten().map(|(key, _)| settings::overridden(key));
            ignored.chain(overridden).map(|name| (name, Needed::Named)).collect()
        });
        has_snapshots
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
            self.folders.insert(node, path);
        }
        let Resolution { tarball, repo, commit, directory, integrity, .. } = resolution;
        found.leads_to(node, &[tarball, repo, commit, directory, integrity].map(Option::as_deref));
        self.by_key.insert(if package.is_some() { key } else { base(key) }.to_owned(), node);
        Ok(())
    }

    /// Keeps what a row says that its package needs: pnpm asks the registry for that where anything
    /// of its settings has changed.
    fn states(&self, key: &str, lists: [&Pairs<Wanted>; 2], found: &mut Collected) {
        let Some(node) = self.by_key.get(key) else { return };
        let of = |(name, _, wanted): &(String, Position, Wanted)| {
            let locked = keys_of(name, &wanted.0).into_iter().find(|key| self.keys.contains(key)).and_then(|key| version(&key));
            (name.clone(), locked.map_or(Needed::Named, |(_, version)| Needed::Versions(vec![version])))
        };
        let mut needs: BTreeMap<String, Needed> = lists.into_iter().flat_map(|list| list.0.iter().map(of)).collect();
        needs.extend(self.lifted.clone().unwrap_or_default());
        if let Some(path) = self.folders.get(node) {
            found.said.folders.push(OwnFolder { path: path.clone(), needs: Some(needs) });
            return;
        }
        if self.lifted.is_none() {
            return;
        }
        found.states(*node, Stated { commands: None, needs: Some(needs), lacks_brought: true });
    }

    fn needs_of(&self, key: &str, (list, kind): (&Pairs<Wanted>, Kind), found: &mut Collected) -> Result<(), Fault> {
        let Some(from) = self.by_key.get(key) else { return Ok(()) };
        for (name, position, wanted) in &list.0 {
            if let Some(path) = wanted.0.strip_prefix("link:") {
                let target = joined("", path).unwrap_or_else(|| "..".to_owned());
                found.folder(&format!("{key} > {name}@{}", wanted.0), *position, (Reason::Link, &target))?;
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

impl Importer {
    /// The ranges of version 5, which stand beside the lists.
    fn beside(&self) -> HashMap<&str, &str> {
        self.specifiers.0.iter().map(|(name, _, range)| (name.as_str(), range.as_str())).collect()
    }

    /// The ranges, by the lists.
    fn asked(&self) -> BTreeMap<String, (&'static str, String)> {
        let beside = self.beside();
        let range = |name: &str, wanted: &Wanted| {
            wanted.1.clone().or_else(|| beside.get(name).map(|range| (*range).to_owned())).unwrap_or_default()
        };
        let lists = [
            ("optionalDependencies", &self.optional_dependencies),
            ("dependencies", &self.dependencies),
            ("devDependencies", &self.dev_dependencies),
        ];
        let pairs = |list: &Pairs<Wanted>| list.0.iter().map(|(name, _, wanted)| (name.clone(), range(name, wanted))).collect();
        asked::collect(lists.map(|(name, list)| (name, pairs(list))))
    }
}
