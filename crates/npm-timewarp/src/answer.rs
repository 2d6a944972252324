//! One request of a build, from its head to our answer and its line in the record.

use std::collections::BTreeSet;
use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::Instant;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use hyper::{Method, StatusCode, Uri};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use http::{HttpError, Trust};
use npm_registry::{Integrity, RegistryError};
use npm_spec::PackageName;
use npm_spec::version::VersionRange;
use npmrc::DEFAULT_REGISTRY;
use verdict::diagnostic::Diagnostic;

use super::access::may_follow;
use super::body::Reply;
use super::document::{self, Form, Links};
use super::error::{Refused, TimewarpError};
use super::heard::Question;
use super::packages::Package;
use super::path::{Ask, read};
use super::record::{Kind, Request};
use super::serve::Seat;
use super::stand_in::{Near, StandIn, measured};
use super::tags::guessed;
use super::tarballs::{Held, Order};
use super::{Inner, neighbour, serve, tunnel};

/// Longest body of a question that is answered without reading it.
const MAX_QUESTION: usize = 4 << 20;
const JSON: &str = "application/json";
const TARBALL: &str = "application/octet-stream";
/// Longest name of a host, in bytes (RFC 1035).
const LONGEST_HOST: usize = 253;
pub(super) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// How the client sees us.
#[derive(Debug, Clone)]
pub(super) struct Base {
    text: String,
    host: String,
    port: u16,
}

impl Base {
    pub(super) fn parse(base: &str) -> Result<Self, TimewarpError> {
        let bad = || TimewarpError::Base { base: base.to_owned() };
        let url = Url::parse(base).ok().filter(|url| url.scheme() == "http").ok_or_else(bad)?;
        let (host, port) = (url.host_str().ok_or_else(bad)?.to_owned(), url.port_or_known_default().ok_or_else(bad)?);
        Ok(Self { text: format!("http://{host}:{port}/"), host, port })
    }

