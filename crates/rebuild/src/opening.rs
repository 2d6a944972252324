//! Opening a repository, wherever its address leads: on this machine, or over https before anything
//! else.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;
use url::Url;

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
        let proxy = context.git.proxy.as_deref().and_then(|proxy| Url::parse(proxy).ok());
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

/// As [`open`], for an address that a recipe names: as nobody in particular.
pub fn open_by_url(url: &str, context: &Context, runtime: &Handle) -> Result<Repository, GitError> {
    match address::parse_with(url, &|url| context.leads_to(url)) {
        Ok(address) => open(&address, context, runtime, false),
        Err(error) => Err(GitError::AddressRefused { url: url.to_owned(), why: error.to_string() }),
    }
}

/// The address of the repository that is judged, of which the program has the text.
pub(crate) fn judged_address(url: &str, context: &Context) -> Option<Address> {
    match Url::parse(url).ok().filter(|url| url.scheme() == "file").and_then(|url| url.to_file_path().ok()) {
        Some(path) => Some(Address::here(&path)),
        None => address::parse_with(url, &|url| context.leads_to(url)).ok(),
    }
}

/// The hosts that may have any address where the judged source names them, for a submodule or a
/// dependency: those that the user allowed by name, and the one that the user's configuration leads
/// the judged repository itself to.
pub fn allowed_beside(own: Option<&Address>, context: &Context) -> Arc<AllowList> {
    let mut allowed = context.npm.network.named.clone();
    for target in own.into_iter().flat_map(|own| targets(own, context)).filter_map(|(_, target)| Url::parse(&target).ok()) {
        // Any other host of the judged repository is asked as a stranger's, and so it is here.
        if context.client.config().allowed.contains(&target) {
            allowed.add(&target);
        }
    }
    Arc::new(allowed)
}

/// The same for the judged repository at an address.
pub fn allowed_beside_url(url: &str, context: &Context) -> Arc<AllowList> {
    let own = judged_address(url, context).filter(|address| address.on_this_machine().is_none());
    allowed_beside(own.as_ref(), context)
}

/// As [`open_by_url`], for an address that a submodule or a dependency of the judged source names,
/// of which nobody but its author need know: wherever the user's configuration or the host leads,
/// no host has a private address but those in `allowed`.
pub fn open_beside(url: &str, context: &Context, runtime: &Handle, allowed: &Arc<AllowList>) -> Result<Repository, GitError> {
    let is_allowed = |url: &str| Url::parse(url).is_ok_and(|url| allowed.contains(&url));
    // What is rewritten is held against the list where it leads.
    match address::parse_with(url, &|url| context.git.rewrite(url).1 || is_allowed(url)) {
        Ok(address) => connect(&address, context, runtime, &Terms { allowed: Some(Arc::clone(allowed)), ..Terms::default() }),
        Err(error) => Err(GitError::AddressRefused { url: url.to_owned(), why: error.to_string() }),
    }
}
