#![allow(clippy::too_many_lines, reason = "tables")]

use serde_json::{Value, json};

use verdict::diagnostic::Diagnostic as _;

use super::*;

/// Reads an address and prints it as `url [dir=…] [ref=…]`, or as its error's code.
fn read(text: &str) -> String {
    show(parse(text))
}

fn show(parsed: Result<Address, AddressError>) -> String {
    match parsed {
        Err(error) => error.code().to_owned(),
        Ok(address) => {
            let part = |name: &str, value: Option<&str>| value.map(|value| format!(" {name}={value}")).unwrap_or_default();
            format!("{}{}{}", address.url, part("dir", address.directory.as_deref()), part("ref", address.reference.as_deref()))
        }
    }
}

fn check(table: &[(&str, &str)]) {
    for (text, expected) in table {
        assert_eq!(read(text), *expected, "{text:?}");
    }
}

#[test]
fn a_repository_is_not_called_by_quotes() {
    for text in ["https://dev.azure.com/o/p/_git/'/o", "https://github.com/o/'", "https://git.example/o/\"\"/"] {
        assert!(parse(text).is_err_and(|error| error.names_nothing()), "{text}");
    }
}

#[test]
fn every_way_to_write_a_github_repository_is_one_address() {
    for text in [
        "o/r",
        " o/r ",
        "o/r/",
        "github:o/r",
        "GitHub:o/r",
        "github:o/r.git",
        "github:https://github.com/o/r",
        "github:github.com/o/r",
        "https://github.com/o/r",
        "https://github.com/o/r/",
        "https://github.com/o/r.git",
        "https://github.com/o/r.git/",
        "https://www.github.com/o/r",
        "https://GitHub.com/o/r",
        "HTTPS://github.com/o/r",
        "https://github.com./o/r",
        "https://github.com//o//r",
        "https://github.com:443/o/r.git",
        "https://user@github.com/o/r",
        "https://user:token@github.com/o/r.git",
        "https://x:y@z@github.com/o/r.git",
        "http://github.com/o/r.git",
        "git://github.com/o/r.git",
        "git://github.com:o/r.git",
        "git+https://github.com/o/r.git",
        "git+http://github.com/o/r.git",
        "git+https://git@github.com/o/r.git",
        "git+ssh://git@github.com/o/r.git",
        "git+ssh://git@github.com:o/r.git",
        "git+ssh://git@github.com:22/o/r.git",
        "git+ssh://github.com:o/r",
        "ssh://git@github.com/o/r.git",
        "ssh://git@ssh.github.com:443/o/r.git",
        "git+git://github.com/o/r",
        "git@github.com:o/r.git",
        "git@github.com:/o/r.git",
        "git@github.com/o/r.git",
        "me@github.com:o/r",
        "git:git@github.com:o/r.git",
        "git:https://github.com/o/r.git",
        "git:github.com/o/r",
        "git+https:github.com/o/r.git",
        "git+git@github.com:o/r.git",
        "scm:git:https://github.com/o/r.git",
        "github.com/o/r",
        "www.github.com/o/r",
        "github.com:o/r",
        "//github.com/o/r",
        "https//github.com/o/r",
        "https:/github.com/o/r",
        "git clone https://github.com/o/r.git",
        "<https://github.com/o/r>",
        "\"https://github.com/o/r\"",
        "https://github.com/o/r (main)",
        "https://github.com/o/r?tab=readme",
        "https://github.com/o/r#readme",
        "https://github.com/o/r#README.md",
        "https://github.com/o/r.git#semver:^1.0.0",
        "https://github.com/o/r/issues",
        "https://github.com/o/r/pull/12",
        "https://github.com/o/r/wiki",
        "https://github.com/o/r/releases",
        "https://github.com/o/r/archive/main.zip",
        "https://api.github.com/repos/o/r",
        "https://codeload.github.com/o/r/tar.gz/main",
    ] {
        assert_eq!(read(text), "https://github.com/o/r", "{text:?}");
    }
}

#[test]
fn case_and_dots_of_a_name_are_kept() {
    check(&[
        ("https://github.com/Owner/Repo.js", "https://github.com/Owner/Repo.js"),
        ("Owner/Repo.js.git", "https://github.com/Owner/Repo.js"),
        ("github:o/.github", "https://github.com/o/.github"),
        ("o/git", "https://github.com/o/git"),
    ]);
}

