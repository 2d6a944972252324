//! The fields of a manifest that may name a repository.

use serde_json::Value;

use super::error::{AddressError, quoted};
use super::{Address, Kind, clean, hosts, parse, parse_with, split};

/// The field that an address was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeclaredIn {
    /// `repository` (or its old plural).
    Repository,
    /// `homepage`: only a repository's page on a known code host.
    Homepage,
    /// `bugs`: only a repository's issue tracker on a known code host.
    Bugs,
}

/// The repository that a manifest declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Where it is.
    pub address: Address,
    /// Which field says so.
    pub from: DeclaredIn,
    /// What was declared besides and cannot be used: a directory outside the repository, a
    /// `repository` that names none.
    pub ignored: Vec<AddressError>,
}

/// The repository that a manifest declares: `repository`, or, where that names nothing, `homepage`
/// or `bugs`.
///
/// `Ok(None)`: no field names one. An error: `repository` names something that is not fetched, or
/// nothing readable with no other field to help.
pub fn declared(manifest: &Value) -> Result<Option<Declared>, AddressError> {
    declared_with(manifest, &|_| false)
}

/// [`declared`], for a user whose configuration leads somewhere from addresses that are refused
/// otherwise (see [`parse_with`]).
pub fn declared_with(manifest: &Value, led_to: &dyn Fn(&str) -> bool) -> Result<Option<Declared>, AddressError> {
    let unread = match repository(manifest, led_to) {
        Ok(Some((address, ignored))) => return Ok(Some(Declared { address, from: DeclaredIn::Repository, ignored })),
        Ok(None) => None,
        Err(error) if error.names_nothing() => Some(error),
        Err(error) => return Err(error),
    };
    let homepage = || Some((from_homepage(text_of(manifest.get("homepage")?)?)?, DeclaredIn::Homepage));
    let bugs = || Some((from_bugs(text_of(manifest.get("bugs")?)?)?, DeclaredIn::Bugs));
    match (homepage().or_else(bugs), unread) {
        (Some((address, from)), unread) => Ok(Some(Declared { address, from, ignored: unread.into_iter().collect() })),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(None),
    }
}

/// A home page that is the page of a repository on a known code host.
pub fn from_homepage(text: &str) -> Option<Address> {
    let mut address = parse(text).ok()?;
    let known = hosts::identify(&address.host).https && !matches!(address.kind, Kind::Other | Kind::Gist);
    // `docs/index.html` in this field is not GitHub's `docs/index.html`.
    let names_host = text.contains("://") || text.to_ascii_lowercase().contains(&address.host);
    if !known || !names_host {
        return None;
    }
    // A page's anchor is no reference.
    if text.contains('#') {
        address.reference = None;
    }
    Some(address)
}

/// An issue tracker that belongs to a repository on a known code host.
pub fn from_bugs(text: &str) -> Option<Address> {
    let mut address = from_homepage(text)?;
    address.reference = None;
    address.directory = None;
    Some(address)
}

type Found = (Address, Vec<AddressError>);

fn repository(manifest: &Value, led_to: &dyn Fn(&str) -> bool) -> Result<Option<Found>, AddressError> {
    // npm up to 2 took the plural; registries kept it as it was published.
    let field = manifest.get("repository").filter(|value| !is_empty(value)).or_else(|| manifest.get("repositories"));
    match field {
        None => Ok(None),
        Some(Value::Array(list)) => first_of(list, led_to),
        Some(value) => one(value, led_to),
    }
}

/// A list was allowed once: the first that can be used, else the first one's error.
fn first_of(list: &[Value], led_to: &dyn Fn(&str) -> bool) -> Result<Option<Found>, AddressError> {
    const READ: usize = 16;
    let mut first_error = None;
    for value in list.iter().take(READ) {
        match one(value, led_to) {
            Ok(Some(found)) => return Ok(Some(found)),
            Ok(None) => {}
            Err(error) => {
                first_error.get_or_insert(error);
            }
        }
    }
    first_error.map_or(Ok(None), Err)
}

fn one(value: &Value, led_to: &dyn Fn(&str) -> bool) -> Result<Option<Found>, AddressError> {
    if is_empty(value) {
        return Ok(None);
    }
    let Some(text) = text_of(value) else {
        return Err(split::unreadable(&quoted(&value.to_string())));
    };
    // `"type": "hg"` beside the address of a host that has only git is a mistake; elsewhere it is
    // taken at its word.
    let system = value.get("type").and_then(Value::as_str).and_then(split::other_system);
    let parsed = parse_with(text, led_to);
    if let Some(system) = system
        && !parsed.as_ref().is_ok_and(|address| hosts::identify(&address.host).https)
    {
        return Err(AddressError::NotGit { system });
    }
    let mut address = parsed?;
    let mut ignored = Vec::new();
    match value.get("directory").and_then(Value::as_str).map(clean::directory) {
        Some(Ok(Some(directory))) => address.directory = Some(directory),
        Some(Err(error)) => ignored.push(error),
        Some(Ok(None)) | None => {}
    }
    Ok(Some((address, ignored)))
}

/// The address in a string or in an object's `url`.
fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Object(fields) => fields.get("url").and_then(Value::as_str),
        Value::Array(list) => list.first().and_then(Value::as_str),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => match fields.get("url") {
            None => true,
            Some(url) => url.is_null() || url.as_str().is_some_and(|text| text.trim().is_empty()),
        },
        Value::Number(_) => false,
    }
}
