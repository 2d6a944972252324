//! What an npm attestation says: an in-toto statement about one tarball, with SLSA's provenance in
//! it.
//!
//! Nothing here is verified, and every field may be missing or of another type.

use serde_json::Value;

/// Longest text that is taken out of a statement.
const MAX_TEXT: usize = 2048;

/// The statement of one attestation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// The type of its predicate.
    pub(super) kind: Option<String>,
    /// The package that it is about, as a purl.
    pub(super) subject: Option<String>,
    /// Its sha512, in hex.
    pub(super) sha512: Option<String>,
    /// What the predicate says, if it is SLSA's provenance.
    pub(super) claims: Claims,
}

/// Where a build says that it took place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) repository: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) workflow: Option<String>,
    pub(super) run: Option<String>,
}

impl Statement {
    /// Reads the payload of a DSSE envelope; `None` if it is no JSON object. Only the first subject
    /// counts, as in pacote 21: npm publishes with one.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(payload).ok().filter(Value::is_object)?;
        let at = |path: &str| text(&value, path);
        let kind = at("/predicateType");
        Some(Self {
            subject: at("/subject/0/name"),
            sha512: at("/subject/0/digest/sha512"),
            claims: match kind.as_deref() {
                Some("https://slsa.dev/provenance/v1") => Claims::v1(&value),
                Some("https://slsa.dev/provenance/v0.2") => Claims::v0_2(&value),
                _ => Claims::default(),
            },
            kind,
        })
    }
}

impl Claims {
    /// <https://slsa.dev/provenance/v1>, as npm 9.6 and later write it on GitHub.
    fn v1(statement: &Value) -> Self {
        let definition = "/predicate/buildDefinition";
        let at = |path: &str| text(statement, &format!("{definition}/{path}"));
        Self {
            repository: at("externalParameters/workflow/repository"),
            commit: at("resolvedDependencies/0/digest/gitCommit"),
            reference: at("externalParameters/workflow/ref"),
            workflow: at("externalParameters/workflow/path"),
            run: text(statement, "/predicate/runDetails/metadata/invocationId"),
        }
    }

    /// <https://slsa.dev/provenance/v0.2>: npm 9.5 on GitHub, and all of npm on GitLab.
    fn v0_2(statement: &Value) -> Self {
        let at = |path: &str| text(statement, &format!("/predicate/{path}"));
        let source = at("invocation/configSource/uri");
        let source = source.as_deref().map(|uri| uri.strip_prefix("git+").unwrap_or(uri));
        let (repository, reference) = match source.and_then(|uri| uri.split_once("@refs/")) {
            Some((repository, reference)) => (Some(repository.to_owned()), Some(format!("refs/{reference}"))),
            None => (source.map(str::to_owned), None),
        };
        Self {
            repository,
            commit: at("invocation/configSource/digest/sha1"),
            reference,
            workflow: at("invocation/configSource/entryPoint"),
            run: at("metadata/buildInvocationId"),
        }
    }
}

fn text(value: &Value, path: &str) -> Option<String> {
    value.pointer(path).and_then(Value::as_str).filter(|text| text.len() <= MAX_TEXT).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_statement_is_none_and_what_is_missing_is_unknown() {
        for junk in ["", "[]", "1", "{"] {
            assert_eq!(Statement::read(junk.as_bytes()), None, "{junk}");
        }
        assert_eq!(Statement::read(b"{}"), Some(Statement::default()));
        let odd = br#"{"subject":{"0":{"name":7}},"predicateType":"https://slsa.dev/provenance/v1","predicate":[]}"#;
        let kind = Some("https://slsa.dev/provenance/v1".to_owned());
        assert_eq!(Statement::read(odd), Some(Statement { kind, ..Statement::default() }));
        let deep = "[".repeat(100_000);
        assert_eq!(Statement::read(deep.as_bytes()), None);
    }

    #[test]
    fn a_text_past_the_bound_is_unknown() {
        let long = format!(r#"{{"subject":[{{"name":"{}"}}]}}"#, "x".repeat(MAX_TEXT + 1));
        assert_eq!(Statement::read(long.as_bytes()), Some(Statement::default()));
    }

    #[test]
    fn gitlab_has_no_ref_in_the_address() {
        let json = br#"{"predicateType":"https://slsa.dev/provenance/v0.2","predicate":{"invocation":{"configSource":
            {"uri":"git+https://gitlab.com/a/b","digest":{"sha1":"c"},"entryPoint":"job"}}}}"#;
        let claims = Statement::read(json).expect("an object").claims;
        assert_eq!((claims.repository.as_deref(), claims.reference), (Some("https://gitlab.com/a/b"), None));
        assert_eq!((claims.commit.as_deref(), claims.workflow.as_deref()), (Some("c"), Some("job")));
    }
}
