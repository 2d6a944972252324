//! Which permission bits a client writes for a file, and which files it takes for executables.

use std::collections::BTreeSet;

use serde_json::Value;

/// Which files get the executable bits whatever they have on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Executable {
    /// None.
    None,
    /// Those that package.json lists: `bin`, `directories.bin`, and `publishConfig.executableFiles`
    /// of yarn and pnpm.
    Listed,
    /// Those that `bin` and `directories.bin` list.
    ListedBins,
    /// Those that are listed, compared after the first path segment was dropped. pacote since npm
    /// 7.20 drops it to be rid of a `package/` that is no longer there: a bin in the root is found,
    /// `bin/cli.js` is not, and `x/cli.js` is taken for `cli.js`.
    ListedWithoutFirstSegment,
    /// Those that are listed or have an executable bit on disk.
    ListedOrBit,
}

/// How the mode field comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeRule {
    /// As on disk.
    Raw,
    /// As on disk, with `0111` for executables.
    RawAnd(Executable),
    /// `(mode | 0600) & ~022`, with `0111` for executables: node-tar's `portable` since version 6.
    Portable(Executable),
    /// 755 for executables, else 644.
    Fixed(Executable),
    /// As on disk without the bits of the process's umask, of which 022 is the common one.
    Umask,
}

/// The files that package.json calls executable, as paths relative to the package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bins {
    bin: BTreeSet<String>,
    executable_files: BTreeSet<String>,
    directory: Option<String>,
}

impl Bins {
    /// Reads `bin`, `directories.bin` and `publishConfig.executableFiles` of a package.json.
    pub fn of(package_json: &Value) -> Self {
        let mut bin = BTreeSet::new();
        match package_json.get("bin") {
            Some(Value::String(one)) => {
                bin.extend(normalize(one));
            }
            Some(Value::Object(many)) => bin.extend(many.values().filter_map(Value::as_str).filter_map(normalize)),
            Some(Value::Array(many)) => bin.extend(many.iter().filter_map(Value::as_str).filter_map(normalize)),
            _ => {}
        }
        let directory = package_json.pointer("/directories/bin").and_then(Value::as_str).and_then(normalize);
        let directory = directory.filter(|_| bin.is_empty());
        let listed = package_json.pointer("/publishConfig/executableFiles").and_then(Value::as_array);
        let executable_files = listed.into_iter().flatten().filter_map(Value::as_str).filter_map(normalize).collect();
        Self { bin, executable_files, directory }
    }

    fn lists(&self, path: &str) -> bool {
        self.lists_bin(path) || self.executable_files.contains(path)
    }

    fn lists_bin(&self, path: &str) -> bool {
        let in_directory =
            self.directory.as_deref().is_some_and(|directory| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/')));
        in_directory || self.bin.contains(path)
    }

    fn without_first_segment(&self, path: &str) -> bool {
        let rest = path.split_once('/').map_or(path, |(_, rest)| rest);
        self.bin.contains(rest)
    }
}

/// `./bin/../cli.js` and `/cli.js` as npm's own normalisation reads them: `cli.js`.
fn normalize(target: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in target.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/")).filter(|path| !path.is_empty())
}

impl Executable {
    fn holds(self, path: &str, on_disk: u32, bins: &Bins) -> bool {
        match self {
            Self::None => false,
            Self::Listed => bins.lists(path),
            Self::ListedBins => bins.lists_bin(path),
            Self::ListedWithoutFirstSegment => bins.without_first_segment(path),
            Self::ListedOrBit => on_disk & 0o111 != 0 || bins.lists(path),
        }
    }
}

impl ModeRule {
    /// The mode field of a file with these bits on disk (permission bits only).
    pub fn file(self, path: &str, on_disk: u32, bins: &Bins) -> u32 {
        let on_disk = on_disk & 0o7777;
        let path = path.strip_prefix("./").unwrap_or(path);
        let executed = |executable: Executable| if executable.holds(path, on_disk, bins) { 0o111 } else { 0 };
        match self {
            Self::Raw => on_disk,
            Self::RawAnd(executable) => on_disk | executed(executable),
            Self::Portable(executable) => (on_disk | executed(executable) | 0o600) & !0o022,
            Self::Fixed(executable) => 0o644 | executed(executable),
            Self::Umask => on_disk & !0o022,
        }
    }
}
