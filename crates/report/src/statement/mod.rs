//! A result as a statement for others: in-toto's Statement v1 with SLSA's verification summary,
//! which is the predicate for "somebody who is not the builder looked at this artifact, by this
//! policy, with this result". Failures are stated as well.
//!
//! What a summary has no field for (the recipe, what was installed, what was compared) stands in
//! one extension field, in the words of SLSA's provenance where those fit. [`envelope`] signs it,
//! [`read`] reads it again; [`bundle`] is what an identity of CI's signs, and [`svr`] the short
//! form.

pub mod bundle;
pub mod envelope;
pub mod read;
pub mod svr;
#[cfg(test)]
mod tests;
mod unique;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use recipe::SubmoduleInfo;
use verdict::{Accept, Verdict};

use super::json::{AttemptInfo, COMMIT_OF_BOT, GIT_DEPENDENCY_OFF_BRANCH, LFS_BY_POINTER, Report, SOURCE_BY_USER, SUBMODULE_UNREACHED};
use crate::product::Product;

/// in-toto's statement, version 1.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// SLSA's verification summary, version 1.
pub const SUMMARY: &str = "https://slsa.dev/verification_summary/v1";
/// The field of the predicate that has what was done, below the verifier's address. Consumers that
/// do not know it pass over it, as SLSA's parsing rules say.
pub const EXTENSION: &str = "rebuild/v1";
const BUILD_TYPE: &str = "recipe/v1";

/// The purl of a version, as npm writes it (npm-package-arg 13, `toPurl`).
pub fn purl(name: &str, version: &str) -> String {
    let name = name.strip_prefix('@').map_or_else(|| name.to_owned(), |rest| format!("%40{rest}"));
    format!("pkg:npm/{name}@{version}")
}

/// The one level of a result.
fn level(verdict: Verdict, reproduced: bool) -> &'static str {
    match (reproduced, verdict) {
        (true, Verdict::Identical) => "REPRODUCED_IDENTICAL",
        (true, _) => "REPRODUCED_SAME_CONTENT",
        (false, _) => "FAILED",
    }
}

/// How a policy is named.
fn policy(accept: Accept) -> &'static str {
    match accept {
        Accept::Identical => "identical",
        Accept::SameContent => "same-content",
    }
}

/// The statement about a result. `None` where it is not known what the result is about: without
/// name, version or a hash of the tarball; where it rests on the user's own word, or on a commit
/// that its repository, or that of a submodule or git dependency, never took, or
/// on files of which it has no more than hashes, which a verification summary cannot say; and
/// where nothing was decided, of which a summary could only say that it failed.
pub fn statement(report: &Report, product: &Product) -> Option<Value> {
    let rests_elsewhere = report.findings.iter().any(|finding| {
        [SOURCE_BY_USER, SUBMODULE_UNREACHED, GIT_DEPENDENCY_OFF_BRANCH, COMMIT_OF_BOT, LFS_BY_POINTER].contains(&finding.code.as_str())
    });
    if rests_elsewhere || report.options.rests_on_the_user() || !report.verdict.is_decided() {
        return None;
    }
    let package = &report.package;
    let name = purl(package.name.as_deref()?, package.version.as_deref()?);
    let digest = digest_set(package.integrity.as_deref()?)?;
    let accept = policy(report.options.accept);
    // SLSA has levels for how a build was made; of a rebuild it can be said only that it was one.
    let level = level(report.verdict, report.reproduced);
    Some(json!({
        "_type": STATEMENT,
        "subject": [{ "name": name, "digest": digest }],
        "predicateType": SUMMARY,
        "predicate": {
            "verifier": { "id": product.uri(""), "version": { "reproduce": report.reproduce_version } },
            "timeVerified": report.timestamp,
            "resourceUri": name,
            "policy": { "uri": format!("{}#{accept}", product.uri("")) },
            "inputAttestations": [],
            "verificationResult": if report.reproduced { "PASSED" } else { "FAILED" },
            "verifiedLevels": [level],
            (product.uri(EXTENSION)): details(report, accept, product),
        },
    }))
}

