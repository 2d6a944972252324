//! How the user is known to private git hosts.
//!
//! In: the environment, the user's `.netrc`, `http.<url>.extraHeader` and the `user:password@` of
//! `url.<base>.insteadOf` in git's configuration, and, if the user asks for them, git's credential
//! helpers. Out: what to send to one address. A credential belongs to one host. It is sent there
//! alone, only where that host does not answer without, over TLS (or on loopback), and only for the
//! repository that is judged: no submodule, no recipe of somebody else's and no build has it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use npmrc::{AllowList, Secret};

use super::config::GitConfig;
use super::helper;
use super::netrc::{self, Machine};

/// Largest `.netrc` that is read, in bytes.
const MAX_NETRC: u64 = 1 << 20;

/// A header that git's configuration has for an address.
#[derive(Debug, Clone)]
pub struct ExtraHeader {
    /// The address and all below it.
    pub base: Url,
    /// The value of `Authorization`.
    pub value: Secret,
}

/// A token of a CI system, for one server.
#[derive(Debug, Clone)]
struct Token {
    server: Url,
    value: Secret,
}

/// Everything that the user has for git hosts.
#[derive(Debug, Default)]
pub struct Credentials {
    headers: Vec<ExtraHeader>,
    identities: Vec<ExtraHeader>,
    machines: Vec<Machine>,
    tokens: Vec<Token>,
    helpers: bool,
    allowed: AllowList,
    used: Mutex<BTreeSet<String>>,
}

/// A `.netrc` that cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// The file.
    pub path: String,
    /// What the system said.
    pub reason: String,
}

impl Credentials {
    /// Takes what the environment and git's configuration have. `helpers`: ask git's credential
    /// helpers too. `allowed`: hosts and ports that the user's own configuration leads to.
    pub fn of(var: &dyn Fn(&str) -> Option<String>, config: &GitConfig, helpers: bool, allowed: AllowList) -> Self {
        let server = |name: &str, usual: Option<&str>| {
            let text = var(name).or_else(|| usual.map(str::to_owned))?;
            Url::parse(&text).ok().filter(Url::has_host)
        };
        let gitlab = || server("CI_SERVER_URL", Some("https://gitlab.com"));
        // The user names are those that the hosts' own documents tell git to use.
        let known = [
            ("GITHUB_TOKEN", "x-access-token", server("GITHUB_SERVER_URL", Some("https://github.com"))),
            ("GITLAB_TOKEN", "oauth2", gitlab()),
            // A job's token counts where the job runs, and nowhere else.
            ("CI_JOB_TOKEN", "gitlab-ci-token", server("CI_SERVER_URL", None)),
        ];
        let tokens = known.into_iter().filter_map(|(name, user, server)| Some(Token { server: server?, value: basic(user, &var(name)?) }));
        let (headers, identities) = (config.headers.clone(), config.identities.clone());
        Self { headers, identities, machines: Vec::new(), tokens: tokens.collect(), helpers, allowed, used: Mutex::default() }
    }

    /// Adds the machines of a `.netrc`; one that is not there has none.
    pub fn add_netrc(&mut self, path: &Path) -> Result<(), Unreadable> {
        use std::io::Read as _;
        let unreadable = |error: &std::io::Error| Unreadable { path: path.display().to_string(), reason: error.to_string() };
        let file = match store::at_hand::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|error| unreadable(&error))?,
        };
        let mut text = Vec::new();
        file.take(MAX_NETRC).read_to_end(&mut text).map_err(|error| unreadable(&error))?;
        self.machines = netrc::machines(&String::from_utf8_lossy(&text));
        Ok(())
    }

    /// What may be sent to this address in `Authorization`, the likeliest first. May run git and
    /// wait for it.
    pub fn for_url(&self, url: &Url) -> Vec<Secret> {
        if !is_private_way(url) {
            return Vec::new();
        }
        let Some(host) = url.host_str() else { return Vec::new() };
        let mut found: Vec<Secret> = Vec::new();
        for configured in [&self.headers, &self.identities] {
            let longest = configured.iter().filter(|header| is_below(url, &header.base)).max_by_key(|header| header.base.path().len());
            found.extend(longest.map(|header| header.value.clone()));
        }
        // A .netrc knows no ports: another one on the same host may be another user's.
        if url.port().is_none() || self.allowed.contains(url) {
            found.extend(
                self.machines.iter().filter(|one| one.host.eq_ignore_ascii_case(host)).map(|one| basic(&one.login, one.password.expose())),
            );
        }
        found.extend(self.tokens.iter().filter(|token| token.server.origin() == url.origin()).map(|token| token.value.clone()));
        if self.helpers {
            found.extend(helper::ask(url).map(|(user, password)| basic(&user, password.expose())));
        }
        found
    }

    /// Notes that a host answered for a credential alone.
    pub fn note_used(&self, url: &Url) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).extend(url.host_str().map(str::to_owned));
    }

    /// The hosts that answered for a credential alone.
    pub fn used(&self) -> Vec<String> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Whether nobody on the way can read what is sent.
