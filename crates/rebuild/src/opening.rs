//! Opening a repository, wherever its address leads: on this machine, or over https before anything
//! else.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use context::Context;
use git::exchange::HttpExchange;
use git::{GitError, Repository, local};
use http::Trust;
use origin::address::{self, Address};

/// Connects to the repository: over https first where a plain address was declared.
///
/// `identified`: who the user is is told to its host where it wants to know.
pub fn open(address: &Address, context: &Context, runtime: &Handle, identified: bool) -> Result<Repository, GitError> {
    if let Some(path) = address.on_this_machine() {
        let cache = context.folders.repository(&address.url);
        return local::open(path, &address.url, &cache, Arc::clone(&context.cancelled));
    }
    let mut tries: Vec<String> = address.https().into_iter().collect();
    tries.push(address.url.clone());
    let mut first_error = None;
    for url in tries {
        let (target, _) = context.git.rewrite(&url);
        let trust = if target.starts_with("http://") { Trust::StrangerPlain } else { Trust::Stranger };
        let proxy = context.git.proxy.as_deref().and_then(|proxy| url::Url::parse(proxy).ok());
        let credentials = identified.then(|| Arc::clone(&context.credentials));
        let exchange = HttpExchange::new(context.client.clone(), runtime.clone(), trust, proxy, context.cancel.clone());
        let exchange = Arc::new(exchange.identified_by(credentials));
        let cache: PathBuf = context.folders.repository(&url);
        match Repository::open(&target, &url, &cache, exchange, Arc::clone(&context.cancelled)) {
            Ok(repository) => return Ok(repository),
            Err(error @ (GitError::Cancelled | GitError::Cache { .. })) => return Err(error),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(GitError::AddressRefused { url: address.url.clone(), why: "there is no address to ask".into() }))
}

/// As [`open`], for an address that a repository's own `.gitmodules`, a recipe or a dependency
/// names: as nobody in particular.
pub fn open_by_url(url: &str, context: &Context, runtime: &Handle) -> Result<Repository, GitError> {
    match address::parse_with(url, &|url| context.leads_to(url)) {
        Ok(address) => open(&address, context, runtime, false),
        Err(error) => Err(GitError::AddressRefused { url: url.to_owned(), why: error.to_string() }),
    }
}
