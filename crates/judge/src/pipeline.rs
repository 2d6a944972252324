//! The way of one package, from a resolved release to its report.
//!
//! ```text
//! release ─┬─ tarball ──────┐
//!          └─ repository ───┴─ agree ─ locate ─ rebuild ─ judge ─ explain ─ report
//! ```
//!
//! The tarball is downloaded while the repository is asked for its refs and for the trees of the
//! commits that are named: neither needs the other yet. From then on the files themselves say which
//! commit is right.

use std::time::{Duration, Instant};

use context::Context;
use npm_registry::Release;
use npm_registry::testimony::{self, About};
use npm_spec::Spec;
use origin::{Claims, LocateError};
use rebuild::build_run::Publication;
use rebuild::opening::{allowed_beside_url, open_beside};
use rebuild::submodules::Open;
use rebuild::{Case, Published, rebuild};
use recipe::{Recipe, RecipeError};
use report::json::{OptionsInfo, Report};
use verdict::{Failed, Finding, Severity, boxed, internal};

use crate::declared::{Source, claims_or};
use crate::draft::Draft;
use crate::halt::Halt;
use crate::identity::{check_checksums, check_manifest, package_info};
use crate::nominate::{self, Nominated, Nominating};
use crate::question::Question;
use crate::source_of::source_of;
use crate::{
    attested, beside_branches, checkout_notes, committed, decision, elsewhere, fetch, other_folder, overwritten, pnpm_changelog, pnpm_hook,
    released_as, unread,
};

/// How long a task that is no longer needed may take to see it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is asked, and what may be used to answer it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    /// What led to the release.
    spec: &'a Spec,
    release: &'a Release,
    question: &'a Question,
    context: &'a Context,
}

/// Judges one resolved version; `spec` is what led to it. An error is ours, the user's or the
/// network's: everything about the package is in the report. Whatever the outcome, nothing of it
/// runs on afterwards.
pub async fn judge_release(
    spec: &Spec,
    release: Release,
    question: Question,
    options: OptionsInfo,
    context: &Context,
) -> Result<Report, Failed> {
    let mut draft = Draft::new(package_info(spec, &release), release.attestations.is_some(), options);
    draft.noted(|report| report.published_at.clone_from(&release.time));
    draft.findings(release.deprecation());
    let mut early = None;
    let asked = Asked { spec, release: &release, question: &question, context };
    // On the heap: all stages together are a large future.
    let gathered = Box::pin(gather(asked, &mut draft, &mut early)).await;
    if let Some(early) = early {
        context.stop();
        // Its outcome counts for nothing any more; a host that keeps it busy must not keep the
        // answer.
        let _: Result<_, tokio::time::error::Elapsed> = tokio::time::timeout(LAST_WORDS, early).await;
    }
    let gathered = match gathered {
        Ok(gathered) => gathered,
        Err(Halt::Ended(ending)) => return Ok(draft.ended(*ending)),
        Err(Halt::Failed(error)) => return Err(error),
    };
    let (context, runtime, patience) = (context.clone(), tokio::runtime::Handle::current(), context.patience());
    // Git's objects are read, and builds run, on a thread of their own.
    let work = tokio::task::spawn_blocking(patience.around(move || match decide(gathered, &question, &context, &runtime, &mut draft) {
        Ok(decided) => Ok(draft.judged(&decided)),
        Err(Halt::Ended(ending)) => Ok(draft.ended(*ending)),
        Err(Halt::Failed(error)) => Err(error),
    }));
    work.await.map_err(internal)?
}

/// Everything that a decision is made from.
struct Gathered {
    published: Published,
    publication: Publication,
    claims: Claims,
    /// Whether the user named the source, and not the package.
    by_user: bool,
    nominated: Result<Nominated, LocateError>,
    /// When the search for the commit began.
    began: Instant,
}

