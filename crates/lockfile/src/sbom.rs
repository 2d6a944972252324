//! SBOMs as JSON: `CycloneDX` 1 and SPDX 2. The purl of a component says what it is.
//!
//! All that a document says of where a component is from counts: each address is a place of its
//! own, with all of the component's hashes, or an entry that is left out.

mod cyclonedx;
mod spdx;

use std::collections::HashSet;

use jsonc_parser::ast::{Object, Value};
use npm_spec::{PackageName, Spec, Target, Wanted, version};
use url::form_urlencoded;

use super::collect::Collected;
use super::json::{self, Lines};
use super::{Fault, Format, Place, Position, Reason, Usage, address};

/// In the place of what is no hash: nothing is equal to it.
const NO_HASH: &str = "unreadable";
/// Kinds of hashes that can be held against a registry's, the weak one last.
const KINDS: [&str; 4] = ["sha512-", "sha384-", "sha256-", "sha1-"];
/// Most hashes of one component, and longest one of a kind that is not known.
const MAX_HASHES: usize = 64;
const MAX_HASH: usize = 256;

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<Format, Fault> {
    let root = json::parse(text, false)?;
    let lines = Lines::of(text);
    let is_cyclonedx = json::text(&root, "bomFormat") == Some("CycloneDX");
    match json::text(&root, "spdxVersion") {
        Some(_) if is_cyclonedx => Err(Fault::Malformed("it is of two formats".to_owned())),
        None if is_cyclonedx => cyclonedx::read(&root, &lines, found).map(|()| Format::CycloneDx),
        Some(version) if version.starts_with("SPDX-2.") => spdx::read(&root, &lines, found).map(|()| Format::Spdx),
        Some(_) => Err(Fault::Version),
        None => Err(Fault::Unknown),
    }
}

/// What an SBOM says about a component.
#[derive(Default)]
struct About<'a> {
    purl: Option<&'a str>,
    label: Option<&'a str>,
    /// Its name and its version beside the purl.
    name: Option<String>,
    version: Option<&'a str>,
    /// Where it is got from, by its references.
    addresses: Vec<&'a str>,
    integrity: Vec<String>,
    usage: Usage,
    /// What it is where it has no address: bundled, or a folder of the project without a hash.
    otherwise: Option<Reason>,
    is_file: bool,
    /// It is not as it was published.
    is_modified: bool,
}

/// Whether a document is of npm's own command, which has an address or a hash for all that is of a
/// registry: what has neither is a folder of the project.
fn is_of_npm(creator: &str) -> bool {
    creator.strip_prefix("Tool: npm/cli-").is_some_and(|version| version::parse(version).is_some())
}

/// What a purl names.
struct Named {
    name: PackageName,
    version: String,
    /// The host of the registry.
    host: Option<String>,
    hashes: Vec<String>,
}

/// Adds a component: its places, or an entry that is left out. Gives their nodes.
fn add(about: About<'_>, position: Position, found: &mut Collected) -> Result<Vec<usize>, Fault> {
    let key = about.purl.or(about.label).unwrap_or_default();
    let mut out = |reason, leads_to: Option<&str>| {
        let node = found.left_out(key, position, reason)?;
        found.leads_to(node, &[leads_to]);
        Ok(vec![node])
    };
    if about.is_file {
        return out(Reason::File, None);
    }
    let is_npm = |purl: &&str| purl.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("pkg:npm/"));
    // Of another ecosystem, or of none.
    let Some(purl) = about.purl.filter(is_npm) else { return out(Reason::OtherRegistry, None) };
    if about.is_modified {
        return out(Reason::File, Some("modified"));
    }
    let Some((named, qualifiers)) = named(purl).zip(qualifiers(purl)) else { return out(Reason::Unreadable, None) };
    if about.version.is_some_and(|own| version::clean(own).as_deref() != Some(named.version.as_str())) {
        return out(Reason::Unreadable, about.version);
    }
    let value = |wanted: &str| qualifiers.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
    let mut seen = HashSet::new();
    let addresses = about.addresses.into_iter().chain(value("download_url"));
    let addresses: Vec<&str> = addresses.filter(|address| seen.insert(*address)).collect();
    let integrity = whole(about.integrity.into_iter().chain(named.hashes).collect());
    match about.otherwise.filter(|_| addresses.is_empty()) {
        Some(Reason::Bundled) => return out(Reason::Bundled, None),
        Some(reason) if integrity.is_empty() => return Ok(vec![found.folder(key, position, (reason, "."))?]),
        _ => {}
    }
    // Beside a tarball's hash or address it says where the source is.
    if let Some(repository) = value("vcs_url").filter(|_| addresses.is_empty() && integrity.is_empty()) {
        return out(Reason::Git, Some(repository));
    }
    let places = addresses.into_iter().map(Some).collect::<Vec<_>>();
    let mut nodes = Vec::new();
    for address in if places.is_empty() { vec![None] } else { places } {
        if let Some(reason) = address.and_then(address::kind).filter(|reason| *reason != Reason::Tarball) {
            let node = found.left_out(key, position, reason)?;
            found.leads_to(node, &[address]);
            nodes.push(node);
            continue;
        }
        let at = Place::at(position, key).with_address(address);
        let place = Place {
            integrity: integrity.clone(),
            host: at.host.clone().or_else(|| named.host.clone()),
            usage: about.usage,
            in_place_of: about.name.clone().filter(|name| name != named.name.as_str()),
            ..at
        };
        nodes.push(found.package(named.name.as_str(), &named.version, place)?);
    }
    Ok(nodes)
}

