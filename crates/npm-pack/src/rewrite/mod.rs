//! package.json as a publishing client wrote it, where that is not the file of the source.
//!
//! In: the file's bytes, the era whose headers the published archive has, and what lies around the
//! package ([`Workspace`]). Out: [`Rewrite`]s, likeliest first, each with a name that stands in the
//! recipe. Three steps follow each other: a release tool sets the version (`release`), a cleaning
//! tool drops fields (`tools`), the client prints the file in its way (`pnpm`, `berry`, `bun`,
//! `lerna`; npm and yarn 1 pack it as it is). All are pure functions on bytes. The published
//! package.json is never an ingredient: it only chooses which of the candidates is packed, together
//! with README.md and the names at the top where tools differ in what they make of other files
//! ([`Edits`]). The one thing that is taken from it is the order of a few dependencies that pnpm
//! 7.28 to 11.20 wrote in the order in which files happened to be read; the recipe names it.

mod berry;
mod bun;
mod clean_publish;
mod comments;
mod edits;
mod hides;
mod json;
mod lerna;
mod pnpm;
mod release;
mod spec;
mod tools;
mod workspace;

use serde_json::Value;
use verdict::patience;

use crate::era::Era;
pub use edits::{Edits, Seen};
use json::Object;
use spec::{Resolver, Versions};
pub use workspace::Workspace;

/// A package.json over this size is packed as it is, and so is one whose indentation would be.
const LARGEST: usize = 1 << 20;

/// Most dependencies of a package.json whose order is taken from the published file. An order is
/// text that no commit has, and code may read it: that of 12 names has less than four bytes, that
/// of 120 has room for a program.
const MOST_RACED: usize = 12;

/// The name of packing the file as it is.
pub const AS_IS: &str = "as-is";

/// One way in which package.json may have been published.
#[derive(Debug, Clone)]
pub struct Rewrite {
    /// The steps that lead to it, joined by `+`, as the recipe names them.
    pub name: String,
    /// The published file.
    pub manifest: Vec<u8>,
    /// The file that the client's list of files was made from.
    pub listed: Vec<u8>,
    /// Whether executables are those of `listed` (yarn 2 and later, bun) and not those of the
    /// published file.
    pub bins_of_listed: bool,
    /// Which licence files of the root are added.
    pub licenses: Licenses,
    /// What a tool made of other files.
    pub edits: Edits,
    /// Whether a tool that cleans a package up before packing made package.json.
    pub is_cleaned: bool,
    raced: Vec<Raced>,
}

/// When licence files of the repository's root go along with a package of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Licenses {
    /// Never.
    Never,
    /// All of them, where no listed path has `license` in it (pnpm up to 10).
    UnlessAnywhere,
    /// All of them, where no listed file is a licence by its name (pnpm 11 and later).
    UnlessNamed,
    /// As [`Licenses::UnlessNamed`], letters of any case (pnpm 12).
    UnlessNamedAnyCase,
    /// The first, where the package's folder has none (lerna).
    UnlessInFolder,
}

/// Dependencies whose order was left to chance.
#[derive(Debug, Clone)]
struct Raced {
    field: &'static str,
    names: Vec<String>,
}

/// What a client made of a package.json.
struct Client {
    manifest: Object,
    raced: Vec<Raced>,
}

impl Rewrite {
    /// The file as it is.
    pub fn as_is(manifest: &[u8]) -> Self {
        Self::plain(AS_IS.to_owned(), manifest.to_vec())
    }

    fn plain(name: String, manifest: Vec<u8>) -> Self {
        Self {
            name,
            listed: manifest.clone(),
            manifest,
            bins_of_listed: false,
            licenses: Licenses::Never,
            edits: Edits::default(),
            is_cleaned: false,
            raced: Vec::new(),
        }
    }

    /// Whether the order of dependencies was taken from the published file.
    pub fn takes_order_over(&self) -> bool {
        self.name.contains(' ')
    }

    /// The package.json that says which files are executable.
    pub fn executables(&self) -> &[u8] {
        if self.bins_of_listed { &self.listed } else { &self.manifest }
    }

