//! Specs and addresses as they may be shown and stored: without secrets.

use crate::{Spec, Target};

/// The spec as it may be shown and stored: as typed, but an address without its query.
pub fn shown(spec: &Spec) -> String {
    match spec.target() {
        Target::Tarball(_) => spec.display(),
        Target::Registry { .. } | Target::File(_) => spec.raw().to_owned(),
    }
}

/// An address as it may be shown and stored.
pub fn without_credentials(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(mut url) if url.has_host() && (!url.username().is_empty() || url.password().is_some()) => {
            // Both work on every address that has a host.
            let _: Result<(), ()> = url.set_username("").and_then(|()| url.set_password(None));
            url.into()
        }
        _ => text.to_owned(),
    }
}
