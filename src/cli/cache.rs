//! `reproduce cache ls` and `reproduce cache prune`: what the cache folder holds, and making it
//! smaller.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, CommandFactory, Parser, Subcommand};
use serde_json::{Value, json};

use npmrc::Surroundings;
use report::answer::Answer;
use report::text::escape;
use store::Folders;
use verdict::host::timestamp;

use super::arguments::{DAY, duration, split_number};
use super::output::Output;
use super::{UNDECIDED, usage, written};
use crate::cli::inventory::{self, Item, Plan, Pruned, Sort};
use crate::options::Options;
use crate::session;

/// The word that this command begins with.
pub(super) const WORD: &str = "cache";

/// Show what is cached, or remove it.
#[derive(Debug, Parser)]
#[command(name = "reproduce cache", max_term_width = 100, after_help = "For the package of that name: reproduce cache@latest")]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the size of the cache; with --verbose every entry and when it was last used
    Ls {
        #[command(flatten)]
        place: Place,
        /// List every entry
        #[arg(long)]
        verbose: bool,
    },
    /// Remove old entries, or the least recently used; keeps what other runs are using
    #[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
    Prune {
        #[command(flatten)]
        place: Place,
        /// Remove entries not used for this long, e.g. 30d, 12h or 2w
        #[arg(long, value_name = "time", value_parser = duration, group = "what")]
        older_than: Option<Duration>,
        /// Remove the least recently used entries until the rest is at most this large, e.g. 5GB or
        /// 500MB
        #[arg(long, value_name = "size", value_parser = bytes, group = "what")]
        max_size: Option<u64>,
        /// Remove everything, including stored results
        #[arg(long, group = "what")]
        all: bool,
        /// Only show what would be removed
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
struct Place {
    /// Print one JSON object
    #[arg(short, long)]
    json: bool,
    /// Folder of all caches
    #[arg(long, value_name = "dir")]
    cache_dir: Option<PathBuf>,
    /// File of stored results, relative to the cache folder or absolute [default: results.json]
    #[arg(long, value_name = "file")]
    cache_file: Option<PathBuf>,
}

/// The command's own part of the command line.
pub(super) fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command and returns the exit code.
pub(super) fn run(arguments: &[String]) -> u8 {
    let parsed = match Arguments::try_parse_from(std::iter::once("reproduce cache").chain(arguments.iter().map(String::as_str))) {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error, arguments, "reproduce cache ls; for the package of that name: reproduce cache@latest"),
    };
    let (Action::Ls { place, .. } | Action::Prune { place, .. }) = &parsed.action;
    let json = place.json;
    let options = Options { cache_dir: place.cache_dir.clone(), cache_file: place.cache_file.clone(), ..Options::default() };
    let done = session::cache_folders(&options, &Surroundings::of_process(None)).and_then(|folders| act(&parsed.action, &folders));
    let printed = match done {
        Ok((value, _)) if json => Output::text(&format!("{value}\n")),
        Ok((_, text)) => Output::text(&text),
        Err(error) => {
            let answer = Answer::failed("", &error);
            if !json {
                Output::failure(&answer);
                return UNDECIDED;
            }
            return written(Output::json(&answer)).unwrap_or(UNDECIDED);
        }
    };
    written(printed).unwrap_or(0)
}

/// Does it; the answer as JSON and for people.
fn act(action: &Action, folders: &Folders) -> Result<(Value, String), store::CacheError> {
    let now = SystemTime::now();
    match action {
        Action::Ls { verbose, .. } => {
            let items = inventory::list(folders)?;
            Ok((listed_json(folders, &items), listed_text(folders, &items, *verbose, now)))
        }
        Action::Prune { older_than, max_size, all, dry_run, .. } => {
            let plan = Plan { older_than: *older_than, max_bytes: *max_size, all: *all, dry_run: *dry_run };
            let pruned = inventory::prune(folders, plan, now)?;
            Ok((pruned_json(folders, &pruned, *dry_run), pruned_text(&pruned, *dry_run)))
        }
    }
}

