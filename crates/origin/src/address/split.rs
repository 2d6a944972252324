//! The parts of an address, however it is written. No rule about hosts is applied here.

use super::MAX_TEXT;
use super::clean::is_invisible;
use super::error::{AddressError, quoted};

/// What stands around an address in prose, and is not of it.
pub(super) const QUOTES: [char; 5] = ['<', '>', '"', '\'', '`'];

/// How an address says that it is to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Https,
    Http,
    Git,
    Ssh,
}

impl Scheme {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Git => "git",
            Self::Ssh => "ssh",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
            Self::Git => 9418,
            Self::Ssh => 22,
        }
    }
}

/// An address in parts, still as its author wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) scheme: Scheme,
    /// What stands before `@`, without a password. Azure DevOps keeps the organisation there.
    pub(super) user: Option<String>,
    /// Lower case, without a trailing dot; an internationalised name in its ASCII form.
    pub(super) host: String,
    /// Only where it is not the scheme's own.
    pub(super) port: Option<u16>,
    /// Without the leading slash; percent-encoded as written.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) fragment: Option<String>,
}

/// Hosts that have a prefix of their own, as `npm install` and hosted-git-info read them.
const SHORTHANDS: [(&str, &str); 6] = [
    ("github", "github.com"),
    ("gitlab", "gitlab.com"),
    ("bitbucket", "bitbucket.org"),
    ("gist", "gist.github.com"),
    ("sourcehut", "git.sr.ht"),
    ("codeberg", "codeberg.org"),
];

/// How many addresses may stand inside one another (`github:https://…`).
const MAX_NESTED: u8 = 3;

/// Takes an address apart.
pub(super) fn split(text: &str) -> Result<Parts, AddressError> {
    split_nested(text, MAX_NESTED)
}

fn split_nested(text: &str, depth: u8) -> Result<Parts, AddressError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(unreadable(text));
    };
    if text.len() > MAX_TEXT {
        return Err(AddressError::TooLong { length: text.len() });
    }
    let text = text.trim().trim_matches(QUOTES).trim();
    if text.chars().any(is_invisible) {
        return Err(AddressError::BadCharacter { text: address(text) });
    }
    // `C:\code` and `\\server` are paths; elsewhere a backslash makes readers disagree about where
    // the host ends.
    if text.contains('\\') {
        let path = text.starts_with(['\\', '.']) || text.get(1..3) == Some(":\\");
        let text = address(text);
        return Err(if path { AddressError::LocalPath { text } } else { AddressError::BadCharacter { text } });
    }
    if text.is_empty() {
        return Err(unreadable(text));
    }
    if text.contains(char::is_whitespace) {
        return among_words(text, depth);
    }
    let text = strip_prefix_ignore_case(text, "scm:").unwrap_or(text);
    let (prefix, rest) = match text.split_once(':') {
        Some((prefix, rest)) if is_scheme(prefix) => (prefix.to_ascii_lowercase(), rest),
        _ => return without_scheme(text),
    };
    if let Some(scheme) = git_scheme(&prefix) {
        let rest = rest.trim_start_matches('/');
        // `git:https://…`, `git+ssh:https://…`: what stands inside is the address.
        return match rest.split_once("://") {
            Some((inner, _)) if is_scheme(inner) => split_nested(rest, depth),
            _ if rest.is_empty() => Err(unreadable(text)),
            _ => authority_and_path(scheme, rest, text),
        };
    }
    if let Some((_, host)) = SHORTHANDS.iter().find(|(name, _)| *name == prefix) {
        // `github:https://github.com/o/r` and `github:github.com/o/r` are written too.
        if rest.contains("://") || rest.to_ascii_lowercase().starts_with(host) {
            return split_nested(rest, depth);
        }
        let rest = rest.trim_start_matches('/');
        return authority_and_path(Scheme::Https, &format!("{host}/{rest}"), text);
    }
    other_scheme(&prefix, rest, text)
}

/// An address as an error quotes it.
fn address(text: &str) -> String {
    quoted(&verdict::without_secrets(text))
}

pub(super) fn unreadable(text: &str) -> AddressError {
    AddressError::Unreadable { text: address(text) }
}

/// RFC 3986's `scheme`; a host name with a dot in it is not taken for one.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-'))
}

/// git's own schemes, with the prefixes and suffixes that npm and others put on them.
fn git_scheme(prefix: &str) -> Option<Scheme> {
    Some(match prefix {
        "https" | "git+https" | "https+git" | "git-https" => Scheme::Https,
        "http" | "git+http" | "http+git" => Scheme::Http,
        "git" | "git+git" => Scheme::Git,
        "ssh" | "git+ssh" | "ssh+git" => Scheme::Ssh,
        _ => return None,
    })
}

fn other_scheme(prefix: &str, rest: &str, text: &str) -> Result<Parts, AddressError> {
    if let Some(system) = other_system(prefix) {
        return Err(AddressError::NotGit { system });
    }
    let local = matches!(prefix, "file" | "git+file" | "link" | "portal" | "workspace") || prefix.len() == 1;
    if local {
        return Err(AddressError::LocalPath { text: address(text) });
    }
    // `TODO: add one` and the like have spaces and never come here; `git-host:path` is scp's form
    // with a bare host.
    if rest.is_empty() {
        return Err(unreadable(text));
    }
    Err(AddressError::SchemeRefused { scheme: prefix.to_owned() })
}

