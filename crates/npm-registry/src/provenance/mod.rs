//! npm provenance: a statement about a tarball, signed by the CI that published it, and checked
//! here without a network.
//!
//! In: the registry's document of attestations and the hash of the tarball that came. Out: what the
//! statement says, and whether that holds: the certificate's chain and issuer, the transparency
//! log, the signature, the subject and its hash. It says where to look for the source; it never
//! makes a verdict, and a build that was broken into signs what it is told to.

pub mod provider;
mod statement;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sigstore_crypto::FulcioCiClaims;
use sigstore_trust_root::{SigstoreInstance, TrustedRoot};
use sigstore_types::{ArtifactDigest, Bundle, HashAlgorithm, SignatureContent};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult, Verifier};

use verdict::{Finding, Severity};

use super::signatures::RegistryKey;
use statement::{Claims, Statement};

/// Most attestations of one version that are looked at. npm has two.
const MAX_ATTESTATIONS: usize = 16;
/// The registry's own word that it published a tarball, signed with one of its keys.
const PUBLISH: &str = "https://github.com/npm/attestation/tree/main/specs/publish/v0.1";
const PROVENANCE: &str = "https://slsa.dev/provenance/";
/// Who may vouch for a CI run: the clouds whose provenance npm's registry takes (docs.npmjs.com,
/// "Generating provenance statements").
const ISSUERS: [&str; 2] = ["https://token.actions.githubusercontent.com", "https://gitlab.com"];

/// What the provenance of a version says and what of it was verified. What is not known is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Provenance {
    /// Whether signature, certificate, issuer, log, subject and hash all hold. Nothing below counts
    /// where it is false.
    pub verified: bool,
    /// Why it is not verified.
    pub problem: Option<String>,
    /// The kind of statement.
    pub predicate_type: Option<String>,
    /// Whether the statement is about this package and version.
    pub subject_matches: Option<bool>,
    /// Whether the attested hash is that of the tarball which the registry serves.
    pub digest_matches: Option<bool>,
    /// The repository that was built.
    pub repository: Option<String>,
    /// Whether that is the repository which the package declares.
    pub repository_matches: Option<bool>,
    /// The commit that was built.
    pub commit: Option<String>,
    /// Whether that is the commit which was taken as the source.
    pub commit_matches: Option<bool>,
    /// The branch or tag that was built.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// What kind of ref that is, by its name.
    pub ref_kind: Option<RefKind>,
    /// The workflow file or job.
    pub workflow: Option<String>,
    /// What started it: `push`, `release`, …
    pub trigger: Option<String>,
    /// `github-hosted` or `self-hosted`.
    pub runner: Option<String>,
    /// The run itself: an address.
    pub run: Option<String>,
    /// Whom the certificate was issued to.
    pub signer: Option<String>,
    /// Who vouched for the signer.
    pub issuer: Option<String>,
    /// When it was entered into the transparency log, RFC 3339.
    pub logged_at: Option<String>,
    /// Whether the registry's own attestation that it published this tarball holds; null where
    /// there is none or no key for it.
    pub registry_attestation: Option<bool>,
}

/// What kind of ref a build was of. Whether a branch is protected is a setting that no one outside
/// sees; its name is what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefKind {
    /// A branch of a name that releases are made from: main, master, next, 1.x, release/2, …
    ReleaseBranch,
    /// Any other branch.
    OtherBranch,
    /// A tag.
    Tag,
    /// A pull request or something else that anybody may open.
    Other,
}

/// The tarball that a statement must be about.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The package.
    pub name: &'a str,
    /// The version.
    pub version: &'a str,
    /// The hash of the tarball that came.
    pub sha512: &'a [u8],
}

impl Subject<'_> {
    /// The purl as npm writes it into statements (npm-package-arg 13, `toPurl`).
    fn purl(&self) -> String {
        let name = self.name.strip_prefix('@').map_or_else(|| self.name.to_owned(), |rest| format!("%40{rest}"));
        format!("pkg:npm/{name}@{}", self.version)
    }
}

