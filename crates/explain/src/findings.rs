//! What a reader should see first among the explanations: one finding for each kind.

use npm_tarball::{Archive, Entry};
use verdict::{Finding, Severity};

use super::{Class, Explanation, Source, client_keys, dense, links, place, text};

/// Files of one kind that are named; the rest is counted.
const NAMED: usize = 5;
/// Bytes of a file that are searched for signs of obfuscation.
const SEARCHED: u64 = 4 << 20;
/// Bytes of all files that are searched.
const SEARCHED_IN_ALL: u64 = 64 << 20;

/// The findings that follow from the explanations.
pub fn findings(published: &Archive, rebuilt: &Archive, explanations: &[Explanation], source: &Source) -> Vec<Finding> {
    let [mut left_behind, mut other, mut minified, mut obfuscated] = [const { Vec::new() }; 4];
    let mut left = SEARCHED_IN_ALL;
    for one in explanations {
        let path = one.path.as_str();
        if one.class == Class::PublisherFile {
            left_behind.push(path);
        }
        let Some(entry) = published.get(path) else { continue };
        if says_more(one.class) && source.blob(path).is_some_and(|blob| *blob != links::led_to(published, entry).blob_id) {
            other.push(path);
        }
        if !place::is_script(path) || one.class.is_surface() || entry.size > SEARCHED || entry.size > left {
            continue;
        }
        left -= entry.size;
        let Ok(content) = published.content(entry) else { continue };
        if dense::is_obfuscated(&content) && !rebuilt_has(rebuilt, path, dense::is_obfuscated) {
            obfuscated.push(path);
        } else if dense::is_minified(&content) && is_unexpected(one, rebuilt) {
            minified.push(path);
        }
    }
    [
        ("published files are of the kind that editors, systems and tools leave on a machine", left_behind),
        ("the source has files with other bytes than were published", other),
        ("published code is minified, but nothing in the source is", minified),
        ("published code was obfuscated, but nothing in the source is", obfuscated),
    ]
    .into_iter()
    .zip([Kind::LeftBehind, Kind::OtherBytes, Kind::Minified, Kind::Obfuscated])
    .filter(|((_, paths), _)| !paths.is_empty())
    .map(|((what, paths), kind)| kind.finding(what, &paths))
    .chain(client_keys::findings(published, rebuilt))
    .collect()
}

#[derive(Clone, Copy)]
enum Kind {
    LeftBehind,
    OtherBytes,
    Minified,
    Obfuscated,
}

impl Kind {
    fn finding(self, what: &str, paths: &[&str]) -> Finding {
        let named: Vec<String> = paths.iter().take(NAMED).map(|path| text::cut(path, 120)).collect();
        let more = paths.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let message = format!("{what}: {}{more}", named.join(", "));
        match self {
            Self::LeftBehind => Finding::new("publisher-file", Severity::Info, message),
            Self::OtherBytes => Finding::new("source-file-differs", Severity::Warning, message),
            Self::Minified => Finding::new("minified-code", Severity::Warning, message),
            Self::Obfuscated => Finding::new("obfuscated-code", Severity::Warning, message),
        }
    }
}

/// Whether more than the surface of a file differs. What a client writes into package.json has
/// findings of its own.
fn says_more(class: Class) -> bool {
    !class.is_surface() && !matches!(class, Class::OtherMode | Class::ManifestKeys)
}

/// Whether a minified text is where nobody would expect it: in a file that the source has as
/// written, or beside it at no place of builds.
fn is_unexpected(one: &Explanation, rebuilt: &Archive) -> bool {
    match one.class {
        Class::AddedFile => true,
        Class::NotBuilt | Class::HashName | Class::Renamed | Class::NotPacked | Class::PublisherFile => false,
        _ => rebuilt.get(&one.path).is_some() && !rebuilt_has(rebuilt, &one.path, dense::is_minified),
    }
}

fn rebuilt_has(rebuilt: &Archive, path: &str, test: impl Fn(&[u8]) -> bool) -> bool {
    let content = |entry: &Entry| (entry.size <= SEARCHED).then(|| rebuilt.content(entry).ok()).flatten();
    rebuilt.get(path).and_then(content).is_some_and(|text| test(&text))
}
