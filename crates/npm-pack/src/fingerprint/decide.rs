//! The decision tree from headers to eras.

use serde_json::Value;

use npm_spec::manifest::{LARGEST_PACKED, is_too_large};

use super::{Form, Headers};
use crate::era::{Bins, Executable, ModeRule, NPM_EPOCH, Order};

/// What is seen in all headers together.
struct Seen<'a> {
    headers: &'a Headers,
    directories: bool,
    links: bool,
    /// The one time that all entries have.
    time: Option<u64>,
    os: u8,
    xfl: u8,
    package_json: Option<Value>,
    reasons: Vec<String>,
}

/// The eras that write such headers, likeliest first, and why.
pub(super) fn decide(headers: &Headers) -> (Vec<&'static str>, Vec<String>) {
    let Some(first) = headers.entries.first() else { return (Vec::new(), Vec::new()) };
    let files = || headers.entries.iter().filter(|entry| !entry.is_directory());
    let mut times = files().map(|entry| entry.mtime);
    let time = times.next().flatten();
    let mut seen = Seen {
        headers,
        directories: headers.entries.iter().any(super::HeaderEntry::is_directory),
        links: headers.entries.iter().any(|entry| entry.flag == b'2'),
        time: time.filter(|_| times.all(|other| other == time)),
        os: headers.gzip.os,
        xfl: headers.gzip.xfl,
        package_json: headers
            .package_json
            .as_deref()
            .filter(|bytes| !is_too_large(bytes, LARGEST_PACKED))
            .and_then(|bytes| serde_json::from_slice(bytes).ok()),
        reasons: Vec::new(),
    };
    let forms = first.forms;
    // An entry over a gigabyte has a longer size field; the first entry decides only with the
    // others' consent.
    let uniform = headers.entries.iter().all(|entry| {
        entry.forms.checksum == forms.checksum && entry.forms.device == forms.device && entry.forms.uid == forms.uid
            || entry.forms.uid == Form::Base256
            || forms.uid == Form::Base256
    });
    if !uniform {
        seen.note("headers of several kinds in one archive: put together by hand");
        return (Vec::new(), seen.reasons);
    }
    let eras = match (forms.size, forms.checksum, forms.device) {
        (Form::Nul, Form::Nul, Form::Empty) => seen.rust_tar(),
        (Form::Space, Form::NulSpace, _) => seen.libarchive(),
        (Form::Space, Form::SpaceNul, _) => seen.tar_stream(),
        (Form::SpaceNul | Form::Nul, Form::SpaceNul, Form::SpaceNul) => seen.node_tar(),
        _ => {
            seen.note("no known client writes such header fields");
            Vec::new()
        }
    };
    (eras, seen.reasons)
}

