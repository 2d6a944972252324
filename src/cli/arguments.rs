//! The command line's words.

use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, Parser, ValueEnum};

use verdict::Accept;

use crate::options::Options;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// When to annotate a CI's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum AnnotateChoice {
    /// In GitHub Actions.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The weakest result that counts as reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum AcceptChoice {
    /// The tarball's bytes are the same.
    Identical,
    /// The files that npm writes to disk are the same.
    #[default]
    SameContent,
}

impl From<AcceptChoice> for Accept {
    fn from(choice: AcceptChoice) -> Self {
        match choice {
            AcceptChoice::Identical => Self::Identical,
            AcceptChoice::SameContent => Self::SameContent,
        }
    }
}

const AFTER_HELP: &str = "\
Commands:
  reproduce inspect <spec>       show which client wrote a tarball
  reproduce replay <file>        make the tarball of a recipe or a result again
  reproduce audit [folder|file]  check every package in a project's lockfile
  reproduce survey <file>        check a list of packages, with the results in a database
  reproduce report <file>        print the figures of a survey
  reproduce stage <package>      check a staged publish before it is approved
  reproduce explain <code>       explain what a code means and what to do
  reproduce cache ls             show what is cached; `reproduce cache prune` removes it
  reproduce completions <shell>  print completions for bash, zsh, fish, powershell or elvish; `man` for the manual page
  reproduce help [topic]         print this, a command's help, or a page of the documents (`reproduce help topics`)
For the package of a command's name: reproduce inspect@latest

In package.json: \"prepublishOnly\": \"reproduce --local\" stops a publish that nobody could reproduce, \"postpublish\": \"reproduce\" checks it.
Exit codes: 0 reproduced, 1 checked and not reproduced, 2 undecided (never a pass), 130 interrupted, 143 terminated.
A failure to reproduce is not an accusation: a missing commit or an unusual build is more often the cause than an attack.";

/// The seconds of a day.
pub(super) const DAY: u64 = 24 * 60 * 60;

/// A whole number and what is behind it.
pub(super) fn split_number(text: &str) -> Option<(u64, String)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim().to_ascii_lowercase()))
}

/// Results that make the exit code non-zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum FailOnChoice {
    /// A package that is not reproduced.
    Differs,
    /// Also a package that is undecided.
    #[default]
    Undecided,
    /// No verdict.
    None,
}

/// Most packages at a time.
const MAX_JOBS: usize = 64;

/// How many packages at a time: a number from 1 to [`MAX_JOBS`].
pub(super) fn jobs(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=MAX_JOBS).contains(number));
    number.ok_or_else(|| format!("a number from 1 to {MAX_JOBS} is expected"))
}

/// Memory that is planned for a build: what every one may have (`isolation::Limits`).
const MEMORY_OF_A_BUILD: u64 = 4 << 30;
/// Memory that is planned for a package without a build: its tarball, unpacked, and its commit's
/// files.
const MEMORY_WITHOUT_A_BUILD: u64 = 256 << 20;

/// Builds at a time: what was asked for, else half of the processors, as a build may use several;
/// and no more than there is memory for. `memory` is what the user says; otherwise what the machine
/// has counts.
pub(super) fn jobs_within(asked: Option<usize>, memory: Option<u64>) -> usize {
    let jobs = asked.unwrap_or_else(|| (std::thread::available_parallelism().map_or(1, usize::from) / 2).clamp(1, MAX_JOBS));
    fitting(jobs, MEMORY_OF_A_BUILD, memory.or_else(isolation::memory))
}

/// Packages at a time of which none is built: so many at most, and no more than there is memory
/// for.
pub(super) fn unbuilt_within(most: usize, memory: Option<u64>) -> usize {
    fitting(most, MEMORY_WITHOUT_A_BUILD, memory.or_else(isolation::memory))
}

/// One has to run in any case.
fn fitting(most: usize, each: u64, memory: Option<u64>) -> usize {
    let fits = memory.map_or(usize::MAX, |memory| usize::try_from(memory / each).unwrap_or(usize::MAX));
    most.min(fits).max(1)
}