/// Reads the two documents, sees to it that they are about the same thing, and asks the repository
/// that they name.
async fn gather(asked: Asked<'_>, draft: &mut Draft, early: &mut Option<Nominating>) -> Result<Gathered, Halt> {
    let Asked { spec, release, question, context } = asked;
    let started = Instant::now();

    // At once: what was published, and what the repository has that the registry names.
    let source = Source::of(release, question, context);
    let (by_user, claims) = (source.by_user, source.claims(release));
    if let Ok(Some(address)) = &source.address
        && release.name.is_some()
    {
        *early = Some(nominate::start(address.clone(), claims.clone(), question, context));
    }
    context.progress.tell("resolve", "downloading the tarball");
    let vouching = testimony::gather(release, &context.npm, &context.client, &context.cancel);
    let (published, vouched) = tokio::join!(fetch::download(spec, release, context, draft), vouching);
    let mut published = published?;
    check_checksums(spec, &published)?;
    draft.resolved(&published.archive, started.elapsed());

    // They must agree on what the package is, and on where it comes from.
    let began = Instant::now();
    let manifest = published.manifest();
    check_manifest(release, &mut published, &manifest, draft)?;
    let (name, version) = (claims_or(&claims.name, &manifest, "name"), claims_or(&claims.version, &manifest, "version"));
    draft.named(&name, &version);
    let vouched = vouched.weigh(release, &About { name: &name, version: &version, sha512: &published.sha512 }, &*question.roots()?);
    let provenance = vouched.provenance.as_ref().filter(|found| found.verified).and_then(|found| found.commit.clone());
    draft.heard(vouched);
    let given = question.build.given.as_deref();
    if let Some(given) = given.filter(|given| (&given.name, &given.version) != (&name, &version)) {
        return Err(boxed(RecipeError::Other(format!("{}@{}", given.name, given.version))).into());
    }
    let agreed = source.agreed(release, &manifest, context).await?;
    draft.findings(agreed.findings);
    draft.findings(given.map(|_| recipe_by_user()));

    let address = agreed.address;
    let (reference, directory) = (address.reference.clone(), address.directory.clone());
    let era = npm_pack::eras_of(published.fingerprint.as_ref()).first().copied();
    let manifest_rewritten = era.is_some_and(npm_pack::rewrites_manifest);
    let claims = Claims { name, version, provenance, reference, directory, manifest_rewritten, packed: published.packed(), ..claims };
    context.progress.tell("locate", "asking the repository");
    let nominating = early.get_or_insert_with(|| nominate::start(address, claims.clone(), question, context));
    let nominated = nominating.await.map_err(internal)?;
    *early = None;
    Ok(Gathered { publication: publication_of(release, &claims), published, claims, by_user, nominated, began })
}

/// From the commits that were named to the verdict, and to what a reader should know besides.
fn decide(
    gathered: Gathered,
    question: &Question,
    context: &Context,
    runtime: &tokio::runtime::Handle,
    draft: &mut Draft,
) -> Result<decision::Decided, Halt> {
    let Gathered { published, publication, claims, by_user, nominated, began } = gathered;
    context.progress.tell("locate", "comparing commits with the published files");
    let found = nominated.and_then(|nominated| nominate::find(nominated, &claims, &published));
    let (mut repository, located) = found.map_err(|error| nominate::refused(draft, error, &published, by_user))?;
    draft.located(repository.url(), &located, began.elapsed());

    context.progress.tell("pack", "packing the commit's files");
    let began = Instant::now();
    let allowed = allowed_beside_url(repository.url(), context);
    let open_submodule = |url: &str| open_beside(url, context, runtime, &allowed);
    let case = Case { located: &located, published: &published, publication: &publication, open_submodule: &open_submodule };
    let attempts = rebuild(&mut repository, &case, &question.build, context, runtime);
    draft.rebuilt_in(began.elapsed());

    // The verdict is about bytes, and is reached here. What follows are words for a reader.
    let decided = decision::of(draft, attempts, &published, context.deadline)?;
    if let Some(path) = &question.emit {
        decision::emit(&decided, path)?;
    }
    draft.made(&decided);
    let source = |recipe: &Recipe| source_of(&located, &repository, recipe);
    draft.explained(&decided, &published, &source);
    draft.noted(|report| committed::tell(report, &repository));
    draft.noted(|report| attested::settle(report, &repository, by_user));
    draft.noted(|report| elsewhere::tell(report, &mut repository, &published.files()));
    draft.noted(|report| released_as::tell(report, repository.refs()));
    draft.noted(|report| beside_branches::tell(report, &mut repository));
    draft.noted(|report| other_folder::tell(report, &mut repository, &located, &claims, &decided.closest.recipe));
    draft.noted(|report| unread::tell(report, repository.store(), &located));
    draft.noted(|report| pnpm_hook::tell(report, &mut repository, &decided.closest.recipe));
    draft.noted(|report| pnpm_changelog::tell(report, &mut repository, &decided.closest.recipe, &published));
    draft.findings(checkout_notes::findings(&decided.closest));
    let source = (&mut repository, &open_submodule as &Open<'_>);
    let overwritten = overwritten::of_attempt(&decided.closest, &decided.plain, &published.archive, &located, source);
    draft.findings(overwritten.map_err(boxed)?);
    draft.findings(context.credentials.used().into_iter().map(|host| source_private(&host)));
    Ok(decided)
}

/// What the registry says of the publication.
fn publication_of(release: &Release, claims: &Claims) -> Publication {
    Publication {
        registry: release.registry.clone(),
        time: release.time.clone(),
        node: release.node_version.clone(),
        npm: release.npm_version.clone(),
        name: claims.name.clone(),
        version: claims.version.clone(),
        ..Publication::default()
    }
}

fn recipe_by_user() -> Finding {
    let message = "the commands of the build are from the user: the result shows what they make, not what the source does";
    Finding::new("recipe-by-user", Severity::Warning, message)
}

fn source_private(host: &str) -> Finding {
    let message = format!("{host} shows the repository to you, but not to everyone: others cannot check this result");
    Finding::new("source-private", Severity::Info, message)
}
