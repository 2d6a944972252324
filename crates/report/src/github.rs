//! What GitHub Actions shows of a run: annotations, and a summary of the job.
//!
//! A runner obeys lines of a step's output: `::command::` at the start of a line and `##[command]`
//! anywhere (actions/runner, `ActionCommandManager`). So everything that a stranger wrote is either
//! escaped for a command of ours, or printed with a backslash before what could begin one.

use std::borrow::Cow;
use std::fmt::Write as _;

use verdict::{Finding, Severity};

use super::json::{Failure, Report};
use super::sarif::{shown, verdict};
use super::text::escape;
use crate::history;

/// Annotations of one level that a step shows (docs.github.com, "Usage limits"); what is past them
/// is lost.
const MAX_ANNOTATIONS: usize = 10;
/// Bytes of a message: the service cuts at some 4 KiB.
const MAX_MESSAGE: usize = 2_000;
/// Bytes of a step's summary; more is refused as a whole.
pub const MAX_SUMMARY: usize = 1 << 20;
/// Rows of a table in the summary.
const MAX_ROWS: usize = 1_000;

/// Whether a job of GitHub Actions is running this.
pub fn is_here() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The annotations of a run: the verdict of each package that was not reproduced, and the findings
/// that are errors or warnings.
pub fn annotations(reports: &[Report], failures: &[Failure]) -> String {
    let mut out = String::new();
    let mut left = [MAX_ANNOTATIONS; 2];
    let failed = failures.iter().map(|failure| {
        let code = failure.code.as_str();
        (failure.package.spec.clone(), Finding::new(code, Severity::Error, &failure.message))
    });
    let all = reports.iter().flat_map(|report| {
        let own = verdict(report);
        let code = own.as_ref().map(|finding| finding.code.clone());
        let noticed = report.findings.iter().filter(move |finding| Some(&finding.code) != code.as_ref()).cloned();
        own.into_iter().chain(noticed).map(move |finding| (shown(report), finding))
    });
    let listed = failed.chain(all).filter(|(_, finding)| finding.severity != Severity::Info);
    for (package, Finding { code, severity, path, message }) in listed {
        let (command, at) = if severity == Severity::Error { ("error", 0) } else { ("warning", 1) };
        let Some(left) = left.get_mut(at).filter(|left| **left > 0) else { continue };
        *left -= 1;
        let path = path.map(|path| format!("{path}: ")).unwrap_or_default();
        let text: String = escape(&format!("{path}{message}")).chars().take(MAX_MESSAGE).collect();
        let title = escape(&format!("{package} [{code}]")).into_owned();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "::{command} title={}::{}", property(&title), data(&text));
    }
    out
}

/// A command's text, as @actions/core 1.11 writes it.
pub fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A command's property.
pub fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The summary of a run as Markdown, of at most `room` bytes.
pub fn summary(reports: &[Report], failures: &[Failure], room: usize) -> String {
    let mut out = String::from("### reproduce\n\n| package | verdict | source | provenance |\n| --- | --- | --- | --- |\n");
    for report in reports.iter().take(MAX_ROWS) {
        let symbol = match (report.reproduced, verdict(report).map(|finding| finding.severity)) {
            (true, _) => "✅",
            (false, Some(Severity::Error)) => "❌",
            _ => "❔",
        };
        let code = report.code.as_deref().map(|code| format!(" ({})", cell(code))).unwrap_or_default();
        let source = report.origin.as_ref().map(|origin| {
            let at: String = origin.commit.chars().take(12).collect();
            format!("{} at {}", cell(&origin.repository), cell(&at))
        });
        let provenance = match &report.provenance {
            Some(provenance) if provenance.verified => "verified",
            Some(_) => "**does not hold**",
            None => "none",
        };
        let source = source.unwrap_or_else(|| "none".into());
        let _ = writeln!(out, "| {} | {symbol} {}{code} | {source} | {provenance} |", cell(&shown(report)), report.verdict.as_str());
    }
    for failure in failures.iter().take(MAX_ROWS) {
        let of = Some(cell(&failure.package.spec)).filter(|spec| !spec.is_empty()).unwrap_or_else(|| "(none)".into());
        let _ = writeln!(out, "| {of} | ❔ error ({}) | none | none |", cell(&failure.code));
    }
    if reports.len() > MAX_ROWS {
        let _ = writeln!(out, "\nand {} more", reports.len() - MAX_ROWS);
    }
    for failure in failures.iter().take(MAX_ROWS) {
        let _ = writeln!(out, "\n**{}**: error ({}): {}", cell(&failure.package.spec), cell(&failure.code), cell(&failure.message));
    }
    for report in reports {
        let mut lines = String::new();
        if let Some(line) = report.history.as_deref().and_then(|entries| history::summary(report, entries)) {
            let _ = writeln!(lines, "- {}", cell(&line));
        }
        if let Some(likely) = &report.likely {
            let _ = writeln!(lines, "- likely {}: {}", likely.cause.words(), cell(&likely.reasons.join("; ")));
        }
        for finding in report.findings.iter().filter(|finding| finding.severity != Severity::Info) {
            let path = finding.path.as_deref().map(|path| format!("{}: ", cell(path))).unwrap_or_default();
            let word = if finding.severity == Severity::Error { "error" } else { "warning" };
            let _ = writeln!(lines, "- {word}: {path}{} ({})", cell(&finding.message), cell(&finding.code));
        }
        if !lines.is_empty() {
            let _ = writeln!(out, "\n**{}**\n\n{lines}", cell(&shown(report)));
        }
    }
    cut(out, room)
}

