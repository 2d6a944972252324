//! A database that somebody else wrote, or changed.

use super::*;

#[test]
fn a_run_with_results_that_another_wrote_is_gone_on_with_only_where_the_user_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let list = list("a\nb").unwrap();
    let key = |name: &str| store::Key::read_or_make(&folder.path().join(name)).unwrap();
    let own = || open(&path).unwrap().sealed_with(key("own"));
    {
        let mut database = own();
        let (run, _) = database.begin(&list, "{}", Goes::On).unwrap();
        database.record(run, 0, &line("a", "identical"), false).unwrap();
        assert_eq!(database.begin(&list, "{}", Goes::On).unwrap(), (run, true), "the control");
        assert_eq!((database.others(), all_lines(&database, run)), (0, vec![line("a", "identical")]));
    }
    let mut other = open(&path).unwrap().sealed_with(key("other"));
    assert_eq!((other.begin(&list, "{}", Goes::On).unwrap(), other.others()), ((2, false), 1));
    other.record(2, 1, &line("b", "identical"), false).unwrap();
    drop(other);
    let (begun, others) = {
        let mut database = own();
        (database.begin(&list, "{}", Goes::OnWithOthers).unwrap(), database.others())
    };
    assert_eq!((begun, others), ((2, true), 1), "they count, and are told");
    assert_eq!(own().begin(&list, "{}", Goes::On).unwrap(), (3, false), "and by themselves they do not");
}

#[test]
fn what_a_stranger_changes_in_a_sealed_run_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let list = list("a\nb\nc").unwrap();
    let own = || open(&path).unwrap().sealed_with(store::Key::read_or_make(folder.path()).unwrap());
    let changes = [
        "UPDATE result SET document = replace(document, 'differs', 'identical') WHERE place = 1",
        "UPDATE result SET is_error = 1 WHERE place = 1",
        "UPDATE package SET spec = 'a' WHERE place = 1",
        "UPDATE package SET spec = 'x' WHERE place = 2",
        "DELETE FROM package WHERE place = 2",
        "DELETE FROM file WHERE pointer = 'seal' AND result = 1",
        "UPDATE file SET sha256 = (SELECT sha256 FROM file WHERE pointer = 'seal' AND result = 1) WHERE pointer = 'seal' AND result = 2",
    ];
    for change in changes {
        let mut database = own();
        let (run, _) = database.begin(&list, "{}", Goes::Anew).unwrap();
        database
            .connection()
            .execute_batch("DELETE FROM file; DELETE FROM result; DELETE FROM package WHERE run < (SELECT max(id) FROM run)")
            .unwrap();
        database.record(run, 0, &line("a", "identical"), false).unwrap();
        database.record(run, 1, &line("b", "differs"), false).unwrap();
        assert_eq!(database.begin(&list, "{}", Goes::On).unwrap(), (run, true), "the control");
        database.connection().execute_batch(change).unwrap();
        assert!(!database.begin(&list, "{}", Goes::On).unwrap().1, "{change}");
    }
    let mut database = own();
    let (run, _) = database.begin(&list, "{}", Goes::Anew).unwrap();
    database.record(run, 1, &line("b", "differs"), false).unwrap();
    let put =
        "INSERT INTO file SELECT result, '/verdict', sha256 FROM file WHERE pointer = '/diff' AND result = (SELECT max(id) FROM result)";
    database.connection().execute_batch(put).unwrap();
    assert_eq!(all_lines(&database, run), [line("b", "differs")], "no log is put in the place of a verdict");
}

