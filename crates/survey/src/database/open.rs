//! Opening a database: a new one whole or not at all, one that is there only if it is ours.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use store::{CacheError, FileLock};

use super::Database;
use super::files::Files;
use crate::SurveyError;

/// "rpsv" in SQLite's header: whose database this is.
const APPLICATION: u32 = 0x7270_7376;
/// The form of the tables.
const VERSION: u32 = 1;
/// How long a reader waits for a writer's transaction.
const BUSY: Duration = Duration::from_secs(10);
/// Largest row that is read or written, in bytes: logs and diffs are not in it.
const MAX_ROW: i32 = 64 << 20;
/// After how many steps of SQLite is looked whether it is to stop.
const STEPS: i32 = 1_000;
/// Most steps to read the form of the tables, and its largest statement, in bytes: the form has
/// some dozen statements.
const FORM_STEPS: u64 = 1_000_000;
const MAX_FORM: i32 = 16 << 10;
/// The form of the tables, as SQL.
const SCHEMA: &str = include_str!("schema.sql");
/// What a file holds by that form.
type Part = (String, String, String, Option<String>);
/// The folder of logs and diffs, by what its name has more.
const FILES: &str = ".files";
/// SQLite's header, and where it has the form's and the application's numbers.
const HEADER: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
const AT_VERSION: usize = 60;
const AT_APPLICATION: usize = 68;

impl Database {
    /// Opens the file for writing, or makes it. One process writes at a time. `stop` ends whatever
    /// is read or written.
    pub fn open(path: &Path, stop: &Arc<AtomicBool>) -> Result<Self, SurveyError> {
        let path = std::path::absolute(path).map_err(|error| SurveyError::of_file(path, &error))?;
        // Before the lock is made beside it: what is not ours has nothing of ours beside it.
        let is_new = !is_ours(&path)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| SurveyError::of_file(&path, &error))?;
        }
        let lock = FileLock::acquire(&beside(&path, ".lock"), Duration::ZERO).map_err(|error| match error {
            CacheError::Busy { .. } => SurveyError::Busy(path.clone()),
            CacheError::DiskFull { .. } => SurveyError::Full(path.clone()),
            error => SurveyError::Database { path: path.clone(), reason: error.to_string() },
        })?;
        if is_new && !is_ours(&path)? {
            make(&path)?;
        }
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        Self::with(path, connection, stop, Some(lock))
    }

    /// Opens the file for reading, also while a survey writes it. `stop` ends whatever is read.
    pub fn read(path: &Path, stop: &Arc<AtomicBool>) -> Result<Self, SurveyError> {
        if !is_ours(path)? {
            return Err(SurveyError::Foreign(path.to_owned()));
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        Self::with(path.to_owned(), connection, stop, None)
    }

    fn with(
        path: PathBuf,
        connection: rusqlite::Result<Connection>,
        stop: &Arc<AtomicBool>,
        lock: Option<FileLock>,
    ) -> Result<Self, SurveyError> {
        let failed = |error: rusqlite::Error| SurveyError::of(&path, &error);
        let mut connection = connection.map_err(failed)?;
        guard(&connection).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        // Before anything of it is used: a trigger, a view or a column of another would decide what
        // is kept and what is read.
        if !has_own_form(&mut connection, stop).map_err(failed)? {
            return Err(SurveyError::OtherForm(path));
        }
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        let files = Files::at(beside(&path, FILES));
        Ok(Self { path, connection, files, seals: None, others: 0, is_checked: Cell::new(false), _lock: lock })
    }

    /// The connection, once it is known that no page of the file is in two places and that each
    /// index has what its table has. Pages that lead to each other would have it read for ever, and
    /// a small file could stand for a row of any size as often as it likes.
    pub(super) fn sound(&self) -> Result<&Connection, SurveyError> {
        if !self.is_checked.get() {
            let said = self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
            let said = said.map_err(|error| self.failed(&error))?;
            if said != "ok" {
                return Err(self.damaged(&format!("it is damaged: {said}")));
            }
            self.is_checked.set(true);
        }
        Ok(&self.connection)
    }

    /// Whether a file is SQLite's, or is meant to be: what `reproduce report` tells from lines.
    pub fn is_at(path: &Path) -> bool {
        matches!(head(path), Ok(Some(head)) if head.starts_with(MAGIC))
    }
}

