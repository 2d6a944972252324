//! Where the registry's metadata and the tarball's own package.json disagree ("manifest
//! confusion"): installers resolve by the one and run what the other says, so who looks at one of
//! them does not see what is installed.
//!
//! One version's metadata and what the tarball holds go in; every field that npm, yarn, pnpm or bun
//! act on and that the publishing client cannot have written from that package.json comes out.
//! `fields` says which fields those are, `clients` what clients and the registry make of them when
//! a package is published, and `source` holds package.json against the source's.

mod clients;
mod fields;
mod source;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub use source::{against_source, without_source};

use npm_spec::version;
use verdict::{Finding, Severity};

/// Scripts that npm runs when a package is installed.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];
/// Disagreements that are listed; the rest is counted.
const LISTED: usize = 20;
/// Longest key or value that is shown, in characters.
const SHOWN: usize = 200;

/// What the tarball says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Inside<'a> {
    /// Its package.json.
    pub manifest: &'a Value,
    /// The paths of its entries.
    pub paths: &'a [&'a str],
}

/// One field in which the two disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// The field of the registry's metadata.
    pub field: &'static str,
    /// The key below it; empty where the field has none.
    pub key: String,
    /// What the registry says; `None` if nothing.
    pub registry: Option<String>,
    /// What the tarball says; `None` if nothing.
    pub tarball: Option<String>,
    /// Whether an installation is another one for it. Else it comes of files that were in the
    /// publisher's folder and were not published.
    pub weighs: bool,
}

/// Whether the two name the same package and version. A registry cleans versions (`v1.2.3` is
/// `1.2.3`).
pub fn same_identity(registry: &Value, package_json: &Value) -> bool {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::trim).map(str::to_owned);
    let version = |value: &Value| text(value, "version").map(|text| version::clean(&text).unwrap_or(text));
    text(registry, "name") == text(package_json, "name") && version(registry) == version(package_json)
}

/// All that disagrees besides name and version.
pub fn disagreements(registry: &Value, inside: Inside<'_>) -> Vec<Disagreement> {
    fields::compared(registry, inside)
}

/// The findings for what disagrees: one for each, up to a limit.
pub fn findings(found: &[Disagreement]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = found.iter().take(LISTED).map(Disagreement::finding).collect();
    if let Some(rest) = found.len().checked_sub(LISTED).filter(|rest| *rest > 0) {
        let weighs = found.iter().skip(LISTED).any(|one| one.weighs);
        let message = format!("registry metadata and the tarball's package.json disagree in {rest} more places");
        findings.push(Finding::new("manifest-confusion", severity(weighs), message));
    }
    findings
}

fn severity(weighs: bool) -> Severity {
    if weighs { Severity::Error } else { Severity::Warning }
}

impl Disagreement {
    fn finding(&self) -> Finding {
        let place = if self.key.is_empty() { self.field.to_owned() } else { format!("{}: {}", self.field, shown(&self.key)) };
        let side = |value: &Option<String>| value.as_deref().map_or_else(|| "nothing".to_owned(), |text| format!("\"{}\"", shown(text)));
        let (registry, tarball) = (side(&self.registry), side(&self.tarball));
        let message = format!(
            "registry metadata and the tarball's package.json disagree in {place} (the registry has {registry}, the tarball {tarball})"
        );
        Finding::new("manifest-confusion", severity(self.weighs), message)
    }
}

/// A stranger's text as one line of bounded length.
pub(super) fn shown(text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN).map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect();
    if text.chars().nth(SHOWN).is_some() {
        cut.push('…');
    }
    cut
}
