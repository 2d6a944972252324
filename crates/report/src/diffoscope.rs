//! The comparison as diffoscope's JSON (format 1, as diffoscope 300 writes it with `--json`), for
//! the tools that read it.
//!
//! In: a result. Out: a tree of one level: the two tarballs, and below them each file that differs
//! with its unified diff.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::json::Report;

/// The document. `None` where nothing was compared.
pub fn document(report: &Report) -> Option<Value> {
    let comparison = report.comparison.as_ref()?;
    let sections = sections(report.diff.as_deref().unwrap_or_default());
    let why: HashMap<&str, &str> = comparison.explanations.iter().map(|one| (one.path.as_str(), one.message.as_str())).collect();
    let changed = comparison.changed.iter().map(|change| (change.path.as_str(), Some(change.kind.as_str())));
    let one_sided = comparison.only_published.iter().chain(&comparison.only_rebuilt).map(|path| (path.as_str(), None));
    let mut files: Vec<_> = changed.chain(one_sided).collect();
    files.sort_unstable();
    let details: Vec<Value> = files
        .into_iter()
        .map(|(path, kind)| {
            let comments: Vec<&str> = why.get(path).copied().into_iter().chain(kind.filter(|kind| *kind != "bytes")).collect();
            let is_in = |side: &[String]| side.iter().any(|other| other == path);
            json!({
                "source1": if is_in(&comparison.only_rebuilt) { "/dev/null" } else { path },
                "source2": if is_in(&comparison.only_published) { "/dev/null" } else { path },
                "comments": comments,
                "unified_diff": sections.get(path),
            })
        })
        .collect();
    Some(json!({
        "diffoscope-json-version": 1,
        "source1": format!("published/{}", name(report)),
        "source2": format!("rebuilt/{}", name(report)),
        "unified_diff": null,
        "details": details,
    }))
}

fn name(report: &Report) -> String {
    match (&report.package.name, &report.package.version) {
        (Some(name), Some(version)) => format!("{}-{version}.tgz", name.rsplit('/').next().unwrap_or(name)),
        _ => "package.tgz".to_owned(),
    }
}

/// The hunks of each file in a diff, by path. A line of a file begins with a sign or a blank, so
/// that one with `diff --git` is a head. Paths that the diff has in quotes are left out: who has
/// such paths gets the list of files without their hunks.
fn sections(diff: &str) -> HashMap<&str, String> {
    let mut found: HashMap<&str, String> = HashMap::new();
    let mut current = None;
    let mut in_hunks = false;
    for line in diff.lines() {
        if let Some(head) = line.strip_prefix("diff --git ") {
            // Both sides have one path: half of what is left without the two prefixes.
            let sides = head.strip_prefix("published/");
            let half = sides.and_then(|sides| sides.len().checked_sub(" rebuilt/".len())).map(|both| both / 2);
            let path = sides.zip(half).and_then(|(sides, half)| sides.split_at_checked(half));
            current = path.filter(|(path, rest)| rest.strip_prefix(" rebuilt/") == Some(path)).map(|(path, _)| path);
            in_hunks = false;
        } else if let Some(path) = current
            && line.starts_with(['@', '+', '-', ' ', '\\'])
            && (in_hunks || line.starts_with("@@"))
        {
            // What stands before the first hunk are the two names.
            in_hunks = true;
            let hunks = found.entry(path).or_default();
            hunks.push_str(line);
            hunks.push('\n');
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use verdict::Verdict;

    use super::super::json::{ChangeInfo, ComparisonInfo, SideInfo};
    use super::*;
    use crate::test_support::report;

    #[test]
    fn each_file_that_differs_has_its_own_hunks() {
        let side = || SideInfo { kind: "file".into(), mode: "644".into(), size: 1, sha256: String::new(), link_target: None };
        let change = |path: &str| ChangeInfo { path: path.into(), kind: "bytes".into(), published: side(), rebuilt: side() };
        let mut one = report("@s/a", Verdict::Differs, Vec::new());
        one.comparison = Some(ComparisonInfo {
            changed: vec![change("b c.js"), change("a.js")],
            only_published: vec!["evil.js".into()],
            ..ComparisonInfo::default()
        });
        one.diff = Some(
            "diff --git published/a.js rebuilt/a.js\nindex v1..v2 100644\n--- published/a.js\n+++ rebuilt/a.js\n@@ -1 +1 @@\n-diff --git published/x rebuilt/x\n+2\n\
             diff --git published/b c.js rebuilt/b c.js\n--- published/b c.js\n+++ rebuilt/b c.js\n@@ -1 +1 @@\n-3\n+4\n"
                .into(),
        );
        let found = document(&one).expect("compared");
        let files = found.get("details").and_then(Value::as_array).expect("files");
        let hunks: Vec<(&Value, &Value)> = files.iter().map(|file| (&file["source1"], &file["unified_diff"])).collect();
        assert_eq!(
            hunks,
            [
                (&json!("a.js"), &json!("@@ -1 +1 @@\n-diff --git published/x rebuilt/x\n+2\n")),
                (&json!("b c.js"), &json!("@@ -1 +1 @@\n-3\n+4\n")),
                (&json!("evil.js"), &Value::Null)
            ]
        );
        assert_eq!(files[2]["source2"], "/dev/null");
        assert_eq!(found["source1"], "published/a-1.0.0.tgz");
    }

    #[test]
    fn what_was_not_compared_has_no_document() {
        assert_eq!(document(&report("a", Verdict::NoSource, Vec::new())), None);
    }
}