/// Whether the file is a survey's database of this form; `false` if it is yet to be made. What is
/// another's is an error, and nothing of it is opened: SQLite would write beside it.
fn is_ours(path: &Path) -> Result<bool, SurveyError> {
    // SQLite believes what lies beside its file, and logs are written there. A pipe would be waited
    // for.
    let is_odd = |more: &&str| {
        let at = beside(path, more);
        is_of_another(&at) || fs::symlink_metadata(&at).is_ok_and(|found| if *more == FILES { !found.is_dir() } else { !found.is_file() })
    };
    if ["", "-wal", "-shm", "-journal", FILES, ".lock", ".new"].iter().any(is_odd) {
        return Err(SurveyError::Foreign(path.to_owned()));
    }
    let Some(head) = head(path).map_err(|error| SurveyError::of_file(path, &error))? else { return Ok(false) };
    let number = |at: usize| head.get(at..at + 4).and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
    if !head.starts_with(MAGIC) || number(AT_APPLICATION) != Some(APPLICATION) {
        return Err(SurveyError::Foreign(path.to_owned()));
    }
    match number(AT_VERSION) {
        Some(VERSION) => Ok(true),
        Some(version) => Err(SurveyError::Newer { path: path.to_owned(), version }),
        None => Err(SurveyError::Foreign(path.to_owned())),
    }
}

/// Whether a file is a link, or belongs to another user, who can lay it down in a folder that all
/// may write to.
#[cfg(unix)]
fn is_of_another(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let me = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink() || found.uid() != me)
}

#[cfg(not(unix))]
fn is_of_another(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

/// The beginning of a file; `None` if there is none, or an empty one.
fn head(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        // A pipe is not opened here: what is in it would be gone.
        Ok(about) if !about.is_file() => return Ok(Some(Vec::new())),
        Ok(_) => {}
    }
    let file = File::open(path)?;
    let mut head = Vec::new();
    file.take(HEADER as u64).read_to_end(&mut head)?;
    Ok((!head.is_empty()).then_some(head))
}

/// Makes the file beside, and moves it into its place when it is whole.
fn make(path: &Path) -> Result<(), SurveyError> {
    let new = beside(path, ".new");
    for left in [new.clone(), beside(&new, "-journal"), beside(&new, "-wal"), beside(&new, "-shm")] {
        match fs::remove_file(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(SurveyError::of_file(&left, &error)),
            _ => {}
        }
    }
    fill(&new).map_err(|error| SurveyError::of(path, &error))?;
    fs::rename(&new, path).map_err(|error| SurveyError::of_file(path, &error))
}

/// Takes from a file, which may be a stranger's, what it could do by itself.
fn guard(connection: &Connection) -> rusqlite::Result<()> {
    for (config, is_on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(config, is_on)?;
    }
    connection.pragma_update(None, "cell_size_check", true)
}

/// Whether a file has just the tables, indexes, views and triggers that this program makes. Later
/// it is told when to stop by `stop` alone.
fn has_own_form(connection: &mut Connection, stop: &Arc<AtomicBool>) -> rusqlite::Result<bool> {
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_FORM)?;
    watch(connection, stop, FORM_STEPS)?;
    let found = parts(connection);
    if let Err(error) = &found
        && matches!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted | ErrorCode::TooBig))
        && !stop.load(Ordering::Relaxed)
    {
        return Ok(false);
    }
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_ROW)?;
    watch(connection, stop, u64::MAX)?;
    Ok(found? == own_parts()?)
}

/// Ends what SQLite does after so many steps, and as soon as `stop` says so.
fn watch(connection: &mut Connection, stop: &Arc<AtomicBool>, most: u64) -> rusqlite::Result<()> {
    let (stop, mut left) = (Arc::clone(stop), most);
    let is_to_end = move || {
        left = left.saturating_sub(STEPS.unsigned_abs().into());
        left == 0 || stop.load(Ordering::Relaxed)
    };
    connection.progress_handler(STEPS, Some(is_to_end))
}

/// The tables, indexes, views and triggers of a file; of what has too many of them, the first.
fn parts(connection: &Connection) -> rusqlite::Result<Vec<Part>> {
    let sql = "SELECT type, name, tbl_name, sql FROM sqlite_schema LIMIT 100";
    let part = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let mut all: Vec<Part> = connection.prepare(sql)?.query_map([], part)?.collect::<rusqlite::Result<_>>()?;
    all.sort();
    Ok(all)
}

/// What a file has that this program made.
fn own_parts() -> rusqlite::Result<Vec<Part>> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    parts(&connection)
}

fn fill(new: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(new)?;
    connection.execute_batch(&format!(
        "BEGIN; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; {SCHEMA} COMMIT; PRAGMA journal_mode = WAL;"
    ))?;
    connection.close().map_err(|(_, error)| error)
}

/// The path with more at its end.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}
