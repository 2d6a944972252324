//! The list, the database and the order of a run.

mod hostile;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use report::answer::Answer;
use serde_json::{Value, json};

use crate::{Database, Done, Flow, Goes, Job, Line, Lines, List, Logs, Once, Package, Pass, SurveyError, World, run};

fn open(path: &Path) -> Result<Database, SurveyError> {
    Database::open(path, &Arc::default())
}

fn read(path: &Path) -> Result<Database, SurveyError> {
    Database::read(path, &Arc::default())
}

fn list(text: &str) -> Result<List, SurveyError> {
    List::read("x", text.as_bytes())
}

#[test]
fn text_lines_of_json_and_package_urls_name_packages_and_each_is_there_once() {
    let text = "\u{feff}# all\nsemver@7.7.4\r\n\n  ms  # why\npkg:npm/%40a/b@1.0.0\n{\"spec\":\"ms\",\"result\":null}\n{\"name\":\"@a/b\",\"version\":\"1.0.0\"}\n{\"name\":\"c\"}\n";
    let read = list(text).unwrap();
    assert_eq!(read.specs, ["semver@7.7.4", "ms", "@a/b@1.0.0", "c"]);
    assert_eq!(read.doubled, 2);
    let with_registry = list("pkg:npm/a@1?repository_url=https://r.example/\na@1").unwrap();
    assert_eq!(with_registry.specs.len(), 2, "another registry is another package");
}

#[test]
fn a_line_of_a_package_that_was_there_is_known_by_its_word_and_by_its_tarball() {
    let mut once = Once::default();
    let with = |spec: &str, integrity: &str| {
        let mut line = line(spec, "identical");
        line.result.as_mut().unwrap()["package"] = json!({ "name": "a", "version": "1.0.0", "integrity": integrity });
        line
    };
    assert!(once.is_new(&with("a", "sha512-x")));
    assert!(!once.is_new(&with("a@1.0.0", "sha512-x")), "the same tarball");
    assert!(!once.is_new(&failure("a")), "the same word");
    assert!(once.is_new(&with("a@1", "sha512-y")), "another tarball");
    assert!(once.is_new(&failure("b")) && once.is_new(&failure("c")), "what failed is known by its word alone");
    assert_eq!(once.again, 2);
    for same in ["b@latest", "npm:b", "pkg:npm/b", "NPM:b@latest"] {
        assert!(!once.is_new(&failure(same)), "{same}");
    }
    assert!(once.is_new(&failure("b@1")), "what it is nobody knows");
    let mut of_none = with("a@^1", "");
    of_none.result.as_mut().unwrap()["package"]["integrity"] = Value::Null;
    assert!(!once.is_new(&of_none), "of a version that was there, without a hash");
}

