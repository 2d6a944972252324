//! The keys of pnpm's lockfile, which have names, versions, addresses and peers.

use super::Resolution;
use crate::address;

/// A key without its peers.
pub(super) fn base(key: &str) -> &str {
    key.split_once('(').map_or(key, |(key, _)| key)
}

/// Of a key whose version is an address, that.
pub(super) fn address_of(key: &str) -> Option<&str> {
    let (_, reference) = address::split_name(base(key).trim_start_matches('/'))?;
    (reference.contains(':')).then_some(reference)
}

pub(super) fn is_of_commit(resolution: &Resolution) -> bool {
    let id = resolution.tarball.as_deref().and_then(|address| address.split_once("/tar.gz/")).map(|(_, id)| id);
    resolution.git_hosted || id.is_some_and(|id| id.len() >= 4 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The name and version of a key; `None` if the version is none.
pub(super) fn version(key: &str) -> Option<(String, String)> {
    let key = base(key);
    let below = key.strip_prefix('/');
    let path = below.unwrap_or(key);
    let name_has_at = {
        let mut segments = path.split('/');
        let first = segments.next()?;
        if first.starts_with('@') { segments.next()?.contains('@') } else { first.contains('@') }
    };
    let (name, version) = if name_has_at {
        let (name, version) = address::split_name(path)?;
        (name.to_owned(), version)
    } else {
        let mut segments = path.split('/');
        if below.is_none() {
            // The registry's host, where it is another one than the default.
            segments.next()?;
        }
        let first = segments.next()?;
        let name = if first.starts_with('@') { format!("{first}/{}", segments.next()?) } else { first.to_owned() };
        let version = segments.next()?;
        (name, version.split_once('_').map_or(version, |(version, _)| version))
    };
    Some((name, npm_spec::version::clean(version)?))
}
