//! Texts that are plainly data: JSON, and tables of numbers and words.
//!
//! A shell takes each line for a command, and Perl and Ruby take what JSON has in quotes for texts
//! in which code may stand. So these texts count only where neither finds anything to do. In: texts
//! of strangers.

use serde::de::IgnoredAny;

use crate::shell::has_command;

/// Whether a text is JSON, a list or an object, in which no shell finds a command and no language
/// code.
pub(crate) fn is_json(text: &str) -> bool {
    let is_one = text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok();
    is_one && !has_code(text) && text.lines().all(is_line_of_json)
}

/// Whether a text in quotes has what stands for code: in a shell, in Perl (`@{}`, `@a[]`), in Ruby
/// (`#{}`), in PHP and in templates.
fn has_code(text: &str) -> bool {
    // From the first sign on: what is behind a later one is behind that one, too.
    let is_list = |quoted: &str| quoted.split_once('@').is_some_and(|(_, rest)| rest.contains(['[', '{', '(', '-']));
    text.contains(['`', '$']) || text.contains("#{") || text.contains("<?") || text.contains("<%") || text.split('"').any(is_list)
}

/// Whether a line begins with no command: no text in quotes stands by itself at its beginning.
/// Behind another sign than a colon or a comma no text can stand, so the rest of a line is what a
/// shell gives to that command.
fn is_line_of_json(line: &str) -> bool {
    let mut rest = line.trim_start();
    // A brace by itself begins a list of commands.
    while let Some(behind) = rest.strip_prefix(['{', '}']).filter(|behind| behind.starts_with(char::is_whitespace)) {
        rest = behind.trim_start();
    }
    let Some(text) = rest.strip_prefix('"') else { return true };
    let mut is_escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    });
    end.and_then(|end| text.as_bytes().get(end + 1)).is_some_and(|behind| b":,]}".contains(behind))
}

/// Whether a text is a table: rows of as many cells, each a number or a word, with `separator`
/// between them.
pub(crate) fn is_table(text: &str, separator: char) -> bool {
    let cells = |line: &'_ str| line.split(separator).map(str::to_owned).collect::<Vec<_>>();
    let most = text.lines().next().map_or(0, |line| cells(line).len());
    let mut last_was_word = false;
    let is_row = |line: &str| {
        let row = cells(line);
        // Perl goes on from one line to the next.
        let is_apart = !last_was_word || row.first().is_some_and(|cell| is_number(cell));
        last_was_word = row.last().is_some_and(|cell| !is_number(cell));
        row.len() == most && is_apart && row.iter().all(|cell| is_cell(cell))
    };
    most > 1 && text.lines().all(is_row) && !has_command(text.as_bytes())
}

fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok() && cell.bytes().any(|byte| byte.is_ascii_digit())
}

/// A number, or a word of letters and what stands between them in names and times. A word with a
/// comma behind it is no program.
fn is_cell(cell: &str) -> bool {
    let is_of_word = |c: char| (c.is_alphanumeric() || "_.:%".contains(c)) || (!c.is_ascii() && !c.is_whitespace());
    is_number(cell) || cell.chars().all(is_of_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_data_unless_something_reads_code_in_it() {
        for text in [
            "{\"type\":\"Feature\",\"name\":\"a (b)\"}",
            "{\n  \"type\": \"Feature\",\n  \"at\": [\n    1.5,\n    2\n  ]\n}\n",
            "[\"nice sh -c id\"]",
            "{\"mail\": \"a@example.org\"}",
        ] {
            assert!(is_json(text), "{text}");
        }
        for text in [
            "\"./x\"",
            "1",
            "[\"$(curl x)\"]",
            "[\"`id`\"]",
            "[\"@{[system 1]}\"]",
            "[\"@x[system 1]\"]",
            "[\"#{exit}\"]",
            "[\"<?php exit;\"]",
            "[\n\"reboot\"\n]",
            "{\n\"nice\" :\n1}",
            "{ \"nice\" : 1}",
            "{\"a\": 1",
        ] {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn a_text_of_nothing_but_one_sign_is_looked_at_once() {
        // The largest text that is read. Looked at from each sign on it took hours.
        let signs = "@".repeat(4 << 20);
        assert!(is_json(&format!("[\"{signs}\"]")));
        assert!(!is_json(&format!("[\"{signs}-\"]")));
    }

    #[test]
    fn tables_are_rows_of_numbers_and_words() {
        for text in ["1,2,-3\nname,other,\u{e9}\n", "a,b\n1,2\n", "x,y,z\n1.5,2e9,3\n", "a,\n1,\n"] {
            assert!(is_table(text, ','), "{text}");
        }
        assert!(is_table("1\t2\n3\t4\n", '\t'));
        for text in [
            "hello\n",
            "a,b\n1\n",
            "nice sh,1\n",
            "1,unlink x\n",
            "a,unlink\nx,1\n",
            "a,b\n1,2|sh\n",
            "a,b\n1,'x'\n",
            "a,b\n1,-\n",
            "a,b\n\n",
        ] {
            assert!(!is_table(text, ','), "{text}");
        }
        assert!(!is_table("nice\tsh\tx\n", '\t'));
    }
}
