//! `CycloneDX` 1: components, which may have components of their own, and who needs whom.

use std::collections::{HashMap, HashSet};

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;

use super::{About, add, hashes, is_of_npm};
use crate::collect::Collected;
use crate::json::{self, Lines};
use crate::{Fault, Reason, Usage};

/// What was read of a document.
struct Reader<'b, 'a> {
    lines: &'b Lines<'a>,
    found: &'b mut Collected,
    /// What the document names as needed by another.
    needed: HashSet<&'b str>,
    /// The nodes of a reference; none for what is no component.
    nodes: HashMap<&'b str, Vec<usize>>,
    /// The names of components that are other packages, by their references.
    aliases: HashMap<&'b str, String>,
    is_of_npm: bool,
}

pub(super) fn read<'b, 'a>(root: &'b Object<'a>, lines: &'b Lines<'a>, found: &'b mut Collected) -> Result<(), Fault> {
    let rows: Vec<(&str, &Object<'_>)> = json::table_list(root, "dependencies")?
        .iter()
        .filter_map(|row| row.as_object())
        .filter_map(|row| Some((json::text(row, "ref")?, row)))
        .collect();
    let needed = rows.iter().flat_map(|(_, row)| json::list(row, "dependsOn")).filter_map(json::string).collect();
    let mut reader = Reader { lines, found, needed, nodes: HashMap::new(), aliases: HashMap::new(), is_of_npm: false };
    // What the document is about.
    let metadata = json::table(root, "metadata")?;
    let tools = metadata.map_or(&[][..], |metadata| json::list(metadata, "tools"));
    let creator = |tool: &Object<'_>| {
        Some(format!("Tool: {}/{}-{}", json::text(tool, "vendor")?, json::text(tool, "name")?, json::text(tool, "version")?))
    };
    reader.is_of_npm = tools.len() == 1 && tools.iter().filter_map(|tool| creator(tool.as_object()?)).any(|creator| is_of_npm(&creator));
    if let Some(project) = metadata.map(|metadata| json::table(metadata, "component")).transpose()?.flatten() {
        let position = lines.position(project.range().start);
        let key = json::text(project, "purl").or_else(|| label(project)).unwrap_or_default();
        let node = reader.found.left_out(key, position, Reason::Project)?;
        reader.is_called(project, vec![node]);
        reader.components(project)?;
    }
    reader.components(root)?;
    reader.services(root);
    reader.documents(root)?;
    // What the project itself asks for under another name is its own: who else needs it need not.
    let project = metadata.and_then(|metadata| json::text(json::object(metadata, "component")?, "bom-ref"));
    for (_, row) in rows.iter().filter(|(by, _)| Some(*by) == project) {
        for wanted in json::list(row, "dependsOn").iter().filter_map(json::string) {
            reader.aliases.remove(wanted);
        }
    }
    for (by, row) in rows {
        reader.needs(by, row)?;
    }
    Ok(())
}

fn label<'b>(component: &'b Object<'_>) -> Option<&'b str> {
    json::text(component, "bom-ref").or_else(|| json::text(component, "name"))
}

impl<'b, 'a> Reader<'b, 'a> {
    fn components(&mut self, of: &'b Object<'a>) -> Result<(), Fault> {
        for value in json::table_list(of, "components")? {
            let position = self.lines.position(value.range().start);
            let Some(component) = value.as_object() else {
                self.found.left_out("component", position, Reason::Unreadable)?;
                continue;
            };
            let name = name(component);
            let mut about = about(component)?;
            about.otherwise = about.otherwise.or(self.is_of_npm.then_some(Reason::Workspace));
            let reference = json::text(component, "bom-ref").filter(|reference| self.needed.contains(reference));
            // Whether those who need it ask for that is known by their own package.json.
            if let (Some(reference), Some(name)) = (reference, &name) {
                self.aliases.insert(reference, name.clone());
            } else {
                about.name = name;
            }
            let nodes = add(about, position, self.found)?;
            self.is_called(component, nodes);
            self.documents(component)?;
            self.components(component)?;
        }
        Ok(())
    }

    fn is_called(&mut self, component: &'b Object<'a>, nodes: Vec<usize>) {
        if let Some(reference) = json::text(component, "bom-ref") {
            self.nodes.entry(reference).or_default().extend(nodes);
        }
    }

