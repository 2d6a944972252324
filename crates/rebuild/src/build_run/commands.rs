//! Command lines, taken apart where one command ends and the next begins.
//!
//! They come from strangers' manifests and workflows, and nothing here runs them: a text that is
//! worth running goes, as it is, to the shell within the sandbox, as the package manager or the
//! workflow's runner would have handed it over.

use npm_spec::tool::Kind;

use super::own;

/// Longest text that is taken apart, in bytes.
const MAX_TEXT: usize = 16 << 10;
/// Most commands of one text.
const MAX_COMMANDS: usize = 32;

/// Words that say that a command makes nothing that is published, or is the publishing itself.
const IDLE_WORDS: [&str; 29] = [
    "test",
    "tests",
    "lint",
    "eslint",
    "tslint",
    "standard",
    "xo",
    "watch",
    "serve",
    "start",
    "dev",
    "docs",
    "coverage",
    "check",
    "prettier",
    "publish",
    "release",
    "bench",
    "clean",
    "audit",
    "login",
    "changeset",
    "changelog",
    "mocha",
    "jest",
    "vitest",
    "ava",
    "tape",
    "nyc",
];
/// What package managers and release tools are asked for that makes no published file.
const IDLE_TASKS: [&str; 9] = ["install", "i", "ci", "add", "version", "whoami", "config", "t", "set"];
/// Programs that make no published file, and words of the shell around others.
const IDLE_PROGRAMS: [&str; 37] = [
    "git", "rm", "rimraf", "del", "del-cli", "echo", "exit", "set", "export", "curl", "wget", "gh", "sudo", "apt-get", "brew", "docker",
    "corepack", "husky", "is-ci", "true", "false", "sleep", "if", "for", "while", "until", "case", "then", "else", "elif", "fi", "do",
    "done", "esac", "return", "shift", "trap",
];

/// The commands of a shell's text, in order: what stands between `&&`, `||`, `;`, `&` and line
/// ends. What is quoted or in parentheses stays together, and a here-document with the line that
/// asks for it. Comments are left off. Nothing for a text that does not close what it opens, or is
/// too long.
pub fn commands(text: &str) -> Vec<String> {
    if text.len() > MAX_TEXT {
        return Vec::new();
    }
    let Some(found) = Scanner::of(text).scan() else { return Vec::new() };
    let commands = found.iter().map(|command| trimmed(command)).filter(|command| !command.is_empty());
    commands.take(MAX_COMMANDS).map(str::to_owned).collect()
}

/// Takes a shell's text apart, character by character.
struct Scanner<'t> {
    chars: Chars<'t>,
    /// The commands so far; the last one is being read.
    found: Vec<String>,
    /// The quote that is open.
    quote: Option<char>,
    /// How many parentheses and braces are open.
    depth: usize,
    /// Whether the last character stood behind a backslash.
    escaped: bool,
    /// The here-documents that this line asks for: their text begins at the next line.
    documents: Vec<Delimiter>,
}

impl<'t> Scanner<'t> {
    fn of(text: &'t str) -> Self {
        let found = vec![String::new()];
        Self { chars: text.chars().peekable(), found, quote: None, depth: 0, escaped: false, documents: Vec::new() }
    }

    /// The commands; `None` if the text does not close what it opens.
    fn scan(mut self) -> Option<Vec<String>> {
        while let Some(c) = self.chars.next() {
            let starts_word = self.quote.is_none() && !self.escaped && self.found.last().is_none_or(|command| ends_word(command));
            self.escaped = false;
            if c == '#' && starts_word {
                while self.chars.next_if(|&next| next != '\n').is_some() {}
                continue;
            }
            if self.quote.is_none() && matches!(c, '&' | '|') {
                // An operator may go on in the next line.
                skip_continuations(&mut self.chars);
            }
            if self.ends_command(c) {
                self.found.push(String::new());
            } else {
                self.take(c)?;
            }
        }
        (self.quote.is_none() && self.depth == 0 && self.documents.is_empty()).then_some(self.found)
    }

    /// Whether a character ends the command before it.
    fn ends_command(&mut self, c: char) -> bool {
        if self.quote.is_some() || self.depth > 0 || !self.documents.is_empty() {
            return false;
        }
        match c {
            '&' => {
                // `2>&1` and `&>` are redirections.
                let behind = self.found.last().is_some_and(|command| command.ends_with(['>', '<']));
                let redirects = behind || self.chars.peek() == Some(&'>');
                if !redirects {
                    self.chars.next_if_eq(&'&');
                }
                !redirects
            }
            '|' if self.chars.peek() == Some(&'|') => self.chars.next().is_some(),
            ';' | '\n' => true,
            _ => false,
        }
    }

