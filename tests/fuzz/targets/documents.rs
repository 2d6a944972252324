//! Documents that a later run or another user is handed: recipes, statements, stored results; and
//! what is signed.

use std::sync::LazyLock;

use npm_pack::era;
use npm_pack::rewrite::{self, Workspace};
use npm_registry::provenance::Roots;
use npm_toolchain::{KeyRing, shasums};
use recipe::Recipe;
use report::statement::bundle::Identity;
use report::statement::envelope::{Checker, EnvelopeError};
use report::statement::read::{Stated, Trust, open};
use serde_json::Value;
use serde_json::value::RawValue;
use store::{CacheError, Results};

use super::text;

/// A recipe, or a result that has one.
pub(crate) fn recipe(input: &[u8]) -> String {
    let recipe = match Recipe::from_json(input) {
        Ok(recipe) => recipe,
        Err(error) => return error.to_string().chars().take(40).collect(),
    };
    let again = serde_json::to_vec(&recipe).unwrap();
    let same = Recipe::from_json(&again).unwrap();
    assert_eq!(serde_json::to_vec(&same).unwrap(), again, "a recipe that was read is read again as itself");
    let build = recipe.build.as_ref();
    let steps = build.map(|build| build.steps.as_slice()).unwrap_or_default();
    let mut folders = vec![&recipe.directory];
    folders.extend(steps.iter().map(|step| &step.directory));
    folders.extend(recipe.submodules.iter().chain(build.iter().flat_map(|build| build.restored.iter().chain(&build.packed))));
    for folder in folders {
        let inside = folder.is_empty() || folder.split('/').all(|part| !matches!(part, "" | "." | ".."));
        assert!(inside && !folder.contains('\0'), "{folder:?}");
    }
    for word in steps.iter().flat_map(|step| &step.command) {
        assert!(!word.contains('\0'), "{word:?}");
    }
    format!("{:?} {} {}", recipe.strategy, steps.len().min(4), recipe.tarball.is_some())
}

/// The key of the seeds, and what it has signed: this and nothing else.
static CHECKER: LazyLock<Checker> = LazyLock::new(|| Checker::read(include_bytes!("../keys/statement.pem")).unwrap());
const SUBJECT: &str = "pkg:npm/signed@1.0.0";

/// Somebody who has signed nothing; a seed has a real bundle, of somebody else.
static SIGNER: LazyLock<(Identity, Roots)> = LazyLock::new(|| {
    let identity = Identity {
        name: "https://github.com/nobody/nothing/.github/workflows/w.yml@refs/heads/main".into(),
        issuer: "https://gitlab.com".into(),
    };
    (identity, Roots::embedded().unwrap())
});

/// A statement, in an envelope, in a bundle or without either.
pub(crate) fn statement(input: &[u8]) -> String {
    let code = |error: EnvelopeError| error.to_string().chars().take(60).collect::<String>();
    let unsigned = open(input, Trust::Unsigned);
    if let Ok(stated) = &unsigned {
        assert!(stated.key_id.is_none(), "nobody signed it");
        let value: Value = serde_json::from_slice(input).unwrap();
        let predicate = &value["predicate"];
        assert_eq!(predicate["verificationResult"] == "PASSED", stated.reproduced);
        assert_eq!(value["subject"].as_array().unwrap().len(), 1);
        let by_user = value.to_string().contains("\"recipe\":\"");
        let options = predicate.as_object().unwrap().values().find_map(|one| one.pointer("/buildDefinition/externalParameters/options"));
        assert!(!by_user || options.unwrap()["recipe"].is_null(), "it rests on a user's commands");
        let other = stated.is_about("another", "1.0.0", "sha512-AAAA", "00");
        assert!(other.is_err());
    }
    let signed = open(input, Trust::Key(&CHECKER));
    if let Ok(stated) = &signed {
        assert_eq!((stated.subject.as_str(), stated.key_id.as_deref()), (SUBJECT, Some(CHECKER.id.as_str())), "a forged statement");
        assert!(stated.reproduced);
    }
    let certified = open(input, Trust::Identity(&SIGNER.0, &SIGNER.1));
    assert!(certified.is_err(), "a forged bundle");
    let said = |stated: Result<Stated, EnvelopeError>| stated.map(|stated| stated.verdict).map_err(code);
    format!("{:?} {:?} {:?}", said(unsigned), said(signed), said(certified))
}

