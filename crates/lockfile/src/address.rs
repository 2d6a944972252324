//! Addresses of lockfiles: what they are, and their hosts.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use url::Url;

use super::Reason;

/// Whether a text is the name of a tag and no range: clients read a range more loosely than its
/// grammar says (`>=1.0.0-`), and no digit begins a tag.
pub(crate) fn is_tag(text: &str) -> bool {
    let rest = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_version = text.trim_start_matches(['v', 'V', 'x', 'X']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(rest) && !is_version && !matches!(text, "x" | "X")
}

/// What an address is, if it is none of a registry's tarball: by its form alone.
pub(crate) fn kind(address: &str) -> Option<Reason> {
    let lower = |start: &str| address.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    if ["git+", "git:", "git@", "ssh:", "github:", "gitlab:", "bitbucket:", "gist:"].iter().any(|start| lower(start)) {
        return Some(Reason::Git);
    }
    if lower("workspace:") {
        return Some(Reason::Workspace);
    }
    if lower("link:") || lower("portal:") {
        return Some(Reason::Link);
    }
    if lower("file:") || lower("./") || lower("../") || lower("/") || lower("~/") {
        return Some(Reason::File);
    }
    if lower("jsr:") {
        return Some(Reason::OtherRegistry);
    }
    if lower("http:") || lower("https:") {
        return Some(if is_repository(address) { Reason::Git } else { Reason::Tarball });
    }
    // `owner/name`, a repository of the usual host.
    (!address.starts_with('@') && !address.starts_with("npm:") && address.contains('/')).then_some(Reason::Git)
}

/// Whether a path from the project's folder stays in it, and is none of where packages are put.
pub(crate) fn is_inside(path: &str) -> bool {
    let is_plain = |part: &str| part != ".." && !part.eq_ignore_ascii_case("node_modules") && !part.starts_with('~');
    !path.starts_with('/') && !path.contains(['\\', ':', '%', '\0']) && path.split('/').all(is_plain)
}

/// Whether a path is written in the one way in which a client writes it: `a/b`, and `..` at its
/// start alone.
pub(crate) fn is_normal(path: &str) -> bool {
    let below = {
        let mut below = path;
        while let Some(rest) = below.strip_prefix("../") {
            below = rest;
        }
        below
    };
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']);
    path.is_empty() || below == ".." || below.split('/').all(is_plain)
}

/// Whether an address over http is one of a repository, and not of a tarball.
fn is_repository(address: &str) -> bool {
    let path = address.split(['#', '?']).next().unwrap_or(address);
    ends_with(path, ".git") || address.contains("#commit=")
}

/// Whether a name or an address ends so, in small or capital letters.
pub(crate) fn ends_with(text: &str, end: &str) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// The host of an address over http, with its port if it has one.
pub(crate) fn host(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// Whether an address is one of http that reads the same for all: it is what a parser makes of it,
/// letter by letter.
pub(crate) fn is_plain(address: &str) -> bool {
    let same = Url::parse(address).ok().filter(|url| url.as_str() == address);
    same.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        && address.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether an address has a user, a query or a fragment, which are not kept.
pub(crate) fn has_more(address: &str) -> bool {
    let of = |url: Url| !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some();
    Url::parse(address).map_or(true, of)
}

/// A digest of an address that is not kept whole. It is another one in each run.
pub(crate) fn digest(address: &str) -> u64 {
    static OF_RUN: OnceLock<RandomState> = OnceLock::new();
    OF_RUN.get_or_init(RandomState::new).hash_one(address)
}

/// `name@rest`, the name with or without a scope.
pub(crate) fn split_name(text: &str) -> Option<(&str, &str)> {
    let scoped = usize::from(text.starts_with('@'));
    let at = text.get(scoped..)?.find('@')? + scoped;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The name of a package in the address under which a registry serves its tarball:
/// `<registry>/@s/a/-/a-1.0.0.tgz`.
pub(crate) fn name_in(address: &str) -> Option<String> {
    let (before, _) = address.split_once("/-/").filter(|_| host(address).is_some())?;
    let before = before.replace("%2f", "/").replace("%2F", "/").replace("%40", "@");
    let mut segments = before.rsplit('/');
    let base = segments.next()?;
    let name = match segments.next().filter(|scope| scope.starts_with('@')) {
        Some(scope) => format!("{scope}/{base}"),
        None => base.to_owned(),
    };
    npm_spec::PackageName::parse(&name).is_ok().then_some(name)
}

/// The hashes of an integrity text.
pub(crate) fn hashes(text: &str) -> Vec<String> {
    const MAX_HASHES: usize = 64;
    let hashes: Vec<String> = text.split_ascii_whitespace().take(MAX_HASHES + 1).map(str::to_owned).collect();
    // More than any client writes is no hash that is known.
    if hashes.len() > MAX_HASHES { vec!["too-many".to_owned()] } else { hashes }
}

/// A hash in hex as it stands in an integrity text; `None` if it is of no algorithm that counts
/// there.
pub(crate) fn from_hex(algorithm: &str, digits: &str) -> Option<String> {
    use base64::Engine;
    let name = match algorithm.replace('-', "").to_ascii_lowercase().as_str() {
        "sha1" => "sha1",
        "sha256" => "sha256",
        "sha384" => "sha384",
        "sha512" => "sha512",
        _ => return None,
    };
    Some(format!("{name}-{}", base64::engine::general_purpose::STANDARD.encode(hex::decode(digits.trim()).ok()?)))
}