fn listed_json(folders: &Folders, items: &[Item]) -> Value {
    let bytes: u64 = items.iter().map(|item| item.bytes).sum();
    json!({ "cacheDir": folders.root, "bytes": bytes, "entries": items.iter().map(item_json).collect::<Vec<_>>() })
}

fn pruned_json(folders: &Folders, pruned: &Pruned, dry_run: bool) -> Value {
    let list = |items: &[Item]| items.iter().map(item_json).collect::<Vec<_>>();
    json!({
        "cacheDir": folders.root,
        "bytes": pruned.left,
        "removed": list(&pruned.removed),
        "inUse": list(&pruned.in_use),
        "dryRun": dry_run,
    })
}

fn item_json(item: &Item) -> Value {
    json!({ "kind": item.sort.as_str(), "name": item.name, "version": item.version, "bytes": item.bytes, "used": timestamp(item.used) })
}

fn listed_text(folders: &Folders, items: &[Item], verbose: bool, now: SystemTime) -> String {
    let sum = |items: &mut dyn Iterator<Item = &Item>| shown_bytes(items.map(|item| item.bytes).sum());
    let root = verdict::told_without_secrets(&folders.root.display().to_string());
    let mut text = format!("{}  {}\n", escape(&root), sum(&mut items.iter()));
    let sorts = Sort::ALL.into_iter().map(|sort| (sort, items.iter().filter(move |item| item.sort == sort)));
    for (sort, own) in sorts.filter(|(_, own)| own.clone().next().is_some()) {
        if verbose {
            add(&mut text, &format!("\n{}  {}\n", sort.as_str(), sum(&mut own.clone())));
            for item in own {
                add(&mut text, &format!("  {:>9}  {:<14}  {}\n", shown_bytes(item.bytes), ago(item, now), shown_name(item)));
            }
        } else {
            let entries = own.clone().count();
            add(
                &mut text,
                &format!(
                    "  {:<10}  {:>9}  {entries} {}\n",
                    sort.as_str(),
                    sum(&mut own.clone()),
                    if entries == 1 { "entry" } else { "entries" }
                ),
            );
        }
    }
    text
}

fn pruned_text(pruned: &Pruned, dry_run: bool) -> String {
    let mut text = String::new();
    let (verb, rest) = if dry_run { ("would remove", "would be left") } else { ("removed", "left") };
    for item in &pruned.removed {
        add(&mut text, &format!("{verb} {} {}  {}\n", item.sort.as_str(), shown_name(item), shown_bytes(item.bytes)));
    }
    for item in &pruned.in_use {
        add(&mut text, &format!("in use  {} {}  {}\n", item.sort.as_str(), shown_name(item), shown_bytes(item.bytes)));
    }
    add(&mut text, &format!("{} {rest}\n", shown_bytes(pruned.left)));
    text
}

fn add(text: &mut String, more: &str) {
    // Writing to a String cannot fail.
    let _: std::fmt::Result = text.write_str(more);
}

/// A repository's name without the hash that only tells names apart.
fn shown_name(item: &Item) -> String {
    match &item.version {
        Some(version) => escape(&format!("{} {version}", item.name)).into_owned(),
        None if item.sort == Sort::Git => {
            let name = item.name.rsplit_once('-').filter(|(readable, hash)| !readable.is_empty() && hash.len() == 64);
            escape(name.map_or(item.name.as_str(), |(readable, _)| readable)).into_owned()
        }
        None => escape(&item.name).into_owned(),
    }
}

fn ago(item: &Item, now: SystemTime) -> String {
    let seconds = now.duration_since(item.used).unwrap_or_default().as_secs();
    match seconds {
        0..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / DAY),
    }
}

