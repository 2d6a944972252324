//! The classes of differences: stable names, and the words with which a summary counts them.

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// Why a file differs, as far as its bytes tell. None of these makes a verdict better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Class {
    /// Text that was published and is not what any of the other classes describes.
    OtherText,
    /// JavaScript or TypeScript that does something else, as far as its syntax tells.
    OtherCode,
    /// JSON with other values.
    OtherData,
    /// Bytes that are no text.
    Binary,
    /// Too large, or too many files before it: it was not looked into.
    NotExamined,
    /// Published and in no file of the source, with nothing that says that a build makes it.
    AddedFile,
    /// Published, not in the source, at a place that builds write to.
    NotBuilt,
    /// In the source, published, and not in the rebuilt package.
    NotPacked,
    /// In the rebuilt package and not published.
    NotPublished,
    /// What an editor, a system or a tool left on the publisher's machine.
    PublisherFile,
    /// A licence that is in the root of the repository and not in the package's folder.
    RootLicense,
    /// The same bytes under another name.
    Renamed,
    /// The same name but for a hash in it.
    HashName,
    /// package.json with other keys or values.
    ManifestKeys,
    /// What a compiler or bundler of another version writes: banners and helper functions.
    ToolVersion,
    /// One side is minified and the other is not.
    Minified,
    /// A source map of another script, or with other mappings.
    SourceMap,
    /// A source map in which only the names and places of the sources differ.
    SourceMapPaths,
    /// A source map in which only the copies of the sources differ.
    SourceMapContent,
    /// Only dates and times differ.
    TimeStamp,
    /// Only paths of the publisher's machine differ.
    LocalPath,
    /// Only version numbers differ.
    VersionString,
    /// Only hashes and names with hashes differ.
    Hash,
    /// The same code but for its comments.
    CommentsOnly,
    /// The same code, with strings, numbers, parentheses or semicolons written otherwise.
    LiteralForm,
    /// Equal after parsing.
    FormattingOnly,
    /// The same JSON with its keys in another order.
    KeyOrder,
    /// Spaces, tabs and empty lines.
    Whitespace,
    /// Line feed against carriage return and line feed.
    LineEndings,
    /// The line feed at the end.
    FinalNewline,
    /// The byte order mark at the start.
    ByteOrderMark,
    /// The same bytes with another mode on disk.
    OtherMode,
    /// A link with another target.
    OtherTarget,
    /// A file on one side, a link or something else on the other.
    OtherType,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 34] = [
        Self::OtherText,
        Self::OtherCode,
        Self::OtherData,
        Self::Binary,
        Self::NotExamined,
        Self::AddedFile,
        Self::NotBuilt,
        Self::NotPacked,
        Self::NotPublished,
        Self::PublisherFile,
        Self::RootLicense,
        Self::Renamed,
        Self::HashName,
        Self::ManifestKeys,
        Self::ToolVersion,
        Self::Minified,
        Self::SourceMap,
        Self::SourceMapPaths,
        Self::SourceMapContent,
        Self::TimeStamp,
        Self::LocalPath,
        Self::VersionString,
        Self::Hash,
        Self::CommentsOnly,
        Self::LiteralForm,
        Self::FormattingOnly,
        Self::KeyOrder,
        Self::Whitespace,
        Self::LineEndings,
        Self::FinalNewline,
        Self::ByteOrderMark,
        Self::OtherMode,
        Self::OtherTarget,
        Self::OtherType,
    ];

    /// The stable, kebab-case name.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// `1 time stamp`, `2 time stamps`.
    pub fn counted(self, count: usize) -> String {
        let (_, one, many) = self.row();
        format!("{count} {}", if count == 1 { one } else { many })
    }

    /// The words for one file.
    pub(super) fn words(self) -> &'static str {
        self.row().1
    }

    /// Whether the same program with other notes, names or layout explains it. A reader need not
    /// look first at these.
    pub fn is_surface(self) -> bool {
        self >= Self::TimeStamp && self <= Self::ByteOrderMark
    }

    fn row(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::OtherText => ("other-text", "other text", "other texts"),
            Self::OtherCode => ("other-code", "other code", "other code"),
            Self::OtherData => ("other-data", "other data", "other data"),
            Self::Binary => ("binary", "binary", "binary"),
            Self::NotExamined => ("not-examined", "not examined", "not examined"),
            Self::AddedFile => ("added-file", "added", "added"),
            Self::NotBuilt => ("not-built", "not built", "not built"),
            Self::NotPacked => ("not-packed", "in the source and not packed", "in the source and not packed"),
            Self::NotPublished => ("not-published", "not published", "not published"),
            Self::PublisherFile => ("publisher-file", "of the publisher's machine", "of the publisher's machine"),
            Self::RootLicense => ("root-license", "license of the root", "licenses of the root"),
            Self::Renamed => ("renamed", "renamed", "renamed"),
            Self::HashName => ("hash-name", "with another hash in its name", "with other hashes in their names"),
            Self::ManifestKeys => ("manifest-keys", "package.json with other keys", "package.json with other keys"),
            Self::ToolVersion => ("tool-version", "other version of a tool", "other version of a tool"),
            Self::Minified => ("minified", "minified on one side", "minified on one side"),
            Self::SourceMap => ("source-map", "other source map", "other source maps"),
            Self::SourceMapPaths => ("source-map-paths", "source map with other paths", "source maps with other paths"),
            Self::SourceMapContent => ("source-map-content", "source map with other sources", "source maps with other sources"),
            Self::TimeStamp => ("time-stamp", "time stamp", "time stamps"),
            Self::LocalPath => ("local-path", "local path", "local paths"),
            Self::VersionString => ("version-string", "version string", "version strings"),
            Self::Hash => ("hash", "hash", "hashes"),
            Self::CommentsOnly => ("comments-only", "comments only", "comments only"),
            Self::LiteralForm => ("literal-form", "same code written otherwise", "same code written otherwise"),
            Self::FormattingOnly => ("formatting-only", "formatting only", "formatting only"),
            Self::KeyOrder => ("key-order", "order of keys", "order of keys"),
            Self::Whitespace => ("whitespace", "whitespace", "whitespace"),
            Self::LineEndings => ("line-endings", "line endings", "line endings"),
            Self::FinalNewline => ("final-newline", "final newline", "final newlines"),
            Self::ByteOrderMark => ("byte-order-mark", "byte order mark", "byte order marks"),
            Self::OtherMode => ("other-mode", "mode", "modes"),
            Self::OtherTarget => ("other-target", "link target", "link targets"),
            Self::OtherType => ("other-type", "type", "types"),
        }
    }
}

impl Serialize for Class {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Class {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::ALL.into_iter().find(|class| class.code() == code).ok_or_else(|| de::Error::custom("no class of differences"))
    }
}
