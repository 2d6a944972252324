//! A version that a registry keeps back until its publisher approves it (`npm stage`, `pnpm
//! stage`), before anybody can install it.
//!
//! In: a package's name, or a stage's number. Out: what is staged ([`Staged`]), what the registry
//! shows of one, and the tarball. The protocol is that of npm 11.15 and later:
//! `-/stage?package=<name>` in pages, `-/stage/<id>` and `-/stage/<id>/tarball`, with the
//! publisher's credentials. Nothing is approved or rejected here.

use std::collections::BTreeSet;

use serde_json::Value;
use url::Url;

use http::{Cancel, Client, HttpError, Request, Trust};
use npm_registry::{Hasher, Integrity, confusion};
use npm_spec::PackageName;
use verdict::diagnostic::{Diagnostic, Stage};

/// Stages on one page, as npm asks for it. A registry may give fewer.
const PER_PAGE: usize = 100;
/// Most pages that are read.
const MAX_PAGES: usize = 100;
/// Largest list, and largest tarball, in bytes.
const MAX_LIST: u64 = 8 << 20;
const MAX_TARBALL: u64 = 512 << 20;
/// How deep in what a registry shows of a stage a version's metadata may stand.
const MAX_DEPTH: usize = 3;
/// Digits and hyphens of a stage's number.
const UUID: usize = 36;
/// Digits of a sha1 in hex.
const SHA1: usize = 40;
/// The fields of a version that installers obey, besides its name, its version and its hashes.
const OBEYED: [&str; 25] = [
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "devDependencies",
    "acceptDependencies",
    "dependenciesMeta",
    "bundleDependencies",
    "bundledDependencies",
    "bin",
    "directories",
    "scripts",
    "engines",
    "config",
    "os",
    "cpu",
    "libc",
    "main",
    "flat",
    "gypfile",
    "hasInstallScript",
    "_hasShrinkwrap",
    "_shrinkwrap",
    "_bundled",
    "gitHead",
];
/// The state of a stage that can be approved.
const WAITING: &str = "pending";

/// Why a stage could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StageError {
    /// The registry has no stage of this name or number.
    #[error("nothing is staged as {what} in the registry {registry}")]
    NotFound {
        /// What was asked for.
        what: String,
        /// Registry.
        registry: String,
    },
    /// 401 or 403.
    #[error("the registry {registry} does not let us see what is staged as {what} ({status})")]
    NotAllowed {
        /// What was asked for.
        what: String,
        /// Registry.
        registry: String,
        /// 401 or 403.
        status: u16,
    },
    /// The answer is not one about stages.
    #[error("the registry's list of stages cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The tarball is not the one that the stage tells of.
    #[error("the tarball of the stage {id} does not match the registry: {reason}")]
    Mismatch {
        /// The stage.
        id: String,
        /// What differs.
        reason: String,
    },
    /// Any other failure of the network.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl Diagnostic for StageError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "stage-not-found",
            Self::NotAllowed { .. } => "stage-not-allowed",
            Self::Unreadable { .. } => "stage-unreadable",
            Self::Mismatch { .. } => "stage-mismatch",
            Self::Http(error) => error.code(),
        }
    }

    fn stage(&self) -> Stage {
        Stage::Resolve
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { what, .. } if !is_number(what) && what.trim_start_matches('@').contains('@') => {
                Some("name the package, without a version for all that is staged, or a stage's id".into())
            }
            Self::NotFound { .. } => Some("`npm stage list` (or pnpm's) shows what is staged; `npm stage publish` stages a package".into()),
            Self::NotAllowed { .. } => Some("log in as the publisher: `npm login`, or a token in .npmrc".into()),
            Self::Unreadable { .. } => Some("check whether the registry supports stages: `npm stage list`".into()),
            Self::Mismatch { .. } => Some("do not approve it; reject it and stage the package again".into()),
            Self::Http(error) => error.hint(),
        }
    }
}

/// One version that is kept back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Its number, a UUID.
    pub id: String,
    /// The package's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// sha1 of the tarball, in hex.
    pub shasum: Option<String>,
    /// When it was staged.
    pub created: Option<String>,
    /// The commit, if the registry tells it.
    pub git_head: Option<String>,
    /// What the registry says of its state, if it is another than that it waits: `pending`.
    pub state: Option<String>,
    /// The address of its tarball.
    pub tarball: Url,
}

impl Staged {
    /// Whether another answer is about the same: all that both of them say.
    fn is_same(&self, other: &Self) -> bool {
        let agree = |one: &Option<String>, other: &Option<String>| one.is_none() || other.is_none() || one == other;
        let named = (&self.id, &self.name, &self.version, &self.shasum) == (&other.id, &other.name, &other.version, &other.shasum);
        named && agree(&self.created, &other.created) && agree(&self.git_head, &other.git_head)
    }
}

