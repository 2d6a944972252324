//! Which folder is the package after a build: its own, or one that the build made and that is a
//! package in itself.

use npm_pack::tree::{DirTree, NodeKind, Tree};
use npm_spec::manifest::{LARGEST_PACKED, read_up_to};
use npm_spec::path::join;

use super::project::Package;

/// How deep below the checkout folders are looked at, and how many in all.
const MAX_DEPTH: usize = 5;
const MAX_FOLDERS: usize = 20_000;
/// Most folders that are packed.
const MAX_ROOTS: usize = 4;

/// The folders that could be what was published, by their paths in the checkout: the package's own
/// first, then the one that it declares (`publishConfig.directory`), then any other that has a
/// package.json with the package's name.
pub(super) fn package_roots(tree: &DirTree, package: &Package, directory: &str, name: &str) -> Vec<String> {
    let mut roots = vec![directory.to_owned()];
    roots.extend(package.publish_directory.iter().map(|below| join(directory, below)));
    let mut todo = vec![(String::new(), 0_usize)];
    let mut seen = 0_usize;
    while let Some((dir, depth)) = todo.pop() {
        seen += 1;
        if seen > MAX_FOLDERS || roots.len() > MAX_ROOTS {
            break;
        }
        // What is in a folder that cannot be read is not published from there.
        for node in tree.list(&dir).unwrap_or_default() {
            let path = join(&dir, &node.name);
            match node.kind {
                NodeKind::Dir if depth < MAX_DEPTH && node.name != "node_modules" && !node.name.starts_with('.') => {
                    todo.push((path, depth + 1));
                }
                NodeKind::File { .. } if node.name == "package.json" && dir != directory && names(tree, &path, name) => {
                    roots.push(dir.clone());
                }
                _ => {}
            }
        }
    }
    let mut unique: Vec<String> = Vec::new();
    for root in roots {
        if !unique.contains(&root) && tree.read(&join(&root, "package.json")).is_some() {
            unique.push(root);
        }
    }
    unique.truncate(MAX_ROOTS);
    unique
}

fn names(tree: &DirTree, manifest: &str, name: &str) -> bool {
    /// All of it that is kept in memory.
    #[derive(serde::Deserialize)]
    struct Named {
        name: String,
    }
    let parsed = tree.read(manifest).and_then(|bytes| read_up_to::<Named>(&bytes, LARGEST_PACKED));
    parsed.is_some_and(|manifest| manifest.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_folder_that_is_a_package_of_this_name_is_found_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, name: &str| {
            let folder = dir.path().join(path);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("package.json"), format!(r#"{{"name":"{name}"}}"#)).unwrap();
        };
        put("packages/a", "a");
        put("packages/a/dist", "a");
        put("node_modules/a", "a");
        put("fixtures/b", "b");
        let roots = package_roots(&DirTree::new(dir.path()).unwrap(), &Package::default(), "packages/a", "a");
        assert_eq!(roots, ["packages/a", "packages/a/dist"]);
    }

    #[test]
    fn the_declared_folder_counts_whatever_its_name_says() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("out")).unwrap();
        std::fs::write(dir.path().join("package.json"), "{}").unwrap();
        std::fs::write(dir.path().join("out/package.json"), "{}").unwrap();
        let package = Package { publish_directory: Some("out".into()), ..Package::default() };
        assert_eq!(package_roots(&DirTree::new(dir.path()).unwrap(), &package, "", "a"), ["", "out"]);
    }
}
