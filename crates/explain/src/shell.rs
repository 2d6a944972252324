//! What a shell would find to do in a file that it takes for a script. It goes on behind a line
//! that means nothing to it, so a picture may have commands in it.

use std::io::{BufRead, BufReader, Read};

/// Bytes of a line that are looked at in one piece.
const LONGEST_LINE: u64 = 64 << 10;

/// Fewest letters of a line of bytes that say something: fewer come together by chance.
const SHORTEST: usize = 4;

/// Programs that run what they are given, fetch it, or put it in place, and words by which a shell
/// does so itself.
const PROGRAMS: [&str; 76] = [
    "pip",
    "pipx",
    "uv",
    "uvx",
    "gem",
    "cargo",
    "go",
    "apt",
    "brew",
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "csh",
    "busybox",
    "cmd",
    "powershell",
    "pwsh",
    "node",
    "nodejs",
    "npm",
    "npx",
    "pnpm",
    "pnpx",
    "yarn",
    "bun",
    "bunx",
    "deno",
    "corepack",
    "python",
    "perl",
    "ruby",
    "php",
    "lua",
    "java",
    "curl",
    "wget",
    "fetch",
    "nc",
    "ncat",
    "socat",
    "telnet",
    "ssh",
    "scp",
    "sftp",
    "ftp",
    "rsync",
    "git",
    "eval",
    "exec",
    "source",
    "env",
    "sudo",
    "doas",
    "xargs",
    "find",
    "awk",
    "sed",
    "make",
    "cc",
    "gcc",
    "tar",
    "base",
    "openssl",
    "rm",
    "cp",
    "ln",
    "chmod",
    "chown",
    "kill",
    "shutdown",
    "reboot",
    "mv",
    "dd",
];

/// Words that are a command at the beginning of a line, and words like others elsewhere.
const COMMANDS: [&str; 24] = [
    "echo", "printf", "exit", "touch", "mkdir", "cat", "id", "ls", "tee", "nohup", "setsid", "timeout", "command", "builtin", "export",
    "trap", "alias", "cd", "set", "test", "while", "until", "case", "if",
];

/// Whether a shell that takes a text for commands finds nothing to do in it: no sign by which it
/// joins commands, reads, writes or gives options and paths, and no program of [`PROGRAMS`].
pub(crate) fn has_no_command(text: &str) -> bool {
    const SIGNS: [char; 20] = ['|', '&', ';', '<', '>', '$', '`', '(', ')', '{', '}', '=', '~', '*', '/', '\\', '-', '\'', '"', '!'];
    let begins = |line: &str| line.split_whitespace().next().is_some_and(|word| COMMANDS.contains(&word));
    !text.contains(SIGNS) && !text.split_whitespace().any(is_program_name) && !text.lines().any(begins)
}

/// Whether a word names one of [`PROGRAMS`], also as `python3` or `curl.exe`, or is `.`.
fn is_program_name(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let word = word.split('.').next().unwrap_or_default().trim_end_matches(|end: char| end.is_ascii_digit());
    word.is_empty() || PROGRAMS.contains(&word)
}

/// Whether bytes of no text have a line that a shell takes for a command, which it does for each
/// line by itself, or end as an archive does that Python and Java run (`PK`, end of the central
/// directory), or a line that names a program (`#!`). A file that cannot be read has one.
pub(crate) fn has_command_line(content: impl Read) -> bool {
    let mut content = BufReader::new(content);
    let mut line = Vec::new();
    loop {
        line.clear();
        match content.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) => return false,
            // Perl looks for its line in the midst of a file.
            Ok(_) if line.starts_with(b"#!") => return true,
            Ok(_) if line.windows(4).any(|bytes| bytes == b"PK\x05\x06") || is_command(&line) => return true,
            Ok(_) => {}
            Err(_) => return true,
        }
    }
}

/// Whether a shell finds a program in a line, which it reads without the zeros.
fn is_command(line: &[u8]) -> bool {
    // The rest of a line may be a comment of any bytes. Quotes and backslashes a shell takes away.
    let is_read = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t') && !matches!(byte, b'"' | b'\'' | b'\\');
    let is_printed = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\r' | b'\n');
    let line: Vec<u8> = line.iter().copied().filter(|byte| *byte != 0).take_while(is_printed).filter(is_read).collect();
    let text = String::from_utf8_lossy(&line);
    let is_long = text.trim().len() >= SHORTEST;
    is_long
        && text.split(['|', ';', '&', '(', '{', '`']).any(|command| {
            let is_before = |word: &&str| word.contains('=') || word.starts_with(['<', '>', '!']) || word.ends_with(['<', '>']);
            let mut words = command.split_whitespace().skip_while(is_before);
            words.next().is_some_and(|word| {
                word.starts_with(['/', '~', '$']) || word.starts_with("./") || COMMANDS.contains(&word) || is_program_name(word)
            })
        })
}
