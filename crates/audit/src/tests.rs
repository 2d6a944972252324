use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use report::answer::Answer;
use verdict::Accept;

use super::*;

fn plan_of(files: &[(&str, &str)], asked: &Asked) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Plan::of(folder.path(), asked).unwrap()
}

fn deno(count: usize) -> Plan {
    let rows: Vec<String> = (0..count).map(|at| format!("\"a@1.0.{at}\":{{}}")).collect();
    plan_of(&[("deno.lock", &format!(r#"{{"version":"5","npm":{{{}}}}}"#, rows.join(",")))], &Asked::default())
}

fn undecided() -> Answer {
    Answer::usage("x", "y".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn as_many_run_at_a_time_as_are_asked_for_and_no_more() {
    let plan = deno(40);
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let judge = |_| {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Each waits for as many as were asked for: fewer would never end.
            while most.load(Ordering::SeqCst) < 3 {
                tokio::task::yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            undecided()
        }
    };
    let mut rows = Vec::new();
    let whole = run(&plan, (3, Accept::SameContent), judge, |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })
    .await;
    assert!(whole);
    assert_eq!((rows.len(), most.load(Ordering::SeqCst)), (40, 3));
    let document = Document::of(&plan, rows, FailOn::Undecided);
    assert_eq!((document.exit_code, document.totals.not_decided, document.packages[0].version.as_str()), (2, 40, "1.0.0"));
    let classes = document.classes.sorted();
    assert_eq!((classes.len(), classes[0].packages, classes[0].examples.len()), (1, 40, 3));
}

#[tokio::test]
async fn an_audit_that_lost_a_package_or_was_ended_is_not_whole() {
    let plan = deno(5);
    let judge = |spec: String| async move {
        assert_ne!(spec, "a@1.0.3");
        undecided()
    };
    let mut seen = 0;
    let count = |_| {
        seen += 1;
        ControlFlow::Continue(())
    };
    assert!(!run(&plan, (2, Accept::SameContent), judge, count).await);
    assert_eq!(seen, 4);
    let mut seen = 0;
    let first = |_| {
        seen += 1;
        ControlFlow::Break(())
    };
    assert!(!run(&plan, (2, Accept::SameContent), |_| async { undecided() }, first).await);
    assert_eq!(seen, 1);
}

#[test]
fn what_fails_is_as_asked() {
    for (fail_on, codes) in [(FailOn::Undecided, [0, 1, 2]), (FailOn::Differs, [0, 1, 0]), (FailOn::None, [0, 0, 0])] {
        assert_eq!([0, 1, 2].map(|found| fail_on.of(found)), codes, "{fail_on:?}");
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_no_pass() {
    let odd = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"x"}}}"#;
    let linked = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"resolved":"a","link":true}}}"#;
    for (text, code, reason) in [(odd, 2, "unreadable"), (linked, 0, "link")] {
        let plan = plan_of(&[("package-lock.json", text)], &Asked::default());
        let document = Document::of(&plan, Vec::new(), FailOn::Undecided);
        assert_eq!((document.exit_code, document.totals.left_out.get(reason)), (code, Some(&1)));
    }
}

#[test]
fn a_place_that_is_omitted_does_not_stand_for_its_package() {
    let text = r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"b":"1"},"devDependencies":{"a":"1","c":"1"}},"node_modules/b":{"version":"1.0.0","dependencies":{"a":"1"}},"node_modules/a":{"version":"1.0.0","dev":true},"node_modules/b/node_modules/a":{"version":"1.0.0"},"node_modules/c":{"version":"1.0.0","dev":true}}}"#;
    let asked = Asked { omit: npm_lockfile::Omit { dev: true, ..Default::default() }, ..Asked::default() };
    let plan = plan_of(&[("package-lock.json", text)], &asked);
    assert_eq!((plan.packages.len(), plan.packages[0].places.len(), plan.omitted), (2, 1, 1));
    assert_eq!(plan.packages[0].places[0].key, "node_modules/b/node_modules/a");
}

#[test]
fn npm_goes_by_its_shrinkwrap_and_bun_has_no_text() {
    let one = r#"{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"}}}"#;
    let plan = plan_of(&[("package-lock.json", one), ("npm-shrinkwrap.json", one)], &Asked::default());
    assert_eq!(plan.file.file_name(), Some("npm-shrinkwrap.json".as_ref()));
    assert!(plan.findings.is_empty(), "both are npm's");
    assert!(matches!(Plan::of(Path::new("/nowhere"), &Asked::default()), Err(AuditError::Unreadable { .. })));
}

#[test]
fn a_tree_is_read_by_its_own_folder_as_by_that_of_its_project() {
    let root = tempfile::tempdir().unwrap();
    let package = root.path().join("p/node_modules/a");
    std::fs::create_dir_all(&package).unwrap();
    std::fs::write(package.join("package.json"), r#"{"name":"a","version":"1.0.0"}"#).unwrap();
    let of = |at: &str| Plan::of(&root.path().join(at), &Asked { tree: true, ..Asked::default() });
    for at in ["p", "p/node_modules", "p/node_modules/"] {
        let plan = of(at).unwrap();
        assert_eq!((plan.folder, plan.packages.len()), (root.path().join("p"), 1), "{at}");
    }
    assert!(matches!(of("p/node_modules/a"), Err(AuditError::Unreadable { .. })), "there is none in it");
}
