//! The whole way of one package, from a resolved version to its result: fetch, locate, plan, pack, compare, judge.
//!
//! This is the one file that knows all stages. The tarball is downloaded while the repository is asked for its refs and
//! for the trees of the commits that are named; from then on the files themselves say which commit is right.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;

use crate::error::Explain;
use crate::git::config::GitConfig;
use crate::git::exchange::{self, HttpExchange};
use crate::git::{GitError, Repository};
use crate::http::{Cancel, Client, Trust};
use crate::npmrc::NpmConfig;
use crate::options::Options;
use crate::origin::address::{self, Address, AddressError, Declared};
use crate::origin::agreement::{Agreed, NoSource, agree, undeclared, unreadable};
use crate::origin::locate::{self, Nominee};
use crate::origin::{Claims, LocateError, Located};
use crate::published::Published;
use crate::recipe::source::{self, Rebuilt, SourceError};
use crate::recipe::submodules::Open;
use crate::registry::{self, confusion, IntegrityCheck, Release, ResolveOptions};
use crate::report::draft::Draft;
use crate::report::json::{Finding, OptionsInfo, PackageInfo, Report, Severity};
use crate::session::{self, Progress};
use crate::spec::Spec;
use crate::store::Folders;
use crate::verdict::{self, Outcome, Verdict};

/// What every stage may use of the outside.
#[derive(Clone)]
pub struct Context {
    /// The HTTP client, with the user's network configuration.
    pub client: Client,
    /// npm's configuration.
    pub npm: NpmConfig,
    /// What counts of the user's git configuration.
    pub git: GitConfig,
    /// Where things are kept.
    pub folders: Folders,
    /// Whom to tell what is being done.
    pub progress: Progress,
    /// Stops requests.
    pub cancel: Cancel,
    /// Stops everything else.
    pub cancelled: Arc<AtomicBool>,
    /// Where relative paths start.
    pub cwd: PathBuf,
}

/// A failure that is no verdict: ours, the user's or the network's.
pub type Failed = Box<dyn Explain + Send + Sync>;

/// Judges one resolved version; `spec` is what led to it. Whatever the outcome, nothing of it runs on afterwards.
pub async fn judge_release(
    spec: &Spec,
    release: Release,
    options: &Options,
    stored_options: OptionsInfo,
    context: &Context,
) -> Result<Report, Failed> {
    let mut early = None;
    let judged = judge(spec, release, options, stored_options, context, &mut early).await;
    if let Some(early) = early {
        context.stop();
        // Its outcome counts for nothing any more.
        let _: Result<Result<Nominated, LocateError>, _> = early.await;
    }
    judged
}

