//! Results for tests. Those of other crates read this file too.
#![allow(dead_code, reason = "each crate uses a part of it")]

use report::json::{Failure, OptionsInfo, PackageInfo, Report, SCHEMA_VERSION};
use verdict::{Accept, Finding, Severity, Verdict};

/// A result for `name@1.0.0` with a sha512 of zeros.
pub(super) fn report(name: &str, verdict: Verdict, findings: Vec<Finding>) -> Report {
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
        toolchains: Vec::new(),
        recipe: None,
        trusted_root: None,
        node_dist: None,
        node_keys: None,
    };
    let mut report = Report::new(package, false, options);
    report.verdict = verdict;
    report.reproduced = verdict.reproduced(Accept::SameContent);
    report.code = (!report.reproduced).then(|| "files-differ".to_owned());
    report.hints = vec!["hint".to_owned()];
    report.findings = findings;
    report
}

/// A failure for `name`.
pub(super) fn failure(name: &str) -> Failure {
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
pub(super) fn findings(count: usize, severity: Severity) -> Vec<Finding> {
    (0..count).map(|n| Finding::new("case-twin", severity, format!("number {n}"))).collect()
}
