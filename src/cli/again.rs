//! What a command line names again where it says what to type next: without the registry or the
//! source of this run, another package would be judged.

use std::path::Path;

use verdict::{Accept, without_secrets};

use crate::options::Options;

/// The options that say what is judged and how, as they are typed, each with a space before it.
pub(super) fn given(options: &Options) -> String {
    let mut typed = String::new();
    let mut add = |flag: &str, value: &str| {
        typed.extend([" ", flag]);
        if !value.is_empty() {
            typed.extend([" ", &quoted(value)]);
        }
    };
    let texts = [
        ("--registry", &options.registry),
        ("--source", &options.source),
        ("--node", &options.node),
        ("--node-dist", &options.node_dist),
        ("--isolation", &options.isolation),
    ];
    for (flag, value) in texts {
        if let Some(value) = value {
            add(flag, &without_secrets(value));
        }
    }
    let paths = [
        ("--recipe", &options.recipe),
        ("--node-keys", &options.node_keys),
        ("--trusted-root", &options.trusted_root),
        ("--cache-dir", &options.cache_dir),
        ("--cache-file", &options.cache_file),
    ];
    for (flag, path) in paths {
        if let Some(path) = path {
            add(flag, &shown(path));
        }
    }
    if !options.strategy.is_empty() {
        add("--strategy", &options.strategy.join(","));
    }
    options.allow_hosts.iter().for_each(|host| add("--allow-host", host));
    options.toolchain.iter().for_each(|(name, folder)| add("--toolchain", &format!("{name}={}", shown(folder))));
    if let Some(seconds) = options.timeout {
        add("--timeout", &seconds.to_string());
    }
    if options.accept == Accept::Identical {
        add("--accept", "identical");
    }
    if options.git_credentials {
        add("--git-credentials", "");
    }
    typed
}

fn shown(path: &Path) -> String {
    verdict::path_without_secrets(&path.to_string_lossy())
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if word.chars().all(is_plain) {
        return word.to_owned();
    }
    // A quote ends the text in quotes, is a word by itself, and begins another.
    report::text::escape(&format!("'{}'", word.replace('\'', r"'\''"))).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_named_as_it_is_typed() {
        assert_eq!(given(&Options { force: true, no_cache: true, ..Options::default() }), "");
        let options = Options {
            registry: Some("http://me:pw@localhost:4873/".into()),
            source: Some("./it's here#v1".into()),
            strategy: vec!["npm".into(), "source".into()],
            cache_dir: Some("/tmp/c".into()),
            timeout: Some(1.5),
            accept: Accept::Identical,
            allow_hosts: vec!["a.example:443".into()],
            ..Options::default()
        };
        let expected = r" --registry http://localhost:4873/ --source './it'\''s here#v1' --cache-dir /tmp/c --strategy npm,source --allow-host a.example:443 --timeout 1.5 --accept identical";
        assert_eq!(given(&options), expected);
        assert_eq!(quoted("a\nb"), r"'a\nb'");
    }
}
