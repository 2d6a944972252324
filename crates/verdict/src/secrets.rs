//! Addresses as they may be shown and stored: users and publishers write passwords and tokens into
//! them.
//!
//! A text that no parser reads is quoted in an error, so the rules are about text: they take away
//! too much before too little.

use std::borrow::Cow;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The qualifiers of a package URL whose meaning is known; the value of any other may be a token.
const QUALIFIERS: [&str; 6] = ["repository_url", "download_url", "vcs_url", "file_name", "checksum", "vers"];

/// Protocols of specs behind which a name stands, and no login: `npm:name@1.0.0`.
const OF_NAMES: [&str; 7] = ["npm", "jsr", "workspace", "catalog", "patch", "portal", "link"];

/// How the tokens of registries and git hosts begin.
const TOKENS: [&str; 8] = ["npm_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-"];
/// Shortest of them, with its mark.
const SHORTEST_TOKEN: usize = 24;

/// The user whom every ssh host has; it is not a secret.
const SSH_USER: &str = "git";

/// A word that is an address, or that has one in it, as it may be shown: without users and
/// passwords, and without queries. A path on this machine is as it was, but for what in it would be
/// an address: a user behind two slashes, and an address that was taken for the name of a file.
pub fn without_secrets(word: &str) -> String {
    let text = word.trim();
    if is_path(text) {
        return also_encoded(word, without_users_of_path);
    }
    match text.split_once('?') {
        Some((head, rest)) if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("pkg:")) => purl(head, rest),
        Some(_) | None => without_query(&also_encoded(text, without_users)),
    }
}

/// The text as `shown` shows it, also where what it takes away is percent-encoded, once or twice.
/// Of a text from which nothing is taken away no letter changes.
fn also_encoded(text: &str, shown: impl Fn(&str) -> String) -> String {
    let mut said = shown(text);
    let mut decoded = said.clone();
    for _ in 0..2 {
        decoded = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
        let without = shown(&decoded);
        if without != decoded {
            (said, decoded) = (without.clone(), without);
        }
    }
    said
}

/// The name of a file as it may be shown: as [`without_secrets`], but whatever stands behind `?` is
/// a part of it.
pub fn path_without_secrets(path: &str) -> String {
    if is_path(path) { also_encoded(path, without_users_of_path) } else { also_encoded(path, without_users) }
}

/// A sentence in which addresses may stand, as it may be shown: each of them without users,
/// passwords and queries, also one that was taken for the name of a file (`/here/https://…`).
pub fn told_without_secrets(text: &str) -> String {
    let shown = |word: &str| word_without_secrets(word).into_owned();
    text.split_inclusive(char::is_whitespace).map(|word| without_token(&also_encoded(word, shown))).collect()
}

/// A word without the token that it is, or that stands in it: those of registries and hosts begin
/// with a mark of their own, and have letters of both cases.
fn without_token(word: &str) -> String {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let found = TOKENS.iter().find_map(|mark| {
        let at = word.find(mark)?;
        let (before, token) = word.split_at_checked(at)?;
        let length = token.find(|c: char| !is_inside(c)).unwrap_or(token.len());
        let (token, after) = token.split_at_checked(length)?;
        let is_one = length >= SHORTEST_TOKEN && token.chars().any(|c| c.is_ascii_uppercase());
        is_one.then(|| format!("{before}{mark}***{after}"))
    });
    found.unwrap_or_else(|| word.to_owned())
}

/// A path without the users and passwords of what would be an address elsewhere.
fn without_users_of_path(path: &str) -> String {
    let (before, rest) = path.split_at_checked(path.len() - path.trim_start().len()).unwrap_or(("", path));
    let scheme = rest.get(..5).filter(|start| start.eq_ignore_ascii_case("file:")).unwrap_or_default();
    let rest = rest.get(scheme.len()..).unwrap_or_default();
    // `file:me:password@host`, which is the name of a file for npm.
    let rest = if scheme.is_empty() { Cow::Borrowed(rest) } else { without_bare_user(rest) };
    format!("{before}{scheme}{}", word_without_secrets(&without_first_user(&rest)))
}

