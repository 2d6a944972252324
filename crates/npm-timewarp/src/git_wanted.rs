//! What a dependency on a git repository asks for: a repository, and a commit, a branch, a tag or a
//! range of versions in it.
//!
//! Strangers write these texts, in every form that a client has taken. Nothing is asked of a host
//! here: whoever fetches reads the address anew, and refuses what is none of a public host.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use npm_spec::PackageName;
use npm_spec::percent::strictly_decoded;

/// Longest text of a dependency that is read, in bytes.
const LONGEST: usize = 2048;

/// A commit, or the words for one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reference {
    /// A whole id.
    Commit(String),
    /// A branch, a tag, or the first digits of an id.
    Named(String),
    /// The highest tag of a range of versions.
    Range(String),
    /// What the host shows first.
    Default,
}

/// A dependency on a git repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GitWanted {
    /// What the dependency is called.
    pub name: String,
    /// The repository's address, as it was written, with the usual one of a host that has short
    /// forms.
    pub repository: String,
    /// Which commit.
    pub reference: Reference,
    /// The package's folder in it; empty for the root.
    pub directory: String,
}

impl GitWanted {
    /// Reads a dependency; `None` for one that is no repository, or asks for what is read by no
    /// client alone (yarn's `workspace=`).
    pub fn parse(name: &str, wanted: &str) -> Option<Self> {
        let wanted = wanted.trim();
        if wanted.len() > LONGEST || wanted.chars().any(char::is_control) || PackageName::parse(name).is_err() {
            return None;
        }
        let (address, fragment) = wanted.split_once('#').unwrap_or((wanted, ""));
        if let Some((repository, reference)) = archive(address) {
            let directory = fragment.strip_prefix("path:").unwrap_or_default();
            return Some(Self { name: name.to_owned(), repository, reference: reference_of(&reference)?, directory: folder(directory)? });
        }
        let mut found =
            Self { name: name.to_owned(), repository: repository(address)?, reference: Reference::Default, directory: String::new() };
        for part in fragment.split('&').flat_map(|part| part.split("::")).filter(|part| !part.is_empty()) {
            match part.split_once(['=', ':']) {
                Some(("path", path)) => found.directory = folder(path)?,
                Some(("semver", range)) => found.reference = Reference::Range(decoded(range)?),
                Some(("commit" | "head" | "tag", name)) => found.reference = reference_of(name)?,
                Some(("workspace" | "cwd", _)) => return None,
                _ => found.reference = reference_of(part)?,
            }
        }
        Some(found)
    }

    /// The same dependency at a commit, as the lockfile of pnpm has it.
    pub(super) fn at(name: &str, repository: &str, commit: &str, directory: &str) -> Option<Self> {
        let mut found = Self::parse(name, repository)?;
        found.reference = reference_of(commit)?;
        found.directory = folder(directory)?;
        Some(found)
    }

    /// A short name for all of it.
    pub(super) fn key(&self) -> String {
        let mut key = hex::encode(Sha256::digest(serde_json::json!(self).to_string()));
        key.truncate(20);
        key
    }

    /// Whether both are of one repository.
    pub(super) fn same_repository(&self, other: &Self) -> bool {
        let bare = |text: &str| {
            let text = text.rsplit_once("://").map_or(text, |(_, rest)| rest);
            let text = text.split_once('@').map_or(text, |(_, rest)| rest);
            text.trim_end_matches('/').trim_end_matches(".git").replace(':', "/").to_ascii_lowercase()
        };
        bare(&self.repository) == bare(&other.repository)
    }

    /// The host of the repository, for a line of text.
    pub(super) fn host(&self) -> &str {
        let rest = self.repository.split_once("://").map_or(self.repository.as_str(), |(_, rest)| rest);
        let host = rest.split(['/', ':']).next().unwrap_or(rest);
        host.rsplit('@').next().unwrap_or(host)
    }
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(strictly_decoded(text)?).ok().filter(|text| !text.chars().any(char::is_control))
}

fn reference_of(text: &str) -> Option<Reference> {
    let text = decoded(text)?;
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(match text.as_str() {
        "" => Reference::Default,
        id if is_id => Reference::Commit(id.to_ascii_lowercase()),
        name => match name.strip_prefix("semver:") {
            Some(range) => Reference::Range(range.to_owned()),
            None => Reference::Named(name.to_owned()),
        },
    })
}

/// A folder in a repository; `None` for one that leads out of it.
fn folder(text: &str) -> Option<String> {
    let text = decoded(text)?;
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let is_inside = !parts.contains(&"..") && !text.contains('\\');
    is_inside.then(|| parts.join("/"))
}

