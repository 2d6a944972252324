//! git's smart HTTP over this program's own HTTP client, so that its network policy holds for git too.
//!
//! gix drives the protocol; it asks for a GET or POST through its `Http` trait. A POST's body is complete before its
//! answer is read, so the request is sent at the first read of the answer, as one bounded body.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};

use super::GitError;
use crate::http::HttpError;

/// What git needs of an HTTP client: one exchange at a time, called from a thread that may block.
pub trait Exchange: Send + Sync {
    /// Sends a request and returns the answer's head with its body still to be read. Redirects are the client's matter;
    /// `Answer::url` is where the answer came from.
    fn exchange(&self, url: &str, headers: &[(String, String)], body: Option<Vec<u8>>) -> Result<Answer, HttpError>;
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

/// gix's HTTP client for one repository.
pub(super) struct Wire {
    client: Arc<dyn Exchange>,
    cause: Cause,
    redirected: Option<String>,
}

impl Wire {
    pub(super) fn new(client: Arc<dyn Exchange>, cause: Cause) -> Self {
        Self { client, cause, redirected: None }
    }
}

/// Sends the request, turning every status but success into a [`GitError`].
fn send(client: &dyn Exchange, cause: &Cause, url: &str, headers: &[(String, String)], body: Option<Vec<u8>>) -> io::Result<Answer> {
    let failure = match client.exchange(url, headers, body) {
        Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
        Ok(Answer { status: status @ (401 | 403 | 404 | 410 | 451), .. }) => GitError::NotFound { url: repository_of(url), status },
        Ok(Answer { status, .. }) => {
            GitError::Unreachable { url: repository_of(url), source: HttpError::Status { url: url.to_owned(), status } }
        }
        Err(HttpError::Cancelled) => GitError::Cancelled,
        Err(source) => GitError::Unreachable { url: repository_of(url), source },
    };
    let text = failure.to_string();
    *cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    Err(io::Error::other(text))
}

/// The repository's address in the address of one of its services.
fn repository_of(url: &str) -> String {
    url.split("/info/refs?").next().unwrap_or(url).trim_end_matches("/git-upload-pack").to_owned()
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
        let answer = send(&*self.client, &self.cause, url, &parse_headers(headers), None).map_err(raise)?;
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
            client: Arc::clone(&self.client),
            cause: Arc::clone(&self.cause),
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
    Collecting { client: Arc<dyn Exchange>, cause: Cause, url: String, headers: Vec<(String, String)>, body: Vec<u8> },
    Answered { head: Cursor<Vec<u8>>, body: Box<dyn Read + Send> },
    Failed(String),
}

impl Pending {
    /// Sends the request if that has not happened yet.
    fn answered(&mut self) -> io::Result<(&mut dyn Read, &mut dyn Read)> {
        if let Self::Collecting { client, cause, url, headers, body } = self {
            *self = match send(&**client, cause, url, headers, Some(std::mem::take(body))) {
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
