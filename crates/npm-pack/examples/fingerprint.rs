//! Says which clients could have written a package tarball, by its bytes: `fingerprint
//! <package.tgz>`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;

use npm_pack::fingerprint::{Fingerprint, Headers, Limits};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: fingerprint <package.tgz>");
        return ExitCode::FAILURE;
    };
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("error: {path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let headers = match Headers::read(&bytes, &Limits::default()) {
        Ok(headers) => headers,
        Err(error) => {
            eprintln!("error: {path}: {error}");
            return ExitCode::FAILURE;
        }
    };
    for era in &Fingerprint::of(&headers).eras {
        println!("{era}");
    }
    ExitCode::SUCCESS
}
