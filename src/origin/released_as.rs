//! A commit that its tags call another version than the one that is judged, or that the version's own tag is not on: it is the
//! source of what was published, and still not what the repository calls by that number.

use crate::git::RemoteRef;
use crate::report::json::{Finding, Report, Severity};

use super::tags::{best, rank};
use crate::registry::version::{clean, same};

/// Most tags of one commit that are looked at.
const MAX_TAGS: usize = 1_000;

/// Adds a warning where the commit that was found has tags for other versions of the package and none for the judged one, and a
/// notice where the judged one's tag is on another commit.
pub fn tell(report: &mut Report, refs: &[RemoteRef]) {
    let Some(origin) = &report.origin else { return };
    let Some((name, version)) = report.package.name.as_deref().zip(report.package.version.as_deref()) else { return };
    let Ok(commit) = gix::ObjectId::from_hex(origin.commit.as_bytes()) else { return };
    let at_commit = refs.iter().filter(|one| one.commit == commit);
    let tags: Vec<&str> = at_commit.filter_map(RemoteRef::tag).take(MAX_TAGS).collect();
    if tags.iter().any(|tag| rank(tag, name, version).is_some()) {
        return;
    }
    let bare = name.rsplit('/').next().unwrap_or(name);
    // A plain number may be another package's of the repository.
    let is_own = |tag: &&str| origin.directory.is_empty() || tag.contains(bare);
    let all = refs.iter().filter_map(RemoteRef::tag).filter(is_own);
    let own = best(all, name, version, 1).first().filter(|_| report.reproduced).map(|own| own.tag);
    let elsewhere = own.and_then(|own| refs.iter().find(|one| one.tag() == Some(own))).and_then(|one| Some((one.tag()?, one.commit)));
    if let Some((tag, tagged)) = elsewhere {
        let message = format!(
            "the tag {tag} is on another commit, {}: others would take that one for the source of {version}",
            tagged.to_hex_with_len(12)
        );
        report.findings.push(Finding::new("tag-elsewhere", Severity::Info, message));
    }
    let named = tags.iter().find_map(|tag| version_in(tag, name).map(|other| (tag, other)));
    if let Some((tag, other)) = named.filter(|(_, other)| !same(other, version)) {
        let message = format!("the commit is tagged {tag}, which is version {other} of this package, and not {version}");
        report.findings.push(Finding::new("version-not-in-source", Severity::Warning, message));
    }
}

/// The version that a tag names for a package, as npm cleans it; `None` if it names none of this package.
fn version_in(tag: &str, name: &str) -> Option<String> {
    let digits = tag.char_indices().filter(|(_, c)| c.is_ascii_digit());
    digits.filter_map(|(at, _)| tag.get(at..)).find_map(|text| {
        let version = clean(text)?;
        rank(tag, name, &version).map(|_| version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_tag_is_the_packages_own() {
        assert_eq!(version_in("v1.2.3", "a").as_deref(), Some("1.2.3"));
        assert_eq!(version_in("@scope/a@1.2.3-beta.1", "@scope/a").as_deref(), Some("1.2.3-beta.1"));
        assert_eq!(version_in("nightly", "a"), None);
        assert_eq!(version_in("@scope/b@1.2.3", "@scope/a"), None);
    }
}