    fn is(&self, host: &str, port: u16) -> bool {
        host.eq_ignore_ascii_case(&self.host) && port == self.port
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// What a request turned out to be about.
struct About {
    kind: Kind,
    name: Option<String>,
    version: Option<String>,
}

impl Default for About {
    fn default() -> Self {
        Self { kind: Kind::Other, name: None, version: None }
    }
}

/// An answer that is one.
struct Given {
    status: StatusCode,
    content_type: &'static str,
    etag: Option<String>,
    body: Reply,
    /// The digest of what is said; none where that cannot be held against another answer.
    digest: Option<String>,
}

impl Given {
    fn bytes(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Self {
        let digest = Some(format!("{status} {}", hex::encode(Sha256::digest(&body))));
        Self { status, content_type, etag: None, body: body.into(), digest }
    }

    fn json(body: Vec<u8>) -> Self {
        Self::bytes(StatusCode::OK, JSON, body)
    }

    fn tarball(bytes: Vec<u8>) -> Self {
        Self::bytes(StatusCode::OK, TARBALL, bytes)
    }

    fn document((body, room): (Vec<u8>, OwnedSemaphorePermit), content_type: &'static str) -> Self {
        let digest = hex::encode(Sha256::digest(&body));
        let etag = Some(format!("\"{digest}\""));
        Self { status: StatusCode::OK, content_type, etag, body: Reply::bytes(body, room), digest: Some(digest) }
    }

    /// Word that the client has the document, where it says that it does.
    fn unless_known(self, known: Option<&str>) -> Self {
        let same = |one: &str| self.etag.as_deref() == Some(one.trim().trim_start_matches("W/"));
        if known.is_some_and(|known| known.split(',').any(same)) {
            return Self { status: StatusCode::NOT_MODIFIED, body: Vec::new().into(), ..self };
        }
        self
    }
}

/// Answers a request and records it.
pub(super) async fn answer(inner: &Arc<Inner>, base: &Base, request: hyper::Request<Incoming>, seat: &Seat) -> hyper::Response<Reply> {
    let start = Instant::now();
    let question = Question::of(&request, base.text(), inner.record.during());
    let known = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut about = About::default();
    let given = if question.is(&Method::CONNECT) {
        connect(inner, base, request, seat, &mut about).await
    } else {
        let given = given(inner, base, &question, &mut about).await;
        if given.is_ok() && question.is(&Method::POST) {
            // Read to the end so that the connection can go on; what is in it does not matter.
            drop(Limited::new(request.into_body(), MAX_QUESTION).collect().await);
        }
        given
    };
    let given = recorded(inner, question, about, start, given).unless_known(known.as_deref());
    let mut response = hyper::Response::new(given.body);
    *response.status_mut() = given.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(given.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(etag) = given.etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
        headers.insert(ETAG, etag);
    }
    response
}

/// The digest of what is answered now to a question of an earlier build, which is recorded as one
/// of this build's; none for an answer that cannot be held against another.
pub(super) async fn again(inner: &Arc<Inner>, question: Question) -> Option<String> {
    let start = Instant::now();
    let base = Base::parse(&question.base).ok()?;
    let mut about = About::default();
    let given = if question.is(&Method::CONNECT) {
        match question.address.parse::<Uri>() {
            Ok(to) => tunnel_to(inner, &base, &to, &mut about).await.map(|(given, _)| given),
            Err(_) => Err(Refused::Path),
        }
    } else {
        given(inner, &base, &question, &mut about).await
    };
    recorded(inner, question, about, start, given).digest
}

/// The answer, or what a refusal says, with its lines in the record.
fn recorded(inner: &Inner, question: Question, about: About, start: Instant, given: Result<Given, Refused>) -> Given {
    let refused = given.as_ref().err().map(Diagnostic::code);
    let given = given.unwrap_or_else(|error| {
        note(inner, &about, &error);
        refusal(&error)
    });
    let request = Request {
        kind: about.kind,
        name: about.name,
        version: about.version,
        status: given.status.as_u16(),
        ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        refused,
    };
    inner.record.request(request, question.during);
    inner.hearing.add(question, given.digest.clone());
    given
}

/// What the record keeps of a refusal besides its code.
fn note(inner: &Inner, about: &About, error: &Refused) {
    match error {
        Refused::Host { host } | Refused::Tunnel { host, .. } => inner.record.wanted(host),
        Refused::NotNamed { name } => inner.record.not_named(name),
        Refused::KeptIn { wanted } => inner.record.kept_in(wanted),
        Refused::Registry(RegistryError::PackageNotFound { name, .. } | RegistryError::PackageUnpublished { name, .. }) => {
            inner.record.missing(name);
        }
        Refused::NoVersion { .. } | Refused::Registry(RegistryError::TarballNotFound { .. } | RegistryError::NoTarball { .. })
            if about.kind == Kind::Tarball =>
        {
            if let Some((name, version)) = about.name.as_ref().zip(about.version.as_ref()) {
                inner.record.missing(&format!("{name}@{version}"));
            }
        }
        _ => {}
    }
}

fn refusal(error: &Refused) -> Given {
    // A registry's failure may name addresses of the user's network, which are none of the build's
    // business.
    let message = if matches!(error, Refused::Registry(_)) { error.code().to_owned() } else { error.to_string() };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_GATEWAY);
    let body = serde_json::json!({ "error": message }).to_string().into_bytes();
    Given::bytes(status, JSON, body)
}

async fn given(inner: &Arc<Inner>, base: &Base, question: &Question, about: &mut About) -> Result<Given, Refused> {
    if inner.settings.cancel.is_cancelled() {
        return Err(RegistryError::from(HttpError::Cancelled).into());
    }
    let address: Uri = question.address.parse().map_err(|_| Refused::Path)?;
    let path = own_path(inner, base, &address).inspect_err(|error| {
        if let Refused::Host { host } = error {
            about.name = Some(host.clone());
        }
    })?;
    let ask = read(&path);
    // In the record; a package's name takes its place.
    about.name = Some(path);
    let is_reading = question.is(&Method::GET) || question.is(&Method::HEAD);
    let is_question = question.is(&Method::POST) && ask == Ask::Advisories;
    if !is_reading && !is_question {
        return Err(Refused::Method);
    }
    match ask {
        Ask::Packument(name) => packument(inner, base, &name, question, about).await,
        Ask::Version(name, wanted) => version(inner, base, (&name, wanted), question, about).await,
        Ask::Tarball(name, file) => tarball(inner, &name, file, about).await,
        Ask::Git(name, key) => {
            (about.kind, about.name, about.version) = (Kind::Tarball, Some(name.to_string()), Some("git".to_owned()));
            repository(inner, &name, key).await
        }
        Ask::Ping => Ok(Given::json(b"{}".to_vec())),
        Ask::Advisories if is_question => Ok(Given::json(b"{}".to_vec())),
        Ask::Advisories | Ask::Nothing => Err(Refused::Path),
    }
}

/// The path here of an address: our own, or in a proxy's form one of a registry that we stand for.
fn own_path(inner: &Inner, base: &Base, uri: &Uri) -> Result<String, Refused> {
    let Some(host) = uri.host() else { return Ok(uri.path().to_owned()) };
    if host.len() > LONGEST_HOST {
        return Err(Refused::Path);
    }
    if base.is(host, uri.port_u16().unwrap_or(80)) {
        return Ok(uri.path().to_owned());
    }
    let canonical = Url::parse(DEFAULT_REGISTRY).ok();
    let mut registries = inner.settings.npm.registries().into_iter().chain(canonical);
    let found = registries.find(|registry| {
        let is_port = uri.port_u16().is_none_or(|port| Some(port) == registry.port_or_known_default());
        registry.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host)) && is_port
    });
    let Some(registry) = found else { return Err(Refused::Host { host: host.to_owned() }) };
    let below = uri.path().strip_prefix(registry.path().trim_end_matches('/')).unwrap_or(uri.path());
    Ok(below.to_owned())
}

