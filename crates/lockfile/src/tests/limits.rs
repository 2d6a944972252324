//! What is refused for its size or for the work that it would make.

use super::*;

#[test]
fn limits_are_reached() {
    let with = |count: usize| {
        let rows: Vec<String> = (0..count).map(|at| format!("\"a@1.0.{at}\":{{}}")).collect();
        format!(r#"{{"version":"5","npm":{{{}}}}}"#, rows.join(","))
    };
    assert_eq!(Lockfile::read("deno.lock", with(MAX_ENTRIES).as_bytes()).unwrap().entries.len(), MAX_ENTRIES);
    assert_eq!(code("deno.lock", &with(MAX_ENTRIES + 1)), "lockfile-too-large");
    let mut text = r#"{"lockfileVersion":1}"#.to_owned();
    text.push_str(&" ".repeat(MAX_FILE - text.len()));
    assert_eq!(read("package-lock.json", &text).0.len(), 0);
    assert_eq!(code("package-lock.json", &format!("{text} ")), "lockfile-too-large");
}

#[test]
fn what_is_nested_too_deep_is_refused_and_not_a_crash() {
    let deep = |levels: usize| {
        format!(
            r#"{{"lockfileVersion":1,"dependencies":{}{}}}"#,
            r#"{"a":{"version":"1.0.0","dependencies":"#.repeat(levels) + "{}",
            "}}".repeat(levels)
        )
    };
    assert_eq!(read("package-lock.json", &deep(100)).0, ["a@1.0.0"]);
    assert_eq!(code("package-lock.json", &deep(100_000)), "lockfile-malformed");
    assert_eq!(code("bun.lock", &"[".repeat(1_000_000)), "lockfile-malformed");
    assert_eq!(code("pnpm-lock.yaml", &"[".repeat(1_000_000)), "lockfile-malformed");
    assert_eq!(code("pnpm-lock.yaml", &format!("lockfileVersion: '9.0'\nx: {}", "{a: ".repeat(10_000))), "lockfile-malformed");
}

#[test]
fn a_document_that_unfolds_is_refused() {
    let levels = (1..60).map(|level| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(",")));
    let bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned()].into_iter().chain(levels).collect::<String>();
    assert_eq!(code("pnpm-lock.yaml", &format!("lockfileVersion: '9.0'\n{bomb}packages:\n  a@1.0.0: {{x: *a59}}\n")), "lockfile-malformed");
}

#[test]
fn a_name_that_may_mean_many_versions_is_no_bomb() {
    let versions = |count: usize, each: &dyn Fn(usize) -> String| (0..count).map(each).collect::<String>();
    let pnpm = |count: usize| {
        let packages = versions(count, &|at| format!("  a@1.0.{at}: {{}}\n"));
        let snapshots = versions(count, &|at| format!("  a@1.0.{at}: {{dependencies: {{a: 9}}}}\n"));
        format!("lockfileVersion: '9.0'\npackages:\n{packages}snapshots:\n{snapshots}")
    };
    assert_eq!(read("pnpm-lock.yaml", &pnpm(1000)).0.len(), 1000);
    // These two look up a name with its version or its folder, and so nothing stands for many.
    assert_eq!(read("pnpm-lock.yaml", &pnpm(2100)).0.len(), 2100);
    let bun = |count: usize| {
        let needs = versions(count, &|at| format!("\"d{at}\": [\"d@1.0.{at}\", \"\", {{\"dependencies\": {{\"a\": \"9\"}}}}, \"\"],"));
        let packages = versions(count, &|at| format!("\"x{at}/a\": [\"a@1.0.{at}\"],"));
        format!("{{\"lockfileVersion\":1,\"packages\":{{{needs}{packages}}}}}")
    };
    assert_eq!(read("bun.lock", &bun(1000)).0.len(), 2000);
    assert_eq!(read("bun.lock", &bun(2100)).0.len(), 4200);
    let berry = |count: usize| {
        let entry = |at| format!("\"a@npm:{at}\":\n  resolution: \"a@npm:1.0.{at}\"\n  dependencies:\n    a: \"npm:none\"\n\n");
        format!("__metadata:\n  version: 8\n\n{}", versions(count, &entry))
    };
    assert_eq!(read("yarn.lock", &berry(1000)).0.len(), 1000);
    assert_eq!(code("yarn.lock", &berry(2100)), "lockfile-too-large");
}

#[test]
fn all_that_one_package_bundles_has_one_list() {
    let row = |name: &str| format!(r#","node_modules/a/node_modules/{name}":{{"version":"1.0.0","inBundle":true}}"#);
    let text = format!(
        r#"{{"lockfileVersion":3,"packages":{{"node_modules/a":{{"version":"1.0.0","bundleDependencies":["b","c"]}}{}{}}}}}"#,
        row("b"),
        row("c")
    );
    let left = Lockfile::read("package-lock.json", text.as_bytes()).unwrap().left_out;
    let lists: Vec<_> = left.iter().filter_map(|left| Some(&left.bundled.as_ref()?.listed)).collect();
    assert_eq!(**lists[0], ["b".to_owned(), "c".to_owned()]);
    assert!(std::sync::Arc::ptr_eq(lists[0], lists[1]));
}
