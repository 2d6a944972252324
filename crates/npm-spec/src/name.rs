//! Package names: what npm lets a registry be asked for.

use std::fmt;

use super::SpecError;

/// Longest name, in bytes: the registry's own limit since 2014 (validate-npm-package-name 7), and
/// no older name is longer.
const MAX_LENGTH: usize = 214;

/// A package name that is safe in an address and in a file name once [`PackageName::escaped`].
///
/// The rules are npm's for *old* packages (`validForOldPackages`): capital letters and `~'!()*` are
/// found in published names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageName(String);

impl PackageName {
    /// Checks a name.
    pub fn parse(name: &str) -> Result<Self, SpecError> {
        let bad = |reason| Err(SpecError::Name { name: name.chars().take(MAX_LENGTH).collect(), reason });
        if name.is_empty() {
            return bad("it is empty");
        }
        if name.len() > MAX_LENGTH {
            return bad("it is longer than 214 characters");
        }
        let (scope, base) = match name.strip_prefix('@') {
            Some(rest) => match rest.split_once('/') {
                Some((scope, base)) => (Some(scope), base),
                None => return bad("a scope needs a name after it, as in @scope/name"),
            },
            None => (None, name),
        };
        if base.starts_with('.') || scope.is_some_and(|scope| scope.starts_with('.')) {
            return bad("it starts with a full stop");
        }
        if scope.is_none() && base.starts_with(['_', '-']) {
            return bad("it starts with an underscore or a hyphen");
        }
        if scope.is_none() && ["node_modules", "favicon.ico"].contains(&base.to_ascii_lowercase().as_str()) {
            return bad("it is reserved");
        }
        let url_safe = |part: &str| !part.is_empty() && part.bytes().all(is_uri_component);
        if !url_safe(base) || !scope.is_none_or(url_safe) {
            return bad("it holds characters that an address cannot");
        }
        Ok(Self(name.to_owned()))
    }

    /// The name as published.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The scope with its `@`, if there is one.
    pub fn scope(&self) -> Option<&str> {
        self.0.starts_with('@').then(|| self.0.split_once('/').map(|(scope, _)| scope)).flatten()
    }

    /// The name as one segment of an address, as npm writes it: `@scope%2fname`.
    pub fn escaped(&self) -> String {
        self.0.replace('/', "%2f")
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether JavaScript's `encodeURIComponent` leaves this byte alone.
pub(super) fn is_uri_component(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}
