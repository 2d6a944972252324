//! The world of a build: everything that it could see, besides what it asks the registry for.
//!
//! A build's folders have their name from it ([`World::key`]): what differs in anything here never
//! goes on in another's folders. So nothing may be forgotten. What the world is made of is taken
//! apart without `..` in [`World::of`]: a new member of any of it does not compile until it is said
//! here whether a build can see it. And the folders, the environment and the registry of a build
//! are made from the world, not from what it was made of. What a build asks the registry for is
//! answered by what is judged, by the moment and by credentials too: the answers themselves are
//! held against those of the earlier build
//! ([`Timewarp::hears_again`](npm_timewarp::Timewarp::hears_again)).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use context::Context;
use npm_spec::manifest::{LARGEST, LARGEST_LOCKFILE, LARGEST_TOGETHER};
use npm_spec::path::join;
use npm_timewarp::{self, lockfile};
use npm_toolchain::{Tool, Toolchain};
use origin::Origin;
use origin::score::manifest_directories;
use recipe::{BuildRecipe, Checkout, ToolchainInfo};
use store::folders;

use super::beside::{named_in, tags_in};
use super::own_names::OwnNames;
use super::release_version::ReleaseVersion;
use super::run::{MAX_MANIFESTS, Work};
use super::{Publication, Site};
use crate::{Question, SourceError, ToolchainByUser};

/// The files by which package managers are configured, as far as they are read or changed here.
const SETTINGS: [&str; 4] = [".npmrc", ".yarnrc", ".yarnrc.yml", "pnpm-workspace.yaml"];

/// What a build is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) enum Purpose {
    /// To find a way.
    Search,
    /// To follow a recipe.
    Replay,
}

/// A tool as a build has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Program {
    kind: &'static str,
    version: String,
    /// Where it is: not every tier shows it elsewhere.
    root: String,
    entry: String,
    native: bool,
    /// Of all of its files.
    digest: String,
}

/// What a build is made in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct World {
    /// The version of this program.
    program: &'static str,
    purpose: Purpose,
    /// The repository's address, which is in `.git/config`, by the commit's own word.
    pub(super) url: Option<String>,
    /// What the checkout's folder is called.
    folder: String,
    pub(super) commit: String,
    /// The branch or tag that is in `.git`.
    pub(super) reference: Option<String>,
    /// When the commit was made.
    pub(super) committed: i64,
    /// A digest of the checkout's paths, modes and ids: a host may lack a file that another
    /// package's tarball has.
    files: String,
    /// The folders that have a package.json.
    pub(super) packages: Vec<String>,
    /// The version that is written into package.json.
    pub(super) release: Option<ReleaseVersion>,
    tools: Vec<Program>,
    /// The user's toolchains: name, place and digest.
    toolchains: Vec<(String, String, String)>,
    /// Where Node comes from, where it is not the registry.
    node_dist: Option<String>,
    /// The package manager that installs.
    manager: Option<(&'static str, String)>,
    pub(super) lockfile: Option<String>,
    /// The names and versions in the lockfile, which no moment hides.
    pub(super) locked: BTreeSet<(String, String)>,
    /// The packages that the commit's manifests name.
    pub(super) named: BTreeSet<String>,
    /// The tags that they ask for.
    pub(super) tags: BTreeSet<String>,
    /// The project's configuration of package managers that an installation of this package reads,
    /// by path, as digests.
    settings: BTreeMap<String, String>,
    /// The scopes that it sends to registries of their own.
    pub(super) scopes: Vec<String>,
    /// The variables that it asks for.
    pub(super) variables: Vec<String>,
    /// The moment that is tried, where it is not that of the publication.
    tried: Option<String>,
    pub(super) oldest: bool,
    pub(super) clock: Option<jiff::Timestamp>,
    pub(super) without_ci: bool,
    /// How the build is kept in.
    tier: String,
    registries: Vec<String>,
    /// Hosts that it may reach by the user's word.
    hosts: Vec<String>,
    /// The digest of the recipe that the user gave.
    given: Option<String>,
}

