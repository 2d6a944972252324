//! Signing of statements, over the network that the user's configuration allows.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use verdict::Failed;

use super::setup::Setup;
use super::{Stop, boxed, until_stopped};
use crate::options::Options;
use signing::Keyless;

/// Signs statements with the identity that CI offers; each request has an end of its own, whatever
/// was left of the package's time.
pub(crate) async fn sign(
    keyless: &Keyless,
    statements: &[String],
    options: &Options,
    cancelled: &Arc<AtomicBool>,
) -> Result<Vec<String>, Failed> {
    let stop = Stop::default();
    // The token of CI signs for the whole workflow: a proxy or a certificate that the folder names,
    // which may be a stranger's, is not asked to carry it. The user's own configuration counts.
    let apart = std::env::home_dir().filter(|home| home.is_absolute()).unwrap_or_else(|| PathBuf::from(std::path::MAIN_SEPARATOR_STR));
    let options = Options { timeout: Some(0.0), cwd: Some(apart), ..options.clone() };
    let run = Box::pin(async {
        let mut setup = Setup::read(&options)?;
        for address in keyless.addresses() {
            setup.npm.network.allowed.add(address);
        }
        keyless.sign(statements, &setup.client(), &stop.requests).await.map_err(boxed)
    });
    until_stopped(run, &stop, &options, cancelled).await
}
