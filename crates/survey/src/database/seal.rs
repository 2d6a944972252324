//! Whose word a result is: each is sealed with the key of the cache folder, which a database that
//! lies in a checkout, or that somebody sent, does not have.

use rusqlite::{Connection, Row, params};
use store::Key;

use super::Database;
use super::columns::{Columns, line_of};
use crate::{List, SurveyError};

/// In the place of a pointer, in the table of files: no pointer is written so.
const SEAL: &str = "seal";

/// The key of who writes, and the options of the run.
#[derive(Debug)]
pub(super) struct Seals {
    pub(super) key: Key,
    pub(super) options: String,
    /// Of the program.
    version: String,
}

/// What is sealed of a result beside its document.
pub(super) struct Sealed<'a> {
    pub(super) spec: &'a str,
    pub(super) is_error: bool,
    pub(super) duration_ms: u64,
    /// Pointers and names of its files, by pointer.
    pub(super) files: &'a [(String, String)],
}

impl Seals {
    /// With the version of the program: what another one found is not this one's.
    fn context(&self, of: &Sealed<'_>) -> String {
        let Sealed { is_error, duration_ms, files, .. } = of;
        serde_json::json!(["survey", self.version, self.options, is_error, duration_ms, files]).to_string()
    }

    /// The seal of a document.
    fn of(&self, of: &Sealed<'_>, document: &str) -> String {
        let context = self.context(of);
        // The names of files are in this column, and have no slash.
        self.key.seal(&[of.spec, &context], document.as_bytes()).replace('/', "-")
    }

    fn holds(&self, of: &Sealed<'_>, document: &str, seal: &str) -> bool {
        let context = self.context(of);
        self.key.is_sealed(&[of.spec, &context], document.as_bytes(), &seal.replace('-', "/"))
    }

    /// Seals a result that was written.
    pub(super) fn write(&self, connection: &Connection, result: i64, (of, document): (&Sealed<'_>, &str)) -> rusqlite::Result<()> {
        let seal = self.of(of, document);
        connection.execute("INSERT INTO file (result, pointer, sha256) VALUES (?1, ?2, ?3)", params![result, SEAL, seal]).map(drop)
    }
}

impl Database {
    /// Seals what is written with a key, and goes on by default only with a run whose results have
    /// that key's seals.
    #[must_use]
    pub fn sealed_with(mut self, key: Key) -> Self {
        self.seals = Some(Seals { key, options: String::new(), version: env!("CARGO_PKG_VERSION").to_owned() });
        self
    }

    /// What a test seals as another version does.
    #[cfg(test)]
    pub(crate) fn sealed_by(self, key: Key, version: &str) -> Self {
        let mut sealed = self.sealed_with(key);
        if let Some(seals) = &mut sealed.seals {
            version.clone_into(&mut seals.version);
        }
        sealed
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
            let sql = format!(
                "SELECT d.id, p.spec, d.is_error, d.duration_ms, d.document, {}
                FROM result d JOIN package p ON p.run = d.run AND p.place = d.place WHERE d.run = ?1 AND NOT d.is_passing",
                Columns::SQL
            );
            let mut results = connection.prepare(&sql)?;
            let mut rows = results.query([run])?;
            let mut others = 0;
            while let Some(row) = rows.next()? {
                others += usize::from(!(is_list && is_own(seals, connection, row)?));
            }
            // Of a list that is another one, what waits would be asked for, and what is in it not.
            Ok(if is_list { others } else { others.max(1) })
        };
        count(self.sound()?).map_err(|error| self.failed(&error))
    }
}

/// Pointers with the names of files.
type Named = Vec<(String, String)>;

/// Whether a result is sealed as it is, and its row says what its document does.
fn is_own(seals: &Seals, connection: &Connection, row: &Row<'_>) -> rusqlite::Result<bool> {
    let (id, spec, is_error, duration_ms): (i64, String, bool, u64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let (document, columns): (String, Columns) = (row.get(4)?, Columns::read(row, 5)?);
    let mut named = connection.prepare("SELECT pointer, sha256 FROM file WHERE result = ?1 ORDER BY pointer")?;
    let named: Named = named.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let (seals_of, files): (Named, Named) = named.into_iter().partition(|(pointer, _)| pointer == SEAL);
    let of = Sealed { spec: &spec, is_error, duration_ms, files: &files };
    let is_sealed = seals_of.first().is_some_and(|(_, seal)| seals.holds(&of, &document, seal));
    let says_the_same = || {
        let document = serde_json::from_str(&document).ok();
        document.is_some_and(|document| columns.are_of(&line_of((spec.clone(), is_error, duration_ms), document)))
    };
    Ok(is_sealed && says_the_same())
}

/// Whether a pointer is one that a log or a diff was taken from.
pub(super) fn is_taken(pointer: &str) -> bool {
    let of_attempt = pointer.strip_prefix("/attempts/").and_then(|rest| rest.strip_suffix("/log"));
    pointer == "/diff" || of_attempt.is_some_and(|at| !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit()))
}
