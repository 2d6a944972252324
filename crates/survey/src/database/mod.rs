//! The database of surveys: one SQLite file, its lock, and a folder of logs and diffs beside it.
//!
//! Each result is one transaction, and its files are written before the row that names them:
//! whenever the process ends, what was done is there, once. The tables are in `schema.sql`; people
//! ask the views, and the program asks the tables alone.

mod columns;
mod files;
mod open;
mod seal;
mod write;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;
use store::FileLock;

use crate::{Line, SurveyError};
use columns::{Columns, line_of};
use files::Files;
use seal::{Seals, is_taken};
pub use write::Goes;

/// Most bytes of logs and diffs that are read with one result; a line that is read has no more.
const MAX_TEXTS: usize = 64 << 20;

/// A survey's database.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    connection: Connection,
    files: Files,
    /// What results are sealed with; `None` where nothing is gone on with.
    seals: Option<Seals>,
    others: usize,
    /// Whether the file is known to be sound.
    is_checked: Cell<bool>,
    /// Of who writes.
    _lock: Option<FileLock>,
}

/// A package that has no result yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its place in the list, from 0.
    pub place: usize,
    /// The package as the list has it.
    pub spec: String,
    /// Whether the first pass found that a build is needed.
    pub needs_build: bool,
    /// Repository and commit, where the first pass found its source.
    pub group: Option<String>,
    /// What the first pass took, in milliseconds.
    pub cost_ms: u64,
}

/// Whether logs and diffs are read with a result. What counts results does not look at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    /// They are.
    There,
    /// They are null.
    LeftOut,
}

/// A run of a survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunInfo {
    /// Its number.
    pub id: i64,
    /// What its list is called.
    pub list: String,
    /// The version of the program that began it.
    pub version: String,
    /// When it began: RFC 3339, UTC.
    pub began: String,
    /// When it came to its end; `None` while packages wait.
    pub ended: Option<String>,
    /// How many packages its list has.
    pub packages: usize,
    /// How many are done.
    pub done: usize,
    /// How many wait for a build.
    pub waiting_for_build: usize,
}

impl Database {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All runs, the first one first.
    pub fn runs(&self) -> Result<Vec<RunInfo>, SurveyError> {
        let read = |row: &Row<'_>| {
            Ok(RunInfo {
                id: row.get(0)?,
                list: row.get(1)?,
                version: row.get(2)?,
                began: row.get(3)?,
                ended: row.get(4)?,
                packages: row.get(5)?,
                done: row.get(6)?,
                waiting_for_build: row.get(7)?,
            })
        };
        let sql = "SELECT r.id, r.list, r.version, r.began, r.ended,
            (SELECT count(*) FROM package p WHERE p.run = r.id),
            (SELECT count(*) FROM result d WHERE d.run = r.id),
            (SELECT count(*) FROM package p WHERE p.run = r.id AND p.needs_build
              AND NOT EXISTS (SELECT 1 FROM result d WHERE d.run = p.run AND d.place = p.place))
            FROM run r ORDER BY r.id";
        let rows = |connection: &Connection| -> rusqlite::Result<Vec<RunInfo>> { connection.prepare(sql)?.query_map([], read)?.collect() };
        rows(self.sound()?).map_err(|error| self.failed(&error))
    }

    /// The packages of a run that have no result yet, in the order of the list.
    pub fn waiting(&self, run: i64) -> Result<Vec<Package>, SurveyError> {
        let read = |row: &Row<'_>| {
            let (repository, commit): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
            Ok(Package {
                place: row.get(0)?,
                spec: row.get(1)?,
                needs_build: row.get(2)?,
                group: repository.zip(commit).map(|(repository, commit)| format!("{repository}#{commit}")),
                cost_ms: row.get::<_, Option<u64>>(5)?.unwrap_or_default(),
            })
        };
        let sql = "SELECT place, spec, needs_build, repository, source_commit, cost_ms FROM package p WHERE run = ?1
            AND NOT EXISTS (SELECT 1 FROM result d WHERE d.run = p.run AND d.place = p.place) ORDER BY place";
        let rows =
            |connection: &Connection| -> rusqlite::Result<Vec<Package>> { connection.prepare(sql)?.query_map([run], read)?.collect() };
        rows(self.sound()?).map_err(|error| self.failed(&error))
    }

    /// The lines of a run, as they were written: each is read when it is its turn.
    pub fn lines(&self, run: i64, logs: Logs) -> Result<impl Iterator<Item = Result<Line, SurveyError>>, SurveyError> {
        let sql = "SELECT id FROM result WHERE run = ?1 ORDER BY id";
        let ids = |connection: &Connection| -> rusqlite::Result<Vec<i64>> {
            connection.prepare(sql)?.query_map([run], |row| row.get(0))?.collect()
        };
        let ids = ids(self.sound()?).map_err(|error| self.failed(&error))?;
        // One that is gone by now is asked again by the survey that runs.
        Ok(ids.into_iter().filter_map(move |id| self.line(id, logs).transpose()))
    }

    /// A line. What its row says is not the document's word: people and the views go by it, and so
    /// it has to be the same.
    fn line(&self, id: i64, logs: Logs) -> Result<Option<Line>, SurveyError> {
        let sql = format!(
            "SELECT p.spec, d.is_error, d.duration_ms, d.document, {}
            FROM result d JOIN package p ON p.run = d.run AND p.place = d.place WHERE d.id = ?1",
            Columns::SQL
        );
        let read = |row: &Row<'_>| -> rusqlite::Result<((String, bool, u64), String, Columns)> {
            Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get(3)?, Columns::read(row, 4)?))
        };
        let found = self.connection.query_row(&sql, [id], read).optional().map_err(|error| self.failed(&error))?;
        let Some((about, document, columns)) = found else { return Ok(None) };
        let mut document: Value = serde_json::from_str(&document).map_err(|error| self.damaged(&error.to_string()))?;
        if logs == Logs::There {
            self.fill(id, &mut document)?;
        }
        let line = line_of(about, document);
        if !columns.are_of(&line) {
            return Err(self.damaged(&format!("the row of {} says otherwise than its document", line.spec)));
        }
        Ok(Some(line))
    }

    /// Puts logs and diffs back where they were in a document. What is no longer there, or is not
    /// what was written, stays null; and so does all that no log or diff was taken from, or that is
    /// too much for one line.
    fn fill(&self, result: i64, document: &mut Value) -> Result<(), SurveyError> {
        let sql = "SELECT pointer, sha256 FROM file WHERE result = ?1";
        let rows = |connection: &Connection| -> rusqlite::Result<Vec<(String, String)>> {
            connection.prepare(sql)?.query_map(params![result], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let mut left = MAX_TEXTS;
        for (pointer, sha256) in rows(&self.connection).map_err(|error| self.failed(&error))? {
            let place = document.pointer_mut(&pointer).filter(|place| is_taken(&pointer) && place.is_null());
            if let Some(place) = place
                && let Some(text) = self.files.read(&sha256)
            {
                let Some(rest) = left.checked_sub(text.len()) else { break };
                left = rest;
                *place = Value::String(text);
            }
        }
        Ok(())
    }

    /// What a test changes by hand.
    #[cfg(test)]
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn failed(&self, error: &rusqlite::Error) -> SurveyError {
        SurveyError::of(&self.path, error)
    }

    fn damaged(&self, reason: &str) -> SurveyError {
        SurveyError::Database { path: self.path.clone(), reason: reason.to_owned() }
    }
}