async fn connect(
    inner: &Arc<Inner>,
    base: &Base,
    mut request: hyper::Request<Incoming>,
    seat: &Seat,
    about: &mut About,
) -> Result<Given, Refused> {
    if inner.settings.cancel.is_cancelled() {
        return Err(RegistryError::from(HttpError::Cancelled).into());
    }
    let (given, to) = tunnel_to(inner, base, request.uri(), about).await?;
    let upgrade = hyper::upgrade::on(&mut request);
    match to {
        None => serve::tunnel_to_us(upgrade, inner, base, seat),
        Some(to) => drop(inner.runtime.spawn(tunnel::carry(upgrade, to, seat.clone()))),
    }
    Ok(given)
}

/// The answer to `CONNECT` and where the tunnel leads; none: to ourselves.
async fn tunnel_to(inner: &Inner, base: &Base, to: &Uri, about: &mut About) -> Result<(Given, Option<TcpStream>), Refused> {
    about.kind = Kind::Tunnel;
    let (host, port) = match (to.host(), to.port_u16()) {
        (Some(host), Some(port)) if host.len() <= LONGEST_HOST => (host.to_owned(), port),
        _ => return Err(Refused::Path),
    };
    about.name = Some(host.clone());
    let given = Given::json(Vec::new());
    if base.is(&host, port) {
        // What is asked through it is heard for itself.
        return Ok((given, None));
    }
    let to = tunnel::connect(&host, port, &inner.settings.hosts, inner.settings.client.config()).await?;
    // What that host says, nobody hears.
    Ok((Given { digest: None, ..given }, Some(to)))
}

/// A package as the registry has it, or as another stands in for it.
pub(super) async fn package(inner: &Arc<Inner>, name: &PackageName) -> Result<Arc<Package>, Refused> {
    if !inner.access.may_ask(name.as_str()) {
        return Err(Refused::KeptIn { wanted: name.to_string() });
    }
    let package = match (inner.packages.get(name, &inner.source()).await, inner.stand_in_versions(name)) {
        (Err(error), Some(wanted)) if error.is_gone() => return inner.packages.stand_in(name, &wanted, &inner.source()).await,
        (package, _) => package?,
    };
    if package.view.untrue {
        inner.record.times_untrue();
    }
    if package.is_private {
        inner.record.private(name.as_str());
        if !inner.settings.is_of_publisher(name.as_str()) {
            inner.access.hold_private();
        }
    }
    Ok(package)
}

async fn packument(inner: &Arc<Inner>, base: &Base, name: &PackageName, asked: &Question, about: &mut About) -> Result<Given, Refused> {
    (about.kind, about.name) = (Kind::Packument, Some(name.to_string()));
    let package = inner.packages.as_of_what_it_needs(package(inner, name).await?, &inner.source()).await?;
    let (form, content_type) = if asked.abbreviated { (Form::Abbreviated, ABBREVIATED) } else { (Form::Full, JSON) };
    let (leads, canonical, for_disk) =
        (inner.leads(base.text()), asked.keeps_addresses(), inner.settings.manifests_on_disk && asked.writes_manifests());
    let mut tags = inner.packages.needed_tags(name.as_str());
    tags.extend(inner.settings.tags.iter().cloned());
    let make = move |document: &[u8], package: &Package| {
        let links = Links { name: package.name.as_str(), leads: &leads, canonical, for_disk, tags: &tags };
        document::packument(document, &package.view, form, &links)
    };
    Ok(Given::document(inner.packages.make(&package, make).await?, content_type))
}

