//! Prints the registry that npm asks for a package here, and whether it sends credentials:
//! `registry <name>`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;

use npmrc::{NpmConfig, Overrides, Surroundings};

fn main() -> ExitCode {
    let Some(name) = std::env::args().nth(1) else {
        eprintln!("usage: registry <name>");
        return ExitCode::FAILURE;
    };
    let config = NpmConfig::load(&Surroundings::of_process(None), &Overrides::default());
    for finding in &config.findings {
        eprintln!("{}: {}", finding.code, finding.message);
    }
    if let Err(error) = config.check() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    let registry = config.registry_for(&name);
    let identified = if config.auth_for(&registry).is_some() { "with credentials" } else { "as nobody in particular" };
    println!("{registry} {identified}");
    ExitCode::SUCCESS
}
