//! `reproduce completions`: what shells and `man` want to know of the command line.

use std::fmt::Write as _;

use clap::{Command, CommandFactory, Parser};
use clap_complete::Shell;

use super::arguments::Arguments as Main;
use super::output::Output;
use super::{UNDECIDED, audit, cache, inspect, pages, replay, report, stage, survey, usage, written};

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
        if let Err(error) = manual(&mut text) {
            return written(Err(error)).unwrap_or(UNDECIDED);
        }
    } else if let Ok(shell) = parsed.shell.parse::<Shell>() {
        clap_complete::generate(shell, &mut command(), "reproduce", &mut text);
    }
    written(Output::text(&String::from_utf8_lossy(&text))).unwrap_or(0)
}

/// The whole command line as one tree. The commands are parsed apart from each other: any first
/// word may be a package.
pub(super) fn command() -> Command {
    Main::command().disable_help_subcommand(true).subcommands([
        inspect::command().name(inspect::WORD),
        replay::command().name(replay::WORD),
        audit::command().name(audit::WORD),
        survey::command().name(survey::WORD),
        report::command().name(report::WORD),
        stage::command().name(stage::WORD),
        pages::explain_command().name(pages::EXPLAIN),
        cache::command().name(cache::WORD),
        Arguments::command().name(WORD),
        pages::help_command().name(pages::HELP),
    ])
}

/// The manual, one page with all commands in it: there are no pages beside it to refer to.
fn manual(text: &mut Vec<u8>) -> std::io::Result<()> {
    // Without the date that is today's: the page is compared with the committed one.
    clap_mangen::Man::new(Main::command()).date("").render(text)?;
    let mut page = String::new();
    for one in command().get_subcommands() {
        let mut part = Vec::new();
        let name = format!("reproduce {}", one.get_name());
        let man = clap_mangen::Man::new(one.clone().bin_name(&name).display_name(&name));
        man.render_synopsis_section(&mut part)?;
        man.render_description_section(&mut part)?;
        man.render_options_section(&mut part)?;
        // Writing to a String cannot fail.
        let _: std::fmt::Result = writeln!(page, ".SH \"{}\"", name.to_uppercase());
        // A section of its own page is a part of a section here.
        page.push_str(&String::from_utf8_lossy(&part).replace("\n.SH ", "\n.SS ").replace(".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n", ""));
    }
    text.extend_from_slice(page.as_bytes());
    Ok(())
}