impl World {
    /// The world of a package's build with these tools.
    pub(super) fn of(work: &Work<'_>, tools: &[Tool], purpose: Purpose) -> Result<Self, SourceError> {
        // What is judged, and when it was published, decide what the registry answers: the answers
        // themselves are compared.
        let Work {
            repository,
            folder,
            origin: Origin { commit, reference, listing, kind: _, score: _, name: _, version: _ },
            published: _,
            publication: Publication { time, registry: _, first_seen: _, untrue: _, node: _, npm: _, version, name },
            site: Site { sandbox, toolchains, context, question, ground: _, runtime: _ },
            toolchain: Toolchain { manager, lockfile, node: _, reasons: _ },
            strategy: _,
            committed,
            given,
            moment,
            oldest,
            clock,
            without_ci,
            // What is written of it is the release's.
            before: _,
            reasons: _,
        } = work;
        let Outside { registries, hosts, toolchains: by_user } = Outside::of(context, question);
        let view = folder.view(repository, Checkout::Posix);
        let packages = manifest_directories(listing, MAX_MANIFESTS);
        let read: Read<'_> = &|path| view.content_up_to(path, LARGEST);
        let (named, tags) = asked_for(&packages, read)?;
        let own = OwnNames::read((name, version), work.origin.directory(), read)?;
        let mut world = Self {
            program: env!("CARGO_PKG_VERSION"),
            purpose,
            folder: own.folder(),
            commit: commit.to_string(),
            reference: reference.as_deref().map(|reference| own.reference(reference)),
            url: own.url,
            committed: *committed,
            files: folder.digest(),
            release: ReleaseVersion::of(work, &view, &packages),
            packages,
            tools: tools.iter().map(Program::of).collect(),
            toolchains: by_user,
            node_dist: toolchains.distribution().map(str::to_owned),
            manager: manager.as_ref().map(|(kind, version)| (kind.as_str(), version.clone())),
            lockfile: lockfile.clone(),
            locked: BTreeSet::new(),
            named,
            tags,
            settings: BTreeMap::new(),
            scopes: Vec::new(),
            variables: Vec::new(),
            tried: (moment != time).then(|| format!("{moment:?}")),
            oldest: *oldest,
            clock: *clock,
            without_ci: *without_ci,
            tier: sandbox.tier().to_string(),
            registries,
            hosts,
            given: given.map(digest_of),
        };
        world.read_lockfile(&|path| view.content_up_to(path, LARGEST_LOCKFILE))?;
        world.read_settings(&work.settings_folders(), &|path| view.content(path))?;
        Ok(world)
    }

    /// What the build's folders are called.
    pub(super) fn key(&self) -> String {
        let all = serde_json::json!(self);
        let name = folders::safe_name(&format!("{} {} {all}", self.folder, self.commit));
        if self.purpose == Purpose::Replay { format!("replay-{name}") } else { name }
    }

    /// What the checkout's folder is called.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// The folders with a configuration that an installation reads.
    pub(super) fn settings_folders(&self) -> BTreeSet<&str> {
        self.settings.keys().map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder)).collect()
    }

    fn read_lockfile(&mut self, read: Read<'_>) -> Result<(), SourceError> {
        if let Some(path) = &self.lockfile
            && let Some(bytes) = read(path)?
        {
            let name = path.rsplit('/').next().unwrap_or(path);
            // A lockfile that cannot be read hides nothing and keeps nothing; the client says what
            // is wrong with it.
            self.locked = lockfile::named(name, &bytes).map(|named| named.versions).unwrap_or_default();
        }
        Ok(())
    }

    fn read_settings(&mut self, folders: &BTreeSet<&str>, read: Read<'_>) -> Result<(), SourceError> {
        for name in SETTINGS {
            for folder in folders {
                let path = join(folder, name);
                let Some(bytes) = read(&path)? else { continue };
                if name != "pnpm-workspace.yaml" {
                    // A publisher's token, which a build has not.
                    self.variables.extend(npm_timewarp::variables(&bytes));
                }
                if name == ".npmrc" {
                    // Led to the one registry that a build reaches.
                    self.scopes.extend(npm_timewarp::scopes(&bytes));
                }
                self.settings.insert(path, hex::encode(Sha256::digest(&bytes)));
            }
        }
        Ok(())
    }
}

