//! What can be wrong with a spec.

use verdict::diagnostic::{Diagnostic, Stage};
use verdict::without_secrets;

/// A word that names nothing that can be reproduced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// An empty word.
    #[error("the package spec is empty")]
    Empty,
    /// A word of more than 4,096 bytes.
    #[error("the package spec is too long")]
    TooLong,
    /// A control character in the word.
    #[error("the package spec holds a control character")]
    ControlCharacter,
    /// A name that npm's rules exclude.
    #[error("\"{name}\" is not a package name: {reason}")]
    Name {
        /// The name, cut to the longest that there can be.
        name: String,
        /// Which rule.
        reason: &'static str,
    },
    /// Neither a version, nor a range, nor a tag.
    #[error("\"{0}\" is not a version, a range or a tag")]
    Wanted(String),
    /// A git repository.
    #[error("\"{0}\" names a git repository, not a published package")]
    Git(String),
    /// A folder, or a file that is no tarball.
    #[error("\"{0}\" is not a .tgz file")]
    Folder(String),
    /// A protocol that leads to no registry.
    #[error("\"{0}:\" specs cannot be reproduced")]
    OtherProtocol(String),
    /// An address that is none.
    #[error("the tarball's address cannot be read")]
    Address,
    /// An address with a name or password in it.
    #[error("the address holds credentials")]
    AddressWithCredentials,
    /// `npm:npm:…`.
    #[error("an alias cannot stand for another alias")]
    NestedAlias,
    /// `npm:` in front of something that is not in a registry.
    #[error("an alias can only stand for a package of a registry")]
    AliasNotRegistry,
    /// A purl that cannot be read.
    #[error("the package URL cannot be read: {0}")]
    Purl(&'static str),
}

impl SpecError {
    /// The error with what it quotes as it may be shown.
    pub(super) fn without_secrets(self) -> Self {
        match self {
            Self::Name { name, reason } => Self::Name { name: without_secrets(&name), reason },
            Self::Wanted(text) => Self::Wanted(without_secrets(&text)),
            Self::Git(text) => Self::Git(without_secrets(&text)),
            Self::Folder(text) => Self::Folder(without_secrets(&text)),
            other => other,
        }
    }
}

impl Diagnostic for SpecError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty | Self::TooLong | Self::ControlCharacter => "invalid-spec",
            Self::Name { .. } => "invalid-package-name",
            Self::Wanted(_) => "invalid-version",
            Self::Git(_) => "git-spec",
            Self::Folder(_) => "folder-spec",
            Self::OtherProtocol(_) => "unsupported-protocol",
            Self::Address | Self::AddressWithCredentials => "invalid-address",
            Self::NestedAlias | Self::AliasNotRegistry => "invalid-alias",
            Self::Purl(_) => "invalid-purl",
        }
    }

    fn stage(&self) -> Stage {
        Stage::Usage
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Empty | Self::TooLong | Self::ControlCharacter | Self::OtherProtocol(_) => "name a package, as in `reproduce name@1.2.3`",
            Self::Name { .. } => "check the spelling; a spec looks like name, name@1.2.3 or @scope/name@^1",
            Self::Wanted(_) => "use an exact version, a range such as ^1, or a tag such as next",
            Self::Git(_) => "name the published package; use --source to say which repository it comes from",
            Self::Folder(folder) => {
                return Some(format!(
                    "`reproduce --local {folder}` checks a package before it is published; or pass the .tgz that `npm pack` makes"
                ));
            }
            Self::Address => "pass the whole address, beginning with https://",
            Self::AddressWithCredentials => "put the credentials in .npmrc, under the address's host",
            Self::NestedAlias | Self::AliasNotRegistry => "write the aliased package itself, for example name@1.2.3",
            Self::Purl(_) => "a package URL looks like pkg:npm/%40scope/name@1.2.3",
        };
        Some(hint.to_owned())
    }
}