/// The verdict and all that leads to it.
fn details(report: &Report, accept: &str, product: &Product) -> Value {
    // The attempt that decided is the one whose tarball the recipe names.
    let decided = report.attempts.iter().find(|attempt| attempt.recipe.tarball.is_some());
    let closest = decided.or_else(|| {
        report.attempts.iter().find(|attempt| Some(&attempt.strategy) == report.strategy.as_ref() && attempt.verdict == report.verdict)
    });
    json!({
        "verdict": report.verdict,
        "code": report.code,
        "reproduced": report.reproduced,
        "accept": accept,
        "location": report.package.location,
        "contentDigest": report.content_digest.as_ref().map(|hash| json!({ "sha256": hash })),
        "rebuilt": report.source.integrity.as_deref().and_then(digest_set),
        "buildDefinition": build_definition(report, closest, product),
        "runDetails": {
            "builder": { "id": product.uri(""), "os": report.os, "arch": report.arch, "sandbox": report.sandbox },
            "metadata": { "finishedOn": report.timestamp },
        },
        "comparison": report.comparison.as_ref().map(|comparison| json!({
            "identical": comparison.identical.len(),
            "changed": comparison.changed,
            "onlyPublished": comparison.only_published,
            "onlyRebuilt": comparison.only_rebuilt,
        })),
        "evidence": report.evidence,
        "findings": report.findings,
        "provenance": report.provenance,
    })
}

/// As in SLSA's provenance: what was asked for, what was done, and what went into it.
fn build_definition(report: &Report, attempt: Option<&AttemptInfo>, product: &Product) -> Value {
    let origin = report.origin.as_ref();
    let commit = origin.map(|origin| {
        let uri = format!("git+{}{}", origin.repository, origin.reference.as_ref().map(|name| format!("@{name}")).unwrap_or_default());
        json!({ "uri": uri, "digest": { "gitCommit": origin.commit } })
    });
    let installed = attempt.and_then(|attempt| attempt.resolved.as_deref()).unwrap_or_default();
    let tools = attempt.and_then(|attempt| attempt.tools.as_deref()).unwrap_or_default();
    let tools = tools
        .iter()
        .map(|tool| json!({ "name": tool.name, "uri": format!("{}{}", tool.from, tool.package), "digest": digest_set(&tool.integrity) }));
    let submodules = attempt.map(|attempt| attempt.submodules.as_slice()).unwrap_or_default();
    let submodules = submodules.iter().map(|submodule| {
        let SubmoduleInfo { path, repository, commit } = submodule;
        json!({ "name": path, "uri": format!("git+{repository}"), "digest": { "gitCommit": commit } })
    });
    let resolved: Vec<Value> =
        commit.into_iter().chain(submodules).chain(tools).chain(installed.iter().map(|line| dependency(line))).collect();
    json!({
        "buildType": product.uri(BUILD_TYPE),
        "externalParameters": { "package": report.package.spec, "options": report.options, "source": report.source.spec },
        "internalParameters": { "recipe": attempt.map(|attempt| &attempt.recipe), "adopted": attempt.map(|attempt| &attempt.adopted) },
        "resolvedDependencies": resolved,
    })
}

/// `name@version integrity`, as an attempt lists what it installed; of a repository
/// `name@git+address#commit integrity`.
fn dependency(line: &str) -> Value {
    let (package, integrity) = line.split_once(' ').unwrap_or((line, ""));
    if let Some((name, (repository, commit))) = package.split_once("@git+").and_then(|(name, at)| Some((name, at.rsplit_once('#')?))) {
        return json!({ "name": name, "uri": format!("git+{repository}"), "digest": { "gitCommit": commit } });
    }
    let uri = match package.rsplit_once('@') {
        Some((name, version)) if !name.is_empty() => purl(name, version),
        _ => package.to_owned(),
    };
    match digest_set(integrity) {
        Some(digest) => json!({ "uri": uri, "digest": digest }),
        None => json!({ "uri": uri }),
    }
}

/// Subresource integrity as in-toto's set of digests: names of algorithms and hex. Of several
/// hashes the first.
pub fn digest_set(integrity: &str) -> Option<Value> {
    let (algorithm, rest) = integrity.split_ascii_whitespace().next()?.split_once('-')?;
    let bytes = STANDARD.decode(rest.split('?').next().unwrap_or(rest)).ok().filter(|bytes| !bytes.is_empty())?;
    let known = matches!(algorithm, "sha512" | "sha384" | "sha256" | "sha1");
    known.then(|| json!({ algorithm: hex::encode(bytes) }))
}
