//! What is known about hosts: which ones serve git over https, and which of a path's parts name the
//! repository there.
//!
//! A host's pages (`/tree/<ref>/<dir>`, `/issues`, `/wiki`) are what people copy from a browser;
//! every one of them is read as the repository that it belongs to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::clean::{percent_decoded, reference};
use super::split::Parts;

/// The software behind a host, as far as it decides how a repository's address looks there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// github.com.
    GitHub,
    /// gist.github.com.
    Gist,
    /// GitLab: `group/…/project`, pages below `/-/`.
    GitLab,
    /// bitbucket.org.
    Bitbucket,
    /// Gitea, Forgejo and Gogs: pages below `/src/branch/`.
    Gitea,
    /// git.sr.ht: `~user/name`.
    SourceHut,
    /// Azure DevOps: `organisation/project/_git/name`.
    Azure,
    /// Any other git server; its address is taken as it is.
    Other,
}

impl Kind {
    /// Whether the host finds a repository without regard to the case of its name.
    pub fn ignores_case(self) -> bool {
        matches!(self, Self::GitHub | Self::Gist | Self::GitLab | Self::Bitbucket | Self::Gitea | Self::Azure)
    }
}

/// A host with its usual name.
pub(super) struct Host {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The host is known to serve all its public repositories over https.
    pub(super) https: bool,
}

/// Public hosts known to serve git over https, by name; each is also known under `www.`.
const HOSTS: [(&str, Kind, &str); 43] = [
    ("github.com", Kind::GitHub, "github.com"),
    ("ssh.github.com", Kind::GitHub, "github.com"),
    ("api.github.com", Kind::GitHub, "github.com"),
    ("codeload.github.com", Kind::GitHub, "github.com"),
    ("raw.githubusercontent.com", Kind::GitHub, "github.com"),
    ("raw.github.com", Kind::GitHub, "github.com"),
    ("gist.github.com", Kind::Gist, "gist.github.com"),
    ("gitlab.com", Kind::GitLab, "gitlab.com"),
    ("altssh.gitlab.com", Kind::GitLab, "gitlab.com"),
    ("framagit.org", Kind::GitLab, "framagit.org"),
    ("salsa.debian.org", Kind::GitLab, "salsa.debian.org"),
    ("gitlab.gnome.org", Kind::GitLab, "gitlab.gnome.org"),
    ("gitlab.freedesktop.org", Kind::GitLab, "gitlab.freedesktop.org"),
    ("gitlab.inria.fr", Kind::GitLab, "gitlab.inria.fr"),
    ("gitlab.wikimedia.org", Kind::GitLab, "gitlab.wikimedia.org"),
    ("invent.kde.org", Kind::GitLab, "invent.kde.org"),
    ("git.drupalcode.org", Kind::GitLab, "git.drupalcode.org"),
    ("0xacab.org", Kind::GitLab, "0xacab.org"),
    ("gitgud.io", Kind::GitLab, "gitgud.io"),
    ("git.coop", Kind::GitLab, "git.coop"),
    ("jihulab.com", Kind::GitLab, "jihulab.com"),
    ("code.videolan.org", Kind::GitLab, "code.videolan.org"),
    ("bitbucket.org", Kind::Bitbucket, "bitbucket.org"),
    ("altssh.bitbucket.org", Kind::Bitbucket, "bitbucket.org"),
    ("codeberg.org", Kind::Gitea, "codeberg.org"),
    ("gitea.com", Kind::Gitea, "gitea.com"),
    ("git.disroot.org", Kind::Gitea, "git.disroot.org"),
    ("notabug.org", Kind::Gitea, "notabug.org"),
    ("disroot.org", Kind::Gitea, "git.disroot.org"),
    ("git.sr.ht", Kind::SourceHut, "git.sr.ht"),
    ("sr.ht", Kind::SourceHut, "git.sr.ht"),
    ("dev.azure.com", Kind::Azure, "dev.azure.com"),
    ("ssh.dev.azure.com", Kind::Azure, "dev.azure.com"),
    ("vs-ssh.visualstudio.com", Kind::Azure, "dev.azure.com"),
    ("gitee.com", Kind::Other, "gitee.com"),
    ("pagure.io", Kind::Other, "pagure.io"),
    ("repo.or.cz", Kind::Other, "repo.or.cz"),
    ("git.savannah.gnu.org", Kind::Other, "git.savannah.gnu.org"),
    ("git.kernel.org", Kind::Other, "git.kernel.org"),
    ("git.code.sf.net", Kind::Other, "git.code.sf.net"),
    ("git.launchpad.net", Kind::Other, "git.launchpad.net"),
    ("gerrit.wikimedia.org", Kind::Other, "gerrit.wikimedia.org"),
    ("git.eclipse.org", Kind::Other, "git.eclipse.org"),
];