#[test]
fn a_line_that_names_no_package_is_told_by_its_number() {
    for (text, line) in [("a\n\nb c@@\n", 3), ("{\"nam\":\"a\"}", 1), ("a\n{\"spec\":1}", 2), ("a\n./x.tgz", 2), ("a\n\u{1b}[2J", 2)] {
        match list(text) {
            Err(SurveyError::Line { line: at, .. }) => assert_eq!(at, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(list("# nothing\n"), Err(SurveyError::Empty(_))));
    assert!(matches!(List::read("x", &b"\xff"[..]), Err(SurveyError::List { .. })));
}

#[test]
fn the_list_of_many_dependents_has_names_alone() {
    let text = "export const top = [\n  'semver',\n  '@a/b',\n  'c'\n]\n";
    assert_eq!(List::top(text, 2).unwrap().specs, ["semver", "@a/b"]);
    assert_eq!(List::top(text, 9).unwrap().specs.len(), 3);
    for wrong in ["nothing", "['a', './x.tgz']", "['a@https://x.example/']"] {
        assert!(List::top(wrong, 9).is_err(), "{wrong}");
    }
}

fn line(spec: &str, verdict: &str) -> Line {
    let (name, version) = spec.split_once('@').unwrap_or((spec, "1.0.0"));
    let result = json!({
        "verdict": verdict, "code": if verdict == "identical" { Value::Null } else { "content-differs".into() },
        "reproduced": verdict == "identical", "strategy": "source", "provenance": null,
        "package": { "spec": spec, "name": name, "version": version },
        "attempts": [
            { "strategy": "source", "commit": "c0", "verdict": verdict, "code": null, "filesMatched": 3 },
            { "strategy": "npm", "commit": "c0", "verdict": verdict, "code": null, "filesMatched": 2, "log": "a log\u{0}\u{2028}" },
        ],
        "findings": [{ "code": "case-twin", "severity": "warning", "message": "m", "path": "a.js" }],
        "diff": "- a\n+ b\n",
    });
    Line { spec: spec.to_owned(), result: Some(result), error: None, duration_ms: 7 }
}

fn failure(spec: &str) -> Line {
    let error = json!({ "verdict": "error", "reproduced": false, "code": "package-not-found", "package": { "spec": spec, "name": null } });
    Line { spec: spec.to_owned(), result: None, error: Some(error), duration_ms: 1 }
}

fn all_lines(database: &Database, run: i64) -> Vec<Line> {
    database.lines(run, Logs::There).unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn what_is_written_is_read_as_it_was_and_each_result_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let list = list("a@1.0.0\nb@1.0.0\nc").unwrap();
    {
        let mut database = open(&path).unwrap();
        let (run, resumed) = database.begin(&list, "{}", Goes::On).unwrap();
        assert!(!resumed);
        database.record(run, 1, &line("b@1.0.0", "differs"), false).unwrap();
        database.record(run, 0, &line("a@1.0.0", "identical"), false).unwrap();
        assert!(database.record(run, 0, &line("a@1.0.0", "differs"), false).is_err(), "a second result of one package");
        database.put_off(run, 2, Some(("https://git.example/c", "c0")), 40).unwrap();
    }
    let mut database = open(&path).unwrap();
    let (run, resumed) = database.begin(&list, "{}", Goes::On).unwrap();
    assert!(resumed);
    assert_eq!(all_lines(&database, run), [line("b@1.0.0", "differs"), line("a@1.0.0", "identical")]);
    let waiting = database.waiting(run).unwrap();
    let c = Package { place: 2, spec: "c".into(), needs_build: true, group: Some("https://git.example/c#c0".into()), cost_ms: 40 };
    assert_eq!(waiting, [c]);
    // Other options, or another list, are another run.
    assert!(!database.begin(&list, "{\"accept\":\"identical\"}", Goes::On).unwrap().1);
    assert!(!database.begin(&list, "{}", Goes::Anew).unwrap().1);
}

#[test]
fn what_failed_for_a_host_or_this_machine_is_asked_again_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = open(&folder.path().join("s.db")).unwrap();
    let list = list("a\nb").unwrap();
    let (run, _) = database.begin(&list, "{}", Goes::On).unwrap();
    database.record(run, 0, &failure("a"), true).unwrap();
    database.record(run, 1, &line("b", "unsupported"), true).unwrap();
    database.end(run).unwrap();
    assert!(database.waiting(run).unwrap().is_empty());
    assert_eq!(database.begin(&list, "{}", Goes::On).unwrap(), (run, true));
    assert_eq!(database.waiting(run).unwrap().len(), 2);
    assert_eq!(database.runs().unwrap()[0].ended, None);
}

#[test]
fn an_audit_that_ended_is_begun_anew_and_one_that_did_not_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = open(&folder.path().join("s.db")).unwrap();
    let list = List::of_packages("a lockfile".into(), ["a@1.0.0", "b@1.0.0", "a@1.0.0"].map(str::to_owned));
    assert_eq!((list.specs.len(), list.doubled), (2, 1));
    let (run, _) = database.begin(&list, "{}", Goes::OnUnlessEnded).unwrap();
    database.replace(run, 0, &line("a@1.0.0", "identical"), false).unwrap();
    assert_eq!(database.begin(&list, "{}", Goes::OnUnlessEnded).unwrap(), (run, true));
    // What is judged again stands in place of what was there, with its own files.
    database.replace(run, 0, &line("a@1.0.0", "differs"), false).unwrap();
    database.replace(run, 1, &line("b@1.0.0", "identical"), false).unwrap();
    assert_eq!(all_lines(&database, run), [line("a@1.0.0", "differs"), line("b@1.0.0", "identical")]);
    database.end(run).unwrap();
    assert!(!database.begin(&list, "{}", Goes::OnUnlessEnded).unwrap().1);
}

