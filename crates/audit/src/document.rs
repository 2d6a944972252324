//! A whole audit as JSON, and the lines of its NDJSON.

use std::collections::BTreeMap;

use report::classes::Classes;
use report::json::SCHEMA_VERSION;
use serde::Serialize;
use verdict::{Finding, Severity, Verdict, merge_exit_codes};

use super::{FailOn, Plan, Row};
use npm_lockfile::{LeftOut, Reason};

/// A whole audit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Of this form of JSON.
    pub schema_version: u32,
    /// Of this program.
    pub reproduce_version: String,
    /// The lockfile.
    pub file: String,
    /// Its format.
    pub format: String,
    /// The program's exit code.
    pub exit_code: u8,
    /// The sums.
    pub totals: Totals,
    /// Why packages are not reproduced, the commonest first.
    pub classes: Classes,
    /// About the lockfile as a whole.
    pub findings: Vec<Finding>,
    /// The packages, by name and version.
    pub packages: Vec<Row>,
    /// What is no package of a registry.
    pub left_out: Vec<LeftOutInfo>,
}

/// Sums of an audit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// All that were judged.
    pub packages: usize,
    /// Those that count as reproduced.
    pub reproduced: usize,
    /// Of these, those with the same bytes.
    pub identical: usize,
    /// Those that were checked and are not reproduced.
    pub not_reproduced: usize,
    /// Those that were not decided.
    pub not_decided: usize,
    /// Those whose verdict an exception lifts.
    pub excepted: usize,
    /// Those for which the lockfile says otherwise than the registry, or nothing that tells which
    /// tarball is installed.
    pub not_as_locked: usize,
    /// Those for which the registry lists provenance.
    pub with_provenance: usize,
    /// Those that were omitted as the user asked.
    pub omitted: usize,
    /// What was left out, by reason.
    pub left_out: BTreeMap<&'static str, usize>,
}

/// What was left out.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOutInfo {
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// The key there.
    pub key: String,
    /// Why.
    pub reason: &'static str,
    /// 0 where nothing unknown comes with it or it is accepted, else 2.
    pub exit_code: u8,
    /// Why the team accepts it; null where no exception does.
    pub exception: Option<String>,
    /// What the lockfile leads it to, which an exception can be pinned to.
    #[serde(skip)]
    pub(crate) pin: Option<String>,
    /// Whether that exception was not there at the commit since which changes are asked for.
    pub exception_is_new: bool,
}

impl LeftOutInfo {
    /// Whether a decision can accept it. What cannot be read may be anything.
    pub(crate) fn is_liftable(&self) -> bool {
        self.reason != Reason::Unreadable.as_str()
    }

    /// Whether it lies on disk, where it can become anything.
    pub(crate) fn is_on_disk(&self) -> bool {
        [Reason::File, Reason::Link].iter().any(|reason| self.reason == reason.as_str())
    }
}

