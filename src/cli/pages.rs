//! `reproduce explain <code>` and `reproduce help [topic]`: the documents, which are on the user's
//! disk beside the program.

use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory, Parser};
use serde::Serialize;

use report::answer::Answer;
use report::product::Product;
use verdict::Verdict;
use verdict::diagnostic::{Diagnostic, Stage};

use super::arguments::Arguments as Main;
use super::output::Output;
use super::{UNDECIDED, usage, written};

/// The words that these commands begin with.
pub(super) const EXPLAIN: &str = "explain";
pub(super) const HELP: &str = "help";

const EXPLAIN_HINT: &str = "reproduce explain <code>; for the package of that name: reproduce explain@latest";
const HELP_HINT: &str = "reproduce help <topic>; for the package of that name: reproduce help@latest";
/// The page of codes.
const CODES: &str = "codes";
/// Most codes that are named in place of one that is not there.
const NEAREST: usize = 3;
/// One slip of the fingers is believed for so many letters.
const SLIP: usize = 4;
/// Letters that a part of a code has at least.
const PART: usize = 4;

/// What to do about a verdict that has a reason.
const SEE_CODE: &str = "the code beside the verdict is its reason: reproduce explain <code>";
/// What the verdicts mean, and what to do.
const VERDICTS: [(Verdict, &str, &str); 7] = [
    (
        Verdict::Identical,
        "the source gives the published tarball, byte for byte (exit code 0)",
        "nothing; the findings say what else was noticed",
    ),
    (
        Verdict::SameContent,
        "the tarballs' bytes differ, but npm writes the same files to disk: path, type, mode, content (exit code 0; 1 under --accept identical)",
        "nothing, unless the bytes themselves matter to you",
    ),
    (
        Verdict::Differs,
        "a file that was rebuilt from the source is not the published one, or the published archive is malformed or not the announced one \
         (exit code 1)",
        SEE_CODE,
    ),
    (Verdict::BuildFailed, "no build of the source came to its end, so there was nothing to compare (exit code 1)", SEE_CODE),
    (
        Verdict::NoSource,
        "there is no usable source: none is declared, it cannot be reached, or no commit is of this version; nothing is known about the \
         package (exit code 2)",
        SEE_CODE,
    ),
    (
        Verdict::Unsupported,
        "the source or its build needs what this program or this machine does not have; nothing is known about the package (exit code 2)",
        SEE_CODE,
    ),
    (Verdict::Error, "the check itself failed: an unknown package, the network, the disk or the command line (exit code 2)", SEE_CODE),
];

/// Explain what a code means and what to do.
#[derive(Debug, Parser)]
#[command(name = "reproduce explain", max_term_width = 100, after_help = "For the package of that name: reproduce explain@latest")]
struct Explained {
    /// A code from a report, an error or a statement
    #[arg(value_name = "code")]
    code: String,
    /// Print one JSON object
    #[arg(short, long)]
    json: bool,
}

/// Print the help, a command's help, or a page of the documents.
#[derive(Debug, Parser)]
#[command(name = "reproduce help", max_term_width = 100, after_help = "For the package of that name: reproduce help@latest")]
struct Helped {
    /// A command, or a page: `reproduce help topics` lists the pages
    #[arg(value_name = "topic")]
    topic: Option<String>,
}

pub(super) fn explain_command() -> Command {
    Explained::command()
}

pub(super) fn help_command() -> Command {
    Helped::command()
}

/// A document that cannot be shown.
#[derive(Debug, thiserror::Error)]
enum PageError {
    #[error("the documents are missing beside the program")]
    Missing,
    #[error("there is no code {code}")]
    NoCode { code: String, nearest: Vec<String> },
    #[error("there is no page {page}")]
    NoPage { page: String, pages: Vec<String> },
}