impl Program {
    fn of(tool: &Tool) -> Self {
        // Of where it came from and who says so a build sees nothing: the digest is of what it has.
        let Tool {
            kind,
            version,
            root,
            entry,
            native,
            digest,
            package: _,
            from: _,
            integrity: _,
            program: _,
            publisher: _,
            key: _,
            refetched: _,
            registry_agrees: _,
            hold: _,
        } = tool;
        let root = root.display().to_string();
        Self { kind: kind.as_str(), version: version.clone(), root, entry: entry.clone(), native: *native, digest: digest.clone() }
    }
}

/// What a build sees of what the user says.
struct Outside {
    registries: Vec<String>,
    hosts: Vec<String>,
    toolchains: Vec<(String, String, String)>,
}

impl Outside {
    fn of(context: &Context, question: &Question) -> Self {
        let Context { npm, client: _, git: _, credentials: _, folders: _, progress: _, cancel: _, cancelled: _, cwd: _, deadline: _ } =
            context;
        let Question {
            hosts,
            strategies: _,
            isolation: _,
            node: _,
            installed: _,
            given: _,
            distribution: _,
            puts_off_builds: _,
            toolchains: by_user,
        } = question;
        Self {
            registries: npm.registries().iter().map(ToString::to_string).collect(),
            hosts: hosts.names(),
            toolchains: by_user.iter().map(placed).collect(),
        }
    }
}

/// Reads a file of the commit.
pub(super) type Read<'a> = &'a dyn Fn(&str) -> Result<Option<Vec<u8>>, SourceError>;

/// The packages that manifests name, and the tags that they ask for.
fn asked_for(packages: &[String], read: Read<'_>) -> Result<(BTreeSet<String>, BTreeSet<String>), SourceError> {
    let (mut named, mut tags) = (BTreeSet::new(), BTreeSet::new());
    let mut left = LARGEST_TOGETHER;
    for directory in packages {
        let manifest = read(&join(directory, "package.json"))?.unwrap_or_default();
        let Some(rest) = left.checked_sub(manifest.len() as u64) else { break };
        left = rest;
        named.extend(named_in(&manifest));
        tags.extend(tags_in(&manifest));
    }
    Ok((named, tags))
}

fn placed(toolchain: &ToolchainByUser) -> (String, String, String) {
    // The programs are of what the digest is of.
    let ToolchainByUser { root, info: ToolchainInfo { name, digest, programs: _ } } = toolchain;
    (name.clone(), root.display().to_string(), digest.clone())
}