/// Whom to trust: certificate authorities and logs of one Sigstore instance.
pub struct Roots(Verifier);

impl Roots {
    /// The public instance, which npm uses, as it was when this program was built.
    pub fn embedded() -> Result<Self, String> {
        provider::install();
        let root = TrustedRoot::from_embedded(SigstoreInstance::PublicGood).map_err(|error| error.to_string())?;
        Verifier::new(&root).map(Self).map_err(|error| error.to_string())
    }

    /// A root of the user's own: the JSON of a `trusted_root.json`.
    pub fn read(json: &str) -> Result<Self, String> {
        provider::install();
        let root = TrustedRoot::from_json(json).map_err(|error| error.to_string())?;
        Verifier::new(&root).map(Self).map_err(|error| error.to_string())
    }

    /// What checks bundles by them.
    pub fn verifier(&self) -> &Verifier {
        &self.0
    }
}

impl std::fmt::Debug for Roots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Roots").finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Document {
    attestations: Vec<Attestation>,
}

#[derive(Deserialize)]
struct Attestation {
    #[serde(rename = "predicateType")]
    predicate_type: String,
    bundle: Box<RawValue>,
}

/// Checks a registry's document of attestations. `None` if there is no provenance in it; the error
/// says that it is no such document.
pub fn check(document: &[u8], subject: &Subject<'_>, keys: Option<&[RegistryKey]>, roots: &Roots) -> Result<Option<Provenance>, String> {
    let Document { attestations } = serde_json::from_slice(document).map_err(|error| format!("not a list of attestations: {error}"))?;
    let (mut found, mut published): (Option<Provenance>, Option<bool>) = (None, None);
    for Attestation { predicate_type, bundle } in attestations.into_iter().take(MAX_ATTESTATIONS) {
        if predicate_type == PUBLISH {
            let holds = by_registry(bundle.get(), subject, keys, roots);
            // One that does not hold is not made up for by another.
            published = if published == Some(false) { published } else { holds };
        } else if predicate_type.starts_with(PROVENANCE) && found.as_ref().is_none_or(|found| found.verified) {
            // Of several, the first that does not hold is shown.
            let checked = check_bundle(bundle.get(), &predicate_type, subject, roots);
            let checked = Provenance { predicate_type: Some(predicate_type), ..checked };
            found = found.filter(|_| checked.verified).or(Some(checked));
        }
    }
    if found.is_none() && published == Some(false) {
        return Err("the only attestation is the registry's own, and it is invalid".to_owned());
    }
    Ok(found.map(|found| Provenance { registry_attestation: published, ..found }))
}

/// Checks one bundle of a CI run. `kind` is what the registry calls it, which nobody signed.
fn check_bundle(json: &str, kind: &str, subject: &Subject<'_>, roots: &Roots) -> Provenance {
    let bundle = match Bundle::from_json(json) {
        Ok(bundle) => bundle,
        Err(error) => return Provenance::not(format!("the bundle cannot be read: {error}")),
    };
    let Some(statement) = statement_of(&bundle) else { return Provenance::not("the bundle has no statement") };
    let says = Provenance::of(&statement.claims);
    let result = match cryptography(&bundle, &statement, roots) {
        Ok(result) => result,
        Err(problem) => return Provenance { problem: Some(cut(&problem)), ..says },
    };
    let mut found = says.signed(&statement.claims, &result);
    found.subject_matches = Some(statement.subject.as_deref() == Some(subject.purl().as_str()));
    found.digest_matches = Some(digest(&statement).as_deref() == Some(subject.sha512));
    let problem = found.problem.take().or_else(|| match (found.subject_matches, found.digest_matches) {
        _ if statement.kind.as_deref() != Some(kind) => Some("the registry gives another kind of statement than the signed one".to_owned()),
        (Some(false), _) => Some(format!("it is about {}", cut(statement.subject.as_deref().unwrap_or("nothing")))),
        (_, Some(false)) => Some("it is about another tarball than the registry serves".to_owned()),
        _ => None,
    });
    Provenance { verified: problem.is_none(), problem, ..found }
}