#[test]
fn a_page_of_a_repository_names_reference_and_folder() {
    check(&[
        ("https://github.com/o/r/tree/main/packages/a", "https://github.com/o/r dir=packages/a ref=main"),
        ("https://github.com/o/r/tree/main", "https://github.com/o/r ref=main"),
        ("https://github.com/o/r/tree/main/", "https://github.com/o/r ref=main"),
        ("https://github.com/o/r.git/tree/main/a", "https://github.com/o/r dir=a ref=main"),
        ("https://github.com/o/r/tree/", "https://github.com/o/r"),
        ("https://github.com/o/r/blob/v1/packages/a/package.json", "https://github.com/o/r dir=packages/a ref=v1"),
        ("https://github.com/o/r/blob/main/README.md", "https://github.com/o/r ref=main"),
        ("https://github.com/o/r/commit/0123abc", "https://github.com/o/r ref=0123abc"),
        ("https://github.com/o/r/releases/tag/v1.2.3", "https://github.com/o/r ref=v1.2.3"),
        ("https://github.com/o/r/releases/tag/%40s%2Fn%401.0.0", "https://github.com/o/r ref=@s/n@1.0.0"),
        ("https://github.com/o/r/tree/@s/n@1.0.0/packages/n", "https://github.com/o/r dir=packages/n ref=@s/n@1.0.0"),
        ("https://raw.githubusercontent.com/o/r/main/docs/logo.png", "https://github.com/o/r dir=docs ref=main"),
        ("o/r/tree/main/a", "https://github.com/o/r dir=a ref=main"),
        ("git+https://github.com/o/r/tree/main/a%20b", "https://github.com/o/r dir=a b ref=main"),
        ("https://gitlab.com/g/p/-/tree/main/a/b", "https://gitlab.com/g/p.git dir=a/b ref=main"),
        ("https://gitlab.com/g/p/tree/main/a", "https://gitlab.com/g/p.git dir=a ref=main"),
        ("https://gitlab.com/g/s/p/-/blob/main/a/x.js", "https://gitlab.com/g/s/p.git dir=a ref=main"),
        ("https://gitlab.com/g/p/-/issues", "https://gitlab.com/g/p.git"),
        ("https://bitbucket.org/o/r/src/main/a/b/", "https://bitbucket.org/o/r dir=a/b ref=main"),
        ("https://bitbucket.org/o/r/src/master/", "https://bitbucket.org/o/r ref=master"),
        ("https://bitbucket.org/o/r/src", "https://bitbucket.org/o/r"),
        ("https://codeberg.org/o/r/src/branch/main/a", "https://codeberg.org/o/r dir=a ref=main"),
        ("https://codeberg.org/o/r/src/tag/v1/a", "https://codeberg.org/o/r dir=a ref=v1"),
        ("https://codeberg.org/o/r/commit/abc123", "https://codeberg.org/o/r ref=abc123"),
        ("https://notabug.org/o/r/src/master/a", "https://notabug.org/o/r dir=a ref=master"),
        ("https://git.sr.ht/~u/r/tree/main/item/a/b", "https://git.sr.ht/~u/r dir=a/b ref=main"),
        ("https://git.sr.ht/~u/r/tree/main", "https://git.sr.ht/~u/r ref=main"),
        ("https://git.example.org/x/y.git/tree/main/a", "https://git.example.org/x/y.git dir=a ref=main"),
    ]);
}

#[test]
fn what_stands_behind_a_hash_is_a_reference() {
    check(&[
        ("o/r#main", "https://github.com/o/r ref=main"),
        ("github:o/r#feature/x", "https://github.com/o/r ref=feature/x"),
        ("https://github.com/o/r.git#v1.2.3", "https://github.com/o/r ref=v1.2.3"),
        ("git@github.com:o/r.git#0123abcd", "https://github.com/o/r ref=0123abcd"),
        ("o/r#semver:^1", "https://github.com/o/r"),
        ("o/r#", "https://github.com/o/r"),
        ("o/r#main&path:/packages/a", "https://github.com/o/r dir=packages/a ref=main"),
        ("o/r#path:packages/a", "https://github.com/o/r dir=packages/a"),
        ("o/r#commit=abc", "https://github.com/o/r ref=abc"),
        ("o/r#workspace=abc", "https://github.com/o/r"),
        ("o/r#--upload-pack=x", "https://github.com/o/r"),
        ("o/r#a..b", "https://github.com/o/r"),
        ("o/r#path:../x", "https://github.com/o/r"),
    ]);
}