/// Decimal units, as disks are sold and other tools show them.
fn shown_bytes(bytes: u64) -> String {
    for (unit, name) in [(1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")] {
        if bytes >= unit {
            let tenths = bytes / (unit / 10);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

/// Reads a size, as `5GB`, `512 MiB` or `1.4GB`. What is less than a byte is left out.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    /// Most digits behind the point.
    const DIGITS: usize = 9;
    let (whole, fraction) = match text.trim().split_once('.') {
        Some((whole, rest)) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (fraction, unit) = rest.split_at(end);
            (format!("{whole}{unit}"), fraction)
        }
        None => (text.to_owned(), ""),
    };
    let bytes = split_number(&whole).filter(|_| text.contains('.') != fraction.is_empty()).and_then(|(number, unit)| {
        let unit: u64 = match unit.as_str() {
            "b" => 1,
            "k" | "kb" => 1000,
            "m" | "mb" => 1_000_000,
            "g" | "gb" => 1_000_000_000,
            "t" | "tb" => 1_000_000_000_000,
            "kib" => 1 << 10,
            "mib" => 1 << 20,
            "gib" => 1 << 30,
            _ => return None,
        };
        let digits: u64 = if fraction.is_empty() { 0 } else { fraction.get(..fraction.len().min(DIGITS))?.parse().ok()? };
        let scale = 10_u128.pow(u32::try_from(fraction.len().min(DIGITS)).ok()?);
        let part = u64::try_from(u128::from(digits) * u128::from(unit) / scale).ok()?;
        number.checked_mul(unit)?.checked_add(part)
    });
    bytes.ok_or_else(|| "a number with kB, MB, GB, KiB, MiB or GiB is expected, as in 5GB or 1.4GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(bytes("5GB"), Ok(5_000_000_000));
        assert_eq!(bytes("2 MiB"), Ok(2 << 20));
        assert_eq!((bytes("1.4GB"), bytes("0.5 KiB"), bytes("1.0000000005 GB")), (Ok(1_400_000_000), Ok(512), Ok(1_000_000_000)));
        for wrong in ["1.GB", ".5GB", "1.4.2GB", "1.4", "-1GB", "1,4GB", "99999999999999999999GB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert_eq!(duration("30d"), Ok(Duration::from_secs(30 * DAY)));
        for wrong in ["", "5", "GB", "-1GB", "99999999999999999999GB", "9999999999TB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert!(duration("5").is_err() && duration("99999999999999999w").is_err());
    }

    #[test]
    fn the_answer_is_the_same_for_people_and_programs() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::at(folder.path().join("cache"), None);
        folders.create().unwrap();
        let repository = folders.repository("https://git.example/a/b");
        std::fs::create_dir_all(repository.join("objects/pack")).unwrap();
        std::fs::write(repository.join("HEAD"), vec![b'x'; 1500]).unwrap();
        let place = || Place { json: false, cache_dir: None, cache_file: None };
        let (_, text) = act(&Action::Ls { place: place(), verbose: false }, &folders).unwrap();
        assert!(text.ends_with("cache  1.5 kB\n  git            1.5 kB  1 entry\n"), "{text}");
        let (value, text) = act(&Action::Ls { place: place(), verbose: true }, &folders).unwrap();
        assert_eq!((&value["bytes"], &value["entries"][0]["kind"]), (&json!(1500), &json!("git")));
        assert!(text.ends_with("\ngit  1.5 kB\n     1.5 kB  0 min ago       git-example-a-b\n"), "{text}");
        let prune = Action::Prune { place: place(), older_than: None, max_size: None, all: true, dry_run: true };
        let (value, text) = act(&prune, &folders).unwrap();
        assert_eq!((&value["bytes"], &value["dryRun"], value["removed"].as_array().unwrap().len()), (&json!(0), &json!(true), 1));
        assert_eq!(text, "would remove git git-example-a-b  1.5 kB\n0 B would be left\n");
    }

    #[test]
    fn prune_must_be_told_what() {
        assert!(Arguments::try_parse_from(["reproduce cache", "prune"]).is_err());
        assert!(Arguments::try_parse_from(["reproduce cache", "prune", "--all", "--dry-run"]).is_ok());
        assert!(Arguments::try_parse_from(["reproduce cache", "prune", "--older-than", "30d", "--max-size", "5GB"]).is_ok());
    }

    #[test]
    fn sizes_are_shown_as_people_read_them() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (98_932_688, "98.9 MB"), (5_000_000_000, "5.0 GB")] {
            assert_eq!(shown_bytes(bytes), text);
        }
    }
}