/// A line of NDJSON.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Line<'a> {
    /// A package, as it is done.
    Package(&'a Row),
    /// What was left out.
    LeftOut(&'a LeftOutInfo),
    /// The end: a file without this line is that of an audit that did not come to its end.
    #[serde(rename_all = "camelCase")]
    Total {
        /// The sums.
        totals: &'a Totals,
        /// The program's exit code.
        exit_code: u8,
    },
}

impl Document {
    /// The document of an audit that is done.
    pub fn of(plan: &Plan, mut rows: Vec<Row>, fail_on: FailOn) -> Self {
        rows.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        let left_out: Vec<LeftOutInfo> = left_out(plan, &rows).collect();
        let totals = totals(plan, &rows);
        // What is left out is installed all the same.
        let of_left_out = left_out.iter().map(|left| left.exit_code);
        let of_file = plan.findings.iter().map(|finding| if finding.severity == Severity::Error { 2 } else { 0 });
        let (settings, of_settings) = settings(plan);
        let found = merge_exit_codes(rows.iter().map(|row| row.exit_code).chain(of_left_out).chain(of_file).chain([of_settings]));
        Self {
            schema_version: SCHEMA_VERSION,
            reproduce_version: env!("CARGO_PKG_VERSION").to_owned(),
            file: plan.file.display().to_string(),
            format: plan.format.to_owned(),
            exit_code: fail_on.of(found),
            classes: classes(&rows),
            totals,
            findings: [plan.findings.clone(), settings, plan.exceptions.findings(&rows, &left_out, plan), plan.exceptions.told_as_new()]
                .concat(),
            packages: rows,
            left_out,
        }
    }
}

/// What a plan leaves out. It counts as not decided, unless it is the project's own or lies in a
/// tarball that was judged.
fn left_out<'a>(plan: &'a Plan, rows: &'a [Row]) -> impl Iterator<Item = LeftOutInfo> + 'a {
    let by_spec: BTreeMap<String, &Row> = rows.iter().map(|row| (format!("{}@{}", row.name, row.version), row)).collect();
    plan.left_out.iter().map(move |left| {
        let by = |left: &LeftOut| left.bundled.as_ref().and_then(|bundled| by_spec.get(&bundled.by).copied());
        let is_bundled = |left: &LeftOut| plan.is_bundled(left, by(left));
        let mut info = LeftOutInfo {
            line: left.position.line,
            column: left.position.column,
            key: left.key.clone(),
            reason: left.reason.as_str(),
            exit_code: 0,
            exception: None,
            pin: left.leads_to.clone(),
            exception_is_new: false,
        };
        if !left.is_own && !is_bundled(left) && !plan.accepted.contains(&left.reason) {
            info.exit_code = 2;
        }
        if info.exit_code > 0 && info.is_liftable() {
            let exception = plan.exceptions.for_left_out((&left.key, info.reason), info.pin.as_deref());
            info.exception_is_new = exception.is_some_and(|exception| plan.exceptions.is_new(exception));
            info.exception = exception.map(|exception| exception.reason.clone());
            info.exit_code = if info.exception.is_some() { 0 } else { 2 };
        }
        info
    })
}

/// What is told of the project's settings, and the exit code that they make. An accepted one is
/// told all the same.
fn settings(plan: &Plan) -> (Vec<Finding>, u8) {
    let mut exit = 0;
    let told = plan.settings.iter().map(|setting| {
        let accepted = if plan.accepts_settings {
            Some("--accept-settings")
        } else {
            plan.exceptions.for_setting(setting).map(|exception| exception.reason.as_str())
        };
        let (severity, end) = match accepted {
            Some(reason) => (Severity::Info, format!("; accepted: {reason}")),
            None => (Severity::Warning, String::new()),
        };
        if accepted.is_none() {
            exit = 2;
        }
        let mut finding = Finding::new("client-settings", severity, format!("{}: {}{end}", setting.name(), setting.why));
        finding.path = Some(setting.file.clone());
        finding
    });
    (told.collect(), exit)
}

fn totals(plan: &Plan, rows: &[Row]) -> Totals {
    let count = |wanted: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| wanted(row)).count();
    let mut left_out = BTreeMap::new();
    for left in &plan.left_out {
        *left_out.entry(left.reason.as_str()).or_default() += 1;
    }
    let reproduced = count(&|row| row.reproduced);
    let not_decided = count(&|row| !row.reproduced && row.unlifted_exit != 1);
    Totals {
        packages: rows.len(),
        reproduced,
        identical: count(&|row| row.reproduced && row.verdict == Verdict::Identical),
        not_reproduced: rows.len() - reproduced - not_decided,
        not_decided,
        excepted: count(&|row| row.exception.is_some()),
        not_as_locked: count(&|row| !row.findings.is_empty()),
        with_provenance: count(&|row| row.has_provenance),
        omitted: plan.omitted,
        left_out,
    }
}

fn classes(rows: &[Row]) -> Classes {
    let mut classes = Classes::default();
    for row in rows.iter().filter(|row| !row.reproduced) {
        classes.add(row.verdict, row.code.as_deref(), &format!("{}@{}", row.name, row.version));
    }
    classes
}
