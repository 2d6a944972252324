//! `stored <folder> [<results>]`: a database with so many results, by default a million: how long it
//! takes to open it, and to look one up. It fails above the limits.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use survey::{Database, Goes, Line, List};

/// Most time to open it, and to look a result up.
const OPEN: Duration = Duration::from_millis(100);
const LOOK_UP: Duration = Duration::from_millis(1);
/// How many are looked up.
const LOOKED_UP: usize = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: stored <folder> [<results>]")?;
    let count: usize = args.next().map_or(Ok(1_000_000), |count| count.parse())?;
    let path = Path::new(&folder).join("stored.db");
    fill(&path, count)?;

    let began = Instant::now();
    let database = Database::read(&path, &Arc::default())?;
    let opened = began.elapsed();
    let began = Instant::now();
    let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut times = Vec::new();
    for nth in 0..LOOKED_UP {
        // All over the file, in no order.
        let spec = spec_of(nth * 7_919 % count);
        let began = Instant::now();
        let sql = "SELECT verdict FROM verdicts WHERE spec = ?1";
        let verdict: String = connection.prepare(sql)?.query_row([spec], |row| row.get(0))?;
        times.push(began.elapsed());
        assert_eq!(verdict, "no-source");
    }
    let all = began.elapsed();
    times.sort();
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    let [median, most] = [at(LOOKED_UP / 2), at(LOOKED_UP * 99 / 100)];
    println!("{count} results, {} MB", std::fs::metadata(&path)?.len() / 1_000_000);
    println!("open {opened:?} (at most {OPEN:?})");
    println!("look up: median {median:?}, 99 of 100 below {most:?} (at most {LOOK_UP:?}); {LOOKED_UP} in {all:?}");
    drop(database);
    if opened > OPEN || most > LOOK_UP { Err("above the limits".into()) } else { Ok(()) }
}

fn spec_of(place: usize) -> String {
    format!("stored-{place}@1.0.0")
}

/// Makes the database by this crate, with one result of its own; the other results are copies of
/// it.
fn fill(path: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let mut database = Database::open(path, &Arc::default())?;
    let list = List::of_packages("stored".to_owned(), (0..count).map(spec_of));
    let (run, _) = database.begin(&list, "{}", Goes::Anew)?;
    let result = serde_json::json!({
        "verdict": "no-source", "code": "no-repository", "reproduced": false, "provenance": null, "strategy": null,
        "package": { "spec": spec_of(0), "name": "stored-0", "version": "1.0.0" }, "attempts": [],
        "findings": [{ "code": "a", "severity": "info", "message": "as long as most are ".repeat(40), "path": null }],
    });
    database.record(run, 0, &Line { spec: spec_of(0), result: Some(result), error: None, duration_ms: 1 }, false)?;
    drop(database);
    let connection = Connection::open(path)?;
    connection.execute(
        "INSERT INTO result (run, place, name, version, verdict, code, reproduced, strategy, has_provenance, duration_ms, done, is_error,
            is_passing, document)
         SELECT p.run, p.place, 'stored-' || p.place, d.version, d.verdict, d.code, d.reproduced, d.strategy, d.has_provenance,
            d.duration_ms, d.done, d.is_error, d.is_passing, d.document
         FROM package p, result d WHERE p.place > 0 AND d.place = 0",
        [],
    )?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}
