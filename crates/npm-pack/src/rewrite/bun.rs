//! package.json as bun publishes it: read and printed anew by a printer of its own.
//!
//! Keys, the indentation and a final line feed stay; ranges of the workspace are written out.
//! Arrays that stood in one line stay in one line, objects never do; up to bun 1.3 an object that
//! stood in one line made the lines after it lose a level of indentation. Numbers never have an
//! exponent.

use serde_json::Value;

use super::json;
use super::spec::{Resolver, Unresolved};

/// Deepest nesting that is read, as in `serde_json`.
const MAX_DEPTH: usize = 120;

/// A JSON value that remembers whether it stood in one line.
enum Node {
    Object {
        entries: Vec<(String, Node)>,
        in_line: bool,
    },
    Array {
        items: Vec<Node>,
        in_line: bool,
    },
    Text(String),
    /// Printed as it stands.
    Plain(String),
}

/// Prints a package.json as bun does, ranges of the workspace written out. `early`: as bun up to
/// 1.3.
pub(super) fn rewrite(bytes: &[u8], early: bool, to: Resolver<'_>) -> Result<Vec<u8>, Unresolved> {
    let text = String::from_utf8_lossy(npm_spec::manifest::without_bom(bytes));
    // What serde_json takes for valid is what the reader below can read.
    json::parse(bytes).ok_or(Unresolved)?;
    let mut reader = Reader { rest: &text, broke: false };
    let mut root = reader.value(0).ok_or(Unresolved)?;
    resolve(&mut root, to)?;
    let mut printer = Printer { out: String::new(), indent: indentation(&text), level: 0, early };
    printer.value(&root);
    if text.ends_with('\n') {
        printer.out.push('\n');
    }
    Ok(printer.out.into_bytes())
}

fn resolve(root: &mut Node, to: Resolver<'_>) -> Result<(), Unresolved> {
    let Node::Object { entries, .. } = root else { return Err(Unresolved) };
    for (field, value) in entries {
        if !matches!(field.as_str(), "dependencies" | "devDependencies" | "peerDependencies" | "optionalDependencies") {
            continue;
        }
        let Node::Object { entries, .. } = value else { continue };
        for (name, value) in entries {
            let Node::Text(spec) = value else { continue };
            if let Some(rest) = spec.strip_prefix("workspace:") {
                *spec = to.bun_workspace(name, rest)?;
            } else if spec.starts_with("catalog:") {
                *spec = to.catalog(name, spec)?;
            }
        }
    }
    Ok(())
}

/// The first indentation of the file.
fn indentation(text: &str) -> &str {
    let width = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let line = text.lines().find(|line| width(line) > 0 && line.len() > width(line));
    line.and_then(|line| line.get(..width(line))).unwrap_or("  ")
}

/// Reads valid JSON and notes line feeds between tokens.
struct Reader<'t> {
    rest: &'t str,
    /// Whether a line feed stood before the next token.
    broke: bool,
}

impl Reader<'_> {
    fn skip(&mut self) {
        let rest = self.rest.trim_start();
        self.broke = self.rest.get(..self.rest.len() - rest.len()).is_some_and(|space| space.contains('\n'));
        self.rest = rest;
    }

    fn eat(&mut self, token: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        self.skip();
        true
    }

    fn scalar(&mut self) -> Option<Value> {
        let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let value = values.next()?.ok()?;
        let end = values.byte_offset();
        self.rest = self.rest.get(end..)?;
        self.skip();
        Some(value)
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        if depth == 0 {
            self.skip();
        }
        if self.eat('{') {
            let mut entries = Vec::new();
            let in_line = self.list('}', |reader| {
                let Value::String(key) = reader.scalar()? else { return None };
                reader.eat(':').then_some(())?;
                entries.push((key, reader.value(depth + 1)?));
                Some(())
            })?;
            return Some(Node::Object { entries, in_line });
        }
        if self.eat('[') {
            let mut items = Vec::new();
            let in_line = self.list(']', |reader| {
                items.push(reader.value(depth + 1)?);
                Some(())
            })?;
            return Some(Node::Array { items, in_line });
        }
        Some(match self.scalar()? {
            Value::String(text) => Node::Text(text),
            // Rust prints numbers as bun does: the shortest digits, no exponent.
            Value::Number(number) => Node::Plain(number.as_f64().unwrap_or_default().to_string()),
            other => Node::Plain(other.to_string()),
        })
    }

    /// Reads what stands up to `end`, and says whether all of it stood in one line.
    fn list(&mut self, end: char, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<bool> {
        let mut in_line = !self.broke;
        let mut first = true;
        while !self.rest.starts_with(end) {
            if !first {
                in_line &= !self.broke;
                self.eat(',').then_some(())?;
                in_line &= !self.broke;
            }
            first = false;
            entry(self)?;
        }
        in_line &= !self.broke;
        self.eat(end).then_some(in_line)
    }
}

