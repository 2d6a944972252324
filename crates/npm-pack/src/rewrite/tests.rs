use super::workspace::Member;
use super::*;
use crate::era;

fn workspace() -> Workspace {
    let mut workspace = Workspace::new("1.0.39", "c0ffee", "packages/x");
    workspace.pnpm = true;
    for name in ["a", "b", "c"] {
        workspace.members.insert(name.into(), Member { version: Some("1.0.38".into()), directory: format!("packages/{name}") });
    }
    workspace.licenses = [("LICENSE", "l"), ("license.md", "m")].map(|(name, text)| (name.into(), text.into())).into();
    workspace
}

fn chosen(era: &str, manifest: &str, published: &str) -> Option<String> {
    let era = era::by_id(era).expect("an era");
    let all = candidates(era, manifest.as_bytes(), &workspace());
    choose(all, Some(published.as_bytes()), Seen::default()).filter(|one| one.manifest == published.as_bytes()).map(|one| one.name)
}

#[test]
fn npm_packs_the_file_as_it_is_and_that_is_its_likeliest() {
    let manifest = r#"{"version":"1.0.39"}"#;
    assert_eq!(chosen("npm-7-20", manifest, manifest).as_deref(), Some(AS_IS));
    let all = candidates(era::by_id("npm-7-20").expect("an era"), manifest.as_bytes(), &workspace());
    assert_eq!(all.first().map(|one| one.name.as_str()), Some(AS_IS));
}

#[test]
fn a_version_set_at_release_is_a_step_of_its_own() {
    let published = "{\n  \"name\": \"x\",\n  \"version\": \"1.0.39\",\n  \"scripts\": {}\n}";
    let manifest = "{\n  \"name\": \"x\",\n  \"scripts\": {\"prepack\": \"x\"},\n  \"version\": \"1.0.38\"\n}\n";
    assert_eq!(chosen("pnpm-7", manifest, published).as_deref(), Some("npm-version+pnpm-10-10"));
}

#[test]
fn packages_released_together_have_the_published_version() {
    let manifest = r#"{"version":"1.0.38","dependencies":{"a":"workspace:^"}}"#;
    let published = "{\n  \"version\": \"1.0.39\",\n  \"dependencies\": {\n    \"a\": \"^1.0.39\"\n  }\n}";
    assert_eq!(chosen("pnpm-7", manifest, published).as_deref(), Some("npm-version+released-together+pnpm-10-10"));
}

#[test]
fn the_order_that_was_left_to_chance_is_taken_from_the_published_file_and_named() {
    let manifest = r#"{"version":"1.0.39","dependencies":{"a":"workspace:*","b":"workspace:*","z":"1","c":"workspace:*"}}"#;
    let with = |order: [&str; 4]| {
        let lines = order.map(|name| format!("    \"{name}\": \"{}\"", if name == "z" { "1" } else { "1.0.38" }));
        format!("{{\n  \"version\": \"1.0.39\",\n  \"dependencies\": {{\n{}\n  }}\n}}", lines.join(",\n"))
    };
    let name = chosen("pnpm-7", manifest, &with(["z", "c", "a", "b"]));
    assert_eq!(name.as_deref(), Some("pnpm-10-10 dependencies=c,a,b"));
    // No release puts what needs no file behind what does.
    assert_eq!(chosen("pnpm-7", manifest, &with(["c", "z", "a", "b"])), None);
}

#[test]
fn an_order_that_could_hide_a_text_is_not_taken_from_the_published_file() {
    let ranges = |names: &[String], range: &str, separator: &str| {
        names.iter().map(|name| format!("\"{name}\":{separator}\"{range}\"")).collect::<Vec<_>>()
    };
    let chosen_of = |count: usize, fields: &[&str], is_turned: bool| {
        let names: Vec<String> = (0..count).map(|at| format!("n{at}")).collect();
        let turned: Vec<String> = if is_turned { names.iter().rev().cloned().collect() } else { names.clone() };
        let source = fields.iter().map(|field| format!(",\"{field}\":{{{}}}", ranges(&names, "workspace:a@*", "").join(",")));
        let manifest = format!("{{\"version\":\"1.0.39\"{}}}", source.collect::<String>());
        let lines = |field: &&str| format!(",\n  \"{field}\": {{\n    {}\n  }}", ranges(&turned, "npm:a@1.0.38", " ").join(",\n    "));
        let published = format!("{{\n  \"version\": \"1.0.39\"{}\n}}", fields.iter().map(lines).collect::<String>());
        chosen("pnpm-7", &manifest, &published)
    };
    let both = ["dependencies", "peerDependencies"];
    assert!(chosen_of(12, &both[..1], true).is_some() && chosen_of(6, &both, true).is_some());
    assert_eq!(chosen_of(13, &both[..1], true), None);
    assert_eq!(chosen_of(7, &both, true), None);
    // The order of the source says nothing that the source does not.
    assert!(chosen_of(40, &both, false).is_some());
}

