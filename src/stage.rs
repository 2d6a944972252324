//! A version that a registry keeps back until its publisher approves it (`npm stage`, `pnpm stage`), before anybody can install it.
//!
//! In: a package's name, or a stage's number. Out: what is staged ([`Staged`]), and the tarball. The protocol is that of npm 11.15 and
//! later: `-/stage?package=<name>`, `-/stage/<id>` and `-/stage/<id>/tarball`, with the publisher's credentials. Nothing is approved
//! or rejected here.

use serde_json::Value;
use url::Url;

use http::{Cancel, Client, HttpError, Request, Trust};
use npm_registry::Hasher;
use npm_spec::PackageName;
use verdict::diagnostic::{Diagnostic, Stage};

/// Most stages of one package that are looked at: one page, as npm asks for it.
const MAX_STAGES: usize = 100;
/// Largest list, and largest tarball, in bytes.
const MAX_LIST: u64 = 8 << 20;
const MAX_TARBALL: u64 = 512 << 20;
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
    #[error("what the registry says of its stages cannot be read: {reason}")]
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The tarball is not the one that the stage tells of.
    #[error("the tarball of the stage {id} is not what the registry says of it: {reason}")]
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
            Self::NotFound { .. } => Some("`npm stage list` shows what is staged; `npm stage publish` stages a package".into()),
            Self::NotAllowed { .. } => Some("log in as the publisher: `npm login`, or a token in .npmrc".into()),
            Self::Unreadable { .. } => Some("look whether the registry has stages at all: `npm stage list`".into()),
            Self::Mismatch { .. } => Some("do not approve it; reject it and stage the package anew".into()),
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

/// What is staged under a name or a number, in the registry's order; at least one.
pub async fn find(client: &Client, registry: &Url, word: &str, cancel: &Cancel) -> Result<Vec<Staged>, StageError> {
    let unreadable = |reason: String| StageError::Unreadable { reason };
    let mut url = registry.join("-/stage").map_err(|error| unreadable(error.to_string()))?;
    if is_number(word) {
        url = registry.join(&format!("-/stage/{word}")).map_err(|error| unreadable(error.to_string()))?;
    } else {
        url.query_pairs_mut().append_pair("page", "0").append_pair("perPage", &MAX_STAGES.to_string()).append_pair("package", word);
    }
    let request = Request::get(url, Trust::Registry).max_body(MAX_LIST).cancelled_by(cancel);
    let (_, bytes) = client.get_bytes(&request).await.map_err(|error| explained(error, word, registry))?;
    let said: Value = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    let items = match said.get("items") {
        Some(Value::Array(items)) => items.as_slice(),
        None if is_number(word) => std::slice::from_ref(&said),
        _ => return Err(unreadable("there is no list in it".into())),
    };
    let staged: Result<Vec<Staged>, StageError> = items.iter().take(MAX_STAGES).map(|item| read(item, registry)).collect();
    let staged: Vec<Staged> = staged?.into_iter().filter(|staged| staged.id == word || staged.name == word).collect();
    if staged.is_empty() { Err(StageError::NotFound { what: word.to_owned(), registry: registry.to_string() }) } else { Ok(staged) }
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
            Err(StageError::Mismatch { id: staged.id.clone(), reason: format!("its sha1 is {shasum}, and not {promised}") })
        }
        _ => Ok(bytes),
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
    let missing = |what: &str| StageError::Unreadable { reason: format!("a stage has no {what} that can be read") };
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
