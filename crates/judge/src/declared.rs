//! Where a package says that it comes from, and the claims that follow.

use serde_json::Value;

use context::Context;
use git::exchange;
use npm_registry::Release;
use origin::Claims;
use origin::address::{self, Address, AddressError, Declared};
use verdict::diagnostic::Diagnostic;
use verdict::{Ending, Verdict};

use crate::agreement::{Agreed, agree};
use crate::question::Question;
use crate::user_source::{self, UserSource};

/// A source by the user's word, or by the registry's.
pub(crate) struct Source {
    /// The repository; `None` if none is declared, an error if the word is no address of one.
    pub(crate) address: Result<Option<Address>, AddressError>,
    /// The commit that the user named.
    commit: Option<String>,
    /// The folder that the user named.
    directory: Option<String>,
    /// Whether the user named the source, and not the package.
    pub(crate) by_user: bool,
}

impl Source {
    /// What the user names, or else what the registry's metadata does.
    pub(crate) fn of(release: &Release, question: &Question, context: &Context) -> Self {
        match UserSource::of(question, context) {
            Some(UserSource { address, commit, directory }) => Self { address: address.map(Some), commit, directory, by_user: true },
            None => Self { address: declared_by_registry(release, context), commit: None, directory: None, by_user: false },
        }
    }

    /// The claims that registry and source make, as far as they are known without the tarball.
    pub(crate) fn claims(&self, release: &Release) -> Claims {
        claims_of(release, &self.address, self.commit.clone())
    }

    /// The one repository that registry, tarball and user agree on.
    pub(crate) async fn agreed(self, release: &Release, manifest: &Value, context: &Context) -> Result<Agreed, Box<Ending>> {
        let Self { address: declared, directory, by_user, .. } = self;
        let in_tarball = address::declared_with(manifest, &|url| context.leads_to(url));
        let mut agreed = if by_user {
            let by_registry = release.manifest.as_ref().map(|_| declared_by_registry(release, context));
            user_source::agreed(declared, agree(by_registry, in_tarball, false).ok().as_ref())?
        } else {
            let by_registry = release.manifest.as_ref().map(|_| declared);
            let renamed = renamed(by_registry.as_ref(), &in_tarball, context).await?;
            agree(by_registry, in_tarball, renamed)?
        };
        agreed.address.directory = directory.or(agreed.address.directory);
        Ok(agreed)
    }
}

fn claims_of(release: &Release, declared: &Result<Option<Address>, AddressError>, user_commit: Option<String>) -> Claims {
    let address = declared.as_ref().ok().and_then(Option::as_ref);
    Claims {
        name: release.name.clone().unwrap_or_default(),
        version: release.version.clone().unwrap_or_default(),
        git_head: release.git_head.clone(),
        reference: address.and_then(|address| address.reference.clone()),
        directory: address.and_then(|address| address.directory.clone()),
        provenance: None,
        user_commit,
        manifest_rewritten: false,
        packed: None,
    }
}

/// A name or version that is known, or else what the tarball says.
pub(crate) fn claims_or(known: &str, manifest: &Value, key: &str) -> String {
    if known.is_empty() { manifest.get(key).and_then(Value::as_str).unwrap_or_default().to_owned() } else { known.to_owned() }
}

/// The repository that the registry's metadata names.
fn declared_by_registry(release: &Release, context: &Context) -> Result<Option<Address>, AddressError> {
    match &release.manifest {
        Some(manifest) => Ok(address::declared_with(manifest, &|url| context.leads_to(url))?.map(|declared| declared.address)),
        None => Ok(None),
    }
}

/// Whether two addresses that differ are the old and the new name of one repository. Only the host
/// that both are on can say so: a host that leads to another one would speak for a repository that
/// is not its own.
async fn renamed(
    by_registry: Option<&Result<Option<Address>, AddressError>>,
    in_tarball: &Result<Option<Declared>, AddressError>,
    context: &Context,
) -> Result<bool, Box<Ending>> {
    let (Some(Ok(Some(registry))), Ok(Some(declared))) = (by_registry, in_tarball) else { return Ok(false) };
    let tarball = &declared.address;
    if registry.host != tarball.host || address::same_repository(registry, tarball) {
        return Ok(false);
    }
    let ends = [registry, tarball].map(|address| async {
        let target = context.git.rewrite(address.https().as_deref().unwrap_or(&address.url)).0;
        exchange::redirected(&context.client, &target, &context.cancel).await
    });
    let [first, second] = ends;
    match tokio::join!(first, second) {
        (Ok(Some(first)), Ok(Some(second))) => Ok(first == second),
        (Ok(_), Ok(_)) => Ok(false),
        (Err(error), _) | (_, Err(error)) => {
            let message = format!("{} and {} could not be compared: {error}", registry.url, tarball.url);
            let hint = error.hint().unwrap_or_else(|| "try again".into());
            Err(Ending::new(Verdict::NoSource, "repository-unreachable", message, hint))
        }
    }
}
