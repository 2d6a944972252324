//! The whole way of one package, from a resolved version to its result: fetch, locate, plan, pack, compare, judge.
//!
//! This is the one file that knows all stages. The tarball is downloaded while the repository is asked for its refs and
//! for the trees of the commits that are named; from then on the files themselves say which commit is right.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde_json::Value;

use crate::compare::{self, Archive, Limits};
use crate::error::Explain;
use crate::git::config::GitConfig;
use crate::git::exchange::HttpExchange;
use crate::git::{GitError, Repository};
use crate::http::{Cancel, Client, Trust};
use crate::options::Options;
use crate::origin::address::{self, Address, Declared, DeclaredIn};
use crate::origin::locate::{self, Nominee};
use crate::origin::{Claims, Located, LocateError, PublishedFile};
use crate::pack::fingerprint::{self, Fingerprint, Headers};
use crate::recipe::source::{self, Published, Rebuilt, SourceError};
use crate::recipe::submodules::Open;
use crate::registry::{self, IntegrityCheck, Release, ResolveOptions};
use crate::report::draft::Draft;
use crate::report::json::{Finding, OptionsInfo, PackageInfo, Report, Severity};
use crate::npmrc::NpmConfig;
use crate::session::Progress;
use crate::spec::Spec;
use crate::store::Folders;
use crate::verdict::{Outcome, PublishedFacts, Verdict, judge};

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
}

/// A failure that is no verdict: ours, the user's or the network's.
pub type Failed = Box<dyn Explain + Send + Sync>;