async fn version(
    inner: &Arc<Inner>,
    base: &Base,
    (name, wanted): (&PackageName, String),
    asked: &Question,
    about: &mut About,
) -> Result<Given, Refused> {
    (about.kind, about.name, about.version) = (Kind::Version, Some(name.to_string()), Some(wanted.clone()));
    let package = inner.packages.as_of_what_it_needs(package(inner, name).await?, &inner.source()).await?;
    let tagged = package.view.tags.get(&wanted).cloned().or_else(|| {
        let shown = package.versions().filter(|text| package.view.shows(text));
        VersionRange::parse(&wanted).is_none().then(|| guessed(&wanted, shown)).flatten().map(str::to_owned)
    });
    let version = tagged.unwrap_or(wanted);
    seen(&package, &version)?;
    let (leads, canonical, for_disk) =
        (inner.leads(base.text()), asked.keeps_addresses(), inner.settings.manifests_on_disk && asked.writes_manifests());
    let own = version.clone();
    let make = move |document: &[u8], package: &Package| {
        let links = Links { name: package.name.as_str(), leads: &leads, canonical, for_disk, tags: &BTreeSet::new() };
        document::manifest(document, &own, &package.view, &links)
    };
    let (manifest, room) = inner.packages.make(&package, make).await?;
    let manifest = manifest.ok_or_else(|| Refused::NoVersion { name: name.to_string(), wanted: version })?;
    Ok(Given::document((manifest, room), JSON))
}

async fn tarball(inner: &Arc<Inner>, name: &PackageName, file: String, about: &mut About) -> Result<Given, Refused> {
    (about.kind, about.name, about.version) = (Kind::Tarball, Some(name.to_string()), Some(file.clone()));
    let package = package(inner, name).await?;
    let no_version = || Refused::NoVersion { name: name.to_string(), wanted: file.clone() };
    let written = version_in(name, &file);
    let version = match package.version_of_file(&file) {
        Some(version) => version.to_owned(),
        None => written.ok_or_else(no_version)?,
    };
    about.version = Some(version.clone());
    if package.is_stand_in || package.dist(&version).is_none() || inner.stands_in_for(name, &version) {
        let stand_in = inner.stand_in(name, &version).ok_or_else(no_version)?;
        if let Some(near) = inner.stood_in_by(name, &version) {
            // What is in it is an ingredient, whatever version it is served as.
            inner.record.tarball(name.as_str(), &near.version, &near.sha512, None);
            inner.record.later(name.as_str(), &near.version, package.view.later(&near.version));
        }
        return Ok(Given::tarball(stand_in.tarball.clone()));
    }
    seen(&package, &version)?;
    let held = held(inner, &package, &version).await?;
    inner.record.tarball(name.as_str(), &version, &held.sha512, package.view.came(&version));
    inner.record.later(name.as_str(), &version, package.view.later(&version));
    let body = Reply::file(held.file, held.length);
    Ok(Given { status: StatusCode::OK, content_type: TARBALL, etag: None, body, digest: Some(held.sha512) })
}

/// What a dependency on a git repository has; an empty package where it cannot be had.
async fn repository(inner: &Arc<Inner>, name: &PackageName, key: Option<String>) -> Result<Given, Refused> {
    let failed = |error: String| RegistryError::Disk(error);
    let stand_in = |why: &str| {
        inner.record.repository_lost(name.as_str(), why);
        inner.stand_in_for_git(name).map(|stand_in| Given::tarball(stand_in.tarball)).ok_or(Refused::Path)
    };
    let Some(key) = key else { return stand_in("its address names no repository") };
    let wanted = inner.ledger.wanted(&key).filter(|wanted| wanted.name == name.as_str()).ok_or(Refused::Path)?;
    if inner.access.holds_private() {
        // Whose host it is learns that it was asked.
        return Err(Refused::KeptIn { wanted: format!("{name} of {}", wanted.host()) });
    }
    let got = inner.ledger.get(&key, &wanted, inner.settings.repositories.clone()).await;
    let package = match got.as_ref() {
        Ok(package) => Arc::clone(package),
        Err(why) => return stand_in(why),
    };
    let judged = inner.settings.judged_bytes.clone();
    let own = Arc::clone(&package);
    let looked = tokio::task::spawn_blocking(move || {
        // Each answer has a place of its own in the file.
        let mut file = own.tarball.reopen()?;
        let (length, sha512) = measured(&file)?;
        file.seek(SeekFrom::Start(0))?;
        let shared = judged.map(|judged| judged.shared_with(&file, &sha512)).transpose()?;
        std::io::Result::Ok((file, length, sha512, shared.unwrap_or_default()))
    });
    let looked = looked.await.map_err(|error| failed(error.to_string()))?;
    let (file, length, sha512, shared) = looked.map_err(|error| failed(error.to_string()))?;
    let version = format!("git+{}#{}", package.url, package.commit);
    if shared.is_copy {
        inner.record.withheld(name.as_str(), &version);
        return Err(Refused::NoVersion { name: name.to_string(), wanted: version });
    }
    inner.record.copied(name.as_str(), &version, &shared.files);
    inner.record.repository(name.as_str(), &package, &sha512);
    let body = Reply::file(file, length);
    Ok(Given { status: StatusCode::OK, content_type: TARBALL, etag: None, body, digest: Some(sha512) })
}

