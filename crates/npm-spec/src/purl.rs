//! Package URLs of type npm (purl specification 1.0):
//! `pkg:npm/%40scope/name@1.2.3?repository_url=…`.

use url::{Url, form_urlencoded};

use super::percent::strictly_decoded;
use super::{Checksum, PackageName, SpecError, Target, Wanted};

/// The algorithms of a checksum, each with the length of its hex.
const ALGORITHMS: [(&str, usize); 3] = [("sha1", 40), ("sha256", 64), ("sha512", 128)];

/// Reads a purl; qualifiers other than `repository_url` and `checksum`, and the subpath, say
/// nothing about which package it is.
pub(super) fn parse(text: &str) -> Result<Target, SpecError> {
    let rest = text.split_once(':').map_or("", |(_, rest)| rest).trim_start_matches('/');
    let rest = rest.rsplit_once('#').map_or(rest, |(rest, _)| rest);
    let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
    let (kind, path) = rest.split_once('/').ok_or(SpecError::Purl("it has no package name"))?;
    if !kind.eq_ignore_ascii_case("npm") {
        return Err(SpecError::Purl("its type is not npm"));
    }
    let path = path.trim_matches('/');
    // A scope that was not encoded begins with an @ of its own.
    let (path, version) = match path.rsplit_once('@') {
        Some((path, version)) if !path.is_empty() && !version.contains('/') => (path, decode(version)?),
        _ => (path, String::new()),
    };
    if super::is_spec_of_its_own(&version) || version.chars().any(|c| c == ':' || c.is_control()) {
        return Err(SpecError::Purl("its version is not a version, a range or a tag"));
    }
    let name = path.split('/').filter(|part| !part.is_empty()).map(decode).collect::<Result<Vec<_>, _>>()?.join("/");
    let registry = form_urlencoded::parse(qualifiers.as_bytes())
        .find(|(key, _)| key == "repository_url")
        .map(|(_, value)| registry(&value))
        .transpose()?;
    let mut stated = form_urlencoded::parse(qualifiers.as_bytes()).filter(|(key, _)| key.eq_ignore_ascii_case("checksum"));
    let checksums = stated.next().map(|(_, value)| checksums(&value)).transpose()?.unwrap_or_default();
    if stated.next().is_some() {
        return Err(SpecError::Purl("it has several checksums; one qualifier lists them with commas"));
    }
    Ok(Target::Registry { name: PackageName::parse(&name)?, wanted: Wanted::parse(&version)?, registry, checksums })
}

/// `sha1:<hex>,sha512:<hex>`. What is stated and cannot be held against the tarball is refused: it
/// would pass for checked.
fn checksums(value: &str) -> Result<Vec<Checksum>, SpecError> {
    let mut found: Vec<Checksum> = Vec::new();
    for one in value.split(',') {
        let (name, hex) = one.trim().split_once(':').ok_or(SpecError::Purl("its checksum is not written as sha512:<hex>"))?;
        let known = ALGORITHMS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (algorithm, length) = *known.ok_or(SpecError::Purl("its checksum is not of sha1, sha256 or sha512"))?;
        if hex.len() != length || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(SpecError::Purl("its checksum is not hex of the algorithm's length"));
        }
        if found.iter().any(|other| other.algorithm == algorithm) {
            return Err(SpecError::Purl("its checksum has one algorithm twice"));
        }
        found.push(Checksum { algorithm, hex: hex.to_ascii_lowercase() });
    }
    Ok(found)
}

fn registry(value: &str) -> Result<Url, SpecError> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("https://{value}") };
    let mut url = Url::parse(&with_scheme).map_err(|_| SpecError::Purl("its repository_url is not an address"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(SpecError::Purl("its repository_url is not http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SpecError::AddressWithCredentials);
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

fn decode(text: &str) -> Result<String, SpecError> {
    let bytes = strictly_decoded(text).ok_or(SpecError::Purl("a % is not followed by two hex digits"))?;
    String::from_utf8(bytes).map_err(|_| SpecError::Purl("it is not UTF-8"))
}