/// Hosts with the prefix of their short form.
const HOSTS: [(&str, &str); 5] = [
    ("github:", "github.com"),
    ("gitlab:", "gitlab.com"),
    ("bitbucket:", "bitbucket.org"),
    ("gist:", "gist.github.com"),
    ("sourcehut:", "git.sr.ht"),
];

/// A repository's address.
fn repository(text: &str) -> Option<String> {
    for (short, host) in HOSTS {
        if let Some(path) = text.strip_prefix(short) {
            return on_host(host, path);
        }
    }
    let address = text.strip_prefix("git+").unwrap_or(text);
    if let Some((scheme, rest)) = address.split_once("://") {
        let (place, path) = rest.split_once('/')?;
        let host = place.rsplit('@').next().unwrap_or(place);
        // `git+ssh://git@github.com:owner/name.git` is npm's own.
        let (host, path) = match host.split_once(':') {
            Some((host, owner)) if owner.parse::<u16>().is_err() => (host, format!("{owner}/{path}")),
            _ => (host, path.to_owned()),
        };
        if HOSTS.iter().any(|(_, known)| *known == host) {
            return on_host(host, &path);
        }
        // Any other address on the web is a file, as far as its words say.
        let is_git = matches!(scheme, "git" | "ssh") || address.len() < text.len() || path.strip_suffix(".git").is_some();
        return (is_git && matches!(scheme, "https" | "http" | "git" | "ssh")).then(|| address.to_owned());
    }
    if let Some((host, path)) = address.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
        return if HOSTS.iter().any(|(_, known)| *known == host) { on_host(host, path) } else { Some(format!("ssh://git@{host}/{path}")) };
    }
    on_host("github.com", address)
}

/// The address of `owner/name` on one of the hosts; a gist has no owner.
fn on_host(host: &str, path: &str) -> Option<String> {
    let path = path.split('?').next().unwrap_or(path).trim_matches('/').trim_end_matches(".git");
    // A token in a short form is nobody's business.
    let path = path.rsplit_once('@').map_or(path, |(_, path)| path);
    let parts: Vec<&str> = path.split('/').collect();
    let is_part = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    let depth = match host {
        "gist.github.com" => 1..=2,
        "gitlab.com" => 2..=20,
        _ => 2..=2,
    };
    let is_place = depth.contains(&parts.len()) && parts.iter().all(is_part) && !parts.contains(&"..");
    is_place.then(|| format!("https://{host}/{path}"))
}

