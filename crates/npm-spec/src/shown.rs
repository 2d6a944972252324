//! Specs as they may be shown and stored: without secrets.

use verdict::without_secrets;

use crate::{Spec, Target};

/// The spec as it may be shown and stored: as typed, but an address without its query.
pub fn shown(spec: &Spec) -> String {
    match spec.target() {
        Target::Tarball(_) => spec.display(),
        Target::Registry { .. } => without_secrets(spec.raw()),
        Target::File(_) => spec.raw().to_owned(),
    }
}

/// A word as it may be shown and stored, also where it is no spec.
pub fn shown_word(word: &str) -> String {
    Spec::parse(word).map_or_else(|_| without_secrets(word), |spec| shown(&spec))
}
