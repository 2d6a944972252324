//! What `reproduce inspect` says of one tarball: stable types for JSON
//! (`schema/inspect.schema.json` describes them), and the text.

use std::fmt::Write as _;

use serde::Serialize;

use npm_pack::fingerprint::{Indent, PackageJsonStyle};
use npm_tarball::Oddity;

use super::text::escape;

/// Version of this layout. Keys are only ever added within one.
pub const SCHEMA_VERSION: u32 = 1;
/// Entries that the text names without `--verbose`.
const ENTRIES_SHOWN: usize = 40;
/// Oddities that the text names without `--verbose`.
const ODDITIES_SHOWN: usize = 10;

/// One tarball, taken apart.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// This program's version.
    pub reproduce_version: String,
    /// What was inspected.
    pub package: Inspected,
    /// The compression; null for a bare tar file.
    pub gzip: Option<Gzip>,
    /// The clients that write such an archive, likeliest first; empty where none is known.
    pub clients: Vec<Client>,
    /// What speaks for the first of them, and what else was noticed.
    pub reasons: Vec<String>,
    /// The first path component, which extraction strips; null where the headers could not be
    /// followed.
    pub root: Option<String>,
    /// How package.json is written; null where there is none that can be read.
    pub package_json: Option<PackageJsonStyle>,
    /// Why readers in use could see different packages in it.
    pub oddities: Vec<Oddity>,
    /// How many more of these there are.
    pub oddities_omitted: u64,
    /// sha256 over the entries as npm writes them to disk.
    pub content_digest: String,
    /// Bytes of the tar stream.
    pub tar_size: u64,
    /// The entries in the order of the archive, directories too.
    pub entries: Vec<EntryInfo>,
}

/// What was inspected.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    /// What the user asked for.
    pub spec: String,
    /// The name, by the registry or the tarball's package.json.
    pub name: Option<String>,
    /// The version, by the same.
    pub version: Option<String>,
    /// Where the tarball was read from.
    pub location: String,
    /// The tarball's sha512 integrity.
    pub integrity: String,
    /// The integrity that the registry gives, where the tarball is another.
    pub announced: Option<String>,
    /// Bytes of the tarball.
    pub size: u64,
}

/// The compression.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gzip {
    /// The flags byte.
    pub flags: u8,
    /// The time in the header; 0: none.
    pub mtime: u32,
    /// The XFL byte.
    pub xfl: u8,
    /// The OS byte.
    pub os: u8,
    /// The deflate that gives these bytes; null: none that is known.
    pub class: Option<String>,
    /// The level with which it does.
    pub level: Option<u8>,
}

/// A client that writes such an archive.
#[derive(Debug, Serialize)]
pub struct Client {
    /// The packer's id, as recipes name it.
    pub packer: String,
    /// The clients and their versions.
    pub clients: String,
}

/// One entry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryInfo {
    /// The path below the package's folder.
    pub path: String,
    /// `file`, `directory`, `symlink`, `hardlink` or the tar type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The mode field, octal.
    pub mode: String,
    /// The mode that npm gives it on disk, octal; null for what npm does not write.
    pub mode_on_disk: Option<String>,
    /// Bytes of content.
    pub size: u64,
    /// The time field; null: empty.
    pub mtime: Option<i64>,
    /// The owner's number; null: the field is empty, or no plain number.
    pub uid: Option<u64>,
    /// The group's number.
    pub gid: Option<u64>,
    /// The owner's name.
    pub user: Option<String>,
    /// The group's name.
    pub group: Option<String>,
    /// Keywords of the pax header in front of it.
    pub pax: Vec<String>,
    /// Where a link leads.
    pub link_target: Option<String>,
    /// Of the content, in hex; null for what npm does not write.
    pub sha256: Option<String>,
}

/// The text for people.
pub fn text(inspection: &Inspection, verbose: bool) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(out, "{}", headline(&inspection.package));
    let package = &inspection.package;
    let _ = writeln!(out, "  tarball    {} bytes, {}", package.size, escape(&package.integrity));
    if let Some(announced) = &package.announced {
        let _ = writeln!(out, "  announced  {} (another one)", escape(announced));
    }
    gzip(&mut out, inspection.gzip.as_ref());
    clients(&mut out, inspection);
    if let Some(style) = &inspection.package_json {
        let _ = writeln!(out, "  manifest   {}", manifest(style));
    }
    oddities(&mut out, inspection, verbose);
    entries(&mut out, inspection, verbose);
    out
}

fn headline(package: &Inspected) -> String {
    match (&package.name, &package.version) {
        (Some(name), Some(version)) => format!("{}@{}", escape(name), escape(version)),
        _ => escape(&package.spec).into_owned(),
    }
}

