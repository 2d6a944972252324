//! What of the user's git configuration counts: where and how to connect, and nothing that runs a
//! program.
//!
//! `url.<base>.insteadOf`, `http.proxy`, `http.sslCAInfo` and the `Authorization` of
//! `http.<url>.extraHeader` are read from the files and variables that git itself reads (system,
//! global, `GIT_CONFIG_GLOBAL`, `GIT_CONFIG_NOSYSTEM`, `GIT_CONFIG_COUNT`); hooks, filters, aliases
//! and credential helpers never are.

use std::path::PathBuf;

use gix::bstr::ByteSlice;
use gix::config::File;

use npmrc::Secret;

use super::GitError;
use super::credentials::{self, ExtraHeader};

/// The part of git's configuration that this program follows.
#[derive(Debug, Clone, Default)]
pub struct GitConfig {
    /// `(prefix, base)`: an address that starts with `prefix` is asked at `base` instead. No base
    /// holds credentials: an address that is rewritten may be a stranger's.
    pub(super) rewrites: Vec<(String, String)>,
    /// `http.proxy`.
    pub proxy: Option<String>,
    /// `http.sslCAInfo`: a PEM file of further roots.
    pub ca_file: Option<String>,
    /// `http.<url>.extraHeader` with an `Authorization`. One without an address would go
    /// everywhere, and does not count.
    pub headers: Vec<ExtraHeader>,
    /// What stood as `user:password@` in a base of `insteadOf`.
    pub identities: Vec<ExtraHeader>,
    /// The files that it was read from, included ones too.
    pub files: Vec<PathBuf>,
}

impl GitConfig {
    /// Reads the configuration of the user that runs this process.
    pub fn load() -> Result<Self, GitError> {
        let unreadable = |error: gix::Error| GitError::Config(format!("{}{}", chain(&error), places()));
        let mut file = File::from_globals().map_err(unreadable)?;
        let overrides = File::from_environment_overrides().map_err(unreadable)?;
        file.append(overrides).map_err(unreadable)?;
        Ok(Self::from_file(&file))
    }

    /// Takes what counts out of a parsed configuration.
    pub fn from_file(file: &File) -> Self {
        let (mut rewrites, mut identities) = (Vec::new(), Vec::new());
        for section in file.sections_by_name("url").into_iter().flatten() {
            let Some(base) = section.header().subsection_name().and_then(|name| name.to_str().ok()) else { continue };
            // git would follow a base of ssh's; here it never is, so the address stays what it was
            // declared as.
            if !base.starts_with("https://") && !base.starts_with("http://") {
                continue;
            }
            identities.extend(identity(base));
            let base = without_userinfo(base);
            for prefix in section.body().values("insteadOf") {
                if let Ok(prefix) = prefix.to_str() {
                    rewrites.push((prefix.to_owned(), base.clone()));
                }
            }
        }
        let text = |key: &str| file.string(key).and_then(|value| value.to_str().ok().map(str::to_owned)).filter(|value| !value.is_empty());
        let files = file.sections().filter_map(|section| section.meta().path.clone()).collect();
        Self { rewrites, proxy: text("http.proxy"), ca_file: text("http.sslCAInfo"), headers: headers(file), identities, files }
    }

    /// The address to ask for `url`: the rule with the longest matching prefix is applied once, as
    /// git does it. The second value says whether a rule applied, which makes the address the
    /// user's own word.
    pub fn rewrite(&self, url: &str) -> (String, bool) {
        let applies = |(prefix, base): &&(String, String)| {
            url.strip_prefix(prefix.as_str()).is_some_and(|rest| keeps_host(prefix, rest) && keeps_host(base, rest))
        };
        let best = self.rewrites.iter().filter(applies).max_by_key(|(prefix, _)| prefix.len());
        match best {
            Some((prefix, base)) => (format!("{base}{}", url.get(prefix.len()..).unwrap_or_default()), true),
            None => (url.to_owned(), false),
        }
    }

    /// What the rules are, as a hash: a result counts only where the same addresses lead to the
    /// same places. `None` where there are none. No credentials are in it: who has a result could
    /// try guesses against the hash.
    pub fn fingerprint(&self) -> Option<String> {
        use sha2::Digest;
        let mut hash = sha2::Sha256::new();
        for (prefix, base) in &self.rewrites {
            hash.update(format!("{}\0{base}\0", without_userinfo(prefix)));
        }
        let digest = hash.finalize();
        let start: [u8; 8] = digest.first_chunk().copied()?;
        (!self.rewrites.is_empty()).then(|| format!("{:016x}", u64::from_be_bytes(start)))
    }

