//! What a shell would find to do in a file that it takes for a script.
//!
//! A shell reads a file command by command, and what means nothing to it is passed over: a picture
//! may have commands in it. No list of programs is complete. So what counts is the shape: a word
//! that may be the name of a program where a command stands, with something behind it. Where the
//! grammar that all shells share makes them stop for good, nobody reads what follows, and where
//! that grammar is not followed here, all that looks like a command counts. In: bytes of strangers.
//! Nothing of them is kept.

use std::io::{BufReader, Read};

/// Fewest letters of a name that is a command by itself, or of the name of a file that is written
/// to: fewer come together by chance.
const SHORTEST: usize = 4;
/// Most commands within each other that are followed.
const DEEPEST: usize = 64;

/// Whether a shell that takes bytes for a script finds a command among them. A file that cannot be
/// read has one.
pub(crate) fn has_command(content: impl Read) -> bool {
    let mut shell = Shell::default();
    for byte in BufReader::new(content).bytes() {
        // Shells leave zeros out.
        let found = match byte {
            Ok(0) => continue,
            Ok(byte) => shell.read(byte),
            Err(_) => return true,
        };
        match found {
            Found::Nothing => {}
            Found::Command => return true,
            Found::End => return false,
        }
    }
    shell.read(b'\n') == Found::Command
}

/// What a byte brings to light.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Command,
    /// Every shell stops here.
    End,
}

/// Where in a command a shell is.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    /// In its first word, or before it.
    #[default]
    Name,
    /// Behind a first word that may be a program.
    Behind,
    /// In the first argument of such a one.
    Argument,
    /// In what does not matter.
    Rest,
}

/// What was read of a word.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools, reason = "each is a thing by itself that is seen letter by letter")]
struct Word {
    length: usize,
    /// It has letters, digits, what stands between them in names of programs and files, and signs
    /// by which a shell finds any.
    is_shaped: bool,
    /// It has none of those signs.
    is_plain: bool,
    has_letter: bool,
    has_slash: bool,
    /// It begins with a dollar.
    is_value: bool,
    /// It is the name of a variable so far.
    is_name: bool,
    /// It sets a variable.
    sets: bool,
    /// It has nothing but braces and `!`.
    is_brace: bool,
    /// It has nothing but dots.
    is_dot: bool,
}

impl Default for Word {
    fn default() -> Self {
        Self {
            length: 0,
            is_shaped: true,
            is_plain: true,
            has_letter: false,
            has_slash: false,
            is_value: false,
            is_name: true,
            sets: false,
            is_brace: true,
            is_dot: true,
        }
    }
}

impl Word {
    fn push(&mut self, byte: u8) {
        self.sets |= byte == b'=' && self.is_name && self.length > 0;
        self.is_name &= byte == b'_' || byte == b'+' || byte.is_ascii_alphabetic() || (self.length > 0 && byte.is_ascii_digit());
        let is_plain = byte.is_ascii_alphanumeric() || b"_.-+@".contains(&byte);
        self.is_plain &= is_plain;
        self.is_shaped &= is_plain || b"/$*?[]~".contains(&byte);
        self.has_letter |= byte.is_ascii_alphabetic();
        self.has_slash |= byte == b'/';
        self.is_value |= byte == b'$' && self.length == 0;
        self.is_brace &= b"{}!".contains(&byte);
        self.is_dot &= byte == b'.';
        self.length += 1;
    }

    /// Whether it may name a program, or a file that is one.
    fn may_be_run(self) -> bool {
        let is_pattern = !self.is_plain && self.length > 1;
        self.is_shaped && (self.has_letter || (self.is_dot && self.length == 1) || is_pattern)
    }

    /// Whether it is a command without anything behind it.
    fn is_alone(self) -> bool {
        let length = if self.is_value { self.length + 2 } else { self.length };
        self.may_be_run() && length >= if self.has_slash || self.is_value { SHORTEST - 1 } else { SHORTEST }
    }

    /// Whether it is the name of a file that may be written to.
    fn is_file(self) -> bool {
        self.is_shaped && self.has_letter && self.length >= SHORTEST
    }

    /// Whether what stands behind it is the command: it sets a variable, or is a sign.
    fn is_before(self) -> bool {
        self.length == 0 || self.sets || self.is_brace
    }
}

/// What was read before a command within another: the place, the word, the text in quotes and the
/// brackets.
type Before = (Place, Word, Option<u8>, u32);

