//! `reproduce completions`: what shells and `man` want to know of the command line.

use clap::{Command, CommandFactory, Parser};
use clap_complete::Shell;

use super::arguments::Arguments as Main;
use super::output::Output;
use super::{UNDECIDED, cache, inspect, usage, written};

/// The word that this command begins with.
pub(super) const WORD: &str = "completions";

const HINT: &str = "reproduce completions <shell>; for the package of that name: reproduce completions@latest";

/// Print completions for a shell, or the manual page.
///
/// For bash: reproduce completions bash > ~/.local/share/bash-completion/completions/reproduce
#[derive(Debug, Parser)]
#[command(name = "reproduce completions", max_term_width = 100)]
struct Arguments {
    /// bash, elvish, fish, powershell or zsh; or man for the manual page
    #[arg(value_name = "shell", value_parser = ["bash", "elvish", "fish", "powershell", "zsh", "man"])]
    shell: String,
}

/// Runs the command and returns the exit code.
pub(super) fn run(arguments: &[String]) -> u8 {
    let parsed = match Arguments::try_parse_from(std::iter::once("reproduce completions").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, HINT),
    };
    let mut text = Vec::new();
    if parsed.shell == "man" {
        // Without the date that is today's: the page is compared with the committed one.
        if let Err(error) = clap_mangen::Man::new(command()).date("").render(&mut text) {
            return written(Err(error)).unwrap_or(UNDECIDED);
        }
    } else if let Ok(shell) = parsed.shell.parse::<Shell>() {
        clap_complete::generate(shell, &mut command(), "reproduce", &mut text);
    }
    written(Output::text(&String::from_utf8_lossy(&text))).unwrap_or(0)
}

/// The whole command line as one tree. The commands are parsed apart from each other: any first word may be a package.
fn command() -> Command {
    Main::command().subcommands([
        inspect::command().name(inspect::WORD),
        cache::command().name(cache::WORD),
        Arguments::command().name(WORD),
    ])
}