    /// Adds a character to the command that is being read; `None` if the text does not close what
    /// it opens.
    fn take(&mut self, c: char) -> Option<()> {
        let command = self.found.last_mut()?;
        match (c, self.quote) {
            ('\\', None | Some('"')) => {
                match self.chars.next()? {
                    // A line that goes on.
                    '\n' => {}
                    next => {
                        command.extend([c, next]);
                        self.escaped = true;
                    }
                }
                return Some(());
            }
            ('\'' | '"' | '`', None) => self.quote = Some(c),
            (c, Some(open)) if c == open => self.quote = None,
            ('(' | '{', None) => self.depth += 1,
            (')' | '}', None) => self.depth = self.depth.checked_sub(1)?,
            ('<', None) if self.chars.next_if_eq(&'<').is_some() => {
                command.push_str("<<");
                if self.chars.next_if_eq(&'<').is_some() {
                    // One word as the input, and no document.
                    command.push('<');
                } else {
                    self.documents.push(Delimiter::read(&mut self.chars, command));
                }
                return Some(());
            }
            ('\n', None) if !self.documents.is_empty() => {
                command.push(c);
                if self.documents.drain(..).any(|delimiter| !delimiter.take_document(&mut self.chars, command)) {
                    return None;
                }
                if self.depth == 0 {
                    self.found.push(String::new());
                }
                return Some(());
            }
            _ => {}
        }
        command.push(c);
        Some(())
    }
}

/// True where the next character begins a word: there a `#` begins a comment, which goes on to the
/// line's end.
fn ends_word(command: &str) -> bool {
    command.chars().next_back().is_none_or(|last| last.is_whitespace() || matches!(last, ';' | '&' | '|' | '(' | ')' | '<' | '>'))
}

/// Passes over line ends that are escaped.
fn skip_continuations(chars: &mut Chars<'_>) {
    loop {
        let mut ahead = chars.clone();
        if ahead.next() != Some('\\') || ahead.next() != Some('\n') {
            return;
        }
        *chars = ahead;
    }
}

/// The line that ends a here-document.
struct Delimiter {
    line: String,
    /// `<<-`: tabs before it do not count.
    indented: bool,
}

type Chars<'t> = std::iter::Peekable<std::str::Chars<'t>>;

impl Delimiter {
    /// Reads the word behind `<<`, and adds it to the command as it is.
    fn read(chars: &mut Chars<'_>, command: &mut String) -> Self {
        let indented = chars.next_if_eq(&'-').inspect(|&dash| command.push(dash)).is_some();
        while let Some(blank) = chars.next_if(|next| matches!(next, ' ' | '\t')) {
            command.push(blank);
        }
        let mut line = String::new();
        while let Some(next) = chars.next_if(|next| !next.is_whitespace() && !";&|()<>".contains(*next)) {
            command.push(next);
            if !matches!(next, '\'' | '"' | '\\') {
                line.push(next);
            }
        }
        Self { line, indented }
    }

    /// Adds the document and the line that ends it to the command. False for one that does not end.
    fn take_document(&self, chars: &mut Chars<'_>, command: &mut String) -> bool {
        while chars.peek().is_some() {
            let mut line = String::new();
            while let Some(next) = chars.next_if(|&next| next != '\n') {
                line.push(next);
            }
            chars.next();
            command.push_str(&line);
            command.push('\n');
            let bare = if self.indented { line.trim_start_matches('\t') } else { &line };
            if bare == self.line {
                return true;
            }
        }
        false
    }
}

/// Without the blanks around it; one behind a backslash is the end of a word.
fn trimmed(command: &str) -> &str {
    let command = command.trim_start();
    let end = command.trim_end();
    let is_escaped = end.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    let blank = command.get(end.len()..).and_then(|blanks| blanks.chars().next()).map_or(0, char::len_utf8);
    if is_escaped { command.get(..end.len() + blank).unwrap_or(command) } else { end }
}

/// Whether a command may make files that are published.
pub fn is_useful(command: &str) -> bool {
    // What is only assigned is gone with the shell that the command runs in.
    let command = without_assignments(command);
    let mut words = command.split_whitespace().skip_while(|word| is_assignment(word) || matches!(*word, "npx" | "cross-env"));
    let Some(program) = words.next() else { return false };
    if own::calls_it(command) || IDLE_PROGRAMS.contains(&program) || program.starts_with(['(', '{', '[']) {
        return false;
    }
    if matches!(program, "npm" | "yarn" | "pnpm" | "bun" | "lerna") && words.next().is_none_or(|task| IDLE_TASKS.contains(&task)) {
        return false;
    }
    let parts = command.split(|c: char| !c.is_ascii_alphanumeric());
    !parts.into_iter().any(|word| IDLE_WORDS.contains(&word))
}

/// The command behind the variables that are set in front of it.
fn without_assignments(command: &str) -> &str {
    let mut rest = command.trim_start();
    while is_assignment(rest) {
        rest = rest.get(end_of_word(rest)..).unwrap_or_default().trim_start();
    }
    rest
}

/// Where the first word of a shell's command ends: at a blank that is in no quotes and no
/// substitution.
fn end_of_word(command: &str) -> usize {
    let (mut quote, mut depth, mut escaped) = (None, 0_usize, false);
    for (at, c) in command.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (None | Some('"' | '`'), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, c) if c.is_whitespace() && depth == 0 => return at,
            _ => {}
        }
    }
    command.len()
}