/// A text that begins with slashes without the user and password behind them: an address without
/// its scheme. Behind a single slash, as a path has it once it was read, only both together are
/// some.
fn without_first_user(text: &str) -> Cow<'_, str> {
    let authority = text.trim_start_matches(is_slash);
    let slashes = text.get(..text.len() - authority.len()).unwrap_or_default();
    let shown = match slashes.len() {
        0 => return Cow::Borrowed(text),
        1 => without_bare_user(authority),
        _ => match user_length(authority) {
            // A scope is no user.
            0 | 1 => return Cow::Borrowed(text),
            length => Cow::Borrowed(authority.get(length..).unwrap_or_default()),
        },
    };
    if shown.len() == authority.len() { Cow::Borrowed(text) } else { Cow::Owned(format!("{slashes}{shown}")) }
}

/// Where slashes begin in a word, with nothing but signs of quotation before them.
fn slashes_in(word: &str) -> Option<usize> {
    let bare = word.trim_start_matches(['\'', '"', '`', '(', '<']);
    starts_with_slash(bare).then_some(word.len() - bare.len())
}

/// One word of a sentence, from the first scheme on that stands in it.
fn word_without_secrets(word: &str) -> Cow<'_, str> {
    let Some(at) = scheme_in(word) else {
        let Some((before, address)) = slashes_in(word).and_then(|at| word.split_at_checked(at)) else { return Cow::Borrowed(word) };
        return match without_first_user(address) {
            Cow::Borrowed(_) => Cow::Borrowed(word),
            Cow::Owned(shown) => Cow::Owned(format!("{before}{shown}")),
        };
    };
    let (before, address) = word.split_at_checked(at).unwrap_or(("", word));
    let end = address.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | ')' | ',' | ';' | ':' | '.')).len();
    let (address, after) = address.split_at_checked(end).unwrap_or((address, ""));
    Cow::Owned(format!("{before}{}{after}", without_query(&without_users(address))))
}

/// Where an address begins in a word: its scheme, which has more letters than a drive.
fn scheme_in(word: &str) -> Option<usize> {
    let begins = |colon: usize| {
        let scheme = word.get(..colon)?.rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-'))).next()?;
        let is_scheme = scheme.len() > 1 && starts_with_slash(word.get(colon + 1..)?);
        is_scheme.then_some(colon - scheme.len())
    };
    word.match_indices(':').find_map(|(colon, _)| begins(colon))
}

/// A path as npm tells one from an address.
fn is_path(text: &str) -> bool {
    let drive = matches!(text.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    drive
        || text.starts_with(['.', '/', '\\'])
        || text.starts_with("~/")
        || text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:"))
}

/// A package URL: of what stands behind `?`, what has a meaning.
fn purl(head: &str, rest: &str) -> String {
    // Behind the `#` of a password stand its rest and the host.
    let parts = rest.rsplit_once('#').filter(|(_, subpath)| !subpath.contains(['@', '?', ':']));
    let (qualifiers, subpath) = parts.map_or((rest, None), |(qualifiers, subpath)| (qualifiers, Some(subpath)));
    let kept: Vec<String> = qualifiers.split('&').filter_map(qualifier).collect();
    let mut shown = without_users(head);
    if !kept.is_empty() {
        shown.push('?');
        shown.push_str(&kept.join("&"));
    }
    if let Some(subpath) = subpath {
        shown.push('#');
        shown.push_str(subpath);
    }
    shown
}

/// One qualifier as it may be shown: as written, where its value has no secret.
fn qualifier(written: &str) -> Option<String> {
    let (key, value) = written.split_once('=')?;
    QUALIFIERS.contains(&key).then_some(())?;
    let mut decoded = value.to_owned();
    // A value that was encoded twice is one that somebody else decodes twice.
    for _ in 0..2 {
        decoded = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
    }
    let shown = if key == "checksum" { decoded.clone() } else { without_query(&without_users(&decoded)) };
    Some(if shown == decoded { written.to_owned() } else { format!("{key}={}", utf8_percent_encode(&shown, NON_ALPHANUMERIC)) })
}

/// The text without what stands between `?` and `#`.
fn without_query(text: &str) -> String {
    let Some((head, query)) = text.split_once('?') else { return text.to_owned() };
    let fragment = query.split_once('#').map(|(_, fragment)| fragment);
    fragment.map_or_else(|| head.to_owned(), |fragment| format!("{head}#{fragment}"))
}

/// The text without the users and passwords of its addresses.
fn without_users(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest: Cow<'_, str> = without_bare_user(text);
    loop {
        let Some(at) = rest.match_indices(':').map(|(at, _)| at + 1).find(|at| starts_with_slash(rest.get(*at..).unwrap_or_default()))
        else {
            shown.push_str(&rest);
            return shown;
        };
        let (scheme, behind) = rest.split_at_checked(at).unwrap_or((&rest, ""));
        let authority = behind.trim_start_matches(is_slash);
        shown.push_str(scheme);
        shown.push_str(behind.get(..behind.len() - authority.len()).unwrap_or_default());
        rest = Cow::Owned(authority.get(user_length(authority)..).unwrap_or_default().to_owned());
    }
}

/// How much of a text that begins with an authority is user and password, with the `@`.
fn user_length(text: &str) -> usize {
    let authority = text.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    if let Some((user, _)) = authority.rsplit_once('@') {
        return if user == SSH_USER { 0 } else { user.len() + 1 };
    }
    // A password with a slash in it ends the authority for a parser, and leaves a port that is
    // none.
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    if authority.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.rfind('@').map_or(0, |at| at + 1)
}

/// The text without the user and password that stand in front of its first slash without a `//` of
/// their own: `me:password@host`, `name@https:me:password@host`.
fn without_bare_user(text: &str) -> Cow<'_, str> {
    // A scope's own @ and slash.
    let from = if text.starts_with('@') { text.get(1..).and_then(|rest| rest.find('@')).map_or(0, |at| at + 2) } else { 0 };
    let (name, rest) = text.split_at_checked(from).unwrap_or(("", text));
    let segment = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = segment.rsplit_once('@') else { return Cow::Borrowed(text) };
    let Some((word, password)) = user.split_once(':') else { return Cow::Borrowed(text) };
    let protocol = word.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
    // `npm:@scope/name` and `npm:name@1.0.0`, but not `npm:me:password@host`.
    if OF_NAMES.contains(&protocol.as_str()) && !password.contains(':') {
        return Cow::Borrowed(text);
    }
    let kept = if password.contains(':') { word.len() + 1 } else { 0 };
    let host = rest.get(user.len() + 1..).unwrap_or_default();
    Cow::Owned(format!("{name}{}{host}", rest.get(..kept).unwrap_or_default()))
}