#[test]
fn a_database_to_which_somebody_added_something_is_neither_written_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let with = |sql: &str| {
        let mut database = open(&path).unwrap();
        let (run, _) = database.begin(&list("a").unwrap(), "{}", Goes::On).unwrap();
        database.replace(run, 0, &line("a", "differs"), false).unwrap();
        drop(database);
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let opened = [open(&path).map(drop), read(&path).map(drop)];
        fs::remove_file(&path).unwrap();
        opened
    };
    for added in [
        "CREATE TRIGGER t AFTER INSERT ON result BEGIN UPDATE result SET verdict = 'identical' WHERE id = new.id; END",
        "DROP VIEW runs; CREATE VIEW runs AS SELECT 1 AS run",
        "DROP VIEW runs",
        "ALTER TABLE result ADD COLUMN more TEXT",
        "ALTER TABLE result RENAME TO r2; CREATE VIEW result AS SELECT * FROM r2",
        "CREATE INDEX more ON result (verdict)",
        "DROP INDEX result_passing",
        "CREATE TABLE more (a)",
    ] {
        for opened in with(added) {
            assert!(matches!(opened, Err(SurveyError::OtherForm(_))), "{added}: {opened:?}");
        }
    }
    // The control: other content is no other form.
    for opened in with("UPDATE run SET list = 'y'; VACUUM") {
        opened.unwrap();
    }
}

#[test]
fn a_result_that_is_too_large_is_an_error_and_is_not_read_into_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let mut database = open(&path).unwrap();
    let (run, _) = database.begin(&list("a").unwrap(), "{}", Goes::On).unwrap();
    database.record(run, 0, &line("a", "differs"), false).unwrap();
    drop(database);
    let large = "UPDATE result SET document = json_object('a', printf('%.80000000c', 'x'))";
    rusqlite::Connection::open(&path).unwrap().execute_batch(large).unwrap();
    let read = read(&path).unwrap();
    let lines: Result<Vec<_>, _> = read.lines(run, Logs::There).and_then(Iterator::collect);
    assert!(matches!(lines, Err(SurveyError::Database { .. })));
}

/// Puts ten copies of a tree's root below each other: each of its many children is the next copy.
fn chained(path: &Path, root: usize, size: usize) {
    let mut bytes = fs::read(path).unwrap();
    let page = bytes[(root - 1) * size..root * size].to_vec();
    assert_eq!(page[0], 2, "an inner page of an index");
    let cells = usize::from(u16::from_be_bytes([page[3], page[4]]));
    assert!(cells > 10);
    let first = bytes.len() / size + 1;
    let leading_to = |to: usize| {
        let (mut page, to) = (page.clone(), u32::try_from(to).unwrap().to_be_bytes());
        page[8..12].copy_from_slice(&to);
        for cell in 0..cells {
            let at = usize::from(u16::from_be_bytes([page[12 + 2 * cell], page[13 + 2 * cell]]));
            page[at..at + 4].copy_from_slice(&to);
        }
        page
    };
    bytes[(root - 1) * size..root * size].copy_from_slice(&leading_to(first));
    for more in 1..10 {
        bytes.extend(leading_to(first + more));
    }
    bytes.extend(page);
    let pages = u32::try_from(bytes.len() / size).unwrap();
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    fs::write(path, bytes).unwrap();
}

