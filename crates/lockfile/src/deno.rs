//! deno.lock 2 to 5: `name@1.0.0`, with peers as `name@1.0.0_peer@2.0.0`.

use jsonc_parser::common::Ranged;

use super::collect::Collected;
use super::json::{self, Lines};
use super::{Fault, Place, Reason, address};

/// The members of the file, and those of a package.
const MEMBERS: [&str; 10] = ["version", "specifiers", "packages", "npm", "jsr", "remote", "redirects", "workspace", "patches", "links"];
const IN_ENTRY: [&str; 12] = [
    "integrity",
    "tarball",
    "dependencies",
    "optionalDependencies",
    "optionalPeers",
    "peerDependencies",
    "os",
    "cpu",
    "libc",
    "deprecated",
    "scripts",
    "bin",
];

pub(crate) fn read(text: &str, found: &mut Collected) -> Result<(), Fault> {
    let root = json::parse(text, false)?;
    json::whole(&root, &MEMBERS)?;
    let lines = Lines::of(text);
    // Up to version 3 the packages lie one level deeper.
    let (of_npm, of_jsr) = match json::text(&root, "version") {
        Some("2") => (json::table(&root, "npm")?.map(|npm| json::table(npm, "packages")).transpose()?.flatten(), None),
        Some("3") => {
            let packages = json::table(&root, "packages")?;
            let of = |kind| packages.map(|all| json::table(all, kind)).transpose().map(Option::flatten);
            (of("npm")?, of("jsr")?)
        }
        Some("4" | "5") => (json::table(&root, "npm")?, json::table(&root, "jsr")?),
        Some(_) => return Err(Fault::Version),
        None => return Err(Fault::Malformed("it has no version".to_owned())),
    };
    for property in json::rows(of_npm) {
        let (key, position) = (property.name.as_str(), lines.position(property.range().start));
        let Some((entry, (name, version))) = property.value.as_object().zip(address::split_name(key)) else {
            found.left_out(key, position, Reason::Unreadable)?;
            continue;
        };
        if !json::is_plain(entry, &["tarball", "integrity"], &[]) || !json::has_only(entry, &[&IN_ENTRY]) {
            found.left_out(key, position, Reason::Unreadable)?;
            continue;
        }
        let place = Place {
            integrity: json::text(entry, "integrity").map(address::hashes).unwrap_or_default(),
            ..Place::at(position, key).with_address(json::text(entry, "tarball"))
        };
        // No version has an underscore.
        found.package(name, version.split('_').next().unwrap_or(version), place)?;
    }
    for property in json::rows(of_jsr).iter().chain(json::rows(json::table(&root, "remote")?)) {
        found.left_out(property.name.as_str(), lines.position(property.range().start), Reason::OtherRegistry)?;
    }
    Ok(())
}