#[test]
fn other_hosts_have_forms_of_their_own() {
    check(&[
        ("gitlab:g/p", "https://gitlab.com/g/p.git"),
        ("gitlab:g/s1/s2/p", "https://gitlab.com/g/s1/s2/p.git"),
        ("git@gitlab.com:g/s/p.git", "https://gitlab.com/g/s/p.git"),
        ("https://gitlab.com/g/s/p", "https://gitlab.com/g/s/p.git"),
        ("https://gitlab.com/g/my.git.tools", "https://gitlab.com/g/my.git.tools.git"),
        ("git@gitlab.gnome.org:G/p.git", "https://gitlab.gnome.org/G/p.git"),
        ("https://gitlab.example.com/g/s/p", "https://gitlab.example.com/g/s/p.git"),
        ("bitbucket:o/r", "https://bitbucket.org/o/r"),
        ("ssh://git@altssh.bitbucket.org:443/o/r.git", "https://bitbucket.org/o/r"),
        ("https://user@bitbucket.org/o/r.git", "https://bitbucket.org/o/r"),
        ("gist:0123456789abcdef0123", "https://gist.github.com/0123456789abcdef0123"),
        ("gist:user/0123456789abcdef0123", "https://gist.github.com/0123456789abcdef0123"),
        ("https://gist.github.com/user/0123456789abcdef0123.git", "https://gist.github.com/0123456789abcdef0123"),
        ("git@gist.github.com:0123456789abcdef0123.git", "https://gist.github.com/0123456789abcdef0123"),
        ("gist:11081aaa281", "https://gist.github.com/11081aaa281"),
        ("https://codeberg.org/o/r.git", "https://codeberg.org/o/r"),
        ("ssh://git@codeberg.org/o/r.git", "https://codeberg.org/o/r"),
        ("codeberg:o/r", "https://codeberg.org/o/r"),
        ("https://git.sr.ht/~u/r", "https://git.sr.ht/~u/r"),
        ("sourcehut:~u/r", "https://git.sr.ht/~u/r"),
        ("git@git.sr.ht:~u/r", "https://git.sr.ht/~u/r"),
        ("https://sr.ht/~u/r", "https://git.sr.ht/~u/r"),
        ("https://dev.azure.com/org/proj/_git/repo", "https://dev.azure.com/org/proj/_git/repo"),
        ("https://org@dev.azure.com/org/proj/_git/repo", "https://dev.azure.com/org/proj/_git/repo"),
        ("https://dev.azure.com/org/My%20Project/_git/repo", "https://dev.azure.com/org/My%20Project/_git/repo"),
        ("https://dev.azure.com/org/_git/repo", "https://dev.azure.com/org/repo/_git/repo"),
        ("git@ssh.dev.azure.com:v3/org/proj/repo", "https://dev.azure.com/org/proj/_git/repo"),
        ("https://org.visualstudio.com/proj/_git/repo", "https://dev.azure.com/org/proj/_git/repo"),
        ("https://org.visualstudio.com/DefaultCollection/proj/_git/repo", "https://dev.azure.com/org/proj/_git/repo"),
        ("org@vs-ssh.visualstudio.com:v3/org/proj/repo", "https://dev.azure.com/org/proj/_git/repo"),
        ("https://dev.azure.com/org/proj/_git/repo?path=/a/b&version=GBmain", "https://dev.azure.com/org/proj/_git/repo dir=a/b ref=main"),
        ("https://chromium.googlesource.com/a/b/+/refs/heads/main/x", "https://chromium.googlesource.com/a/b"),
        ("git://git.savannah.gnu.org/foo.git", "https://git.savannah.gnu.org/foo.git"),
    ]);
}