/// A shell that reads.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a thing by itself that a shell knows while it reads")]
struct Shell {
    place: Place,
    word: Word,
    /// The sign that ends a text in quotes.
    quote: Option<u8>,
    /// What was read before a command in backticks.
    tick: Option<Before>,
    /// The same before a command in `$(…)`, of each within the others.
    within: Vec<Before>,
    is_comment: bool,
    /// The byte before, where it gives this one another meaning.
    behind: Option<u8>,
    /// The sign of a file to read or write, and what was read of its name.
    file: Option<(u8, Word)>,
    /// The command has such a sign.
    is_led: bool,
    /// Brackets that are open.
    depth: u32,
    /// The bracket that was opened last stood behind a name: a function's.
    is_function: bool,
    /// The grammar is not followed any further.
    is_lost: bool,
}

impl Shell {
    /// Whether it reads as if nothing was hidden, and nothing stopped it.
    fn is_strict(&self) -> bool {
        self.is_lost || self.tick.is_some()
    }

    fn read(&mut self, byte: u8) -> Found {
        match self.behind.take() {
            Some(b'\\') => {
                if byte != b'\n' {
                    self.letter(byte);
                }
                return Found::Nothing;
            }
            Some(b'$') if byte == b'(' && !self.is_strict() && self.within.len() < DEEPEST => {
                // What comes of it may be nothing.
                let word = if self.word.length == 1 { Word::default() } else { self.word };
                self.within.push((self.place, word, self.quote.take(), self.depth));
                (self.place, self.word, self.file, self.depth) = (Place::Name, Word::default(), None, 0);
                self.behind = Some(byte);
                return Found::Nothing;
            }
            // `${`, `$'` and `$"` have a grammar of their own, and `<<`, `<(`, `=(` and `((` have,
            // too.
            Some(b'$') if b"({'\"".contains(&byte) => self.is_lost = true,
            Some(b'=' | b'(') if self.quote.is_none() && byte == b'(' => self.is_lost = true,
            Some(b'<' | b'>') if self.quote.is_none() && b"<(".contains(&byte) => self.is_lost = true,
            _ => {}
        }
        if byte == b'\\' && self.quote != Some(b'\'') && !self.is_comment {
            self.behind = Some(byte);
            return Found::Nothing;
        }
        if byte == b'`' && self.quote != Some(b'\'') && !self.is_comment {
            return self.tick();
        }
        if self.is_strict() {
            return if b"'\"`".contains(&byte) { Found::Nothing } else { self.bare(byte) };
        }
        if self.is_comment && byte != b'\n' {
            return Found::Nothing;
        }
        self.is_comment = false;
        match self.quote {
            Some(quote) if quote == byte => self.quote = None,
            Some(_) => {
                self.behind = (byte == b'$').then_some(byte);
                self.letter(byte);
            }
            None if byte == b'\'' || byte == b'"' => self.quote = Some(byte),
            None => return self.bare(byte),
        }
        Found::Nothing
    }

    /// A byte outside of quotes.
    fn bare(&mut self, byte: u8) -> Found {
        match byte {
            b' ' | b'\t' => self.blank(),
            b'\n' | b';' | b'&' | b'|' | b'(' | b')' => self.sign(byte),
            b'<' | b'>' => {
                // `>>` and `<>`. `>&1` and `>|` are read as if a command began there.
                if let Some((_, word)) = self.file
                    && word.length == 0
                {
                    return Found::Nothing;
                }
                let found = self.blank();
                self.file = Some((byte, Word::default()));
                self.is_led = true;
                self.behind = Some(byte);
                found
            }
            b'#' if !self.is_strict() && self.is_between() => {
                self.is_comment = true;
                Found::Nothing
            }
            _ => {
                self.behind = b"$=".contains(&byte).then_some(byte);
                self.letter(byte);
                Found::Nothing
            }
        }
    }

    /// Whether no word has begun.
    fn is_between(&self) -> bool {
        match (&self.file, self.place) {
            (Some((_, word)), _) => word.length == 0,
            (None, Place::Name) => self.word.length == 0,
            (None, Place::Behind) => true,
            (None, Place::Argument | Place::Rest) => false,
        }
    }

    /// A letter of a word.
    fn letter(&mut self, byte: u8) {
        if let Some((_, word)) = &mut self.file {
            word.push(byte);
            return;
        }
        match self.place {
            Place::Name => self.word.push(byte),
            Place::Behind if byte.is_ascii_graphic() || byte == b' ' => self.place = Place::Argument,
            Place::Argument if byte.is_ascii_graphic() || byte == b' ' => {}
            Place::Behind | Place::Argument => self.place = Place::Rest,
            Place::Rest => {}
        }
    }

    /// The end of a word.
    fn blank(&mut self) -> Found {
        if let Some((sign, word)) = self.file {
            if word.length > 0 {
                self.file = None;
                if sign == b'>' && word.is_file() {
                    return Found::Command;
                }
            }
            return Found::Nothing;
        }
        match self.place {
            Place::Name if self.word.is_before() => self.word = Word::default(),
            Place::Name if self.word.is_alone() => return Found::Command,
            Place::Name => self.place = if self.word.may_be_run() { Place::Behind } else { Place::Rest },
            Place::Argument => return Found::Command,
            Place::Behind | Place::Rest => {}
        }
        Found::Nothing
    }