/// Signature, certificate, issuer and log: that the statement was signed by the CI run which the
/// certificate names. The statement's own hash is handed in here; whether it is that of the tarball
/// is another question, with an answer of its own.
fn cryptography(bundle: &Bundle, statement: &Statement, roots: &Roots) -> Result<VerificationResult, String> {
    let digest = digest(statement).ok_or("the statement has no sha512 of a tarball")?;
    let artifact = ArtifactDigest::new(HashAlgorithm::Sha2512, digest).map_err(|error| error.to_string())?;
    let result = roots.0.verify(artifact, bundle, &VerificationPolicy::any_identity()).map_err(|error| error.to_string())?;
    match result.issuer() {
        Some(issuer) if ISSUERS.contains(&issuer) => Ok(result),
        other => Err(format!("its issuer is {}, from whom npm accepts no provenance", cut(other.unwrap_or("nobody")))),
    }
}

/// Whether the registry's own attestation holds; `None` where its key is not known.
fn by_registry(json: &str, subject: &Subject<'_>, keys: Option<&[RegistryKey]>, roots: &Roots) -> Option<bool> {
    let Ok(bundle) = Bundle::from_json(json) else { return Some(false) };
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else { return Some(false) };
    let key = keys?.iter().find(|key| key.id == envelope.signature.keyid.as_str())?;
    let Some(statement) = statement_of(&bundle) else { return Some(false) };
    let policy = PublicKeyVerificationPolicy::new(key.spki());
    let Ok(artifact) = ArtifactDigest::new(HashAlgorithm::Sha2512, subject.sha512.to_vec()) else { return Some(false) };
    let signed = roots.0.verify(artifact, &bundle, &policy).is_ok_and(|result| counted(key, result.integrated_time()));
    let is_of_kind = statement.kind.as_deref() == Some(PUBLISH);
    Some(
        signed
            && is_of_kind
            && statement.subject.as_deref() == Some(subject.purl().as_str())
            && digest(&statement).as_deref() == Some(subject.sha512),
    )
}

/// Whether a key counted when the log took the statement in (pacote 21, `EEXPIREDSIGNATUREKEY`). Of
/// a key that has ended the time must be known.
fn counted(key: &RegistryKey, at: Option<jiff::Timestamp>) -> bool {
    let Some(expires) = &key.expires else { return true };
    at.zip(expires.parse::<jiff::Timestamp>().ok()).is_some_and(|(at, expires)| at < expires)
}

fn statement_of(bundle: &Bundle) -> Option<Statement> {
    match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => Statement::read(envelope.payload.as_bytes()),
        _ => None,
    }
}

fn digest(statement: &Statement) -> Option<Vec<u8>> {
    from_hex(statement.sha512.as_deref()?).filter(|digest| digest.len() == 64)
}

/// Reads an even number of hexadecimal digits.
pub fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digit = |c: char| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<u8> = hex.chars().map(digit).collect::<Option<_>>()?;
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte * 16 + digit)).collect())
}

/// A stranger's text or an error with one in it, at a length for people.
fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

impl Provenance {
    fn not(problem: impl Into<String>) -> Self {
        Self { problem: Some(cut(&problem.into())), ..Self::default() }
    }

    fn of(claims: &Claims) -> Self {
        Self {
            repository: claims.repository.clone(),
            commit: claims.commit.clone(),
            ref_kind: claims.reference.as_deref().map(RefKind::of),
            reference: claims.reference.clone(),
            workflow: claims.workflow.clone(),
            run: claims.run.clone(),
            ..Self::default()
        }
    }

