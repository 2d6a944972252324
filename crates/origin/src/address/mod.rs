//! Where a package says that its source is.
//!
//! In: the `repository`, `homepage` and `bugs` of a manifest, in every form that has been
//! published. Out: one [`Address`] that can be fetched, or the reason why there is none. Strangers
//! write these fields: an address is taken apart and put together anew from the checked parts,
//! never passed on as it stands, so that no later reader can see another host in it.

mod azure;
mod clean;
mod error;
mod hosts;
mod manifest;
mod split;
#[cfg(test)]
mod tests;

pub use clean::directory;
pub use error::AddressError;
pub use hosts::{Kind, is_public};
pub use manifest::{Declared, DeclaredIn, declared, declared_with, from_bugs, from_homepage};

use hosts::without_git;
use split::{Parts, Scheme};

/// Longest address that is read, in bytes: browsers and servers stop at about this length.
pub const MAX_TEXT: usize = 2048;

/// A repository that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Address {
    /// What to fetch from: https where the host is known to serve it, else with the declared
    /// scheme.
    pub url: String,
    /// The host, lower case and under its usual name.
    pub host: String,
    /// The port, where it is not the scheme's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The repository's path on the host, without a leading slash; without `.git` where the host's
    /// kind is known.
    pub path: String,
    /// The package's folder in the repository, if the address or the manifest names one: relative,
    /// no `..`.
    pub directory: Option<String>,
    /// A branch, tag or commit that the address names.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The make of the host.
    pub kind: Kind,
}

impl Address {
    /// A source on this machine, which only the user can name: no text of a stranger's is read as
    /// one. `path` is absolute.
    pub fn here(path: &std::path::Path) -> Self {
        let shown = path.display().to_string();
        let url = url::Url::from_file_path(path).map_or_else(|()| format!("file:{shown}"), String::from);
        Self { url, host: String::new(), port: None, path: shown, directory: None, reference: None, kind: Kind::Other }
    }

    /// The path, where it is on this machine.
    pub fn on_this_machine(&self) -> Option<&std::path::Path> {
        self.host.is_empty().then(|| std::path::Path::new(&self.path))
    }

    /// The same repository over https, to be tried before a declared `http:` or `git:` address.
    /// `None` where [`Self::url`] is https already, or where a port of its own was declared.
    pub fn https(&self) -> Option<String> {
        let (scheme, rest) = self.url.split_once("://")?;
        (matches!(scheme, "http" | "git") && self.port.is_none()).then(|| format!("https://{rest}"))
    }
}

/// Reads one address.
pub fn parse(text: &str) -> Result<Address, AddressError> {
    parse_with(text, &|_| false)
}

/// Reads one address; `led_to` tells whether the user's own configuration leads somewhere from it
/// (git's `insteadOf`, an allow-list). Such an address may use ssh or a private host: it is what
/// the configuration's author means. It is asked with the address as declared and with the one that
/// [`Address::url`] would be.
pub fn parse_with(text: &str, led_to: &dyn Fn(&str) -> bool) -> Result<Address, AddressError> {
    let parts = split::split(text)?;
    let host = hosts::identify(&parts.host);
    if let Some(system) = hosts::other_system(&parts.host) {
        return Err(AddressError::NotGit { system });
    }
    // npm's own pages of a package are often given for its repository.
    if matches!(parts.host.as_str(), "npmjs.com" | "www.npmjs.com" | "npmjs.org" | "www.npmjs.org" | "registry.npmjs.org") {
        return Err(split::unreadable(text));
    }
    let mut place = hosts::place(host.kind, &parts).ok_or_else(|| split::unreadable(text))?;
    if place.path.rsplit('/').next().is_some_and(|name| name.is_empty() || name.ends_with(split::QUOTES)) {
        return Err(split::unreadable(text));
    }
    let port = parts.port.filter(|_| !host.https);
    let scheme = if host.https { Scheme::Https } else { parts.scheme };
    let url = join(scheme, &host.name, port, host.kind, &place.path).ok_or_else(|| split::unreadable(text))?;
    if host.kind == Kind::Other {
        // As the URL has it: percent-encoded in one way.
        without_git(url.path().trim_start_matches('/')).clone_into(&mut place.path);
    }
    let url = url.to_string();
    if !host.https && (hosts::is_private(&parts.host) || scheme == Scheme::Ssh) {
        let written = text.trim().split('#').next().unwrap_or_default();
        let written = written.strip_prefix("git+").unwrap_or(written);
        if !led_to(&url) {
            if !led_to(written) {
                return Err(refused(&parts));
            }
            return Ok(finish(written.to_owned(), host, port, place, &parts));
        }
    }
    Ok(finish(url, host, port, place, &parts))
}