/// A file of results: read, added to, and read again.
pub(crate) fn results(input: &[u8]) -> String {
    let folder = tempfile::tempdir_in(super::memory_disk()).unwrap();
    let path = folder.path().join("results.json");
    std::fs::write(&path, input).unwrap();
    let results = Results::at(&path);
    let before = results.all();
    let keys: Vec<String> = before.iter().flatten().map(|(key, _)| key.clone()).collect();
    for key in keys.iter().take(20) {
        let of_all = before.iter().flatten().find(|(own, _)| own == key).map(|(_, value)| compact(value));
        let alone = results.get(key).unwrap().map(|value| compact(&value));
        let is_once = keys.iter().filter(|own| *own == key).count() == 1;
        assert!(!is_once || alone == of_all, "{key:?}: {alone:?}, and with all others {of_all:?}");
    }
    let new = RawValue::from_string("{\"new\":[1,\"\\u00e9\\n\"]}".to_owned()).unwrap();
    let written = match results.put("a@1.0.0", &new) {
        Ok(written) => written,
        Err(error) => {
            assert_eq!(std::fs::read(&path).unwrap(), input, "a write that failed changed the file: {error}");
            return format!("{:?} {}", counted(&before), code(&error));
        }
    };
    assert_eq!(results.get("a@1.0.0").unwrap().map(|value| compact(&value)), Some(compact(&new)));
    let after = results.all().unwrap();
    if let Some(moved) = written.moved_aside {
        assert_eq!(std::fs::read(moved).unwrap(), input);
        assert_eq!(after.len(), 1);
    } else {
        let kept = before.as_ref().unwrap().iter().filter(|(key, _)| key != "a@1.0.0");
        let kept: Vec<_> = kept.map(|(key, value)| (key.clone(), compact(value))).collect();
        let last = after.len() - 1;
        let now: Vec<_> = after[..last].iter().map(|(key, value)| (key.clone(), compact(value))).collect();
        assert_eq!(now, kept, "the others stay");
    }
    let _ = results.remove(&["a@1.0.0"]).unwrap();
    assert!(results.get("a@1.0.0").unwrap().is_none());
    format!("{:?}", counted(&before))
}

fn counted<T>(all: &Result<Vec<T>, CacheError>) -> Result<usize, &'static str> {
    all.as_ref().map(|all| all.len().min(3)).map_err(code)
}

fn compact(value: &RawValue) -> Value {
    serde_json::from_str(value.get()).unwrap_or_else(|_| Value::from(value.get()))
}

fn code(error: &CacheError) -> &'static str {
    verdict::diagnostic::Diagnostic::code(error)
}

static KEYS: LazyLock<KeyRing> = LazyLock::new(|| KeyRing::read(include_bytes!("../keys/openpgp.asc")).unwrap());
const SIGNED: &str = include_str!("../keys/SHASUMS256.txt");
const FILE: &str = "node-v20.0.0-linux-x64.tar.gz";
/// 2026-01-01.
const NOW: u32 = 1_767_225_600;

/// How the rest is read, and keys, a signed text or a signature.
pub(crate) fn openpgp(input: &[u8]) -> String {
    let Some((how, rest)) = input.split_first() else { return String::new() };
    let cut = |error: String| error.chars().take(40).collect::<String>();
    let whole = |text: &str| text.lines().map(str::trim_end).map(str::to_owned).collect::<Vec<_>>();
    match how % 4 {
        0 => match KeyRing::read(rest) {
            Ok(keys) => {
                assert_eq!(keys.digest().len(), 64);
                let clear = keys.clear(include_str!("../keys/SHASUMS256.txt.asc"), NOW);
                if let Ok((text, _)) = &clear {
                    assert_eq!(whole(text), whole(SIGNED));
                }
                format!("keys {:?}", clear.map(|(_, signer)| signer.name.is_some()).map_err(cut))
            }
            Err(error) => cut(error),
        },
        1 => match KEYS.clear(&text(rest), NOW) {
            Ok((text, signer)) => {
                assert_eq!(whole(&text), whole(SIGNED), "a text that nobody signed");
                format!("clear {signer:?}")
            }
            Err(error) => cut(error),
        },
        2 => match KEYS.detached(rest, SIGNED.as_bytes(), NOW) {
            Ok(signer) => {
                // The same signature counts for no other text.
                assert!(KEYS.detached(rest, format!("{SIGNED} ").as_bytes(), NOW).is_err());
                format!("detached {signer:?}")
            }
            Err(error) => cut(error),
        },
        _ => {
            let text = text(rest);
            let found = shasums::of(&text, FILE);
            if let Ok(Some(hash)) = found {
                assert!(hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
                let own = |line: &&str| line.ends_with(&format!(" {FILE}")) || line.ends_with(&format!("*{FILE}"));
                let lines: Vec<&str> = text.lines().filter(own).collect();
                assert!(lines.iter().any(|line| line.starts_with(hash)), "{hash} stands nowhere");
            }
            format!("{found:?}").chars().take(50).collect()
        }
    }
}

/// Which client, and a package.json that it publishes.
pub(crate) fn manifest(input: &[u8]) -> String {
    let Some((which, manifest)) = input.split_first() else { return String::new() };
    let era = &era::ALL[usize::from(*which) % era::ALL.len()];
    let workspace = Workspace::new("1.0.0", "0123456789012345678901234567890123456789", "");
    let all = rewrite::candidates(era, manifest, &workspace);
    for one in &all {
        let again = rewrite::by_name(era, manifest, &workspace, &one.name);
        let again = again.unwrap_or_else(|| panic!("{}: {} is not made again", era.id, one.name));
        assert_eq!(text(&again.manifest), text(&one.manifest), "{}: {} is another one", era.id, one.name);
        let is_json = serde_json::from_slice::<Value>(one.manifest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&one.manifest)).is_ok();
        assert!(is_json || one.manifest == manifest, "{}: {} is no JSON", era.id, one.name);
    }
    let names: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
    format!("{} {names:?}", era.id)
}