#[test]
fn any_git_host_is_taken_with_the_scheme_that_was_declared() {
    check(&[
        ("https://git.example.org/x/y/z.git", "https://git.example.org/x/y/z.git"),
        ("git+https://git.example.org/x.git", "https://git.example.org/x.git"),
        ("http://git.example.org:8080/x.git", "http://git.example.org:8080/x.git"),
        ("git://git.example.org/x.git", "git://git.example.org/x.git"),
        ("git.example.org/x/y", "https://git.example.org/x/y"),
        ("git.example.org:3000/x/y", "https://git.example.org:3000/x/y"),
        ("https://git.example.org/foo/", "https://git.example.org/foo"),
        ("https://user:pw@git.example.org/x.git", "https://git.example.org/x.git"),
        ("https://8.8.8.8/x.git", "https://8.8.8.8/x.git"),
        ("https://bücher.example/x.git", "https://xn--bcher-kva.example/x.git"),
    ]);
    assert_eq!(parse("git://git.example.org/x.git").unwrap().https().as_deref(), Some("https://git.example.org/x.git"));
    assert_eq!(parse("http://git.example.org/x.git").unwrap().https().as_deref(), Some("https://git.example.org/x.git"));
    assert_eq!(parse("http://git.example.org:81/x.git").unwrap().https(), None);
    assert_eq!(parse("o/r").unwrap().https(), None);
}

#[test]
fn what_is_not_git_is_named() {
    check(&[
        ("svn://example.org/x", "repository-not-git"),
        ("svn+ssh://example.org/x", "repository-not-git"),
        ("hg+https://example.org/x", "repository-not-git"),
        ("https://hg.sr.ht/~u/r", "repository-not-git"),
        ("https://svn.example.org/x", "repository-not-git"),
        ("bzr://example.org/x", "repository-not-git"),
        ("lp:project", "repository-not-git"),
        ("scm:svn:https://example.org/x", "repository-not-git"),
    ]);
}

#[test]
fn other_schemes_are_refused() {
    check(&[
        ("javascript:alert(1)", "repository-scheme-refused"),
        ("data:text/plain,x", "repository-scheme-refused"),
        ("ftp://example.org/x.git", "repository-scheme-refused"),
        ("ext::sh%20-c%20x", "repository-scheme-refused"),
        ("ext::https://github.com/o/r", "repository-scheme-refused"),
        ("npm:left-pad@1", "repository-scheme-refused"),
        ("rad:z3gqcJUoA1n9HaHKufZs5FCSGazv5", "repository-scheme-refused"),
        ("file:///etc", "repository-local-path"),
        ("git+file:///etc", "repository-local-path"),
        ("file:../x", "repository-local-path"),
        ("./x", "repository-local-path"),
        ("../x/y", "repository-local-path"),
        ("/etc/passwd", "repository-local-path"),
        ("~/code/x", "repository-local-path"),
        ("C:\\code\\x", "repository-local-path"),
        ("c:/code/x", "repository-local-path"),
        ("\\\\server\\share", "repository-local-path"),
        ("ssh://git@git.example.org/x.git", "repository-ssh-refused"),
        ("git+ssh://git.example.org:2222/x.git", "repository-ssh-refused"),
        ("git@git.example.org:x/y.git", "repository-ssh-refused"),
        ("git@gitlab.example.com:g/p.git", "repository-ssh-refused"),
    ]);
}

#[test]
fn private_hosts_are_refused_however_they_are_spelled() {
    for text in [
        "http://localhost/x.git",
        "http://LOCALHOST:8080/x.git",
        "http://a.localhost/x.git",
        "https://127.0.0.1/x.git",
        "https://127.1/x.git",
        "https://2130706433/x.git",
        "https://0x7f.0.0.1/x.git",
        "https://0177.0.0.1/x.git",
        "https://127.0.0.1./x.git",
        "https://localhost./x.git",
        "https://0.0.0.0/x.git",
        "https://10.1.2.3/x.git",
        "https://172.16.0.1/x.git",
        "https://192.168.1.1/x.git",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/x.git",
        "https://[::1]/x.git",
        "https://[::ffff:127.0.0.1]/x.git",
        "https://[fe80::1]:8080/x.git",
        "https://[fd00::1]/x.git",
        "https://[64:ff9b::7f00:1]/x.git",
        "https://[2002:7f00:1::]/x.git",
        "https://intranet/x.git",
        "https://git.corp/x.git",
        "https://git.internal/x.git",
        "https://printer.local/x.git",
        "git@localhost:x/y.git",
        "https://user@127.0.0.1/x.git",
        "https://github.com@127.0.0.1/o/r.git",
        "https://１２７.0.0.1/x.git",
    ] {
        assert_eq!(read(text), "repository-host-refused", "{text:?}");
    }
}