/// The tarball of a version that the registry has, checked.
pub(super) async fn held(inner: &Inner, package: &Package, version: &str) -> Result<Held, Refused> {
    let name = &package.name;
    let no_version = || Refused::NoVersion { name: name.to_string(), wanted: version.to_owned() };
    let dist = package.dist(version).ok_or_else(no_version)?;
    let no_tarball = || RegistryError::NoTarball { name: name.to_string(), version: version.to_owned() };
    let url = Url::parse(&dist.tarball).map_err(|_| no_tarball())?;
    let url = inner.settings.npm.tarball_url(&url, &package.registry);
    if !may_follow(&url, &package.registry, &inner.settings.npm) {
        return Err(no_tarball().into());
    }
    let is_elsewhere = !package.is_private && url.origin() != package.registry.origin();
    // Also where a lockfile names the version: that is a publisher's too, and may name one for each
    // letter.
    if is_elsewhere && inner.access.holds_private() {
        let host = url.host_str().unwrap_or_default();
        return Err(Refused::KeptIn { wanted: format!("{name}@{version} of {host}") });
    }
    // A token goes to the registry's own host only; where below it, the credentials' own path
    // decides. What is public needs none.
    let trust = if url.origin() == package.registry.origin() { Trust::Registry } else { Trust::Stranger };
    let client = if package.is_private { &inner.settings.client } else { &inner.anonymous };
    let promised = Integrity::parse(&dist.integrity).or_else(|| Integrity::from_shasum(&dist.shasum));
    let (is_private, cancel) = (package.is_private, &inner.settings.cancel);
    let order = Order { client, url: &url, trust, promised, is_private, name: name.as_str(), version, cancel };
    let held = inner.tarballs.get(&order).await?;
    let Some(judged) = inner.settings.judged_bytes.clone() else { return Ok(held) };
    let failed = |error: String| RegistryError::Disk(error);
    let (held, shared) = tokio::task::spawn_blocking(move || {
        let shared = judged.shared_with(&held.file, &held.sha512);
        (held, shared)
    })
    .await
    .map_err(|error| failed(error.to_string()))?;
    let shared = shared.map_err(|error| failed(error.to_string()))?;
    if shared.is_copy {
        inner.record.withheld(name.as_str(), version);
        return Err(no_version());
    }
    inner.record.copied(name.as_str(), version, &shared.files);
    Ok(held)
}

/// The nearest version of the same line in place of one that is gone, and none that came after the
/// moment where the times are the registry's own; an earlier one in place of the version that is
/// judged, as its publisher had. `None` where there is none, or it cannot be had or used: an empty
/// package serves then.
pub(super) async fn neighbour(inner: &Inner, package: &Package, version: &str) -> Option<Near> {
    let is_judged = inner.settings.is_judged(package.name.as_str(), version);
    let is_before = |other: &str| npm_spec::version::compare(other, version).is_lt() && package.view.shows(other);
    let usable = package.versions().filter(|other| if is_judged { is_before(other) } else { package.view.may_stand_in(other) });
    let near = neighbour::nearest(version, usable)?.to_owned();
    let mut held = held(inner, package, &near).await.ok()?;
    let (wanted, sha512) = (version.to_owned(), held.sha512.clone());
    let renamed = tokio::task::spawn_blocking(move || {
        held.file.seek(SeekFrom::Start(0)).ok()?;
        neighbour::renamed(held.file, &wanted)
    });
    let renamed = renamed.await.ok()??;
    Some(Near { version: near, sha512, stand_in: Arc::new(StandIn::made_of(renamed)) })
}

/// The version that the usual name of a tarball has in it.
fn version_in(name: &PackageName, file: &str) -> Option<String> {
    let base = name.as_str().rsplit('/').next().unwrap_or_default();
    file.strip_prefix(base)?.strip_prefix('-')?.strip_suffix(".tgz").map(str::to_owned)
}

fn seen(package: &Package, version: &str) -> Result<(), Refused> {
    if package.view.shows(version) {
        return Ok(());
    }
    let (name, version) = (package.name.to_string(), version.to_owned());
    // What is judged stays in the document, and is nowhere else.
    Err(if package.dist(&version).is_some() { Refused::NotYet { name, version } } else { Refused::NoVersion { name, wanted: version } })
}
