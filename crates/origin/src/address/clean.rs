//! The small parts of an address made safe: directories, references, percent-encoding.

use std::borrow::Cow;

use super::error::{AddressError, quoted};

/// Longest directory or reference that is taken over, in bytes. Git hosts and file systems stop
/// before that.
const MAX_PART: usize = 1024;

/// Makes a declared directory a plain relative path with `/` between its parts; `None` is the root.
///
/// Publishers write `./packages/a`, `/packages/a` (from the root of the repository) and
/// `packages\a`: these mean one thing. What leaves the repository, or names a drive or a server, is
/// refused.
pub fn directory(text: &str) -> Result<Option<String>, AddressError> {
    let refused = || AddressError::DirectoryRefused { directory: quoted(text) };
    let trimmed = text.trim();
    if trimmed.len() > MAX_PART || trimmed.chars().any(is_invisible) {
        return Err(refused());
    }
    let slashed = trimmed.replace('\\', "/");
    if slashed.starts_with("//") || has_drive(&slashed) || slashed.starts_with('~') || slashed.contains("://") {
        return Err(refused());
    }
    let mut parts = Vec::new();
    for part in slashed.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(refused()),
            // A directory of git's own: never part of a tree.
            _ if part.eq_ignore_ascii_case(".git") => return Err(refused()),
            _ => parts.push(part),
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join("/")))
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// A branch, tag or commit as `git check-ref-format` allows it; anything else is no reference.
/// Ranges (`semver:`) are not references either.
pub(super) fn reference(text: &str) -> Option<String> {
    let text = percent_decoded(text);
    let text = text.trim();
    let bad_char =
        |c: char| is_invisible(c) || c.is_whitespace() || matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\' | '"' | '<' | '>' | '|');
    let bad = text.is_empty()
        || text.len() > 255
        || text.starts_with(['-', '/', '.'])
        || text.ends_with(['/', '.'])
        || text.contains("..")
        || text.contains("//")
        || text.contains("/.")
        || text.contains("@{")
        || text == "@"
        || text.split('/').any(|part| std::path::Path::new(part).extension().is_some_and(|e| e.eq_ignore_ascii_case("lock")))
        || text.chars().any(bad_char);
    (!bad).then(|| text.to_owned())
}

/// Undoes percent-encoding where the result is text; leaves everything else as it stands.
pub(super) fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Cow::into_owned)
}

/// Characters that no address has and that hide what one says: controls, zero-width and
/// bidirectional formatting, line separators.
pub(super) fn is_invisible(c: char) -> bool {
    c != ' ' && verdict::escape::is_unsafe(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_a_plain_relative_path() {
        for (text, expected) in [
            ("packages/a", Some("packages/a")),
            ("./packages/a/", Some("packages/a")),
            ("/packages/a", Some("packages/a")),
            ("packages\\a", Some("packages/a")),
            ("packages//a/.", Some("packages/a")),
            (" packages/a b ", Some("packages/a b")),
            ("packages/.a", Some("packages/.a")),
            ("a..b/...", Some("a..b/...")),
            ("", None),
            (".", None),
            ("/", None),
            ("./", None),
        ] {
            assert_eq!(directory(text).unwrap().as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn a_directory_outside_the_repository_is_refused() {
        for text in [
            "..",
            "../a",
            "a/../..",
            "a/../b",
            "..\\a",
            "C:\\a",
            "c:a",
            "\\\\server\\share",
            "//server/share",
            "~/a",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            ".git/hooks",
            "a/.GIT",
            "https://x/y",
        ] {
            assert!(matches!(directory(text), Err(AddressError::DirectoryRefused { .. })), "{text:?}");
        }
        assert!(directory(&"a/".repeat(1000)).is_err());
    }

    #[test]
    fn a_reference_is_one_that_git_allows() {
        for (text, expected) in [
            ("main", Some("main")),
            ("v1.2.3", Some("v1.2.3")),
            ("feature/x", Some("feature/x")),
            ("%40scope%2Fname%401.0.0", Some("@scope/name@1.0.0")),
            ("-x", None),
            ("a..b", None),
            ("a b", None),
            ("a:b", None),
            ("a.lock", None),
            ("a/", None),
            ("@{1}", None),
            ("a%00b", None),
            ("", None),
        ] {
            assert_eq!(reference(text).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn broken_percent_encoding_stays_as_it_is() {
        assert_eq!(percent_decoded("a%2"), "a%2");
        assert_eq!(percent_decoded("%zz%20"), "%zz ");
        assert_eq!(percent_decoded("%ff"), "%ff");
        assert_eq!(percent_decoded("%%41"), "%A");
    }
}
