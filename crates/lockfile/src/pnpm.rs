//! pnpm-lock.yaml 5 to 9.
//!
//! The keys of `packages` have the versions: `/a/1.0.0`, `/@s/a/1.0.0_peer@2.0.0`, `host/a/1.0.0`
//! (5), `/a@1.0.0(peer@2.0.0)` (6) and `a@1.0.0` (9, where `snapshots` have the keys with peers). A
//! first document of pnpm 11 and later is about pnpm itself.

mod keys;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::collect::Collected;
use super::graph::Kind;
use super::yaml::{Ignored, Pairs, documents};
use super::{Fault, Place, Position, Reason, Usage, address, asked};
use keys::{address_of, base, is_of_commit, joined, version};

/// A document. Of it and of all in it, no other members are read than those that pnpm writes.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Document {
    settings: Settings,
    catalogs: Pairs<Pairs<Catalogued>>,
    overrides: Pairs<String>,
    package_extensions_checksum: Ignored,
    pnpmfile_checksum: Ignored,
    ignored_optional_dependencies: Ignored,
    patched_dependencies: Ignored,
    never_built_dependencies: Ignored,
    only_built_dependencies: Ignored,
    time: Ignored,
    dependencies_meta: Ignored,
    publish_directory: Ignored,
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
    auto_install_peers: bool,
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
    requires_build: Ignored,
    prepare: Ignored,
    patched: Ignored,
    peer_dependencies: Ignored,
    peer_dependencies_meta: Ignored,
    transitive_peer_dependencies: Ignored,
    bundled_dependencies: Ignored,
    bundle_dependencies: Ignored,
    engines: Ignored,
    cpu: Ignored,
    os: Ignored,
    libc: Ignored,
    deprecated: Ignored,
    has_bin: Ignored,
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
    commit: Ignored,
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
    transitive_peer_dependencies: Ignored,
    patched: Ignored,
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
                found.said.installs_peers = document.settings.auto_install_peers;
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
    by_name: HashMap<String, Vec<usize>>,
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
        for (key, _, package) in &document.packages.0 {
            self.needs_of(key, (&package.dependencies, Kind::Production), found)?;
            self.needs_of(key, (&package.optional_dependencies, Kind::Optional), found)?;
        }
        for (key, _, snapshot) in &document.snapshots.0 {
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
            let real = range.filter(|range| address::kind(range).is_none()).map(|range| {
                let aliased =
                    range.strip_prefix("npm:").filter(|real| !real.starts_with(|c: char| c.is_ascii_digit() || "^~<>=*".contains(c)));
                aliased.map_or(name.as_str(), |real| address::split_name(real).map_or(real, |(real, _)| real))
            });
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
            (reason, _) => found.left_out(key, position, reason.unwrap_or(Reason::Unreadable))?,
        };
        let name =
            named.map(|(name, _)| name).or_else(|| address::split_name(key.trim_start_matches('/')).map(|(name, _)| name.to_owned()));
        if let Some(name) = name {
            self.by_name.entry(name).or_default().push(node);
        }
        self.by_key.insert(if package.is_some() { key } else { base(key) }.to_owned(), node);
        Ok(())
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
        let keys = [wanted.to_owned(), format!("{name}@{wanted}"), format!("/{name}@{wanted}"), format!("/{name}/{wanted}")];
        let known = keys.iter().find_map(|key| self.by_key.get(key).or_else(|| self.by_key.get(base(key))));
        match known {
            Some(node) => vec![*node],
            None => self.by_name.get(name).cloned().unwrap_or_default(),
        }
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