#[test]
fn lerna_writes_the_commit() {
    let published = "{\n  \"version\": \"1.0.39\",\n  \"gitHead\": \"c0ffee\"\n}\n";
    assert_eq!(chosen("lerna-4", "{\n  \"version\": \"1.0.39\"\n}", published).as_deref(), Some("lerna"));
}

#[test]
fn licences_of_the_root_go_along_where_the_package_has_none() {
    let with = |licenses| Rewrite { licenses, ..Rewrite::as_is(b"{}") };
    let added = |licenses, listed: &[&str]| -> Vec<String> {
        let workspace = workspace();
        with(licenses).added(&workspace, listed).into_iter().map(|(name, _)| name.to_owned()).collect()
    };
    assert_eq!(added(Licenses::UnlessAnywhere, &["index.js"]), ["LICENSE"]);
    assert!(added(Licenses::UnlessAnywhere, &["src/license-check.js"]).is_empty());
    assert_eq!(added(Licenses::UnlessNamed, &["src/license-check.js"]), ["LICENSE"]);
    assert!(added(Licenses::UnlessNamed, &["src/license.txt"]).is_empty());
    assert_eq!(added(Licenses::UnlessInFolder, &["src/license.txt"]), ["LICENSE"]);
    assert!(added(Licenses::Never, &["index.js"]).is_empty());
}

#[test]
fn what_no_client_writes_is_not_found() {
    assert_eq!(chosen("npm-7-20", r#"{"version":"1.0.39"}"#, r#"{"version":"1.0.39","scripts":{"postinstall":"x"}}"#), None);
}

#[test]
fn a_manifest_that_is_no_json_is_packed_as_it_is() {
    let all = candidates(era::by_id("pnpm-7").expect("an era"), b"[", &workspace());
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), [AS_IS]);
}

#[test]
fn a_recipe_names_every_rewrite_and_gets_that_one() {
    let manifest =
        br#"{"version":"1.0.38","repository":"a/b","scripts":{"build":"clean-publish"},"clean-publish":{"cleanDocs":true,"cleanComments":true},"dependencies":{"a":"workspace:*","z":"1","c":"workspace:^"}}"#;
    for era in era::ALL {
        for one in variants(era, manifest, &workspace()) {
            let named = by_name(era, manifest, &workspace(), &one.name).expect("a rewrite with its own name");
            assert_eq!(
                (&named.manifest, &named.listed, named.licenses, &named.edits),
                (&one.manifest, &one.listed, one.licenses, &one.edits),
                "{} {}",
                era.id,
                one.name
            );
        }
    }
}

#[test]
fn an_order_that_was_left_to_chance_comes_back_from_the_name() {
    let era = era::by_id("pnpm-7").expect("an era");
    let manifest = br#"{"version":"1.0.39","dependencies":{"a":"workspace:*","z":"1","c":"workspace:*"}}"#;
    let named = |name| by_name(era, manifest, &workspace(), name);
    let found = named("pnpm-10-10 dependencies=c,a").expect("a rewrite");
    assert!(String::from_utf8_lossy(&found.manifest).contains("\"z\": \"1\",\n    \"c\": \"1.0.38\",\n    \"a\""));
    for other in
        ["pnpm-10-10 dependencies=c", "pnpm-10-10 dependencies=c,a,x", "pnpm-10-10 devDependencies=c,a", "pnpm-99", "", "pnpm-10-10 x"]
    {
        assert!(named(other).is_none(), "{other}");
    }
}

#[test]
fn nothing_more_is_made_once_the_run_is_over() {
    let over = verdict::patience::Patience::new(std::sync::Arc::default(), Some(std::time::Instant::now()));
    let manifest = br#"{"version":"1.0.39","dependencies":{"a":"workspace:*"}}"#;
    let all = over.during(|| candidates(era::by_id("pnpm-7").expect("an era"), manifest, &workspace()));
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), [AS_IS]);
}