    /// The licence files of the root that the client adds to these files: paths in the package and
    /// contents.
    pub fn added<'w>(&self, workspace: &'w Workspace, listed: &[&str]) -> Vec<(&'w str, &'w [u8])> {
        let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_ascii_uppercase();
        let named = |name: &str| name == "LICENSE" || name == "LICENCE" || name.starts_with("LICENSE.") || name.starts_with("LICENCE.");
        let anywhere = |path: &&str| ["LICENSE", "LICENCE"].iter().any(|word| path.to_ascii_uppercase().contains(word));
        let wanted = match self.licenses {
            Licenses::Never => false,
            Licenses::UnlessAnywhere => !listed.iter().any(anywhere),
            Licenses::UnlessNamed | Licenses::UnlessNamedAnyCase => !listed.iter().any(|path| named(&base(path))),
            Licenses::UnlessInFolder => !listed.iter().any(|path| !path.contains('/') && named(&base(path))),
        };
        // The pattern of pnpm up to 11 minds case, lerna's and that of pnpm 12 do not.
        let any_case = matches!(self.licenses, Licenses::UnlessInFolder | Licenses::UnlessNamedAnyCase);
        let of_root = workspace.licenses.iter().filter(|(name, _)| any_case || named(name));
        let most = if self.licenses == Licenses::UnlessInFolder { 1 } else { usize::MAX };
        of_root.filter(|_| wanted).take(most).map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
    }

    /// Whether this is the published file; dependencies whose order was left to chance are put in
    /// the published order first.
    fn settles(&mut self, published: &[u8]) -> bool {
        if self.manifest == published {
            return true;
        }
        if self.raced.is_empty() {
            return false;
        }
        let Some(theirs) = json::parse(published) else { return false };
        let order_of = |field: &str| json::object(&theirs, field).map(|order| order.keys().cloned().collect());
        match self.drawn(&order_of) {
            Some(drawn) if drawn.0 == published => {
                (self.manifest, self.name) = drawn;
                true
            }
            _ => false,
        }
    }

    /// The file and the rewrite's name with the dependencies whose order was left to chance in
    /// these orders; `None` where there are too many of them.
    fn drawn(&self, order_of: &dyn Fn(&str) -> Option<Vec<String>>) -> Option<(Vec<u8>, String)> {
        if self.raced.iter().map(|raced| raced.names.len()).sum::<usize>() > MOST_RACED {
            return None;
        }
        let mut ours = json::parse(&self.manifest)?;
        let mut name = self.name.clone();
        for Raced { field, names } in &self.raced {
            let drawn: Vec<String> = order_of(field)?.into_iter().filter(|key| names.contains(key)).collect();
            let Some(Value::Object(ranges)) = ours.get_mut(*field) else { return None };
            if drawn.len() != names.len() {
                return None;
            }
            for key in &drawn {
                let range = json::remove(ranges, key)?;
                ranges.insert(key.clone(), range);
            }
            name = format!("{name} {field}={}", drawn.join(","));
        }
        Some((json::print(&ours, "  ").into_bytes(), name))
    }
}

/// The rewrite with a name that a recipe has; none where the file or what lies around it does not
/// allow it. Behind the steps, the name has the orders that were left to chance: ` field=a,b`.
pub fn by_name(era: &Era, manifest: &[u8], workspace: &Workspace, name: &str) -> Option<Rewrite> {
    let (steps, orders) = name.split_once(' ').unwrap_or((name, ""));
    let mut found = variants(era, manifest, workspace).into_iter().find(|one| one.name == steps)?;
    if !orders.is_empty() {
        let order_of = |field: &str| {
            let order = orders.split(' ').find_map(|order| order.strip_prefix(field)?.strip_prefix('='))?;
            Some(order.split(',').map(str::to_owned).collect())
        };
        (found.manifest, found.name) = found.drawn(&order_of)?;
    }
    (found.name == name).then_some(found)
}

