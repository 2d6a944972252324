//! Why a rebuilt package differs from the published one, file by file.
//!
//! In: two archives and what [`compare`](npm_tarball) found, with what is known of the source. Out:
//! a [`Class`] and one line for every file that differs. These are words for a reader: they are
//! made after the verdict and never change it.
//!
//! The bytes are strangers': what is read is bounded in size, time and memory, and what is past a
//! bound is said to be not examined.

mod class;
mod client_keys;
mod content;
pub mod data;
mod dense;
pub mod fields;
mod findings;
mod installs;
mod json;
mod likely;
mod links;
mod literal;
mod loads;
mod manifest;
mod media;
mod missing;
mod opening;
mod place;
mod png;
mod reach;
mod script;
mod shell;
mod source;
mod source_map;
mod table;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use npm_tarball::{Archive, Change, ChangeKind, Comparison, EntryKind};

pub use class::Class;
pub use findings::findings;
pub use installs::runs_at_install;
pub use likely::{Built, Cause, Likely, likely};
pub use literal::versions_apart;
pub use place::{is_product as is_build_output, made_by_no_build};
pub use script::is_same_program;
pub use source::Source;

/// Why one file differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The file.
    pub path: String,
    /// What kind of difference it is.
    pub class: Class,
    /// One line on it.
    pub message: String,
}

/// How much is looked at.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one file, on either side.
    pub file: u64,
    /// Bytes of all files, both sides together.
    pub total: u64,
    /// Steps of parsers for everything: work, and no time, so that what comes of it is the same on
    /// each machine.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file: 8 << 20, total: 256 << 20, steps: 400_000 }
    }
}

/// Explains every file that differs, in byte order of path.
pub fn explain(published: &Archive, rebuilt: &Archive, comparison: &Comparison, source: &Source, limits: &Limits) -> Vec<Explanation> {
    let mut missing = missing::explain(published, rebuilt, comparison, source);
    let mut content = content::Content { published, rebuilt, left: limits.total, file: limits.file, steps: limits.steps };
    for change in &comparison.changed {
        let (ours, theirs) = (&change.published, &change.rebuilt);
        let (class, message) = match change.kind {
            ChangeKind::Bytes => content.explain(&change.path),
            ChangeKind::Mode => {
                (Class::OtherMode, format!("the same bytes; mode on disk {} published, {} rebuilt", ours.mode, theirs.mode))
            }
            ChangeKind::Link => (Class::OtherTarget, "the link leads elsewhere".to_owned()),
            ChangeKind::Type => (Class::OtherType, other_type(published, rebuilt, change)),
        };
        missing.push(Explanation { path: change.path.clone(), class, message });
    }
    missing.sort_by(|a, b| a.path.cmp(&b.path));
    missing
}

/// What stands at a path of two types; of a hard link, whether it leads to the bytes that were
/// rebuilt.
fn other_type(published: &Archive, rebuilt: &Archive, change: &Change) -> String {
    let (ours, theirs) = (&change.published, &change.rebuilt);
    let plain = format!("a {} was published, a {} rebuilt", ours.kind.name(), theirs.kind.name());
    let led = published.get(&change.path).map(|entry| links::led_to(published, entry));
    let bytes = rebuilt.get(&change.path).map(|entry| entry.sha256);
    match led.filter(|entry| ours.kind == EntryKind::Hardlink && Some(entry.sha256) == bytes) {
        Some(entry) => format!("the same bytes, by way of {}: {plain}; npm leaves links out", text::cut(&entry.path, 120)),
        None => plain,
    }
}

/// How many files there are of each class, the most first: `9 formatting only, 2 time stamps, 1
/// other code`.
pub fn summary(classes: impl IntoIterator<Item = Class>) -> String {
    let mut counts: BTreeMap<Class, usize> = BTreeMap::new();
    for class in classes {
        *counts.entry(class).or_default() += 1;
    }
    let mut counts: Vec<(Class, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(class, count)| (std::cmp::Reverse(*count), *class));
    let parts: Vec<String> = counts.into_iter().map(|(class, count)| class.counted(count)).collect();
    parts.join(", ")
}
