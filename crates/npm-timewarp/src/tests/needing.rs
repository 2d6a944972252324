//! A mirror whose times are those at which it first saw a version, and a package that needs what
//! came after the commit.

use super::*;

/// `compiler` has nightly builds of 5.9.0 up to July 2025; `tool` 3.2.0 needs that version, and the
/// mirror saw both early.
async fn mirror() -> Server {
    Server::start(|head, _| {
        let path = head.split(' ').nth(1).unwrap();
        let packument = |name: &str, versions: &[(&str, Value)], latest: &str| {
            let manifest = |(version, needs): &(&str, Value)| {
                let dist = json!({"tarball": format!("http://{}/{name}/-/{name}-{version}.tgz", "x"), "integrity": integrity(TARBALL)});
                ((*version).to_owned(), json!({"name": name, "version": version, "dist": dist, "dependencies": needs}))
            };
            let time = |(version, _): &(&str, Value)| ((*version).to_owned(), json!("2026-04-02T14:18:15.849000+00:00"));
            let times: serde_json::Map<String, Value> = versions.iter().map(time).collect();
            let versions: serde_json::Map<String, Value> = versions.iter().map(manifest).collect();
            let all = json!({"name": name, "dist-tags": {"latest": latest}, "versions": versions, "time": times}).to_string();
            answer(200, &[], all.as_bytes())
        };
        let nothing = || json!({});
        match path {
            "/compiler" => {
                let nightly = ["5.9.0-dev.20250711", "5.9.0-dev.20250712", "5.9.0-dev.20250713"].map(|version| (version, nothing()));
                let stable = ["5.8.3", "5.9.3"].map(|version| (version, nothing()));
                packument("compiler", &[nightly.as_slice(), stable.as_slice()].concat(), "5.9.3")
            }
            "/tool" => {
                let [older, newer] =
                    [("3.1.0", "^5.8.0"), ("3.2.0", "^5.9.3")].map(|(version, needs)| (version, json!({"compiler": needs})));
                packument("tool", &[older, newer], "3.2.0")
            }
            _ => answer(404, &[], b"{}"),
        }
    })
    .await
}

#[tokio::test]
async fn what_needs_a_later_version_is_hidden_whichever_is_asked_for_first() {
    let server = mirror().await;
    for first in ["/tool", "/compiler"] {
        let world = world(&server, |settings| {
            (settings.moment, settings.commit_time) = (None, Some("2025-03-11T16:35:40Z".parse().unwrap()));
            settings.named = ["compiler", "tool", "missing"].map(str::to_owned).into();
        });
        world.json(first).await;
        let (tool, compiler) = (world.json("/tool").await, world.json("/compiler").await);
        let versions = |of: &Value| of["versions"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!((versions(&compiler), versions(&tool)), (vec!["5.8.3".to_owned()], vec!["3.1.0".to_owned()]), "{first}");
        assert_eq!((&compiler["dist-tags"]["latest"], &tool["dist-tags"]["latest"]), (&json!("5.8.3"), &json!("3.1.0")), "{first}");
        assert_eq!(world.json("/tool/latest").await["version"], "3.1.0", "{first}");
    }
}

#[tokio::test]
async fn what_a_lockfile_names_and_what_no_commit_dates_stays() {
    let server = mirror().await;
    for (commit, keep) in [(None, None), (Some("2025-09-01T00:00:00Z"), None), (Some("2025-03-11T16:35:40Z"), Some("3.2.0"))] {
        let world = world(&server, |settings| {
            (settings.moment, settings.commit_time) = (None, commit.map(|time| time.parse().unwrap()));
            settings.named = ["compiler", "tool"].map(str::to_owned).into();
            settings.keep = keep.map(|version| ("tool".to_owned(), version.to_owned())).into_iter().collect();
        });
        assert!(world.json("/tool").await["versions"]["3.2.0"].is_object(), "{commit:?} {keep:?}");
    }
}