/// Whether a repository is on a public host that its owners do not run: what it has of a repository
/// is what was pushed there.
pub fn is_public(url: &str) -> bool {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    HOSTS.iter().any(|(known, ..)| *known == host.strip_prefix("www.").unwrap_or(&host))
}

/// Looks a host up. Unknown hosts get the software that their name tells, and no https.
pub(super) fn identify(host: &str) -> Host {
    let bare = host.strip_prefix("www.").unwrap_or(host);
    if let Some((_, kind, name)) = HOSTS.iter().find(|(known, ..)| *known == bare) {
        return Host { kind: *kind, name: (*name).to_owned(), https: true };
    }
    if bare.ends_with(".visualstudio.com") {
        return Host { kind: Kind::Azure, name: "dev.azure.com".to_owned(), https: true };
    }
    let kind = match bare.split('.').next() {
        Some("gitlab") => Kind::GitLab,
        Some("gitea" | "forgejo") => Kind::Gitea,
        _ => Kind::Other,
    };
    Host { kind, name: host.to_owned(), https: bare.ends_with(".googlesource.com") }
}

/// The system of a host that serves no git.
pub(super) fn other_system(host: &str) -> Option<&'static str> {
    match host.split('.').next() {
        Some("svn") => Some("Subversion"),
        Some("hg") => Some("Mercurial"),
        _ => None,
    }
}

/// Whether a host is on this machine or in a private network, by its name or its address.
///
/// Names that resolve to such an address are found out when the connection is made; this is what
/// can be told without asking.
pub(super) fn is_private(host: &str) -> bool {
    const SUFFIXES: [&str; 11] =
        [".localhost", ".local", ".localdomain", ".internal", ".intranet", ".lan", ".home", ".corp", ".private", ".home.arpa", ".test"];
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => is_private_v4(ip),
        Ok(IpAddr::V6(ip)) => is_private_v6(ip),
        // A name without a dot is looked up in the local network first.
        Err(_) => !host.contains('.') || SUFFIXES.iter().any(|suffix| host.ends_with(suffix)),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Only 2000::/3 is given out; in it, 6to4, Teredo and NAT64 hold IPv4 addresses and
    // 2001:db8::/32 is documentation.
    first & 0xe000 != 0x2000 || first == 0x2002 || (first == 0x2001 && (second == 0 || second == 0x0db8))
}

/// The repository among a path's parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Without `.git`, but for [`Kind::Other`].
    pub(super) path: String,
    /// The reference of a page of the repository.
    pub(super) reference: Option<String>,
    /// The folder of such a page, not cleaned.
    pub(super) directory: Option<String>,
}

