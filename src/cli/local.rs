//! `reproduce --local`: the folder that is about to be published.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use report::answer::Answer;
use report::junit::{Case, junit};
use report::product::Product;
use report::sarif::{self, Entry};
use report::terminal::{Detail, Style};
use verdict::diagnostic::Diagnostic;
use verdict::{Failed, Finding, Severity, merge_exit_codes};

use super::arguments::Arguments;
use super::output::Output;
use super::{Program, UNDECIDED, interrupted, places, written};
use crate::local::{self, Asked, Checked, Client, Machine};
use crate::options::Options;

/// A problem whose paths are what package.json says, and no files.
const ENTRIES: &str = "local-entry-missing";
/// Problems whose paths are the package's; those of all others are the repository's.
const OF_THE_PACKAGE: [&str; 3] = ["local-time-stamp", "local-machine-path", "local-differs"];

/// Runs the check and returns the exit code: 0 where all can be published, 1 where nobody could
/// rebuild one, 2 undecided.
pub(super) async fn run(arguments: &Arguments, options: &Options, out: &Output, program: Program, cancelled: Arc<AtomicBool>) -> u8 {
    let Program { node, product, .. } = program;
    let folder = match arguments.specs.as_slice() {
        [] => PathBuf::from("."),
        [folder] => PathBuf::from(folder),
        _ => {
            let answer = Answer::usage("--local checks one folder, but several were given", "name one, or omit it for this folder".into());
            return written(out.answer(&answer)).unwrap_or(UNDECIDED);
        }
    };
    if let Err(answer) = places::of(arguments).read("package.json", Some(folder.join("package.json"))).folder("the folder", &folder).check()
    {
        return written(out.answer(&answer)).unwrap_or(UNDECIDED);
    }
    if let Err(error) = super::documents::remove_earlier(arguments) {
        return failed(&*error);
    }
    let folders = if arguments.workspaces { local::members(&folder) } else { Ok(vec![folder]) };
    let folders = match folders {
        Ok(folders) => folders,
        Err(error) => return written(out.answer(&Answer::failed("", &error))).unwrap_or(UNDECIDED),
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let client = Client::of(&variable, Machine::find(node, variable("PATH").as_deref()));
    let (mut codes, mut all) = (Vec::new(), Vec::new());
    for folder in folders {
        let is_this = folder.as_os_str() == ".";
        let progress = out.progress(&if is_this { "this folder".to_owned() } else { folder.display().to_string() });
        let began = Instant::now();
        let asked = Asked { folder, client: client.clone(), explain: arguments.explain };
        let checked = local::check(asked, options, progress.listener(), Arc::clone(&cancelled)).await;
        progress.finish();
        if cancelled.load(Ordering::Relaxed) {
            return interrupted(arguments.json, "");
        }
        let told = checked.map_or_else(|error| Told::Failed(Answer::failed("", &*error)), |checked| Told::Of(Box::new(checked)));
        let (said, code) = match &told {
            Told::Of(checked) => (out.local(checked), checked.exit_code()),
            Told::Failed(answer) => (out.answer(answer), UNDECIDED),
        };
        codes.push(written(said).unwrap_or(code));
        all.push((told, began.elapsed()));
    }
    if arguments.workspaces {
        let passed = all.iter().filter(|(told, _)| matches!(told, Told::Of(checked) if checked.exit_code() == 0)).count();
        codes.extend(written(out.local_total(passed, all.len())));
    }
    let code = merge_exit_codes(codes);
    documents(arguments, &product, &all).map_or(code, |error| failed(&*error))
}

/// The answer was given and stands; what was to be written beside it does not.
fn failed(error: &dyn Diagnostic) -> u8 {
    Output::failure(&Answer::failed("", error));
    UNDECIDED
}

/// What a document is made of.
enum Told {
    /// What came of the folder.
    Of(Box<Checked>),
    /// Why nothing did.
    Failed(Answer),
}

/// Writes the documents that are asked for; the error is why one was not.
fn documents(arguments: &Arguments, product: &Product, all: &[(Told, Duration)]) -> Option<Failed> {
    let cases = || all.iter().map(|(told, time)| case(told, arguments, *time)).collect::<Vec<_>>();
    let junit = arguments.junit.as_ref().map(|path| (path, junit(&cases())));
    let sarif = arguments.sarif.as_ref().map(|path| (path, format!("{:#}\n", log(all, product))));
    let mut documents = [junit, sarif].into_iter().flatten();
    documents.find_map(|(path, text)| super::documents::put(path, &text).err().map(|error| super::documents::failed(path, &error)))
}

/// The folder as one test case.
fn case(told: &Told, arguments: &Arguments, time: Duration) -> Case {
    match told {
        Told::Failed(answer) => Case::of("reproduce --local", answer, time, arguments.options().accept),
        Told::Of(checked) => {
            let worst = checked.problems.iter().min_by_key(|problem| problem.severity != Severity::Error);
            let (kind, message) = worst.map_or(("", ""), |problem| (&problem.code, &problem.message));
            let text = local::text::text(checked, Style::plain(), Detail::default());
            Case::new(&named(checked), checked.exit_code(), [kind, message, &text], time)
        }
    }
}

/// Every problem as a result of SARIF, once for each of its files.
fn log(all: &[(Told, Duration)], product: &Product) -> Value {
    let (mut entries, mut failures) = (Vec::new(), Vec::new());
    for (told, _) in all {
        match told {
            Told::Of(checked) => entries.extend(entries_of(checked)),
            Told::Failed(Answer::Failed(failure)) => failures.push((**failure).clone()),
            Told::Failed(Answer::Judged { .. }) => {}
        }
    }
    sarif::log_of(&entries, &failures, product)
}

/// The problems of one folder.
fn entries_of(checked: &Checked) -> Vec<Entry> {
    let shown = named(checked);
    let directory = checked.directory.as_deref().filter(|directory| !directory.is_empty());
    let mut entries = Vec::new();
    for problem in &checked.problems {
        let code = problem.code.as_str();
        let message = format!("{}; {}", problem.message, problem.todo);
        let of = |path: Option<&String>| Entry {
            shown: shown.clone(),
            package: shown.clone(),
            finding: Finding { path: path.cloned(), ..Finding::new(code, problem.severity, message.clone()) },
            file: path.filter(|_| code != ENTRIES).map(|path| match directory {
                Some(directory) if OF_THE_PACKAGE.contains(&code) => format!("{directory}/{path}"),
                _ => path.clone(),
            }),
        };
        if problem.paths.is_empty() {
            entries.push(of(None));
        }
        entries.extend(problem.paths.iter().map(|path| of(Some(path))));
    }
    entries
}

/// `name@version`, as far as package.json has them.
fn named(checked: &Checked) -> String {
    let or = |text: &Option<String>, other: &str| text.clone().unwrap_or_else(|| other.to_owned());
    format!("{}@{}", or(&checked.name, "(no name)"), or(&checked.version, "(no version)"))
}