/// Whether a text begins with a variable that is set.
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The folder that `cd` leads to, where it is a plain path.
pub fn change_of_folder(command: &str) -> Option<&str> {
    let path = command.strip_prefix("cd ")?.trim();
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./@".contains(&byte));
    (plain && !path.is_empty()).then_some(path)
}

/// The words that run a text in the sandbox's shell, with the programs of the installation in
/// reach.
pub(super) fn in_shell(manager: Kind, text: &str) -> Vec<String> {
    let words: &[&str] = match manager {
        // With Plug'n'Play there is no folder of programs; yarn knows where they are.
        Kind::Berry => &["yarn", "exec", "sh", "-c", text],
        _ => &["sh", "-c", text],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_apart_where_commands_end() {
        assert_eq!(
            commands("npm run lint && tsc -p . ; cp a b || true & rollup -c"),
            ["npm run lint", "tsc -p .", "cp a b", "true", "rollup -c"]
        );
        assert_eq!(commands("make \\\n  all\n# no\nnode x.js"), ["make   all", "node x.js"]);
    }

    #[test]
    fn what_is_commented_out_is_no_command() {
        assert_eq!(commands("# don't\nnode a.js"), ["node a.js"]);
        assert_eq!(commands("# a && node old.js\ntsc # b; node old.js\n#\n"), ["tsc"]);
        assert_eq!(commands("(cd x # it's here\n y);# z && a\nb &# c\nd"), ["(cd x \n y)", "b", "d"]);
        assert_eq!(commands("tsc|# a && b\ncat"), ["tsc|", "cat"]);
    }

    #[test]
    fn a_number_sign_within_a_word_is_no_comment() {
        for text in ["node a#b.js", "echo \"# a\"", "echo '# a'", "echo ${x#y} $#", "echo \\# a", "echo \\ #a", "a\\\n#b"] {
            assert_eq!(commands(text), [text.replace("\\\n", "")], "{text:?}");
        }
    }

    #[test]
    fn a_here_document_is_no_command() {
        let text = "cat > .npmrc <<EOF && a\nnode old.js\nit's && b\nEOF\ntsc";
        assert_eq!(commands(text), ["cat > .npmrc <<EOF && a\nnode old.js\nit's && b\nEOF", "tsc"]);
        assert_eq!(commands("cat <<-'E F'\n\tx\n\tE\ny"), Vec::<String>::new());
        assert_eq!(commands("cat <<- \"E\"\n# x\n\tE\ny"), ["cat <<- \"E\"\n# x\n\tE", "y"]);
        assert_eq!(commands("cat <<A <<B\n1\nA\n2\nB\ny"), ["cat <<A <<B\n1\nA\n2\nB", "y"]);
        assert_eq!(commands("cat <<< 'a;b'; y"), ["cat <<< 'a;b'", "y"]);
        assert!(commands("cat <<EOF\nnode old.js").is_empty());
    }

    #[test]
    fn what_belongs_together_stays_together() {
        assert_eq!(commands("node -e 'a && b' && (cd x; y)"), ["node -e 'a && b'", "(cd x; y)"]);
        assert_eq!(commands("tsc > log 2>&1 && x | y"), ["tsc > log 2>&1", "x | y"]);
        assert_eq!(commands(r#"echo "a \" ; b""#), [r#"echo "a \" ; b""#]);
        assert_eq!(commands(r"cp a b\  && c\\ "), [r"cp a b\ ", r"c\\"]);
    }

    #[test]
    fn what_does_not_close_is_not_guessed_at() {
        assert!(commands("node -e 'a && b").is_empty());
        assert!(commands("a) && b").is_empty());
        assert!(commands("a \\").is_empty());
        assert!(commands(&"a;".repeat(MAX_TEXT)).is_empty());
    }

    #[test]
    fn tests_lints_and_the_publishing_make_no_files() {
        for idle in [
            "npm test",
            "eslint .",
            "npx jest",
            "rm -rf dist",
            "NODE_ENV=test mocha",
            "npm publish",
            "git push",
            "npm ci",
            "yarn",
            "FOO=1",
            "fi",
        ] {
            assert!(!is_useful(idle), "{idle}");
        }
        for useful in
            ["tsc -p .", "make dist", "NODE_ENV=production rollup -c", "npx tsc", "node scripts/build.js", "cp a dist/", "npm run build:ci"]
        {
            assert!(is_useful(useful), "{useful}");
        }
    }

    #[test]
    fn a_variable_that_is_only_set_makes_no_files() {
        for idle in
            ["result=\"\"", "result=\"two words\"", "x=$(node version.js --all)", "a='b c' d=\"e \\\" f\"", "X=`node a b`", "VERSION=1"]
        {
            assert!(!is_useful(idle), "{idle}");
        }
        for useful in ["mode=production rollup -c", "A='b c' node build.js", "cross-env A=b node build.js", "node build.js --a=b"] {
            assert!(is_useful(useful), "{useful}");
        }
    }

    #[test]
    fn only_plain_folders_are_followed() {
        assert_eq!(change_of_folder("cd packages/a"), Some("packages/a"));
        assert_eq!(change_of_folder("cd $HOME"), None);
    }
}
