//! The two streams and the progress line.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::Arguments;
use crate::report::terminal::Style;
use crate::report::text::escape;
use crate::session::Progress;

/// stdout for answers, stderr for everything else.
pub(super) struct Output {
    stdout_terminal: bool,
    stderr_terminal: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        Self { stdout_terminal: io::stdout().is_terminal(), stderr_terminal: io::stderr().is_terminal() }
    }

    pub(super) fn stdout_is_terminal(&self) -> bool {
        self.stdout_terminal
    }

    pub(super) fn stderr_is_terminal(&self) -> bool {
        self.stderr_terminal
    }

    /// Writes to stdout. False when nobody reads it any more.
    pub(super) fn text(text: &str) -> bool {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_ok()
    }

    /// Writes to stderr; where even that fails there is nobody to tell.
    pub(super) fn error_text(text: &str) {
        let _: io::Result<()> = io::stderr().lock().write_all(text.as_bytes());
    }

    /// A progress line: only where both streams are terminals and no CI is at work, so that logs stay readable.
    pub(super) fn progress(&self, arguments: &Arguments, style: Style, spec: &str) -> Line {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        let shown = self.stdout_terminal && self.stderr_terminal && !in_ci && !arguments.quiet && !arguments.json && style.can_move();
        if !shown {
            return Line(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(template) = ProgressStyle::with_template("{spinner} {prefix} {msg}") {
            bar.set_style(if style.unicode() { template } else { template.tick_chars("-\\|/ ") });
        }
        bar.set_prefix(escape(spec).into_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Line(Some(bar))
    }
}

/// The progress line of one package; nothing where there is no terminal.
pub(super) struct Line(Option<ProgressBar>);

impl Line {
    /// What the run reports its progress to.
    pub(super) fn listener(&self) -> Progress {
        match self.0.clone() {
            Some(bar) => Progress::new(move |_, message| bar.set_message(escape(message).into_owned())),
            None => Progress::silent(),
        }
    }

    pub(super) fn finish(self) {
        if let Some(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
