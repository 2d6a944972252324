//! What a survey writes: its run, each result once, and what waits for a build.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, params};
use verdict::host::timestamp;

use super::columns::Columns;
use super::seal::Sealed;
use super::{Database, files};
use crate::{Line, List, SurveyError};

/// Whether an earlier run of the same list with the same options is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goes {
    /// It is, unless it has results that another wrote.
    On,
    /// It is, whoever wrote what it has.
    OnWithOthers,
    /// It is if it did not come to its end.
    OnUnlessEnded,
    /// It is not.
    Anew,
}

impl Database {
    /// The run of this list with these options that is to be gone on with, or else a new one.
    /// `options` is JSON of all that could change an answer. The second value says whether the run
    /// was there; then what came of a host that was away, or of this machine, is forgotten, so that
    /// it is asked again. Whose its results are is known by the key of
    /// [`sealed_with`](Self::sealed_with), if there is one.
    pub fn begin(&mut self, list: &List, options: &str, goes: Goes) -> Result<(i64, bool), SurveyError> {
        let (digest, version) = (list.digest(), env!("CARGO_PKG_VERSION"));
        if let Some(seals) = &mut self.seals {
            options.clone_into(&mut seals.options);
        }
        if goes != Goes::Anew {
            let sql = "SELECT id FROM run WHERE list_digest = ?1 AND options = ?2 AND version = ?3 AND (ended IS NULL OR ?4)
                ORDER BY id DESC LIMIT 1";
            let asked = params![digest, options, version, goes != Goes::OnUnlessEnded];
            let found = self.sound()?.query_row(sql, asked, |row| row.get(0)).optional();
            let found = found.map_err(|error| self.failed(&error))?;
            self.others = found.map(|run| self.unsealed(run, list)).transpose()?.unwrap_or_default();
            if let Some(run) = found.filter(|_| self.others == 0 || goes == Goes::OnWithOthers) {
                self.forget_passing(run).map_err(|error| self.failed(&error))?;
                return Ok((run, true));
            }
        }
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<i64> {
            let transaction = self.connection.transaction()?;
            let sql = "INSERT INTO run (list, list_digest, options, version, began) VALUES (?1, ?2, ?3, ?4, ?5)";
            transaction.execute(sql, params![list.name, digest, options, version, timestamp(SystemTime::now())])?;
            let run = transaction.last_insert_rowid();
            {
                let mut insert = transaction.prepare("INSERT INTO package (run, place, spec) VALUES (?1, ?2, ?3)")?;
                for (place, spec) in list.specs.iter().enumerate() {
                    insert.execute(params![run, place, spec])?;
                }
            }
            transaction.commit()?;
            Ok(run)
        };
        write().map(|run| (run, false)).map_err(|error| SurveyError::of(&path, &error))
    }

    fn forget_passing(&mut self, run: i64) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM file WHERE result IN (SELECT id FROM result WHERE run = ?1 AND is_passing)", [run])?;
        let forgotten = transaction.execute("DELETE FROM result WHERE run = ?1 AND is_passing", [run])?;
        if forgotten > 0 {
            transaction.execute("UPDATE run SET ended = NULL WHERE id = ?1", [run])?;
        }
        transaction.commit()
    }

    /// Keeps what came of a package; `is_passing` where a later run is to ask again. A package has
    /// one result in a run: a second one is an error.
    pub fn record(&mut self, run: i64, place: usize, line: &Line, is_passing: bool) -> Result<(), SurveyError> {
        self.keep((run, place), line, is_passing, false)
    }

    /// Keeps what came of a package in place of what the run has of it, if it has.
    pub fn replace(&mut self, run: i64, place: usize, line: &Line, is_passing: bool) -> Result<(), SurveyError> {
        self.keep((run, place), line, is_passing, true)
    }

    fn keep(&mut self, (run, place): (i64, usize), line: &Line, is_passing: bool, replaces: bool) -> Result<(), SurveyError> {
        let mut line = line.clone();
        let columns = Columns::of(&line).ok_or_else(|| self.damaged("a result without a verdict"))?;
        let is_error = line.error.is_some();
        let Some(document) = line.result.as_mut().or(line.error.as_mut()) else { return Err(self.damaged("a result without a verdict")) };
        let mut named = Vec::new();
        for taken in files::take(document) {
            let name = self.files.write(&taken.text).map_err(|(path, error)| SurveyError::of_file(&path, &error))?;
            named.push((taken.pointer, name));
        }
        named.sort();
        let text = document.to_string();
        let path = self.path.clone();
        let mut write = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            if replaces {
                let of_it = params![run, place];
                transaction.execute("DELETE FROM file WHERE result IN (SELECT id FROM result WHERE run = ?1 AND place = ?2)", of_it)?;
                transaction.execute("DELETE FROM result WHERE run = ?1 AND place = ?2", of_it)?;
            }
            let sql =
                "INSERT INTO result (run, place, name, version, verdict, code, reproduced, strategy, has_provenance, duration_ms, done,
                is_error, is_passing, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
            let Columns { name, version, verdict, code, reproduced, strategy, has_provenance } = &columns;
            let done = timestamp(SystemTime::now());
            let values = params![
                run,
                place,
                name,
                version,
                verdict,
                code,
                reproduced,
                strategy,
                has_provenance,
                line.duration_ms,
                done,
                is_error,
                is_passing,
                text
            ];
            transaction.execute(sql, values)?;
            let result = transaction.last_insert_rowid();
            for (pointer, sha256) in &named {
                transaction.execute("INSERT INTO file (result, pointer, sha256) VALUES (?1, ?2, ?3)", params![result, pointer, sha256])?;
            }
            // What passed is no answer for anybody.
            if let Some(seals) = self.seals.as_ref().filter(|_| !is_passing) {
                let of = Sealed { spec: &line.spec, is_error, duration_ms: line.duration_ms, files: &named };
                seals.write(&transaction, result, (&of, &text))?;
            }
            transaction.commit()
        };
        write().map_err(|error| SurveyError::of(&path, &error))
    }

    /// Notes that a package needs a build, and where its source is. It has no result by that.
    pub fn put_off(&mut self, run: i64, place: usize, source: Option<(&str, &str)>, cost_ms: u64) -> Result<(), SurveyError> {
        let (repository, commit) = source.unzip();
        let sql = "UPDATE package SET needs_build = 1, repository = ?3, source_commit = ?4, cost_ms = ?5 WHERE run = ?1 AND place = ?2";
        let written = self.connection.execute(sql, params![run, place, repository, commit, cost_ms]);
        written.map(drop).map_err(|error| self.failed(&error))
    }

    /// Notes that a run came to its end.
    pub fn end(&mut self, run: i64) -> Result<(), SurveyError> {
        let sql = "UPDATE run SET ended = ?2 WHERE id = ?1 AND ended IS NULL";
        let written = self.connection.execute(sql, params![run, timestamp(SystemTime::now())]);
        written.map(drop).map_err(|error| self.failed(&error))
    }
}