#[test]
fn pages_that_lead_to_each_other_without_end_are_not_read_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let mut database = open(&path).unwrap();
    let many: Vec<String> = (0..3000).map(|at| format!("package-number-{at}")).collect();
    database.begin(&list(&many.join("\n")).unwrap(), "{}", Goes::On).unwrap();
    drop(database);
    let plain = rusqlite::Connection::open(&path).unwrap();
    plain.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let (root, size): (usize, usize) = plain
        .query_row("SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'package'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    drop(plain);
    let sound = read(&path).unwrap().runs().unwrap();
    assert_eq!(sound[0].packages, 3000);
    chained(&path, root, size);
    let began = std::time::Instant::now();
    assert!(read(&path).unwrap().runs().is_err());
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn what_a_row_says_beside_its_document_is_held_against_that() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let list = list("a@1.0.0\nb").unwrap();
    let key = || store::Key::read_or_make(folder.path()).unwrap();
    let set = |change: &str| {
        let mut database = open(&path).unwrap().sealed_with(key());
        let (run, _) = database.begin(&list, "{}", Goes::Anew).unwrap();
        database.record(run, 0, &line("a@1.0.0", "differs"), false).unwrap();
        database.record(run, 1, &failure("b"), false).unwrap();
        database.connection().execute_batch(&format!("UPDATE result SET {change} WHERE run = {run} AND place = 0")).unwrap();
        let goes_on = database.begin(&list, "{}", Goes::On).unwrap().1;
        let others = database.begin(&list, "{}", Goes::OnWithOthers).map(|_| database.others()).unwrap();
        let lines: Result<Vec<_>, _> = read(&path).unwrap().lines(run, Logs::There).unwrap().collect();
        (lines.is_ok(), goes_on, others)
    };
    assert_eq!(set("verdict = 'differs'"), (true, true, 0), "the control");
    for change in [
        "verdict = 'identical'",
        "code = NULL",
        "reproduced = 1",
        "strategy = 'npm'",
        "has_provenance = 1",
        "name = 'z'",
        "version = '2.0.0'",
    ] {
        assert!(matches!(set(change), (false, false, 0 | 1)), "{change}");
    }
}

#[test]
fn a_seal_is_of_the_version_the_time_and_the_logs_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let list = list("a\nb").unwrap();
    let goes_on = |version: &str, change: &str| {
        let mut database = open(&path).unwrap().sealed_by(store::Key::read_or_make(folder.path()).unwrap(), version);
        let (run, _) = database.begin(&list, "{}", Goes::Anew).unwrap();
        database.record(run, 0, &line("a", "differs"), false).unwrap();
        database.record(run, 1, &failure("b"), true).unwrap();
        database.connection().execute_batch(change).unwrap();
        drop(database);
        let mut database = open(&path).unwrap().sealed_with(store::Key::read_or_make(folder.path()).unwrap());
        database.begin(&list, "{}", Goes::On).unwrap().1
    };
    let own = env!("CARGO_PKG_VERSION");
    assert!(goes_on(own, ""), "the control");
    assert!(!goes_on("0.0.1", ""), "the run says that it is of this version");
    for change in [
        "UPDATE result SET duration_ms = 0 WHERE place = 0",
        "UPDATE file SET sha256 = (SELECT sha256 FROM file WHERE pointer = '/diff') WHERE pointer LIKE '/attempts%'",
        "UPDATE result SET is_passing = 0",
    ] {
        assert!(!goes_on(own, change), "{change}");
    }
}

/// Has a row's document lead to the first page of what does not fit beside it, and that to itself.
fn endless(path: &Path, root: usize, size: usize) {
    let mut bytes = fs::read(path).unwrap();
    let first = (0..bytes.len() / size).find(|page| bytes[page * size..].starts_with(&[0, 0, 0]) && *page >= root).unwrap();
    let to = u32::try_from(first + 1).unwrap().to_be_bytes();
    bytes[first * size..first * size + 4].copy_from_slice(&to);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_small_file_does_not_stand_for_a_large_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let mut database = open(&path).unwrap();
    let (run, _) = database.begin(&list("a").unwrap(), "{}", Goes::On).unwrap();
    let mut long = line("a", "differs");
    long.result.as_mut().unwrap()["more"] = "x".repeat(100_000).into();
    database.record(run, 0, &long, false).unwrap();
    drop(database);
    let plain = rusqlite::Connection::open(&path).unwrap();
    plain.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let size: usize = plain.query_row("SELECT page_size FROM pragma_page_size", [], |row| row.get(0)).unwrap();
    let root: usize = plain.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'file'", [], |row| row.get(0)).unwrap();
    drop(plain);
    assert_eq!(read(&path).unwrap().lines(run, Logs::There).unwrap().count(), 1, "the control");
    endless(&path, root, size);
    let opened = read(&path).unwrap();
    let reason = |error: SurveyError| error.to_string();
    assert!(opened.lines(run, Logs::There).map(drop).map_err(reason).unwrap_err().contains("damaged"));
    let mut written = open(&path).unwrap();
    assert!(written.begin(&list("a").unwrap(), "{}", Goes::On).map_err(reason).unwrap_err().contains("damaged"));
}