#[test]
fn the_views_answer_what_the_documents_promise() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let mut database = open(&path).unwrap();
    let (run, _) = database.begin(&list("a@1.0.0\nb").unwrap(), "{}", Goes::On).unwrap();
    database.record(run, 0, &line("a@1.0.0", "differs"), false).unwrap();
    database.put_off(run, 1, None, 0).unwrap();
    // Beside the writer, as people ask.
    let reader = rusqlite::Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let ask = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(ask("SELECT name || version || verdict || code FROM verdicts"), "a1.0.0differscontent-differs");
    assert_eq!(ask("SELECT group_concat(number || strategy || source_commit || files_matched) FROM attempts"), "1sourcec03,2npmc02");
    assert_eq!(ask("SELECT spec || code || severity || path || message FROM findings"), "a@1.0.0case-twinwarninga.jsm");
    assert_eq!(ask("SELECT packages || ' ' || done || ' ' || waiting_for_build FROM runs"), "2 1 1");
}

#[test]
fn two_surveys_on_one_file_are_refused_and_a_reader_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let first = open(&path).unwrap();
    assert!(matches!(open(&path), Err(SurveyError::Busy(_))));
    assert!(read(&path).is_ok());
    drop(first);
    assert!(open(&path).is_ok());
}

#[test]
fn a_file_of_another_or_of_later_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = |name: &str, make: &dyn Fn(&Path)| {
        let path = folder.path().join(name);
        make(&path);
        let before = fs::read(&path).unwrap();
        let opened = open(&path);
        assert_eq!(fs::read(&path).unwrap(), before, "{name} was changed");
        let beside = fs::read_dir(folder.path()).unwrap().filter(|entry| entry.as_ref().unwrap().file_name() != name).count();
        assert_eq!(beside, 0, "something was made beside {name}");
        fs::remove_file(&path).unwrap();
        opened.unwrap_err()
    };
    let sql = |sql: &str| {
        let sql = sql.to_owned();
        move |path: &Path| rusqlite::Connection::open(path).unwrap().execute_batch(&sql).unwrap()
    };
    assert!(matches!(foreign("text", &|path| fs::write(path, "hello").unwrap()), SurveyError::Foreign(_)));
    assert!(matches!(foreign("other", &sql("CREATE TABLE a(b)")), SurveyError::Foreign(_)));
    let later = "PRAGMA application_id = 1919972214; PRAGMA user_version = 2; CREATE TABLE a(b)";
    assert!(matches!(foreign("later", &sql(later)), SurveyError::Newer { version: 2, .. }));
    // The control: an empty file is made one.
    let path = folder.path().join("empty");
    fs::write(&path, "").unwrap();
    assert!(open(&path).is_ok());
}

