//! What a build was told: every question that it put to the registry, with a digest of the answer.
//!
//! A build of another package of the same commit may go on in the folders of this one only where it
//! would have been told the same. What it is told depends on what is judged, on the moment, on
//! credentials and on what the registry says today; so nothing of that is reasoned about: the
//! questions are put again, by the same code, and the answers must have the same digests
//! ([`Timewarp::hears_again`](super::Timewarp::hears_again)).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use hyper::header::{ACCEPT, USER_AGENT};
use hyper::{HeaderMap, Method};
use serde::{Deserialize, Serialize};

use super::git_wanted::GitWanted;
use super::record::During;

/// Most questions that are noted; a build that asks for more shares its folders with none.
const MOST: usize = 50_000;
/// Longest address in a question that is noted, in bytes.
const LONGEST: usize = 4 << 10;
/// Most times that others came to stand in for what is gone.
const MOST_PARTS: usize = 100;

/// All of a request that its answer depends on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Question {
    /// When it was asked.
    pub(super) during: During,
    /// How the client saw us.
    pub(super) base: String,
    /// `GET`, …
    pub(super) method: String,
    /// The path, or an address in a proxy's form.
    pub(super) address: String,
    /// Whether the abbreviated form of a packument is asked for.
    pub(super) abbreviated: bool,
    /// The client's major version, where it is npm.
    pub(super) npm: Option<u32>,
}

impl Question {
    pub(super) fn of<B>(request: &hyper::Request<B>, base: &str, during: During) -> Self {
        let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        Self {
            during,
            base: base.to_owned(),
            method: request.method().to_string(),
            address: request.uri().to_string(),
            abbreviated: accepts.contains(super::answer::ABBREVIATED),
            npm: npm_major(request.headers()),
        }
    }

    /// Whether it is asked by this method.
    pub(super) fn is(&self, method: &Method) -> bool {
        self.method == method.as_str()
    }

    /// npm 7 and later replace a tarball's host by themselves (`replace-registry-host`), and write
    /// the address that they were given into the lockfile: it is the canonical one then.
    pub(super) fn keeps_addresses(&self) -> bool {
        self.npm.is_some_and(|major| major >= 7)
    }

    /// npm 3 and 4 write the manifest that they were given over the package.json of the tarball.
    pub(super) fn writes_manifests(&self) -> bool {
        matches!(self.npm, Some(3 | 4))
    }
}

fn npm_major(headers: &HeaderMap) -> Option<u32> {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    agent.strip_prefix("npm/").and_then(|rest| rest.split('.').next()).and_then(|major| major.parse().ok())
}

/// What was asked and answered until others came to stand in for what is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Each question with the digest of its answer.
    pub(super) answers: BTreeSet<(Question, String)>,
    /// The digest of what stands in from then on; none in the last part.
    pub(super) stands_in: Option<String>,
}

/// What a build was told by one loopback registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub(super) parts: Vec<Part>,
    /// The dependencies on repositories that could be asked for, by their keys.
    #[serde(default)]
    pub(super) repositories: BTreeMap<String, GitWanted>,
    /// Whether there was more: too much to be noted, or what cannot be asked again, as of another
    /// host.
    more: bool,
}

impl Heard {
    /// Whether all that was told can be asked again.
    pub fn is_whole(&self) -> bool {
        let twice = |part: &Part| {
            let mut first = BTreeMap::new();
            part.answers.iter().any(|(question, answer)| first.insert(question, answer).is_some_and(|other| other != answer))
        };
        !self.more && !self.parts.iter().any(twice)
    }

    fn add(&mut self, question: Question, answer: Option<String>) {
        let noted: usize = self.parts.iter().map(|part| part.answers.len()).sum();
        let Some(answer) = answer.filter(|_| noted < MOST && question.address.len() <= LONGEST) else {
            self.more = true;
            return;
        };
        if self.parts.last().is_none_or(|part| part.stands_in.is_some()) {
            self.parts.push(Part::default());
        }
        if let Some(part) = self.parts.last_mut() {
            part.answers.insert((question, answer));
        }
    }

    fn stands_in(&mut self, digest: String) {
        if self.parts.len() >= MOST_PARTS {
            self.more = true;
            return;
        }
        if self.parts.last().is_none_or(|part| part.stands_in.is_some()) {
            self.parts.push(Part::default());
        }
        if let Some(part) = self.parts.last_mut() {
            part.stands_in = Some(digest);
        }
    }
}

/// What is heard, while it is said.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    heard: Mutex<Heard>,
}

impl Hearing {
    /// Notes an answer by its digest; none for one that cannot be held against another.
    pub(super) fn add(&self, question: Question, answer: Option<String>) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).add(question, answer);
    }

    /// Notes what stands in for others from now on.
    pub(super) fn stands_in(&self, digest: String) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).stands_in(digest);
    }

    pub(super) fn get(&self) -> Heard {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(address: &str) -> Question {
        let request = hyper::Request::get(address).header("user-agent", "npm/10.2.0 node/v20").body(()).unwrap();
        Question::of(&request, "http://127.0.0.1:4873/", During::Script)
    }

    #[test]
    fn what_cannot_be_asked_again_is_not_whole() {
        let mut heard = Heard::default();
        heard.add(question("/a"), Some("1".to_owned()));
        heard.add(question("/a"), Some("1".to_owned()));
        assert!(heard.is_whole());
        for (address, answer) in [("/b", None), (&*format!("/{}", "x".repeat(LONGEST)), Some("1".to_owned())), ("/a", Some("2".to_owned()))]
        {
            let mut other = heard.clone();
            other.add(question(address), answer);
            assert!(!other.is_whole(), "{}", address.len());
        }
        heard.stands_in("s".to_owned());
        heard.add(question("/a"), Some("2".to_owned()));
        assert!(heard.is_whole() && heard.parts.len() == 2, "another answer after others stand in");
        for at in 0..MOST {
            heard.add(question(&format!("/many/{at}")), Some("1".to_owned()));
        }
        assert!(!heard.is_whole(), "more than is noted");
    }

    #[test]
    fn a_question_has_all_that_its_answer_depends_on() {
        let asked = question("/a");
        assert!(asked.keeps_addresses() && !asked.writes_manifests() && !asked.abbreviated);
        let request = hyper::Request::get("/a").header("accept", super::super::answer::ABBREVIATED).header("user-agent", "npm/4.0.0");
        let other = Question::of(&request.body(()).unwrap(), "http://127.0.0.1:4873/", During::Install);
        assert!(other.abbreviated && other.writes_manifests() && !other.keeps_addresses());
        assert_ne!(asked, other);
    }
}
