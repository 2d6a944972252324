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
use npm_registry::{Hasher, Integrity};
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
    /// The address of its tarball.
    pub tarball: Url,
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
/// approved; `None` if it shows nothing.
pub async fn metadata(client: &Client, registry: &Url, staged: &Staged, cancel: &Cancel) -> Result<Option<Value>, StageError> {
    let item = ask(client, registry, (&format!("-/stage/{}", staged.id), &[]), &staged.id, cancel).await?;
    let now = read(&item, registry)?;
    if (&now.id, &now.name, &now.version, &now.shasum) != (&staged.id, &staged.name, &staged.version, &staged.shasum) {
        return Err(StageError::Mismatch { id: staged.id.clone(), reason: "it is another one than in the list".into() });
    }
    Ok(shown(&item, &staged.version).cloned())
}

/// The version's own object in what a registry shows: in `versions`, which installers read, under
/// `manifest`, or an object of a `name` with a `dist`. The protocol has no place for it. What
/// stands further out counts first, since what is within may be the publisher's.
fn shown<'a>(item: &'a Value, version: &str) -> Option<&'a Value> {
    let mut level = vec![item];
    for _ in 0..MAX_DEPTH {
        let found = level.iter().find_map(|value| {
            let itself = Some(*value).filter(|value| value.get("dist").is_some() && value.get("name").is_some());
            let inside = [value.get("versions").and_then(|all| all.get(version)), value.get("manifest"), itself];
            inside.into_iter().flatten().find(|one| one.is_object())
        });
        if found.is_some() {
            return found;
        }
        level = level.into_iter().filter_map(Value::as_object).flat_map(serde_json::Map::values).collect();
    }
    None
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
        Some(promised) if !promised.eq_ignore_ascii_case(&shasum) => {
            Err(StageError::Mismatch { id: staged.id.clone(), reason: format!("its sha1 is {shasum}, not {promised}") })
        }
        _ => Ok(bytes),
    }
}

/// An error where a stage's tarball is another one than its metadata promises to installers.
pub fn check(bytes: &[u8], staged: &Staged, promised: Option<&Integrity>) -> Result<(), StageError> {
    let Some(promised) = promised else { return Ok(()) };
    let mut hasher = Hasher::new(Some(promised));
    hasher.update(bytes);
    match hasher.finish().mismatch(promised) {
        Some(actual) => {
            Err(StageError::Mismatch { id: staged.id.clone(), reason: format!("its hash is {actual}, not {}", promised.text()) })
        }
        None => Ok(()),
    }
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
    Ok(Staged { id, name, version, shasum: text("shasum"), created: text("createdAt"), git_head, tarball })
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
    fn what_a_registry_shows_of_the_version_is_found_where_it_stands_furthest_out() {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (item, of) in [
            (r#"{"id":"x","packageName":"a","version":"1.0.0","shasum":"s"}"#, None),
            (r#"{"manifest":"text","tag":{"manifest":[]}}"#, None),
            (r#"{"manifest":{"of":1},"versions":{"1.0.0":{"of":2}}}"#, Some(2)),
            (r#"{"manifest":{"of":1}}"#, Some(1)),
            (r#"{"document":{"versions":{"1.0.0":{"of":1},"2.0.0":{"of":2}}}}"#, Some(1)),
            (r#"{"package":{"name":"a","dist":{},"of":1}}"#, Some(1)),
            (r#"{"document":{"name":"a","readme":{"manifest":{"of":2}},"versions":{"1.0.0":{"of":1,"manifest":{"of":3}}}}}"#, Some(1)),
        ] {
            assert_eq!(shown(&json(item), "1.0.0").and_then(|one| one.get("of")?.as_u64()), of, "{item}");
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
    }
}