/// Whether a word is a stage's number; else it is a package's name.
pub fn is_number(word: &str) -> bool {
    word.len() == UUID
        && word.bytes().enumerate().all(|(at, byte)| if matches!(at, 8 | 13 | 18 | 23) { byte == b'-' } else { byte.is_ascii_hexdigit() })
}

/// A package's name, and the version that is wanted of it; a stage's number is no name with one.
pub fn named(word: &str) -> (&str, Option<&str>) {
    let at = word.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    match at.and_then(|at| Some((word.get(..at)?, word.get(at + 1..)?))) {
        Some((name, version)) => (name, Some(version)),
        None => (word, None),
    }
}

/// What is staged under a name, a name with a version or a number, in the registry's order; at
/// least one. A list counts only if all of it was read.
pub async fn find(client: &Client, registry: &Url, word: &str, cancel: &Cancel) -> Result<Vec<Staged>, StageError> {
    let (name, version) = named(word);
    let items = if is_number(word) {
        vec![ask(client, registry, (&format!("-/stage/{word}"), &[]), word, cancel).await?]
    } else {
        listed(client, registry, name, cancel).await?
    };
    let staged: Result<Vec<Staged>, StageError> = items.iter().map(|item| read(item, registry)).collect();
    let staged: Vec<Staged> = staged?
        .into_iter()
        .filter(|staged| staged.id == word || staged.name == name && version.is_none_or(|version| staged.version == version))
        .collect();
    if staged.is_empty() { Err(StageError::NotFound { what: word.to_owned(), registry: registry.to_string() }) } else { Ok(staged) }
}

/// All items of a package's list, page after page as npm reads them, until there are as many as the
/// registry says that there are.
async fn listed(client: &Client, registry: &Url, name: &str, cancel: &Cancel) -> Result<Vec<Value>, StageError> {
    let (mut items, mut seen) = (Vec::new(), BTreeSet::new());
    for page in 0..MAX_PAGES {
        let query = [("page", page.to_string()), ("perPage", PER_PAGE.to_string()), ("package", name.to_owned())];
        let mut said = ask(client, registry, ("-/stage", &query), name, cancel).await?;
        let total = said.get("total").and_then(Value::as_u64).map(|total| usize::try_from(total).unwrap_or(usize::MAX));
        let Some(Value::Array(more)) = said.get_mut("items").map(Value::take) else {
            return Err(unreadable("there is no list in it"));
        };
        if let Some(twice) = more.iter().filter_map(|item| item.get("id")?.as_str()).find(|id| !seen.insert((*id).to_owned())) {
            // A registry that knows no pages, or a list that changed meanwhile: something else may
            // be missing.
            return Err(unreadable(&format!("the stage {twice} is in its list twice")));
        }
        let count = more.len();
        items.extend(more);
        match total {
            Some(total) if items.len() >= total => return Ok(items),
            None if count < PER_PAGE => return Ok(items),
            Some(total) if count == 0 => return Err(unreadable(&format!("its list ends after {} of {total} stages", items.len()))),
            _ => {}
        }
    }
    Err(unreadable(&format!("its list has more than {MAX_PAGES} pages")))
}

/// What the registry shows of the version of a stage, as installers would read it once it is
/// approved, each time that it stands there; nothing if it shows nothing. An error where two of
/// them ask for something else, or where the stage is another one than in the list.
pub async fn metadata(client: &Client, registry: &Url, staged: &Staged, cancel: &Cancel) -> Result<Vec<Value>, StageError> {
    let item = ask(client, registry, (&format!("-/stage/{}", staged.id), &[]), &staged.id, cancel).await?;
    if !staged.is_same(&read(&item, registry)?) {
        return Err(mismatch(staged, "it is another one than in the list".into()));
    }
    let mut shown = Vec::new();
    show(&item, &staged.version, MAX_DEPTH, &mut shown);
    let own = serde_json::json!({ "name": staged.name, "version": staged.version });
    if shown.iter().any(|one| !confusion::same_identity(&own, one)) {
        return Err(mismatch(staged, "the registry's answer says two things of its name or version".into()));
    }
    let first = shown.first().copied().unwrap_or(&own);
    match shown.iter().find_map(|other| told_otherwise(first, other)) {
        Some(field) => Err(mismatch(staged, format!("the registry's answer says two things of its {field}"))),
        None => Ok(shown.into_iter().cloned().collect()),
    }
}