impl Diagnostic for PageError {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "documents-missing",
            Self::NoCode { .. } | Self::NoPage { .. } => "usage",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing => "install the program again: its package has a folder docs".into(),
            Self::NoCode { nearest, .. } if nearest.is_empty() => "reproduce help codes lists all of them".into(),
            Self::NoCode { nearest, .. } => format!("did you mean {}?", nearest.join(" or ")),
            Self::NoPage { pages, .. } => format!("the pages are {}", pages.join(", ")),
        })
    }
}

/// A row of docs/codes.md.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Row<'a> {
    code: &'a str,
    means: String,
    todo: String,
}

/// Runs `explain` and returns the exit code.
pub(super) fn explain(arguments: &[String], product: &Product) -> u8 {
    let parsed = match Explained::try_parse_from(std::iter::once("reproduce explain").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, EXPLAIN_HINT),
    };
    let shown = page(product, CODES).and_then(|text| {
        let rows = rows(&text);
        let known = rows.iter().find(|row| row.code == parsed.code).cloned();
        let Some(row) = known.or_else(|| verdict_row(&parsed.code)) else {
            return Err(PageError::NoCode { nearest: nearest(&parsed.code, &rows), code: parsed.code.clone() });
        };
        Ok(if parsed.json {
            Output::json_of(&row)
        } else {
            Output::text(&format!("{}\n\n{}\n\nhint: {}\n", row.code, row.means, row.todo))
        })
    });
    match shown {
        Ok(said) => written(said).unwrap_or(0),
        Err(error) => refused(&error, parsed.json),
    }
}

/// Runs `help` and returns the exit code. `command` is the whole command line with its commands.
pub(super) fn help(arguments: &[String], command: &Command, product: &Product) -> u8 {
    let parsed = match Helped::try_parse_from(std::iter::once("reproduce help").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, HELP_HINT),
    };
    let Some(topic) = parsed.topic else { return written(Output::text(&Main::help())).unwrap_or(0) };
    if let Some(one) = command.get_subcommands().find(|one| one.get_name() == topic) {
        let named = one.clone().bin_name(format!("reproduce {topic}")).display_name(format!("reproduce {topic}"));
        return written(Output::text(&named.clone().render_long_help().to_string())).unwrap_or(0);
    }
    let shown = if topic == "topics" { pages(product).map(|names| names.join("\n") + "\n") } else { page(product, &topic) };
    match shown {
        Ok(text) => written(Output::text(&text)).unwrap_or(0),
        Err(error) => refused(&error, false),
    }
}

fn refused(error: &PageError, json: bool) -> u8 {
    let answer = Answer::failed("", error);
    if json {
        return written(Output::json(&answer)).unwrap_or(UNDECIDED);
    }
    Output::failure(&answer);
    UNDECIDED
}

fn folder(product: &Product) -> Result<PathBuf, PageError> {
    product.root.as_deref().map(|root| root.join("docs")).ok_or(PageError::Missing)
}

/// The names of the pages, sorted.
fn pages(product: &Product) -> Result<Vec<String>, PageError> {
    let entries = std::fs::read_dir(folder(product)?).map_err(|_| PageError::Missing)?;
    let name = |path: &Path| {
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_page && *stem != "README").map(str::to_owned)
    };
    let mut names: Vec<String> = entries.filter_map(|entry| name(&entry.ok()?.path())).collect();
    names.sort();
    Ok(names)
}

/// A page's text. Only what is listed is read: a topic is no path.
fn page(product: &Product, topic: &str) -> Result<String, PageError> {
    let pages = pages(product)?;
    if !pages.iter().any(|name| name == topic) {
        return Err(PageError::NoPage { page: topic.to_owned(), pages });
    }
    std::fs::read_to_string(folder(product)?.join(format!("{topic}.md"))).map_err(|_| PageError::Missing)
}

