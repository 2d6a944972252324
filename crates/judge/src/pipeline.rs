//! The whole way of one package, from a resolved version to its result: fetch, locate, plan, pack, compare, judge.
//!
//! This is the one file that knows all stages. The tarball is downloaded while the repository is asked for its refs and
//! for the trees of the commits that are named; from then on the files themselves say which commit is right.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use context::Context;
use git::{GitError, Repository, exchange};
use npm_registry::provenance::Roots;
use npm_registry::{self, Integrity, IntegrityCheck, Release, ResolveOptions, confusion, testimony};
use npm_spec::{Spec, Target};
use npm_tarball::ArchiveError;
use origin::address::{self, Address, AddressError, Declared};
use origin::locate::{self, Nominee};
use origin::{Claims, LocateError, Located};
use rebuild::build_run::Publication;
use rebuild::{Case, Published, SourceError, rebuild};
use recipe::{Recipe, RecipeError};
use report::json::{OptionsInfo, PackageInfo, Report};
use verdict::diagnostic::Diagnostic;
use verdict::{Ending, Failed, Finding, Internal, Severity, Verdict, boxed, internal};

use crate::agreement::{Agreed, agree};
use crate::draft::Draft;
use crate::finish::finish;
use crate::opening::{open, open_by_url};
use crate::question::Question;
use crate::source_of::source_of;
use crate::user_source::{self, UserSource};
use crate::{attested, beside_branches, elsewhere, released_as};

/// How long a task that is no longer needed may take to see it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Judges one resolved version; `spec` is what led to it. Whatever the outcome, nothing of it runs on afterwards.
pub async fn judge_release(
    spec: &Spec,
    release: Release,
    question: Question,
    stored_options: OptionsInfo,
    context: &Context,
) -> Result<Report, Failed> {
    let mut early = None;
    // On the heap: all stages together are a large future.
    let judged = Box::pin(judge(spec, release, question, stored_options, context, &mut early)).await;
    if let Some(early) = early {
        context.stop();
        // Its outcome counts for nothing any more; a host that keeps it busy must not keep the answer.
        let _: Result<_, tokio::time::error::Elapsed> = tokio::time::timeout(LAST_WORDS, early).await;
    }
    judged
}

async fn judge(
    spec: &Spec,
    release: Release,
    question: Question,
    stored_options: OptionsInfo,
    context: &Context,
    early: &mut Option<Nominating>,
) -> Result<Report, Failed> {
    let mut draft = Draft::new(package_info(spec, &release), release.attestations.is_some(), stored_options);
    let prepared = prepare(spec, &release, &question, context, &mut draft, early).await;
    let publication = Publication {
        registry: release.registry.clone(),
        time: release.time.clone(),
        node: release.node_version.clone(),
        npm: release.npm_version.clone(),
        ..Publication::default()
    };
    let Prepared { published, claims, by_user, nominated, located_at } = match prepared {
        Ok(prepared) => prepared,
        Err(Halt::Ended(ending)) => return Ok(draft.ended(*ending)),
        Err(Halt::Failed(error)) => return Err(error),
    };
    let publication = Publication { name: claims.name.clone(), version: claims.version.clone(), ..publication };
    context.progress.tell("locate", "comparing commits with the published files");
    let (context, runtime) = (context.clone(), tokio::runtime::Handle::current());
    let work = tokio::task::spawn_blocking(move || {
        let open_submodule = |url: &str| open_by_url(url, &context, &runtime);
        let (mut repository, located) = match nominated.and_then(|nominated| find(nominated, &claims, &published)) {
            Ok(found) => found,
            Err(error) => return refused(draft, error, &published, by_user),
        };
        draft.located(repository.url(), &located, located_at.elapsed());
        context.progress.tell("pack", "packing the commit's files");
        let began = Instant::now();
        let case = Case { located: &located, published: &published, publication: &publication, open_submodule: &open_submodule };
        let result = rebuild(&mut repository, &case, &question.build, &context, &runtime);
        draft.rebuilt_in(began.elapsed());
        let source = |recipe: &Recipe| source_of(&located, &repository, recipe);
        let mut report = finish(draft, result, &published, question.emit.as_deref(), &source, context.deadline)?;
        attested::settle(&mut report, &repository, by_user);
        elsewhere::tell(&mut report, &mut repository, &published.files());
        released_as::tell(&mut report, repository.refs());
        beside_branches::tell(&mut report, &mut repository);
        for host in context.credentials.used() {
            let message = format!("{host} shows the repository to you and not to everybody: others cannot check this result");
            report.findings.push(Finding::new("source-private", Severity::Info, message));
        }
        Ok(report)
    });
    work.await.map_err(internal)?
}

