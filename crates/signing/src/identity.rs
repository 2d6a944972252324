//! Who signs: the identity token that CI gives a job.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use http::{Request, Trust};
use npmrc::Secret;

use super::SigningError;
use super::services::{Asking, https};

/// Whom the token is for, as Fulcio wants it.
const AUDIENCE: &str = "sigstore";
/// Largest token that is taken, in bytes. GitHub's have two kilobytes.
const MAX_TOKEN: usize = 64 << 10;
/// What stands for the service in messages.
const SERVICE: &str = "the CI's token service";

/// Where the token comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// It stands in the environment: `SIGSTORE_ID_TOKEN`, as GitLab's `id_tokens` and Sigstore's
    /// own tools have it.
    Given(Secret),
    /// The runner is asked for it: GitHub Actions.
    Asked {
        /// Where.
        url: Url,
        /// What shows that it is the job that asks.
        bearer: Secret,
    },
}

/// An identity token. It is not printed.
#[derive(Debug)]
pub(super) struct Token {
    raw: Secret,
    subject: String,
}

#[derive(Deserialize)]
struct Answer {
    value: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
}

impl Source {
    /// Looks for an identity in the environment.
    pub(super) fn find(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, SigningError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(token) = variable("SIGSTORE_ID_TOKEN") {
            // That it cannot be used is said before an hour of work, not after.
            return Token::read(&token).map(|token| Self::Given(token.raw));
        }
        let (Some(address), Some(bearer)) = (variable("ACTIONS_ID_TOKEN_REQUEST_URL"), variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")) else {
            return Err(SigningError::NoIdentity);
        };
        let refused = |reason: &str| SigningError::Identity { reason: format!("ACTIONS_ID_TOKEN_REQUEST_URL {reason}") };
        let mut url = https(&address).map_err(refused)?;
        url.query_pairs_mut().append_pair("audience", AUDIENCE);
        Ok(Self::Asked { url, bearer: Secret::new(bearer) })
    }

    pub(super) fn address(&self) -> Option<&Url> {
        match self {
            Self::Given(_) => None,
            Self::Asked { url, .. } => Some(url),
        }
    }

    /// The token itself. A runner's is asked for as late as possible: it counts for minutes.
    pub(super) async fn token(&self, asking: &Asking<'_>) -> Result<Token, SigningError> {
        let token = match self {
            Self::Given(token) => Token::read(token.expose())?,
            Self::Asked { url, bearer } => {
                let request = Request::get(url.clone(), Trust::Stranger).header("authorization", &format!("Bearer {}", bearer.expose()));
                let answer = asking.send(SERVICE, request, &[bearer]).await?;
                let Answer { value } = serde_json::from_slice(&answer)
                    .map_err(|_| SigningError::Service { service: SERVICE, reason: "its answer has no token".into() })?;
                Token::read(&value)?
            }
        };
        Ok(token)
    }
}

impl Token {
    /// Reads whose token it is, and whether it still counts. Whether it is true is for the
    /// authority to say.
    fn read(raw: &str) -> Result<Self, SigningError> {
        let refused = |reason: &str| SigningError::Identity { reason: reason.to_owned() };
        let raw = raw.trim();
        if raw.len() > MAX_TOKEN {
            return Err(refused("the token is too large"));
        }
        let claims = raw.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Claims = claims
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(|| refused("it is not a JSON web token with a subject and an expiry"))?;
        if Timestamp::now().as_second() >= claims.exp {
            return Err(refused("the token has expired"));
        }
        Ok(Self { raw: Secret::new(raw.to_owned()), subject: claims.sub })
    }

    /// Whose it says it is.
    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// The token, for the authority alone.
    pub(super) fn raw(&self) -> &Secret {
        &self.raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn found(variables: &[(&str, String)]) -> Result<Source, SigningError> {
        let variables: Vec<(String, String)> = variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        Source::find(&|name| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone()))
    }

    #[test]
    fn an_identity_is_one_that_the_ci_offers() {
        let good = token(r#"{"sub":"project_path:a/b","exp":99999999999}"#);
        assert!(matches!(found(&[("SIGSTORE_ID_TOKEN", good)]), Ok(Source::Given(_))));
        assert_eq!(Token::read(&token(r#"{"sub":"project_path:a/b","exp":99999999999}"#)).expect("a token").subject(), "project_path:a/b");
        let asked = |url: &str| found(&[("ACTIONS_ID_TOKEN_REQUEST_URL", url.into()), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret".into())]);
        let Ok(Source::Asked { url, .. }) = asked("https://run.example/t?api-version=2.0") else { panic!("no source") };
        assert_eq!(url.as_str(), "https://run.example/t?api-version=2.0&audience=sigstore");
        assert!(matches!(asked("http://run.example/t"), Err(SigningError::Identity { .. })));
        for nothing in
            [&[][..], &[("ACTIONS_ID_TOKEN_REQUEST_URL", "https://run.example/t".into())], &[("SIGSTORE_ID_TOKEN", String::new())]]
        {
            assert!(matches!(found(nothing), Err(SigningError::NoIdentity)));
        }
    }

    #[test]
    fn a_token_that_has_expired_or_is_none_is_refused_and_not_shown() {
        for bad in [token(r#"{"sub":"s","exp":1}"#), token(r#"{"sub":"s"}"#), token("no json"), "secret".into(), "a".repeat(MAX_TOKEN + 1)]
        {
            let error = found(&[("SIGSTORE_ID_TOKEN", bad.clone())]).expect_err("refused");
            assert!(!error.to_string().contains(&bad) && !format!("{error:?}").contains(&bad));
        }
        let source = found(&[("SIGSTORE_ID_TOKEN", token(r#"{"sub":"s","exp":99999999999}"#))]).expect("a token");
        assert!(!format!("{source:?}").contains("e30."));
    }
}