/// Reads a path as a host of this kind does; `None` if it names no repository there.
pub(super) fn place(kind: Kind, parts: &Parts) -> Option<Place> {
    let segments: Vec<&str> = parts.path.split('/').filter(|part| !part.is_empty()).collect();
    let dots = |part: &&str| matches!(percent_decoded(part).as_str(), "." | "..");
    if segments.iter().any(dots) {
        return None;
    }
    match kind {
        Kind::GitHub => github(&parts.host, &segments),
        Kind::Gist => gist(&segments),
        Kind::GitLab => gitlab(&segments),
        Kind::Bitbucket => two_parts(&segments, &["src", "branch", "commits"], 1),
        Kind::Gitea => gitea(&segments),
        Kind::SourceHut => sourcehut(&segments),
        Kind::Azure => super::azure::place(parts, &segments),
        Kind::Other => other(&segments),
    }
}

/// A name or path without the `.git` that hosts take or leave; a folder that is called `.git`
/// stays.
pub(super) fn without_git(name: &str) -> &str {
    let is_named = |rest: &&str| !matches!(rest.rsplit('/').next(), None | Some("" | "." | ".."));
    name.strip_suffix(".git").filter(is_named).unwrap_or(name)
}

/// What hosts allow in the names of owners and repositories.
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !matches!(text, "." | "..")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'+'))
}

/// The reference and folder of a page, from the parts after `/tree/` or its like.
///
/// A reference may have slashes, and only the host knows where it ends: the first part is taken, or
/// two where it is a scoped tag (`@scope/name@1.0.0`). Files (`blob`) name the folder that they are
/// in.
fn page(path: String, rest: &[&str], is_file: bool) -> Place {
    let (taken, folder) = match rest {
        [scope, name, folder @ ..] if scope.rfind('@') == Some(0) => (format!("{scope}/{name}"), folder),
        [first, folder @ ..] => ((*first).to_owned(), folder),
        [] => return Place { path, ..Place::default() },
    };
    let folder = match folder.split_last() {
        Some((_, parents)) if is_file => parents,
        _ => folder,
    };
    let directory = (!folder.is_empty()).then(|| percent_decoded(&folder.join("/")));
    Place { path, reference: reference(&taken), directory }
}

/// First parts of github.com's own pages.
const GITHUB_PAGES: [&str; 20] = [
    "orgs",
    "users",
    "sponsors",
    "apps",
    "topics",
    "marketplace",
    "features",
    "settings",
    "search",
    "about",
    "collections",
    "login",
    "notifications",
    "explore",
    "enterprise",
    "security",
    "customer-stories",
    "readme",
    "stars",
    "site",
];

fn github(host: &str, segments: &[&str]) -> Option<Place> {
    // The API's addresses have `repos` before the name; raw files have the reference right after
    // it.
    let segments = segments.strip_prefix(&["repos"]).unwrap_or(segments);
    let (owner, name, rest) = match segments {
        [owner, name, rest @ ..] => (*owner, without_git(name), rest),
        _ => return None,
    };
    if !is_name(owner) || !is_name(name) || owner.contains(['.', '~', '+']) || GITHUB_PAGES.contains(&owner) {
        return None;
    }
    let path = format!("{owner}/{name}");
    if host.starts_with("raw.") {
        return Some(page(path, rest, true));
    }
    Some(match rest {
        ["tree", rest @ ..] => page(path, rest, false),
        ["blob" | "raw" | "edit" | "blame", rest @ ..] => page(path, rest, true),
        ["commit" | "commits", commit, ..] => page(path, &[commit], false),
        ["releases", "tag", tag @ ..] if !tag.is_empty() => Place { path, reference: reference(&tag.join("/")), directory: None },
        _ => Place { path, ..Place::default() },
    })
}

/// Old gists have short numbers, new ones 20 or 32 hexadecimal digits; the owner before the id may
/// be left out.
fn gist(segments: &[&str]) -> Option<Place> {
    let is_id = |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
    let id = match segments {
        [only] => Some(without_git(only)).filter(is_id),
        [owner, id, ..] => Some(without_git(id)).filter(is_id).or_else(|| Some(*owner).filter(|id| id.len() >= 20).filter(is_id)),
        [] => None,
    }?;
    Some(Place { path: id.to_owned(), ..Place::default() })
}