async fn judge(
    spec: &Spec,
    release: Release,
    options: &Options,
    stored_options: OptionsInfo,
    context: &Context,
    early: &mut Option<Nominating>,
) -> Result<Report, Failed> {
    let started = Instant::now();
    let mut draft = Draft::new(package_info(spec, &release), release.attestations.is_some(), stored_options);
    let declared = declared_by_registry(&release, options, context);

    // The tarball and the repository are read at the same time: neither needs the other yet.
    let claims = Claims {
        name: release.name.clone().unwrap_or_default(),
        version: release.version.clone().unwrap_or_default(),
        git_head: release.git_head.clone(),
        reference: declared.as_ref().ok().and_then(|found| found.as_ref()?.reference.clone()),
        directory: declared.as_ref().ok().and_then(|found| found.as_ref()?.directory.clone()),
        user_commit: user_commit(options),
    };
    if let Ok(Some(address)) = &declared
        && release.name.is_some()
    {
        *early = Some(start_nominating(address.clone(), claims.clone(), context.clone()));
    }
    context.progress.tell("resolve", "downloading the tarball");
    let resolving = ResolveOptions { cancel: context.cancel.clone(), ..ResolveOptions::default() };
    let tarball = registry::download(&release, spec, &context.npm, &context.client, &resolving).await.map_err(boxed)?;
    if let IntegrityCheck::Mismatch { expected, actual } = &tarball.check {
        let message = format!("the registry announces {expected}, and serves {actual}");
        let hint = "a proxy or mirror may have damaged it: ask another registry; if it stays, do not install it";
        return Ok(draft.ended(Verdict::Differs, "integrity-mismatch", message, Some(hint.into())));
    }
    draft.integrity(&tarball);
    let published = match tokio::task::spawn_blocking(move || Published::read(&tarball)).await.map_err(internal)?? {
        Ok(published) => published,
        Err(error) => {
            let hint = error.hint().or_else(|| Some("nothing that a publishing client writes looks so: do not install it".into()));
            return Ok(draft.ended(Verdict::Differs, error.code(), error.to_string(), hint));
        }
    };
    draft.resolved(&published.archive, started.elapsed());

    let located_at = Instant::now();
    let manifest = published.manifest();
    if !manifest.is_object() {
        let code = published.facts.not_plain.unwrap_or("manifest-missing");
        let hint = "npm cannot install such a tarball".to_owned();
        return Ok(draft.ended(Verdict::Differs, code, "the tarball has no package.json that can be read".into(), Some(hint)));
    }
    if let Some(registry) = &release.manifest {
        if !confusion::same_identity(registry, &manifest) {
            let message = "the tarball's package.json names another package or version than the registry";
            let hint = "whoever published this put another package's tarball under this name".to_owned();
            return Ok(draft.ended(Verdict::Differs, "manifest-mismatch", message.into(), Some(hint)));
        }
        let has_gyp = published.archive.get("binding.gyp").is_some();
        for finding in confusion::findings(registry, &manifest, has_gyp) {
            draft.finding(finding);
        }
    }
    let claims =
        Claims { name: claims_or(&claims.name, &manifest, "name"), version: claims_or(&claims.version, &manifest, "version"), ..claims };
    draft.named(&claims.name, &claims.version);
    let agreed = match &options.source {
        Some(_) => by_user(declared),
        None => {
            let in_tarball = address::declared_with(&manifest, &|url| context.leads_to(url));
            let by_registry = release.manifest.as_ref().map(|_| declared);
            let renamed = renamed(by_registry.as_ref(), &in_tarball, context).await;
            agree(by_registry, in_tarball, renamed)
        }
    };
    let Agreed { address, finding } = match agreed {
        Ok(agreed) => agreed,
        Err(why) => {
            if let Some(finding) = why.finding {
                draft.finding(finding);
            }
            return Ok(draft.ended(why.verdict, why.code, why.message, why.hint));
        }
    };
    if let Some(finding) = finding {
        draft.finding(finding);
    }
    let claims = Claims { reference: address.reference.clone(), directory: address.directory.clone(), ..claims };
    context.progress.tell("locate", "asking the repository");
    let nominating = early.get_or_insert_with(|| start_nominating(address, claims.clone(), context.clone()));
    let nominated = nominating.await.map_err(internal)?;
    *early = None;
    context.progress.tell("locate", "comparing commits with the published files");
    let cancelled = Arc::clone(&context.cancelled);
    let progress = context.progress.clone();
    let emit = options.emit.as_ref().map(|path| context.cwd.join(path));
    let (for_submodules, runtime) = (context.clone(), tokio::runtime::Handle::current());
    let work = tokio::task::spawn_blocking(move || {
        let open_submodule = |url: &str| open_by_url(url, &for_submodules, &runtime);
        let (mut repository, located) = match nominated.and_then(|nominated| find(nominated, &claims, &published)) {
            Ok(found) => found,
            Err(error) => return refused(draft, error),
        };
        draft.located(repository.url(), &located, located_at.elapsed());
        progress.tell("pack", "packing the commit's files");
        let began = Instant::now();
        let result = rebuild(&mut repository, &located, &published, &open_submodule, &cancelled);
        draft.rebuilt_in(began.elapsed());
        finish(draft, result, &published, emit)
    });
    work.await.map_err(internal)?
}

fn boxed<E: Explain + Send + Sync + 'static>(error: E) -> Failed {
    Box::new(error)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn internal(error: tokio::task::JoinError) -> Failed {
    Box::new(Internal(error.to_string()))
}

/// A tarball's address as it may be shown and stored: queries carry secrets.
fn without_query(location: &str) -> String {
    match url::Url::parse(location) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") => {
            url.set_query(None);
            url.into()
        }
        _ => location.to_owned(),
    }
}

fn package_info(spec: &Spec, release: &Release) -> PackageInfo {
    PackageInfo {
        spec: session::shown(spec),
        name: release.name.clone(),
        version: release.version.clone(),
        location: Some(without_query(&release.location)),
        integrity: release.promised().map(|promised| promised.text()),
    }
}

