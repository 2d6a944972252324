//! A team's decisions: packages that may stay as they are for a while, in `reproduce.json` beside
//! the lockfile.
//!
//! An exception lifts a verdict, or accepts what is left out. What the lockfile says otherwise than
//! the registry it never lifts, and not what could not be judged at all.

mod since;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use verdict::{Finding, Severity, Verdict};

use super::plan::{Plan, file_in};
use super::settings::{self, Setting};
use super::{AuditError, LeftOutInfo, Row};

/// The file's name.
const FILE: &str = "reproduce.json";

/// Largest file that is read, in bytes, and most exceptions in it.
const MAX_FILE: u64 = 4 << 20;
const MAX_EXCEPTIONS: usize = 10_000;

/// The pin of what is too long to be told, and equal to nothing.
const UNKNOWN: &str = "?";

/// How long an exception holds that the program writes.
const DAYS: i64 = 90;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    exceptions: Vec<Exception>,
}

/// A decision about packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    /// `name@1.2.3`, `name` for every version of it, or with a `*` at the end of the name; of what
    /// is left out, its key; of a setting, its file and key as `.npmrc#cache`.
    pub(crate) package: String,
    /// The code that it holds for; any if there is none. Of what is left out, the reason; of a
    /// setting, `client-settings`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// What it was written for: of what is left out, what the lockfile leads it to; of a setting,
    /// its value. Of anything else it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pin: Option<String>,
    /// Why.
    pub(crate) reason: String,
    /// The last day on which it holds.
    #[serde(serialize_with = "written", deserialize_with = "day")]
    pub(crate) until: Date,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn written<S: Serializer>(day: &Date, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(day)
}

fn day<'de, D: Deserializer<'de>>(text: D) -> Result<Date, D::Error> {
    String::deserialize(text)?.parse().map_err(|_| D::Error::custom("until is not a day such as 2027-01-31"))
}

/// The decisions of a folder.
#[derive(Debug, Default)]
pub struct Exceptions {
    all: Vec<Exception>,
    /// Those that have a code, by their whole word: what is left out may be much.
    by_key: HashMap<String, Vec<usize>>,
    /// Where each begins in its file.
    places: Vec<(u64, u64)>,
    /// Those that were not there at an earlier commit.
    new: since::New,
    /// Today, in UTC.
    today: Date,
}