/// What is known before commits are compared with files.
struct Prepared {
    published: Published,
    claims: Claims,
    /// Whether the user named the source, and not the package.
    by_user: bool,
    nominated: Result<Nominated, LocateError>,
    located_at: Instant,
}

/// Why the way ends early: with a verdict, or with a failure.
enum Halt {
    Ended(Box<Ending>),
    Failed(Failed),
}

impl From<Box<Ending>> for Halt {
    fn from(ending: Box<Ending>) -> Self {
        Self::Ended(ending)
    }
}

impl From<Failed> for Halt {
    fn from(error: Failed) -> Self {
        Self::Failed(error)
    }
}

/// Reads the tarball and, at the same time, asks the repository for what the registry's claims lead to: neither needs
/// the other yet. Then the two documents must agree on what the package is and where it comes from.
async fn prepare(
    spec: &Spec,
    release: &Release,
    question: &Question,
    context: &Context,
    draft: &mut Draft,
    early: &mut Option<Nominating>,
) -> Result<Prepared, Halt> {
    let started = Instant::now();
    let named = UserSource::of(question, context);
    let by_user = named.is_some();
    let (declared, user_commit, directory) = match named {
        Some(UserSource { address, commit, directory }) => (address.map(Some), commit, directory),
        None => (declared_by_registry(release, context), None, None),
    };
    let claims = claims_of(release, &declared, user_commit);
    if let Ok(Some(address)) = &declared
        && release.name.is_some()
    {
        *early = Some(start_nominating(address.clone(), claims.clone(), question, context));
    }
    context.progress.tell("resolve", "downloading the tarball");
    let downloading = download(spec, release, context, draft);
    let (published, testimony) = tokio::join!(downloading, testimony::gather(release, &context.npm, &context.client, &context.cancel));
    let mut published = published?;
    draft.resolved(&published.archive, started.elapsed());

    let located_at = Instant::now();
    let manifest = published.manifest();
    check_manifest(release, &mut published, &manifest, draft)?;
    let claims =
        Claims { name: claims_or(&claims.name, &manifest, "name"), version: claims_or(&claims.version, &manifest, "version"), ..claims };
    draft.named(&claims.name, &claims.version);
    let heard = testimony.weigh(release, &claims.name, &claims.version, &published.sha512, &*roots(question)?);
    let attested = heard.provenance.as_ref().filter(|found| found.verified).and_then(|found| found.commit.clone());
    let claims = Claims { provenance: attested, ..claims };
    draft.heard(heard);
    if let Some(given) = question.build.given.as_ref().filter(|given| (&given.name, &given.version) != (&claims.name, &claims.version)) {
        return Err(boxed(RecipeError::Other(format!("{}@{}", given.name, given.version))).into());
    }
    let Agreed { address, finding } = if by_user {
        user_source::agreed(declared)?
    } else {
        let in_tarball = address::declared_with(&manifest, &|url| context.leads_to(url));
        let by_registry = release.manifest.as_ref().map(|_| declared);
        let renamed = renamed(by_registry.as_ref(), &in_tarball, context).await?;
        agree(by_registry, in_tarball, renamed)?
    };
    if let Some(finding) = finding {
        draft.finding(finding);
    }
    if question.build.given.is_some() {
        let message = "the commands of the build are the user's own word: the result says what they make, not what the source does";
        draft.finding(Finding::new("recipe-by-user", Severity::Warning, message));
    }
    let claims = Claims {
        reference: address.reference.clone(),
        directory: directory.or_else(|| address.directory.clone()),
        manifest_rewritten: npm_pack::eras_of(published.fingerprint.as_ref()).first().is_some_and(|era| npm_pack::rewrites_manifest(era)),
        ..claims
    };
    context.progress.tell("locate", "asking the repository");
    let nominating = early.get_or_insert_with(|| start_nominating(address, claims.clone(), question, context));
    let nominated = nominating.await.map_err(internal)?;
    *early = None;
    Ok(Prepared { published, claims, by_user, nominated, located_at })
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
    }
}