/// A stranger's text inside of a table: no markup of its own, no line of its own.
pub fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in escape(text).chars().take(MAX_MESSAGE) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // As character references: a backslash escape can itself be escaped. `@`, `:` and
            // `www.` would name people and make links.
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '@' | '$' | ':' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.replace("www.", "www&#46;")
}

/// At most so many bytes, whole lines, with a word on what is left out.
pub fn cut(mut text: String, room: usize) -> String {
    const MORE: &str = "\n\nThe summary is not shown in full.\n";
    if text.len() <= room {
        return text;
    }
    let end = text.bytes().take(room.saturating_sub(MORE.len())).rposition(|byte| byte == b'\n').unwrap_or_default();
    text.truncate(end);
    if text.len() + MORE.len() <= room {
        text.push_str(MORE);
    }
    text
}

/// What begins a command anywhere in a line: GitHub's runner, Azure Pipelines' agent, `TeamCity`'s.
const MARKS: [&str; 3] = ["##[", "##vso[", "##teamcity["];

/// Whether what is printed is read by a runner that takes commands from it.
pub fn is_heard() -> bool {
    is_here() || ["TF_BUILD", "TEAMCITY_VERSION"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Text in which nothing is a command: a backslash stands before what would begin one. The runner
/// takes `::` after white space at the start of a line and `##[` anywhere
/// (`ActionCommand.TryParseV2` and `TryParse`); a carriage return ends a line for it too.
/// `::stop-commands::` would not do: stdout and stderr of a step reach the runner in no fixed
/// order, and our own annotations could fall between it and its end.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let commands = |line: &str| line.trim_start().starts_with("::");
    if !MARKS.iter().any(|mark| text.contains(mark)) && !text.split(['\n', '\r']).any(commands) {
        return Cow::Borrowed(text);
    }
    let broken = |line: &str| MARKS.iter().fold(line.to_owned(), |line, mark| line.replace(mark, &mark.replace("##", "##\\")));
    let mut out = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive(['\n', '\r']) {
        let spoken = line.trim_start();
        if spoken.starts_with("::") {
            out.push_str(line.strip_suffix(spoken).unwrap_or_default());
            out.push('\\');
            out.push_str(&broken(spoken));
        } else {
            out.push_str(&broken(line));
        }
    }
    Cow::Owned(out)
}

/// JSON in which nothing is a command: the marks stand only inside of strings, where it can be
/// written otherwise.
pub fn harmless_json(json: &str) -> String {
    MARKS.iter().fold(json.to_owned(), |json, mark| json.replace(mark, &mark.replace("##", "#\\u0023")))
}

#[cfg(test)]
mod tests {
    use verdict::Verdict;

    use super::super::test_support::{failure, findings};
    use super::*;
    use crate::test_support::report;

    const EVIL: &str = "a\n::error::x\r\n##[add-mask]y,z: 100% | `b` [c](d) <script>";

    #[test]
    fn no_text_of_a_stranger_begins_a_command() {
        let mut one =
            report(EVIL, Verdict::Differs, vec![Finding { path: Some(EVIL.into()), ..Finding::new("case-twin", Severity::Error, EVIL) }]);
        one.package.name = Some(EVIL.into());
        let text = annotations(&[one.clone()], &[]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines.iter().all(|line| line.starts_with("::error title=")), "{text}");
        // A property ends at a comma or a colon.
        for line in lines {
            let title = line.strip_prefix("::error title=").and_then(|rest| rest.split_once("::")).expect("a title").0;
            assert!(!title.contains([',', ':']), "{title}");
        }
        assert!(text.contains("100%25"));
        let table = summary(&[one], &[], MAX_SUMMARY);
        assert!(!table.contains('`') && !table.contains("<script") && !table.contains("[c](d)"), "{table}");
        let row = table.lines().find(|line| line.contains("differs")).expect("a row");
        assert_eq!(row.matches('|').count(), 5, "{row}");
    }

    #[test]
    fn each_level_has_ten_annotations_and_notes_have_none() {
        let mut all = findings(30, Severity::Error);
        all.extend(findings(30, Severity::Warning));
        all.extend(findings(30, Severity::Info));
        let text = annotations(&[report("a", Verdict::Differs, all.clone()), report("b", Verdict::Differs, all)], &[]);
        assert_eq!(text.matches("::error ").count(), 10);
        assert_eq!(text.matches("::warning ").count(), 10);
        assert_eq!(text.lines().count(), 20);
    }

    #[test]
    fn a_reproduced_package_has_no_annotation_and_a_failure_has_one() {
        assert_eq!(annotations(&[report("a", Verdict::Identical, Vec::new())], &[]), "");
        assert_eq!(annotations(&[], &[failure("nowhere")]), "::error title=nowhere [package-not-found]::there is none\n");
        assert!(annotations(&[report("a", Verdict::NoSource, Vec::new())], &[]).starts_with("::warning title=a@1.0.0"));
    }

    #[test]
    fn a_summary_keeps_to_its_room_in_whole_lines() {
        let many: Vec<Report> =
            (0..2_000).map(|n| report(&format!("package-{n}"), Verdict::Differs, findings(20, Severity::Error))).collect();
        let whole = summary(&many, &[], usize::MAX);
        assert!(whole.len() > MAX_SUMMARY);
        let cut = summary(&many, &[], MAX_SUMMARY);
        assert!(cut.len() <= MAX_SUMMARY && cut.ends_with("not shown in full.\n"));
        for room in [0, 1, 10, 50, 100] {
            assert!(summary(&many, &[], room).len() <= room, "{room}");
        }
    }

    #[test]
    fn text_that_speaks_to_a_runner_loses_its_commands_and_nothing_else() {
        for quiet in ["", "a :: b\n", "a\n\n b ::c\r\n", "# [x]\n"] {
            assert!(matches!(harmless(quiet), Cow::Borrowed(text) if text == quiet), "{quiet:?}");
        }
        for (speaking, quiet) in [
            ("::error::x", "\\::error::x"),
            ("a\n \u{a0}::set-output name=a::b\n::c\r\n", "a\n \u{a0}\\::set-output name=a::b\n\\::c\r\n"),
            ("a\r::error::x", "a\r\\::error::x"),
            ("| log ###[add-path]/evil##[b]\n", "| log ###\\[add-path]/evil##\\[b]\n"),
            ("::a##[b]", "\\::a##\\[b]"),
            ("x ##vso[task.setvariable variable=a]b\n##teamcity[a]", "x ##\\vso[task.setvariable variable=a]b\n##\\teamcity[a]"),
            ("::\n::", "\\::\n\\::"),
        ] {
            assert_eq!(harmless(speaking), quiet, "{speaking:?}");
            assert!(matches!(harmless(quiet), Cow::Borrowed(_)), "{quiet:?}");
        }
    }

    #[test]
    fn json_stays_what_it_is() {
        let json = serde_json::json!({ "a": "##[error]x", "b": "##", "c": "##vso[x]##teamcity[y]" }).to_string();
        let quiet = harmless_json(&json);
        assert!(MARKS.iter().all(|mark| !quiet.contains(mark)));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&quiet).expect("json"),
            serde_json::from_str::<serde_json::Value>(&json).expect("json")
        );
    }
}
