//! Where the fuzzing starts: inputs as they are in use, those that once failed, and the words that
//! their formats are made of.

use std::path::{Path, PathBuf};

use super::targets::provenance;
use super::{ROOT, cases};

/// A target's seeds: those of its folder in `corpus`, and those that are made here.
pub(crate) fn of(target: &str) -> Vec<Vec<u8>> {
    let mut seeds = match target {
        "archive" => archives(),
        "spec" => texts(SPECS),
        "npmrc" => texts(NPMRCS),
        "address" => texts(ADDRESSES),
        "packument" => texts(PACKUMENTS),
        "provenance" => provenance::genuine(),
        _ => Vec::new(),
    };
    seeds.extend(files(&folder("corpus").join(target)).iter().map(|path| std::fs::read(path).unwrap()));
    assert!(!seeds.is_empty(), "{target} has no seeds");
    seeds
}

/// A target's words, from the file that libFuzzer reads too: each in quotes on a line of its own,
/// odd bytes as `\xNN`.
pub(crate) fn words(target: &str) -> Vec<Vec<u8>> {
    let path = folder("words").join(format!("{target}.dict"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| unquoted(line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).expect("a word in quotes"))).collect()
}

fn unquoted(word: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word;
    while let Some(c) = rest.chars().next() {
        let used = match (c, rest.get(1..2)) {
            ('\\', Some("x")) => {
                out.push(u8::from_str_radix(&rest[2..4], 16).unwrap());
                4
            }
            ('\\', Some(plain)) => {
                out.extend(plain.bytes());
                2
            }
            _ => {
                out.extend(rest[..1].bytes());
                1
            }
        };
        rest = &rest[used..];
    }
    out
}

fn folder(name: &str) -> PathBuf {
    Path::new(ROOT).join("tests/fuzz").join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// The archive cases and, where other tests have fetched them, real tarballs: each as a compressed
/// file behind the byte 1, and as the tar stream inside behind the byte 0.
fn archives() -> Vec<Vec<u8>> {
    let folder = std::env::var_os("REPRODUCE_REAL_TARBALLS")
        .map_or_else(|| Path::new(option_env!("CARGO_TARGET_TMPDIR").unwrap_or_default()).join("real-tarballs"), PathBuf::from);
    let real = files(&folder);
    let real = real.iter().map(|path| std::fs::read(path).unwrap()).filter(|bytes| bytes.len() < 8000);
    let made = cases::all().into_iter().map(|case| case.bytes).filter(|bytes| bytes.len() < 8000);
    real.chain(made).flat_map(|bytes| both_forms(&bytes)).collect()
}

fn both_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut tar = vec![0];
    let whole = std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut tar);
    let mut forms = vec![[&[1], bytes].concat()];
    if whole.is_ok() && tar.len() < 60_000 {
        forms.push(tar);
    }
    forms
}