struct Printer<'t> {
    out: String,
    indent: &'t str,
    level: usize,
    early: bool,
}

impl Printer<'_> {
    fn value(&mut self, node: &Node) {
        match node {
            Node::Object { entries, .. } if entries.is_empty() => self.out.push_str("{}"),
            Node::Object { entries, in_line } => {
                self.out.push('{');
                self.level += usize::from(!(self.early && *in_line));
                for (at, (key, value)) in entries.iter().enumerate() {
                    self.out.push_str(if at == 0 { "" } else { "," });
                    self.line();
                    self.text(key);
                    self.out.push_str(": ");
                    self.value(value);
                }
                self.level = self.level.saturating_sub(1);
                self.line();
                self.out.push('}');
            }
            Node::Array { items, .. } if items.is_empty() => self.out.push_str("[]"),
            Node::Array { items, in_line } => {
                self.out.push('[');
                self.level += usize::from(!in_line);
                for (at, item) in items.iter().enumerate() {
                    match (at, in_line) {
                        (0, true) => {}
                        (0, false) => self.line(),
                        (_, true) => self.out.push_str(", "),
                        (_, false) => {
                            self.out.push(',');
                            self.line();
                        }
                    }
                    self.value(item);
                }
                if !in_line {
                    self.level = self.level.saturating_sub(1);
                    self.line();
                }
                self.out.push(']');
            }
            Node::Text(text) => self.text(text),
            Node::Plain(text) => self.out.push_str(text),
        }
    }

    fn text(&mut self, text: &str) {
        let quoted = json::quote(text).replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
        self.out.push_str(&quoted);
    }

    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.level {
            self.out.push_str(self.indent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::Versions;
    use super::super::workspace::{Member, Workspace};
    use super::*;

    fn printed(source: &str, early: bool) -> String {
        let mut workspace = Workspace::new("1.0.0", "", "p");
        workspace.members.insert("b".into(), Member { version: Some("4.5.6".into()), directory: "b".into() });
        let to = Resolver { workspace: &workspace, versions: Versions::Tree, own: None };
        String::from_utf8(rewrite(source.as_bytes(), early, to).expect("a manifest")).expect("text")
    }

    #[test]
    fn arrays_in_one_line_stay_and_objects_do_not() {
        let source = "{\n\t\"files\": [\"x\",\"y\"], \"o\": {\"a\": 1.0},\n\t\"l\": [\n\"x\"]\n}\n";
        let expected = "{\n\t\"files\": [\"x\", \"y\"],\n\t\"o\": {\n\t\t\"a\": 1\n\t},\n\t\"l\": [\n\t\t\"x\"\n\t]\n}\n";
        assert_eq!(printed(source, false), expected);
    }

    #[test]
    fn up_to_1_3_an_object_in_one_line_costs_a_level() {
        let source = "{\n  \"o\": {\"a\": [\n1]},\n  \"s\": {\n    \"b\": {}\n  }\n}";
        let expected = "{\n  \"o\": {\n  \"a\": [\n    1\n  ]\n},\n\"s\": {\n  \"b\": {}\n}\n}";
        assert_eq!(printed(source, true), expected);
    }

    #[test]
    fn ranges_of_the_workspace_are_written_out_and_numbers_have_no_exponent() {
        let source = "{\n  \"dependencies\": {\n    \"b\": \"workspace:^\"\n  },\n  \"n\": [1e21, 1e-7, -0.0, 1.50]\n}";
        let expected = "{\n  \"dependencies\": {\n    \"b\": \"^4.5.6\"\n  },\n  \"n\": [1000000000000000000000, 0.0000001, -0, 1.5]\n}";
        assert_eq!(printed(source, false), expected);
    }
}