fn gitlab(segments: &[&str]) -> Option<Place> {
    // Before `/-/` came, pages stood right behind the project, as on GitHub.
    let is_page = |at: usize, part: &str| {
        part == "-"
            || at >= 2 && matches!(part, "tree" | "blob" | "raw" | "issues" | "merge_requests" | "wikis" | "tags" | "commits" | "commit")
    };
    let repository_end = segments.iter().position(|part| without_git(part) != *part).map(|at| at + 1);
    let end = repository_end.or_else(|| segments.iter().enumerate().position(|(at, part)| is_page(at, part))).unwrap_or(segments.len());
    let (project, rest) = segments.split_at(end);
    // A group has up to twenty levels.
    if !(2..=22).contains(&project.len())
        || !project.iter().all(|part| is_name(part))
        || matches!(project.first(), Some(&("groups" | "users" | "explore")))
    {
        return None;
    }
    let joined = project.join("/");
    let path = without_git(&joined).to_owned();
    Some(match rest.strip_prefix(&["-"]).unwrap_or(rest) {
        ["tree", rest @ ..] => page(path, rest, false),
        ["blob" | "raw", rest @ ..] => page(path, rest, true),
        ["commit" | "commits" | "tags", name, ..] => page(path, &[name], false),
        _ => Place { path, ..Place::default() },
    })
}

/// `owner/name`, then a page's word, then the reference.
fn two_parts(segments: &[&str], pages: &[&str], skipped: usize) -> Option<Place> {
    let (owner, name, rest) = match segments {
        [owner, name, rest @ ..] => (*owner, without_git(name), rest),
        _ => return None,
    };
    if !is_name(owner) || !is_name(name) {
        return None;
    }
    let path = format!("{owner}/{name}");
    let is_page = rest.first().is_some_and(|word| pages.contains(word));
    Some(page(path, rest.get(skipped..).filter(|_| is_page).unwrap_or_default(), false))
}

fn gitea(segments: &[&str]) -> Option<Place> {
    match segments {
        [_, _, "src" | "raw" | "media", "branch" | "tag" | "commit", ..] => two_parts(segments, &["src", "raw", "media"], 2),
        [owner, name, "commit", id, ..] => two_parts(&[owner, name, "commit", id], &["commit"], 1),
        _ => two_parts(segments, &["src"], 1),
    }
}

fn sourcehut(segments: &[&str]) -> Option<Place> {
    let (owner, name, rest) = match segments {
        [owner, name, rest @ ..] => (*owner, *name, rest),
        _ => return None,
    };
    if !owner.starts_with('~') || !is_name(owner) || !is_name(name) {
        return None;
    }
    let path = format!("{owner}/{}", without_git(name));
    Some(match rest {
        ["tree", reference, "item", folder @ ..] => page(path, &[&[*reference], folder].concat(), false),
        ["tree" | "log" | "commit", reference, ..] => page(path, &[reference], false),
        _ => Place { path, ..Place::default() },
    })
}

/// A server of unknown make: the path is the repository, unless a part of it marks where a page
/// begins.
fn other(segments: &[&str]) -> Option<Place> {
    let after_git = segments.iter().position(|part| part.len() > 4 && without_git(part) != *part).map(|at| at + 1);
    let page_word = |(at, part): (usize, &&str)| at >= 2 && matches!(*part, "tree" | "blob" | "-" | "+" | "+log");
    let end = after_git.or_else(|| segments.iter().enumerate().position(page_word)).unwrap_or(segments.len());
    let (repository, rest) = segments.split_at(end);
    if repository.is_empty() {
        return None;
    }
    let path = repository.join("/");
    Some(match rest.strip_prefix(&["-"]).unwrap_or(rest) {
        ["tree", rest @ ..] => page(path, rest, false),
        ["blob", rest @ ..] => page(path, rest, true),
        _ => Place { path, ..Place::default() },
    })
}