    /// The addresses that the user's own rules lead to; connecting there is allowed whatever their
    /// host is.
    pub fn bases(&self) -> impl Iterator<Item = &str> {
        self.rewrites.iter().map(|(_, base)| base.as_str())
    }
}

/// Where the `user:password@` of an address stands, as every reader of addresses splits it: up to
/// the last `@` before the path.
fn userinfo(address: &str) -> Option<std::ops::Range<usize>> {
    let start = address.find("://")? + "://".len();
    let rest = address.get(start..)?;
    let authority = rest.get(..rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()))?;
    Some(start..start + authority.rfind('@')? + 1)
}

/// An address without its `user:password@`, and otherwise letter for letter.
fn without_userinfo(address: &str) -> String {
    let mut address = address.to_owned();
    if let Some(range) = userinfo(&address) {
        address.replace_range(range, "");
    }
    address
}

/// Who the user is by the `user:password@` of a base, for the base and what is below it.
fn identity(base: &str) -> Option<ExtraHeader> {
    let with = url::Url::parse(base).ok().filter(|url| !url.username().is_empty() || url.password().is_some())?;
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let value = credentials::basic(&plain(with.username()), &plain(with.password().unwrap_or_default()));
    Some(ExtraHeader { base: url::Url::parse(&without_userinfo(base)).ok()?, value })
}

/// The headers that identify the user to an address. As in git, an empty value takes back those
/// before it.
fn headers(file: &File) -> Vec<ExtraHeader> {
    let mut headers: Vec<ExtraHeader> = Vec::new();
    for section in file.sections_by_name("http").into_iter().flatten() {
        let base = section.header().subsection_name().and_then(|name| url::Url::parse(name.to_str().ok()?).ok());
        let Some(base) = base.filter(url::Url::has_host) else { continue };
        for value in section.body().values("extraHeader") {
            match value.to_str().ok().map(str::trim) {
                Some("") => headers.retain(|header| header.base != base),
                Some(line) => headers.extend(
                    line.split_once(':')
                        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("authorization"))
                        .map(|(_, value)| ExtraHeader { base: base.clone(), value: Secret::new(value.trim().to_owned()) }),
                ),
                None => {}
            }
        }
    }
    headers
}

/// An error with all that caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Where git's configuration was looked for: gix does not say which file it could not read.
fn places() -> String {
    match std::env::var("GIT_CONFIG_GLOBAL") {
        Ok(path) if !path.is_empty() => format!(" (GIT_CONFIG_GLOBAL is {path})"),
        _ => " (in ~/.gitconfig, $XDG_CONFIG_HOME/git/config or the system's file)".to_owned(),
    }
}