fn claims_or(known: &str, manifest: &Value, key: &str) -> String {
    if known.is_empty() { manifest.get(key).and_then(Value::as_str).unwrap_or_default().to_owned() } else { known.to_owned() }
}

fn user_commit(options: &Options) -> Option<String> {
    options.source.as_deref()?.split_once('#').map(|(_, commit)| commit.to_owned()).filter(|commit| !commit.is_empty())
}

/// The repository that the registry's metadata names, or the one that the user named.
fn declared_by_registry(release: &Release, options: &Options, context: &Context) -> Result<Option<Address>, AddressError> {
    let led_to = |url: &str| context.leads_to(url);
    if let Some(source) = &options.source {
        return address::parse_with(source, &led_to).map(Some);
    }
    match &release.manifest {
        Some(manifest) => Ok(address::declared_with(manifest, &led_to)?.map(|declared| declared.address)),
        None => Ok(None),
    }
}

impl Context {
    /// Ends all requests and all work of this run.
    pub fn stop(&self) {
        self.cancel.cancel();
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the user's own configuration leads somewhere from this address.
    fn leads_to(&self, url: &str) -> bool {
        self.git.rewrite(url).1 || url::Url::parse(url).is_ok_and(|url| self.client.config().allowed.contains(&url))
    }
}

/// Whether two addresses that differ are the old and the new name of one repository, which only its host can say.
async fn renamed(
    by_registry: Option<&Result<Option<Address>, AddressError>>,
    in_tarball: &Result<Option<Declared>, AddressError>,
    context: &Context,
) -> bool {
    let (Some(Ok(Some(registry))), Ok(Some(declared))) = (by_registry, in_tarball) else { return false };
    if address::same_repository(registry, &declared.address) {
        return true;
    }
    let ends = [registry, &declared.address].map(|address| async {
        let target = context.git.rewrite(address.https().as_deref().unwrap_or(&address.url)).0;
        exchange::redirected(&context.client, &target, &context.cancel).await
    });
    let [first, second] = ends;
    matches!(tokio::join!(first, second), (Some(first), Some(second)) if first == second)
}

/// The repository that the user named.
fn by_user(declared: Result<Option<Address>, AddressError>) -> Result<Agreed, Box<NoSource>> {
    let finding = Finding::new("source-by-user", Severity::Info, "the repository is the user's own word, not the package's");
    match declared {
        Ok(Some(address)) => Ok(Agreed { address, finding: Some(finding) }),
        Ok(None) => Err(undeclared()),
        Err(error) => Err(unreadable(&error)),
    }
}

/// A repository that answered, and the commits that claims lead to.
struct Nominated {
    repository: Repository,
    nominees: Vec<Nominee>,
}

type Nominating = tokio::task::JoinHandle<Result<Nominated, LocateError>>;

fn start_nominating(address: Address, claims: Claims, context: Context) -> Nominating {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut repository = open(&address, &context, &runtime)?;
        let nominees = locate::nominate(&mut repository, &claims)?;
        Ok(Nominated { repository, nominees })
    })
}