/// The package of a purl, which is one of an exact version.
fn named(purl: &str) -> Option<Named> {
    let spec = Spec::parse(purl).ok()?;
    let Target::Registry { name, wanted: Wanted::Version(version), registry, checksums } = spec.target() else { return None };
    Some(Named {
        name: name.clone(),
        version: version.clone(),
        host: registry.as_ref().and_then(|registry| address::host(registry.as_str())),
        hashes: checksums.iter().filter_map(|one| address::from_hex(one.algorithm, &one.hex)).collect(),
    })
}

/// The qualifiers of a purl; `None` where readers do not agree on them: a key twice, or in capital
/// letters.
fn qualifiers(purl: &str) -> Option<Vec<(String, String)>> {
    let before = purl.rsplit_once('#').map_or(purl, |(before, _)| before);
    let text = before.rsplit_once('?').map_or("", |(_, text)| text);
    // A plus is a plus in a purl.
    let text = text.replace('+', "%2B");
    let mut all: Vec<(String, String)> = Vec::new();
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        if key.bytes().any(|byte| byte.is_ascii_uppercase()) || all.iter().any(|(known, _)| *known == key) || all.len() >= MAX_HASHES {
            return None;
        }
        all.push((key.into_owned(), value.into_owned()));
    }
    Some(all)
}

/// The hashes of a list. One of a kind that is not known stays as it is, and what is no hash is a
/// word that nothing is equal to.
fn hashes(of: &Object<'_>, list: &str, (kind, digits): (&str, &str)) -> Vec<String> {
    let word = |value: &Value<'_>| {
        let hash = value.as_object()?;
        let (kind, digits) = (json::text(hash, kind)?, json::text(hash, digits)?);
        let known = kind.replace('-', "").to_ascii_lowercase();
        match address::from_hex(kind, digits) {
            Some(hash) => Some(hash),
            None if KINDS.contains(&format!("{known}-").as_str()) => Some(format!("{known}-{NO_HASH}")),
            None => {
                let word = format!("{}-{digits}", kind.to_ascii_lowercase());
                (word.len() <= MAX_HASH && word.bytes().all(|byte| byte.is_ascii_graphic())).then_some(word)
            }
        }
    };
    match json::member(of, list) {
        None => Vec::new(),
        Some(Value::Array(all)) => {
            let words = all.elements.iter().take(MAX_HASHES + 1);
            words.map(|value| word(value).unwrap_or_else(|| NO_HASH.to_owned())).collect()
        }
        Some(_) => vec![NO_HASH.to_owned()],
    }
}

/// All hashes of a component. Beside a strong one that is known, one of another kind proves nothing
/// more.
fn whole(mut all: Vec<String>) -> Vec<String> {
    let is_known = |word: &str| KINDS.iter().any(|kind| word.starts_with(kind));
    let is_strong = |word: &String| is_known(word) && !word.starts_with("sha1-");
    if all.iter().any(is_strong) {
        all.retain(|word| is_known(word) || word == NO_HASH);
    }
    all.sort();
    all.dedup();
    if all.len() > MAX_HASHES { vec!["too-many".to_owned()] } else { all }
}
