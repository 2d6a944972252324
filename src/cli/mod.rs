//! The command line: arguments in, answers on stdout, progress on stderr, an exit code out. index.js only hands the
//! arguments over.

mod arguments;
mod output;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;

use crate::report::terminal::{self, Style};
use crate::session::{self, Answer};
use crate::verdict::merge_exit_codes;
use arguments::{Arguments, ColorChoice};
use output::Output;

/// Words that are, or will be, commands; a package of that name is asked for as `name@latest`.
pub const COMMANDS: &[&str] = &["inspect", "replay", "cache", "enqueue", "work", "status", "collect", "completions", "help"];

/// A usage error, or anything else that is not decided.
const UNDECIDED: u8 = 2;
/// Stopped by the user: 128 + SIGINT, as shells report it.
const INTERRUPTED: u8 = 130;

/// Runs the command line and returns the exit code.
pub async fn run(arguments: Vec<String>, cancelled: Arc<AtomicBool>) -> u8 {
    // A build of a package that runs this very program in its own hook must not start another rebuild.
    if std::env::var_os("REPRODUCE_ACTIVE").is_some_and(|value| !value.is_empty()) {
        return 0;
    }
    let mut out = Output::new();
    let arguments = match Arguments::try_parse_from(std::iter::once("reproduce".to_owned()).chain(arguments.iter().cloned())) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&mut out, &error, &arguments),
    };
    let stdout_style = Style::detect(arguments.color.enabled(out.stdout_is_terminal()));
    let stderr_style = Style::detect(arguments.color.enabled(out.stderr_is_terminal()));
    let specs = match specs_or_hook(&arguments) {
        Ok(specs) => specs,
        Err(failure) => {
            out.answer(&Answer::usage(&failure.message, failure.hint), arguments.json, stdout_style, stderr_style, &arguments);
            return UNDECIDED;
        }
    };
    if let [word] = specs.as_slice()
        && word == "help"
    {
        Output::text(&Arguments::help());
        return 0;
    }
    let options = arguments.options();
    let mut codes = Vec::new();
    for spec in &specs {
        let progress = out.progress(&arguments, stderr_style, spec);
        let answer = session::judge_one(spec, &options, None, progress.listener(), Arc::clone(&cancelled)).await;
        progress.finish();
        if cancelled.load(Ordering::Relaxed) {
            return INTERRUPTED;
        }
        codes.push(answer.exit_code(options.accept));
        if !out.answer(&answer, arguments.json, stdout_style, stderr_style, &arguments) {
            // The reader went away (`| head`): nothing more can be said.
            break;
        }
    }
    merge_exit_codes(codes)
}

struct NoSpec {
    message: String,
    hint: String,
}

/// The specs; or, in a publish hook of npm's, the package that is being published.
fn specs_or_hook(arguments: &Arguments) -> Result<Vec<String>, NoSpec> {
    if let Some(command) = arguments.specs.first().filter(|word| COMMANDS.contains(&word.as_str()) && *word != "help") {
        return Err(NoSpec {
            message: format!("the command {command} is not in this version"),
            hint: format!("for the package of that name: reproduce {command}@latest"),
        });
    }
    if !arguments.specs.is_empty() {
        return Ok(arguments.specs.clone());
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if matches!(variable("npm_lifecycle_event").as_deref(), Some("publish" | "postpublish"))
        && let (Some(name), Some(version)) = (variable("npm_package_name"), variable("npm_package_version"))
    {
        return Ok(vec![format!("{name}@{version}")]);
    }
    Err(NoSpec {
        message: "no package was named".into(),
        hint: "for example: reproduce semver@7.7.4; reproduce --help lists the options".into(),
    })
}

/// `--help` and `--version` go to stdout with 0; everything else is a usage error on stderr, or JSON on stdout.
fn usage(out: &mut Output, error: &clap::Error, arguments: &[String]) -> u8 {
    if !error.use_stderr() {
        Output::text(&error.render().to_string());
        return 0;
    }
    let json = arguments.iter().any(|argument| argument == "--json" || argument == "-j");
    if json {
        let message = error.render().to_string();
        let message = message.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        out.json(&Answer::usage(&message, "reproduce --help lists the options".into()));
    } else {
        Output::error_text(&error.render().to_string());
    }
    UNDECIDED
}

impl Output {
    /// Prints one answer. False when stdout is closed.
    fn answer(&mut self, answer: &Answer, json: bool, stdout: Style, stderr: Style, arguments: &Arguments) -> bool {
        if json {
            return self.json(answer);
        }
        match answer {
            Answer::Judged { report, .. } => {
                if arguments.quiet {
                    return true;
                }
                Self::text(&terminal::report(report, stdout, terminal::Detail { diff: arguments.diff, verbose: arguments.verbose }))
            }
            Answer::Failed(failure) => {
                Self::error_text(&terminal::failure(failure, stderr));
                true
            }
        }
    }

    fn json(&mut self, answer: &Answer) -> bool {
        let line = match answer {
            Answer::Judged { report, .. } => serde_json::to_string(report),
            Answer::Failed(failure) => serde_json::to_string(failure),
        };
        match line {
            Ok(line) => Self::text(&format!("{line}\n")),
            Err(error) => {
                Self::error_text(&format!("error[internal]: {error}\n"));
                true
            }
        }
    }
}

impl ColorChoice {
    /// Whether to colour a stream, from the flag, then `NO_COLOR` and `FORCE_COLOR`, then what the stream is.
    fn enabled(self, terminal: bool) -> bool {
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

impl Drop for Output {
    fn drop(&mut self) {
        // Nothing can be said about a failed flush at the end.
        let _: std::io::Result<()> = std::io::stdout().flush();
    }
}
