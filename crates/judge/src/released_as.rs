//! A commit that its tags call another version than the one that is judged, or that the version's
//! own tag is not on: it is the source of what was published, and still not what the repository
//! calls by that number.

use git::RemoteRef;
use npm_spec::version::{clean, same};
use origin::tags::{TagRank, best, rank};
use report::json::Report;
use verdict::{Finding, Severity};

/// Adds a warning where the commit that was found is tagged as another version of the package
/// rather than as the judged one, and a notice where a tag that names the judged one no worse is on
/// another commit.
///
/// Of two tags the better named one counts, so that a tag such as `tmp-v1.0.0` beside `v0.9.0`
/// silences nothing.
pub(crate) fn tell(report: &mut Report, refs: &[RemoteRef]) {
    let Some(origin) = &report.origin else { return };
    let Some((name, version)) = report.package.name.as_deref().zip(report.package.version.as_deref()) else { return };
    let Ok(commit) = gix::ObjectId::from_hex(origin.commit.as_bytes()) else { return };
    let (here, elsewhere): (Vec<&RemoteRef>, Vec<&RemoteRef>) =
        refs.iter().filter(|one| one.tag().is_some()).partition(|one| one.commit == commit);
    let own = here.iter().filter_map(|one| rank(one.tag()?, name, version)).max();
    let mut findings = Vec::new();
    if report.reproduced {
        let best = best_of(&elsewhere, name, version, is_own(refs, name, &origin.directory));
        if let Some((tag, tagged)) = best.filter(|best| own <= Some(best.0)).map(|(_, tag, tagged)| (tag, tagged)) {
            let message = format!(
                "the tag {tag} is on another commit, {}: others would use that one as the source of {version}",
                tagged.to_hex_with_len(12)
            );
            findings.push(Finding::new("tag-elsewhere", Severity::Info, message));
        }
    }
    let named = here.iter().filter_map(|one| version_in(one.tag()?, name).map(|(rank, other)| (rank, one.tag(), other)));
    let others = named.filter(|(rank, _, other)| !same(other, version) && own < Some(*rank));
    if let Some((_, Some(tag), other)) = others.max_by_key(|(rank, ..)| *rank) {
        let message = format!("the commit is tagged {tag}, which is version {other} of this package, not {version}");
        findings.push(Finding::new("version-not-in-source", Severity::Warning, message));
    }
    report.findings.extend(findings);
}

/// Tells the tags that may be this package's. In a repository of many packages a plain number may
/// be another one's, unless no tag there has this package's name in it.
fn is_own<'a>(refs: &[RemoteRef], name: &'a str, directory: &str) -> impl Fn(&str) -> bool + 'a {
    let bare = name.rsplit('/').next().unwrap_or(name);
    let any = directory.is_empty() || !refs.iter().filter_map(RemoteRef::tag).any(|tag| tag.contains(bare));
    move |tag| any || tag.contains(bare)
}

/// The best of the tags that name this version, with its rank and the commit that it is on.
fn best_of<'a>(
    refs: &[&'a RemoteRef],
    name: &str,
    version: &str,
    is_own: impl Fn(&str) -> bool,
) -> Option<(TagRank, &'a str, gix::ObjectId)> {
    let tags = refs.iter().filter_map(|one| one.tag()).filter(|tag| is_own(tag));
    let found = *best(tags, name, version, 1).first()?;
    let at = refs.iter().find(|one| one.tag() == Some(found.tag))?;
    Some((found.rank, at.tag()?, at.commit))
}

/// The version that a tag names for a package, as npm cleans it, and how well; `None` if it names
/// none of this package.
fn version_in(tag: &str, name: &str) -> Option<(TagRank, String)> {
    let digits = tag.char_indices().filter(|(_, c)| c.is_ascii_digit());
    digits.filter_map(|(at, _)| tag.get(at..)).find_map(|text| {
        let version = clean(text)?;
        rank(tag, name, &version).map(|rank| (rank, version))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_tag_is_the_packages_own() {
        let version_in = |tag, name| version_in(tag, name).map(|(_, version)| version);
        assert_eq!(version_in("v1.2.3", "a").as_deref(), Some("1.2.3"));
        assert_eq!(version_in("@scope/a@1.2.3-beta.1", "@scope/a").as_deref(), Some("1.2.3-beta.1"));
        assert_eq!(version_in("nightly", "a"), None);
        assert_eq!(version_in("@scope/b@1.2.3", "@scope/a"), None);
    }
}