/// Reads a span of time.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = split_number(text).and_then(|(number, unit)| {
        let unit = match unit.as_str() {
            "s" | "sec" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" | "day" | "days" => DAY,
            "w" => 7 * DAY,
            _ => return None,
        };
        number.checked_mul(unit)
    });
    seconds.map(Duration::from_secs).ok_or_else(|| "a whole number with s, m, h, d or w is expected, as in 30d".to_owned())
}

/// Units of time as people write them, also those that are not read.
const UNITS: [&str; 21] = [
    "", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes", "h", "hr", "hour", "hours", "d", "day",
    "days", "w", "weeks",
];

/// Whether a word behind an option that takes a span of time is meant as one, right or wrong: as a
/// package it would be checked instead.
pub(super) fn is_like_a_time(word: &str) -> bool {
    let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    word.starts_with(|c: char| c.is_ascii_digit()) && UNITS.contains(&unit.to_ascii_lowercase().as_str())
}

/// Reads a time.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "not a number of seconds; 0 is no limit".to_owned())
}

/// Reads `name=folder`.
pub(super) fn toolchain(text: &str) -> Result<(String, PathBuf), String> {
    let named = text.split_once('=').filter(|(name, folder)| !name.is_empty() && !folder.is_empty());
    named.map(|(name, folder)| (name.to_owned(), folder.into())).ok_or_else(|| "not a name and a folder, as rust=/opt/rust".to_owned())
}

fn versions(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "not a number of versions".to_owned())
}

/// What is not followed with --local.
const NOT_LOCAL: [&str; 11] =
    ["attest", "diffoscope_json", "recipe", "from", "force", "source", "max_age", "wait", "offline", "emit", "history"];
/// What is not followed with --verify-attestation.
const NOT_VERIFYING: [&str; 22] = [
    "attest",
    "attest_svr",
    "sarif",
    "junit",
    "diffoscope_json",
    "emit",
    "from",
    "strategy",
    "source",
    "recipe",
    "node",
    "node_dist",
    "node_keys",
    "isolation",
    "allow_host",
    "toolchain",
    "max_age",
    "wait",
    "history",
    "local",
    "diff",
    "log",
];