fn is_slash(c: char) -> bool {
    matches!(c, '/' | '\\')
}

fn starts_with_slash(text: &str) -> bool {
    text.starts_with(is_slash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_password_or_query_is_left() {
        for (word, shown) in [
            ("https://me:pw@host/a?token=pw#v1", "https://host/a#v1"),
            ("HTTPS://me:pw@host/a.tgz", "HTTPS://host/a.tgz"),
            (r"http:\\me:pw@host\a.tgz?pw", r"http:\\host\a.tgz"),
            ("http:/me:pw@host/a", "http:/host/a"),
            ("http:me:pw@host/a", "http:host/a"),
            ("https://pw@host/a", "https://host/a"),
            ("https://me:p@w@host/a", "https://host/a"),
            ("https://me:p/w@host/a", "https://host/a"),
            ("https://me:p#w@host/a?x", "https://host/a"),
            ("https://me:p w@host/a", "https://host/a"),
            ("https://me:pw@host:x/", "https://host:x/"),
            ("http://me:pw@", "http://"),
            ("git+ssh://git:pw@host/a.git#v1", "git+ssh://host/a.git#v1"),
            ("name@https://me:pw@host/x.tgz", "name@https://host/x.tgz"),
            ("@s/name@http:me:pw@host/x.tgz", "@s/name@http:host/x.tgz"),
            ("me:pw@host:9", "host:9"),
            ("m:pw@host:9", "host:9"),
            ("me:pw@host:o/n.git", "host:o/n.git"),
            ("https://web.example/http://me:pw@host/", "https://web.example/http://host/"),
            ("owner/name?token=pw#v1", "owner/name#v1"),
            ("pkg:npm/a@1.0.0?vcs_url=git%2Bhttps://me:pw@host/x.git", "pkg:npm/a@1.0.0?vcs_url=git%2Bhttps%3A%2F%2Fhost%2Fx%2Egit"),
            ("pkg:npm/a@1.0.0?repository_url=me:pw@host", "pkg:npm/a@1.0.0?repository_url=host"),
            ("PKG:npm/a?download_url=https%3A%2F%2Fme%3Apw%40host&token=pw", "PKG:npm/a?download_url=https%3A%2F%2Fhost"),
            ("pkg:npm/a?download_url=https%253A%252F%252Fme%253Apw%2540host", "pkg:npm/a?download_url=https%3A%2F%2Fhost"),
            ("pkg:npm/a?vcs_url=https://me:p#w@host", "pkg:npm/a?vcs_url=https%3A%2F%2Fhost"),
            ("pkg:npm/a@https://me:pw@host/?x", "pkg:npm/a@https://host/"),
            ("//me:pw@host/x", "//host/x"),
            ("//pw@host/x", "//host/x"),
            (r"\\me:pw@host\x", r"\\host\x"),
            ("///me:p/w@host/x", "///host/x"),
            (" //me:pw@host/x", " //host/x"),
            ("/me:pw@host/x", "/host/x"),
            ("file://me:pw@host/x", "file://host/x"),
            ("FILE:me:pw@host/x", "FILE:host/x"),
            ("./https://me:pw@host/x?pw", "./https://host/x"),
            ("/here/https://me:pw@host/x", "/here/https://host/x"),
            ("file:../git+ssh://me:pw@host/x", "file:../git+ssh://host/x"),
            ("https://me%3Apw%40host/x", "https://host/x"),
            ("https://pw%40host/x?q", "https://host/x"),
            ("https%3A%2F%2Fme%3Apw%40host%2Fx", "https://host/x"),
            ("https%253a%252f%252fme%253apw%2540host", "https://host"),
            ("./https%3A%2F%2Fme%3Apw%40host/x", "./https://host/x"),
            ("https://web.example/https%3A%2F%2Fme:pw%40host/x", "https://web.example/https://host/x"),
        ] {
            let once = without_secrets(word);
            assert_eq!(once, shown, "{word}");
            assert_eq!(without_secrets(&once), once, "twice: {word}");
        }
    }

    #[test]
    fn what_holds_no_secret_is_as_it_was() {
        for word in [
            "name@1.0.0",
            "@scope/name@^1",
            "x@npm:@s/abc@^1",
            "x@npm:abc@^1",
            "npm:abc@1.0.0",
            "https://registry.example:4873/@scope/name/-/name-1.0.0.tgz",
            "https://registry.example/%40scope%2Fname/-/name-1.0.0%3Aa.tgz",
            "./a%20b%40c.tgz",
            "http://[::1]:8080/@s/x",
            "git+ssh://git@host/o/n.git#pkg@1.0.0",
            "git@host:o/n.git",
            "github:o/n#v1",
            "./a?b@c.tgz",
            "~/a:b@c.tgz",
            r"C:\a\me@b?c.tgz",
            "file:../a@b/c.tgz",
            "//server/share/a@b.tgz",
            "//@scope/name",
            "/home/me/a@1.0.0/b.tgz",
            "/a@b/c.tgz",
            "pkg:npm/%40s/a@1.0.0?repository_url=https://npm.example&checksum=sha256:ab#sub/path",
        ] {
            assert_eq!(without_secrets(word), word);
        }
    }

    #[test]
    fn a_sentence_keeps_its_words_and_loses_the_passwords_of_its_addresses() {
        for (said, shown) in [
            ("https://me:pw@host/x cannot be read: no such file", "https://host/x cannot be read: no such file"),
            ("/here/https://me:pw@host/x: no such file", "/here/https://host/x: no such file"),
            ("/here/https:/me:pw@host/x", "/here/https:/host/x"),
            ("unexpected argument 'https://me:pw@host/x?token=pw' found", "unexpected argument 'https://host/x' found"),
            ("two: git+https://a:pw@host, (https://:pw@other:81/)", "two: git+https://host, (https://other:81/)"),
            ("https://host/x?token=pw: not there\nhint: https://pw@host", "https://host/x: not there\nhint: https://host"),
            ("https://me:p/w@host/x", "https://host/x"),
            ("/me:pw@host/x.tgz cannot be read", "/host/x.tgz cannot be read"),
            ("\"//me:pw@host/x\" is a folder", "\"//host/x\" is a folder"),
            ("https%3A%2F%2Fme%3Apw%40host: no such file", "https://host: no such file"),
            ("no npm_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hJ3lM here", "no npm_*** here"),
            ("'ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hJ3lM' is none", "'ghp_***' is none"),
        ] {
            let once = told_without_secrets(said);
            assert_eq!(once, shown);
            assert_eq!(told_without_secrets(&once), once, "twice");
        }
        for plain in [
            "C:/a@b/c is no folder",
            "@scope/name@1.0.0: at 12:30",
            "see https://host/a@1.0.0/x#L1",
            "// a@b is a comment",
            "me:pw is two words ",
            "",
        ] {
            assert_eq!(told_without_secrets(plain), plain);
        }
    }
}
