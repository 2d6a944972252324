//! Results as SARIF 2.1.0, for code scanning services.
//!
//! In: the results of one run. Out: one log. The limits are GitHub's (docs.github.com, "SARIF
//! support for code scanning"): 25,000 results a run of which 5,000 are shown, 10 MB compressed,
//! 1,000 characters of a message shown. Every result has a place, because the service refuses one
//! without: `package.json` of the repository that is checked, with the package itself as logical
//! location.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use verdict::{Finding, Severity};

use super::json::{Failure, Report};
use super::statement::purl;
use super::text::escape;
use crate::product::Product;

/// Most results of a log, and the longest message in characters.
const MAX_RESULTS: usize = 5_000;
const MAX_MESSAGE: usize = 1_000;

/// One result to be: what is said of a package.
pub struct Entry {
    /// `name@version`, for people.
    pub shown: String,
    /// Its package URL, or what was asked for.
    pub package: String,
    /// What is said.
    pub finding: Finding,
    /// The file of the repository that it is about; `package.json` where there is none.
    pub file: Option<String>,
}

/// One log of all results. What was reproduced without a finding has no entry; what failed is told
/// of the run, not of a package.
pub fn log(reports: &[Report], failures: &[Failure], product: &Product) -> Value {
    let mut all = Vec::new();
    for report in reports {
        // What is worst comes first: the service cuts at the end.
        let mut entries: Vec<Finding> = verdict(report).into_iter().collect();
        let same = entries.first().map(|finding| finding.code.clone());
        let mut noticed: Vec<&Finding> = report.findings.iter().filter(|finding| Some(&finding.code) != same.as_ref()).collect();
        noticed.sort_by_key(|finding| level(finding.severity));
        entries.extend(noticed.into_iter().cloned());
        let entry = |finding| Entry { shown: shown(report), package: subject(report), finding, file: None };
        all.extend(entries.into_iter().take(MAX_RESULTS.saturating_sub(all.len())).map(entry));
    }
    let mut log = log_of(&all, failures, product);
    if let Some(told) = log.pointer_mut("/runs/0/invocations/0/toolExecutionNotifications").and_then(Value::as_array_mut) {
        told.extend(reports.iter().filter_map(undecided).take(MAX_RESULTS));
    }
    log
}

/// A notification of the run for a package that was not decided: it is no error of the package's,
/// and a reader of the results alone would take it for one.
fn undecided(report: &Report) -> Option<Value> {
    let finding = verdict(report).filter(|_| !is_decided(report))?;
    let message = plain(&format!("{}: {}", shown(report), finding.message));
    Some(json!({ "level": "warning", "descriptor": { "id": finding.code }, "message": { "text": message } }))
}

fn is_decided(report: &Report) -> bool {
    report.verdict.exit_code(report.options.accept) < 2
}

/// One log of these results, as many of them as a service takes.
pub fn log_of(entries: &[Entry], failures: &[Failure], product: &Product) -> Value {
    let mut rules: Vec<&str> = Vec::new();
    let mut results = Vec::new();
    for entry in entries.iter().take(MAX_RESULTS) {
        let code = entry.finding.code.as_str();
        let index = rules.iter().position(|rule| *rule == code).unwrap_or_else(|| {
            rules.push(code);
            rules.len() - 1
        });
        results.push(result(entry, index));
    }
    let mut log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "reproduce",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|code| rule(code, product)).collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": failures.is_empty(),
                "toolExecutionNotifications": failures.iter().map(|failure| json!({
                    "level": "error",
                    "descriptor": { "id": failure.code },
                    "message": { "text": format!("{}: {}", failure.package.spec, failure.message) },
                })).collect::<Vec<_>>(),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    if let Some(repository) = &product.repository
        && let Some(driver) = log.pointer_mut("/runs/0/tool/driver").and_then(Value::as_object_mut)
    {
        driver.insert("informationUri".into(), repository.as_str().into());
    }
    log
}

fn rule(code: &str, product: &Product) -> Value {
    let mut rule = json!({
        "id": code,
        "shortDescription": { "text": code.replace('-', " ") },
        "help": { "text": format!("reproduce explain {code} says what it means and what to do.") },
    });
    if let (Some(repository), Some(rule)) = (&product.repository, rule.as_object_mut()) {
        rule.insert("helpUri".into(), format!("{repository}/blob/HEAD/docs/codes.md").into());
    }
    rule
}

/// The verdict itself, where the package was not reproduced. What was not decided is no error of
/// the package's.
pub(super) fn verdict(report: &Report) -> Option<Finding> {
    if report.reproduced {
        return None;
    }
    let decided = is_decided(report);
    let code = report.code.as_deref().unwrap_or(report.verdict.as_str());
    let why =
        report.findings.iter().find(|finding| finding.code == code).map(|finding| format!(": {}", finding.message)).unwrap_or_default();
    let what = if decided { "not reproduced" } else { "not decided" };
    let likely = report.likely.as_ref().map(|likely| format!("; likely {}", likely.cause.words())).unwrap_or_default();
    let message = format!("{what}, {} ({code}){why}{likely}", report.verdict.as_str());
    Some(Finding::new(code, if decided { Severity::Error } else { Severity::Warning }, message))
}

fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Error => 0,
        Severity::Warning => 1,
        Severity::Info => 2,
    }
}

fn result(entry: &Entry, index: usize) -> Value {
    let Entry { shown, package, finding, file } = entry;
    let path = finding.path.as_deref();
    let whole = path.map_or_else(|| package.clone(), |path| format!("{package}#{path}"));
    let message = plain(&format!("{shown}: {}", finding.message));
    // So that the same finding of the next run is known to be the same.
    let print = hex::encode(Sha256::digest(format!("{whole}\0{}", finding.code)));
    json!({
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": match finding.severity { Severity::Error => "error", Severity::Warning => "warning", Severity::Info => "note" },
        "message": { "text": message },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": file.as_deref().map_or_else(|| "package.json".to_owned(), uri) }, "region": { "startLine": 1 } },
            "logicalLocations": [{ "fullyQualifiedName": whole, "kind": "module" }],
        }],
        "partialFingerprints": { "reproduce/v1": print },
    })
}

/// A path as the reference that a URI is made of.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _: std::fmt::Result = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A stranger's text as SARIF takes it for text: brackets would make links of it (SARIF 2.1.0,
/// 3.11.6).
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in escape(text).chars().take(MAX_MESSAGE) {
        if matches!(c, '\\' | '[' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn subject(report: &Report) -> String {
    match (&report.package.name, &report.package.version) {
        (Some(name), Some(version)) => purl(name, version),
        _ => report.package.spec.clone(),
    }
}

/// `name@version`, or what was asked for.
pub(super) fn shown(report: &Report) -> String {
    match (&report.package.name, &report.package.version) {
        (Some(name), Some(version)) => format!("{name}@{version}"),
        _ => report.package.spec.clone(),
    }
}

#[cfg(test)]
mod tests {
    use verdict::Verdict;

    use super::super::test_support::{failure, findings};
    use super::*;
    use crate::test_support::report;

    fn results(log: &Value) -> &Vec<Value> {
        log.pointer("/runs/0/results").and_then(Value::as_array).expect("results")
    }

    #[test]
    fn what_was_not_reproduced_is_an_error_and_what_was_not_decided_a_warning() {
        let reports = [
            report("a", Verdict::Differs, Vec::new()),
            report("@s/b", Verdict::NoSource, Vec::new()),
            report("c", Verdict::Identical, Vec::new()),
        ];
        let log = log(&reports, &[], &Product::default());
        let found: Vec<(&str, &str)> = results(&log)
            .iter()
            .map(|one| {
                let at = |path: &str| one.pointer(path).and_then(Value::as_str).expect("text");
                (at("/level"), at("/locations/0/logicalLocations/0/fullyQualifiedName"))
            })
            .collect();
        assert_eq!(found, [("error", "pkg:npm/a@1.0.0"), ("warning", "pkg:npm/%40s/b@1.0.0")]);
        assert_eq!(log.pointer("/runs/0/invocations/0/executionSuccessful"), Some(&Value::Bool(true)));
    }

    #[test]
    fn every_result_points_to_its_rule() {
        let log = log(
            &[report("a", Verdict::Differs, findings(3, Severity::Info)), report("b", Verdict::Differs, Vec::new())],
            &[],
            &Product::default(),
        );
        let rules = log.pointer("/runs/0/tool/driver/rules").and_then(Value::as_array).expect("rules");
        assert_eq!(rules.len(), 2);
        for one in results(&log) {
            let index = usize::try_from(one.get("ruleIndex").and_then(Value::as_u64).expect("a number")).expect("small");
            assert_eq!(rules.get(index).and_then(|rule| rule.get("id")), one.get("ruleId"));
        }
    }

    #[test]
    fn a_log_keeps_to_the_limits_the_worst_of_a_package_first() {
        let mut mixed = findings(3, Severity::Info);
        mixed.extend(findings(3, Severity::Error));
        let first = log(&[report("a", Verdict::Identical, mixed)], &[], &Product::default());
        assert_eq!(results(&first).first().and_then(|one| one.get("level")).and_then(Value::as_str), Some("error"));
        let long = Finding::new("case-twin", Severity::Info, "x".repeat(5_000));
        let many = log(&[report("a", Verdict::Differs, vec![long; 6_000])], &[], &Product::default());
        assert_eq!(results(&many).len(), MAX_RESULTS);
        assert!(results(&many).iter().all(|one| one.pointer("/message/text").and_then(Value::as_str).expect("text").len() <= MAX_MESSAGE));
    }

    #[test]
    fn the_same_finding_has_the_same_print_and_another_one_another() {
        let prints = |name: &str| {
            let log = log(&[report(name, Verdict::Differs, Vec::new())], &[], &Product::default());
            results(&log).first().and_then(|one| one.pointer("/partialFingerprints/reproduce~1v1")).cloned().expect("a print")
        };
        assert_eq!(prints("a"), prints("a"));
        assert_ne!(prints("a"), prints("b"));
    }

    #[test]
    fn a_failure_is_told_of_the_run() {
        let log = log(&[], &[failure("nowhere")], &Product::default());
        assert_eq!(log.pointer("/runs/0/invocations/0/executionSuccessful"), Some(&Value::Bool(false)));
        assert!(results(&log).is_empty());
    }
}
