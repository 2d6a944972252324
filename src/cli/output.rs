//! The two streams: answers on stdout, everything else on stderr.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use report::answer::Answer;
use report::github;
use report::terminal::{self, Detail, Style};
use report::text::escape;
use verdict::Verdict;
use verdict::escape::is_unsafe;

use super::again;
use super::arguments::{Arguments, ColorChoice};
use super::progress::{self, Line};
use crate::local;

/// How answers and progress are written.
pub(super) struct Output {
    json: bool,
    quiet: bool,
    /// The options that were given, for what is to be typed next.
    given: String,
    detail: Detail,
    stdout: Style,
    stderr: Style,
    progress: How,
}

impl Output {
    /// Decides by the arguments, the environment and what the streams are.
    pub(super) fn new(arguments: &Arguments) -> Self {
        let (out_is_terminal, err_is_terminal) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let stderr = Style::detect(arguments.color.enabled(err_is_terminal));
        Self {
            json: arguments.json,
            quiet: arguments.quiet,
            given: again::given(&arguments.options()),
            detail: Detail { diff: arguments.diff, log: arguments.log, verbose: arguments.verbose },
            stdout: Style::detect(arguments.color.enabled(out_is_terminal)),
            stderr,
            progress: if arguments.quiet {
                How::None
            } else {
                // stdout is left alone: with --json only JSON is there, and a line that moves would
                // disturb what a pager shows.
                let free = out_is_terminal || arguments.json;
                How::of(free && err_is_terminal && !in_ci() && stderr.can_move(), arguments.json, arguments.progress)
            },
        }
    }

    /// Writes one answer: a result to stdout, a failure to stderr, or either as JSON to stdout.
    pub(super) fn answer(&self, answer: &Answer) -> io::Result<()> {
        match answer {
            _ if self.json => Self::json(answer),
            Answer::Judged { .. } if self.quiet => Ok(()),
            Answer::Judged { report, .. } => {
                let again = terminal::again(report) + &self.given;
                Self::text(&terminal::report_of(report, Some(&again), self.stdout, self.detail))
            }
            Answer::Failed(failure) => {
                Self::error_text(&terminal::failure(failure, self.stderr));
                Ok(())
            }
        }
    }

    /// Whether answers are JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes what came of several packages together.
    pub(super) fn total(&self, came_of: &[(Verdict, bool)]) -> io::Result<()> {
        if self.json || self.quiet { Ok(()) } else { Self::text(&format!("\n{}", terminal::total(came_of))) }
    }

    /// Writes what came of a folder.
    pub(super) fn local(&self, checked: &local::Checked) -> io::Result<()> {
        if self.json {
            Self::json_of(checked)
        } else if self.quiet && checked.exit_code() == 0 {
            Ok(())
        } else {
            Self::text(&local::text::text(checked, self.stdout, self.detail))
        }
    }

    /// Writes how many packages of a workspace can be published.
    pub(super) fn local_total(&self, passed: usize, of: usize) -> io::Result<()> {
        if self.json || self.quiet { Ok(()) } else { Self::text(&format!("\n{passed} of {of} packages can be reproduced\n")) }
    }

    /// Writes a failure to stderr, for people.
    pub(super) fn failure(answer: &Answer) {
        if let Answer::Failed(failure) = answer {
            Self::error_text(&terminal::failure(failure, Style::detect(ColorChoice::Auto.enabled(io::stderr().is_terminal()))));
        }
    }

    /// Writes one answer as one line of JSON.
    pub(super) fn json(answer: &Answer) -> io::Result<()> {
        match answer {
            Answer::Judged { report, .. } => Self::json_of(report),
            Answer::Failed(failure) => Self::json_of(failure),
        }
    }

    /// Writes anything as one line of JSON.
    pub(super) fn json_of(value: &impl serde::Serialize) -> io::Result<()> {
        let json = ascii_where_unsafe(&serde_json::to_string(value)?);
        Self::text(&format!("{}\n", if github::is_heard() { github::harmless_json(&json) } else { json }))
    }

