//! Whose credentials a build's request may use: credentials follow the project.
//!
//! In: npm's configuration, and the names that the project had before strangers' code ran. A
//! registry that a scope has for itself is asked only for scopes that the project names. Where the
//! user has credentials for the registry of everybody, a package is asked for without them first:
//! what is public needs none. What answers only to credentials is private; the project must name
//! it, or a private package that it names must depend on it. What a public package says opens
//! nothing.
//!
//! Once a build has been served a private package that is none of its publisher's own, what it asks
//! for may tell others what is in that. From then on only names are asked for that the project or a
//! package that was served before has, and tarballs at the registry's own host.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use url::Url;

use http::Client;
use npmrc::{DEFAULT_REGISTRY, NpmConfig};

/// Most names that private packages add.
const MOST_ADDED: usize = 50_000;

/// Most names that packages mention which are kept.
const MOST_MENTIONED: usize = 200_000;

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
    /// What the packages depend on that were asked for.
    mentioned: Mutex<BTreeSet<String>>,
    /// Whether the build has somebody else's private packages.
    holds_private: AtomicBool,
}

fn scope(name: &str) -> Option<&str> {
    name.starts_with('@').then(|| name.split_once('/')).flatten().map(|(scope, _)| scope)
}

impl Access {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a String>) -> Self {
        let names: BTreeSet<String> = names.cloned().collect();
        Self { scopes: names.iter().filter_map(|name| scope(name)).map(str::to_owned).collect(), names, ..Self::default() }
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

    /// Notes what a package depends on: installations ask for that next.
    pub(super) fn mention(&self, names: &BTreeSet<String>) {
        let mut mentioned = self.mentioned.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_MENTIONED.saturating_sub(mentioned.len());
        let new: Vec<&String> = names.iter().filter(|name| !mentioned.contains(*name)).take(room).collect();
        mentioned.extend(new.into_iter().cloned());
    }

    /// The build was served a private package that is none of its publisher's own.
    pub(super) fn hold_private(&self) {
        self.holds_private.store(true, Ordering::SeqCst);
    }

    /// Whether what the build asks for may tell of somebody's private packages.
    pub(super) fn holds_private(&self) -> bool {
        self.holds_private.load(Ordering::SeqCst)
    }

    /// Whether a package may be asked for: with private packages at hand only one that something
    /// names.
    pub(super) fn may_ask(&self, name: &str) -> bool {
        !self.holds_private() || self.is_named(name) || self.mentioned.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
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

/// Whether a private package is of the scope of what is judged, and of its registry: whoever
/// publishes that can read it anyway.
pub(super) fn is_of_publisher(name: &str, judged: &str, npm: &NpmConfig) -> bool {
    (name == judged || scope(name).is_some() && scope(name) == scope(judged)) && npm.registry_for(name) == npm.registry_for(judged)
}

/// Whether a tarball's address may be followed for a package of this registry: not where another
/// registry of the user's is, which a publisher could name to have it read.
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
        NpmConfig::load(&around, &Overrides { registry: Some("https://all.example/npm/".to_owned()), settings, ..Overrides::default() })
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
    fn with_private_packages_at_hand_only_what_something_names_is_asked_for() {
        let access = Access::of(["a".to_owned(), "@corp/x".to_owned()].iter());
        assert!(access.may_ask("made-of-a-secret"), "nothing private is at hand");
        access.mention(&BTreeSet::from(["b".to_owned()]));
        access.hold_private();
        assert!(access.may_ask("a") && access.may_ask("@corp/y") && access.may_ask("b"));
        assert!(!access.may_ask("made-of-a-secret") && !access.may_ask("a-b") && !access.may_ask("@other/x"));
    }

    #[test]
    fn private_packages_of_the_judged_ones_scope_and_registry_are_its_publishers() {
        let npm = npm(&[("@corp:registry", "https://corp.example/")]);
        let is_own = |name: &str, judged: &str| is_of_publisher(name, judged, &npm);
        assert!(is_own("@corp/a", "@corp/b") && is_own("a", "a"));
        assert!(!is_own("@corp/a", "b") && !is_own("a", "b") && !is_own("@corp/a", "@corporation/a"));
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
