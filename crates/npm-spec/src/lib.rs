//! What the user typed, understood as npm understands it.
//!
//! In: one command-line word. Out: a [`Spec`]: a package in a registry, a tarball's address, or a
//! tarball on disk. The rules are those of npm-package-arg 13 (npm 11), so that a word means here
//! what it means to `npm install`; a purl is understood in addition. Nothing is read from disk or
//! network: the same word always gives the same spec.

mod error;
pub mod manifest;
mod name;
pub mod path;
pub mod percent;
mod purl;
mod shown;
#[cfg(test)]
mod tests;
pub mod tool;
pub mod version;
pub mod yaml;

use std::path::{Path, PathBuf};

use url::Url;

pub use error::SpecError;
pub use name::PackageName;
pub use shown::{shown, shown_word};

/// Longest word that is looked at, in bytes. No registry spec comes near; addresses with signatures
/// fit.
const MAX_LENGTH: usize = 4096;

/// What the user asked for: the word, and what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    raw: String,
    target: Target,
}

/// What a spec names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A package in a registry.
    Registry {
        /// The package's own name; for an alias, the name it stands for.
        name: PackageName,
        /// Which version of it.
        wanted: Wanted,
        /// The registry that a purl's `repository_url` names. It comes with the word, often from
        /// somebody's SBOM, so it is treated as a stranger's address unless the user's
        /// configuration knows the host.
        registry: Option<Url>,
        /// What the tarball hashes to by the word of a purl's `checksum`.
        checksums: Vec<Checksum>,
    },
    /// A tarball at an http or https address.
    Tarball(Url),
    /// A tarball on disk, as typed (a leading `~/` is not expanded: see [`Spec::file_in`]).
    File(PathBuf),
}

/// A hash of a tarball, as a purl states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// `sha1`, `sha256` or `sha512`.
    pub algorithm: &'static str,
    /// The hash, in lower case hex of the algorithm's length.
    pub hex: String,
}

/// Which version of a package is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing was said: `latest`, or what npm takes when that will not do.
    Default,
    /// One exact version, in its clean form (`v1.2.3` is `1.2.3`).
    Version(String),
    /// The best version in a range.
    Range(String),
    /// A dist-tag.
    Tag(String),
}

impl Wanted {
    /// Reads what stands behind the `@` of `name@…`.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        if text.is_empty() || text == "*" {
            return Ok(Self::Default);
        }
        if let Some(version) = version::clean(text) {
            return Ok(Self::Version(version));
        }
        // No range has a colon, though the parser passes over parts that it cannot read:
        // `https: ||`.
        if !text.contains(':') && version::VersionRange::parse(text).is_some() {
            return Ok(Self::Range(text.to_owned()));
        }
        // As a part of an address, one or two dots would name another document of the registry.
        if text.bytes().all(name::is_uri_component) && !matches!(text, "." | "..") {
            return Ok(Self::Tag(text.to_owned()));
        }
        Err(SpecError::Wanted(text.to_owned()))
    }

    /// What npm's client would call the wanted version: `*`, a version, a range or a tag.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Default => "*",
            Self::Version(text) | Self::Range(text) | Self::Tag(text) => text,
        }
    }
}

