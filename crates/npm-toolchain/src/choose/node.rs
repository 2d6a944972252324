//! Node: who names one, in order of weight.

use jiff::Timestamp;
use serde_json::Value;

use npm_spec::version::{self, VersionRange};

use super::files::Around;
use super::manager::dev_engine;
use super::spelling::{first_line, node_wish, quoted, wish};
use super::workflow::Setup;
use super::{Candidate, Clues, Wish};

/// Files with nothing in them but a version.
const VERSION_FILES: &[&str] = &[".nvmrc", ".node-version"];

/// The Node that the user names.
pub(super) fn given(text: &str, at: Timestamp) -> Option<Candidate> {
    Some(Candidate { wish: node_wish(text, at)?, reason: format!("--node says {}", quoted(text)) })
}

/// Candidates, likeliest first; what was usual at the time is always the last.
pub(super) fn candidates(clues: &Clues<'_>, around: &Around<'_>, setups: &[Setup], at: Timestamp) -> Vec<Candidate> {
    let mut all = Vec::new();
    if let Some(exact) = clues.node_version.and_then(version::clean) {
        let reason = format!("the registry says that it was published with node {exact}");
        all.push(Candidate { wish: Wish::Exact(exact), reason });
    }
    all.extend(in_manifests(around, "devEngines", |manifest| {
        let entry = dev_engine(manifest, "runtime").find(|entry| entry.get("name").and_then(Value::as_str) == Some("node"))?;
        Some(entry.get("version")?.as_str()?.to_owned())
    }));
    all.extend(VERSION_FILES.iter().filter_map(|name| in_version_file(around, name, at)));
    all.extend(in_manifests(around, "volta", |manifest| Some(manifest.get("volta")?.get("node")?.as_str()?.to_owned())));
    all.extend(in_tool_versions(around, at));
    // What publishes comes before what tests.
    for publishes in [true, false] {
        all.extend(setups.iter().filter(|setup| setup.publishes == publishes).filter_map(|setup| in_workflow(setup, around, at)));
    }
    all.extend(in_travis(around, at));
    all.extend(in_engines(around));
    let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    all.push(Candidate { wish: Wish::Range("*".to_owned()), reason: format!("long-term support on {day}") });
    let mut seen: Vec<Wish> = Vec::new();
    all.retain(|candidate| {
        let is_new = !seen.contains(&candidate.wish);
        if is_new {
            seen.push(candidate.wish.clone());
        }
        is_new
    });
    all
}

/// What a field of the nearest package.json that has it says.
fn in_manifests(around: &Around<'_>, field: &str, text: impl Fn(&Value) -> Option<String>) -> Option<Candidate> {
    let (path, text) = around.in_manifests(text)?;
    Some(Candidate { wish: wish(&text)?, reason: format!("{field} of {path} says {}", quoted(&text)) })
}

fn in_version_file(around: &Around<'_>, name: &str, at: Timestamp) -> Option<Candidate> {
    let (path, text) = around.nearest(name)?;
    let line = first_line(&text)?;
    Some(Candidate { wish: node_wish(line, at)?, reason: format!("{path} says {}", quoted(line)) })
}

fn in_tool_versions(around: &Around<'_>, at: Timestamp) -> Option<Candidate> {
    let (path, text) = around.nearest(".tool-versions")?;
    let line = text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        matches!(words.next(), Some("nodejs" | "node")).then(|| words.next()).flatten()
    })?;
    Some(Candidate { wish: node_wish(line, at)?, reason: format!("{path} says nodejs {}", quoted(line)) })
}

/// What a workflow sets up. A matrix says what it is tested with: the long-term support among them
/// is what somebody used.
fn in_workflow(setup: &Setup, around: &Around<'_>, at: Timestamp) -> Option<Candidate> {
    let purpose = if setup.publishes { "publishes" } else { "runs" };
    if let Some(file) = &setup.node_file {
        let text = around.text(file)?;
        let line = match file.rsplit('/').next() {
            Some("package.json") => return None,
            Some(".tool-versions") => return in_tool_versions(around, at),
            _ => first_line(&text)?,
        };
        return Some(Candidate { wish: node_wish(line, at)?, reason: format!("{} {purpose} with {file}: {}", setup.path, quoted(line)) });
    }
    let wish = any_of(&setup.node, at)?;
    Some(Candidate { wish, reason: format!("{} {purpose} with node {}", setup.path, quoted(&setup.node.join(", "))) })
}

fn in_travis(around: &Around<'_>, at: Timestamp) -> Option<Candidate> {
    let text = around.text(".travis.yml")?;
    let document = super::workflow::yaml(&text)?;
    let versions = super::workflow::texts(document.get("node_js")?);
    Some(Candidate { wish: any_of(&versions, at)?, reason: format!(".travis.yml runs with node {}", quoted(&versions.join(", "))) })
}

/// One of several: the one, or a range of all.
fn any_of(versions: &[String], at: Timestamp) -> Option<Wish> {
    let mut wishes: Vec<Wish> = versions.iter().filter_map(|text| node_wish(text, at)).collect();
    if wishes.len() < 2 {
        return wishes.pop();
    }
    let ranges: Vec<String> = wishes
        .into_iter()
        .map(|wish| match wish {
            Wish::Exact(text) | Wish::Range(text) => text,
        })
        .collect();
    Some(Wish::Range(ranges.join(" || ")))
}

/// `engines` of the package and of the root. Both are wishes; the root's is about the whole
/// repository's build.
fn in_engines(around: &Around<'_>) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    for folder in around.folders.iter().rev().filter(|folder| folder.is_root()).chain(around.folders.first()) {
        let engines = folder.manifest.as_ref().and_then(|manifest| manifest.get("engines"));
        let Some(range) = engines.and_then(|engines| engines.get("node")).and_then(Value::as_str) else { continue };
        if VersionRange::parse(range).is_some_and(|parsed| !parsed.is_any())
            && let Some(wish) = wish(range)
        {
            all.push(Candidate { wish, reason: format!("engines of {} wants {}", folder.join("package.json"), quoted(range)) });
        }
    }
    all
}