/// Downloads the tarball, which must be the one that the registry announces, and reads it.
async fn download(spec: &Spec, release: &Release, context: &Context, draft: &mut Draft) -> Result<Published, Halt> {
    let resolving = ResolveOptions { cancel: context.cancel.clone(), ..ResolveOptions::default() };
    let tarball = npm_registry::download(release, spec, &context.npm, &context.client, &resolving).await.map_err(boxed)?;
    if let IntegrityCheck::Mismatch { expected, actual } = &tarball.check {
        let message = format!("the registry announces {expected}, and serves {actual}");
        let hint = "a proxy or mirror may have damaged it: ask another registry; if it stays, do not install it";
        return Err(Ending::new(Verdict::Differs, "integrity-mismatch", message, hint).into());
    }
    // npm before 5 and yarn before 1.10 know no other hash, and take what fits this one.
    if let Some(expected) = release.shasum.as_deref().map(str::trim).filter(|text| Integrity::from_shasum(text).is_some())
        && !expected.eq_ignore_ascii_case(&tarball.shasum)
    {
        let message = format!("the registry announces the shasum {expected}, and serves {}", tarball.shasum);
        let hint = "clients that check one of the two hashes take another file than those that check the other: do not install it";
        return Err(Ending::new(Verdict::Differs, "integrity-mismatch", message, hint).into());
    }
    if let (Some(registry), Some(url)) = (&release.registry, &release.url)
        && registry.origin() != url.origin()
    {
        let host = url.host_str().unwrap_or_default();
        let severity = if release.promised().is_some() { Severity::Info } else { Severity::Warning };
        draft.finding(Finding::new("tarball-elsewhere", severity, format!("the registry has the tarball on another host: {host}")));
    }
    draft.integrity(&tarball);
    let read = tokio::task::spawn_blocking(move || Published::read(&tarball)).await.map_err(internal)?;
    read.map_err(|error| boxed(SourceError::Io(error)))?.map_err(|error| {
        let own_file = matches!(spec.target(), Target::File(_));
        if matches!(error, ArchiveError::Spool(_) | ArchiveError::Read(_)) || own_file && matches!(error, ArchiveError::NotAnArchive) {
            // This machine's disk, not the archive; or a file of the user's that is no package, of which nobody claims that it is one.
            return Halt::Failed(boxed(error));
        }
        let mut ending = Ending::by(Verdict::Differs, &error);
        ending.hint.get_or_insert_with(|| "nothing that a publishing client writes looks so: do not install it".into());
        ending.into()
    })
}

/// The tarball must be of the package and version that the registry serves it for. Where the registry asks an installer for other than
/// the tarball says, nothing that is rebuilt is the whole of what was published.
fn check_manifest(release: &Release, published: &mut Published, manifest: &Value, draft: &mut Draft) -> Result<(), Box<Ending>> {
    if !manifest.is_object() {
        let code = published.facts.not_plain.unwrap_or("manifest-missing");
        let message = "the tarball has no package.json that can be read";
        return Err(Ending::new(Verdict::Differs, code, message, "npm cannot install such a tarball"));
    }
    let Some(registry) = &release.manifest else { return Ok(()) };
    if !confusion::same_identity(registry, manifest) {
        let message = "the tarball's package.json names another package or version than the registry";
        let hint = "whoever published this put another package's tarball under this name";
        return Err(Ending::new(Verdict::Differs, "manifest-mismatch", message, hint));
    }
    let paths: Vec<&str> = published.archive.entries().iter().map(|entry| entry.path.as_str()).collect();
    let disagreements = confusion::disagreements(registry, confusion::Inside { manifest, paths: &paths });
    for finding in confusion::findings(&disagreements) {
        draft.finding(finding);
    }
    published.facts.manifest_mismatch = disagreements.iter().any(|one| one.weighs);
    Ok(())
}

