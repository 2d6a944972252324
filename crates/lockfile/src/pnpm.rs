//! pnpm-lock.yaml 5 to 9.
//!
//! The keys of `packages` have the versions: `/a/1.0.0`, `/@s/a/1.0.0_peer@2.0.0`, `host/a/1.0.0`
//! (5), `/a@1.0.0(peer@2.0.0)` (6) and `a@1.0.0` (9, where `snapshots` have the keys with peers). A
//! first document of pnpm 11 and later is about pnpm itself.

mod keys;
mod nodes;
mod overrides;
mod scalar;
mod settings;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::mem::take;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::collect::Collected;
use super::yaml::{Ignored, Pairs, documents};
use super::{Fault, asked};
pub(crate) use scalar::Scalar;
use scalar::{Patched, Setting};
pub(crate) use settings::{Head, Meta, excludes_links, in_npmrc, manager, runtimes};

use nodes::One;
pub(crate) use overrides::NOTHING;
pub use overrides::{Changes, fits};

/// A document. Of it and of all in it, no other members are read than those that pnpm writes.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Document {
    /// The settings of pnpm that stand in the file, since version 6.
    settings: Pairs<Setting>,
    catalogs: Pairs<Pairs<Catalogued>>,
    overrides: Pairs<String>,
    // pnpm does not read a file in which one of these is of another kind.
    package_extensions_checksum: Option<String>,
    pnpmfile_checksum: Option<String>,
    ignored_optional_dependencies: Vec<String>,
    patched_dependencies: Pairs<Patched>,
    never_built_dependencies: Vec<String>,
    only_built_dependencies: Vec<String>,
    time: Pairs<String>,
    dependencies_meta: Pairs<Pairs<Scalar>>,
    publish_directory: Option<String>,
    lockfile_version: Option<Scalar>,
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
    dependencies_meta: Pairs<Pairs<Scalar>>,
    publish_directory: Option<String>,
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
    peer_dependencies_meta: Pairs<Pairs<Scalar>>,
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
            settings: self.settings.0.iter().map(|(key, _, value)| (key.clone(), value.0.clone())).collect(),
            patched: self.patched_dependencies.0.iter().map(|(key, _, patch)| (key.clone(), patch.0.clone())).collect(),
            ignored_optional: self.ignored_optional_dependencies.clone(),
            has_extensions: self.package_extensions_checksum.is_some(),
            has_hook: self.pnpmfile_checksum.is_some(),
            lacks_peer: self.lacks_peer(),
        }
    }

    /// The first package that has not all of its peers, with the one that it lacks; of version 9,
    /// where they are told beside each other.
    fn lacks_peer(&self) -> Option<String> {
        let needed = |row: &'_ Package| -> Vec<String> {
            nodes::peers_of(row).into_iter().filter(|(_, (_, is_optional))| !is_optional).map(|(name, _)| name).collect()
        };
        let rows: HashMap<&str, Vec<String>> = self.packages.0.iter().map(|(key, _, row)| (key.as_str(), needed(row))).collect();
        self.snapshots.0.iter().find_map(|(key, _, own)| {
            let plain = key.split('(').next().unwrap_or(key);
            let needed = rows.get(plain).filter(|needed| !needed.is_empty())?;
            let has: HashSet<&str> =
                own.dependencies.0.iter().chain(&own.optional_dependencies.0).map(|(name, ..)| name.as_str()).collect();
            let lacked = needed.iter().find(|peer| !has.contains(peer.as_str()))?;
            Some(format!("{plain} needs {lacked}"))
        })
    }

    /// The only importer, where the document itself is that.
    fn alone(&mut self) -> Importer {
        Importer {
            dependencies_meta: take(&mut self.dependencies_meta),
            publish_directory: self.publish_directory.take(),
            dependencies: take(&mut self.dependencies),
            optional_dependencies: take(&mut self.optional_dependencies),
            dev_dependencies: take(&mut self.dev_dependencies),
            specifiers: take(&mut self.specifiers),
            ..Importer::default()
        }
    }

    /// Whether it is about pnpm itself and its configuration.
    fn is_of_tools(&self) -> bool {
        let importers = &self.importers.0;
        importers.iter().any(|(.., of)| !of.config_dependencies.0.is_empty() || !of.package_manager_dependencies.0.is_empty())
    }
}

impl Importer {
    /// The ranges of version 5, which stand beside the lists.
    fn beside(&self) -> HashMap<&str, &str> {
        self.specifiers.0.iter().map(|(name, _, range)| (name.as_str(), range.as_str())).collect()
    }

    /// What it says of how its dependencies are installed, and which of its folders is.
    fn meta(&self) -> Meta {
        let of = |all: &Pairs<Scalar>| all.0.iter().map(|(key, _, value)| (key.clone(), value.0.clone())).collect();
        Meta {
            dependencies: self.dependencies_meta.0.iter().map(|(name, _, all)| (name.clone(), of(all))).collect(),
            directory: self.publish_directory.clone(),
        }
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