impl Spec {
    /// Reads one word.
    pub fn parse(word: &str) -> Result<Self, SpecError> {
        let text = word.trim();
        if text.is_empty() {
            return Err(SpecError::Empty);
        }
        if text.len() > MAX_LENGTH {
            return Err(SpecError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(SpecError::ControlCharacter);
        }
        let target = parse_target(text, true).map_err(SpecError::without_secrets)?;
        Ok(Self { raw: text.to_owned(), target })
    }

    /// The spec of one exact version, as the program itself asks for one.
    pub fn exact(name: PackageName, version: &str) -> Result<Self, SpecError> {
        let Some(clean) = version::clean(version) else { return Err(SpecError::Wanted(version.to_owned())) };
        Ok(Self {
            raw: format!("{name}@{clean}"),
            target: Target::Registry { name, wanted: Wanted::Version(clean), registry: None, checksums: Vec::new() },
        })
    }

    /// The word as typed, without the blanks around it.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// What it names.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What the tarball must hash to, where the word says so.
    pub fn checksums(&self) -> &[Checksum] {
        match &self.target {
            Target::Registry { checksums, .. } => checksums,
            Target::Tarball(_) | Target::File(_) => &[],
        }
    }

    /// The spec in its shortest plain form: `name`, `name@wanted`, the address without its query,
    /// or the path.
    pub fn display(&self) -> String {
        match &self.target {
            Target::Registry { name, wanted: Wanted::Default, .. } => name.to_string(),
            Target::Registry { name, wanted, .. } => format!("{name}@{}", wanted.as_str()),
            Target::Tarball(url) => {
                let mut shown = url.clone();
                shown.set_query(None);
                shown.set_fragment(None);
                shown.into()
            }
            Target::File(path) => path.display().to_string(),
        }
    }

    /// The path of a tarball on disk: `~/` is the home directory, and anything relative starts at
    /// `cwd`.
    pub fn file_in(&self, cwd: &Path, home: Option<&Path>) -> Option<PathBuf> {
        let Target::File(path) = &self.target else { return None };
        match (path.strip_prefix("~"), home) {
            (Ok(rest), Some(home)) => Some(home.join(rest)),
            _ => Some(cwd.join(path)),
        }
    }
}

fn parse_target(text: &str, alias_allowed: bool) -> Result<Target, SpecError> {
    if starts_with_ignoring_case(text, "pkg:") {
        return purl::parse(text);
    }
    if has_scheme(text) {
        return parse_with_scheme(text, alias_allowed);
    }
    if is_file_path(text) {
        return file(text);
    }
    if is_scp_address(text) {
        return Err(SpecError::Git(text.to_owned()));
    }
    // A leading @ belongs to the scope; the next one ends the name.
    let at = text.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    let (name_part, wanted) =
        at.and_then(|at| text.split_at_checked(at)).map_or((text, ""), |(name, rest)| (name, rest.get(1..).unwrap_or("")));
    if !name_part.starts_with('@') && (has_slash(name_part) || is_tarball_name(name_part)) {
        return if is_tarball_name(text) { file(text) } else { Err(SpecError::Git(text.to_owned())) };
    }
    let name = PackageName::parse(name_part)?;
    if is_spec_of_its_own(wanted) {
        // name@npm:other, name@https://…, name@./file.tgz: what follows the @ is a spec of its own.
        return parse_target(wanted, alias_allowed);
    }
    Ok(Target::Registry { name, wanted: Wanted::parse(wanted)?, registry: None, checksums: Vec::new() })
}

/// Whether what follows a name's `@` is an address or a path, and not a version, a range or a tag.
fn is_spec_of_its_own(wanted: &str) -> bool {
    has_scheme(wanted) || is_file_path(wanted) || is_scp_address(wanted) || has_slash(wanted) || is_tarball_name(wanted)
}

fn parse_with_scheme(text: &str, alias_allowed: bool) -> Result<Target, SpecError> {
    let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "npm" if !alias_allowed => Err(SpecError::NestedAlias),
        "npm" => match parse_target(rest, false)? {
            target @ Target::Registry { .. } => Ok(target),
            _ => Err(SpecError::AliasNotRegistry),
        },
        "file" => file(rest.strip_prefix("//").filter(|rest| rest.starts_with('/')).unwrap_or(rest)),
        "http" | "https" => tarball(text),
        "workspace" | "link" | "portal" | "patch" | "catalog" | "jsr" => Err(SpecError::OtherProtocol(scheme.to_owned())),
        scheme if scheme.starts_with("git") || matches!(scheme, "ssh" | "github" | "gitlab" | "bitbucket" | "gist") => {
            Err(SpecError::Git(text.to_owned()))
        }
        // A single letter is a Windows drive.
        drive if drive.len() == 1 => file(text),
        scheme => Err(SpecError::OtherProtocol(scheme.to_owned())),
    }
}

fn tarball(text: &str) -> Result<Target, SpecError> {
    let url = Url::parse(text).map_err(|_| SpecError::Address)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SpecError::AddressWithCredentials);
    }
    if is_repository(&url) {
        return Err(SpecError::Git(text.to_owned()));
    }
    Ok(Target::Tarball(url))
}

/// Whether npm would clone this address: a repository's page on a host that it knows
/// (hosted-git-info 9).
fn is_repository(url: &Url) -> bool {
    const HOSTS: [&str; 5] = ["github.com", "gitlab.com", "bitbucket.org", "gist.github.com", "git.sr.ht"];
    let host = url.host_str().unwrap_or("");
    let known = HOSTS.contains(&host.strip_prefix("www.").unwrap_or(host));
    let segments = url.path_segments().map_or(0, |segments| segments.filter(|segment| !segment.is_empty()).count());
    known && !is_tarball_name(url.path()) && (segments <= 2 || ends_with_ignoring_case(url.path(), ".git"))
}

fn file(text: &str) -> Result<Target, SpecError> {
    if is_tarball_name(text) { Ok(Target::File(PathBuf::from(text))) } else { Err(SpecError::Folder(text.to_owned())) }
}

/// `scheme:` at the front. A drive letter counts: every scheme that is handled has more than one
/// letter.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    let scheme = scheme.strip_prefix("git+").unwrap_or(scheme);
    !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `user@host.tld:path`, the form that git and scp share.
fn is_scp_address(text: &str) -> bool {
    let Some((user, rest)) = text.split_once('@') else { return false };
    let Some((host, path)) = rest.split_once(':') else { return false };
    !user.is_empty() && !path.is_empty() && host.contains('.') && !host.contains(['@', '/'])
}

fn is_file_path(text: &str) -> bool {
    text.starts_with(['.', '/']) || text.starts_with("~/") || (cfg!(windows) && text.starts_with('\\'))
}

fn is_tarball_name(text: &str) -> bool {
    [".tgz", ".tar.gz", ".tar"].iter().any(|ending| text.len() > ending.len() && ends_with_ignoring_case(text, ending))
}

fn has_slash(text: &str) -> bool {
    text.contains('/') || (cfg!(windows) && text.contains('\\'))
}

fn starts_with_ignoring_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn ends_with_ignoring_case(text: &str, end: &str) -> bool {
    text.len().checked_sub(end.len()).and_then(|at| text.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}