fn gzip(out: &mut String, gzip: Option<&Gzip>) {
    let Some(gzip) = gzip else {
        let _ = writeln!(out, "  gzip       none: a bare tar file");
        return;
    };
    let encoder = match (&gzip.class, gzip.level) {
        (Some(class), Some(level)) => format!("deflate class {class} ({}), level {level}", class_of(class)),
        _ => "no known deflate gives these bytes".to_owned(),
    };
    let _ = writeln!(out, "  gzip       {encoder}; XFL {}, OS {} ({})", gzip.xfl, gzip.os, os_of(gzip.os));
}

fn class_of(class: &str) -> &'static str {
    match class {
        "A" => "stock zlib: Node before 12.17, and 20.8 to 20.9",
        "B" => "Chromium's zlib of Node 12.17 to 18.18",
        "C" => "Chromium's zlib of Node 18.19 and later",
        _ => "not Node's zlib",
    }
}

fn os_of(os: u8) -> &'static str {
    match os {
        0 => "FAT",
        3 => "Unix",
        7 => "Macintosh",
        10 | 11 => "Windows",
        19 => "macOS",
        255 => "unknown",
        _ => "unusual",
    }
}

fn clients(out: &mut String, inspection: &Inspection) {
    if inspection.clients.is_empty() {
        let _ = writeln!(out, "  written by no client that is known");
    }
    for (nth, client) in inspection.clients.iter().enumerate() {
        let label = if nth == 0 { "written by" } else { "or        " };
        let _ = writeln!(out, "  {label} {} ({})", client.clients, client.packer);
    }
    for (nth, reason) in inspection.reasons.iter().enumerate() {
        let label = if nth == 0 { "because   " } else { "          " };
        let _ = writeln!(out, "  {label} {}", escape(reason));
    }
}

fn manifest(style: &PackageJsonStyle) -> String {
    let mut parts = vec![match style.indent {
        Indent::None => "not indented".to_owned(),
        Indent::Tab => "indented with tabs".to_owned(),
        Indent::Spaces(count) => format!("indented with {count} spaces"),
    }];
    for (said, words) in [
        (style.final_newline, "a final line feed"),
        (style.crlf, "CRLF line endings"),
        (style.byte_order_mark, "a byte order mark"),
        (style.stringified, "as JSON.stringify writes it"),
    ] {
        if said {
            parts.push(words.to_owned());
        }
    }
    parts.join(", ")
}

fn oddities(out: &mut String, inspection: &Inspection, verbose: bool) {
    if inspection.oddities.is_empty() {
        let _ = writeln!(out, "  plain      every reader in use sees the same package");
        return;
    }
    let shown = if verbose { inspection.oddities.len() } else { ODDITIES_SHOWN };
    for oddity in inspection.oddities.iter().take(shown) {
        let path = oddity.path.as_deref().map(|path| format!("{}: ", escape(path))).unwrap_or_default();
        let _ = writeln!(out, "  odd        {path}{} [{}]", oddity.kind.message(), oddity.kind.code());
    }
    let more =
        u64::try_from(inspection.oddities.len().saturating_sub(shown)).unwrap_or(u64::MAX).saturating_add(inspection.oddities_omitted);
    if more > 0 {
        let _ = writeln!(out, "  and {more} more oddities");
    }
}

fn entries(out: &mut String, inspection: &Inspection, verbose: bool) {
    let entries = &inspection.entries;
    let root = inspection.root.as_deref().map(|root| format!(" below {}/", escape(root))).unwrap_or_default();
    let _ = writeln!(out, "  entries    {}{root}, {} bytes of tar", entries.len(), inspection.tar_size);
    let shown = if verbose { entries.len() } else { ENTRIES_SHOWN };
    for entry in entries.iter().take(shown) {
        let time = entry.mtime.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()).map(|time| time.to_string());
        let owner = match (entry.uid, entry.gid) {
            (Some(uid), Some(gid)) => format!("{uid}:{gid}"),
            _ => "-".to_owned(),
        };
        let kind = if entry.kind == "file" { String::new() } else { format!(" [{}]", escape(&entry.kind)) };
        let link = entry.link_target.as_deref().map(|target| format!(" -> {}", escape(target))).unwrap_or_default();
        let pax = if entry.pax.is_empty() { String::new() } else { format!(" [pax: {}]", escape(&entry.pax.join(", "))) };
        let time = time.as_deref().unwrap_or("-");
        let _ = writeln!(out, "  {:>6} {owner:>9} {time:>20} {:>9}  {}{kind}{link}{pax}", entry.mode, entry.size, escape(&entry.path));
    }
    let more = entries.len().saturating_sub(shown);
    if more > 0 {
        let _ = writeln!(out, "  and {more} more; --verbose lists them all");
    }
}
