//! Compresses standard input as a Node.js of a class does: `compress <A|B|C> <level> < in > out`.
//! The output is raw deflate.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use node_deflate::{Class, compress};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let class = match words.first().map(String::as_str) {
        Some("A") => Class::A,
        Some("B") => Class::B,
        Some("C") => Class::C,
        _ => return usage(),
    };
    let Some(level) = words.get(1).and_then(|level| level.parse().ok()) else { return usage() };
    let mut input = Vec::new();
    let done = io::stdin().read_to_end(&mut input).and_then(|_| io::stdout().write_all(&compress(class, level, &input)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: compress <A|B|C> <level 1 to 9> < in > out");
    ExitCode::FAILURE
}
