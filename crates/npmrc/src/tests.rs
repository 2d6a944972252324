use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::env::expand;
use super::ini::{self, Value};
use super::*;

#[derive(Default)]
struct MemoryFiles {
    files: HashMap<PathBuf, String>,
    folders: HashSet<PathBuf>,
    /// Of another user.
    foreign: HashSet<PathBuf>,
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    fn is_dir(&self, path: &Path) -> bool {
        self.folders.contains(path)
    }

    fn foreign(&self, path: &Path, _: &Path) -> Option<u32> {
        self.foreign.contains(path).then_some(12345)
    }
}

/// A user `me` in `/p/sub`, with npm under `/usr`.
fn around(files: &[(&str, &str)], vars: &[(&str, &str)]) -> Surroundings {
    let files = MemoryFiles {
        files: files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect(),
        folders: files
            .iter()
            .filter_map(|(path, _)| path.strip_suffix("/node_modules/x"))
            .map(|path| PathBuf::from(path).join("node_modules"))
            .collect(),
        foreign: HashSet::new(),
    };
    Surroundings {
        vars: vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        cwd: "/p/sub".into(),
        home: Some("/home/me".into()),
        node: Some("/usr/bin/node".into()),
        files: Arc::new(files),
    }
}

fn load(files: &[(&str, &str)], vars: &[(&str, &str)]) -> NpmConfig {
    NpmConfig::load(&around(files, vars), &Overrides::default())
}