    /// Services are needed as components are, and nothing is installed for them.
    fn services(&mut self, root: &'b Object<'a>) {
        let mut open: Vec<&Value<'_>> = json::list(root, "services").iter().collect();
        while let Some(service) = open.pop().map(Value::as_object) {
            let Some(service) = service else { continue };
            self.is_called(service, Vec::new());
            open.extend(json::list(service, "services"));
        }
    }

    /// Other documents that say more of the same.
    fn documents(&mut self, of: &'b Object<'a>) -> Result<(), Fault> {
        for value in json::table_list(of, "externalReferences")? {
            let position = self.lines.position(value.range().start);
            let Some(reference) = value.as_object() else {
                self.found.left_out("reference", position, Reason::Unreadable)?;
                continue;
            };
            if json::text(reference, "type") == Some("bom") {
                self.found.left_out(json::text(reference, "url").unwrap_or("bom"), position, Reason::File)?;
            }
        }
        Ok(())
    }

    /// A row of `dependencies`.
    fn needs(&mut self, by: &'b str, row: &'b Object<'a>) -> Result<(), Fault> {
        for wanted in json::table_list(row, "dependsOn")?.iter().filter_map(json::string) {
            let Some(to) = self.nodes.get(wanted) else {
                self.found.gap(by, wanted, self.lines.position(row.range().start));
                continue;
            };
            let (Some(alias), Some(from)) = (self.aliases.get(wanted), self.nodes.get(by)) else { continue };
            self.found.count(from.len().saturating_mul(to.len()))?;
            for from in from {
                for to in to {
                    self.found.asks(*from, *to, alias);
                }
            }
        }
        Ok(())
    }
}

/// The name of a component beside its purl, with its group.
fn name(component: &Object<'_>) -> Option<String> {
    let name = json::text(component, "name").filter(|name| !name.is_empty())?;
    Some(match json::text(component, "group").filter(|group| !group.is_empty()) {
        Some(group) => format!("@{}/{name}", group.trim_start_matches('@')),
        None => name.to_owned(),
    })
}

fn about<'b>(component: &'b Object<'_>) -> Result<About<'b>, Fault> {
    let property = |wanted: &str| {
        let is = |property: &&Object<'_>| json::text(property, "name") == Some(wanted) && json::text(property, "value") == Some("true");
        json::list(component, "properties").iter().filter_map(|value| value.as_object()).any(|value| is(&value))
    };
    let references = json::table_list(component, "externalReferences")?.iter().filter_map(|value| value.as_object());
    let distributions: Vec<_> = references.filter(|reference| json::text(reference, "type") == Some("distribution")).collect();
    let mut integrity = hashes(component, "hashes", ("alg", "content"));
    integrity.extend(distributions.iter().flat_map(|reference| hashes(reference, "hashes", ("alg", "content"))));
    Ok(About {
        purl: json::text(component, "purl"),
        label: label(component),
        name: None,
        version: json::text(component, "version").filter(|version| !version.is_empty()),
        addresses: distributions.iter().map(|reference| json::text(reference, "url").unwrap_or_default()).collect(),
        integrity,
        usage: Usage {
            dev: property("cdx:npm:package:development").then_some(true),
            optional: json::text(component, "scope").map(|scope| scope != "required"),
            ..Usage::default()
        },
        otherwise: property("cdx:npm:package:bundled").then_some(Reason::Bundled),
        is_file: json::text(component, "type") == Some("file"),
        is_modified: is_modified(component),
    })
}

/// Whether a component is said to be changed, or made of others.
fn is_modified(component: &Object<'_>) -> bool {
    let is_said = json::member(component, "modified").is_some_and(|value| value.as_boolean_lit().is_none_or(|flag| flag.value));
    let is_empty = |value: &Value<'_>| value.as_array().is_some_and(|list| list.elements.is_empty());
    let has_more = json::member(component, "pedigree").is_some_and(|pedigree| match pedigree {
        Value::Object(pedigree) => pedigree.properties.iter().any(|one| one.name.as_str() != "notes" && !is_empty(&one.value)),
        _ => true,
    });
    is_said || has_more
}