impl Exceptions {
    /// Reads the file of a folder; none is no exception.
    pub(crate) fn of(folder: &Path) -> Result<Self, AuditError> {
        let path = file_in(folder, FILE);
        let bytes = match store::at_hand::read(&path, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::from(Vec::new())),
            Err(error) => return Err(AuditError::Unreadable { path, error }),
        };
        let invalid = |reason: String| AuditError::Exceptions { path: path.clone(), reason };
        let file: File = serde_json::from_slice(&bytes).map_err(|error| invalid(error.to_string()))?;
        if file.exceptions.len() > MAX_EXCEPTIONS {
            return Err(invalid(format!("it has more than {MAX_EXCEPTIONS} exceptions")));
        }
        for exception in &file.exceptions {
            if exception.reason.trim().is_empty() {
                return Err(invalid(format!("the exception for {} has no reason", exception.package)));
            }
            // A scope without a name is every scope.
            if exception.name().trim_end_matches('*').trim_start_matches('@').is_empty() {
                return Err(invalid("an exception names no package".to_owned()));
            }
        }
        Ok(Self { places: since::places(&bytes), ..Self::from(file.exceptions) })
    }

    fn from(all: Vec<Exception>) -> Self {
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, exception) in all.iter().enumerate().filter(|(_, exception)| exception.code.is_some()) {
            by_key.entry(exception.package.clone()).or_default().push(at);
        }
        let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        Self { all, by_key, today, ..Self::default() }
    }

    /// The exception that holds for a package with this code.
    pub(crate) fn for_package(&self, name: &str, version: &str, code: Option<&str>) -> Option<&Exception> {
        self.all.iter().find(|exception| exception.until >= self.today && exception.is_for(name, version, code))
    }

    /// The exception that holds for what is left out: the key by itself, and the reason as its
    /// code.
    pub(crate) fn for_left_out(&self, (key, reason): (&str, &str), pin: Option<&str>) -> Option<&Exception> {
        self.in_force(key, reason).find(|exception| exception.is_pinned_to(pin))
    }

    /// The exception that holds for a setting, by its file and key.
    pub(crate) fn for_setting(&self, setting: &Setting) -> Option<&Exception> {
        self.for_left_out((&setting.name(), settings::CODE), setting.pin.as_deref())
    }

    /// What is to be told of the exceptions themselves: those that are over, and those that nothing
    /// needs any more. Of a part of a lockfile the latter cannot be told.
    pub(crate) fn findings(&self, rows: &[Row], left_out: &[LeftOutInfo], plan: &Plan) -> Vec<Finding> {
        let mut all = Vec::new();
        let liftable: Vec<&LeftOutInfo> = left_out.iter().filter(|left| left.exit_code > 0 || left.exception.is_some()).collect();
        let of_left: HashSet<(&str, &str)> = liftable.iter().map(|left| (left.key.as_str(), left.reason)).collect();
        all.extend(liftable.iter().filter_map(|left| match left.pin.as_deref() {
            None if left.is_on_disk() => self.without_pin((&left.key, left.reason)),
            pin => self.pinned((&left.key, left.reason), pin),
        }));
        let of_setting = |setting: &Setting| match setting.pin.as_deref() {
            None => self.without_pin((&setting.name(), settings::CODE)),
            pin => self.pinned((&setting.name(), settings::CODE), pin),
        };
        all.extend(plan.settings.iter().filter_map(of_setting));
        for exception in &self.all {
            let package = &exception.package;
            let of_row = |row: &Row| row.verdict_exit > 0 && exception.is_for(&row.name, &row.version, row.code.as_deref());
            let is_left = exception.code.as_deref().is_some_and(|code| of_left.contains(&(package.as_str(), code)));
            let of_setting = |setting: &Setting| exception.is_for_key(&setting.name(), settings::CODE);
            let needed = is_left || rows.iter().any(of_row) || plan.settings.iter().any(of_setting);
            if !needed && plan.is_whole {
                let message = format!("the exception for {package} no longer applies to anything; remove it");
                all.push(Finding::new("exception-unused", Severity::Warning, message));
            } else if needed && exception.until < self.today {
                let message = format!("the exception for {package} ended on {}: {}", exception.until, exception.reason);
                all.push(Finding::new("exception-over", Severity::Warning, message));
            }
        }
        all
    }

    /// The exceptions for a key that are not over.
    fn in_force<'a, 'k>(&'a self, key: &'k str, reason: &'k str) -> impl Iterator<Item = &'a Exception> + use<'a, 'k> {
        let own = self.by_key.get(key).into_iter().flatten().filter_map(|at| self.all.get(*at));
        own.filter(move |exception| exception.is_for_key(key, reason) && exception.until >= self.today)
    }

    /// What is to be told of those where nobody knows what counts: the files are not known.
    fn without_pin(&self, (key, reason): (&str, &str)) -> Option<Finding> {
        let (open, pinned): (Vec<_>, Vec<_>) = self.in_force(key, reason).partition(|exception| exception.pin.is_none());
        if !open.is_empty() {
            let message = format!("the exception for {key} holds whatever its files become: none are known here that a pin could be for");
            return Some(Finding::new("exception-unpinned", Severity::Warning, message));
        }
        let was = pinned.first()?.pin.as_deref().unwrap_or_default();
        let message = format!("the exception for {key} is for {was}, and of what it is now the files are not known: no pin holds for it");
        Some(Finding::new("exception-changed", Severity::Warning, message))
    }

    /// What is to be told of the exceptions for a key: it is something else now, or may become
    /// that.
    fn pinned(&self, (key, reason): (&str, &str), pin: Option<&str>) -> Option<Finding> {
        let pin = pin.filter(|pin| *pin != UNKNOWN)?;
        let own: Vec<_> = self.in_force(key, reason).collect();
        if own.iter().any(|exception| exception.pin.as_deref() == Some(pin)) {
            return None;
        }
        if own.iter().any(|exception| exception.pin.is_none()) {
            let message = format!("the exception for {key} holds whatever it becomes; for what it is now alone, give it the pin {pin}");
            return Some(Finding::new("exception-unpinned", Severity::Warning, message));
        }
        let was = own.first()?.pin.as_deref().unwrap_or_default();
        let message = format!("the exception for {key} is for {was}, and it is {pin} now");
        Some(Finding::new("exception-changed", Severity::Warning, message))
    }
}