    /// Writes to stdout. Where a CI obeys what it reads there, nothing in the text is a command.
    pub(super) fn text(text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(for_runner(text).as_bytes())?;
        stdout.flush()
    }

    /// Writes to stderr, without the passwords of addresses; where even that fails there is nobody
    /// to tell.
    pub(super) fn error_text(text: &str) {
        let text = verdict::told_without_secrets(text);
        let _: io::Result<()> = io::stderr().lock().write_all(for_runner(&text).as_bytes());
    }

    /// Says on stderr that the tarball was written that `--emit` wants: it is as soon as anything
    /// was rebuilt. That it was not is a finding of the result.
    pub(super) fn emitted(&self, path: &Path, answer: &Answer) {
        let is_made = matches!(answer, Answer::Judged { report, .. } if !report.attempts.is_empty());
        if is_made && !self.quiet && !self.json {
            let path = escape(&path.display().to_string()).into_owned();
            Self::error_text(&format!("{path}: the rebuilt tarball\n"));
        }
    }

    /// Writes commands of our own to a CI, on stderr.
    pub(super) fn commands(text: &str) {
        let _: io::Result<()> = io::stderr().lock().write_all(text.as_bytes());
    }

    /// The progress of a command that is told of JSON alone.
    pub(super) fn progress_of(json: bool, asked: bool, what: &str) -> Line {
        let style = Style::detect(false);
        let what = verdict::told_without_secrets(what);
        How::of(io::stderr().is_terminal() && !in_ci() && style.can_move(), json, asked).line(&what, style)
    }

    /// The progress of one package.
    pub(super) fn progress(&self, spec: &str) -> Line {
        self.progress.line(spec, self.stderr)
    }
}

/// Whether this is a CI's job, whose log keeps every line.
fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// How progress is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    None,
    Moving,
    /// In lines: of what takes long, or of every stage.
    Logged {
        at_once: bool,
    },
}

impl How {
    /// On a terminal a line that moves. Elsewhere lines, but beside JSON only where they were asked
    /// for: a program may read both streams.
    fn of(can_move: bool, json: bool, asked: bool) -> Self {
        match (can_move, json && !asked) {
            (true, _) => Self::Moving,
            (false, true) => Self::None,
            (false, false) => Self::Logged { at_once: asked },
        }
    }

    fn line(self, what: &str, stderr: Style) -> Line {
        match self {
            Self::None => Line::None,
            Self::Moving => Line::moving(what, stderr.unicode()),
            Self::Logged { at_once } => Line::logged(what, at_once, progress::to_stderr),
        }
    }
}

/// Text as a CI may read it.
pub(super) fn for_runner(text: &str) -> Cow<'_, str> {
    if github::is_heard() { github::harmless(text) } else { Cow::Borrowed(text) }
}

/// JSON with every character that could speak to a terminal as an escape: they stand only inside
/// strings.
fn ascii_where_unsafe(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _: std::fmt::Result = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

impl ColorChoice {
    /// Whether to colour a stream, from the flag, then `NO_COLOR` and `FORCE_COLOR`, then what the
    /// stream is.
    pub(super) fn enabled(self, terminal: bool) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if set("NO_COLOR") => false,
            Self::Auto if set("FORCE_COLOR") || set("CLICOLOR_FORCE") => true,
            Self::Auto => terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::How;

    #[test]
    fn beside_json_progress_is_told_on_a_terminal_and_where_it_is_asked_for() {
        assert_eq!(How::of(true, true, false), How::Moving);
        assert_eq!(How::of(false, true, false), How::None);
        assert_eq!(How::of(false, true, true), How::Logged { at_once: true });
        assert_eq!(How::of(false, false, false), How::Logged { at_once: false });
    }
}
