//! Prints how many packages a lockfile has and how long it takes to read it, in milliseconds, the
//! median of some rounds: `parse <rounds> <file>…`. For `bench/lockfiles.mjs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use npm_lockfile::Lockfile;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let rounds = arguments.next().and_then(|count| count.to_str()?.parse::<usize>().ok());
    let Some(rounds) = rounds.filter(|rounds| *rounds > 0) else {
        eprintln!("usage: parse <rounds> <file>…");
        return ExitCode::FAILURE;
    };
    for path in arguments.map(PathBuf::from) {
        match measured(&path, rounds) {
            Ok((packages, milliseconds)) => println!("{packages} {milliseconds:.2} {}", path.display()),
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn measured(path: &std::path::Path, rounds: usize) -> Result<(usize, f64), String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (mut packages, mut times) = (0, Vec::with_capacity(rounds));
    for _ in 0..rounds {
        let started = Instant::now();
        let read = Lockfile::read(&name, &bytes).map_err(|error| error.to_string())?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        packages = read.entries.len();
    }
    times.sort_by(f64::total_cmp);
    Ok((packages, times.get(rounds / 2).copied().unwrap_or_default()))
}
