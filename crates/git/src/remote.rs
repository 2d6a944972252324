//! One git host's repository: its refs, and packs of what was asked for by id.

use std::error::Error;
use std::io::{self, BufRead, Read};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::odb::pack;
use gix::progress::Discard;
use gix::protocol::fetch::{Arguments, Response};
use gix::protocol::handshake::Ref;
use gix::protocol::ls_refs::RefPrefixes;
use gix::protocol::{Command, Handshake, LsRefsCommand};
use gix_transport::client::TransportWithoutIO as _;
use gix_transport::client::blocking_io::http::Transport;
use gix_transport::{Protocol, Service};
use verdict::escape::is_unsafe;

use super::transport::{Cause, Exchange, Wire};
use super::{GitError, ObjectStore};

/// Largest pack that is taken in one answer, in bytes.
pub const MAX_PACK: u64 = 1 << 30;
/// Largest single object, in bytes; a delta that claims more is refused before memory is reserved
/// for it.
const MAX_OBJECT: usize = 512 << 20;

/// A branch or tag of the repository and the commit that it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRef {
    /// `refs/heads/main`, `refs/tags/v1.0.0`.
    pub name: String,
    /// The object after following an annotated tag: in nearly every case a commit.
    pub commit: ObjectId,
}

impl RemoteRef {
    /// Whether it is a branch.
    pub fn is_branch(&self) -> bool {
        self.name.starts_with("refs/heads/")
    }

    /// The tag's name without `refs/tags/`, if it is a tag.
    pub fn tag(&self) -> Option<&str> {
        self.name.strip_prefix("refs/tags/")
    }
}

/// What the host may leave out of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Nothing.
    None,
    /// File contents that were not asked for by id.
    Blobs,
    /// File contents and trees that were not asked for by id.
    Trees,
}

/// How much of the history behind commits is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All of it.
    All,
    /// So many commits, the one that is asked for among them.
    Commits(NonZeroUsize),
    /// Commits of this time or later, in seconds since 1970.
    Since(i64),
}

/// One request for objects.
#[derive(Debug, Clone)]
pub struct Wants<'a> {
    /// The objects, by id.
    pub ids: &'a [ObjectId],
    /// The history that is wanted. Ignored by hosts that cannot.
    pub depth: Depth,
    /// What may be left out. Ignored by hosts that cannot.
    pub filter: Filter,
}

/// A connection to one repository, after the first exchange.
pub struct Remote {
    url: String,
    transport: Transport<Wire>,
    handshake: Handshake,
    cause: Cause,
}

impl Remote {
    /// Asks the host at `target` what it can do; `url` is the repository's declared address, by
    /// which failures name it. Credentials in the target are the user's own: they are sent as a
    /// header and named nowhere.
    pub fn connect(target: &str, url: &str, client: Arc<dyn Exchange>) -> Result<Self, GitError> {
        let refused = |why: String| GitError::AddressRefused { url: url.to_owned(), why };
        let mut bare = url::Url::parse(target).map_err(|error| refused(error.to_string()))?;
        let identity = bare.password().map(|password| (decoded(bare.username()), decoded(password)));
        if bare.set_username("").and_then(|()| bare.set_password(None)).is_err() {
            return Err(refused("it cannot hold a user name".into()));
        }
        let parsed = gix::url::parse(gix::bstr::BStr::new(bare.as_str())).map_err(|error| refused(error.to_string()))?;
        if !matches!(parsed.scheme, gix::url::Scheme::Https | gix::url::Scheme::Http) {
            return Err(refused(format!("{} is not a scheme that is used", parsed.scheme.as_str())));
        }
        let cause: Cause = Arc::new(Mutex::new(None));
        let mut transport = Transport::new_http(Wire::new(client, Arc::clone(&cause), url), parsed, Protocol::V2, false);
        if let Some((username, password)) = identity {
            let account = gix::sec::identity::Account { username, password, oauth_refresh_token: None };
            transport.set_identity(account).map_err(|error| refused(error.to_string()))?;
        }
        let no_credentials = |_| Ok(None);
        let handshake = gix::protocol::handshake(&mut transport, Service::UploadPack, no_credentials, Vec::new(), &mut Discard)
            .map_err(|error| failure(url, &cause, &error))?;
        Ok(Self { url: url.to_owned(), transport, handshake, cause })
    }