impl Seen<'_> {
    fn note(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    fn in_order(&self, rule: Order) -> bool {
        self.headers.is_in_order(rule)
    }

    fn starts_with_package_json(&self) -> bool {
        self.headers.entries.first().is_some_and(|entry| entry.path == "package.json")
    }

    fn rust_tar(&mut self) -> Vec<&'static str> {
        self.note("size and time fields of the tar crate of Rust");
        if self.time != Some(NPM_EPOCH) {
            self.note("not npm's fixed time");
            return Vec::new();
        }
        self.note("npm's fixed time");
        if !self.links && self.in_order(Order::Bytewise) && !self.in_order(Order::Extension) {
            self.note("entries in bytewise order");
            return vec!["pnpm-12-0", "pnpm-12-21"];
        }
        if !self.in_order(Order::Extension) {
            self.note("entries out of order: pnpm 12.0 to 12.4, with a licence of the workspace's root");
            return vec!["pnpm-12-0"];
        }
        vec!["pnpm-12-21", "pnpm-12-5", "pnpm-12-0"]
    }

    fn libarchive(&mut self) -> Vec<&'static str> {
        self.note("checksum field of libarchive");
        if self.starts_with_package_json() && self.os == 255 {
            self.note("package.json first and gzip OS byte 255");
            return vec!["bun-1"];
        }
        Vec::new()
    }

    fn tar_stream(&mut self) -> Vec<&'static str> {
        self.note("size field of tar-stream");
        if self.directories {
            self.note("directories are entries");
            return vec!["yarn-1"];
        }
        match self.time {
            Some(456_789_000) => {
                self.note("yarn's fixed time");
                vec!["berry-3"]
            }
            Some(315_532_800) => {
                self.note("the fixed time of yarn 2");
                vec!["berry-2"]
            }
            Some(NPM_EPOCH) => self.pnpm(),
            _ => {
                self.note("no client's fixed time");
                Vec::new()
            }
        }
    }

    fn pnpm(&mut self) -> Vec<&'static str> {
        self.note("npm's fixed time");
        let entries = &self.headers.entries;
        let last = entries.last().is_some_and(|entry| entry.path == "package.json");
        let ordered = self.in_order(Order::Extension);
        let doubled = entries.iter().any(|entry| entry.path.starts_with("./"));
        let readme = self.package_json.as_ref().is_some_and(|json| json.get("readme").is_some());
        let bins = self.package_json.as_ref().map(Bins::of).unwrap_or_default();
        let rule = ModeRule::Fixed(Executable::Listed);
        let beyond = entries.iter().any(|entry| entry.flag == b'0' && entry.mode != rule.file(&entry.path, entry.mode, &bins));
        if last && !ordered {
            self.note("package.json last: pnpm 8.8 to 8.14");
        }
        if doubled {
            self.note("the main file a second time under ./: pnpm 7.28 to 8.8");
        }
        if self.links {
            self.note("symbolic links are entries");
            return vec!["pnpm-11-28"];
        }
        if readme {
            self.note("readme in package.json: pnpm 6.28 to 6.35");
            return vec!["pnpm-6-20", "pnpm-7"];
        }
        if last && !ordered {
            return vec!["pnpm-8-8", "pnpm-7"];
        }
        if doubled {
            return vec!["pnpm-7", "pnpm-8-8"];
        }
        if beyond {
            self.note("executables that package.json does not list");
            return vec!["pnpm-11-28", "pnpm-6-20"];
        }
        if !ordered {
            self.note("entries out of order: pnpm up to 10");
            return vec!["pnpm-7", "pnpm-6-20"];
        }
        vec!["pnpm-7", "pnpm-11-28", "pnpm-6-20"]
    }

    fn node_tar(&mut self) -> Vec<&'static str> {
        self.note("size field of node-tar");
        let forms = self.headers.entries.first().map(|entry| entry.forms);
        let (uid, user, extra_times) = forms.map_or((Form::Other, false, false), |forms| (forms.uid, forms.user, forms.extra_times));
        if uid != Form::Empty {
            self.note("owners are given");
            if user || extra_times {
                self.note("access times or user names: node-tar without its portable mode");
                return vec!["node-tar-directory"];
            }
            if self.directories {
                self.note("directories are entries");
                return vec!["fstream-directory"];
            }
            return if self.headers.root == "package" { vec!["npm-2"] } else { Vec::new() };
        }
        self.note(format!("no owners, gzip XFL {} and OS {}", self.xfl, self.os));
        if self.directories {
            self.note("directories are entries");
            return if self.os == 255 { vec!["vlt-1"] } else { Vec::new() };
        }
        match (self.os, self.xfl) {
            (255, 2) => self.recent_npm(),
            (255, _) => self.lerna(),
            _ => self.older_npm(),
        }
    }

    /// Early releases set the bits of every bin; later ones overlook those below the root.
    fn recent_npm(&mut self) -> Vec<&'static str> {
        if self.modes_fit(Executable::Listed) {
            return vec!["npm-7-20", "npm-7-7"];
        }
        self.note("a bin is not executable: npm 7.20 or later");
        vec!["npm-7-20"]
    }

    fn lerna(&mut self) -> Vec<&'static str> {
        if self.headers.entries.iter().any(|entry| entry.path.contains("//")) {
            self.note("two slashes in a path: npm 7.0.0 to 7.0.3");
            return vec!["npm-7-0"];
        }
        // lerna leaves bins as they are on disk; npm 7 sets their bits.
        if self.modes_fit(Executable::Listed) {
            return vec!["lerna-4", "npm-7-0"];
        }
        self.note("a bin is not executable");
        vec!["lerna-4"]
    }

    fn modes_fit(&self, executable: Executable) -> bool {
        let bins = self.package_json.as_ref().map(Bins::of).unwrap_or_default();
        let rule = ModeRule::Portable(executable);
        self.headers.entries.iter().all(|entry| entry.flag != b'0' || rule.file(&entry.path, entry.mode, &bins) == entry.mode)
    }

    fn older_npm(&mut self) -> Vec<&'static str> {
        if self.headers.entries.iter().all(|entry| entry.forms.mtime == Form::Empty) {
            self.note("no times");
            return vec!["npm-5-7"];
        }
        if self.time != Some(NPM_EPOCH) {
            self.note("times of the files");
            return vec!["npm-5-4"];
        }
        self.note("npm's fixed time");
        if self.starts_with_package_json() && self.in_order(Order::RootFilesFirst) {
            self.note("package.json and the root's files first");
            return vec!["npm-5-8", "npm-6-10"];
        }
        vec!["npm-6-10", "npm-5-8"]
    }
}