/// The version control system that a scheme, or the `type` of a repository object, names; `None`
/// for git and for anything unknown.
pub(super) fn other_system(name: &str) -> Option<&'static str> {
    let lower = name.trim().to_ascii_lowercase();
    let first = lower.split(['+', ':', '-']).next().unwrap_or_default();
    Some(match first {
        "svn" | "subversion" => "Subversion",
        "hg" | "mercurial" => "Mercurial",
        "bzr" | "bazaar" | "lp" => "Bazaar",
        "cvs" => "CVS",
        "fossil" => "Fossil",
        "darcs" => "Darcs",
        "perforce" | "p4" => "Perforce",
        "tfs" | "tfvc" => "Team Foundation Version Control",
        _ => return None,
    })
}

/// `git clone https://…`, `https://… (main repository)`: the one word that is an address with a
/// scheme or a well-known host.
fn among_words(text: &str, depth: u8) -> Result<Parts, AddressError> {
    const WORDS: usize = 12;
    let mut found = None;
    for word in text.split_whitespace().take(WORDS) {
        let is_address = word.contains("://") || word.starts_with("git@") || SHORTHANDS.iter().any(|(_, host)| word.contains(host));
        if is_address {
            if found.is_some() {
                return Err(unreadable(text));
            }
            found = Some(split_nested(word.trim_matches(|c| matches!(c, '(' | ')' | ',' | ';')), depth)?);
        }
    }
    found.ok_or_else(|| unreadable(text))
}

/// `git@host:path`, `host/path`, `owner/name`, `./path`.
fn without_scheme(text: &str) -> Result<Parts, AddressError> {
    if let Some(rest) = text.strip_prefix("//") {
        return authority_and_path(Scheme::Https, rest, text);
    }
    if text.starts_with(['.', '/', '~']) {
        return Err(AddressError::LocalPath { text: address(text) });
    }
    let head = text.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((user, _)) = head.split_once('@')
        && !user.is_empty()
    {
        return authority_and_path(Scheme::Ssh, text, text);
    }
    // `https//host/…`: a typing error that is common enough.
    for (typo, scheme) in [("https//", Scheme::Https), ("http//", Scheme::Http), ("git//", Scheme::Git)] {
        if let Some(rest) = strip_prefix_ignore_case(text, typo) {
            return authority_and_path(scheme, rest, text);
        }
    }
    if let Some((host, rest)) = head.split_once(':') {
        if rest.starts_with(':') {
            return Err(AddressError::SchemeRefused { scheme: host.to_ascii_lowercase() });
        }
        let port = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
        let scheme = if port { Scheme::Https } else { Scheme::Ssh };
        return if host.contains('.') { authority_and_path(scheme, text, text) } else { Err(unreadable(text)) };
    }
    if head.contains('.') && head != text {
        return authority_and_path(Scheme::Https, text, text);
    }
    shorthand(text)
}

/// `owner/name`, which npm reads as GitHub's.
fn shorthand(text: &str) -> Result<Parts, AddressError> {
    let plain = text.split(['#', '?']).next().unwrap_or_default();
    let mut segments = plain.trim_end_matches('/').split('/');
    let named = |part: Option<&str>| part.is_some_and(|part| !part.is_empty());
    let owner_and_name = named(segments.next()) && named(segments.next());
    if owner_and_name && matches!(segments.next(), None | Some("tree" | "blob")) {
        return authority_and_path(Scheme::Https, &format!("github.com/{text}"), text);
    }
    Err(unreadable(text))
}

/// Reads `[user@]host[:port][/path][?query][#fragment]`, and scp's `[user@]host:path`, whichever
/// scheme stands before it: `git+ssh://git@host:path` and `git://host:path` are written as often as
/// the right forms.
fn authority_and_path(scheme: Scheme, rest: &str, whole: &str) -> Result<Parts, AddressError> {
    let (rest, fragment) = cut(rest, '#');
    let (rest, query) = cut(rest, '?');
    let end = rest.find('/').unwrap_or(rest.len());
    let (mut authority, mut path) = rest.split_at(end);
    let mut user = None;
    if let Some((info, host)) = authority.rsplit_once('@') {
        user = info.split(':').next().filter(|name| !name.is_empty()).map(str::to_owned);
        authority = host;
    }
    let mut port = None;
    let joined;
    // An IPv6 address has colons of its own, inside brackets.
    let colon = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    if let Some(at) = authority.get(colon..).and_then(|tail| tail.find(':')).map(|at| at + colon) {
        let (host, tail) = authority.split_at(at);
        let tail = tail.trim_start_matches(':');
        if tail.bytes().all(|b| b.is_ascii_digit()) && !tail.is_empty() {
            port = Some(tail.parse::<u16>().map_err(|_| unreadable(whole))?);
        } else if !tail.is_empty() {
            joined = format!("{tail}{path}");
            path = &joined;
        }
        authority = host;
    }
    Ok(Parts {
        scheme,
        user,
        host: host_name(authority).ok_or_else(|| unreadable(whole))?,
        port: port.filter(|port| *port != scheme.default_port()),
        path: path.trim_start_matches('/').to_owned(),
        query,
        fragment,
    })
}

fn cut(text: &str, at: char) -> (&str, Option<String>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after.to_owned()).filter(|after| !after.is_empty())),
        None => (text, None),
    }
}

/// The host as every URL reader sees it: WHATWG's rules, which also unmask `0x7f.1` and other
/// spellings of an address.
fn host_name(text: &str) -> Option<String> {
    let host = url::Host::parse(text.strip_suffix('.').unwrap_or(text)).ok()?;
    let name = host.to_string();
    let in_use = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '[' | ']');
    (!name.starts_with(['-', '.']) && !name.ends_with('.') && !name.is_empty() && name.chars().all(in_use)).then_some(name)
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| text.get(prefix.len()..)).flatten()
}
