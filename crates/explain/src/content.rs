//! Two contents of one path: the tests in the order from the surest to the vaguest.

use npm_tarball::{Archive, Entry};
use verdict::patience;

use super::reach::{is_wider, loads_a_path};
use super::script::{self, Code};
use super::text::{core, invisible, is_binary, plain, same_but_whitespace};
use super::{Class, dense, json, literal, manifest, place, source_map};

/// Reads and explains contents until a bound is reached.
pub(super) struct Content<'a> {
    pub(super) published: &'a Archive,
    pub(super) rebuilt: &'a Archive,
    /// Bytes that may still be read.
    pub(super) left: u64,
    /// Bytes of one file that may be read.
    pub(super) file: u64,
    /// Steps that parsers may still take.
    pub(super) steps: u64,
}

impl Content<'_> {
    /// The class of a path with other bytes on each side.
    pub(super) fn explain(&mut self, path: &str) -> (Class, String) {
        let [ours, theirs] = match self.read(path) {
            Ok(both) => both,
            Err(why) => return (Class::NotExamined, why.to_owned()),
        };
        if is_binary(&ours) || is_binary(&theirs) {
            return (Class::Binary, format!("binary, {} bytes published, {} rebuilt", ours.len(), theirs.len()));
        }
        if let Some(found) = invisible(&ours, &theirs) {
            return found;
        }
        let [left, right] = [plain(&ours), plain(&theirs)];
        let (class, mut message) = text(path, &left, &right, &mut self.steps);
        if left.len() == ours.len() && right.len() != theirs.len() || left.len() != ours.len() && right.len() == theirs.len() {
            message.push_str("; line endings or a byte order mark differ too");
        }
        (class, message)
    }

    fn read(&mut self, path: &str) -> Result<[Vec<u8>; 2], &'static str> {
        const UNREADABLE: &str = "its content could not be read back";
        if patience::is_over() || self.steps == 0 {
            return Err("it was not examined: other files took too much work");
        }
        let sides = [(self.published, self.published.get(path)), (self.rebuilt, self.rebuilt.get(path))];
        let size: u64 = sides.iter().filter_map(|(_, entry)| entry.map(|entry| entry.size)).sum();
        if sides.iter().any(|(_, entry)| entry.is_some_and(|entry| entry.size > self.file)) {
            return Err("it is too large to examine");
        }
        self.left = self.left.checked_sub(size).ok_or("it was not examined: too much differs")?;
        let content = |(archive, entry): (&Archive, Option<&Entry>)| archive.content(entry.ok_or(UNREADABLE)?).map_err(|_| UNREADABLE);
        let [ours, theirs] = sides;
        Ok([content(ours)?, content(theirs)?])
    }
}

fn text(path: &str, ours: &[u8], theirs: &[u8], steps: &mut u64) -> (Class, String) {
    let special = match path {
        "package.json" => manifest::explain(ours, theirs),
        _ if path.rsplit('.').next() == Some("map") => source_map::explain(ours, theirs),
        _ => None,
    };
    let is_script = place::is_script(path);
    // What is loaded by another path is other code, wherever that path leads.
    let literal = literal::only_difference(ours, theirs);
    let literal =
        literal.filter(|(class, _)| *class != Class::LocalPath || !(is_script && core(ours, theirs).iter().any(|text| loads_a_path(text))));
    if let Some(found) = special.or(literal).or_else(|| data(ours, theirs)) {
        return found;
    }
    if is_script {
        return code(path, ours, theirs, steps);
    }
    if same_but_whitespace(ours, theirs) {
        return (Class::Whitespace, "only spaces and line feeds differ".to_owned());
    }
    one_minified(ours, theirs).unwrap_or_else(|| (Class::OtherText, "other text".to_owned()))
}

fn code(path: &str, ours: &[u8], theirs: &[u8], steps: &mut u64) -> (Class, String) {
    match script::compare(path, ours, theirs, steps) {
        Code::Same { comments: true, letters: false } => (Class::CommentsOnly, "the same code; only comments differ".to_owned()),
        Code::Same { comments: false, letters: false } => (Class::FormattingOnly, "the same code in another layout".to_owned()),
        Code::Same { comments, .. } => {
            let more = if comments { ", and comments" } else { "" };
            (
                Class::LiteralForm,
                format!("the same code after parsing; quotes, numbers, parentheses or semicolons are written differently{more}"),
            )
        }
        Code::Helpers | Code::Other { helpers: Some(_) } if is_wider(ours, theirs) => {
            let (class, what) = one_minified(ours, theirs).unwrap_or((Class::OtherCode, "other code".to_owned()));
            (class, format!("{what}; it loads, runs or asks for more than the rebuilt one"))
        }
        Code::Helpers => (Class::ToolVersion, "only what a compiler adds differs: helper functions and marks, by name".to_owned()),
        Code::Other { helpers } => {
            if let Some(found) = one_minified(ours, theirs) {
                return found;
            }
            match helpers {
                Some([published, rebuilt]) => (Class::ToolVersion, differing_helpers(&published, &rebuilt)),
                None => (Class::OtherCode, "other code".to_owned()),
            }
        }
        Code::Unknown if same_but_whitespace(ours, theirs) => {
            (Class::Whitespace, "only spaces and line feeds differ; it could not be parsed".to_owned())
        }
        Code::Unknown => one_minified(ours, theirs).unwrap_or_else(|| (Class::OtherText, "it could not be parsed".to_owned())),
    }
}

fn differing_helpers(published: &[String], rebuilt: &[String]) -> String {
    const NAMED: usize = 3;
    let named = |names: &[String]| names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let parts: Vec<String> = [("published", published), ("rebuilt", rebuilt)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(side, names)| format!("only the {side} file has {}", named(names)))
        .collect();
    format!("other code, made by a compiler of another version or with other settings: {}", parts.join("; "))
}

/// Two JSON documents.
fn data(ours: &[u8], theirs: &[u8]) -> Option<(Class, String)> {
    let [left, right] = json::both(ours, theirs)?;
    Some(match json::compare(&left, &right) {
        json::Json::Layout => (Class::FormattingOnly, "the same JSON in another layout".to_owned()),
        json::Json::Numbers => (Class::LiteralForm, "the same JSON with a number written differently".to_owned()),
        json::Json::Order(place) => {
            (Class::KeyOrder, format!("the same JSON with keys in another order, at {}", super::text::cut(&place, 80)))
        }
        json::Json::Values(places) => {
            let named: Vec<String> = places.iter().take(3).map(|place| super::text::cut(place, 60)).collect();
            let more = if places.len() > named.len() { " and more" } else { "" };
            (Class::OtherData, format!("other values at {}{more}", named.join(", ")))
        }
    })
}

fn one_minified(ours: &[u8], theirs: &[u8]) -> Option<(Class, String)> {
    let [published, rebuilt] = [ours, theirs].map(dense::is_minified);
    (published != rebuilt).then(|| {
        let side = if published { "published" } else { "rebuilt" };
        (Class::Minified, format!("only the {side} file is minified"))
    })
}