/// The repository and the reference of an archive that a code host makes of a commit.
fn archive(address: &str) -> Option<(String, String)> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<&str> = path.split('/').collect();
    let without_ending =
        |text: String| [".tar.gz", ".tgz", ".zip"].iter().find_map(|end| text.strip_suffix(end).map(str::to_owned)).unwrap_or(text);
    let asked = || query.split('&').find_map(|part| part.strip_prefix("ref=").or_else(|| part.strip_prefix("sha="))).map(str::to_owned);
    let (host, repository, reference) = match (host, parts.as_slice()) {
        ("github.com", [owner, name, "archive", reference @ ..]) => {
            ("github.com", format!("{owner}/{name}"), without_ending(reference.join("/")))
        }
        ("codeload.github.com", [owner, name, "tar.gz" | "legacy.tar.gz", reference @ ..])
        | ("github.com", [owner, name, "tarball", reference @ ..])
        | ("api.github.com", ["repos", owner, name, "tarball", reference @ ..]) => {
            ("github.com", format!("{owner}/{name}"), reference.join("/"))
        }
        ("gitlab.com", ["api", "v4", "projects", project, "repository", "archive.tar.gz"]) => ("gitlab.com", decoded(project)?, asked()?),
        ("gitlab.com", [group @ .., "-", "archive", reference, _]) => ("gitlab.com", group.join("/"), (*reference).to_owned()),
        ("gitlab.com", [group @ .., "repository", "archive.tar.gz"]) => ("gitlab.com", group.join("/"), asked()?),
        ("bitbucket.org", [owner, name, "get", reference @ ..]) => {
            ("bitbucket.org", format!("{owner}/{name}"), without_ending(reference.join("/")))
        }
        _ => return None,
    };
    let reference = ["refs/heads/", "refs/tags/"].iter().find_map(|start| reference.strip_prefix(start)).unwrap_or(&reference).to_owned();
    Some((on_host(host, &repository)?, reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn read(text: &str) -> Option<(String, Reference, String)> {
        GitWanted::parse("a", text).map(|wanted| (wanted.repository, wanted.reference, wanted.directory))
    }

    #[test]
    fn every_form_of_a_repository_is_one_address() {
        let commit = Reference::Commit(COMMIT.to_owned());
        for text in [
            format!("o/n#{COMMIT}"),
            format!("github:o/n#{COMMIT}"),
            format!("git+ssh://git@github.com/o/n.git#{COMMIT}"),
            format!("git+ssh://git@github.com:o/n.git#{COMMIT}"),
            format!("git+https://github.com/o/n.git#{COMMIT}"),
            format!("git+https://token:x@github.com/o/n.git#{COMMIT}"),
            format!("git@github.com:o/n.git#{COMMIT}"),
            format!("git://github.com/o/n#{}", COMMIT.to_ascii_uppercase()),
            format!("https://github.com/o/n.git#commit={COMMIT}"),
            format!("https://codeload.github.com/o/n/tar.gz/{COMMIT}"),
            format!("https://github.com/o/n/archive/{COMMIT}.tar.gz"),
            format!("https://api.github.com/repos/o/n/tarball/{COMMIT}"),
        ] {
            assert_eq!(read(&text), Some(("https://github.com/o/n".to_owned(), commit.clone(), String::new())), "{text}");
        }
        for (text, address) in [
            (format!("gitlab:g/s/n#{COMMIT}"), "https://gitlab.com/g/s/n"),
            (format!("https://gitlab.com/api/v4/projects/g%2Fn/repository/archive.tar.gz?ref={COMMIT}"), "https://gitlab.com/g/n"),
            (format!("https://gitlab.com/g/n/-/archive/{COMMIT}/n-{COMMIT}.tar.gz"), "https://gitlab.com/g/n"),
            (format!("https://bitbucket.org/o/n/get/{COMMIT}.tar.gz"), "https://bitbucket.org/o/n"),
            (format!("bitbucket:o/n#{COMMIT}"), "https://bitbucket.org/o/n"),
            (format!("git+https://host.example/n.git#{COMMIT}"), "https://host.example/n.git"),
            (format!("git@host.example:o/n.git#{COMMIT}"), "ssh://git@host.example/o/n.git"),
        ] {
            assert_eq!(read(&text), Some((address.to_owned(), commit.clone(), String::new())), "{text}");
        }
    }

    #[test]
    fn references_are_commits_names_ranges_or_none() {
        let of = |text: &str| read(text).map(|(_, reference, directory)| (reference, directory));
        assert_eq!(of("o/n"), Some((Reference::Default, String::new())));
        assert_eq!(of("o/n#v1"), Some((Reference::Named("v1".into()), String::new())));
        assert_eq!(of("o/n#feat/x"), Some((Reference::Named("feat/x".into()), String::new())));
        assert_eq!(of("o/n#semver:^1.0.0"), Some((Reference::Range("^1.0.0".into()), String::new())));
        assert_eq!(of("o/n#semver:%5E1"), Some((Reference::Range("^1".into()), String::new())));
        assert_eq!(of("o/n#main&path:/packages/a"), Some((Reference::Named("main".into()), "packages/a".into())));
        assert_eq!(of("https://codeload.github.com/o/n/tar.gz/refs/heads/main"), Some((Reference::Named("main".into()), String::new())));
        assert_eq!(
            of(&format!("https://codeload.github.com/o/n/tar.gz/{COMMIT}#path:/p/a")),
            Some((Reference::Commit(COMMIT.into()), "p/a".into()))
        );
    }

    #[test]
    fn what_is_no_repository_or_leads_out_of_it_is_none() {
        for text in [
            "https://pkg.pr.new/o/n@1",
            "https://raw.githubusercontent.com/o/n/main/a.tgz",
            "https://github.com/o/n/releases/download/v1/a.tgz",
            "o/n#main&path:/../x",
            "o/n#workspace=x",
            "o/n#a%0ab",
            "o/n#%zz",
            "../o/n",
            "o/../n",
            "file:x",
            "^1.0.0",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(GitWanted::parse("../a", "o/n"), None);
        assert_eq!(read(&format!("o/n#{}", "x".repeat(3000))), None);
    }

    #[test]
    fn one_repository_has_many_spellings() {
        let of = |text: &str| GitWanted::parse("a", text).unwrap();
        assert!(of("git+ssh://git@host.example/O/n.git").same_repository(&of("git+https://host.example/o/n#v1")));
        assert!(!of("o/n").same_repository(&of("o/m")));
        assert_eq!((of("o/n").host(), of("git+ssh://git@host.example:22/o/n").host()), ("github.com", "host.example"));
        assert_eq!(of("o/n#v1").key(), of("github:o/n#v1").key());
        assert_ne!(of("o/n#v1").key(), of("o/n#v2").key());
    }
}
