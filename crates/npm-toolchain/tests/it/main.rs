//! Toolchains from the registry that npm is configured for: they come, and they run.
//!
//! Needs that registry and no other network. Everything is fetched into one folder that is removed
//! at the end.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that meets what it did not expect must fail")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use http::{Cancel, Client, HttpConfig};
use npm_spec::tool::Kind;
use npm_toolchain::shelf::Shelf;
use npm_toolchain::{Candidate, ManagerCandidate, Tool, Toolchain, ToolchainError, Toolchains, Wanted, Wish};
use npmrc::{NpmConfig, Overrides, Surroundings};

const AGENT: &str = "reproduce-test";

fn npm() -> NpmConfig {
    NpmConfig::load(&Surroundings::of_process(None), &Overrides::default())
}

fn toolchains(folder: &Path) -> Toolchains {
    let npm = npm();
    Toolchains::new(Client::new(HttpConfig::from_npm(&npm, AGENT)), &npm, folder, Cancel::default(), None)
}

/// What a tool says its version is, run with nothing of this process's environment.
fn version_of(tool: &Tool, node: &Tool, home: &Path) -> String {
    let program = tool.root.join(&tool.entry);
    let mut command = if tool.native { Command::new(&program) } else { Command::new(node.root.join(&node.entry)) };
    if !tool.native {
        command.arg(&program);
    }
    let output = command.arg("--version").env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").current_dir(home).output().unwrap();
    assert!(output.status.success(), "{} {}: {}", tool.kind, tool.version, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().trim_start_matches('v').to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_of_every_era_are_fetched_and_run() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let toolchains = toolchains(folder.path());
    // Each manager with a Node of its time.
    for (node, managers) in [
        ("8.17.0", &[(Kind::Npm, "6.14.18")][..]),
        ("12.22.12", &[(Kind::Pnpm, "6.35.1"), (Kind::Yarn, "1.22.22")]),
        ("16.20.2", &[(Kind::Npm, "8.19.4"), (Kind::Pnpm, "8.15.9")]),
        ("20.19.0", &[(Kind::Npm, "10.9.2"), (Kind::Berry, "4.5.0"), (Kind::Pnpm, "10.9.0")]),
        ("24.13.0", &[(Kind::Pnpm, "12.0.0"), (Kind::Bun, "1.2.0")]),
    ] {
        let node = toolchains.get(Kind::Node, node).await.unwrap();
        assert_eq!(version_of(&node, &node, home.path()), node.version);
        for (kind, version) in managers {
            let tool = toolchains.get(*kind, version).await.unwrap();
            assert_eq!(version_of(&tool, &node, home.path()), tool.version, "{kind}");
            assert!(tool.integrity.starts_with("sha"));
        }
    }
    // Another process finds them, and asks nobody.
    let mut config = HttpConfig::from_npm(&npm(), AGENT);
    config.offline = true;
    let second = Toolchains::new(Client::new(config), &npm(), folder.path(), Cancel::default(), None);
    assert_eq!(second.get(Kind::Node, "v20.19.0").await.unwrap().version, "20.19.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_fetches_a_tool_and_the_others_wait() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<_> = (0..6).map(|_| Arc::new(toolchains(folder.path()))).collect();
    let running: Vec<_> = all
        .iter()
        .map(|toolchains| {
            let toolchains = Arc::clone(toolchains);
            tokio::spawn(async move { toolchains.get(Kind::Yarn, "1.22.22").await.unwrap().root })
        })
        .collect();
    let mut roots = Vec::new();
    for task in running {
        roots.push(task.await.unwrap());
    }
    roots.dedup();
    assert_eq!(roots.len(), 1);
    assert_eq!(Shelf::at(folder.path()).list().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_there_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = toolchains(folder.path()).get(Kind::Npm, "6.999.0").await.unwrap_err();
    assert!(matches!(error, ToolchainError::NotPublished { .. }), "{error:?}");
}

async fn settled(node: &[Wish], manager: (Kind, Wish), day: &str) -> Vec<Toolchain> {
    settle(node, false, manager, day).await.unwrap()
}

async fn settle(node: &[Wish], node_is_given: bool, manager: (Kind, Wish), day: &str) -> Result<Vec<Toolchain>, ToolchainError> {
    let folder = tempfile::tempdir().unwrap();
    let node = node.iter().map(|wish| Candidate { wish: wish.clone(), reason: "a test says so".into() }).collect();
    let manager =
        vec![ManagerCandidate { kind: manager.0, wish: manager.1, lockfile: Some("lock".into()), reason: "a test says so".into() }];
    let at = format!("{day}T00:00:00Z").parse().unwrap();
    toolchains(folder.path()).settle(&Wanted { node, node_is_given, manager, at }).await
}

fn exact(text: &str) -> Wish {
    Wish::Exact(text.into())
}

fn range(text: &str) -> Wish {
    Wish::Range(text.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_is_the_one_that_came_with_node_where_the_lockfile_allows() {
    let all = settled(&[range(">=14")], (Kind::Npm, range("7 || 8")), "2022-06-01").await;
    assert_eq!(all[0].manager, Some((Kind::Npm, "8.11.0".into())), "{all:#?}");
    assert!(all[0].node.starts_with("16.15."));
    assert_eq!(all[0].lockfile.as_deref(), Some("lock"));
    let majors: Vec<&str> = all.iter().map(|it| it.node.split('.').next().unwrap()).collect();
    assert_eq!(majors, ["16", "18", "14", "20"], "other lines are tried later");
}

#[tokio::test(flavor = "multi_thread")]
async fn node_satisfies_what_a_named_manager_needs() {
    let all = settled(&[exact("16.20.2")], (Kind::Pnpm, exact("10.9.0")), "2025-03-20").await;
    assert!(all[0].node.starts_with("18."), "{all:#?}");
    assert!(all[0].reasons.iter().any(|reason| reason.contains("instead: pnpm 10.9.0 does not run on 16.20.2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_that_the_user_names_is_the_only_one_whatever_the_manager_needs() {
    let pnpm = || (Kind::Pnpm, exact("10.9.0"));
    let all = settle(&[exact("16.20.2")], true, pnpm(), "2025-03-20").await.unwrap();
    assert_eq!(all.iter().map(|it| it.node.as_str()).collect::<Vec<_>>(), ["16.20.2"]);
    let error = settle(&[exact("16.999.0")], true, pnpm(), "2025-03-20").await.unwrap_err();
    assert!(matches!(error, ToolchainError::NotPublished { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_of_a_range_is_one_that_runs_on_node() {
    let all = settled(&[exact("16.20.2")], (Kind::Pnpm, range("*")), "2025-03-20").await;
    assert_eq!((all[0].node.as_str(), &all[0].manager), ("16.20.2", &Some((Kind::Pnpm, "8.15.9".into()))), "{all:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_npm_goes_with_nodes_that_it_runs_on() {
    let all = settled(&[range("*")], (Kind::Npm, exact("6.4.1")), "2023-08-20").await;
    assert!(all[0].node.starts_with("11.") || all[0].node.starts_with("10."), "{all:#?}");
    assert_eq!(all[0].manager, Some((Kind::Npm, "6.4.1".into())));
    assert!(all.len() == 4 && all[1].manager != all[0].manager, "{all:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yarn_without_its_dependencies_is_not_taken() {
    let all = settled(&[range("8")], (Kind::Yarn, exact("0.27.5")), "2018-08-20").await;
    assert!(all[0].manager.as_ref().unwrap().1.starts_with("1."), "{all:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_gone_gives_its_nearest_and_says_so() {
    let all = settled(&[range("18")], (Kind::Yarn, exact("1.22.99")), "2023-03-20").await;
    assert_eq!(all[0].manager, Some((Kind::Yarn, "1.22.22".into())));
    assert!(all[0].reasons.iter().any(|reason| reason.contains("1.22.99 is not in the registry")), "{all:#?}");
}
