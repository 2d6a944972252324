//! The packages of a workspace that a publish of all of them would publish.
//!
//! In: the workspace's root on disk. Out: the folders of its members, outer ones first. Those that
//! are private are left out, as `npm publish --workspaces`, `pnpm -r publish` and `lerna publish`
//! leave them out.

use std::path::{Path, PathBuf};

use serde_json::Value;

use npm_pack::rewrite::Workspace;
use npm_pack::tree::{DirTree, Tree};
use npm_spec::manifest::without_bom;

use super::LocalError;

/// The folders of the members that are published.
pub fn members(root: &Path) -> Result<Vec<PathBuf>, LocalError> {
    let unreadable = |source| LocalError::Folder { path: root.to_owned(), source };
    let root = std::fs::canonicalize(root).map_err(unreadable)?;
    let tree = DirTree::new(&root).map_err(|source| LocalError::Folder { path: root.clone(), source })?;
    if !is_workspace(&tree) {
        return Err(LocalError::NoWorkspace { path: root });
    }
    let manifests = Workspace::new("", "", "").read_root(&tree);
    let published = manifests.iter().filter(|path| is_published(&tree, path));
    let folders: Vec<PathBuf> = published.map(|path| root.join(path.strip_suffix("package.json").unwrap_or(path))).collect();
    if folders.is_empty() { Err(LocalError::NoMembers { path: root }) } else { Ok(folders) }
}

/// Whether the root says which packages belong to it (npm 7 and later, yarn and bun; pnpm; lerna).
fn is_workspace(root: &DirTree) -> bool {
    let manifest = read(root, "package.json");
    let named = ["pnpm-workspace.yaml", "lerna.json"].iter().any(|file| root.is_file(file));
    named || manifest.is_some_and(|manifest| manifest.get("workspaces").is_some_and(|workspaces| !workspaces.is_null()))
}

/// Whether a package.json is of a package that can be published: it has a name and a version, and
/// is not private.
fn is_published(root: &DirTree, path: &str) -> bool {
    let Some(manifest) = read(root, path) else { return false };
    let has = |key: &str| manifest.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    has("name") && has("version") && manifest.get("private") != Some(&Value::Bool(true))
}

fn read(root: &DirTree, path: &str) -> Option<Value> {
    serde_json::from_slice(without_bom(&root.read(path)?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn found(files: &[(&str, &str)]) -> Result<Vec<String>, &'static str> {
        use verdict::diagnostic::Diagnostic as _;
        let folder = workspace(files);
        let root = folder.path().canonicalize().unwrap();
        let members = members(folder.path()).map_err(|error| error.code())?;
        Ok(members.iter().map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().trim_end_matches('/').to_owned()).collect())
    }

    const A: (&str, &str) = ("packages/a/package.json", r#"{"name":"a","version":"1.0.0"}"#);
    const B: (&str, &str) = ("packages/b/package.json", r#"{"name":"b","version":"1.0.0","private":true}"#);
    const C: (&str, &str) = ("tools/c/package.json", r#"{"name":"c","version":"1.0.0"}"#);

    #[test]
    fn members_are_those_of_the_root_that_are_not_private() {
        let root = ("package.json", r#"{"name":"root","private":true,"workspaces":["packages/*"]}"#);
        assert_eq!(found(&[root, A, B, C]), Ok(vec!["packages/a".to_owned()]));
        let pnpm = ("pnpm-workspace.yaml", "packages:\n  - packages/*\n  - tools/*\n");
        assert_eq!(found(&[("package.json", r#"{"private":true}"#), pnpm, A, C]), Ok(vec!["packages/a".to_owned(), "tools/c".to_owned()]));
    }

    #[test]
    fn a_root_that_is_published_itself_is_one_of_them() {
        let root = ("package.json", r#"{"name":"root","version":"1.0.0","workspaces":["packages/*"]}"#);
        assert_eq!(found(&[root, A]), Ok(vec![String::new(), "packages/a".to_owned()]));
    }

    #[test]
    fn what_is_no_workspace_and_what_publishes_nothing_are_told_apart() {
        assert_eq!(found(&[("package.json", r#"{"name":"x","version":"1.0.0"}"#), A]), Err("folder-without-workspace"));
        assert_eq!(found(&[("package.json", r#"{"workspaces":["packages/*"]}"#), B]), Err("workspace-without-packages"));
    }
}