/// Connects to the repository: over https first where a plain address was declared.
fn open(address: &Address, context: &Context, runtime: &tokio::runtime::Handle) -> Result<Repository, GitError> {
    let mut tries: Vec<String> = address.https().into_iter().collect();
    tries.push(address.url.clone());
    let mut first_error = None;
    for url in tries {
        let (target, _) = context.git.rewrite(&url);
        let trust = if target.starts_with("http://") { Trust::StrangerPlain } else { Trust::Stranger };
        let proxy = context.git.proxy.as_deref().and_then(|proxy| url::Url::parse(proxy).ok());
        let exchange = Arc::new(HttpExchange::new(context.client.clone(), runtime.clone(), trust, proxy, context.cancel.clone()));
        let cache: PathBuf = context.folders.repository(&target);
        match Repository::open(&target, &url, &cache, exchange, Arc::clone(&context.cancelled)) {
            Ok(repository) => return Ok(repository),
            Err(error @ (GitError::Cancelled | GitError::Cache { .. })) => return Err(error),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(GitError::AddressRefused { url: address.url.clone(), why: "there is no address to ask".into() }))
}

/// As [`open`], for an address that a repository's own `.gitmodules` names.
fn open_by_url(url: &str, context: &Context, runtime: &tokio::runtime::Handle) -> Result<Repository, GitError> {
    match address::parse_with(url, &|url| context.leads_to(url)) {
        Ok(address) => open(&address, context, runtime),
        Err(error) => Err(GitError::AddressRefused { url: url.to_owned(), why: error.to_string() }),
    }
}

fn find(nominated: Nominated, claims: &Claims, published: &Published) -> Result<(Repository, Located), LocateError> {
    let Nominated { mut repository, nominees } = nominated;
    let manifest = published.manifest();
    let git_head = manifest.get("gitHead").and_then(Value::as_str);
    let located = locate::locate(&mut repository, nominees, claims, &published.files(), git_head)?;
    Ok((repository, located))
}

fn rebuild(
    repository: &mut Repository,
    located: &Located,
    published: &Published,
    open_submodule: &Open<'_>,
    cancelled: &AtomicBool,
) -> Result<Vec<Rebuilt>, SourceError> {
    let mut all = Vec::new();
    for origin in &located.origins {
        let rebuilt = source::attempts(repository, origin, published, open_submodule, cancelled)?;
        let done = rebuilt.last().is_some_and(|last| last.outcome != Outcome::OtherEntries);
        all.extend(rebuilt);
        if done {
            break;
        }
    }
    Ok(all)
}

/// A repository that cannot be read, or has no commit, is a verdict; a failure of this machine is not.
fn refused(draft: Draft, error: LocateError) -> Result<Report, Failed> {
    match &error {
        LocateError::Git(GitError::Cancelled | GitError::Cache { .. } | GitError::Damaged { .. } | GitError::Config(_)) => {
            Err(Box::new(error))
        }
        LocateError::Git(GitError::NotGit { .. }) => Ok(draft.ended(Verdict::Unsupported, error.code(), error.to_string(), error.hint())),
        _ => {
            let mut draft = draft;
            draft.evidence(error.evidence());
            Ok(draft.ended(Verdict::NoSource, error.code(), error.to_string(), error.hint()))
        }
    }
}

/// Judges what was rebuilt and writes the result.
fn finish(mut draft: Draft, rebuilt: Result<Vec<Rebuilt>, SourceError>, published: &Published, emit: Option<PathBuf>) -> Result<Report, Failed> {
    let rebuilt = match rebuilt {
        Ok(rebuilt) => rebuilt,
        Err(SourceError::List(error)) => return Ok(draft.ended(Verdict::BuildFailed, error.code(), error.to_string(), error.hint())),
        Err(error) => return Err(Box::new(error)),
    };
    let mut best: Option<(&Rebuilt, Verdict, Option<&'static str>)> = None;
    for one in &rebuilt {
        let (verdict, code) = verdict::judge(one.outcome, &published.facts);
        draft.attempt(one, verdict, code);
        let key = |one: &Rebuilt, verdict: Verdict| {
            (verdict.closeness(), one.files_matched(), std::cmp::Reverse(one.comparison.only_rebuilt.len()))
        };
        if best.is_none_or(|(known, known_verdict, _)| key(one, verdict) > key(known, known_verdict)) {
            best = Some((one, verdict, code));
        }
    }
    let Some((one, verdict, code)) = best else {
        return Ok(draft.ended(Verdict::BuildFailed, "nothing-packed", "no recipe came to an end".into(), None));
    };
    if let Some(path) = emit {
        write_out(one, &path).map_err(|error| -> Failed { Box::new(error) })?;
    }
    let integrity = if verdict == Verdict::Identical { source::integrity_of(published.bytes.as_slice())? } else { one.integrity()? };
    Ok(draft.judged(one, verdict, code, integrity, &published.archive))
}

fn write_out(one: &Rebuilt, path: &std::path::Path) -> Result<(), SourceError> {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    one.write_to(&mut file)?;
    std::io::Write::flush(&mut file)?;
    Ok(())
}

/// A bug of ours: a stage panicked.
#[derive(Debug, thiserror::Error)]
#[error("internal error: {0}")]
struct Internal(String);

impl Explain for Internal {
    fn code(&self) -> &'static str {
        "internal"
    }

    fn stage(&self) -> crate::error::Stage {
        crate::error::Stage::Report
    }

    fn hint(&self) -> Option<String> {
        Some("please report this with the command that you ran".into())
    }
}

impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        Box::new(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Box::new(SourceError::Io(error))
    }
}