    /// A sign that ends a command.
    fn sign(&mut self, byte: u8) -> Found {
        // No shell goes on where a file's name is missing, or a bracket closes that none opened.
        let is_missing = self.file.is_some_and(|(_, word)| word.length == 0) && b"\n;)".contains(&byte);
        // None takes a bracket behind what stands before a command either.
        let was_named = self.place != Place::Name || self.word.length > 0 || self.is_led;
        if self.blank() == Found::Command {
            return Found::Command;
        }
        if byte == b')'
            && self.depth == 0
            && !self.is_strict()
            && let Some(before) = self.within.pop()
        {
            (self.place, self.word, self.quote, self.depth) = before;
            return Found::Nothing;
        }
        // Some shells look into `$(…)` only when they run it, and go on behind it.
        if !self.is_strict() && self.within.is_empty() && (is_missing || (byte == b')' && self.depth == 0)) {
            return Found::End;
        }
        (self.file, self.is_led) = (None, false);
        self.word = Word::default();
        self.place = Place::Name;
        match byte {
            b'(' => {
                self.behind = Some(byte);
                self.depth += 1;
                self.is_function = was_named;
                // Behind a word only zsh reads on, and takes it for a pattern.
                if was_named && !self.is_strict() {
                    self.place = Place::Rest;
                }
            }
            // Behind it stands the body of a function, or nothing that any shell takes.
            b')' => {
                self.depth = self.depth.saturating_sub(1);
                if was_named && !self.is_function && !self.is_strict() {
                    self.place = Place::Rest;
                }
            }
            _ => {}
        }
        Found::Nothing
    }

    /// A backtick: what follows it to the next one is a script of its own, which may come to
    /// nothing.
    fn tick(&mut self) -> Found {
        if let Some(before) = self.tick.take() {
            self.tick = Some(before);
            let found = self.sign(b'\n');
            self.tick = None;
            (self.place, self.word, self.quote, self.depth) = before;
            return found;
        }
        self.tick = Some((self.place, self.word, self.quote.take(), self.depth));
        (self.place, self.word, self.file) = (Place::Name, Word::default(), None);
        Found::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_one_by_its_shape_wherever_it_stands() {
        for text in [
            "nice sh -c id\n",
            "crontab words.txt",
            "docker run evil\n",
            "[ x ] && uname -a\n",
            "GIF89a\x01\n\n\nnice sh -c id\n",
            "\u{1}\u{fffd};nice sh -c id\n",
            "\u{1}x|sh x\n",
            "A=1 node x\n",
            "A=1 B=2\nsh x y",
            "x\n. other\n",
            "'sh' x\n",
            "s\\h x\n",
            "s\0h x\n",
            "\u{1}`sh x`\n",
            "\"`sh x`\"\n",
            "\"$(sh x)\"\n",
            "x $(sh x)\n",
            "$(x) sh x\n",
            "x $(<\n) \nsh x\n",
            "\"$(x \"y\")\"\nsh x\n",
            "${x}\n)\nsh x\n",
            "reboot\n",
            "./x\n",
            "$x\n",
            "\u{1} >index.js \n",
            "<x sh x\n",
            "(sh x)\n",
            "{ sh x; }\n",
            "! sh x\n",
            "f(){ sh x; }\n",
            "if true; then sh x; fi\n",
            "x # )\nsh x\n",
            "')'\nsh x\n",
            "\")\"\nsh x\n",
            "`)`\nsh x\n",
            "x <<y\n)\ny\nsh x\n",
            "$')\\'' \nsh x\n",
            "(x)\nsh x\n",
            "() { sh x }\n",
            "=(sh x)\n",
            "((x, #))\nsh x\n",
            "((x, #1)); sh x\n",
            "x y(z)\nsh x\n",
        ] {
            assert!(has_command(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn what_every_shell_stops_at_ends_the_search_and_bytes_are_no_names() {
        for text in [
            "",
            "\u{fffd}PNG\r\n\u{1a}\n\0\0\0\rIHDR",
            "\u{1} x)\nsh x\n",
            "(x))\nsh x\n",
            "<x:meta a='b'>\nsh x\n",
            "x <\nsh x\n",
            "\u{fffd}h x\n",
            "# sh x\n",
            "x 'sh x\n",
            "id\n",
            "0 3 : <\n",
            "\u{1}(c) 1998 x)\nsh x\n",
            "'a b' x\n",
        ] {
            assert!(!has_command(text.as_bytes()), "{text:?}");
        }
    }
}