    /// Takes what the certificate says over what the statement says: the one is the CI's word about
    /// the run, the other was written in the run. Where they disagree, the run said something about
    /// itself that is not so.
    fn signed(mut self, claims: &Claims, result: &VerificationResult) -> Self {
        self.signer = result.identity().map(|identity| cut(identity.as_str()));
        self.issuer = result.issuer().map(cut);
        self.logged_at = result.integrated_time().map(|time| time.to_string());
        let Some(certificate) = result.certificate() else { return self };
        let ci = &certificate.ci_claims;
        let certified = certified(ci);
        let differs = |says: &Option<String>, is: &Option<String>| says.is_some() && is.is_some() && says != is;
        let lying = [
            ("repository", differs(&claims.repository, &certified.repository)),
            ("commit", differs(&claims.commit, &certified.commit)),
            ("ref", differs(&claims.reference, &certified.reference)),
        ];
        if let Some((field, _)) = lying.iter().find(|(_, differs)| *differs) {
            self.problem = Some(format!("the statement names another {field} than the certificate of the run that signed it"));
        }
        self.repository = certified.repository.or(self.repository);
        self.commit = certified.commit.or(self.commit);
        self.reference = certified.reference.or(self.reference);
        self.ref_kind = self.reference.as_deref().map(RefKind::of);
        self.run = certified.run.or(self.run);
        self.trigger.clone_from(&ci.build_trigger);
        self.runner.clone_from(&ci.runner_environment);
        self
    }

    /// What is to be said about it before a commit was looked for.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        if let Some(problem) = &self.problem {
            let code = match (self.subject_matches, self.digest_matches) {
                (Some(false), _) => "provenance-subject-mismatch",
                (_, Some(false)) => "provenance-digest-mismatch",
                _ => "provenance-invalid",
            };
            findings.push(Finding::new(code, Severity::Error, format!("the provenance does not hold: {problem}")));
        }
        if self.registry_attestation == Some(false) {
            let message = "the registry's own attestation that it published this tarball does not hold";
            findings.push(Finding::new("publish-attestation-invalid", Severity::Error, message));
        }
        if let (true, Some(reference)) = (self.verified, &self.reference) {
            match self.ref_kind {
                Some(RefKind::Other) => {
                    let message = format!("it was published from {}, which is neither a branch nor a tag", cut(reference));
                    findings.push(Finding::new("provenance-ref-unusual", Severity::Warning, message));
                }
                Some(RefKind::OtherBranch) => {
                    let message = format!("it was published from {}, not a branch that releases are usually made from", cut(reference));
                    findings.push(Finding::new("provenance-ref-unusual", Severity::Info, message));
                }
                _ => {}
            }
        }
        findings
    }
}

/// What the certificate says of the run. Certificates from before 2023 have the older fields alone.
fn certified(ci: &FulcioCiClaims) -> Claims {
    let old = &ci.deprecated_github;
    let github = |name: &String| format!("https://github.com/{name}");
    Claims {
        repository: ci.source_repository_uri.clone().or_else(|| old.workflow_repository.as_ref().map(github)),
        commit: ci.source_repository_digest.clone().or_else(|| old.workflow_sha.clone()),
        reference: ci.source_repository_ref.clone().or_else(|| old.workflow_ref.clone()),
        workflow: None,
        run: ci.run_invocation_uri.clone(),
    }
}

impl RefKind {
    fn of(reference: &str) -> Self {
        if reference.starts_with("refs/tags/") {
            return Self::Tag;
        }
        let Some(branch) = reference.strip_prefix("refs/heads/") else { return Self::Other };
        let usual = matches!(
            branch,
            "main"
                | "master"
                | "trunk"
                | "develop"
                | "dev"
                | "next"
                | "latest"
                | "stable"
                | "beta"
                | "alpha"
                | "canary"
                | "release"
                | "production"
        );
        // 1.x, v2, 3.0.x, release/4, release-5, releases/v6.
        let first = branch.split(['/', '-']).next().unwrap_or_default();
        let line = branch.strip_prefix('v').unwrap_or(branch);
        let of_versions =
            line.starts_with(|c: char| c.is_ascii_digit()) && line.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'x'));
        if usual || of_versions || matches!(first, "release" | "releases" | "maintenance" | "stable") {
            Self::ReleaseBranch
        } else {
            Self::OtherBranch
        }
    }
}