/// Find out whether a published npm package can be rebuilt from the source it declares.
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(name = "reproduce", version, about, after_help = AFTER_HELP, max_term_width = 100)]
pub(super) struct Arguments {
    /// What to check: a package (`name`, `name@1.2.3`, `name@^1`, `name@next`), a tarball's
    /// address, a .tgz file, or a purl; - reads more from standard input, one per line
    #[arg(value_name = "spec")]
    pub(super) specs: Vec<String>,
    /// Read more specs from this file, one per line; a # begins a comment
    #[arg(long, value_name = "file")]
    pub(super) from: Option<PathBuf>,
    /// Print one JSON object for each spec, errors included
    #[arg(short, long)]
    pub(super) json: bool,
    /// Check again even if a stored result exists
    #[arg(short, long)]
    pub(super) force: bool,
    /// Try only these strategies (comma-separated); `npm` stands for every strategy that packs the
    /// way npm does
    #[arg(short, long, value_name = "list", value_delimiter = ',')]
    pub(super) strategy: Vec<String>,
    /// The weakest result that counts as reproduced
    #[arg(long, value_enum, default_value_t, value_name = "level")]
    pub(super) accept: AcceptChoice,
    /// Use this registry instead of the one in npm's configuration
    #[arg(long, value_name = "url")]
    pub(super) registry: Option<String>,
    /// Use this source instead of the declared one: a git address, or a local repository, folder or
    /// tar archive; `#commit` or `#tag` selects a commit
    #[arg(long, value_name = "source")]
    pub(super) source: Option<String>,
    /// Follow this recipe instead of searching: a file with attempts[].recipe of `--json`; it also
    /// names the source
    #[arg(long, value_name = "file", conflicts_with = "strategy")]
    pub(super) recipe: Option<PathBuf>,
    /// Node version for builds [default: determined from the package]
    #[arg(long, value_name = "version", conflicts_with = "recipe")]
    pub(super) node: Option<String>,
    /// Take Node from this distribution instead of the registry, verified by its signed
    /// SHASUMS256.txt; the layout is that of nodejs.org/dist
    #[arg(long, value_name = "url")]
    pub(super) node_dist: Option<String>,
    /// File with the OpenPGP keys of the distribution's releases, armored or binary
    #[arg(long, value_name = "file")]
    pub(super) node_keys: Option<PathBuf>,
    /// Isolation of builds: auto, namespaces, bwrap, landlock, or none for no isolation at all
    #[arg(long, value_name = "tier")]
    pub(super) isolation: Option<String>,
    /// Let builds also reach this host, by TLS; can be repeated
    #[arg(long, value_name = "host[:port]")]
    pub(super) allow_host: Vec<String>,
    /// Put a toolchain that no npm registry has in reach of builds: a folder with a folder bin, for
    /// example rust=/opt/rust; can be repeated
    #[arg(long, value_name = "name=folder", value_parser = toolchain)]
    pub(super) toolchain: Vec<(String, PathBuf)>,
    /// Also use git's credential helpers for private git hosts
    #[arg(long)]
    pub(super) git_credentials: bool,
    /// Longest time for one package in seconds; 0 for none [default: 600]
    #[arg(long, value_name = "seconds", value_parser = seconds, allow_negative_numbers = true)]
    pub(super) timeout: Option<f64>,
    /// Check again if the stored result is older than this, e.g. 30d, 12h or 2w
    #[arg(long, value_name = "time", value_parser = duration)]
    pub(super) max_age: Option<Duration>,
    /// Wait up to this long for a version that the registry does not show yet, e.g. 30s or 10m
    /// [default: 10m]
    #[arg(long, value_name = "time", num_args = 0..=1, require_equals = true, default_missing_value = "10m", value_parser = duration)]
    pub(super) wait: Option<Duration>,
    /// Answer from stored results only
    #[arg(long)]
    pub(super) offline: bool,
    /// Folder of all caches
    #[arg(long, value_name = "dir")]
    pub(super) cache_dir: Option<PathBuf>,
    /// File of stored results, relative to the cache folder or absolute [default: results.json]
    #[arg(long, value_name = "file")]
    pub(super) cache_file: Option<PathBuf>,
    /// Neither read nor write stored results
    #[arg(long)]
    pub(super) no_cache: bool,
    /// Print the diff of the files that differ, published against rebuilt
    #[arg(long)]
    pub(super) diff: bool,
    /// Print what builds printed
    #[arg(long)]
    pub(super) log: bool,
    /// Write the rebuilt tarball to this file
    #[arg(long, value_name = "file")]
    pub(super) emit: Option<PathBuf>,
    /// Check the package in this folder (or the given one) before it is published: can others
    /// rebuild it?
    #[arg(long, conflicts_with_all = NOT_LOCAL)]
    pub(super) local: bool,
    /// With --local, check every package of the workspace in this folder, except private ones
    #[arg(long, requires = "local")]
    pub(super) workspaces: bool,
    /// With --local, explain what to change so that it can be rebuilt
    #[arg(long, requires = "local")]
    pub(super) explain: bool,
    /// Write a `JUnit` report of all specs to this file, for CI systems
    #[arg(long, value_name = "file")]
    pub(super) junit: Option<PathBuf>,
    /// Also check the N previous versions, without builds [default: 10]
    #[arg(long, value_name = "n", num_args = 0..=1, require_equals = true, default_missing_value = "10", value_parser = versions)]
    pub(super) history: Option<usize>,
    /// Verify provenance and bundles with this Sigstore `trusted_root.json` instead of the embedded
    /// one
    #[arg(long, value_name = "file")]
    pub(super) trusted_root: Option<PathBuf>,
    /// Write an in-toto statement about the result to this file
    #[arg(long, value_name = "file", group = "statement")]
    pub(super) attest: Option<PathBuf>,
    /// Key to sign the statement (ECDSA P-256 or Ed25519, PKCS #8 PEM), or to verify one (public,
    /// PEM)
    #[arg(long, value_name = "file", requires = "statement")]
    pub(super) attest_key: Option<PathBuf>,
    /// Sign the statement with the job's CI identity (GitHub Actions, GitLab, `SIGSTORE_ID_TOKEN`),
    /// as a Sigstore bundle; a public log records it
    #[arg(long, requires = "attest", conflicts_with_all = ["attest_key", "offline"])]
    pub(super) attest_keyless: bool,
    /// Also write the result as in-toto's Simple Verification Result, signed in the same way
    #[arg(long, value_name = "file", requires = "attest")]
    pub(super) attest_svr: Option<PathBuf>,
    /// Sign with the services of this Sigstore `signing_config.json` instead of the public ones;
    /// --trusted-root is its root
    #[arg(long, value_name = "file", requires_all = ["attest_keyless", "trusted_root"])]
    pub(super) signing_config: Option<PathBuf>,
    /// Verify a statement that --attest wrote against the registry's tarball, or the one named; the
    /// registry is not asked for a .tgz file with --offline
    #[arg(long, value_name = "file", group = "statement", conflicts_with_all = NOT_VERIFYING)]
    pub(super) verify_attestation: Option<PathBuf>,
    /// With --verify-attestation, accept an unsigned statement, whoever wrote it
    #[arg(long, requires = "verify_attestation", conflicts_with_all = ["attest_key", "certificate_identity"])]
    pub(super) allow_unsigned: bool,
    /// With --verify-attestation, the expected identity in the bundle's certificate
    #[arg(long, value_name = "identity", requires_all = ["verify_attestation", "certificate_oidc_issuer"], conflicts_with = "attest_key")]
    pub(super) certificate_identity: Option<String>,
    /// Expected issuer of that identity, e.g. `https://token.actions.githubusercontent.com` or
    /// `https://gitlab.com`
    #[arg(long, value_name = "url", requires = "certificate_identity")]
    pub(super) certificate_oidc_issuer: Option<String>,
    /// Write the findings to this file as SARIF 2.1.0
    #[arg(long, value_name = "file")]
    pub(super) sarif: Option<PathBuf>,
    /// Write the comparison to this file as diffoscope's JSON
    #[arg(long, value_name = "file")]
    pub(super) diffoscope_json: Option<PathBuf>,
    /// When to annotate a run of GitHub Actions and add to the job's summary
    #[arg(long, value_enum, default_value_t, value_name = "when")]
    pub(super) annotate: AnnotateChoice,
    /// Print only errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print progress on stderr, also with --json and for quick steps; stdout does not change
    #[arg(long, conflicts_with = "quiet")]
    pub(super) progress: bool,
    /// Print every file that differs, the evidence, the attempts and the time of each stage
    #[arg(short, long)]
    pub(super) verbose: bool,
    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "when")]
    pub(super) color: ColorChoice,
}

