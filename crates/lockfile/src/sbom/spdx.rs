//! SPDX 2: packages, each with the names that other systems have for it.

use std::borrow::Cow;
use std::collections::HashSet;

use jsonc_parser::ast::Object;
use jsonc_parser::common::Ranged;

use super::{About, add, hashes, is_of_npm};
use crate::collect::Collected;
use crate::json::{self, Lines};
use crate::{Fault, Reason, Usage};

/// In place of an address.
const NO_ADDRESS: [&str; 2] = ["NOASSERTION", "NONE"];

pub(super) fn read(root: &Object<'_>, lines: &Lines<'_>, found: &mut Collected) -> Result<(), Fault> {
    // A document may describe several packages. Of those none is the one that the others belong to.
    let mut described = match json::list(root, "documentDescribes") {
        [one] => json::string(one),
        _ => None,
    };
    let creators = json::object(root, "creationInfo").map_or(&[][..], |of| json::list(of, "creators"));
    let is_of_npm = matches!(creators, [one] if json::string(one).is_some_and(is_of_npm));
    for value in json::table_list(root, "packages")? {
        let position = lines.position(value.range().start);
        let Some(package) = value.as_object() else {
            found.left_out("package", position, Reason::Unreadable)?;
            continue;
        };
        let id = json::text(package, "SPDXID");
        if id.is_some() && id == described {
            found.left_out(id.unwrap_or_default(), position, Reason::Project)?;
            // A second one of that name is another package.
            described = None;
            continue;
        }
        let label = id.or_else(|| json::text(package, "name"));
        if !json::is_plain(package, &["downloadLocation", "versionInfo"], &[]) {
            found.left_out(label.unwrap_or_default(), position, Reason::Unreadable)?;
            continue;
        }
        let purls = purls(package)?;
        for purl in purls.iter().map(|purl| Some(purl.as_ref())).chain(purls.is_empty().then_some(None)) {
            let otherwise = (is_of_npm && !is_below(package)).then_some(Reason::Workspace);
            add(About { purl, label, otherwise, ..about(package) }, position, found)?;
        }
    }
    // What belongs to it and stands in other documents.
    for value in json::table_list(root, "externalDocumentRefs")? {
        let other = value.as_object();
        let id = other.and_then(|other| json::text(other, "externalDocumentId")).unwrap_or("document");
        let node = found.left_out(id, lines.position(value.range().start), Reason::File)?;
        found.leads_to(node, &[other.and_then(|other| json::text(other, "spdxDocument"))]);
    }
    Ok(())
}

/// Whether a package lies in that of another one.
fn is_below(package: &Object<'_>) -> bool {
    json::text(package, "packageFileName").is_some_and(|path| path.matches("node_modules/").nth(1).is_some())
}

/// What a package is, each name once: purls, and `name@version` of npm.
fn purls<'b>(package: &'b Object<'_>) -> Result<Vec<Cow<'b, str>>, Fault> {
    let mut all: Vec<Cow<'_, str>> = Vec::new();
    let mut seen = HashSet::new();
    for reference in json::table_list(package, "externalRefs")?.iter().filter_map(|value| value.as_object()) {
        let (kind, locator) = (json::text(reference, "referenceType"), json::text(reference, "referenceLocator").unwrap_or_default());
        let purl = match kind {
            Some(kind) if kind.eq_ignore_ascii_case("purl") => Cow::Borrowed(locator),
            Some(kind) if kind.eq_ignore_ascii_case("npm") => Cow::Owned(format!("pkg:npm/{locator}")),
            _ => continue,
        };
        if seen.insert(purl.clone()) {
            all.push(purl);
        }
    }
    Ok(all)
}

fn about<'b>(package: &'b Object<'_>) -> About<'b> {
    let text = |key: &str| json::text(package, key).filter(|text| !text.is_empty() && !NO_ADDRESS.contains(text));
    About {
        name: text("name").map(|name| name.strip_prefix("npm:").unwrap_or(name).to_owned()),
        version: text("versionInfo"),
        addresses: json::text(package, "downloadLocation").filter(|place| !NO_ADDRESS.contains(place)).into_iter().collect(),
        integrity: hashes(package, "checksums", ("algorithm", "checksumValue")),
        usage: Usage::default(),
        ..About::default()
    }
}
