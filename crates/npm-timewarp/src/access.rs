//! Whose credentials a build's request may use: credentials follow the project.
//!
//! In: npm's configuration, and the names that the project had before strangers' code ran. A registry that a scope has for itself is
//! asked only for scopes that the project names. Where the user has credentials for the registry of everybody, a package is asked
//! for without them first: what is public needs none. What answers only to credentials is private; the project must name it, or a
//! private package that it names must depend on it. What a public package says opens nothing.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use url::Url;

use http::Client;
use npmrc::{DEFAULT_REGISTRY, NpmConfig};

/// Most names that private packages add.
const MOST_ADDED: usize = 50_000;

/// How a package is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// As anybody can.
    Public,
    /// With the user's credentials, at a registry of its scope.
    Private,
    /// As anybody can, and then, if the project names it, with the user's credentials.
    PublicFirst { named: bool },
    /// Not at all: the project does not name it.
    Refused,
}

/// What the project names.
#[derive(Debug, Default)]
pub(super) struct Access {
    scopes: BTreeSet<String>,
    names: BTreeSet<String>,
    added: Mutex<BTreeSet<String>>,
}

fn scope(name: &str) -> Option<&str> {
    name.starts_with('@').then(|| name.split_once('/')).flatten().map(|(scope, _)| scope)
}

impl Access {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a String>) -> Self {
        let names: BTreeSet<String> = names.cloned().collect();
        Self { scopes: names.iter().filter_map(|name| scope(name)).map(str::to_owned).collect(), names, added: Mutex::default() }
    }

    fn is_named(&self, name: &str) -> bool {
        self.names.contains(name)
            || scope(name).is_some_and(|scope| self.scopes.contains(scope))
            || self.added.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// Adds what a private package depends on.
    pub(super) fn add(&self, names: BTreeSet<String>) {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_ADDED.saturating_sub(added.len());
        added.extend(names.into_iter().take(room));
    }

    /// How a package is asked for, whose document is at `url`.
    pub(super) fn way(&self, name: &str, url: &Url, npm: &NpmConfig, client: &Client) -> Way {
        let registry = npm.registry_for(name);
        let has_credentials = (client.config().credentials)(url).is_some();
        let named = self.is_named(name);
        match (registry == npm.registry, has_credentials) {
            (false, false) if registry.as_str() == DEFAULT_REGISTRY => Way::Public,
            (false, _) if named => Way::Private,
            (false, _) => Way::Refused,
            (true, true) => Way::PublicFirst { named },
            (true, false) => Way::Public,
        }
    }
}

/// Whether a tarball's address may be followed for a package of this registry: not where another registry of the user's is, which a
/// publisher could name to have it read.
pub(super) fn may_follow(address: &Url, registry: &Url, npm: &NpmConfig) -> bool {
    let all = npm.registries();
    let below = |one: &Url| one.origin() == address.origin() && address.path().starts_with(one.path());
    let nearest = all.iter().filter(|one| below(one)).max_by_key(|one| one.path().len());
    match nearest {
        Some(nearest) => {
            nearest == registry || below(registry) && nearest.path() == registry.path() || nearest.as_str() == DEFAULT_REGISTRY
        }
        None => address.origin() == registry.origin() || all.iter().all(|one| one.origin() != address.origin()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HttpConfig;
    use npmrc::{OsFiles, Overrides, Surroundings};

    use super::*;

    fn npm(settings: &[(&str, &str)]) -> NpmConfig {
        let cwd = std::env::temp_dir();
        let around = Surroundings { vars: std::collections::BTreeMap::default(), cwd, home: None, node: None, files: Arc::new(OsFiles) };
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        NpmConfig::load(&around, &Overrides { registry: Some("https://all.example/npm/".to_owned()), settings })
    }

    fn way(settings: &[(&str, &str)], named: &[&str], name: &str) -> Way {
        let npm = npm(settings);
        let client = Client::new(HttpConfig::from_npm(&npm, "test"));
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let url = npm.registry_for(name).join(&name.replace('/', "%2f")).unwrap();
        Access::of(named.iter()).way(name, &url, &npm, &client)
    }

    #[test]
    fn a_scope_with_a_registry_of_its_own_must_be_named() {
        let own = [("@corp:registry", "https://corp.example/")];
        assert_eq!(way(&own, &[], "@corp/secret"), Way::Refused);
        assert_eq!(way(&own, &["@corp/other"], "@corp/secret"), Way::Private);
        assert_eq!(way(&own, &["@corporation/x", "corp"], "@corp/secret"), Way::Refused);
        assert_eq!(way(&own, &[], "a"), Way::Public);
        assert_eq!(way(&[("@types:registry", DEFAULT_REGISTRY)], &[], "@types/node"), Way::Public);
    }

    #[test]
    fn credentials_for_everybodys_registry_wait_until_they_are_needed() {
        for key in ["//all.example/npm/:_authToken", "//all.example/:_auth", "//all.example/npm/@corp%2fsecret:_authToken"] {
            assert_eq!(way(&[(key, "dA==")], &[], "@corp/secret"), Way::PublicFirst { named: false }, "{key}");
            assert_eq!(way(&[(key, "dA==")], &["@corp/x"], "@corp/secret"), Way::PublicFirst { named: true }, "{key}");
        }
    }

    #[test]
    fn what_private_packages_depend_on_is_named_and_no_more() {
        let access = Access::default();
        access.add(BTreeSet::from(["@corp/b".to_owned()]));
        assert!(access.is_named("@corp/b") && !access.is_named("@corp/c"));
    }

    #[test]
    fn a_tarballs_address_leads_to_no_other_registry_of_the_users() {
        let npm = npm(&[("@corp:registry", "https://corp.example/"), ("@in:registry", "https://all.example/npm/in/")]);
        let may = |address: &str, name: &str| may_follow(&Url::parse(address).unwrap(), &npm.registry_for(name), &npm);
        assert!(may("https://all.example/npm/a/-/a-1.0.0.tgz", "a") && may("https://files.example/a.tgz", "a"));
        assert!(may("https://corp.example/@corp/x/-/x-1.0.0.tgz", "@corp/x") && may("https://all.example/files/a.tgz", "a"));
        for address in ["https://corp.example/@corp/secret/-/secret-1.0.0.tgz", "https://all.example/npm/in/@in/x/-/x-1.0.0.tgz"] {
            assert!(!may(address, "a"), "{address}");
        }
    }
}