fn refused(parts: &Parts) -> AddressError {
    let host = parts.host.clone();
    if hosts::is_private(&host) { AddressError::HostRefused { host } } else { AddressError::SshRefused { host } }
}

fn finish(url: String, host: hosts::Host, port: Option<u16>, place: hosts::Place, parts: &Parts) -> Address {
    let fragment = parts.fragment.as_deref().map(committish).unwrap_or_default();
    let cleaned = |text: Option<String>| text.and_then(|text| clean::directory(&text).ok().flatten());
    Address {
        url,
        host: host.name,
        port,
        path: place.path,
        directory: cleaned(fragment.directory).or_else(|| cleaned(place.directory)),
        reference: fragment.reference.or(place.reference),
        kind: host.kind,
    }
}

/// Puts the checked parts together, and makes sure that they read back as what was meant.
fn join(scheme: Scheme, host: &str, port: Option<u16>, kind: Kind, path: &str) -> Option<url::Url> {
    // GitLab answers the name without `.git` with a redirect; the others serve it, and unknown
    // hosts get what was declared.
    let suffix = if kind == Kind::GitLab { ".git" } else { "" };
    let port_text = port.map(|port| format!(":{port}")).unwrap_or_default();
    let written = format!("{}://{host}{port_text}/{path}{suffix}", scheme.as_str());
    let url = url::Url::parse(&written).ok()?;
    let same = url.host_str() == Some(host)
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    same.then_some(url)
}

#[derive(Default)]
struct Committish {
    reference: Option<String>,
    directory: Option<String>,
}

/// What stands behind `#`: npm's `<ref>` and `semver:<range>`, pnpm's `<ref>&path:<dir>`, yarn's
/// `commit=`, `tag=`, `head=`.
fn committish(fragment: &str) -> Committish {
    let mut found = Committish::default();
    for piece in fragment.split('&') {
        if let Some(path) = piece.strip_prefix("path:") {
            found.directory = Some(clean::percent_decoded(path));
        } else if let Some((key, value)) = piece.split_once('=') {
            if matches!(key, "commit" | "tag" | "head") {
                found.reference = clean::reference(value);
            }
        // A range is not a reference; `#readme` is the anchor that hosts put on their pages.
        } else if !piece.starts_with("semver:") && !piece.to_ascii_lowercase().starts_with("readme") {
            found.reference = clean::reference(piece);
        }
    }
    found
}

/// Whether two addresses name one repository: case counts only where the host minds it, `.git` and
/// `www.` never do, and neither does how the repository is reached.
pub fn same_repository(a: &Address, b: &Address) -> bool {
    let host = |address: &Address| address.host.strip_prefix("www.").unwrap_or(&address.host).to_owned();
    let path = |address: &Address| {
        let path = without_git(address.path.trim_end_matches('/'));
        if address.kind.ignores_case() { path.to_ascii_lowercase() } else { path.to_owned() }
    };
    host(a) == host(b) && a.port == b.port && path(a) == path(b)
}

/// Whether two addresses of one repository have the same letters in its path; `.git` and how it is
/// reached do not count.
pub fn same_spelling(a: &Address, b: &Address) -> bool {
    let path = |address: &Address| without_git(address.path.trim_end_matches('/')).to_owned();
    same_repository(a, b) && path(a) == path(b)
}
