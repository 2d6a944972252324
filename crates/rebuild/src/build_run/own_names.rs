//! What a build is told of names: the repository's address, the checkout's folder and the branch or
//! tag in `.git`.
//!
//! A script of the commit may read each of them and make a program of it. So the address is the one
//! that the commit's own package.json has, never the registry's spelling of it (letters in another
//! case, an old name that the host leads on); the folder is called after that address; and the only
//! names of tags are those that follow from the package's name and version. Anybody who may push
//! may call a branch or tag as they like, long after the commit.

use serde_json::Value;

use npm_spec::manifest;
use npm_spec::path::join;
use origin::address::{self, Address};
use origin::tags;

use super::world::Read;
use crate::SourceError;

/// The folder of a checkout whose repository the commit does not name.
const NAMELESS: &str = "source";
/// The branch in `.git`, whatever branch led to the commit, unless it is the other usual one.
const BRANCH: &str = "refs/heads/main";
const OLD_BRANCH: &str = "refs/heads/master";
/// Longest name of a checkout's folder, in bytes.
const LONGEST_FOLDER: usize = 100;
/// Words in place of a name before the version in a tag.
const WORDS: [&str; 5] = ["", "release", "releases", "rel", "version"];
/// What stands between a name and the version in a tag.
const JOINTS: [&str; 10] = ["", "v", "@", "@v", "-", "-v", "/", "/v", "_", "_v"];

/// The names that a commit gives a package.
#[derive(Debug, Default)]
pub(super) struct OwnNames {
    /// The repository's address.
    pub(super) url: Option<String>,
    folder: Option<String>,
    package: String,
    version: String,
    /// The name in the root's package.json.
    root: Option<String>,
}

impl OwnNames {
    /// Reads them from package.json of the package's folder, or else of the root.
    pub(super) fn read((package, version): (&str, &str), directory: &str, read: Read<'_>) -> Result<Self, SourceError> {
        let manifest = |folder: &str| -> Result<Value, SourceError> {
            let bytes = read(&join(folder, "package.json"))?.unwrap_or_default();
            Ok(manifest::read(&bytes).unwrap_or_default())
        };
        let (own, root) = (manifest(directory)?, manifest("")?);
        // Nothing is fetched from it: an address that only a user's configuration leads to is as
        // good as another.
        let declared = |manifest: &Value| address::declared_with(manifest, &|_| true).ok().flatten().map(|declared| declared.address);
        let address = declared(&own).or_else(|| declared(&root));
        Ok(Self {
            folder: address.as_ref().and_then(folder_of),
            url: address.map(|address| address.url),
            package: package.to_owned(),
            version: version.to_owned(),
            root: root.get("name").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// What the checkout's folder is called.
    pub(super) fn folder(&self) -> String {
        self.folder.clone().unwrap_or_else(|| NAMELESS.to_owned())
    }

    /// The branch or tag in `.git` for one that led to the commit: of the version's tags those that
    /// are written in a usual way; any other name stands for nothing.
    pub(super) fn reference(&self, name: &str) -> String {
        match name.strip_prefix("refs/tags/") {
            Some(tag) if self.is_own_tag(tag) => name.to_owned(),
            Some(tag) if tags::rank(tag, &self.package, &self.version).is_some() => format!("refs/tags/v{}", self.version),
            _ if name == OLD_BRANCH => OLD_BRANCH.to_owned(),
            _ => BRANCH.to_owned(),
        }
    }

    /// One of about a hundred ways to write it: a choice among them is less than a byte.
    fn is_own_tag(&self, tag: &str) -> bool {
        let Some(before) = tag.strip_suffix(self.version.as_str()).filter(|_| !self.version.is_empty()) else { return false };
        let packages = [Some(&self.package), self.root.as_ref(), self.folder.as_ref()].into_iter().flatten();
        let unscoped = packages.clone().filter_map(|name| name.split_once('/').map(|(_, unscoped)| unscoped));
        let mut names = packages.map(String::as_str).chain(unscoped).chain(WORDS);
        names.any(|name| before.strip_prefix(name).is_some_and(|joint| JOINTS.contains(&joint)))
    }
}

/// The last part of an address, as far as it can be a folder.
fn folder_of(address: &Address) -> Option<String> {
    let last = address.path.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let name: String = last.trim_end_matches(".git").chars().filter(is_plain).take(LONGEST_FOLDER).collect();
    (!name.is_empty() && !name.starts_with(['.', '-'])).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn names(own: &str, root: &str) -> OwnNames {
        let files = BTreeMap::from([("p/a/package.json", own), ("package.json", root)]);
        OwnNames::read(("@kit/a", "1.0.0"), "p/a", &|path| Ok(files.get(path).map(|text| text.as_bytes().to_vec()))).unwrap()
    }

    #[test]
    fn the_address_is_the_one_of_the_package_or_else_of_the_root() {
        let root = r#"{"name":"tools","repository":"kit/Tools"}"#;
        let of = |own: &str, root: &str| {
            let names = names(own, root);
            (names.url.clone().unwrap_or_default(), names.folder())
        };
        assert_eq!(of(r#"{"repository":"kit/Own"}"#, root), ("https://github.com/kit/Own".into(), "Own".into()));
        assert_eq!(of("{}", root), ("https://github.com/kit/Tools".into(), "Tools".into()));
        assert_eq!(of("{}", "{}"), (String::new(), "source".into()));
        assert_eq!(of("no json", r#"{"repository":5}"#), (String::new(), "source".into()));
    }

    #[test]
    fn the_checkouts_folder_never_leads_elsewhere() {
        for (url, name) in [
            ("https://host.example/owner/name.git", "name"),
            ("https://host.example/owner/a%20b;c/", "a20bc"),
            ("git@host.example:owner/name.git", "name"),
            ("https://host.example/owner/.name", "source"),
            ("https://host.example/owner/-name", "source"),
        ] {
            assert_eq!(names(&format!(r#"{{"repository":"{url}"}}"#), "{}").folder(), name, "{url}");
        }
    }

    #[test]
    fn a_tag_is_written_as_it_is_only_where_it_follows_from_name_and_version() {
        let names = names(r#"{"repository":"kit/Own"}"#, r#"{"name":"@kit/tools"}"#);
        for tag in ["1.0.0", "v1.0.0", "@kit/a@1.0.0", "a-v1.0.0", "a/1.0.0", "tools@1.0.0", "Own-v1.0.0", "release-1.0.0", "releasev1.0.0"]
        {
            assert_eq!(names.reference(&format!("refs/tags/{tag}")), format!("refs/tags/{tag}"));
        }
        for tag in ["cGF5bG9hZA-1.0.0", "v1.0.0+cGF5bG9hZA", "v01.0.00", "A-V1.0.0", "v1_0_0", "a.v1.0.0", "v1"] {
            assert_eq!(names.reference(&format!("refs/tags/{tag}")), "refs/tags/v1.0.0", "{tag}");
        }
        for other in
            ["refs/tags/cGF5bG9hZA", "refs/tags/v2.0.0", "refs/heads/cGF5bG9hZA", "refs/remotes/origin/x", "HEAD", "refs/heads/main"]
        {
            assert_eq!(names.reference(other), "refs/heads/main", "{other}");
        }
        assert_eq!(names.reference("refs/heads/master"), "refs/heads/master");
    }
}