/// The field that installers obey and of which two objects of one version say something else.
fn told_otherwise(one: &Value, other: &Value) -> Option<&'static str> {
    let said = |value: &Value, field: &str| value.get(field).filter(|said| !said.is_null()).cloned();
    OBEYED.into_iter().find(|field| said(one, field) != said(other, field))
}

/// The version's own objects in what a registry shows: in `versions`, which installers read, under
/// `manifest`, or an object of a `name` with a `dist`. The protocol has no place for it. What is
/// within one of them may be the publisher's.
fn show<'a>(value: &'a Value, version: &str, depth: usize, shown: &mut Vec<&'a Value>) {
    let Some(members) = value.as_object().filter(|_| depth > 0) else { return };
    if value.get("dist").is_some() && value.get("name").is_some() {
        return shown.push(value);
    }
    for (key, inner) in members {
        match key.as_str() {
            "manifest" if inner.is_object() => shown.push(inner),
            "versions" => shown.extend(inner.get(version).filter(|one| one.is_object())),
            _ => show(inner, version, depth - 1, shown),
        }
    }
}

/// Asks the registry for a document about stages.
async fn ask(
    client: &Client,
    registry: &Url,
    (path, query): (&str, &[(&str, String)]),
    what: &str,
    cancel: &Cancel,
) -> Result<Value, StageError> {
    let mut url = registry.join(path).map_err(|error| unreadable(&error.to_string()))?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    let request = Request::get(url, Trust::Registry).max_body(MAX_LIST).cancelled_by(cancel);
    let (_, bytes) = client.get_bytes(&request).await.map_err(|error| explained(error, what, registry))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(reason: &str) -> StageError {
    StageError::Unreadable { reason: reason.to_owned() }
}

/// The bytes of a stage's tarball, of which the registry said the hash.
pub async fn download(client: &Client, registry: &Url, staged: &Staged, cancel: &Cancel) -> Result<Vec<u8>, StageError> {
    let request = Request::get(staged.tarball.clone(), Trust::Registry).max_body(MAX_TARBALL).uncompressed().cancelled_by(cancel);
    let (_, bytes) = client.get_bytes(&request).await.map_err(|error| explained(error, &staged.id, registry))?;
    let mut hasher = Hasher::new(None);
    hasher.update(&bytes);
    let shasum = hasher.finish().shasum();
    match &staged.shasum {
        Some(promised) if !promised.eq_ignore_ascii_case(&shasum) => Err(mismatch(staged, format!("its sha1 is {shasum}, not {promised}"))),
        _ => Ok(bytes),
    }
}

/// An error where a stage's tarball is another one than any of its metadata promises to installers.
pub fn check(bytes: &[u8], staged: &Staged, shown: &[Value]) -> Result<(), StageError> {
    let said = |field: &'static str| shown.iter().filter_map(move |one| one.pointer(field).filter(|said| !said.is_null()));
    let mut hasher = Hasher::new(None);
    hasher.update(bytes);
    let shasum = hasher.finish().shasum();
    if let Some(other) = said("/dist/shasum").find(|said| !said.as_str().is_some_and(|said| said.eq_ignore_ascii_case(&shasum))) {
        return Err(mismatch(staged, format!("its sha1 is {shasum}, not {other}")));
    }
    for stated in said("/dist/integrity") {
        let Some(promised) = stated.as_str().and_then(Integrity::parse) else {
            return Err(mismatch(staged, format!("its integrity cannot be read: {stated}")));
        };
        let mut hasher = Hasher::new(Some(&promised));
        hasher.update(bytes);
        if let Some(actual) = hasher.finish().mismatch(&promised) {
            return Err(mismatch(staged, format!("its hash is {actual}, not {}", promised.text())));
        }
    }
    Ok(())
}

fn mismatch(staged: &Staged, reason: String) -> StageError {
    StageError::Mismatch { id: staged.id.clone(), reason }
}

fn explained(error: HttpError, what: &str, registry: &Url) -> StageError {
    let (what, registry) = (what.to_owned(), registry.to_string());
    match error {
        HttpError::Status { status: 404 | 410, .. } => StageError::NotFound { what, registry },
        HttpError::Status { status: status @ (401 | 403), .. } => StageError::NotAllowed { what, registry, status },
        error => error.into(),
    }
}

fn read(item: &Value, registry: &Url) -> Result<Staged, StageError> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    let missing = |what: &str| StageError::Unreadable { reason: format!("a stage has no readable {what}") };
    let id = text("id").filter(|id| is_number(id)).ok_or_else(|| missing("id"))?;
    let name = text("packageName").filter(|name| PackageName::parse(name).is_ok()).ok_or_else(|| missing("packageName"))?;
    let version = text("version").filter(|version| npm_spec::version::parse(version).is_some()).ok_or_else(|| missing("version"))?;
    let tarball = registry.join(&format!("-/stage/{id}/tarball")).map_err(|_| missing("address"))?;
    let git_head = text("gitHead").filter(|head| matches!(head.len(), 40 | 64) && head.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let shasum = match item.get("shasum").filter(|said| !said.is_null()) {
        None => None,
        Some(said) => Some(said.as_str().filter(|said| is_sha1(said)).ok_or_else(|| missing("shasum"))?.to_owned()),
    };
    let state = item.get("status").filter(|said| !said.is_null()).map(|said| said.as_str().map_or_else(|| said.to_string(), str::to_owned));
    let state = state.filter(|state| state != WAITING);
    Ok(Staged { id, name, version, shasum, created: text("createdAt"), git_head, state, tarball })
}

fn is_sha1(text: &str) -> bool {
    text.len() == SHA1 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b5e6c2e-6f0f-4a53-9d21-0c1f6a1f9a11";

    #[test]
    fn a_number_is_a_uuid_and_anything_else_a_name() {
        assert!(is_number(ID));
        for name in ["semver", "@a/b", "0b5e6c2e6f0f4a539d210c1f6a1f9a11", "0b5e6c2e-6f0f-4a53-9d21-0c1f6a1f9a1;", ""] {
            assert!(!is_number(name), "{name}");
        }
    }

    #[test]
    fn a_name_may_have_a_version() {
        for (word, name, version) in [
            ("a", "a", None),
            ("a@1.0.0", "a", Some("1.0.0")),
            ("@a/b", "@a/b", None),
            ("@a/b@1.0.0", "@a/b", Some("1.0.0")),
            (ID, ID, None),
        ] {
            assert_eq!(named(word), (name, version));
        }
    }

    #[test]
    fn all_that_a_registry_shows_of_the_version_is_found_and_nothing_within_it() {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (item, of) in [
            (r#"{"id":"x","packageName":"a","version":"1.0.0","shasum":"s"}"#, vec![]),
            (r#"{"manifest":"text","tag":{"manifest":[]}}"#, vec![]),
            (r#"{"manifest":{"of":1},"versions":{"1.0.0":{"of":2}}}"#, vec![1, 2]),
            (r#"{"manifest":{"of":1}}"#, vec![1]),
            (r#"{"document":{"versions":{"1.0.0":{"of":1},"2.0.0":{"of":2}}},"manifest":{"of":3}}"#, vec![1, 3]),
            (r#"{"package":{"name":"a","dist":{},"of":1,"manifest":{"of":2}}}"#, vec![1]),
            (r#"{"document":{"name":"a","versions":{"1.0.0":{"of":1,"manifest":{"of":3}}}}}"#, vec![1]),
            (r#"{"a":{"b":{"c":{"manifest":{"of":1}}}}}"#, vec![]),
        ] {
            let (item, mut found) = (json(item), Vec::new());
            show(&item, "1.0.0", MAX_DEPTH, &mut found);
            let found: Vec<u64> = found.iter().filter_map(|one| one.get("of")?.as_u64()).collect();
            assert_eq!(found, of, "{item}");
        }
    }

    #[test]
    fn a_stage_that_could_not_be_typed_again_is_not_read() {
        let registry = Url::parse("https://registry.example/").unwrap();
        let item = |id: &str, name: &str, version: &str| serde_json::json!({ "id": id, "packageName": name, "version": version });
        let staged = read(&item(ID, "@a/b", "1.0.0"), &registry).unwrap();
        assert_eq!(staged.tarball.as_str(), format!("https://registry.example/-/stage/{ID}/tarball"));
        for wrong in [item("x; rm", "a", "1.0.0"), item(ID, "../a", "1.0.0"), item(ID, "a", "latest"), Value::Null] {
            assert!(matches!(read(&wrong, &registry), Err(StageError::Unreadable { .. })), "{wrong}");
        }
        let with = |key: &str, value: Value| {
            let mut item = item(ID, "a", "1.0.0");
            item[key] = value;
            read(&item, &registry)
        };
        for wrong in [Value::from(1), "".into(), "0123".into(), "z".repeat(40).into()] {
            assert!(matches!(with("shasum", wrong.clone()), Err(StageError::Unreadable { .. })), "{wrong}");
        }
        assert_eq!(with("shasum", "a".repeat(40).into()).unwrap().shasum.as_deref(), Some("a".repeat(40).as_str()));
        for (status, state) in [("pending".into(), None), ("approved".into(), Some("approved")), (Value::Null, None), (1.into(), Some("1"))]
        {
            assert_eq!(with("status", status).unwrap().state.as_deref(), state);
        }
    }
}
