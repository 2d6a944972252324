//! Prints what a lockfile names, each package with its lines, and what is left out: `entries
//! <file>`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::path::PathBuf;
use std::process::ExitCode;

use npm_lockfile::Lockfile;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: entries <file>");
        return ExitCode::FAILURE;
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let read = std::fs::read(&path).map_err(|error| error.to_string());
    match read.and_then(|bytes| Lockfile::read(&name, &bytes).map_err(|error| error.to_string())) {
        Ok(lockfile) => {
            for entry in &lockfile.entries {
                let lines: Vec<String> = entry.places.iter().map(|place| place.position.line.to_string()).collect();
                println!("{} (line {})", entry.spec(), lines.join(", "));
            }
            for (reason, count) in lockfile.left_out_by_reason() {
                println!("left out: {count} {}", reason.as_str());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