const SPECS: &[&str] = &[
    "abc",
    "@scope/abc",
    "JSONStream",
    "abc@",
    "abc@*",
    "abc@1.2.3",
    "abc@v1.2.3",
    "abc@^1",
    "abc@1.x || >=2.5.0",
    "abc@1.2.3 - 2.0.0",
    "abc@next",
    "@s/abc@1.2.3-beta.1+build",
    "npm:abc@^1",
    "other@npm:@s/abc@1",
    "https://h.example:8443/a/-/a-1.0.0.tgz?x=1",
    "abc@https://h.example/a.tgz",
    "a.tgz",
    "./a.tgz",
    "../a.tar.gz",
    "~/a.tgz",
    "/abs/a.tgz",
    "file:a.tgz",
    "file:///abs/a.tgz",
    "C:\\a.tgz",
    "pkg:npm/abc@1.2.3",
    "pkg:npm/%40scope/abc@1.2.3?repository_url=https://h.example#x",
    "git+https://github.com/o/r.git",
    "github:o/r",
    "o/r",
    "node_modules",
    ".hidden",
    "abc@workspace:*",
    "abc@catalog:",
    "http://h.example/a.tgz",
    "@scope",
    "@scope/",
    "abc@@1",
    "abc@npm:",
    "$ABC",
    "abc def",
];
const NPMRCS: &[&str] = &[
    "registry=https://h.test/npm/\n//h.test/npm/:_authToken=secret\n",
    "@s:registry=https://h.test/a/\n//h.test/a/:_auth=dXNlcjpwYXNz\n\u{1e}registry = http://h.test:4873\n",
    "//h.test/:username=me\n//h.test/:_password=cGFzcw==\n//h.test/:always-auth=true\n//h.test/:certfile=/c.pem\n//h.test/:keyfile=/k.pem\n",
    "; comment\n# comment\nstrict-ssl=false\nproxy=http://p.test:8080\nhttps-proxy=null\nnoproxy[]=a.test\nnoproxy[]=b.test\n[section]\nregistry=x\n",
    "cache=${HOME}/c\nprefix=~/p\nregistry=${R:-https://d.test/}\n//${H}/:_authToken=${T}\n\u{1e}\u{1e}HOME=/home/me\nH=h.test\nT=t\nnpm_config_registry=https://e.test\n",
    "fetch-retries=3\nfetch-timeout=1000\nmaxsockets=x\nca[]=\"-----BEGIN CERTIFICATE-----\"\ncafile=/ca.pem\nbefore=2020-01-01\nmin-release-age=7\ntag=next\n",
    "\"registry\"=\"https://q.test\"\nkey='single'\nescaped=a\\;b\\#c ; rest\nreplace-registry-host=always\n",
    "_auth=eDp5\n_authToken=unscoped\nuser-agent=x\ngit-tag-version=false\nlocation=global\n",
];
const ADDRESSES: &[&str] = &[
    "o/r",
    "github:o/r",
    "gitlab:g/s/r",
    "bitbucket:o/r",
    "gist:0123456789abcdef0123",
    "https://github.com/o/r.git",
    "git+ssh://git@github.com:o/r.git",
    "git@github.com:o/r.git",
    "git://github.com/o/r.git#v1.0.0",
    "https://github.com/o/r/tree/main/packages/a",
    "https://x:y@z@github.com/o/r.git",
    "scm:git:https://github.com/o/r.git",
    "https/github.com/o/r",
    "git clone https://github.com/o/r.git",
    "https://gitlab.com/g/s/r/-/tree/main/a",
    "https://dev.azure.com/o/p/_git/r",
    "https://o.visualstudio.com/p/_git/r",
    "https://codeberg.org/o/r",
    "https://git.sr.ht/~o/r",
    "https://gitea.example.com:3000/o/r.git",
    "svn://svn.example.com/r",
    "https://hg.example.com/r",
    "http://localhost/r.git",
    "https://127.0.0.1/r",
    "ssh://git@git.example.com:2222/o/r.git",
    "file:///etc/passwd",
    "ext::sh -c x",
    "https://xn--bcher-kva.example/r.git",
    "https://[::1]/r.git",
    "https://0x7f.1/r.git",
    "https://www.npmjs.com/package/a",
    "https://github.com/o/r/issues",
    "https://gist.github.com/o/0123456789abcdef0123.git",
    "{\"repository\":{\"type\":\"git\",\"url\":\"git+https://github.com/o/r.git\",\"directory\":\"packages/a\"}}",
    "{\"repository\":\"o/r\",\"bugs\":{\"url\":\"https://github.com/o/r/issues\"},\"homepage\":\"https://github.com/o/r#readme\"}",
    "{\"repository\":[{\"type\":\"git\",\"url\":\"https://github.com/o/r\"}],\"homepage\":\"https://o.github.io/r\"}",
];
const PACKUMENTS: &[&str] = &[
    "{\"_id\":\"a\",\"name\":\"a\",\"dist-tags\":{\"latest\":\"1.0.1\"},\"versions\":{\"1.0.0\":{\"name\":\"a\",\"version\":\"1.0.0\",\"dist\":{\"shasum\":\"x\",\"tarball\":\"https://h.test/a/-/a-1.0.0.tgz\"}},\"1.0.1\":{\"name\":\"a\",\"version\":\"1.0.1\",\"deprecated\":\"no\",\"dist\":{\"integrity\":\"sha512-x\"}}},\"time\":{\"created\":\"2011-06-16T01:22:56.000Z\",\"modified\":\"2022-06-19T02:22:03.000Z\",\"1.0.0\":\"2011-06-16T01:22:56.100Z\",\"1.0.1\":\"2013-08-19T22:00:59.000Z\"},\"readme\":\"text\"}",
    "{\"name\":\"a\",\"time\":{\"unpublished\":{\"time\":\"2020-01-01T00:00:00.000Z\",\"versions\":[\"1.0.0\"]}}}",
    "{\"name\":\"a\",\"dist-tags\":{\"latest\":\"2.0.0\",\"next\":\"3.0.0-beta.1\"},\"versions\":{\"v1.0.0\":{},\"2.0.0\":{\"deprecated\":true},\"3.0.0-beta.1\":{\"deprecated\":\"\"},\"junk\":null}}",
    "{\"versions\":{},\"dist-tags\":{},\"time\":{}}",
    "{\"versions\":[],\"dist-tags\":null,\"time\":\"x\",\"name\":1}",
    "{\"versions\":{\"1.0.0\":{\"a\":[[[[[[[[]]]]]]]],\"b\":\"\\ud83d\\ude00\\u0000\"}},\"versions\":{\"1.0.1\":{}}}",
];
