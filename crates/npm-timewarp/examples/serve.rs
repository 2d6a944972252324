//! Serves the registry as it stood at a moment, on loopback: `serve <RFC 3339 time> [port]`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use http::{Cancel, Client, HttpConfig};
use npm_timewarp::{Peers, Settings, Timewarp};
use npmrc::{AllowList, NpmConfig, Overrides, Surroundings};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let moment = words.first().ok_or("usage: serve <RFC 3339 time> [port]")?.parse()?;
    let port: u16 = words.get(1).map_or(Ok(4873), |port| port.parse())?;

    let npm = NpmConfig::load(&Surroundings::of_process(None), &Overrides::default());
    let folder = tempfile::tempdir()?;
    let settings = Settings {
        client: Client::new(HttpConfig::from_npm(&npm, "npm-timewarp")),
        npm,
        moment: Some(moment),
        commit_time: None,
        published: None,
        tags: BTreeSet::new(),
        keep: BTreeSet::new(),
        named: BTreeSet::new(),
        judged: None,
        is_registered: false,
        judged_bytes: None,
        manifests_on_disk: false,
        tarballs: folder.path().join("tarballs"),
        packuments: Some(folder.path().join("packuments")),
        repositories: None,
        hosts: AllowList::default(),
        cancel: Cancel::default(),
    };
    std::fs::create_dir_all(&settings.tarballs)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let base = format!("http://127.0.0.1:{port}/");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    // No project is named, so that nothing is served by the user's credentials: what anybody gets
    // here is public.
    let _serving = Timewarp::new(settings, runtime.handle().clone()).serve(listener, &base, Peers::Anybody)?;
    println!("{base} shows the registry as of {moment}");
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}