#[test]
fn the_users_configuration_opens_what_is_refused_otherwise() {
    let led = |text: &str| {
        text.starts_with("http://127.0.0.1:8080/") || text.starts_with("git@git.example.org:") || text.starts_with("ssh://git.example.org/")
    };
    let read = |text: &str| show(parse_with(text, &led));
    assert_eq!(read("http://127.0.0.1:8080/x.git"), "http://127.0.0.1:8080/x.git");
    assert_eq!(read("git+http://127.0.0.1:8080/x.git#v1"), "http://127.0.0.1:8080/x.git ref=v1");
    assert_eq!(read("http://127.0.0.1:8081/x.git"), "repository-host-refused");
    assert_eq!(read("git@git.example.org:x/y.git"), "ssh://git.example.org/x/y.git");
    assert_eq!(read("git@git.example.com:x/y.git"), "repository-ssh-refused");
    assert_eq!(read("file:///x"), "repository-local-path");
}

#[test]
fn what_names_no_repository_is_unreadable() {
    for text in [
        "TODO",
        "none",
        "n/a/b",
        "my repository",
        "https://",
        "https:///",
        "git@",
        "git@:x/y",
        "github:",
        "github:o",
        "https://github.com",
        "https://github.com/o",
        "https://github.com/orgs/o/repositories",
        "https://github.com/sponsors/x",
        "https://github.com/-o/r",
        "https://github.com/o/-r",
        "https://github.com/o.p/r",
        "https://github.com/o/r$x",
        "https://github.com/../r",
        "https://github.com/o/%2e%2e",
        "@scope/name",
        "https://gitlab.com/g",
        "https://gitlab.com/groups/x/y",
        "https://git.sr.ht/u/r",
        "https://dev.azure.com/org/proj",
        "https://www.npmjs.com/package/x",
        "https://example.org",
        "https://exa mple.org/x",
        "https://example.org:99999/x",
        "https://localhost../x",
        "https://ex+ample.org/x",
        "https://github.com/o/r https://github.com/p/q",
        "https://https://https://https://https://x.org/y",
    ] {
        assert_eq!(read(text), "repository-unreadable", "{text:?}");
    }
}

#[test]
fn characters_that_hide_what_an_address_says_are_refused() {
    for text in [
        "https://github.com/o/r\u{0}",
        "https://git\u{200b}hub.com/o/r",
        "o/\u{202e}r",
        "https://a\nb.org/x",
        "https://github.com\\@evil.example/x",
        "o/r#\u{7}",
    ] {
        assert_eq!(read(text), "repository-bad-character", "{text:?}");
    }
    assert_eq!(read("\u{1b}[31mo/r"), "repository-bad-character");
    assert_eq!(read(&format!("https://github.com/o/{}", "r".repeat(3000))), "repository-too-long");
}

#[test]
fn messages_show_hidden_characters() {
    let message = parse("o/\u{202e}r").unwrap_err().to_string();
    assert!(message.contains("\\u{202e}") && !message.contains('\u{202e}'), "{message}");
    assert!(parse(&format!("a b {}", "x".repeat(1500))).unwrap_err().to_string().len() < 400);
}

fn from(manifest: &Value) -> String {
    match declared(manifest) {
        Ok(None) => "none".to_owned(),
        Err(error) => error.code().to_owned(),
        Ok(Some(found)) => {
            let ignored = found.ignored.iter().fold(String::new(), |list, error| list + " ignored=" + error.code());
            format!("{:?} {}{ignored}", found.from, show(Ok(found.address)))
        }
    }
}

