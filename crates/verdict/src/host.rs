//! Times and this machine, as JSON has them.

use std::time::{Duration, SystemTime};

/// Milliseconds of a duration.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Now, as RFC 3339 in UTC with milliseconds.
pub fn timestamp(now: SystemTime) -> String {
    jiff::Timestamp::try_from(now).map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// Node's name of the operating system.
pub fn node_os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

/// Node's name of the processor.
pub fn node_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "x86" => "ia32",
        other => other,
    }
}
