//! The beginning of a recipe: what is known before anything is packed.

use npm_spec::version;
use origin::Origin;
use recipe::{Checkout, RECIPE_VERSION, Recipe, Strategy};

use crate::Published;

/// A recipe for one origin, without the part that says how it is packed.
pub fn recipe_for(strategy: Strategy, package: &Published, repository: &str, origin: &Origin) -> Recipe {
    let manifest = package.manifest();
    let text = |key: &str| manifest.get(key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let (published, commit) = (text("version"), origin.commit.to_string());
    Recipe {
        schema_version: RECIPE_VERSION,
        strategy,
        name: text("name"),
        version: if is_written(&published, &commit) { published } else { version::clean(&published).unwrap_or_default() },
        repository: repository.to_owned(),
        commit,
        directory: origin.directory().to_owned(),
        checkout: Checkout::Posix,
        rewrite: String::new(),
        file_list: String::new(),
        packer: String::new(),
        submodules: Vec::new(),
        build: None,
        tarball: None,
    }
}

/// Fewest digits of a commit's id that stand for it: git's own shortest (`core.abbrev`).
const SHORTEST_ID: usize = 4;

/// Whether a release tool writes this text as the version into package.json: a version as npm
/// cleans it, alone or with the id of the commit behind a plus sign (Lerna's canaries,
/// `1.0.0-alpha.3+a1b2c3d`).
///
/// npm takes many texts for one version: with blanks, `v` and `=` around it, and with anything
/// behind a plus sign. Whoever publishes could write there what no source has, for code of the
/// source to read.
pub(crate) fn is_written(text: &str, commit: &str) -> bool {
    let (plain, build) = text.split_once('+').map_or((text, None), |(plain, build)| (plain, Some(build)));
    // `git describe` writes a `g` before the id.
    let is_commit = |build: &str| {
        let id = build.strip_prefix('g').unwrap_or(build);
        id.len() >= SHORTEST_ID && commit.starts_with(id)
    };
    version::clean(plain).as_deref() == Some(plain) && build.is_none_or(is_commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_written_as_npm_cleans_it_and_with_the_commit_at_most() {
        let is_written = |text: &str| is_written(text, "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334");
        for text in ["1.0.0", "1.0.0-alpha.3", "1.0.0-alpha.3+a1b2c3d", "1.0.0+ga1b2c3d", "1.0.0+a1b2c3d4e5f60718293a4b5c6d7e8f9001122334"]
        {
            assert!(is_written(text), "{text}");
        }
        for text in [
            "",
            "1.0.0 ",
            " 1.0.0",
            "v1.0.0",
            "=1.0.0",
            "1.0.0\t\t",
            "1.0.0+",
            "1.0.0+a1b",
            "1.0.0+build5",
            "1.0.0+a1b2c3d.1",
            "1.0.0beta",
            "none",
        ] {
            assert!(!is_written(text), "{text:?}");
        }
    }
}