#[test]
fn repository_is_read_in_all_its_shapes() {
    for (repository, expected) in [
        (json!("o/r"), "Repository https://github.com/o/r"),
        (json!({"type": "git", "url": "git+https://github.com/o/r.git"}), "Repository https://github.com/o/r"),
        (json!({"url": "o/r", "directory": "packages/a"}), "Repository https://github.com/o/r dir=packages/a"),
        (json!({"url": "https://github.com/o/r/tree/main/b", "directory": "a"}), "Repository https://github.com/o/r dir=a ref=main"),
        (json!({"url": "https://github.com/o/r/tree/main/b", "directory": ""}), "Repository https://github.com/o/r dir=b ref=main"),
        (json!({"url": "o/r", "directory": "../x"}), "Repository https://github.com/o/r ignored=repository-directory-refused"),
        (json!({"url": "o/r", "directory": 5}), "Repository https://github.com/o/r"),
        (json!([{"type": "git", "url": "o/r"}]), "Repository https://github.com/o/r"),
        (json!(["TODO", "o/r"]), "Repository https://github.com/o/r"),
        (json!([]), "none"),
        (json!({"type": "svn", "url": "https://example.org/svn/x"}), "repository-not-git"),
        (json!({"type": "hg", "url": "https://github.com/o/r"}), "Repository https://github.com/o/r"),
        (json!({"type": "GitHub", "url": "o/r"}), "Repository https://github.com/o/r"),
        (json!({"type": "git"}), "none"),
        (json!({"type": "git", "url": ""}), "none"),
        (json!({"url": {"x": 1}}), "repository-unreadable"),
        (json!(""), "none"),
        (json!(null), "none"),
        (json!(false), "none"),
        (json!(5), "repository-unreadable"),
        (json!([5, [["o/r"]]]), "repository-unreadable"),
    ] {
        assert_eq!(from(&json!({"repository": repository})), expected, "{repository}");
    }
    assert_eq!(from(&json!({"repositories": [{"url": "o/r"}]})), "Repository https://github.com/o/r");
    assert_eq!(from(&json!({})), "none");
    assert_eq!(from(&json!("text")), "none");
}

#[test]
fn home_page_and_issue_tracker_help_where_repository_names_nothing() {
    for (manifest, expected) in [
        (json!({"homepage": "https://github.com/o/r#readme"}), "Homepage https://github.com/o/r"),
        (json!({"homepage": "https://github.com/o/r/tree/main/packages/a#readme"}), "Homepage https://github.com/o/r dir=packages/a"),
        (json!({"homepage": "https://example.org/x"}), "none"),
        (json!({"homepage": "https://gitlab.example.org/x/y"}), "none"),
        (json!({"homepage": "docs/index.html"}), "none"),
        (json!({"homepage": "https://o.github.io/r"}), "none"),
        (json!({"bugs": {"url": "https://github.com/o/r/issues"}}), "Bugs https://github.com/o/r"),
        (json!({"bugs": "https://gitlab.com/g/s/p/-/issues"}), "Bugs https://gitlab.com/g/s/p.git"),
        (json!({"bugs": {"email": "a@b.c"}}), "none"),
        (json!({"bugs": "mailto:a@github.com"}), "none"),
        (json!({"homepage": "https://github.com/o/h", "bugs": "https://github.com/o/b/issues"}), "Homepage https://github.com/o/h"),
        (
            json!({"repository": "TODO", "homepage": "https://github.com/o/h"}),
            "Homepage https://github.com/o/h ignored=repository-unreadable",
        ),
        (
            json!({"repository": "https://github.com/o", "bugs": "https://github.com/o/b/issues"}),
            "Bugs https://github.com/o/b ignored=repository-unreadable",
        ),
        (json!({"repository": "", "homepage": "https://github.com/o/h"}), "Homepage https://github.com/o/h"),
        (json!({"repository": "file:///x", "homepage": "https://github.com/o/h"}), "repository-local-path"),
        (json!({"repository": "svn://x.org/y", "homepage": "https://github.com/o/h"}), "repository-not-git"),
        (json!({"repository": "https://10.0.0.1/y", "homepage": "https://github.com/o/h"}), "repository-host-refused"),
        (json!({"repository": "TODO"}), "repository-unreadable"),
    ] {
        assert_eq!(from(&manifest), expected, "{manifest}");
    }
}

