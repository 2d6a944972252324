//! The ini dialect of .npmrc files, as npm's own `ini` 6 reads it.

use std::collections::BTreeMap;

/// Most lines that are read of one file.
const MAX_LINES: usize = 20_000;

/// A value in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Text; `true`, `false` and `null` are text here too, and mean what the key makes of them.
    Text(String),
    /// The values of `key[] = …`, in order.
    List(Vec<String>),
}

/// Reads the keys in front of the first section: npm takes no notice of sections.
pub(super) fn parse(text: &str) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for line in text.split(['\r', '\n']).take(MAX_LINES) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with([';', '#']) {
            continue;
        }
        // The `[` must open the line: an indented one is a key.
        if line.starts_with('[') && line.trim_end().ends_with(']') {
            break;
        }
        let (key, value) = match line.split_once('=') {
            Some(("", _)) => continue,
            Some((key, value)) => (unquote(key), unquote(value)),
            None => (unquote(line), "true".to_owned()),
        };
        let (key, is_list) = match key.strip_suffix("[]") {
            Some(base) if !base.is_empty() => (base.to_owned(), true),
            _ => (key, false),
        };
        match out.get_mut(&key) {
            // Brackets once, and the key stays a list.
            Some(Value::List(list)) => list.push(value),
            Some(Value::Text(first)) if is_list => {
                let list = vec![std::mem::take(first), value];
                out.insert(key, Value::List(list));
            }
            _ if is_list => {
                out.insert(key, Value::List(vec![value]));
            }
            _ => {
                out.insert(key, Value::Text(value));
            }
        }
    }
    out
}

/// Takes quotes off, or else ends the text at the first `;` or `#` that no backslash precedes.
fn unquote(text: &str) -> String {
    let text = text.trim();
    let quoted_by = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if quoted_by('"') {
        return serde_json::from_str::<String>(text).unwrap_or_else(|_| text.to_owned());
    }
    if quoted_by('\'') {
        let inner = text.get(1..text.len() - 1).unwrap_or("");
        return serde_json::from_str::<String>(inner).unwrap_or_else(|_| inner.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut escaped = false;
    for c in text.chars() {
        match (escaped, c) {
            (true, '\\' | ';' | '#') => out.push(c),
            (true, _) => {
                out.push('\\');
                out.push(c);
            }
            (false, ';' | '#') => return out.trim().to_owned(),
            (false, '\\') => {
                escaped = true;
                continue;
            }
            (false, _) => out.push(c),
        }
        escaped = false;
    }
    if escaped {
        out.push('\\');
    }
    out.trim().to_owned()
}
