//! What a path of the registry asks for.

use npm_spec::PackageName;
use npm_spec::percent::strictly_decoded;

/// Longest path that is read, and most segments.
const MAX_PATH: usize = 4096;
const MAX_SEGMENTS: usize = 32;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// All versions of a package.
    Packument(PackageName),
    /// One version, by number or tag.
    Version(PackageName, String),
    /// A tarball, by the file name in its address.
    Tarball(PackageName, String),
    /// A dependency on a git repository, by the package's name and the key of what is wanted of
    /// it; none for what stands in for one that cannot be had.
    Git(PackageName, Option<String>),
    /// Whether anybody is there.
    Ping,
    /// Which of some packages have known holes (npm 7 and later).
    Advisories,
    /// Nothing that is served here.
    Nothing,
}

/// Reads a path. What stands before a package's name is passed over where `/-/` says where the name
/// ends: clients that put our host into a tarball's address keep the path of the registry that it
/// came from.
pub(super) fn read(path: &str) -> Ask {
    let Some(segments) = segments(path) else { return Ask::Nothing };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let name = |text: String| PackageName::parse(&text).ok();
    let found = match segments.as_slice() {
        ["-", "ping"] => return Ask::Ping,
        ["-", "npm", "v1", "security", "advisories", "bulk"] => return Ask::Advisories,
        ["-", "git", rest @ ..] => git(rest),
        [] | ["-", ..] => None,
        all => match all.iter().rposition(|segment| *segment == "-") {
            Some(at) => tarball(all, at),
            None => match all {
                [scope, base] if scope.starts_with('@') => name(format!("{scope}/{base}")).map(Ask::Packument),
                [scope, base, version] if scope.starts_with('@') => {
                    name(format!("{scope}/{base}")).map(|name| Ask::Version(name, (*version).to_owned()))
                }
                [base] => name((*base).to_owned()).map(Ask::Packument),
                [base, version] => name((*base).to_owned()).map(|name| Ask::Version(name, (*version).to_owned())),
                _ => None,
            },
        },
    };
    found.unwrap_or(Ask::Nothing)
}

/// `key/name.tgz`, or the same without a key.
fn git(rest: &[&str]) -> Option<Ask> {
    let (file, before) = rest.split_last()?;
    let base = file.strip_suffix(".tgz")?;
    let (name, before) = match before.split_last() {
        Some((scope, before)) if scope.starts_with('@') => (format!("{scope}/{base}"), before),
        _ => (base.to_owned(), before),
    };
    let key = match before {
        [] => None,
        [key] => Some((*key).to_owned()),
        _ => return None,
    };
    Some(Ask::Git(PackageName::parse(&name).ok()?, key))
}

/// `…/name/-/file` or `…/@scope/name/-/file`, with or without the scope again before the file.
fn tarball(all: &[&str], at: usize) -> Option<Ask> {
    let (before, after) = all.split_at_checked(at)?;
    let (base, rest) = before.split_last()?;
    let file = match after {
        ["-", file] => file,
        ["-", scope, file] if scope.starts_with('@') => file,
        _ => return None,
    };
    let name = match rest.last().filter(|scope| scope.starts_with('@')) {
        Some(scope) => format!("{scope}/{base}"),
        None => (*base).to_owned(),
    };
    Some(Ask::Tarball(PackageName::parse(&name).ok()?, (*file).to_owned()))
}

/// The segments, decoded once; an encoded slash separates too, as in `@scope%2fname`.
fn segments(path: &str) -> Option<Vec<String>> {
    if path.len() > MAX_PATH {
        return None;
    }
    let text = String::from_utf8(strictly_decoded(path)?).ok().filter(|text| !text.chars().any(char::is_control))?;
    let segments: Vec<String> = text.trim_matches('/').split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
    let is_plain = segments.iter().all(|segment| segment != "." && segment != "..");
    (is_plain && segments.len() <= MAX_SEGMENTS).then_some(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PackageName {
        PackageName::parse(text).unwrap()
    }

    #[test]
    fn a_name_is_read_in_every_spelling() {
        for path in ["/@s/n", "/@s%2fn", "/@s%2Fn", "/%40s%2fn", "/@s/n/"] {
            assert_eq!(read(path), Ask::Packument(name("@s/n")), "{path}");
        }
        assert_eq!(read("/n"), Ask::Packument(name("n")));
        assert_eq!(read("/n/1.0.0"), Ask::Version(name("n"), "1.0.0".into()));
        assert_eq!(read("/@s/n/latest"), Ask::Version(name("@s/n"), "latest".into()));
    }

    #[test]
    fn a_tarball_is_found_behind_another_registrys_path() {
        assert_eq!(read("/n/-/n-1.0.0.tgz"), Ask::Tarball(name("n"), "n-1.0.0.tgz".into()));
        assert_eq!(read("/@s/n/-/n-1.0.0.tgz"), Ask::Tarball(name("@s/n"), "n-1.0.0.tgz".into()));
        assert_eq!(read("/@s%2fn/-/@s/n-1.0.0.tgz"), Ask::Tarball(name("@s/n"), "n-1.0.0.tgz".into()));
        assert_eq!(read("/api/npm/all/@s/n/-/n-1.0.0.tgz"), Ask::Tarball(name("@s/n"), "n-1.0.0.tgz".into()));
        assert_eq!(read("/api/npm/all/n/-/n-1.0.0.tgz"), Ask::Tarball(name("n"), "n-1.0.0.tgz".into()));
    }

    #[test]
    fn a_dependency_on_a_repository_is_asked_for_by_its_name_and_key() {
        assert_eq!(read("/-/git/n.tgz"), Ask::Git(name("n"), None));
        assert_eq!(read("/-/git/@s/n.tgz"), Ask::Git(name("@s/n"), None));
        assert_eq!(read("/-/git/00ff/n.tgz"), Ask::Git(name("n"), Some("00ff".to_owned())));
        assert_eq!(read("/-/git/00ff/@s/n.tgz"), Ask::Git(name("@s/n"), Some("00ff".to_owned())));
        assert_eq!(read("/-/git/00ff/x/n.tgz"), Ask::Nothing);
        assert_eq!(read("/-/git/n"), Ask::Nothing);
    }

    #[test]
    fn what_is_no_path_of_a_registry_is_nothing() {
        for path in ["", "/", "/../etc/passwd", "/n/../m", "/%2e%2e/n", "/n%", "/n%0a", "/-/all", "/-/v1/search", "/a/b/c/d", "/n/-/", "/-"]
        {
            assert_eq!(read(path), Ask::Nothing, "{path}");
        }
        assert_eq!(read(&format!("/{}", "a/".repeat(5000))), Ask::Nothing);
    }
}
