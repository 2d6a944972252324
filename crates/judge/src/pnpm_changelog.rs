//! A CHANGELOG.md that pnpm composed when it published (11.13 and later): of a section that the
//! commit has, and of the CHANGELOG.md of the version before, which is in no commit.

use gix::ObjectId;

use git::{GitError, Repository};
use npm_spec::path::join;
use rebuild::Published;
use recipe::Recipe;
use report::json::Report;
use verdict::{Finding, Severity};

/// The file that pnpm composes.
const FILE: &str = "CHANGELOG.md";
/// Where pnpm keeps the sections of versions that are not published yet, in the workspace's root.
const SECTIONS: &str = ".changeset/changelogs";
/// Bytes of a section and of a change log that are looked into.
const LARGEST: u64 = 4 << 20;

/// Names the section where the change log is missing or differs, begins with that section, and pnpm
/// packed.
pub(crate) fn tell(report: &mut Report, repository: &mut Repository, recipe: &Recipe, published: &Published) {
    let differs = report.comparison.as_ref().is_some_and(|comparison| {
        comparison.changed.iter().any(|one| one.path == FILE) || comparison.only_published.iter().any(|path| path == FILE)
    });
    if !differs || !recipe.packer.starts_with("pnpm-") {
        return;
    }
    let Some(entry) = published.archive.get(FILE).filter(|entry| entry.size <= LARGEST) else { return };
    let text = published.archive.content(entry).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let file = format!("{}@{}.md", recipe.name.replace('/', "!"), recipe.version);
    // One that cannot be had names nothing: only words depend on it.
    if let Some(text) = text
        && let Ok(Some((path, section))) = section(repository, recipe, &file)
        && begins_with(&text, &section)
    {
        let message = format!(
            "{FILE} begins with what the commit has in {path}: pnpm 11.13 and later write it when they publish, of that and of the {FILE} of \
             the version before, which is not among the sources"
        );
        report.findings.push(Finding::new("pnpm-changelog", Severity::Info, message));
    }
}

/// The path and the text of a section: in the root of the repository, or in a folder between it and
/// the package.
fn section(repository: &mut Repository, recipe: &Recipe, file: &str) -> Result<Option<(String, String)>, GitError> {
    let Ok(commit) = ObjectId::from_hex(recipe.commit.as_bytes()) else { return Ok(None) };
    let Some(listing) = repository.listing(&commit)? else { return Ok(None) };
    let directory = recipe.directory.as_str();
    let above = directory.match_indices('/').filter_map(|(at, _)| directory.get(..at));
    let folders = std::iter::once("").chain(above).chain((!directory.is_empty()).then_some(directory));
    for path in folders.map(|folder| join(folder, &format!("{SECTIONS}/{file}"))) {
        let Some(entry) = listing.get(&path) else { continue };
        let text = repository.blob_up_to(&entry.id, LARGEST)?.and_then(|text| String::from_utf8(text).ok());
        return Ok(text.map(|text| (path, text)));
    }
    Ok(None)
}

/// Whether a change log has a heading and then the section. White space at the section's end does
/// not count.
fn begins_with(changelog: &str, section: &str) -> bool {
    let section = section.trim();
    let body = changelog.split_once('\n').filter(|(first, _)| first.starts_with("# ")).map_or(changelog, |(_, body)| body);
    !section.is_empty() && body.trim_start().strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['\r', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_stands_first_and_whole() {
        let section = "## 1.1.0\n\n### Patch Changes\n\n- b\n";
        for (changelog, expected) in [
            ("# p\n\n## 1.1.0\n\n### Patch Changes\n\n- b\n\n## 1.0.0\n", true),
            ("# p\n\n## 1.1.0\n\n### Patch Changes\n\n- b", true),
            ("## 1.1.0\n\n### Patch Changes\n\n- b\n\nold\n", true),
            ("# p\n\n## 1.1.0\n\n### Patch Changes\n\n- bc\n", false),
            ("# p\n\n## 1.2.0\n\n## 1.1.0\n\n### Patch Changes\n\n- b\n", false),
            ("# p\n", false),
        ] {
            assert_eq!(begins_with(changelog, section), expected, "{changelog}");
        }
        assert!(!begins_with("# p\n", "\n"));
    }
}
