//! What this program is published as: its repository, and with it all addresses that it puts into
//! documents.
//!
//! package.json is the one place where they are set. native.cjs reads it and hands it over when a
//! run is made, so that a program that is published under another name needs no other binary.

use std::path::PathBuf;

/// The address of a program that has no repository yet. The domain is reserved (RFC 2606), so that
/// it is nobody's.
const NOWHERE: &str = "https://reproduce.invalid";

/// What this copy of the program is published as.
#[derive(Debug, Clone, Default)]
pub struct Product {
    /// The folder of the package: where its documents are.
    pub root: Option<PathBuf>,
    /// The address of its repository; `None` as long as it has none.
    pub repository: Option<String>,
}

impl Product {
    /// Identifies something of this program's. It stays the same from version to version.
    pub fn uri(&self, path: &str) -> String {
        let home = self.repository.as_deref().unwrap_or(NOWHERE);
        if path.is_empty() { home.to_owned() } else { format!("{home}/{path}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_below_the_repository_and_nobodys_where_there_is_none() {
        let named = Product { repository: Some("https://git.example/me/it".into()), root: None };
        assert_eq!(
            (named.uri(""), named.uri("recipe/v1")),
            ("https://git.example/me/it".into(), "https://git.example/me/it/recipe/v1".into())
        );
        assert_eq!(Product::default().uri("recipe/v1"), "https://reproduce.invalid/recipe/v1");
    }
}
