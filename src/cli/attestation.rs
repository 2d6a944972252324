//! `--verify-attestation`: is a statement signed with this key, and is it about the tarball that
//! the registry serves now?

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use npm_spec::{PackageName, Spec, Target};
use report::answer::Answer;
use report::json::SCHEMA_VERSION;
use report::statement::envelope::EnvelopeError;
use report::statement::read::{self, Stated, Trust};
use report::text::escape;
use verdict::Failed;
use verdict::diagnostic::{Diagnostic, Stage};

use super::arguments::Arguments;
use super::output::Output;
use super::{UNDECIDED, documents, interrupted, signing, written};
use crate::session;

/// The answer of the command, under `--json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    schema_version: u32,
    reproduce_version: &'static str,
    attestation: Stated,
    /// Where the tarball is that the statement is about.
    location: String,
    integrity: String,
    /// What the registry serves, where the tarball is not the registry's own answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<Served>,
}

/// What the registry serves as the version that a statement names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Served {
    /// Whether it is the tarball that the statement is about; null where that is not known.
    is_same: Option<bool>,
    /// The hash of what is served.
    integrity: Option<String>,
    /// Why it is not known.
    reason: Option<String>,
}

/// Runs the command. The exit code is that of the stated result: 0 only where a statement that
/// holds says "reproduced"; 1 also where the signature or the subject does not hold; 2 where it
/// could not be checked.
pub(super) async fn run(file: &Path, arguments: &Arguments, out: &Output, cancelled: &Arc<AtomicBool>) -> u8 {
    let spec = match arguments.specs.as_slice() {
        [] => None,
        [one] => Some(one.as_str()),
        _ => {
            let answer = Answer::usage("--verify-attestation checks one attestation, but several packages were given", "name one".into());
            return written(out.answer(&answer)).unwrap_or(UNDECIDED);
        }
    };
    let checked = check(file, spec, arguments, cancelled).await;
    if cancelled.load(Ordering::Relaxed) {
        return interrupted(arguments.json, spec.unwrap_or_default());
    }
    match checked {
        Ok(checked) => {
            let code = checked.attestation.verdict.exit_code(arguments.options().accept).max(u8::from(!checked.attestation.reproduced));
            let said = if arguments.json { Output::json_of(&checked) } else { Output::text(&text(&checked, arguments.quiet)) };
            written(said).unwrap_or(code)
        }
        Err(refused) => {
            let answer = Answer::failed(spec.unwrap_or_default(), &*refused.error);
            written(out.answer(&answer)).unwrap_or(if refused.is_false { 1 } else { UNDECIDED })
        }
    }
}

/// Why nothing is confirmed.
struct Refused {
    error: Box<dyn Diagnostic + Send + Sync>,
    /// It was checked and does not hold, in contrast to what could not be checked.
    is_false: bool,
}

impl From<EnvelopeError> for Refused {
    fn from(error: EnvelopeError) -> Self {
        let is_false = matches!(
            error,
            EnvelopeError::Signature
                | EnvelopeError::Subject { .. }
                | EnvelopeError::Unsigned
                | EnvelopeError::Identity { .. }
                | EnvelopeError::Bundle { .. }
        );
        Self { error: Box::new(error), is_false }
    }
}

impl From<Box<dyn Diagnostic + Send + Sync>> for Refused {
    fn from(error: Box<dyn Diagnostic + Send + Sync>) -> Self {
        Self { error, is_false: false }
    }
}

async fn check(file: &Path, spec: Option<&str>, arguments: &Arguments, cancelled: &Arc<AtomicBool>) -> Result<Checked, Refused> {
    let key = arguments.attest_key.as_deref().map(documents::checker).transpose()?;
    let expected = signing::expected(arguments)?;
    let trust = match (&key, &expected) {
        (Some(key), _) => Trust::Key(key),
        (None, Some((identity, roots))) => Trust::Identity(identity, roots),
        (None, None) if arguments.allow_unsigned => Trust::Unsigned,
        (None, None) => Trust::Nobody,
    };
    let stated = read::read(file, trust)?;
    // The subject of a statement is a stranger's word until it is one exact version of a package.
    let asked = match spec {
        Some(spec) => spec.to_owned(),
        None => exact(&stated.subject).ok_or_else(|| EnvelopeError::Unreadable {
            path: file.display().to_string(),
            reason: "its subject is not a version of an npm package".into(),
        })?,
    };
    let is_own = !matches!(Spec::parse(&asked).as_ref().map(Spec::target), Ok(Target::Registry { .. }));
    let is_here = matches!(Spec::parse(&asked).as_ref().map(Spec::target), Ok(Target::File(_)));
    if arguments.offline && !is_here {
        return Err(Refused::from(Box::new(Offline) as Failed));
    }
    let published = session::fetch_one(&asked, &arguments.options(), Arc::clone(cancelled)).await?;
    let (release, tarball) = (&published.release, &published.tarball);
    let own = exact_of(&stated.subject);
    // A tarball by itself has no name: then the statement's own has to do, and its hash decides.
    let name = release.name.clone().or_else(|| own.clone().map(|(name, _)| name)).unwrap_or_default();
    let version = release.version.clone().or_else(|| own.map(|(_, version)| version)).unwrap_or_default();
    stated.is_about(&name, &version, &tarball.sha512, &tarball.shasum)?;
    let (location, integrity) = (verdict::without_secrets(&release.location), tarball.sha512.clone());
    drop(published);
    let registry = if is_own { Some(served(&stated, &integrity, arguments, cancelled).await) } else { None };
    Ok(Checked {
        schema_version: SCHEMA_VERSION,
        reproduce_version: env!("CARGO_PKG_VERSION"),
        location,
        integrity,
        registry,
        attestation: stated,
    })
}