impl Arguments {
    /// The help text, as `--help` prints it.
    pub(super) fn help() -> String {
        Self::command().render_long_help().to_string()
    }

    /// What a run needs of the arguments.
    pub(super) fn options(&self) -> Options {
        Options {
            project: None,
            settings: Vec::new(),
            project_file: npmrc::ProjectFile::Own,
            force: self.force,
            strategy: self.strategy.clone(),
            accept: self.accept.into(),
            registry: self.registry.clone(),
            source: self.source.clone(),
            recipe: self.recipe.clone(),
            timeout: self.timeout,
            max_age: self.max_age.map(|age| age.as_secs_f64()),
            offline: self.offline,
            no_cache: self.no_cache,
            cache_dir: self.cache_dir.clone(),
            cache_file: self.cache_file.clone(),
            emit: self.emit.clone(),
            node: self.node.clone(),
            node_dist: self.node_dist.clone(),
            node_keys: self.node_keys.clone(),
            isolation: self.isolation.clone(),
            allow_hosts: self.allow_host.clone(),
            toolchain: self.toolchain.iter().cloned().collect(),
            git_credentials: self.git_credentials,
            trusted_root: self.trusted_root.clone(),
            history: self.history.unwrap_or_default(),
            puts_off_builds: false,
            client: None,
            installed: None,
            cwd: None,
        }
    }
}