    /// Branches and tags, in the host's order, and the commit of HEAD. Pull requests and other
    /// names are not asked for.
    pub fn refs(&mut self) -> Result<(Vec<RemoteRef>, Option<ObjectId>), GitError> {
        let refs = if let Some(refs) = &self.handshake.refs {
            refs.clone()
        } else {
            let mut prefixes = RefPrefixes::new();
            prefixes.extend(["HEAD", "refs/heads/", "refs/tags/"].map(BString::from));
            LsRefsCommand::new(Some(prefixes), &self.handshake.capabilities, agent())
                .invoke_blocking(&mut self.transport, &mut Discard, false)
                .map_err(|error| failure(&self.url, &self.cause, &error))?
        };
        let head = refs.iter().find_map(|reference| match reference {
            Ref::Symbolic { full_ref_name, object, .. } | Ref::Direct { full_ref_name, object } => {
                (full_ref_name == "HEAD").then_some(*object)
            }
            Ref::Peeled { .. } | Ref::Unborn { .. } => None,
        });
        let refs = refs
            .into_iter()
            .filter_map(|reference| match reference {
                Ref::Direct { full_ref_name, object } | Ref::Peeled { full_ref_name, object, .. } => Some((full_ref_name, object)),
                // HEAD is a branch by another name, or a detached commit that no branch needs to
                // reach.
                Ref::Symbolic { .. } | Ref::Unborn { .. } => None,
            })
            .filter_map(|(name, commit)| Some(RemoteRef { name: name.to_str().ok()?.to_owned(), commit }))
            .filter(|reference| reference.name.starts_with("refs/heads/") || reference.name.starts_with("refs/tags/"))
            .collect();
        Ok((refs, head))
    }

    /// Whether the host can leave out file contents.
    pub fn can_filter(&self) -> bool {
        self.arguments().can_use_filter()
    }

    fn arguments(&self) -> Arguments {
        let version = self.handshake.server_protocol_version;
        let mut features = Command::Fetch.default_features(version, &self.handshake.capabilities);
        features.push(agent());
        Arguments::new(version, features, false)
    }

    /// The arguments of a fetch.
    fn asking_for(&self, wants: &Wants<'_>) -> Arguments {
        let mut arguments = self.arguments();
        match wants.depth {
            Depth::Commits(depth) if arguments.can_use_deepen() => arguments.deepen(depth.get()),
            Depth::Since(time) if arguments.can_use_deepen_since() => arguments.deepen_since(time),
            Depth::All | Depth::Commits(_) | Depth::Since(_) => {}
        }
        if arguments.can_use_filter() {
            match wants.filter {
                Filter::None => {}
                Filter::Blobs => arguments.filter("blob:none"),
                Filter::Trees => arguments.filter("tree:0"),
            }
        }
        if self.handshake.server_protocol_version == Protocol::V2 {
            arguments.add_feature("no-progress");
        }
        for id in wants.ids {
            arguments.want(id);
        }
        arguments
    }

    /// Fetches objects into `store` and makes them visible there; returns the size of the pack in
    /// bytes.
    pub fn fetch(&mut self, wants: &Wants<'_>, store: &ObjectStore, cancelled: &AtomicBool) -> Result<u64, GitError> {
        let version = self.handshake.server_protocol_version;
        let mut arguments = self.asking_for(wants);
        let (url, cause) = (self.url.as_str(), &self.cause);
        let mut reader = arguments.send(&mut self.transport, true).map_err(|error| failure(url, cause, &error))?;
        let response =
            Response::from_line_reader(version, &mut reader, true, false).map_err(|error| missing(url, cause, wants.ids, &error))?;
        if !response.has_pack() {
            return Err(GitError::Protocol { url: url.to_owned(), detail: "no pack was sent".into() });
        }
        reader.set_progress_handler(Some(Box::new(|_, _| {
            if cancelled.load(Ordering::Relaxed) { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        })));
        let mut limited = Limited { inner: &mut reader, left: MAX_PACK };
        let outcome = pack::Bundle::write_to_directory(
            &mut limited,
            Some(&store.pack_dir()),
            &mut Discard,
            cancelled,
            Some(store.bases()),
            gix::hash::Kind::Sha1,
            pack::bundle::write::Options { thread_limit: Some(2), alloc_limit_bytes: Some(MAX_OBJECT), ..Default::default() },
        );
        let received = MAX_PACK - limited.left;
        let exhausted = limited.left == 0;
        let outcome = outcome.map_err(|error| {
            if cancelled.load(Ordering::Relaxed) {
                GitError::Cancelled
            } else if exhausted {
                GitError::TooLarge { url: url.to_owned(), limit: MAX_PACK }
            } else if let Some(disk) = disk_failure(&error) {
                GitError::Cache { path: store.pack_dir().display().to_string(), detail: disk }
            } else {
                failure(url, cause, &error)
            }
        })?;
        io::copy(&mut reader, &mut io::sink()).map_err(|error| failure(url, cause, &error))?;
        // The keep file guards a pack until refs lead to it; here none ever will, and nothing
        // collects.
        if let Some(keep) = outcome.keep_path {
            match std::fs::remove_file(&keep) {
                // Another process got the same pack at the same time, and was first.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed.map_err(|error| GitError::Cache { path: keep.display().to_string(), detail: error.to_string() })?,
            }
        }
        store.reload()?;
        Ok(received)
    }
}

/// User names and passwords stand percent-encoded in addresses.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn agent() -> (&'static str, Option<String>) {
    ("agent", Some(concat!("git/reproduce-", env!("CARGO_PKG_VERSION")).to_owned()))
}