/// Whether the host of an address that begins with `start` is all of `start`'s own. git applies
/// `https://host` to `https://host.example/` too: a package could then choose the host that gets
/// the credentials in the base.
fn keeps_host(start: &str, rest: &str) -> bool {
    let ends_in_host = start.split_once("://").is_some_and(|(_, after)| !after.contains('/'));
    !ends_in_host || rest.is_empty() || rest.starts_with('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> GitConfig {
        GitConfig::from_file(&File::try_from(text).expect("valid configuration"))
    }

    #[test]
    fn a_rule_that_ends_in_a_host_is_for_that_host_alone() {
        for rule in [
            "[url \"https://user:secret@github.com\"]\n insteadOf = https://github.com\n",
            "[url \"https://user:secret@github.com\"]\n insteadOf = https://github.com/\n",
            "[url \"https://user:secret@github.com\"]\n insteadOf = gh:\n",
        ] {
            for other in
                ["https://github.com.evil.example/x", "https://github.com:1/x", "https://github.com/.evil.example/x", "gh:.evil.example/x"]
            {
                let (url, _) = config(rule).rewrite(other);
                assert!(url == other || url.starts_with("https://github.com/"), "{rule} {other}: {url}");
            }
        }
        let rule = config("[url \"https://user:secret@github.com\"]\n insteadOf = https://github.com\n");
        assert_eq!(rule.rewrite("https://github.com/kit/x.git"), ("https://github.com/kit/x.git".to_owned(), true));
    }

    #[test]
    fn credentials_of_a_base_are_in_no_address_and_in_no_hash() {
        let with = |userinfo: &str| {
            config(&format!(
                "[url \"https://{userinfo}github.com/team/\"]\n insteadOf = https://{userinfo}github.com/team/\n insteadOf = gh:\n"
            ))
        };
        let sent = |config: &GitConfig| {
            use base64::Engine as _;
            let one = config.identities.first().expect("credentials");
            let bytes = base64::engine::general_purpose::STANDARD.decode(one.value.expose().trim_start_matches("Basic ")).expect("base64");
            (one.base.to_string(), String::from_utf8(bytes).expect("text"))
        };
        for (userinfo, means) in [
            ("me:hunter2@", "me:hunter2"),
            ("x-access-token:a%40b@", "x-access-token:a@b"),
            ("token@", "token:"),
            (":only@", ":only"),
            ("me:a@b@", "me:a@b"),
        ] {
            let config = with(userinfo);
            assert_eq!(config.rewrite("gh:x.git"), ("https://github.com/team/x.git".into(), true), "{userinfo}");
            assert_eq!(sent(&config), ("https://github.com/team/".into(), means.into()));
            assert_eq!(config.fingerprint(), with("").fingerprint(), "{userinfo}");
            assert!(config.bases().all(|base| !base.contains('@')), "{userinfo}");
            assert!(!format!("{:?}", config.identities).contains("hunter2"), "{userinfo}");
        }
        assert!(with("").identities.is_empty(), "the control: none are there");
        let other = config("[url \"https://github.com/other/\"]\n insteadOf = gh:\n");
        assert_ne!(other.fingerprint(), with("").fingerprint(), "the control: other rules have another hash");
        let path = config("[url \"https://github.com/a@b/\"]\n insteadOf = gh:\n");
        assert_eq!(path.rewrite("gh:x").0, "https://github.com/a@b/x", "an @ of the path is the path's");
    }

    #[test]
    fn the_longest_matching_prefix_is_rewritten() {
        let config = config(
            "[url \"http://127.0.0.1:1/\"]\n insteadOf = https://github.com/\n insteadOf = git@github.com:\n[url \"http://127.0.0.1:2/\"]\n insteadOf = https://github.com/one/\n",
        );
        assert_eq!(config.rewrite("https://github.com/two/x"), ("http://127.0.0.1:1/two/x".into(), true));
        assert_eq!(config.rewrite("https://github.com/one/x"), ("http://127.0.0.1:2/x".into(), true));
        assert_eq!(config.rewrite("git@github.com:a/b"), ("http://127.0.0.1:1/a/b".into(), true));
        assert_eq!(config.rewrite("https://gitlab.com/a/b"), ("https://gitlab.com/a/b".into(), false));
    }

    #[test]
    fn a_rule_that_leads_to_ssh_is_not_followed() {
        let config = config("[url \"git@github.com:\"]\n insteadOf = https://github.com/\n");
        assert_eq!(config.rewrite("https://github.com/a/b"), ("https://github.com/a/b".into(), false));
        assert!(config.fingerprint().is_none());
    }

    #[test]
    fn an_extra_header_identifies_the_user_to_its_own_address() {
        let config = config(
            "[http]\n extraHeader = Authorization: everywhere\n[http \"https://a.example/\"]\n extraheader = AUTHORIZATION: basic one\n extraHeader = X-Other: x\n[http \"https://b.example/\"]\n extraHeader = Authorization: two\n extraHeader =\n",
        );
        let found: Vec<(&str, &str)> = config.headers.iter().map(|header| (header.base.as_str(), header.value.expose())).collect();
        assert_eq!(found, [("https://a.example/", "basic one")]);
        assert!(!format!("{config:?}").contains("basic one"));
    }

    #[test]
    fn nothing_that_runs_a_program_is_read() {
        let config = config("[core]\n hooksPath = /x\n sshCommand = evil\n[credential]\n helper = !evil\n[http]\n proxy = http://p:1\n");
        assert_eq!(config.proxy.as_deref(), Some("http://p:1"));
        assert!(config.bases().next().is_none());
    }
}