/// The rows of the tables: a code, what it means and what to do.
fn rows(text: &str) -> Vec<Row<'_>> {
    let row = |line| -> Option<Row<'_>> {
        let (code, rest) = str::strip_prefix(line, "| `")?.split_once("` | ")?;
        let (means, todo) = rest.strip_suffix(" |")?.rsplit_once(" | ")?;
        Some(Row { code, means: without_links(means), todo: without_links(todo) })
    };
    text.lines().filter_map(row).collect()
}

/// `[text](target)` as its text.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        out.push_str(before);
        match behind.split_once("](").and_then(|(shown, target)| Some((shown, target.split_once(')')?.1))) {
            Some((shown, after)) if !shown.contains('[') => {
                out.push_str(shown);
                rest = after;
            }
            _ => {
                out.push('[');
                rest = behind;
            }
        }
    }
    out + rest
}

/// The row of a verdict: a word that stands beside the codes in each report, and is none of them.
/// `None` for what is no verdict.
fn verdict_row(word: &str) -> Option<Row<'static>> {
    let (verdict, means, todo) = VERDICTS.into_iter().find(|(verdict, ..)| verdict.as_str() == word)?;
    Some(Row { code: verdict.as_str(), means: format!("a verdict: {means}"), todo: todo.to_owned() })
}

/// The codes that are the most like what was typed: a slip of the fingers away, or with it as a
/// part. What only sounds alike leads nowhere.
fn nearest(typed: &str, rows: &[Row<'_>]) -> Vec<String> {
    let slips = (typed.len() / SLIP).max(1);
    let is_part = |code: &str| typed.len() >= PART && code.contains(typed);
    let mut near: Vec<(usize, &str)> = rows.iter().map(|row| (strsim::levenshtein(typed, row.code), row.code)).collect();
    near.retain(|(away, code)| *away <= slips || is_part(code));
    near.sort_unstable();
    near.into_iter().take(NEAREST).map(|(_, code)| code.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Codes\n\n| code | what it means | what to do |\n| --- | --- | --- |\n\
        | `no-source` | there is [none](x.md#y), and `a[0]` | look |\n| `no-code` | a \\| b | go on |\n";

    #[test]
    fn a_row_is_a_code_what_it_means_and_what_to_do() {
        let rows = rows(PAGE);
        let first = Row { code: "no-source", means: "there is none, and `a[0]`".into(), todo: "look".into() };
        assert_eq!((rows.len(), rows.first()), (2, Some(&first)));
    }

    #[test]
    fn a_code_that_is_not_there_is_led_to_the_nearest() {
        let rows = rows(PAGE);
        assert_eq!(nearest("no-sorce", &rows), ["no-source"]);
        assert_eq!(nearest("source", &rows), ["no-source"]);
        assert_eq!(nearest("nosuch-code", &rows), [""; 0]);
        assert_eq!(nearest("zzz", &rows), [""; 0]);
    }

    #[test]
    fn each_verdict_is_explained_as_one() {
        for verdict in ["identical", "same-content", "differs", "build-failed", "no-source", "unsupported", "error"] {
            let row = verdict_row(verdict).unwrap_or_else(|| panic!("{verdict} is not explained"));
            assert_eq!(row.code, verdict);
            assert!(row.means.starts_with("a verdict: ") && !row.todo.is_empty(), "{verdict}");
        }
        assert_eq!(verdict_row("no-code"), None);
    }

    #[test]
    fn a_topic_is_no_path() {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(root.path().join("docs")).expect("a folder");
        std::fs::write(root.path().join("docs/a.md"), "# A\n").expect("a page");
        std::fs::write(root.path().join("secret.md"), "x").expect("a file");
        let product = Product { root: Some(root.path().to_owned()), repository: None };
        assert_eq!(page(&product, "a").ok().as_deref(), Some("# A\n"));
        for topic in ["../secret", "secret", "", "a.md"] {
            assert!(matches!(page(&product, topic), Err(PageError::NoPage { .. })), "{topic}");
        }
        assert!(matches!(page(&Product::default(), "a"), Err(PageError::Missing)));
    }
}
