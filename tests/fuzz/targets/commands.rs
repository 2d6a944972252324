//! What is read of strangers' commands: texts for the shell, workflows, and wishes for tools.

use std::collections::BTreeMap;

use npm_pack::list::normal_path;
use npm_pack::tree::MemoryTree;
use npm_spec::version;
use npm_toolchain::{Clues, Wish, choose};
use rebuild::build_run::{commands, workflow};

use super::{parts, text};

/// A text for the shell.
pub(crate) fn shell(input: &[u8]) -> String {
    let text = text(input);
    let found = commands::commands(&text);
    assert!(found.len() <= 32);
    for command in &found {
        assert!(!command.is_empty() && (command.trim() == command || command.contains('\\')) && !command.starts_with('#'), "{command:?}");
        assert_eq!(commands::commands(command), [command.as_str()], "one command is one command");
        // A line that goes on is joined to the next one.
        let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '\\').collect::<String>();
        assert!(letters(&text).contains(&letters(command)), "{command:?} is not in the text");
        if let Some(folder) = commands::change_of_folder(command) {
            assert!(!folder.is_empty() && !folder.contains([' ', '$', '`', '~', '*', '\n']), "{folder:?}");
        }
    }
    let useful = found.iter().filter(|command| commands::is_useful(command)).count();
    format!("{} {}", found.len().min(8), useful.min(8))
}

/// A workflow, a package.json, and a lockfile behind a line with its name.
pub(crate) fn workflow(input: &[u8]) -> String {
    let [workflow, manifest, lockfile] = parts(input);
    let tree = MemoryTree::new().file(".github/workflows/a.yml", workflow);
    let lines = workflow::lines(&tree);
    for line in &lines {
        let inside = line.directory.is_empty() || normal_path(&line.directory).as_deref() == Some(line.directory.as_str());
        assert!(inside && !line.text.contains("${{") && !line.text.trim().is_empty(), "{line:?}");
    }
    let lock = text(lockfile);
    let (name, lock) = lock.split_once('\n').unwrap_or(("yarn.lock", &lock));
    let files = BTreeMap::from([
        (".github/workflows/a.yml".to_owned(), workflow.to_vec()),
        ("package.json".to_owned(), manifest.to_vec()),
        (name.to_owned(), lock.as_bytes().to_vec()),
    ]);
    let read = |path: &str| files.get(path).cloned();
    let list = |folder: &str| {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        files.keys().filter_map(|path| path.strip_prefix(&prefix)).filter(|name| !name.contains('/')).map(str::to_owned).collect()
    };
    let clues = Clues {
        node_by_user: None,
        node_version: None,
        npm_version: None,
        published: Some("2022-01-01T00:00:00Z".parse().unwrap()),
        committed: "2021-12-31T00:00:00Z".parse().unwrap(),
        directory: "",
        read: &read,
        list: &list,
    };
    let wanted = choose(&clues);
    assert!(!wanted.node.is_empty() && !wanted.manager.is_empty() && !wanted.node_is_given);
    let wishes = wanted.node.iter().map(|one| &one.wish).chain(wanted.manager.iter().map(|one| &one.wish));
    for wish in wishes {
        match wish {
            Wish::Exact(exact) => assert!(version::parse(exact).is_some(), "{exact:?}"),
            Wish::Range(range) => assert!(version::VersionRange::parse(range).is_some(), "{range:?}"),
        }
    }
    let managers: Vec<&str> = wanted.manager.iter().map(|one| one.kind.as_str()).collect();
    format!("{} {} {managers:?}", lines.len().min(5), wanted.node.len().min(4))
}