fn user(text: &str) -> NpmConfig {
    load(&[("/home/me/.npmrc", text)], &[])
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn header(config: &NpmConfig, address: &str) -> Option<String> {
    config.auth_for(&url(address)).and_then(|auth| auth.header).map(|secret| secret.expose().to_owned())
}

fn codes(config: &NpmConfig) -> Vec<&'static str> {
    config.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn ini_is_read_as_npm_reads_it() {
    let text = |text: &str| Value::Text(text.to_owned());
    let rows = [
        ("a=b", text("b")),
        ("  a  =  b  ", text("b")),
        ("a = b ; comment", text("b")),
        ("a = b # comment", text("b")),
        ("a = b \\; c \\# d \\\\ e \\f", text("b ; c # d \\ e \\f")),
        ("a = \"b ; c \\n d\"", text("b ; c \n d")),
        ("a = 'b ; c'", text("b ; c")),
        ("a = '\"b\"'", text("b")),
        ("a = \"b", text("\"b")),
        ("a = b = c", text("b = c")),
        ("a", text("true")),
        ("a =", text("")),
        ("'a' = b", text("b")),
        ("a[] = b\na[] = c\na = d", Value::List(vec!["b".into(), "c".into(), "d".into()])),
        ("a = b\na[] = c", Value::List(vec!["b".into(), "c".into()])),
        ("a = b\na = c", text("c")),
        ("; a = x\n# a = y\n\r\na = b", text("b")),
        ("a = b\n[section]\na = c", text("b")),
        ("a = b\\", text("b\\")),
    ];
    for (ini, value) in rows {
        assert_eq!(ini::parse(ini).get("a"), Some(&value), "{ini}");
    }
    assert!(ini::parse("[a]\nb = c").is_empty() && ini::parse("=x").is_empty());
}

#[test]
fn variables_are_filled_in_as_npm_does_it() {
    let vars: BTreeMap<String, String> = [("A", "1"), ("EMPTY", "")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    for (text, filled) in [
        ("${A}", "1"),
        ("x${A}y${A}", "x1y1"),
        ("${B}", "${B}"),
        ("${B?}", ""),
        ("${A?}", "1"),
        ("${EMPTY}", ""),
        ("\\${A}", "${A}"),
        ("\\\\${A}", "\\1"),
        ("\\\\\\${A}", "\\${A}"),
        ("$A", "$A"),
        ("${}", "${}"),
        ("${A", "${A"),
        ("${A${A}}", "${A1}"),
        ("\\x${A}", "\\x1"),
        ("${A:-b}", "${A:-b}"),
    ] {
        assert_eq!(expand(text, &vars), filled, "{text}");
    }
}

#[test]
fn without_any_configuration_the_canonical_registry_is_asked() {
    let config = load(&[], &[]);
    assert_eq!(config.registry.as_str(), DEFAULT_REGISTRY);
    assert_eq!((config.default_tag.as_str(), config.network.retries, config.network.strict_ssl), ("latest", 2, true));
    assert!(config.findings.is_empty());
}

#[test]
fn layers_go_from_the_command_line_down_to_what_is_built_in() {
    let files = [
        ("/usr/lib/node_modules/npm/npmrc", "registry=https://builtin.example"),
        ("/usr/etc/npmrc", "registry=https://global.example"),
        ("/home/me/.npmrc", "registry=https://user.example"),
        ("/p/sub/package.json", "{}"),
        ("/p/sub/.npmrc", "registry=https://project.example"),
    ];
    let overrides = Overrides { registry: Some("https://cli.example".into()), ..Overrides::default() };
    let env = [("npm_config_registry", "https://env.example")];
    assert_eq!(NpmConfig::load(&around(&files, &env), &overrides).registry.as_str(), "https://cli.example/");
    for (count, host) in [(5, "project"), (3, "user"), (2, "global"), (1, "builtin")] {
        assert_eq!(load(&files[..count], &[]).registry.host_str(), Some(format!("{host}.example").as_str()));
    }
    assert_eq!(load(&files, &env).registry.as_str(), "https://env.example/");
}

#[test]
fn the_environment_is_read_in_any_case_and_empty_is_nothing() {
    for name in ["npm_config_registry", "NPM_CONFIG_REGISTRY", "Npm_Config_Registry"] {
        assert_eq!(load(&[], &[(name, "https://r.example/x")]).registry.as_str(), "https://r.example/x/");
    }
    assert_eq!(load(&[], &[("npm_config_registry", "")]).registry.as_str(), DEFAULT_REGISTRY);
    assert_eq!(load(&[], &[("npm_config_fetch_retries", "7")]).network.retries, 7);
    let config = load(&[], &[("npm_config_//r.example/:_authToken", "t")]);
    assert_eq!(header(&config, "https://r.example/a").as_deref(), Some("Bearer t"));
}

#[test]
fn the_users_and_the_global_file_can_be_elsewhere() {
    let files =
        [("/x/user", "registry=https://user.example"), ("/x/global", "tag=g"), ("/pre/etc/npmrc", "tag=p"), ("/home/me/u", "tag=h")];
    assert_eq!(load(&files, &[("npm_config_userconfig", "/x/user")]).registry.host_str(), Some("user.example"));
    assert_eq!(load(&files, &[("npm_config_globalconfig", "/x/global")]).default_tag, "g");
    assert_eq!(load(&files, &[("npm_config_prefix", "/pre")]).default_tag, "p");
    assert_eq!(load(&files, &[("PREFIX", "/pre")]).default_tag, "p");
    assert_eq!(load(&files, &[("npm_config_userconfig", "~/u")]).default_tag, "h");
}

#[test]
fn a_projects_file_does_not_move_the_others() {
    let files = [
        ("/p/sub/package.json", "{}"),
        ("/p/sub/.npmrc", "userconfig=/evil\nglobalconfig=/evil\nprefix=/evil"),
        ("/evil", "tag=evil"),
        ("/evil/etc/npmrc", "tag=evil"),
    ];
    assert_eq!(load(&files, &[]).default_tag, "latest");
}

#[test]
fn the_project_is_the_nearest_folder_with_a_manifest_or_modules() {
    let tag = |files: &[(&str, &str)]| load(files, &[]).default_tag;
    let rc = [("/p/.npmrc", "tag=outer"), ("/p/sub/.npmrc", "tag=inner")];
    assert_eq!(tag(&[rc[0], rc[1], ("/p/package.json", "{}")]), "outer");
    assert_eq!(tag(&[rc[0], rc[1], ("/p/package.json", "{}"), ("/p/sub/package.json", "{}")]), "inner");
    assert_eq!(tag(&[rc[0], rc[1], ("/p/node_modules/x", "")]), "outer");
    assert_eq!(tag(&rc), "inner");
    assert_eq!(load(&[rc[1], ("/p/sub/package.json", "{}")], &[("npm_config_global", "true")]).default_tag, "latest");
}

#[test]
fn files_of_another_user_in_a_folder_above_decide_nothing() {
    let files = [
        ("/p/package.json", "{}"),
        ("/p/.npmrc", "registry=https://evil.example/\n//evil.example/:_authToken=${NPM_TOKEN}"),
        ("/p/sub/.npmrc", "registry=https://own.example/"),
        ("/home/me/.npmrc", "registry=https://corp.example/"),
    ];
    let with = |foreign: &[&str]| {
        let mut around = around(&files, &[("NPM_TOKEN", "t")]);
        around.files = Arc::new(MemoryFiles {
            files: files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect(),
            foreign: foreign.iter().map(PathBuf::from).collect(),
            ..MemoryFiles::default()
        });
        NpmConfig::load(&around, &Overrides::default())
    };
    for (foreign, registry, noted) in [
        (&[][..], "https://evil.example/", 0),
        (&["/p/.npmrc"], "https://corp.example/", 1),
        // Nor does it hide the file of the folder that is worked in.
        (&["/p/package.json"], "https://own.example/", 1),
        (&["/p/package.json", "/p/.npmrc"], "https://own.example/", 1),
        (&["/p/package.json", "/p/sub/.npmrc"], "https://corp.example/", 2),
    ] {
        let config = with(foreign);
        assert_eq!((config.registry.as_str(), codes(&config)), (registry, vec!["npmrc-foreign"; noted]), "{foreign:?}");
        assert_eq!(header(&config, "https://evil.example/x").is_some(), foreign.is_empty(), "{foreign:?}");
        assert!(config.check().is_ok());
    }
}

#[test]
fn a_workspace_belongs_to_the_folder_that_declares_it() {
    for (workspaces, tag) in [
        (r#"["*"]"#, "outer"),
        (r#"["sub"]"#, "outer"),
        (r#"["./sub/"]"#, "outer"),
        (r#"{"packages":["s*b"]}"#, "outer"),
        (r#"["**"]"#, "outer"),
        (r#"["packages/*"]"#, "inner"),
        (r#"["*","!sub"]"#, "inner"),
        (r#""*""#, "inner"),
        ("null", "inner"),
        (r#"["*/*"]"#, "inner"),
    ] {
        let manifest = format!(r#"{{"workspaces":{workspaces}}}"#);
        let files = [
            ("/p/.npmrc", "tag=outer"),
            ("/p/sub/.npmrc", "tag=inner"),
            ("/p/package.json", manifest.as_str()),
            ("/p/sub/package.json", "{}"),
        ];
        assert_eq!(load(&files, &[]).default_tag, tag, "{workspaces}");
    }
}

#[test]
fn a_scope_can_have_its_own_registry() {
    let config = user("registry=https://r.example\n@s:registry=https://s.example/npm");
    assert_eq!(config.registry_for("@s/a").as_str(), "https://s.example/npm/");
    assert_eq!(config.registry_for("@t/a").as_str(), "https://r.example/");
    assert_eq!(config.registry_for("s").as_str(), "https://r.example/");
    assert_eq!(config.registries().len(), 2);
}

#[test]
fn a_registry_that_is_no_address_is_an_error() {
    for text in ["registry=nonsense", "registry=ftp://r.example", "registry=file:///x"] {
        let config = user(text);
        assert_eq!((config.registry.as_str(), codes(&config)), (DEFAULT_REGISTRY, vec!["invalid-registry"]));
        assert!(config.check().is_err(), "the public registry does not stand in for it");
    }
    assert!(user("@s:registry=nonsense").check().is_err(), "nor for a scope's");
    let config = user("registry=https://me:s3cret@r.example/?x#y");
    assert_eq!((config.registry.as_str(), codes(&config)), ("https://r.example/", vec!["credentials-in-address"]));
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn credentials_are_looked_up_from_the_address_upwards() {
    let config =
        user("//r.example/:_authToken=root\n//r.example/a/:_authToken=a\n//r.example/a/b:_authToken=b\n//r.example:8443/:_authToken=port");
    for (address, token) in [
        ("https://r.example/x/-/x.tgz", "root"),
        ("https://r.example/", "root"),
        ("https://r.example/a/x", "a"),
        ("https://r.example/a/b/c", "b"),
        ("https://r.example/a/bc", "a"),
        ("https://r.example:443/x", "root"),
        ("https://r.example:8443/x", "port"),
    ] {
        assert_eq!(header(&config, address), Some(format!("Bearer {token}")), "{address}");
    }
    for address in ["https://other.example/", "https://x.r.example/", "https://r.example:1/", "https://r.example.evil.example/"] {
        assert_eq!(header(&config, address), None, "{address}");
    }
}

#[test]
fn every_kind_of_credential_is_understood() {
    assert_eq!(header(&user("//r.example/:_auth=bWU6cHc="), "https://r.example/").as_deref(), Some("Basic bWU6cHc="));
    for password in ["cHc=", "cHc"] {
        let config = user(&format!("//r.example/:username=me\n//r.example/:_password={password}"));
        assert_eq!(header(&config, "https://r.example/").as_deref(), Some("Basic bWU6cHc="));
    }
    assert_eq!(header(&user("//r.example/:username=me"), "https://r.example/"), None);
    let auth = user("//r.example/:certfile=~/c.pem\n//r.example/:keyfile=/k.pem").auth_for(&url("https://r.example/")).unwrap();
    assert_eq!(auth.identity, Some(ClientIdentity { certificate: "/home/me/c.pem".into(), key: "/k.pem".into() }));
    assert!(auth.header.is_none());
}

#[test]
fn a_token_can_come_from_the_environment() {
    let files = [("/home/me/.npmrc", "//r.example/:_authToken=${TOKEN}")];
    assert_eq!(header(&load(&files, &[("TOKEN", "t")]), "https://r.example/").as_deref(), Some("Bearer t"));
}

#[test]
fn credentials_do_not_go_over_plain_http_unless_the_registry_does() {
    let config = user("//r.example/:_authToken=t");
    assert_eq!(header(&config, "http://r.example/x"), None);
    let config = user("registry=http://r.example\n//r.example/:_authToken=t");
    assert_eq!(header(&config, "http://r.example/x").as_deref(), Some("Bearer t"));
}

#[test]
fn credentials_without_a_registry_are_refused() {
    for key in ["_authToken", "_auth", "_password"] {
        let config = user(&format!("{key}=s3cret"));
        assert_eq!((codes(&config), header(&config, DEFAULT_REGISTRY)), (vec!["auth-not-scoped"], None));
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}

#[test]
fn a_secret_is_never_shown() {
    let config = user("//r.example/:_authToken=s3cret");
    let auth = config.auth_for(&url("https://r.example/")).unwrap();
    let shown = format!("{config:?} {auth:?} {} {:?}", auth.header.as_ref().unwrap(), around(&[], &[("T", "s3cret")]));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn proxies_come_from_the_configuration_or_the_environment() {
    let chosen = |text: &str, vars: &[(&str, &str)], address: &str| {
        let proxy = load(&[("/home/me/.npmrc", text)], vars).network.proxies.for_url(&url(address));
        proxy.and_then(|proxy| proxy.host_str().map(str::to_owned))
    };
    let (http, https) = ("http://h.example/", "https://h.example/");
    let env = [("HTTPS_PROXY", "http://s.env:1"), ("http_proxy", "h.env:1")];
    assert_eq!(chosen("", &env, https).as_deref(), Some("s.env"));
    assert_eq!(chosen("", &env[1..], http).as_deref(), Some("h.env"));
    assert_eq!(chosen("", &env[1..], https), None);
    assert_eq!(chosen("proxy=http://p.rc:1", &env, https).as_deref(), Some("p.rc"));
    assert_eq!(chosen("proxy=http://p.rc:1\nhttps-proxy=http://s.rc:1", &env, http).as_deref(), Some("s.rc"));
    assert_eq!(chosen("proxy=null", &env, https).as_deref(), Some("s.env"));
    assert_eq!(chosen("noproxy=example", &env, https), None);
    assert_eq!(chosen("noproxy[]=x\nnoproxy[]=h.example", &env, https), None);
    assert_eq!(chosen("", &[env[0], ("NO_PROXY", ".example")], https), None);
    assert_eq!(codes(&user("proxy=gopher://x")), ["invalid-proxy"]);
}

#[test]
fn certificates_are_collected_from_every_source() {
    let files = [("/home/me/.npmrc", "ca[]=\"A\\nB\"\nca[]=C\\nD\ncafile=~/ca.pem"), ("/home/me/ca.pem", "E"), ("/n.pem", "F")];
    let config = load(&files, &[("NODE_EXTRA_CA_CERTS", "/n.pem")]);
    assert_eq!(config.network.extra_roots, ["A\nB", "C\nD", "E", "F"]);
    assert!(config.findings.is_empty());
    assert_eq!(codes(&user("cafile=/gone.pem")), ["cafile-unreadable"]);
    assert!(user("ca=null").network.extra_roots.is_empty());
}

#[test]
fn limits_of_the_network_are_read_and_bounded() {
    let network =
        user("strict-ssl=false\nfetch-retries=999\nfetch-retry-mintimeout=10\nfetch-timeout=5000\nmaxsockets=0\noffline=true").network;
    assert!(!network.strict_ssl && network.offline);
    assert_eq!((network.retries, network.max_sockets), (20, 15));
    assert_eq!(network.retry_pauses, (Some(Duration::from_millis(10)), None));
    assert_eq!(network.read_timeout, Duration::from_secs(5));
    let network = user("fetch-retries=x\nfetch-timeout=-1\nstrict-ssl=maybe").network;
    assert_eq!((network.retries, network.read_timeout, network.strict_ssl), (2, Network::READ_TIMEOUT, true));
}

#[test]
fn tarballs_of_the_canonical_registry_are_fetched_from_the_configured_one() {
    let canonical = format!("{DEFAULT_REGISTRY}a/-/a-1.0.0.tgz");
    let rows = [
        ("", canonical.as_str(), "https://m.example/npm/a/-/a-1.0.0.tgz"),
        ("", "https://other.example/a.tgz", "https://other.example/a.tgz"),
        ("never", canonical.as_str(), canonical.as_str()),
        ("always", "https://other.example/npm/a.tgz", "https://m.example/npm/a.tgz"),
        ("other.example", "https://other.example/a.tgz", "https://m.example/npm/a.tgz"),
        ("other.example", "https://other.example:1/a.tgz", "https://other.example:1/a.tgz"),
        ("https://o.example/old/path", "https://o.example/old/path/a.tgz", "https://m.example/npm/a.tgz"),
        ("https://o.example/old/path", "https://o.example/old/pathology/a.tgz", "https://o.example/old/pathology/a.tgz"),
    ];
    for (setting, published, fetched) in rows {
        let config = user(&format!(
            "registry=https://m.example/npm/\n{}",
            if setting.is_empty() { String::new() } else { format!("replace-registry-host={setting}") }
        ));
        assert_eq!(config.tarball_url(&url(published), &config.registry).as_str(), fetched, "{setting} {published}");
    }
}

#[test]
fn unknown_keys_and_broken_lines_are_passed_over() {
    let config = user("nodedir=/usr\nwhatever[]=1\n= =\n[x\n\u{0}\ntag=t");
    assert_eq!((config.default_tag.as_str(), config.findings.len()), ("t", 0));
}

#[test]
fn the_registry_that_vlt_tells_its_scripts_goes_before_every_file_and_is_no_other_programs() {
    let own = [("/home/me/.npmrc", "registry=https://own.example/")];
    let script = [("npm_lifecycle_event", "postpublish"), ("VLT_NODE_VERSION", "v22.0.0"), ("VLT_REGISTRY", "https://vlts.example/")];
    assert_eq!(load(&own, &script).registry.as_str(), "https://vlts.example/");
    assert_eq!(load(&own, &script[1..]).registry.as_str(), "https://own.example/", "no script");
    let by_npm = [&script[..], &[("npm_config_user_agent", "npm/11.0.0 node/v20.0.0")]].concat();
    assert_eq!(load(&own, &by_npm).registry.as_str(), "https://own.example/", "npm within a script of vlt");
    let told = [&script[..], &[("npm_config_registry", "https://env.example/")]].concat();
    assert_eq!(load(&own, &told).registry.as_str(), "https://env.example/", "what the user sets for npm goes first");
}

#[test]
fn the_registry_that_yarn_1_tells_its_scripts_stands_behind_every_file() {
    let asked = |agent: &str, files: &[(&str, &str)]| {
        let vars = [("npm_config_user_agent", agent), ("npm_config_registry", "https://yarns.example/")];
        load(files, &vars).registry.to_string()
    };
    let own = [("/home/me/.npmrc", "registry=https://own.example/")];
    assert_eq!(asked("yarn/1.22.22 npm/? node/v20.0.0", &own), "https://own.example/");
    assert_eq!(asked("yarn/1.22.22 npm/? node/v20.0.0", &[]), "https://yarns.example/");
    assert_eq!(asked("npm/11.0.0 node/v20.0.0", &own), "https://yarns.example/", "npm tells the one that it asks");
}

#[test]
fn no_variable_goes_to_a_host_that_only_a_strangers_file_names() {
    let project = "registry=https://evil.example/${TOKEN}/\n//evil.example/:_authToken=${TOKEN}\n//own.example/:_authToken=${TOKEN}\n//registry.npmjs.org/:_authToken=${TOKEN}\n//${TOKEN}.example/:_authToken=x\n@s:registry=https://evil.example/\n";
    let files = [("/p/package.json", "{}"), ("/p/.npmrc", project), ("/home/me/.npmrc", "@own:registry=https://own.example/\n")];
    let around = Surroundings { cwd: "/p".into(), ..around(&files, &[("TOKEN", "secret")]) };
    let load = |project| NpmConfig::load(&around, &Overrides { project, ..Overrides::default() });
    let (theirs, own) = (load(ProjectFile::OfStranger), load(ProjectFile::Own));
    let ignored = load(ProjectFile::Ignored);
    assert_eq!((ignored.registry.as_str(), header(&ignored, "https://own.example/a")), (crate::DEFAULT_REGISTRY, None));
    for (address, known) in [("https://own.example/a", true), ("https://registry.npmjs.org/a", true), ("https://evil.example/a", false)] {
        assert_eq!(header(&own, address).as_deref(), Some("Bearer secret"), "{address}, the control");
        assert_eq!(header(&theirs, address).as_deref() == Some("Bearer secret"), known, "{address}");
    }
    assert!(own.registry.as_str().contains("secret") && !theirs.registry.as_str().contains("secret"));
}