/// The ways in which a package.json may have been published by the clients of an era, likeliest
/// first; as it is, is one of them.
pub fn candidates(era: &Era, manifest: &[u8], workspace: &Workspace) -> Vec<Rewrite> {
    let mut all = variants(era, manifest, workspace);
    let mut seen: Vec<(Vec<u8>, Edits)> = Vec::new();
    all.retain(|one| {
        let is_new = !seen.iter().any(|(manifest, edits)| (manifest, edits) == (&one.manifest, &one.edits));
        if is_new {
            seen.push((one.manifest.clone(), one.edits.clone()));
        }
        is_new
    });
    all
}

/// The same with those that come to the same: one for every release in the tables.
pub fn variants(era: &Era, manifest: &[u8], workspace: &Workspace) -> Vec<Rewrite> {
    let mut all = Vec::new();
    if manifest.len() <= LARGEST {
        let parsed = json::parse(manifest);
        if parsed.as_ref().is_some_and(|object| json::indentation(object, "  ") > LARGEST) {
            return vec![Rewrite::as_is(manifest)];
        }
        let own = parsed.and_then(|object| json::text(&object, "version").map(str::to_owned));
        let has_version = own.as_ref() == Some(&workspace.version);
        let around = Around { era, workspace, own: own.as_deref() };
        if has_version {
            prepared(around, &[], manifest, &mut all);
        }
        for released in release::released(manifest, &workspace.version) {
            prepared(around, &[released.name], &released.bytes, &mut all);
        }
        if !has_version {
            prepared(around, &[], manifest, &mut all);
        }
    }
    all.push(Rewrite::as_is(manifest));
    all
}

/// Of the candidates the one that is the published file, and agrees with what else was published,
/// or else the likeliest.
pub fn choose(mut candidates: Vec<Rewrite>, published: Option<&[u8]>, seen: Seen<'_>) -> Option<Rewrite> {
    let of = |published: &[u8], candidates: &mut Vec<Rewrite>| {
        let both = candidates.iter_mut().position(|one| one.edits.agree_with(seen) && one.settles(published));
        both.or_else(|| candidates.iter_mut().position(|one| one.settles(published)))
    };
    let at = published.and_then(|published| of(published, &mut candidates)).unwrap_or(0);
    (at < candidates.len()).then(|| candidates.swap_remove(at))
}

/// What counts for a rewrite beside the file.
#[derive(Clone, Copy)]
struct Around<'a> {
    era: &'a Era,
    workspace: &'a Workspace,
    /// The version that the tree has.
    own: Option<&'a str>,
}

/// Without a tool, then with each; and what the client makes of it.
fn prepared(around: Around<'_>, steps: &[&str], bytes: &[u8], all: &mut Vec<Rewrite>) {
    // Each is as large as the file: nobody waits for more of them once the run is over.
    if patience::is_over() {
        return;
    }
    let cleaned = tools::cleaned(bytes, around.workspace);
    for one in &cleaned {
        let from = all.len();
        published(around, &[steps, &[one.name]].concat(), &one.bytes, all);
        for rewrite in all.iter_mut().skip(from) {
            rewrite.edits = one.edits.clone();
            rewrite.is_cleaned = true;
        }
    }
    published(around, steps, bytes, all);
}