fn digest_of(recipe: &BuildRecipe) -> String {
    hex::encode(Sha256::digest(serde_json::json!(recipe).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change<'a> = &'a dyn Fn(&mut World);

    fn world() -> World {
        World {
            program: "1.0.0",
            purpose: Purpose::Search,
            url: Some("https://host.example/owner/name.git".to_owned()),
            folder: "name".to_owned(),
            commit: "c0".to_owned(),
            reference: Some("refs/tags/v1".to_owned()),
            committed: 1,
            files: "digest".to_owned(),
            packages: vec![String::new()],
            release: None,
            tools: Vec::new(),
            toolchains: Vec::new(),
            node_dist: None,
            manager: Some(("npm", "10.0.0".to_owned())),
            lockfile: Some("package-lock.json".to_owned()),
            locked: BTreeSet::new(),
            named: BTreeSet::new(),
            tags: BTreeSet::new(),
            settings: BTreeMap::new(),
            scopes: Vec::new(),
            variables: Vec::new(),
            tried: None,
            oldest: false,
            clock: None,
            without_ci: false,
            tier: "namespaces".to_owned(),
            registries: Vec::new(),
            hosts: Vec::new(),
            given: None,
        }
    }

    #[test]
    fn whatever_differs_in_a_world_has_folders_of_its_own() {
        let program = Program {
            kind: "node",
            version: "20.0.0".into(),
            root: "/t".into(),
            entry: "bin/node".into(),
            native: true,
            digest: "d".into(),
        };
        let changes: [(&str, Change<'_>); 29] = [
            ("program", &|world| world.program = "1.0.1"),
            ("purpose", &|world| world.purpose = Purpose::Replay),
            ("url", &|world| world.url = None),
            ("folder", &|world| world.folder.push('x')),
            ("commit", &|world| world.commit.push('1')),
            ("reference", &|world| world.reference = None),
            ("committed", &|world| world.committed = 2),
            ("files", &|world| world.files.push('x')),
            ("packages", &|world| world.packages.push("p".into())),
            ("release", &|world| world.release = Some(ReleaseVersion::sample())),
            ("tools", &|world| world.tools = vec![program.clone()]),
            ("toolchains", &|world| world.toolchains.push(("rust".into(), "/opt/rust".into(), "d".into()))),
            ("node_dist", &|world| world.node_dist = Some("https://dist.example/".into())),
            ("manager", &|world| world.manager = Some(("yarn", "10.0.0".into()))),
            ("lockfile", &|world| world.lockfile = None),
            ("locked", &|world| world.locked = BTreeSet::from([("a".into(), "1.0.0".into())])),
            ("named", &|world| world.named = BTreeSet::from(["a".into()])),
            ("tags", &|world| world.tags = BTreeSet::from(["next".into()])),
            ("settings", &|world| world.settings = BTreeMap::from([(".npmrc".into(), "d".into())])),
            ("scopes", &|world| world.scopes.push("@s".into())),
            ("variables", &|world| world.variables.push("NPM_TOKEN".into())),
            ("tried", &|world| world.tried = Some("2020".into())),
            ("oldest", &|world| world.oldest = true),
            ("clock", &|world| world.clock = Some(jiff::Timestamp::UNIX_EPOCH)),
            ("without_ci", &|world| world.without_ci = true),
            ("tier", &|world| world.tier = "landlock".into()),
            ("registries", &|world| world.registries.push("https://registry.example/".into())),
            ("hosts", &|world| world.hosts.push("files.example".into())),
            ("given", &|world| world.given = Some("d".into())),
        ];
        let serde_json::Value::Object(members) = serde_json::to_value(world()).unwrap() else { panic!("no object") };
        assert_eq!(changes.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), members.keys().map(String::as_str).collect());
        let keys: BTreeSet<String> = changes
            .iter()
            .map(|(_, change)| {
                let mut other = world();
                change(&mut other);
                other.key()
            })
            .chain([world().key()])
            .collect();
        assert_eq!(keys.len(), changes.len() + 1);
        assert_eq!(world().key(), world().key());
    }

    #[test]
    fn the_configuration_that_an_installation_reads_is_part_of_it() {
        let files = BTreeMap::from([
            (".npmrc", "@s:registry=https://host.example/\n"),
            ("p/a/.npmrc", "//x.example/:_authToken=${ONLY_A}\n"),
            ("p/a/.yarnrc.yml", "npmAuthToken: ${OTHER}\n"),
            ("p/a/pnpm-workspace.yaml", "packages: [${NOT}]\n"),
        ]);
        let read = |path: &str| Ok(files.get(path).map(|text| text.as_bytes().to_vec()));
        let of = |folders: &[&str]| {
            let mut world = world();
            world.read_settings(&folders.iter().copied().collect(), &read).unwrap();
            world
        };
        let (a, b, root) = (of(&["", "p/a"]), of(&["", "p/b"]), of(&[""]));
        assert_eq!((&a.scopes[..], &a.variables[..]), (&["@s".to_owned()][..], &["ONLY_A".to_owned(), "OTHER".to_owned()][..]));
        assert_eq!(a.settings_folders(), BTreeSet::from(["", "p/a"]));
        assert_ne!(a.key(), b.key());
        assert_eq!(b, root, "where a package has no configuration of its own, its folder makes no difference");
    }
}
