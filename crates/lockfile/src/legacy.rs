//! The tree that npm writes into a lockfile of version 2 beside the table, for npm 6: it is to say
//! what the table says.

use std::collections::HashSet;

use jsonc_parser::ast::Object;

use super::collect::Collected;
use super::json::{self, Lines};
use super::npm::{FOLDER, Table, is_of_tree};
use super::{Fault, MAX_KEY, Reason, address};

/// A level of the tree, and the folder in whose `node_modules` it lies.
struct Level<'t, 'a> {
    tree: &'t Object<'a>,
    folder: String,
}

/// Tells what of the tree is otherwise than in the table, as what cannot be read, and what it
/// lacks, as a gap.
pub(crate) fn check(table: &Table<'_, '_>, tree: &Object<'_>, lines: &Lines<'_>, found: &mut Collected) -> Result<(), Fault> {
    let mut open = vec![Level { tree, folder: String::new() }];
    let mut seen = HashSet::new();
    while let Some(Level { tree, folder }) = open.pop() {
        for property in &tree.properties {
            let name = property.name.as_str();
            let key = if folder.is_empty() { format!("{FOLDER}{name}") } else { format!("{folder}/{FOLDER}{name}") };
            let own = property.value.as_object().filter(|own| key.len() <= MAX_KEY && is_of_tree(own));
            let Some((own, row)) = own.zip(table.entry(&key)).filter(|(own, row)| is_same(name, own, row)) else {
                found.left_out(&format!("{key} (dependencies)"), lines.position(property.range.start), Reason::Unreadable)?;
                continue;
            };
            if let Some(below) = json::table(own, "dependencies")? {
                let target = json::text(row, "resolved").filter(|_| json::flag(row, "link"));
                open.push(Level { tree: below, folder: target.unwrap_or(&key).to_owned() });
            }
            seen.insert(key);
        }
    }
    for (key, position) in table.keys().filter(|(key, _)| key.contains(FOLDER) && !seen.contains(*key)) {
        found.gap("npm 6", key, position);
    }
    Ok(())
}

/// Whether a row of the tree and one of the table are for the same package from the same place.
fn is_same(folder: &str, own: &Object<'_>, row: &Object<'_>) -> bool {
    let (version, resolved) = (json::text(own, "version").unwrap_or_default(), json::text(row, "resolved"));
    let name = json::text(row, "name").unwrap_or(folder);
    let locked = json::text(row, "version").unwrap_or_default();
    if json::flag(row, "link") {
        return version.strip_prefix("file:") == resolved;
    }
    // What is no package of a registry has its address for a version.
    if resolved == Some(version) && address::kind(version).is_some() {
        return true;
    }
    let is_it = if name == folder { version == locked } else { version == format!("npm:{name}@{locked}") };
    let same = |member| json::text(own, member) == json::text(row, member);
    let has_integrity = json::text(own, "integrity").is_some();
    let from = same("resolved") || json::text(own, "resolved").is_none() && has_integrity;
    is_it && from && same("integrity") && json::flag(own, "bundled") == json::flag(row, "inBundle")
}
