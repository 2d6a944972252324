//! Whose word a result is: each is sealed with the key of the cache folder, which a database that
//! lies in a checkout, or that somebody sent, does not have.

use rusqlite::{Connection, params};
use store::Key;

use super::Database;
use crate::{List, SurveyError};

/// In the place of a pointer, in the table of files: no pointer is written so.
const SEAL: &str = "seal";

/// The key of who writes, and the options of the run.
#[derive(Debug)]
pub(super) struct Seals {
    pub(super) key: Key,
    pub(super) options: String,
}

impl Seals {
    /// What a result is sealed with beside its document.
    fn context(&self, is_error: bool) -> String {
        serde_json::json!(["survey", self.options, is_error]).to_string()
    }

    /// The seal of a document.
    fn of(&self, spec: &str, is_error: bool, document: &str) -> String {
        let context = self.context(is_error);
        // The names of files are in this column, and have no slash.
        self.key.seal(&[spec, &context], document.as_bytes()).replace('/', "-")
    }

    fn holds(&self, spec: &str, is_error: bool, document: &str, seal: &str) -> bool {
        let context = self.context(is_error);
        self.key.is_sealed(&[spec, &context], document.as_bytes(), &seal.replace('-', "/"))
    }

    /// Seals a result that was written.
    pub(super) fn write(
        &self,
        connection: &Connection,
        result: i64,
        (spec, is_error, document): (&str, bool, &str),
    ) -> rusqlite::Result<()> {
        let seal = self.of(spec, is_error, document);
        connection.execute("INSERT INTO file (result, pointer, sha256) VALUES (?1, ?2, ?3)", params![result, SEAL, seal]).map(drop)
    }
}

impl Database {
    /// Seals what is written with a key, and goes on by default only with a run whose results have
    /// that key's seals.
    #[must_use]
    pub fn sealed_with(mut self, key: Key) -> Self {
        self.seals = Some(Seals { key, options: String::new() });
        self
    }

    /// How many results that this key's owner did not write the run has that would be gone on with:
    /// it was passed over, or they count, as [`begin`](Self::begin) was told.
    pub fn others(&self) -> usize {
        self.others
    }

    /// How many of a run's results have no seal of this key; all, where its packages are not those
    /// of the list. None are told where there is no key.
    pub(super) fn unsealed(&self, run: i64, list: &List) -> Result<usize, SurveyError> {
        let Some(seals) = &self.seals else { return Ok(0) };
        let count = |connection: &Connection| -> rusqlite::Result<usize> {
            let mut packages = connection.prepare("SELECT place, spec FROM package WHERE run = ?1 ORDER BY place")?;
            let mut rows = packages.query([run])?;
            let mut is_list = true;
            let mut at = 0;
            while let Some(row) = rows.next()? {
                is_list &= row.get::<_, usize>(0)? == at && list.specs.get(at) == Some(&row.get::<_, String>(1)?);
                at += 1;
            }
            is_list &= at == list.specs.len();
            // What passed is asked again.
            let sql = "SELECT p.spec, d.is_error, d.document, (SELECT f.sha256 FROM file f WHERE f.result = d.id AND f.pointer = ?2)
                FROM result d JOIN package p ON p.run = d.run AND p.place = d.place WHERE d.run = ?1 AND NOT d.is_passing";
            let mut results = connection.prepare(sql)?;
            let mut rows = results.query(params![run, SEAL])?;
            let mut others = 0;
            while let Some(row) = rows.next()? {
                let (spec, is_error): (String, bool) = (row.get(0)?, row.get(1)?);
                let (document, seal): (String, Option<String>) = (row.get(2)?, row.get(3)?);
                let is_own = is_list && seal.is_some_and(|seal| seals.holds(&spec, is_error, &document, &seal));
                others += usize::from(!is_own);
            }
            // Of a list that is another one, what waits would be asked for, and what is in it not.
            Ok(if is_list { others } else { others.max(1) })
        };
        count(&self.connection).map_err(|error| self.failed(&error))
    }
}

/// Whether a pointer is one that a log or a diff was taken from.
pub(super) fn is_taken(pointer: &str) -> bool {
    let of_attempt = pointer.strip_prefix("/attempts/").and_then(|rest| rest.strip_suffix("/log"));
    pointer == "/diff" || of_attempt.is_some_and(|at| !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit()))
}