/// What the registry serves as the version of the statement, against the hash of the tarball that
/// the user named. That it cannot be learned is said, and changes nothing: it was not the question.
async fn served(stated: &Stated, sha512: &str, arguments: &Arguments, cancelled: &Arc<AtomicBool>) -> Served {
    let unknown = |reason: &str| Served { is_same: None, integrity: None, reason: Some(reason.to_owned()) };
    let Some(spec) = exact(&stated.subject) else { return unknown("the statement names no version of a package") };
    if arguments.offline {
        return unknown("it was not asked (--offline)");
    }
    match session::fetch_one(&spec, &arguments.options(), Arc::clone(cancelled)).await {
        Ok(published) => {
            let integrity = published.tarball.sha512;
            Served { is_same: Some(integrity == sha512), integrity: Some(integrity), reason: None }
        }
        Err(error) => unknown(&error.to_string()),
    }
}

/// A statement about what the registry serves, which may not be asked.
#[derive(Debug, thiserror::Error)]
#[error("--offline, and the statement is compared with what the registry serves")]
struct Offline;

impl Diagnostic for Offline {
    fn code(&self) -> &'static str {
        "usage"
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("name a tarball on disk, for example ./package-1.0.0.tgz, or omit --offline".into())
    }
}

fn exact_of(purl: &str) -> Option<(String, String)> {
    let spec = Spec::parse(purl).ok()?;
    let Target::Registry { name, wanted: npm_spec::Wanted::Version(version), registry: None, .. } = spec.target() else { return None };
    Some((name.to_string(), version.clone()))
}

fn exact(purl: &str) -> Option<String> {
    let (name, version) = exact_of(purl)?;
    Some(Spec::exact(PackageName::parse(&name).ok()?, &version).ok()?.raw().to_owned())
}

fn text(checked: &Checked, quiet: bool) -> String {
    if quiet {
        return String::new();
    }
    let stated = &checked.attestation;
    let by = match (&stated.signer, &stated.key_id) {
        (Some(signer), _) => format!("signed by {} ({})", escape(&signer.identity), escape(&signer.issuer)),
        (None, Some(id)) => format!("signed with {}", escape(id)),
        (None, None) => "it is not signed".to_owned(),
    };
    let code = stated.code.as_deref().map(|code| format!(" ({})", escape(code))).unwrap_or_default();
    let when = stated.time_verified.as_deref().map(|time| format!(", {}", escape(time))).unwrap_or_default();
    let named = if stated.named { "the commit is the verifier's choice (--source)" } else { "found by the verifier" };
    let source = stated.source.as_deref().map_or_else(
        || "  source     the statement does not say\n".to_owned(),
        |source| format!("  source     {}, declared by the package; {named}\n", escape(source)),
    );
    format!(
        "{}{code}  {}{when}\n{source}  attested   {by}; {} is {}\n",
        stated.verdict.as_str(),
        escape(&stated.subject),
        escape(&read::short(&stated.digest)),
        hash_of(checked)
    )
}

/// Whose hash it is, and what the registry serves.
fn hash_of(checked: &Checked) -> String {
    let Some(served) = &checked.registry else { return "what the registry serves".to_owned() };
    let named = format!("the hash of {}", escape(&checked.location));
    match (served.is_same, &served.reason) {
        (Some(true), _) => format!("{named}, and what the registry serves"),
        (Some(false), _) => {
            let integrity = served.integrity.as_deref().map(escape).unwrap_or_default();
            format!("{named}; the registry serves another tarball ({integrity})")
        }
        (None, reason) => format!("{named}; what the registry serves is not known: {}", escape(reason.as_deref().unwrap_or_default())),
    }
}