/// Judges one resolved version; `spec` is what led to it.
pub async fn judge_release(
    spec: &Spec,
    release: Release,
    options: &Options,
    stored_options: OptionsInfo,
    context: &Context,
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
    let early = match &declared {
        Ok(Some(address)) if release.name.is_some() => Some(start_nominating(address.clone(), claims.clone(), context.clone())),
        _ => None,
    };
    context.progress.tell("resolve", "downloading the tarball");
    let resolving = ResolveOptions { cancel: context.cancel.clone(), ..ResolveOptions::default() };
    let tarball = registry::download(&release, spec, &context.npm, &context.client, &resolving).await.map_err(boxed)?;
    if let IntegrityCheck::Mismatch { expected, actual } = &tarball.check {
        let message = format!("the registry announces {expected}, and serves {actual}");
        let hint = "a proxy or mirror may have damaged it: ask another registry; if it stays, do not install it";
        return Ok(draft.differs("integrity-mismatch", message, Some(hint.into())));
    }
    draft.integrity(&tarball);
    let published = match read_published(tarball).await? {
        Ok(published) => published,
        Err(error) => return Ok(draft.differs(error.code(), error.to_string(), error.hint())),
    };
    draft.resolved(&published.archive, started.elapsed());

    let located_at = Instant::now();
    let manifest = published.manifest();
    let claims = Claims { name: claims_or(&claims.name, &manifest, "name"), version: claims_or(&claims.version, &manifest, "version"), ..claims };
    draft.named(&claims.name, &claims.version);
    let Agreed { address, finding } = match agreed(&release, declared, &manifest, options, context) {
        Ok(agreed) => agreed,
        Err(why) => {
            why.finding.into_iter().for_each(|finding| draft.finding(finding));
            return Ok(draft.no_source(why.code, why.message, why.hint));
        }
    };
    finding.into_iter().for_each(|finding| draft.finding(finding));
    let claims = Claims { reference: address.reference.clone(), directory: address.directory.clone(), ..claims };
    context.progress.tell("locate", "asking the repository");
    let early = early.unwrap_or_else(|| start_nominating(address, claims.clone(), context.clone()));
    let nominated = early.await.map_err(internal)?;
    context.progress.tell("locate", "comparing commits with the published files");
    let cancelled = Arc::clone(&context.cancelled);
    let progress = context.progress.clone();
    let emit = options.emit.clone();
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

fn internal(error: tokio::task::JoinError) -> Failed {
    Box::new(Internal(error.to_string()))
}

fn package_info(spec: &Spec, release: &Release) -> PackageInfo {
    PackageInfo {
        spec: spec.raw().to_owned(),
        name: release.name.clone(),
        version: release.version.clone(),
        location: Some(release.location.clone()),
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
fn declared_by_registry(release: &Release, options: &Options, context: &Context) -> Result<Option<Address>, address::AddressError> {
    let led_to = |url: &str| context.git.rewrite(url).1 || context.allows(url);
    if let Some(source) = &options.source {
        return address::parse_with(source, &led_to).map(Some);
    }
    match &release.manifest {
        Some(manifest) => Ok(address::declared_with(manifest, &led_to)?.map(|declared| declared.address)),
        None => Ok(None),
    }
}

impl Context {
    /// Whether the user's own configuration leads to this address.
    fn allows(&self, url: &str) -> bool {
        url::Url::parse(url).is_ok_and(|url| self.client.config().allowed.contains(&url))
    }
}

struct Agreed {
    address: Address,
    finding: Option<Finding>,
}

struct NoSource {
    code: &'static str,
    message: String,
    hint: Option<String>,
    finding: Option<Finding>,
}

/// The repository that counts: the one that the registry's metadata and the tarball's own package.json both name. Where
/// they disagree, one of the two was changed by somebody, and neither is believed.
fn agreed(
    release: &Release,
    by_registry: Result<Option<Address>, address::AddressError>,
    manifest: &Value,
    options: &Options,
    context: &Context,
) -> Result<Agreed, NoSource> {
    let unreadable = |error: address::AddressError| NoSource { code: error.code(), message: error.to_string(), hint: error.hint(), finding: None };
    if options.source.is_some() {
        let address = by_registry.map_err(unreadable)?;
        let finding = Finding::new("source-by-user", Severity::Info, "the repository is the user's own word, not the package's");
        return address.map(|address| Agreed { address, finding: Some(finding) }).ok_or_else(undeclared);
    }
    let led_to = |url: &str| context.git.rewrite(url).1 || context.allows(url);
    let in_tarball = address::declared_with(manifest, &led_to);
    let by_registry = match (&release.manifest, by_registry) {
        // A tarball from an address or a file: there is no other word than its own.
        (None, _) => None,
        (Some(_), by_registry) => Some(by_registry),
    };
    let finding = |declared: &Declared| {
        let field = match declared.from {
            DeclaredIn::Repository => return None,
            DeclaredIn::Homepage => "homepage",
            DeclaredIn::Bugs => "bugs",
        };
        Some(Finding::new("repository-from-other-field", Severity::Info, format!("no repository is declared; {field} names one")))
    };
    let mismatch = |registry: &str, tarball: &str| NoSource {
        code: "repository-mismatch",
        message: format!("the registry's metadata names {registry}, the package.json in the tarball names {tarball}"),
        hint: Some("whoever published this changed one of the two; ask the maintainers which one is theirs".into()),
        finding: Some(Finding::new(
            "repository-mismatch",
            Severity::Error,
            format!("registry metadata: {registry}; package.json in the tarball: {tarball}"),
        )),
    };
    match (by_registry, in_tarball) {
        (None, Ok(Some(declared))) => Ok(Agreed { finding: finding(&declared), address: declared.address }),
        (Some(Ok(Some(registry))), Ok(Some(declared))) => {
            if address::same_repository(&registry, &declared.address) {
                Ok(Agreed { finding: finding(&declared), address: registry })
            } else {
                Err(mismatch(&registry.url, &declared.address.url))
            }
        }
        (Some(Ok(Some(registry))), Ok(None)) => Err(mismatch(&registry.url, "no repository")),
        (Some(Ok(None)), Ok(Some(declared))) => Err(mismatch("no repository", &declared.address.url)),
        (None | Some(Ok(None)), Ok(None)) => Err(undeclared()),
        (Some(Err(error)), _) | (_, Err(error)) => Err(unreadable(error)),
    }
}

fn undeclared() -> NoSource {
    NoSource {
        code: "no-repository",
        message: "the package declares no repository".into(),
        hint: Some("if you know where its source is, name it: --source <repository>#<commit>".into()),
        finding: None,
    }
}

/// The published tarball, read.
struct Read {
    archive: Archive,
    bytes: Vec<u8>,
    headers: Option<Headers>,
    fingerprint: Option<Fingerprint>,
    facts: PublishedFacts,
}

impl Read {
    fn manifest(&self) -> Value {
        let bytes = self.archive.get("package.json").and_then(|entry| self.archive.content(entry).ok()).unwrap_or_default();
        serde_json::from_slice(crate::manifest::without_bom(&bytes)).unwrap_or_default()
    }

    /// The published files with their git blob ids.
    fn files(&self) -> Vec<PublishedFile> {
        let id = gix::ObjectId::from_bytes_or_panic;
        let file = |entry: &compare::Entry| PublishedFile { path: entry.path.clone(), blob: id(&entry.blob_id), blob_lf: self.blob_lf(entry) };
        self.archive.entries().iter().filter(|entry| entry.kind == compare::EntryKind::File).map(file).collect()
    }

    /// The blob id that the file would have with LF for CRLF, if all its line endings are CRLF.
    fn blob_lf(&self, entry: &compare::Entry) -> Option<gix::ObjectId> {
        const LARGEST: u64 = 8 << 20;
        if entry.size > LARGEST {
            return None;
        }
        let bytes = self.archive.content(entry).ok()?;
        let lf = bytes.iter().filter(|byte| **byte == b'\n').count();
        let crlf = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
        if crlf == 0 || crlf != lf {
            return None;
        }
        let mut text = Vec::with_capacity(bytes.len() - crlf);
        let mut rest = bytes.iter().copied().peekable();
        while let Some(byte) = rest.next() {
            if byte != b'\r' || rest.peek() != Some(&b'\n') {
                text.push(byte);
            }
        }
        gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, &text).ok()
    }

    fn as_published(&self) -> Published<'_> {
        Published { archive: &self.archive, bytes: &self.bytes, headers: self.headers.as_ref(), fingerprint: self.fingerprint.as_ref() }
    }
}

/// Reads the tarball. The inner error is the archive's: that is a verdict, not a failure.
async fn read_published(tarball: registry::Tarball) -> Result<Result<Read, compare::ArchiveError>, Failed> {
    let read = move || -> Result<Result<Read, compare::ArchiveError>, std::io::Error> {
        let mut bytes = Vec::with_capacity(usize::try_from(tarball.bytes.len()).unwrap_or_default());
        std::io::Read::read_to_end(&mut tarball.bytes.open(), &mut bytes)?;
        let archive = match Archive::read(bytes.as_slice(), &Limits::default()) {
            Ok(archive) => archive,
            Err(error) => return Ok(Err(error)),
        };
        // What the headers say is for choosing recipes; an archive that the walker cannot follow has none.
        let headers = Headers::read(&bytes, &fingerprint::Limits::default()).ok();
        let fingerprint = headers.as_ref().map(Fingerprint::of);
        let not_plain = archive.oddities().first().map(|oddity| oddity.kind.code());
        let facts = PublishedFacts { integrity_mismatch: false, not_plain };
        Ok(Ok(Read { archive, bytes, headers, fingerprint, facts }))
    };
    Ok(tokio::task::spawn_blocking(read).await.map_err(internal)??)
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
    let led_to = |url: &str| context.git.rewrite(url).1 || context.allows(url);
    match address::parse_with(url, &led_to) {
        Ok(address) => open(&address, context, runtime),
        Err(error) => Err(GitError::AddressRefused { url: url.to_owned(), why: error.to_string() }),
    }
}

fn find(nominated: Nominated, claims: &Claims, published: &Read) -> Result<(Repository, Located), LocateError> {
    let Nominated { mut repository, nominees } = nominated;
    let manifest = published.manifest();
    let git_head = manifest.get("gitHead").and_then(Value::as_str);
    let located = locate::locate(&mut repository, nominees, claims, &published.files(), git_head)?;
    Ok((repository, located))
}

fn rebuild(
    repository: &mut Repository,
    located: &Located,
    published: &Read,
    open_submodule: &Open<'_>,
    cancelled: &AtomicBool,
) -> Result<Vec<Rebuilt>, SourceError> {
    let mut all = Vec::new();
    for origin in &located.origins {
        let rebuilt = source::attempts(repository, origin, &published.as_published(), open_submodule, cancelled)?;
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
        LocateError::Git(GitError::Cancelled | GitError::Cache { .. } | GitError::Damaged { .. } | GitError::Config(_)) => Err(Box::new(error)),
        LocateError::Git(GitError::NotGit { .. }) => Ok(draft.unsupported(error.code(), error.to_string(), error.hint())),
        _ => {
            let mut draft = draft;
            draft.evidence(error.evidence());
            Ok(draft.no_source(error.code(), error.to_string(), error.hint()))
        }
    }
}

/// Judges what was rebuilt and writes the result.
fn finish(mut draft: Draft, rebuilt: Result<Vec<Rebuilt>, SourceError>, published: &Read, emit: Option<PathBuf>) -> Result<Report, Failed> {
    let rebuilt = match rebuilt {
        Ok(rebuilt) => rebuilt,
        Err(SourceError::List(error)) => return Ok(draft.build_failed(error.code(), error.to_string(), error.hint())),
        Err(error) => return Err(Box::new(error)),
    };
    let mut best: Option<(&Rebuilt, Verdict, Option<&'static str>)> = None;
    for one in &rebuilt {
        let (verdict, code) = judge(one.outcome, &published.facts);
        draft.attempt(one, verdict, code);
        let key = |one: &Rebuilt, verdict: Verdict| (verdict.closeness(), one.files_matched(), std::cmp::Reverse(one.comparison.only_rebuilt.len()));
        if best.is_none_or(|(known, known_verdict, _)| key(one, verdict) > key(known, known_verdict)) {
            best = Some((one, verdict, code));
        }
    }
    let Some((one, verdict, code)) = best else {
        return Ok(draft.build_failed("nothing-packed", "no recipe came to an end".into(), None));
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