/// A tarball's address as it may be shown and stored: queries carry secrets.
fn without_query(location: &str) -> String {
    match url::Url::parse(location) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") => {
            url.set_query(None);
            npm_spec::without_credentials(url.as_str())
        }
        _ => location.to_owned(),
    }
}

fn package_info(spec: &Spec, release: &Release) -> PackageInfo {
    PackageInfo {
        spec: npm_spec::shown(spec),
        name: release.name.clone(),
        version: release.version.clone(),
        location: Some(without_query(&release.location)),
        integrity: release.promised().map(|promised| promised.text()),
    }
}

fn claims_or(known: &str, manifest: &Value, key: &str) -> String {
    if known.is_empty() { manifest.get(key).and_then(Value::as_str).unwrap_or_default().to_owned() } else { known.to_owned() }
}

/// The repository that the registry's metadata names.
fn declared_by_registry(release: &Release, context: &Context) -> Result<Option<Address>, AddressError> {
    match &release.manifest {
        Some(manifest) => Ok(address::declared_with(manifest, &|url| context.leads_to(url))?.map(|declared| declared.address)),
        None => Ok(None),
    }
}

/// Whom provenance is trusted by: the user's roots, else those that are embedded.
fn roots(question: &Question) -> Result<Arc<Roots>, Failed> {
    match &question.roots {
        Some(roots) => Ok(Arc::clone(roots)),
        // What is embedded was read by the tests; it is as good as code.
        None => Roots::embedded().map(Arc::new).map_err(|error| -> Failed { Box::new(Internal(error)) }),
    }
}

/// Whether two addresses that differ are the old and the new name of one repository. Only the host that both are on can
/// say so: a host that leads to another one would speak for a repository that is not its own.
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
            let message = format!("whether {} and {} are one repository could not be asked: {error}", registry.url, tarball.url);
            let hint = error.hint().unwrap_or_else(|| "try again".into());
            Err(Ending::new(Verdict::NoSource, "repository-unreachable", message, hint))
        }
    }
}

/// A repository that answered, and the commits that claims lead to.
struct Nominated {
    repository: Repository,
    nominees: Vec<Nominee>,
}

type Nominating = tokio::task::JoinHandle<Result<Nominated, LocateError>>;

fn start_nominating(address: Address, claims: Claims, question: &Question, context: &Context) -> Nominating {
    // A recipe may be somebody else's, and its commands would run on what only the user may read.
    let identified = question.build.given.is_none();
    let (context, runtime) = (context.clone(), tokio::runtime::Handle::current());
    tokio::task::spawn_blocking(move || {
        let mut repository = open(&address, &context, &runtime, identified)?;
        let nominees = locate::nominate(&mut repository, &claims)?;
        Ok(Nominated { repository, nominees })
    })
}

fn find(nominated: Nominated, claims: &Claims, published: &Published) -> Result<(Repository, Located), LocateError> {
    let Nominated { mut repository, nominees } = nominated;
    let manifest = published.manifest();
    let git_head = manifest.get("gitHead").and_then(Value::as_str);
    let located = locate::locate(&mut repository, nominees, claims, &published.files(), git_head)?;
    Ok((repository, located))
}

/// A repository that cannot be read, or has no commit, is a verdict; a failure of this machine is not.
fn refused(draft: Draft, error: LocateError, published: &Published, by_user: bool) -> Result<Report, Failed> {
    match &error {
        LocateError::Git(
            GitError::Cancelled | GitError::Cache { .. } | GitError::Damaged { .. } | GitError::Config(_) | GitError::Source { .. },
        ) => Err(Box::new(error)),
        LocateError::Git(GitError::NotGit { .. }) => Ok(draft.ended(*Ending::by(Verdict::Unsupported, &error))),
        _ => {
            let mut draft = draft;
            draft.evidence(error.evidence());
            for finding in confusion::without_source(&published.manifest()) {
                draft.finding(finding);
            }
            let mut ending = Ending::by(Verdict::NoSource, &error);
            if by_user && let Some(hint) = user_source::hint(&error) {
                ending.hint = Some(hint.into());
            }
            Ok(draft.ended(*ending))
        }
    }
}
