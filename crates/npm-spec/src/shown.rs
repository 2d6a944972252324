//! Specs as they may be shown and stored: without secrets.

use verdict::{path_without_secrets, without_secrets};

use crate::{Spec, Target};

/// The spec as it may be shown and stored: as typed, but an address without its query.
pub fn shown(spec: &Spec) -> String {
    match spec.target() {
        Target::Tarball(_) => spec.display(),
        Target::Registry { .. } => without_secrets(spec.raw()),
        Target::File(path) => shown_file(spec.raw(), &path.to_string_lossy()),
    }
}

/// The path of a file as typed, without what would be a user and password in an address; a name may
/// stand in front of it (`name@./a.tgz`).
fn shown_file(raw: &str, path: &str) -> String {
    let before = raw.strip_suffix(path).unwrap_or_default();
    let (name, typed) = raw.split_at_checked(before.rfind('@').map_or(0, |at| at + 1)).unwrap_or(("", raw));
    format!("{name}{}", path_without_secrets(typed))
}

/// A word as it may be shown and stored, also where it is no spec.
pub fn shown_word(word: &str) -> String {
    Spec::parse(word).map_or_else(|_| without_secrets(word), |spec| shown(&spec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_file_is_shown_without_what_would_be_a_password() {
        for (typed, expected) in [
            ("//me:pw@host/x.tgz", "//host/x.tgz"),
            ("/me:pw@host/x.tgz", "/host/x.tgz"),
            ("file://me:pw@host/x.tgz", "file://host/x.tgz"),
            ("file:me:pw@host/x.tgz", "file:host/x.tgz"),
            ("name@//me:pw@host/x.tgz", "name@//host/x.tgz"),
            ("@s/name@file:me:pw@host/x.tgz", "@s/name@file:host/x.tgz"),
            ("./https://me:pw@host/x.tgz", "./https://host/x.tgz"),
            ("dir/https://me:pw@host/x.tgz", "dir/https://host/x.tgz"),
            ("m:pw@host/x.tgz", "host/x.tgz"),
            ("./a?b@c.tgz", "./a?b@c.tgz"),
            ("dir/a?b.tgz", "dir/a?b.tgz"),
            ("a-1.0.0.tgz", "a-1.0.0.tgz"),
            ("name@./a b/c@d.tgz", "name@./a b/c@d.tgz"),
            ("//server/share/a@b.tgz", "//server/share/a@b.tgz"),
        ] {
            assert!(matches!(Spec::parse(typed).unwrap().target(), Target::File(_)), "{typed}");
            assert_eq!(shown_word(typed), expected, "{typed}");
        }
    }
}