/// The typed cause of a failure where our own client knows it, else what gix says.
fn failure(url: &str, cause: &Cause, error: &dyn Error) -> GitError {
    if let Some(cause) = cause.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return cause;
    }
    // All that an error has in it decides, but it may be written for those who made it.
    if format!("{error:#}").contains("header to indicate 'smart' protocol") {
        return GitError::NotGit { url: url.to_owned(), detail: "it does not support git's smart HTTP protocol".into() };
    }
    GitError::Protocol { url: url.to_owned(), detail: told(error) }
}

/// What an error and those behind it say, as one line.
fn told(error: &dyn Error) -> String {
    let mut line = String::new();
    let mut next = Some(error);
    while let Some(one) = next {
        let text: String = one.to_string().chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        // Some say what is behind them, too.
        if !text.is_empty() && !line.contains(&text) {
            line.push_str(if line.is_empty() { "" } else { ": " });
            line.push_str(&text);
        }
        next = one.source();
    }
    line
}

/// What this machine's disk says, if it is what failed: nothing of the host's then.
fn disk_failure(error: &gix::Error) -> Option<String> {
    use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let disk = error.downcast_any_ref::<io::Error>()?;
    matches!(disk.kind(), StorageFull | QuotaExceeded | FileTooLarge | ReadOnlyFilesystem | PermissionDenied).then(|| disk.to_string())
}

/// As [`failure`], for an answer in place of a pack: a host says `not our ref` for an object that
/// it does not give out.
fn missing(url: &str, cause: &Cause, ids: &[ObjectId], error: &dyn Error) -> GitError {
    let text = format!("{error:#}: {}", told(error));
    if text.contains("not our ref") || text.contains("no such object") || text.contains("unadvertised object") {
        let id = ids.iter().map(ToString::to_string).find(|id| text.contains(id.as_str()));
        let id = id.or_else(|| ids.first().map(ToString::to_string)).unwrap_or_default();
        return GitError::ObjectMissing { url: url.to_owned(), id };
    }
    failure(url, cause, error)
}

/// Stops a pack that is larger than it may be.
struct Limited<'a, R: ?Sized> {
    inner: &'a mut R,
    left: u64,
}

impl<R: BufRead + ?Sized> Read for Limited<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("the pack is too large"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let read = self.inner.read(into.get_mut(..most).unwrap_or_default())?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl<R: BufRead + ?Sized> BufRead for Limited<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other("the pack is too large"));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layered(&'static str, Option<Box<Layered>>);

    impl std::fmt::Display for Layered {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            if f.alternate() { write!(f, "{self:?}") } else { f.write_str(self.0) }
        }
    }

    impl Error for Layered {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|inner| inner as &(dyn Error + 'static))
        }
    }

    #[test]
    fn an_error_is_told_in_words_and_in_one_line_and_all_of_it_decides() {
        let inner = |text| Some(Box::new(Layered(text, None)));
        let error = Layered("the host\n said", inner("\u{1b}[31mno\u{202e}"));
        let GitError::Protocol { detail, .. } = failure("u", &Cause::default(), &error) else { panic!() };
        assert_eq!(detail, "the host said: [31mno");
        let repeated = Layered("no: closed", inner("closed"));
        assert_eq!(told(&repeated), "no: closed");
        let other = Layered("handshake", inner("header to indicate 'smart' protocol"));
        assert!(matches!(failure("u", &Cause::default(), &other), GitError::NotGit { .. }));
    }
}
