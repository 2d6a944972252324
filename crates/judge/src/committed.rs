//! When the commit was made that was taken: words for the report.

use std::time::{Duration, SystemTime};

use git::Repository;
use gix::ObjectId;
use report::json::Report;
use verdict::host::timestamp;

/// Adds the commit's own time, as far as it is one.
pub(crate) fn tell(report: &mut Report, repository: &Repository) {
    let Some(origin) = &mut report.origin else { return };
    let Ok(id) = ObjectId::from_hex(origin.commit.as_bytes()) else { return };
    // A commit that is not in the store is not worth a request.
    origin.committed_at = repository.commit(&id).ok().flatten().and_then(|commit| shown(commit.time));
}

/// Seconds since 1970 as RFC 3339; none of what no calendar has.
fn shown(seconds: i64) -> Option<String> {
    let since = Duration::from_secs(u64::try_from(seconds).ok()?);
    Some(timestamp(SystemTime::UNIX_EPOCH.checked_add(since)?)).filter(|time| !time.is_empty())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_time_of_no_calendar_is_none() {
        assert_eq!(shown(1_700_000_000).as_deref(), Some("2023-11-14T22:13:20.000Z"));
        assert_eq!((shown(-1), shown(i64::MAX), shown(1 << 48)), (None, None, None));
    }
}
