//! Compares two package tarballs: `compare <one.tgz> <other.tgz>`. Exit code 0 if npm extracts the
//! same from both.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::fs::File;
use std::process::ExitCode;

use npm_tarball::{Archive, ArchiveError, Limits, compare};

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [one, other] = paths.as_slice() else {
        eprintln!("usage: compare <one.tgz> <other.tgz>");
        return ExitCode::from(2);
    };
    match (open(one), open(other)) {
        (Ok(one), Ok(other)) => told(&one, &other),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn open(path: &str) -> Result<Archive, ArchiveError> {
    Archive::read(File::open(path).map_err(ArchiveError::Read)?, &Limits::default())
}

fn told(one: &Archive, other: &Archive) -> ExitCode {
    for (which, archive) in [("first", one), ("second", other)] {
        for oddity in archive.oddities() {
            println!("{which}: {}", oddity.kind.message());
        }
    }
    let comparison = compare(one, other);
    for change in &comparison.changed {
        println!("differs       {}", change.path.escape_debug());
    }
    for path in &comparison.only_published {
        println!("only in first {}", path.escape_debug());
    }
    for path in &comparison.only_rebuilt {
        println!("only in second {}", path.escape_debug());
    }
    if comparison.same_entries() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
