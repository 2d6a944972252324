//! Opening a repository, wherever its address leads: on this machine, or over https before anything
//! else.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use context::Context;
use git::credentials::Credentials;
use git::exchange::HttpExchange;
use git::{GitError, Repository, local};
use http::Trust;
use npmrc::AllowList;
use origin::address::{self, Address};

/// What a connection to a repository's host may say and where it may lead.
#[derive(Default)]
struct Terms {
    /// Who the user is, where the host wants to know.
    credentials: Option<Arc<Credentials>>,
    /// The hosts that may have any address; all that the user's configuration leads to where there
    /// are none.
    allowed: Option<Arc<AllowList>>,
}

/// Connects to the repository: over https first where a plain address was declared.
///
/// `identified`: who the user is is told to its host where it wants to know.
pub fn open(address: &Address, context: &Context, runtime: &Handle, identified: bool) -> Result<Repository, GitError> {
    let credentials = identified.then(|| Arc::clone(&context.credentials));
    connect(address, context, runtime, &Terms { credentials, ..Terms::default() })
}

/// The addresses to ask for a repository, each with the one that the user's configuration leads to
/// from it.
pub(crate) fn targets(address: &Address, context: &Context) -> Vec<(String, String)> {
    let tries = address.https().into_iter().chain([address.url.clone()]);
    tries.map(|url| (url.clone(), context.git.rewrite(&url).0)).collect()
}

fn connect(address: &Address, context: &Context, runtime: &Handle, terms: &Terms) -> Result<Repository, GitError> {
    if let Some(path) = address.on_this_machine() {
        let cache = context.folders.repository(&address.url);
        return local::open(path, &address.url, &cache, Arc::clone(&context.cancelled));
    }
    let mut first_error = None;
    for (url, target) in targets(address, context) {
        let trust = if target.starts_with("http://") { Trust::StrangerPlain } else { Trust::Stranger };
        let proxy = context.git.proxy.as_deref().and_then(|proxy| url::Url::parse(proxy).ok());
        let exchange = HttpExchange::new(context.client.clone(), runtime.clone(), trust, proxy, context.cancel.clone());
        let exchange = Arc::new(exchange.identified_by(terms.credentials.clone()).within(terms.allowed.clone()));
        let cache: PathBuf = context.folders.repository(&url);
        match Repository::open(&target, &url, &cache, exchange, Arc::clone(&context.cancelled)) {
            Ok(repository) => return Ok(repository),
            Err(error @ (GitError::Cancelled | GitError::Cache { .. })) => return Err(error),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(GitError::AddressRefused { url: address.url.clone(), why: "there is no address to ask".into() }))
}

/// As [`open`], for an address that a repository's own `.gitmodules` or a recipe names: as nobody
/// in particular.
pub fn open_by_url(url: &str, context: &Context, runtime: &Handle) -> Result<Repository, GitError> {
    match address::parse_with(url, &|url| context.leads_to(url)) {
        Ok(address) => open(&address, context, runtime, false),
        Err(error) => Err(GitError::AddressRefused { url: url.to_owned(), why: error.to_string() }),
    }
}

/// As [`open_by_url`], for an address that a dependency names, of which nobody but its author need
/// know: wherever the user's configuration or the host leads, no host has a private address but
/// those in `allowed`.
pub(crate) fn open_dependency(url: &str, context: &Context, runtime: &Handle, allowed: &Arc<AllowList>) -> Result<Repository, GitError> {
    let is_allowed = |url: &str| url::Url::parse(url).is_ok_and(|url| allowed.contains(&url));
    // What is rewritten is held against the list where it leads.
    match address::parse_with(url, &|url| context.git.rewrite(url).1 || is_allowed(url)) {
        Ok(address) => connect(&address, context, runtime, &Terms { allowed: Some(Arc::clone(allowed)), ..Terms::default() }),
        Err(error) => Err(GitError::AddressRefused { url: url.to_owned(), why: error.to_string() }),
    }
}