impl Exception {
    /// Whether what it was written for is what is there.
    fn is_pinned_to(&self, pin: Option<&str>) -> bool {
        self.pin.as_deref().is_none_or(|own| Some(own) == pin && own != UNKNOWN)
    }

    fn name(&self) -> &str {
        self.split().0
    }

    fn split(&self) -> (&str, Option<&str>) {
        let scoped = usize::from(self.package.starts_with('@'));
        let at = self.package.get(scoped..).and_then(|rest| rest.find('@')).map(|at| at + scoped);
        match at.and_then(|at| self.package.split_at_checked(at)) {
            Some((name, version)) => (name, Some(version.trim_start_matches('@'))),
            None => (&self.package, None),
        }
    }

    fn is_for_key(&self, key: &str, reason: &str) -> bool {
        self.package == key && self.code.as_deref() == Some(reason)
    }

    fn is_for(&self, name: &str, version: &str, code: Option<&str>) -> bool {
        let (own, own_version) = self.split();
        let is_name = match own.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == own,
        };
        // What a package was is its version: a pin says something else, and nothing is held to it.
        let is_pinned = self.pin.is_some();
        !is_pinned && is_name && own_version.is_none_or(|own| own == version) && self.code.as_deref().is_none_or(|own| Some(own) == code)
    }
}

/// Writes the first file of a folder from what stands: each package that is not reproduced, what is
/// left out, and the settings, as it is now. Gives its path and how many exceptions it has. A file
/// that is there stays.
pub fn write(plan: &Plan, rows: &[Row], left_out: &[LeftOutInfo]) -> Result<(PathBuf, usize), AuditError> {
    let path = file_in(&plan.folder, FILE);
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let until = today.saturating_add(DAYS.days());
    let failed = rows.iter().filter(|row| row.verdict_exit > 0 && row.verdict != Verdict::Error);
    let mut exceptions: Vec<Exception> = failed
        .map(|row| Exception {
            package: format!("{}@{}", row.name, row.version),
            code: row.code.clone(),
            pin: None,
            reason: format!("{} when the list was created, on {today}", row.verdict.as_str()),
            until,
        })
        .collect();
    let open = left_out.iter().filter(|left| left.exit_code > 0 && left.is_liftable());
    exceptions.extend(open.map(|left| Exception {
        package: left.key.clone(),
        code: Some(left.reason.to_owned()),
        pin: left.pin.clone(),
        reason: format!("left out when the list was created, on {today}"),
        until,
    }));
    let settings = plan.settings.iter().filter(|_| !plan.accepts_settings);
    exceptions.extend(settings.map(|setting| Exception {
        package: setting.name(),
        code: Some(settings::CODE.to_owned()),
        pin: setting.pin.clone(),
        reason: format!("set when the list was created, on {today}"),
        until,
    }));
    exceptions.sort_by(|a, b| a.package.cmp(&b.package));
    let count = exceptions.len();
    let unwritable = |error: std::io::Error| AuditError::Unwritable { path: path.clone(), error };
    let text = serde_json::to_string_pretty(&File { exceptions }).map_err(|error| unwritable(error.into()))?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).open(&path);
    file.and_then(|mut file| std::io::Write::write_all(&mut file, format!("{text}\n").as_bytes())).map_err(unwritable)?;
    Ok((path, count))
}
