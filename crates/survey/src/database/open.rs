//! Opening a database: a new one whole or not at all, one that is there only if it is ours.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};
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
/// How many steps a reader may need for each byte of a file, and after how many they are counted.
/// A row needs some dozens, and has more bytes than that.
const STEPS_PER_BYTE: u64 = 50;
const STEPS: i32 = 100_000;
/// Steps that a reader of the smallest file may need.
const MIN_STEPS: u64 = 20_000_000;
/// The form of the tables, as SQL.
const SCHEMA: &str = include_str!("schema.sql");
/// What a file holds by that form.
type Part = (String, String, String, Option<String>);
/// SQLite's header, and where it has the form's and the application's numbers.
const HEADER: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
const AT_VERSION: usize = 60;
const AT_APPLICATION: usize = 68;

impl Database {
    /// Opens the file for writing, or makes it. One process writes at a time.
    pub fn open(path: &Path) -> Result<Self, SurveyError> {
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
        Self::with(path, connection, Some(lock))
    }

    /// Opens the file for reading, also while a survey writes it.
    pub fn read(path: &Path) -> Result<Self, SurveyError> {
        if !is_ours(path)? {
            return Err(SurveyError::Foreign(path.to_owned()));
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX);
        let mut read = Self::with(path.to_owned(), connection, None)?;
        read.bound().map_err(|error| SurveyError::of(path, &error))?;
        Ok(read)
    }

    /// Ends a reader that needs more steps than a sound file of this size can ask for: pages that
    /// lead to each other would have it read for ever.
    fn bound(&mut self) -> rusqlite::Result<()> {
        let size = |more: &str| fs::metadata(beside(&self.path, more)).map_or(0, |about| about.len());
        // A survey may be writing it.
        let most = (size("") + size("-wal")).saturating_mul(2 * STEPS_PER_BYTE).max(MIN_STEPS);
        let mut steps: u64 = 0;
        let count = move || {
            steps = steps.saturating_add(STEPS.unsigned_abs().into());
            steps > most
        };
        self.connection.progress_handler(STEPS, Some(count))
    }

    fn with(path: PathBuf, connection: rusqlite::Result<Connection>, lock: Option<FileLock>) -> Result<Self, SurveyError> {
        let failed = |error: rusqlite::Error| SurveyError::of(&path, &error);
        let connection = connection.map_err(failed)?;
        guard(&connection).map_err(failed)?;
        connection.busy_timeout(BUSY).map_err(failed)?;
        // Before anything of it is used: a trigger, a view or a column of another would decide what
        // is kept and what is read.
        if parts(&connection).map_err(failed)? != own_parts().map_err(failed)? {
            return Err(SurveyError::OtherForm(path));
        }
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        let files = Files::at(beside(&path, ".files"));
        Ok(Self { path, connection, files, seals: None, others: 0, _lock: lock })
    }

    /// Whether a file is SQLite's, or is meant to be: what `reproduce report` tells from lines.
    pub fn is_at(path: &Path) -> bool {
        matches!(head(path), Ok(Some(head)) if head.starts_with(MAGIC))
    }
}

/// Whether the file is a survey's database of this form; `false` if it is yet to be made. What is
/// another's is an error, and nothing of it is opened: SQLite would write beside it.
fn is_ours(path: &Path) -> Result<bool, SurveyError> {
    // SQLite believes what lies beside its file, and logs are written there.
    if ["", "-wal", "-shm", "-journal", ".files", ".lock", ".new"].iter().any(|more| is_of_another(&beside(path, more))) {
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
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Ok(Some(Vec::new()));
    }
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
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_ROW)?;
    connection.pragma_update(None, "cell_size_check", true)
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