#[test]
fn a_log_that_was_changed_is_not_given_for_the_one_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = open(&folder.path().join("s.db")).unwrap();
    let (run, _) = database.begin(&list("a").unwrap(), "{}", Goes::On).unwrap();
    database.record(run, 0, &line("a", "differs"), false).unwrap();
    for entry in fs::read_dir(folder.path().join("s.db.files")).unwrap() {
        for file in fs::read_dir(entry.unwrap().path()).unwrap() {
            fs::write(file.unwrap().path(), "another").unwrap();
        }
    }
    let read = all_lines(&database, run).remove(0).result.unwrap();
    assert_eq!((&read["diff"], &read["attempts"][1]["log"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_line_of_a_file_has_one_of_result_and_error() {
    let read = |text: &str| Lines::of(text.as_bytes(), Path::new("x")).collect::<Result<Vec<_>, _>>();
    let good =
        format!("{}\n\n{}\n", serde_json::to_string(&line("a", "identical")).unwrap(), serde_json::to_string(&failure("b")).unwrap());
    assert_eq!(read(&good).unwrap(), [line("a", "identical"), failure("b")]);
    for wrong in ["{}", "{\"spec\":\"a\",\"result\":null,\"error\":null,\"durationMs\":1}", "nothing", &good[..40]] {
        assert!(matches!(read(wrong), Err(SurveyError::NotAResult { line: 1, .. })), "{wrong}");
    }
}

/// Says how many judge one source at a time, and in which order.
#[derive(Default)]
struct Watched {
    running: Mutex<Vec<String>>,
    order: Mutex<Vec<String>>,
}

impl World for Watched {
    async fn source(&self, spec: &str) -> Option<String> {
        spec.split_once('/').map(|(source, _)| source.to_owned())
    }

    async fn judge(&self, spec: &str, _: Pass) -> Answer {
        let source = spec.split('/').next().unwrap().to_owned();
        {
            let mut running = self.running.lock().unwrap();
            assert!(!running.contains(&source), "two of {source} at once");
            running.push(source.clone());
            assert!(running.len() <= 3, "more than the places");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.running.lock().unwrap().retain(|one| *one != source);
        self.order.lock().unwrap().push(spec.to_owned());
        Answer::usage("", String::new())
    }
}

fn packages(specs: &[(&str, Option<&str>, u64)]) -> Vec<Package> {
    let one = |(place, (spec, group, cost_ms)): (usize, &(&str, Option<&str>, u64))| Package {
        place,
        spec: (*spec).to_owned(),
        needs_build: group.is_some(),
        group: group.map(str::to_owned),
        cost_ms: *cost_ms,
    };
    specs.iter().enumerate().map(one).collect()
}

async fn order(job: Job) -> Vec<String> {
    let world = Arc::new(Watched::default());
    let mut count = 0;
    let whole = run(&world, job, |_: Done| {
        count += 1;
        Flow::Continue(())
    })
    .await;
    let order = world.order.lock().unwrap().clone();
    assert!(whole && count == order.len());
    order
}

#[tokio::test]
async fn packages_of_one_source_run_one_behind_another_and_others_beside_them() {
    let waiting = packages(&[("m/1", None, 0), ("m/2", None, 0), ("m/3", None, 0), ("m/4", None, 0), ("x/1", None, 0), ("alone", None, 0)]);
    let order = order(Job::first(&waiting, 3)).await;
    assert_eq!(order.len(), 6);
    let at = |spec: &str| order.iter().position(|one| one == spec).unwrap();
    assert!(at("x/1") < at("m/4") && at("alone") < at("m/4"), "{order:?}");
}

#[tokio::test]
async fn builds_begin_with_the_commits_that_cost_least_for_each_package() {
    let waiting = packages(&[
        ("giant", Some("g"), 900),
        ("m/1", Some("m"), 600),
        ("small", Some("s"), 250),
        ("m/2", Some("m"), 600),
        ("m/3", Some("m"), 100),
    ]);
    assert_eq!(order(Job::builds(&waiting, 1)).await, ["m/1", "m/2", "m/3", "small", "giant"]);
    assert!(Job::first(&waiting, 1).packages.is_empty());
}

#[tokio::test]
async fn a_run_that_is_told_to_end_begins_nothing_more() {
    let waiting = packages(&[("a", None, 0), ("b", None, 0), ("c", None, 0)]);
    let world = Arc::new(Watched::default());
    let whole = run(&world, Job::first(&waiting, 1), |_| Flow::Break(())).await;
    assert!(!whole);
    assert_eq!(*world.order.lock().unwrap(), ["a"]);
}
