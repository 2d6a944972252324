//! The registry stage, by table and against a registry of a few lines on loopback.

mod documents;
mod integrity;
mod picking;
mod resolving;
mod spooling;
#[path = "../../../http/src/test_support.rs"]
mod test_support;
mod versions;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use http::{Client, HttpConfig};
use npmrc::{Files, NpmConfig, Overrides, Surroundings};

use test_support::{FastClock, Server};

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &std::path::Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, _: &std::path::Path) -> bool {
        false
    }

    fn is_dir(&self, _: &std::path::Path) -> bool {
        false
    }
}

/// npm's configuration with a server as its registry, and a client that waits for nothing.
fn setup(server: &Server, settings: &[(&str, &str)]) -> (NpmConfig, Client) {
    let around = Surroundings { vars: BTreeMap::default(), cwd: PathBuf::from("/"), home: None, node: None, files: Arc::new(NoFiles) };
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let npm = NpmConfig::load(&around, &Overrides { registry: Some(server.url.to_string()), settings, ..Overrides::default() });
    let client = Client::new(HttpConfig { clock: Arc::new(FastClock::default()), ..HttpConfig::from_npm(&npm, "reproduce/test") });
    (npm, client)
}
