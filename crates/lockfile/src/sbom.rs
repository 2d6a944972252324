//! SBOMs as JSON: `CycloneDX` 1 and SPDX 2. The purl of a component says what it is.

use jsonc_parser::ast::Object;
use jsonc_parser::common::Ranged;
use npm_spec::{Spec, Target, Wanted};

use super::collect::Collected;
use super::json::{self, Lines};
use super::{Fault, Format, Place, Position, Reason, Usage, address};

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<Format, Fault> {
    let root = json::parse(text, false)?;
    let lines = Lines::of(text);
    if json::text(&root, "bomFormat") == Some("CycloneDX") {
        components(&root, &lines, found)?;
        return Ok(Format::CycloneDx);
    }
    match json::text(&root, "spdxVersion") {
        Some(version) if version.starts_with("SPDX-2.") => {
            packages(&root, &lines, found)?;
            Ok(Format::Spdx)
        }
        Some(_) => Err(Fault::Version),
        None => Err(Fault::Unknown),
    }
}

/// `components`, which may have components of their own.
fn components(of: &Object<'_>, lines: &Lines<'_>, found: &mut Collected) -> Result<(), Fault> {
    for value in json::table_list(of, "components")? {
        let position = lines.position(value.range().start);
        let Some(component) = value.as_object() else {
            found.left_out("component", position, Reason::Unreadable)?;
            continue;
        };
        let property = |wanted: &str| {
            let is = |property: &&Object<'_>| json::text(property, "name") == Some(wanted) && json::text(property, "value") == Some("true");
            json::list(component, "properties").iter().filter_map(|value| value.as_object()).any(|value| is(&value))
        };
        let distribution = json::list(component, "externalReferences").iter().filter_map(|value| value.as_object());
        let mut distribution = distribution.filter(|reference| json::text(reference, "type") == Some("distribution"));
        let hashes = json::list(component, "hashes").iter().filter_map(|value| value.as_object());
        let about = About {
            purl: json::text(component, "purl"),
            label: json::text(component, "bom-ref").or_else(|| json::text(component, "name")),
            address: distribution.next().and_then(|reference| json::text(reference, "url")),
            integrity: hashes.filter_map(|hash| address::from_hex(json::text(hash, "alg")?, json::text(hash, "content")?)).collect(),
            usage: Usage {
                dev: property("cdx:npm:package:development").then_some(true),
                optional: json::text(component, "scope").map(|scope| scope != "required"),
                ..Usage::default()
            },
            is_bundled: property("cdx:npm:package:bundled"),
            is_file: json::text(component, "type") == Some("file"),
        };
        add(about, position, found)?;
        components(component, lines, found)?;
    }
    Ok(())
}

fn packages(root: &Object<'_>, lines: &Lines<'_>, found: &mut Collected) -> Result<(), Fault> {
    // A document may describe several packages. Of those none is the one that the others belong to.
    let described = match json::list(root, "documentDescribes") {
        [one] => json::string(one),
        _ => None,
    };
    for value in json::table_list(root, "packages")? {
        let position = lines.position(value.range().start);
        let Some(package) = value.as_object() else {
            found.left_out("package", position, Reason::Unreadable)?;
            continue;
        };
        let label = json::text(package, "SPDXID").or_else(|| json::text(package, "name"));
        if label.is_some() && label == described {
            found.left_out(label.unwrap_or_default(), position, Reason::Project)?;
            continue;
        }
        let references = json::list(package, "externalRefs").iter().filter_map(|value| value.as_object());
        let mut purls = references.filter(|reference| json::text(reference, "referenceType") == Some("purl"));
        let checksums = json::list(package, "checksums").iter().filter_map(|value| value.as_object());
        let about = About {
            purl: purls.next().and_then(|reference| json::text(reference, "referenceLocator")),
            label,
            address: json::text(package, "downloadLocation").filter(|place| !matches!(*place, "NOASSERTION" | "NONE")),
            integrity: checksums
                .filter_map(|hash| address::from_hex(json::text(hash, "algorithm")?, json::text(hash, "checksumValue")?))
                .collect(),
            usage: Usage::default(),
            is_bundled: false,
            is_file: false,
        };
        add(about, position, found)?;
    }
    Ok(())
}

/// What an SBOM says about a component.
struct About<'a> {
    purl: Option<&'a str>,
    label: Option<&'a str>,
    address: Option<&'a str>,
    integrity: Vec<String>,
    usage: Usage,
    is_bundled: bool,
    is_file: bool,
}

fn add(about: About<'_>, position: Position, found: &mut Collected) -> Result<(), Fault> {
    let key = about.purl.or(about.label).unwrap_or_default();
    let is_npm = about.purl.is_some_and(|purl| purl.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("pkg:npm/")));
    let elsewhere = about.address.and_then(address::kind).filter(|reason| *reason != Reason::Tarball);
    let reason = match about.purl {
        _ if about.is_file => Some(Reason::File),
        // Of another ecosystem, or of none.
        None => Some(Reason::OtherRegistry),
        Some(_) if !is_npm => Some(Reason::OtherRegistry),
        Some(_) if about.is_bundled && about.address.is_none() => Some(Reason::Bundled),
        Some(_) => elsewhere,
    };
    let target = about.purl.filter(|_| reason.is_none()).and_then(|purl| Spec::parse(purl).ok());
    match target.as_ref().map(Spec::target) {
        Some(Target::Registry { name, wanted: Wanted::Version(version), registry, checksums }) => {
            let stated = checksums.iter().filter_map(|one| address::from_hex(one.algorithm, &one.hex));
            let of_registry = registry.as_ref().and_then(|registry| address::host(registry.as_str()));
            let at = Place::at(position, key).with_address(about.address);
            let place = Place {
                integrity: about.integrity.into_iter().chain(stated).collect(),
                host: at.host.clone().or(of_registry),
                usage: about.usage,
                ..at
            };
            found.package(name.as_str(), version, place)?;
        }
        _ => {
            found.left_out(key, position, reason.unwrap_or(Reason::Unreadable))?;
        }
    }
    Ok(())
}
