//! What a row has of its document beside it, so that people can ask for it.

use rusqlite::Row;
use serde_json::Value;

use crate::{Fact, Line, facts_of};

/// The columns that are made from a document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    pub(super) verdict: String,
    pub(super) code: Option<String>,
    pub(super) reproduced: bool,
    pub(super) strategy: Option<String>,
    pub(super) has_provenance: bool,
}

impl Columns {
    /// Their names, in the order in which they are read.
    pub(super) const SQL: &str = "d.name, d.version, d.verdict, d.code, d.reproduced, d.strategy, d.has_provenance";

    /// Those of a line; `None` if it has no verdict.
    pub(super) fn of(line: &Line) -> Option<Self> {
        let of_package = |key: &str| Some(line.document()?.get("package")?.get(key)?.as_str()?.to_owned());
        let Fact { verdict, code, reproduced, strategy, has_provenance, .. } = facts_of(line)?;
        let (name, version) = (of_package("name"), of_package("version"));
        Some(Self { name, version, verdict: verdict.as_str().to_owned(), code, reproduced, strategy, has_provenance })
    }

    /// Those of a row, from this place on.
    pub(super) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(at)?,
            version: row.get(at + 1)?,
            verdict: row.get(at + 2)?,
            code: row.get(at + 3)?,
            reproduced: row.get(at + 4)?,
            strategy: row.get(at + 5)?,
            has_provenance: row.get(at + 6)?,
        })
    }

    /// Whether they are what the document says.
    pub(super) fn are_of(&self, line: &Line) -> bool {
        Self::of(line).as_ref() == Some(self)
    }
}

/// The line of a row with this document.
pub(super) fn line_of((spec, is_error, duration_ms): (String, bool, u64), document: Value) -> Line {
    let (result, error) = if is_error { (None, Some(document)) } else { (Some(document), None) };
    Line { spec, result, error, duration_ms }
}
