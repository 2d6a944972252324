//! What a name of a commit leads to: its id, whole or the first digits, a tag, a branch, or a
//! reference in full.
//!
//! A stranger's name is an id or a tag or branch and nothing else; of the user's own word it is
//! also said what is near, where nothing is there.

use gix::ObjectId;

use git::{RemoteRef, Repository};
use verdict::EvidenceKind;

use super::error::LocateError;
use super::locate::{Nominee, tip_of};

/// Fewest digits of an id that git takes for one.
const FEWEST_DIGITS: usize = 4;
/// Most names that are shown.
const SHOWN: usize = 3;
/// Longest name that is compared with others, in bytes.
const LONGEST: usize = 200;
/// How alike a name must be to be shown, of 1.
const ALIKE: f64 = 0.7;

/// A nominee by commit id, or by the name of a branch or tag.
pub(super) fn named(repository: &Repository, value: &str, kind: EvidenceKind) -> Option<Nominee> {
    if let Ok(commit) = ObjectId::from_hex(value.as_bytes()) {
        return Some(nominee(commit, tip_of(repository, commit), value, kind));
    }
    let found = ["refs/tags/", "refs/heads/"].iter().find_map(|prefix| reference(repository, prefix, value))?;
    Some(nominee(found.commit, Some(found.name.clone()), value, kind))
}

/// The nominee that the user named: as [`named`], and by a reference in full and the first digits
/// of an id.
pub(super) fn by_user(repository: &mut Repository, value: &str) -> Result<Nominee, LocateError> {
    if let Some(found) = named(repository, value, EvidenceKind::User) {
        return Ok(found);
    }
    if let Some(found) = ["", "refs/", "refs/remotes/"].iter().find_map(|prefix| reference(repository, prefix, value)) {
        return Ok(nominee(found.commit, Some(found.name.clone()), value, EvidenceKind::User));
    }
    match beginning_with(repository, value)?.as_slice() {
        [] => Err(not_there(repository, value)),
        [one] => Ok(nominee(*one, tip_of(repository, *one), value, EvidenceKind::User)),
        several => Err(LocateError::Ambiguous {
            repository: repository.url().to_owned(),
            wanted: value.to_owned(),
            several: several.iter().take(SHOWN).map(ToString::to_string).collect(),
        }),
    }
}

/// The error for a name that leads nowhere, with those that are near.
pub(super) fn not_there(repository: &Repository, value: &str) -> LocateError {
    LocateError::NotThere { repository: repository.url().to_owned(), wanted: value.to_owned(), nearest: nearest(repository.refs(), value) }
}

fn nominee(commit: ObjectId, reference: Option<String>, value: &str, kind: EvidenceKind) -> Nominee {
    Nominee { commit, reference, kind, value: value.to_owned(), note: None }
}

fn reference<'a>(repository: &'a Repository, prefix: &str, value: &str) -> Option<&'a RemoteRef> {
    repository.refs().iter().find(|reference| reference.name.strip_prefix(prefix) == Some(value))
}

/// All commits that a branch or tag reaches and whose ids begin so.
fn beginning_with(repository: &mut Repository, value: &str) -> Result<Vec<ObjectId>, LocateError> {
    if value.len() < FEWEST_DIGITS || !value.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Vec::new());
    }
    let digits = value.to_ascii_lowercase();
    let history = repository.history()?;
    Ok(history.commits.iter().map(|(id, _)| *id).filter(|id| id.to_string().starts_with(&digits)).collect())
}

/// The tags and branches that are most like a name.
fn nearest(refs: &[RemoteRef], value: &str) -> Vec<String> {
    if value.len() > LONGEST {
        return Vec::new();
    }
    let short = |reference: &RemoteRef| {
        let name = reference.name.strip_prefix("refs/").unwrap_or(&reference.name);
        name.split_once('/').map_or(name, |(_, name)| name).to_owned()
    };
    let mut alike: Vec<(f64, String)> = refs
        .iter()
        .filter(|reference| reference.name.len() <= LONGEST)
        .map(short)
        .map(|name| (strsim::jaro_winkler(&name, value), name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    alike.sort_by(|(a, a_name), (b, b_name)| b.total_cmp(a).then_with(|| a_name.cmp(b_name)));
    alike.dedup_by(|a, b| a.1 == b.1);
    alike.into_iter().take(SHOWN).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_most_like_the_wanted_one_come_first() {
        let refs: Vec<RemoteRef> = ["refs/tags/v1.2.3", "refs/tags/v1.2.4", "refs/heads/main", "refs/tags/release-9", "refs/heads/v1.2.3"]
            .iter()
            .map(|name| RemoteRef { name: (*name).to_owned(), commit: ObjectId::null(gix::hash::Kind::Sha1) })
            .collect();
        assert_eq!(nearest(&refs, "1.2.3"), ["v1.2.3", "v1.2.4"]);
        assert_eq!(nearest(&refs, "mian"), ["main"]);
        assert!(nearest(&refs, "zzz").is_empty());
    }
}
