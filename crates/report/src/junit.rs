//! A `JUnit` report, which most CI systems show: one test case for each spec. What was not decided
//! is an error, never a pass.

use std::fmt::Write as _;
use std::time::Duration;

use verdict::Accept;

use super::terminal::{self, Detail, Style};
use crate::answer::Answer;

/// One spec and what came of it, as a test case.
pub struct Case {
    xml: String,
    code: u8,
    time: Duration,
}

impl Case {
    /// The case of a spec, by the name and version that it led to where they are known, with its
    /// answer and how long that took.
    pub fn of(spec: &str, answer: &Answer, time: Duration, accept: Accept) -> Self {
        let (kind, message, text) = match answer {
            Answer::Judged { report, .. } => {
                let code = report.code.as_deref().unwrap_or(report.verdict.as_str());
                (code.to_owned(), report.verdict.as_str().to_owned(), terminal::report(report, Style::plain(), Detail::default()))
            }
            Answer::Failed(failure) => (failure.code.clone(), failure.message.clone(), terminal::failure(failure, Style::plain())),
        };
        Self::new(&named(spec, answer), answer.exit_code(accept), [&kind, &message, &text], time)
    }

    /// The case of this name that ended with an exit code; `[kind, message, text]` say why, where
    /// that is not 0.
    pub fn new(name: &str, code: u8, [kind, message, text]: [&str; 3], time: Duration) -> Self {
        let mut out = format!("    <testcase classname=\"reproduce\" name=\"{}\" time=\"{:.3}\"", xml(name), time.as_secs_f64());
        let element = if code == 1 { "failure" } else { "error" };
        if code == 0 {
            out.push_str("/>\n");
        } else {
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                ">\n      <{element} type=\"{}\" message=\"{}\">{}</{element}>\n    </testcase>",
                xml(kind),
                xml(message),
                xml(text)
            );
        }
        Self { xml: out, code, time }
    }
}

/// `name@version`, else what was typed, as it may be shown.
fn named(spec: &str, answer: &Answer) -> String {
    let package = match answer {
        Answer::Judged { report, .. } => &report.package,
        Answer::Failed(failure) => &failure.package,
    };
    match (&package.name, &package.version) {
        (Some(name), Some(version)) => format!("{name}@{version}"),
        _ => verdict::without_secrets(spec),
    }
}

/// The report as XML (the schema that Jenkins' xunit plugin and GitLab read).
pub fn junit(cases: &[Case]) -> String {
    let count = |code: u8| cases.iter().filter(|case| case.code == code).count();
    let seconds: f64 = cases.iter().map(|case| case.time.as_secs_f64()).sum();
    let totals = format!("tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{seconds:.3}\"", cases.len(), count(1), count(2));
    let mut out = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {totals}>\n  <testsuite name=\"reproduce\" {totals}>\n");
    out.extend(cases.iter().map(|case| case.xml.as_str()));
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// Text as XML 1.0 takes it: five characters as references, and those that it forbids as U+FFFD.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_decided_is_an_error() {
        let answer = Answer::usage("no <package> was named", "name \u{7}one".into());
        let text = junit(&[Case::of("a&b", &answer, Duration::from_millis(1500), Accept::default())]);
        assert!(text.contains("tests=\"1\" failures=\"0\" errors=\"1\" time=\"1.500\""), "{text}");
        assert!(text.contains("name=\"a&amp;b\" time=\"1.500\">"), "{text}");
        assert!(text.contains("<error type=\"usage\" message=\"no &lt;package&gt; was named\">"), "{text}");
        assert!(!text.contains('\u{7}'), "{text}");
    }
}