#[test]
fn one_repository_is_the_same_however_it_is_named() {
    for (a, b, same) in [
        ("o/r", "git@github.com:O/R.git", true),
        ("https://gitlab.com/G/p", "gitlab:g/P", true),
        ("https://git.example.org/x.git", "http://git.example.org/x", true),
        ("https://git.example.org/x.git", "git://www.git.example.org/x/", true),
        ("https://git.example.org/x.git", "https://git.example.org/X.git", false),
        ("https://git.example.org/x.git", "https://git.example.org:8443/x.git", false),
        ("https://git.sr.ht/~u/r", "https://git.sr.ht/~u/R", false),
        ("o/r", "gitlab:o/r", false),
        ("o/r", "o/r2", false),
        ("o/r#a", "o/r/tree/b/c", true),
        ("https://org.visualstudio.com/P/_git/r", "git@ssh.dev.azure.com:v3/org/p/r", true),
    ] {
        assert_eq!(same_repository(&parse(a).unwrap(), &parse(b).unwrap()), same, "{a} and {b}");
    }
}

/// A small generator with a fixed seed (xorshift64*): the same strings in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
    }
}

#[test]
fn no_text_makes_the_reader_panic_or_yields_an_unsafe_address() {
    const PIECES: [&str; 64] = [
        "https://",
        "http:",
        "git+",
        "git://",
        "git@",
        "ssh://",
        "github.com",
        "gitlab.com",
        "bitbucket.org",
        "git.sr.ht",
        "dev.azure.com",
        ":",
        "/",
        "//",
        "@",
        "#",
        "?",
        "%",
        "%2e",
        "%00",
        "..",
        ".",
        ".git",
        "~",
        "tree",
        "blob",
        "-",
        "_git",
        "src",
        "main",
        "o",
        "r",
        "\\",
        " ",
        "\t",
        "\n",
        "\0",
        "\u{202e}",
        "é",
        "名",
        "[",
        "]",
        "::1",
        "127.0.0.1",
        "0x7f",
        "localhost",
        "file:",
        "ext::",
        "svn",
        "hg",
        "gist:",
        "github:",
        "semver:",
        "&path:",
        "=",
        "v3",
        "visualstudio.com",
        "22",
        "99999",
        "<",
        ">",
        "\"",
        "item",
        "🎉",
    ];
    let mut random = Random(0x5eed);
    let mut read_as_address = 0;
    for _ in 0..100_000 {
        // Every other text begins well, or few would come past the host.
        let start = ["", "https://github.com/o/", "", "git+ssh://git@gitlab.com:g/", "", "x.example.org/", "", "https://dev.azure.com/a/"]
            [random.below(8)];
        let text = start.to_owned() + &(0..random.below(12)).map(|_| PIECES[random.below(PIECES.len())]).collect::<String>();
        let _ = from_homepage(&text);
        let _ = declared(&json!({"repository": {"url": text, "directory": text}}));
        if let Ok(address) = parse(&text) {
            read_as_address += 1;
            let url = url::Url::parse(&address.url).unwrap();
            assert!(matches!(url.scheme(), "https" | "http" | "git"), "{text:?}: {url}");
            assert_eq!(url.host_str(), Some(address.host.as_str()), "{text:?}");
            assert!(address.host.contains('.') && !address.host.ends_with(".localhost") && url.domain().is_some(), "{text:?}: {url}");
            assert!(url.username().is_empty() && url.password().is_none(), "{text:?}: {url}");
            assert!(!address.path.split('/').any(|part| part == ".." || part.is_empty()), "{text:?}: {}", address.path);
            let directory = address.directory.clone().unwrap_or_default();
            assert!(!directory.starts_with('/') && !directory.split('/').any(|part| part == ".."), "{text:?}: {directory}");
            assert_eq!(
                parse(&address.url).map(|again| (again.url, again.path)),
                Ok((address.url.clone(), address.path.clone())),
                "{text:?}"
            );
        }
    }
    assert!(read_as_address > 1000, "the generator reaches the readers of hosts: {read_as_address}");
}

#[test]
fn the_longest_texts_are_read_without_overflow() {
    for piece in ["https://", "git:", "github:", "a/", "@", ":", "%25", "tree/", "-/", ".git/", "[", "#", "scm:"] {
        for start in ["", "https://gitlab.com/g/p/", "o/r/tree/main/", "o/r#"] {
            let text: String = start.chars().chain(piece.chars().cycle()).take(MAX_TEXT).collect();
            if let Ok(address) = parse(&text) {
                assert!(address.url.len() <= text.len() + 16, "{text:?}: {}", address.url);
            }
        }
    }
}
