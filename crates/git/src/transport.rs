//! git's smart HTTP over this program's own HTTP client, so that its network policy holds for git
//! too.
//!
//! gix drives the protocol; it asks for a GET or POST through its `Http` trait. A POST's body is
//! complete before its answer is read, so the request is sent at the first read of the answer, as
//! one bounded body.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};

use http::HttpError;

use super::GitError;
use super::remote::MAX_PACK;

/// What git needs of an HTTP client: one exchange at a time, called from a thread that may block.
pub trait Exchange: Send + Sync {
    /// Sends a request and returns the answer's head with its body still to be read. Redirects are
    /// the client's matter; `Answer::url` is where the answer came from. At most `limit` bytes of
    /// the answer are read.
    fn exchange(&self, url: &str, headers: &[(String, String)], body: Option<Vec<u8>>, limit: u64) -> Result<Answer, HttpError>;
}

/// The answer to one request.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The address after redirects.
    pub url: String,
    /// The content-type header, empty if there is none.
    pub content_type: String,
    /// The body, not yet read.
    pub body: Box<dyn Read + Send>,
}

/// The cause of the last failure, kept here because gix passes errors on as text.
pub(super) type Cause = Arc<Mutex<Option<GitError>>>;

/// Largest answer that is not a pack, in bytes: the refs of the largest public repositories take a
/// tenth of it.
const MAX_REFS: u64 = 64 << 20;

/// gix's HTTP client for one repository.
pub(super) struct Wire {
    peer: Peer,
    redirected: Option<String>,
}

/// Whom the exchanges are with. Failures name the repository as it was declared: where the user's
/// configuration leads instead may hold credentials.
#[derive(Clone)]
struct Peer {
    client: Arc<dyn Exchange>,
    cause: Cause,
    name: Arc<str>,
}

impl Wire {
    pub(super) fn new(client: Arc<dyn Exchange>, cause: Cause, name: &str) -> Self {
        Self { peer: Peer { client, cause, name: name.into() }, redirected: None }
    }
}

impl Peer {
    /// Sends the request, turning every status but success into a [`GitError`].
    fn send(&self, url: &str, headers: &[(String, String)], body: Option<Vec<u8>>) -> io::Result<Answer> {
        let limit = if body.as_deref().is_some_and(asks_for_objects) { MAX_PACK } else { MAX_REFS };
        let failure = match self.client.exchange(url, headers, body, limit) {
            Ok(Answer { status, url, content_type, body }) if (200..300).contains(&status) => {
                let body = Box::new(Watched { inner: body, peer: self.clone() });
                return Ok(Answer { status, url, content_type, body });
            }
            Ok(Answer { status: status @ (401 | 403 | 404 | 410 | 451), .. }) => GitError::NotFound { url: self.name.to_string(), status },
            Ok(Answer { status, .. }) => self.failure(HttpError::Status { url: self.name.to_string(), status }),
            Err(error) => self.failure(error),
        };
        Err(self.keep(failure))
    }

    fn failure(&self, error: HttpError) -> GitError {
        match error {
            HttpError::Cancelled => GitError::Cancelled,
            source => GitError::Unreachable { url: self.name.to_string(), source },
        }
    }

    /// Keeps the typed failure; gix gets its text.
    fn keep(&self, failure: GitError) -> io::Error {
        let text = failure.to_string();
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        io::Error::other(text)
    }
}

/// Whether a request's body asks for a pack: protocol 2 names its command, protocol 0 and 1 post
/// only for packs.
fn asks_for_objects(body: &[u8]) -> bool {
    !body.get(..64.min(body.len())).unwrap_or_default().windows(15).any(|part| part == b"command=ls-refs")
}

/// A body whose failures are kept with their type.
struct Watched {
    inner: Box<dyn Read + Send>,
    peer: Peer,
}

impl Read for Watched {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.inner.read(into).map_err(|error| match error.downcast::<HttpError>() {
            Ok(error) => self.peer.keep(self.peer.failure(error)),
            Err(error) => error,
        })
    }
}

fn parse_headers(headers: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<(String, String)> {
    headers
        .into_iter()
        .filter_map(|line| line.as_ref().split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())))
        .filter(|(name, _)| !name.eq_ignore_ascii_case("user-agent"))
        .collect()
}

type Lines = Box<dyn BufRead + Send>;

impl Http for Wire {
    type Headers = Lines;
    type ResponseBody = Lines;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Lines, Lines>> {
        let answer = self.peer.send(url, &parse_headers(headers), None).map_err(raise)?;
        if answer.url != url {
            let tail = url.strip_prefix(base_url).unwrap_or_default();
            self.redirected = answer.url.strip_suffix(tail).map(str::to_owned);
        }
        Ok(GetResponse {
            headers: Box::new(Cursor::new(format!("content-type: {}\n", answer.content_type).into_bytes())),
            body: Box::new(BufReader::with_capacity(1 << 16, answer.body)),
        })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Lines, Lines, PostBody>> {
        let pending = Arc::new(Mutex::new(Pending::Collecting {
            peer: self.peer.clone(),
            url: url.to_owned(),
            headers: parse_headers(headers),
            body: Vec::new(),
        }));
        Ok(PostResponse {
            post_body: PostBody(Arc::clone(&pending)),
            headers: Box::new(BufReader::with_capacity(256, Part { pending: Arc::clone(&pending), head: true })),
            body: Box::new(BufReader::with_capacity(1 << 16, Part { pending, head: false })),
        })
    }

    fn configure(&mut self, _config: &dyn std::any::Any) -> gix::Result<()> {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

fn raise(error: io::Error) -> gix::Error {
    use gix::error::ErrorExt;
    error.raise()
}

/// A POST between its first written byte and its last read one.
enum Pending {
    Collecting { peer: Peer, url: String, headers: Vec<(String, String)>, body: Vec<u8> },
    Answered { head: Cursor<Vec<u8>>, body: Box<dyn Read + Send> },
    Failed(String),
}

impl Pending {
    /// Sends the request if that has not happened yet.
    fn answered(&mut self) -> io::Result<(&mut dyn Read, &mut dyn Read)> {
        if let Self::Collecting { peer, url, headers, body } = self {
            *self = match peer.send(url, headers, Some(std::mem::take(body))) {
                Ok(answer) => {
                    let head = Cursor::new(format!("content-type: {}\n", answer.content_type).into_bytes());
                    Self::Answered { head, body: answer.body }
                }
                Err(error) => Self::Failed(error.to_string()),
            };
        }
        match self {
            Self::Answered { head, body } => Ok((head, body)),
            Self::Failed(text) => Err(io::Error::other(text.clone())),
            Self::Collecting { .. } => Err(io::Error::other("the request was not sent")),
        }
    }
}

/// Where gix writes the request's body.
pub(super) struct PostBody(Arc<Mutex<Pending>>);

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Pending::Collecting { body, .. } => {
                body.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            _ => Err(io::Error::other("the request was sent already")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The head or the body of the answer to a POST.
struct Part {
    pending: Arc<Mutex<Pending>>,
    head: bool,
}

impl Read for Part {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let (head, body) = pending.answered()?;
        if self.head { head.read(into) } else { body.read(into) }
    }
}