/// What the client makes of the file, and the file as it is: npm and yarn 1, and with them every
/// client without a rule here, pack it as the tools left it; so does lerna where it is told to.
fn published(around: Around<'_>, steps: &[&str], bytes: &[u8], all: &mut Vec<Rewrite>) {
    let Around { era, workspace, own } = around;
    let Some(source) = json::parse(bytes).filter(|_| !patience::is_over()) else { return };
    let as_left = Rewrite::plain(if steps.is_empty() { AS_IS.to_owned() } else { steps.join("+") }, bytes.to_vec());
    // Where the tree has the published version, two assumptions about the others' versions are one.
    let versions: &[Versions] = if own == Some(&workspace.version) { &[Versions::Tree] } else { &[Versions::Tree, Versions::Together] };
    let mut clients = Vec::new();
    for versions in versions {
        let to = Resolver { workspace, versions: *versions, own };
        let from = clients.len();
        match era.id.split_once('-').map(|(client, _)| client) {
            Some("pnpm") => pnpm_clients(era, bytes, &source, to, &mut clients),
            Some("berry") => berry_clients(era, bytes, &source, to, &mut clients),
            Some("bun") => bun_clients(bytes, to, &mut clients),
            _ => npm_clients(bytes, &source, to, &mut clients),
        }
        for client in clients.iter_mut().skip(from) {
            let together = (*versions == Versions::Together).then_some("released-together");
            client.name = steps.iter().copied().chain(together).chain([client.name.as_str()]).collect::<Vec<_>>().join("+");
        }
    }
    if crate::rewrites_manifest(era) {
        all.extend(clients);
        all.push(as_left);
    } else {
        all.push(as_left);
        all.extend(clients);
    }
}

fn pnpm_clients(era: &Era, bytes: &[u8], source: &Object, to: Resolver<'_>, clients: &mut Vec<Rewrite>) {
    for release in pnpm::releases(era.id).iter().take_while(|_| !patience::is_over()) {
        let Ok(Client { manifest, raced }) = pnpm::rewrite(source, release, to) else { continue };
        let manifest = json::print(&manifest, "  ").into_bytes();
        let listed = if release.lists_from_disk() { bytes.to_vec() } else { manifest.clone() };
        let licenses = pnpm_licenses(era, to.workspace);
        clients.push(Rewrite { listed, licenses, raced, ..Rewrite::plain(release.name.to_owned(), manifest) });
    }
}

fn berry_clients(era: &Era, bytes: &[u8], source: &Object, to: Resolver<'_>, clients: &mut Vec<Rewrite>) {
    for (step, source) in [("", source), ("yarn-install+", &berry::installed(source))] {
        for release in berry::releases(era.id) {
            let Ok(manifest) = berry::rewrite(source, *release, to) else { continue };
            let rewrite = Rewrite::plain(format!("{step}{}", release.name), json::print(&manifest, "  ").into_bytes());
            clients.push(Rewrite { listed: bytes.to_vec(), bins_of_listed: true, ..rewrite });
        }
    }
}

fn bun_clients(bytes: &[u8], to: Resolver<'_>, clients: &mut Vec<Rewrite>) {
    for (name, early) in [("bun-1-4", false), ("bun-1", true)] {
        let Ok(manifest) = bun::rewrite(bytes, early, to) else { continue };
        clients.push(Rewrite { listed: bytes.to_vec(), bins_of_listed: true, ..Rewrite::plain(name.to_owned(), manifest) });
    }
}

/// Clients that rewrite the file on disk and then pack as npm does.
fn npm_clients(bytes: &[u8], source: &Object, to: Resolver<'_>, clients: &mut Vec<Rewrite>) {
    for (name, git_head) in [("lerna", true), ("lerna-without-git", false)] {
        let Ok(manifest) = lerna::rewrite(bytes, source, git_head, to) else { continue };
        let licenses = if to.workspace.lerna { Licenses::UnlessInFolder } else { Licenses::Never };
        clients.push(Rewrite { licenses, ..Rewrite::plain(name.to_owned(), manifest) });
    }
    if to.workspace.pnpm
        && let Ok(client) = pnpm::rewrite(source, &pnpm::BEFORE_6_20, to)
    {
        let text = json::print(&client.manifest, &lerna::indentation(&String::from_utf8_lossy(bytes)));
        clients.push(Rewrite::plain(pnpm::BEFORE_6_20.name.to_owned(), (text + "\n").into_bytes()));
    }
}

fn pnpm_licenses(era: &Era, workspace: &Workspace) -> Licenses {
    match era.id {
        _ if !workspace.pnpm => Licenses::Never,
        "pnpm-11-28" => Licenses::UnlessNamed,
        id if id.starts_with("pnpm-12-") => Licenses::UnlessNamedAnyCase,
        _ => Licenses::UnlessAnywhere,
    }
}

#[cfg(test)]
mod tests;