#[test]
fn what_reads_and_writes_a_database_ends_when_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    let many: Vec<String> = (0..5000).map(|at| format!("p-{at}")).collect();
    open(&path).unwrap().begin(&list(&many.join("\n")).unwrap(), "{}", Goes::On).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let (reader, mut writer) = (Database::read(&path, &stop).unwrap(), Database::open(&path, &stop).unwrap());
    assert_eq!((reader.runs().unwrap().len(), writer.waiting(1).unwrap().len()), (1, 5000), "the control");
    stop.store(true, Ordering::Relaxed);
    assert!(matches!(reader.runs(), Err(SurveyError::Stopped)));
    assert!(matches!(writer.begin(&list(&many.join("\n")).unwrap(), "{}", Goes::Anew), Err(SurveyError::Stopped)));
}

#[cfg(unix)]
#[test]
fn a_pipe_beside_a_database_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    for beside in ["", "-wal", "-journal", "-shm", ".lock", ".new"] {
        if !beside.is_empty() {
            open(&path).unwrap();
        }
        let pipe = folder.path().join(format!("s.db{beside}"));
        drop(fs::remove_file(&pipe));
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(open(&path), Err(SurveyError::Foreign(_))), "{beside}");
        assert!(matches!(read(&path), Err(SurveyError::Foreign(_))), "{beside}");
        fs::remove_file(&pipe).unwrap();
    }
}

/// An inner page of a table, all of whose children are one page.
fn inner(to: u32, size: usize) -> Vec<u8> {
    const CELLS: usize = 100;
    let mut page = vec![0; size];
    let begin = size - 5 * CELLS;
    page[0] = 5;
    page[3..5].copy_from_slice(&u16::try_from(CELLS).unwrap().to_be_bytes());
    page[5..7].copy_from_slice(&u16::try_from(begin).unwrap().to_be_bytes());
    page[8..12].copy_from_slice(&to.to_be_bytes());
    for cell in 0..CELLS {
        let at = begin + 5 * cell;
        page[12 + 2 * cell..14 + 2 * cell].copy_from_slice(&u16::try_from(at).unwrap().to_be_bytes());
        page[at..at + 4].copy_from_slice(&to.to_be_bytes());
        page[at + 4] = 1;
    }
    page
}

#[test]
fn a_form_without_end_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    drop(open(&path).unwrap());
    let plain = rusqlite::Connection::open(&path).unwrap();
    let more = (0..200).map(|at| format!("CREATE TABLE more_{at} (a);")).collect::<Vec<_>>().concat();
    plain.execute_batch(&format!("PRAGMA journal_mode = DELETE; BEGIN; {more} COMMIT;")).unwrap();
    let size: usize = plain.query_row("SELECT page_size FROM pragma_page_size", [], |row| row.get(0)).unwrap();
    drop(plain);
    let mut bytes = fs::read(&path).unwrap();
    assert_eq!(bytes[100], 5, "an inner page of a table");
    let last = u32::from_be_bytes(bytes[108..112].try_into().unwrap());
    let first = u32::try_from(bytes.len() / size + 1).unwrap();
    bytes[108..112].copy_from_slice(&first.to_be_bytes());
    for more in 1..10 {
        bytes.extend(inner(first + more, size));
    }
    bytes.extend(inner(last, size));
    let pages = u32::try_from(bytes.len() / size).unwrap();
    bytes[28..32].copy_from_slice(&pages.to_be_bytes());
    fs::write(&path, bytes).unwrap();
    for opened in [open(&path), read(&path)] {
        assert!(matches!(opened, Err(SurveyError::OtherForm(_))), "{opened:?}");
    }
}