fn is_private_way(url: &Url) -> bool {
    let on_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && on_loopback)
}

/// Whether an address is the base or below it, as git compares them: scheme, host and port, and
/// whole parts of the path.
fn is_below(url: &Url, base: &Url) -> bool {
    let parts = base.path().trim_end_matches('/');
    url.origin() == base.origin() && url.path().strip_prefix(parts).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) fn basic(user: &str, password: &str) -> Secret {
    Secret::new(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(credentials: &Credentials, url: &str) -> Vec<String> {
        let clear = |secret: &Secret| {
            let bytes = secret.expose().strip_prefix("Basic ").and_then(|text| STANDARD.decode(text).ok());
            bytes.map_or_else(|| secret.expose().to_owned(), |bytes| String::from_utf8(bytes).expect("text"))
        };
        credentials.for_url(&Url::parse(url).expect("an address")).iter().map(clear).collect()
    }

    fn of(vars: &[(&str, &str)]) -> Credentials {
        let var = |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Credentials::of(&var, &GitConfig::default(), false, AllowList::default())
    }

    #[test]
    fn a_token_is_for_its_own_host_and_port_over_tls() {
        let all = of(&[("GITHUB_TOKEN", "g"), ("GITLAB_TOKEN", "l"), ("CI_JOB_TOKEN", "j")]);
        assert_eq!(sent(&all, "https://github.com/a/b/info/refs"), ["x-access-token:g"]);
        assert_eq!(sent(&all, "https://gitlab.com/a/b"), ["oauth2:l"], "without CI_SERVER_URL a job's token has no host");
        for other in
            ["http://github.com/a", "https://github.com:8443/a", "https://github.com.evil.example/a", "https://evil.example/github.com"]
        {
            assert_eq!(sent(&all, other), [""; 0], "{other}");
        }
        let own = of(&[
            ("GITHUB_TOKEN", "g"),
            ("GITHUB_SERVER_URL", "https://git.corp.example"),
            ("CI_JOB_TOKEN", "j"),
            ("CI_SERVER_URL", "https://lab.example:8443"),
        ]);
        assert_eq!(sent(&own, "https://git.corp.example/a/b"), ["x-access-token:g"]);
        assert_eq!(sent(&own, "https://lab.example:8443/a/b"), ["gitlab-ci-token:j"]);
        assert_eq!(sent(&own, "https://github.com/a/b"), [""; 0]);
    }

    #[test]
    fn a_header_is_for_the_address_that_it_is_configured_for_and_what_is_below() {
        let header =
            |base: &str, value: &str| ExtraHeader { base: Url::parse(base).expect("an address"), value: Secret::new(value.into()) };
        let headers = vec![header("https://git.example/", "Bearer all"), header("https://git.example/team/", "Bearer team")];
        let identities = vec![header("https://git.example/team/", "Bearer base")];
        let config = GitConfig { headers, identities, ..GitConfig::default() };
        let credentials = Credentials::of(&|_| None, &config, false, AllowList::default());
        assert_eq!(sent(&credentials, "https://git.example/team/x/info/refs"), ["Bearer team", "Bearer base"]);
        assert_eq!(sent(&credentials, "https://git.example/teams/x"), ["Bearer all"]);
        assert_eq!(sent(&credentials, "https://other.example/team/x"), [""; 0]);
    }

    #[test]
    fn a_machine_is_for_the_usual_port_unless_the_user_leads_to_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("netrc");
        std::fs::write(&path, "machine git.example login me password p\ndefault login anybody password q\n").expect("a file");
        let mut credentials = Credentials::of(&|_| None, &GitConfig::default(), false, AllowList::parse("git.example:444"));
        credentials.add_netrc(&path).expect("readable");
        assert_eq!(sent(&credentials, "https://git.example/x"), ["me:p"]);
        assert_eq!(sent(&credentials, "https://git.example:444/x"), ["me:p"]);
        assert_eq!(sent(&credentials, "https://git.example:9999/x"), [""; 0]);
        assert_eq!(sent(&credentials, "https://other.example/x"), [""; 0], "`default` is no host");
        credentials.add_netrc(&folder.path().join("none")).expect("none is none");
        assert!(credentials.add_netrc(folder.path()).is_err(), "a folder");
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let all = of(&[("GITHUB_TOKEN", "ghp_secret")]);
        let shown = format!("{all:?}");
        assert!(!shown.contains("secret") && !shown.contains(&STANDARD.encode("x-access-token:ghp_secret")), "{shown}");
    }
}
