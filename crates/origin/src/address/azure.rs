//! Azure DevOps: one repository has an address of another form for each protocol and each name that
//! the service has had.

use super::clean::{percent_decoded, reference};
use super::hosts::Place;
use super::split::Parts;

/// Reads every form as `organisation/project/_git/name`, which `https://dev.azure.com/` serves.
pub(super) fn place(parts: &Parts, segments: &[&str]) -> Option<Place> {
    // `organisation.visualstudio.com`, once with a collection before the project.
    let old_host = parts.host.strip_suffix(".visualstudio.com").filter(|name| !matches!(*name, "vs-ssh" | "www"));
    let segments = match segments {
        [collection, rest @ ..] if old_host.is_some() && collection.eq_ignore_ascii_case("DefaultCollection") => rest,
        _ => segments,
    };
    let (organisation, project, name) = match (old_host, segments) {
        (None, ["v3", organisation, project, name, ..] | [organisation, project, "_git" | "_ssh", name, ..]) => {
            (*organisation, *project, *name)
        }
        (Some(organisation), [project, "_git" | "_ssh", name, ..]) => (organisation, *project, *name),
        // The project's own repository.
        (None, [organisation, "_git" | "_ssh", name, ..]) => (*organisation, *name, *name),
        (Some(organisation), ["_git" | "_ssh", name, ..]) => (organisation, *name, *name),
        _ => return None,
    };
    let parts_of_path = [organisation, project, name].map(encoded);
    if parts_of_path.iter().any(|part| part.is_empty() || part.starts_with('-')) {
        return None;
    }
    let [organisation, project, name] = parts_of_path;
    let mut place = Place { path: format!("{organisation}/{project}/_git/{name}"), ..Place::default() };
    for (key, value) in parts.query.iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split_once('=')) {
        match key {
            "path" => place.directory = Some(percent_decoded(value)),
            // `GBmain` is a branch, `GTv1` a tag, `GC…` a commit.
            "version" => {
                place.reference =
                    value.strip_prefix("GB").or_else(|| value.strip_prefix("GT")).or_else(|| value.strip_prefix("GC")).and_then(reference);
            }
            _ => {}
        }
    }
    Some(place)
}

/// Projects have spaces in their names; each is written in one way.
fn encoded(part: &str) -> String {
    let plain = percent_decoded(part);
    if matches!(plain.as_str(), "." | "..") || plain.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '?' | '#')) {
        return String::new();
    }
    plain.replace('%', "%25").replace(' ', "%20")
}
