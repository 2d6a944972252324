//! Which decisions are new: those that the file did not have at an earlier commit.
//!
//! Who changes a lockfile can change the decisions about it with the same pull request. Such a
//! decision counts, and nobody is to overlook it.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use verdict::{Finding, Severity};

use super::{Exception, Exceptions, FILE, File, MAX_FILE};
use crate::AuditError;

/// Most new decisions that are told one by one.
const MAX_TOLD: usize = 20;

/// The decisions that were not there, each as JSON, with its place.
#[derive(Debug, Default)]
pub(super) struct New {
    places: BTreeMap<String, (u64, u64)>,
    revision: String,
}

impl Exceptions {
    /// Holds them against those of a revision. A file that nobody could read had none.
    pub(crate) fn since(&mut self, folder: &Path, revision: &str) -> Result<(), AuditError> {
        let bytes = git::local::file_at(folder, revision, (FILE, MAX_FILE))
            .map_err(|error| AuditError::Since { revision: revision.to_owned(), reason: error.to_string() })?;
        let old = bytes.and_then(|bytes| serde_json::from_slice::<File>(&bytes).ok()).map(|file| file.exceptions).unwrap_or_default();
        let old: HashSet<String> = old.iter().map(as_text).collect();
        let now = self.all.iter().enumerate().map(|(at, exception)| (as_text(exception), self.places.get(at).copied().unwrap_or((1, 1))));
        let places = now.filter(|(text, _)| !old.contains(text)).collect();
        self.new = New { places, revision: revision.to_owned() };
        Ok(())
    }

    /// Whether a decision was not there at the revision.
    pub(crate) fn is_new(&self, exception: &Exception) -> bool {
        !self.new.places.is_empty() && self.new.places.contains_key(&as_text(exception))
    }

    /// What is told of all that are new, also of those that lift nothing yet.
    pub(crate) fn told_as_new(&self) -> Vec<Finding> {
        let finding = |message: String, (line, column): (u64, u64)| {
            let mut finding = Finding::new("exception-new", Severity::Warning, message);
            finding.path = Some(format!("{FILE}:{line}:{column}"));
            finding
        };
        let (mut all, mut more, mut seen) = (Vec::new(), 0, HashSet::new());
        for exception in &self.all {
            let text = as_text(exception);
            let Some(place) = self.new.places.get(&text).filter(|_| seen.insert(text)) else { continue };
            if all.len() == MAX_TOLD {
                more += 1;
                continue;
            }
            let code = exception.code.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
            let Exception { package, reason, until, .. } = exception;
            let revision = &self.new.revision;
            all.push(finding(format!("the exception for {package}{code}, until {until}, is new since {revision}: {reason}"), *place));
        }
        if more > 0 {
            all.push(finding(format!("{more} more exceptions are new since {}", self.new.revision), (1, 1)));
        }
        all
    }
}

fn as_text(exception: &Exception) -> String {
    serde_json::to_string(exception).unwrap_or_default()
}

/// Where each decision begins, as line and column. The file was read as one object with one list of
/// objects of texts: each object after the first is a decision.
pub(super) fn places(bytes: &[u8]) -> Vec<(u64, u64)> {
    let (mut all, mut is_text, mut is_escaped) = (Vec::new(), false, false);
    let (mut line, mut column) = (1, 0);
    for byte in bytes {
        column += 1;
        match byte {
            b'\n' => (line, column) = (line + 1, 0),
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' if !is_text => all.push((line, column)),
            _ => {}
        }
    }
    all.split_off(all.len().min(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_decision_is_found_behind_texts_that_look_like_one() {
        let text = "{ \"exceptions\": [\n  { \"package\": \"{\\\"{\", \"reason\": \"\\\\\" },\n{}] }";
        assert_eq!(places(text.as_bytes()), [(2, 3), (3, 1)]);
        assert!(places(b"").is_empty());
    }
}
