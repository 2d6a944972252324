//! The one address that a build can reach.

use std::net::{Ipv4Addr, TcpListener};

use super::error::SandboxError;
use super::tier::Tier;

/// The port in a network of the build's own. The same for every build, so that nothing that a build
/// writes down differs.
const PORT: u16 = 4873;

/// The way out, before there is a build to use it.
#[derive(Debug)]
pub struct Gate {
    /// The address as the build sees it, with a slash at the end.
    pub url: String,
    pub(super) port: u16,
    /// On the host's network, where the build has none of its own.
    pub(super) listener: Option<TcpListener>,
}

impl Gate {
    pub(super) fn open(tier: Tier) -> Result<Self, SandboxError> {
        let (port, listener) = if tier.has_mounts() {
            (PORT, None)
        } else {
            let doing = "listen for what a build asks";
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(SandboxError::io(doing))?;
            (listener.local_addr().map_err(SandboxError::io(doing))?.port(), Some(listener))
        };
        Ok(Self { url: format!("http://127.0.0.1:{port}/"), port, listener })
    }
}
