//! Reports for the tests of this folder.

use super::draft::{Draft, Ending};
use super::json::{Failure, Finding, OptionsInfo, PackageInfo, Report, SCHEMA_VERSION, Severity};
use crate::verdict::{Accept, Verdict};

/// A result for `name@1.0.0` with a sha512 of zeros.
pub(crate) fn report(name: &str, verdict: Verdict, findings: Vec<Finding>) -> Report {
    let integrity = format!("sha512-{}==", "A".repeat(86));
    let package = PackageInfo {
        spec: name.into(),
        name: Some(name.into()),
        version: Some("1.0.0".into()),
        location: None,
        integrity: Some(integrity),
    };
    let options = OptionsInfo {
        accept: Accept::SameContent,
        registry: None,
        strategies: Vec::new(),
        source: None,
        rewrites: None,
        node: None,
        isolation: None,
        allow_hosts: Vec::new(),
        recipe: None,
        trusted_root: None,
        node_dist: None,
        node_keys: None,
    };
    let mut report = Draft::new(package, false, options).ended(*Ending::new(verdict, "files-differ", "", "hint"));
    report.findings = findings;
    report
}

/// A failure for `name`.
pub(crate) fn failure(name: &str) -> Failure {
    Failure {
        schema_version: SCHEMA_VERSION,
        reproduce_version: String::new(),
        verdict: Verdict::Error,
        reproduced: false,
        package: PackageInfo { spec: name.into(), name: None, version: None, location: None, integrity: None },
        code: "package-not-found".into(),
        stage: "resolve".into(),
        message: "there is none".into(),
        hints: Vec::new(),
    }
}

/// So many findings of one severity.
pub(crate) fn findings(count: usize, severity: Severity) -> Vec<Finding> {
    (0..count).map(|n| Finding::new("case-twin", severity, format!("number {n}"))).collect()
}
