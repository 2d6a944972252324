//! Which repository counts as declared, where two documents could name one.

use origin::address::{self, Address, AddressError, Declared, DeclaredIn};
use verdict::diagnostic::Diagnostic;
use verdict::{Ending, Finding, Severity, Verdict};

/// The repository that counts, and what is to be said about it.
pub(crate) struct Agreed {
    /// Where it is.
    pub address: Address,
    /// Where else than in `repository` it was declared, and how else it is called.
    pub findings: Vec<Finding>,
}

/// The repository that counts: the one that the registry's metadata (`by_registry`; `None` for a
/// tarball that no registry describes) and the tarball's own package.json both name. Where they
/// disagree, one of the two was changed by somebody, and neither is believed; `renamed` says that
/// the host leads both to one repository.
pub(crate) fn agree(
    by_registry: Option<Result<Option<Address>, AddressError>>,
    in_tarball: Result<Option<Declared>, AddressError>,
    renamed: bool,
) -> Result<Agreed, Box<Ending>> {
    let finding = |declared: &Declared| {
        let field = match declared.from {
            DeclaredIn::Repository => return None,
            DeclaredIn::Homepage => "homepage",
            DeclaredIn::Bugs => "bugs",
        };
        Some(Finding::new("repository-from-other-field", Severity::Info, format!("no repository is declared; {field} names one")))
    };
    let mismatch = |registry: &str, tarball: &str| {
        Box::new(Ending {
            code: "repository-mismatch",
            message: format!("the registry's metadata names {registry}, the package.json in the tarball names {tarball}"),
            hint: Some("the publisher changed one of the two; ask the maintainers which one is theirs".into()),
            finding: Some(Finding::new(
                "repository-mismatch",
                Severity::Error,
                format!("registry metadata: {registry}; package.json in the tarball: {tarball}"),
            )),
            verdict: Verdict::NoSource,
        })
    };
    match (by_registry, in_tarball) {
        (None, Ok(Some(declared))) => Ok(Agreed { findings: Vec::from_iter(finding(&declared)), address: declared.address }),
        (Some(Ok(Some(registry))), Ok(Some(declared))) => {
            if renamed || address::same_repository(&registry, &declared.address) {
                let findings = finding(&declared).into_iter().chain(spelled_otherwise(&registry, &declared.address)).collect();
                Ok(Agreed { findings, address: registry })
            } else {
                Err(mismatch(&registry.url, &declared.address.url))
            }
        }
        (Some(Ok(Some(registry))), Ok(None)) => Err(mismatch(&registry.url, "no repository")),
        (Some(Ok(None)), Ok(Some(declared))) => Err(mismatch("no repository", &declared.address.url)),
        (None | Some(Ok(None)), Ok(None)) => Err(undeclared()),
        (Some(Err(error)), _) | (_, Err(error)) => Err(unreadable(&error)),
    }
}

/// That the registry's metadata calls the repository otherwise than the tarball does, letter for
/// letter. Nothing that was built could read it.
fn spelled_otherwise(registry: &Address, tarball: &Address) -> Option<Finding> {
    let code = "repository-spelled-otherwise";
    let (by_registry, by_tarball) = (&registry.url, &tarball.url);
    if !address::same_repository(registry, tarball) {
        let message = format!(
            "the registry's metadata names {by_registry}, the package.json in the tarball {by_tarball}: the host leads both to one repository"
        );
        return Some(Finding::new(code, Severity::Warning, message));
    }
    let message = format!("the registry's metadata writes {by_registry}, the package.json in the tarball {by_tarball}");
    (!address::same_spelling(registry, tarball)).then(|| Finding::new(code, Severity::Info, message))
}

/// Nobody declares a repository.
pub(crate) fn undeclared() -> Box<Ending> {
    Box::new(Ending {
        code: "no-repository",
        message: "the package declares no repository".into(),
        hint: Some("if you know where its source is, name it: --source <repository>#<commit>".into()),
        finding: None,
        verdict: Verdict::NoSource,
    })
}

/// A repository is declared, but its address cannot be used.
pub(crate) fn unreadable(error: &AddressError) -> Box<Ending> {
    let verdict = if matches!(error, AddressError::NotGit { .. }) { Verdict::Unsupported } else { Verdict::NoSource };
    Box::new(Ending { code: error.code(), message: error.to_string(), hint: error.hint(), finding: None, verdict })
}
