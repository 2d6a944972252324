//! How much of this machine one build may have.

use std::fs;

const GIB: u64 = 1 << 30;
/// What every build may have: Node's own heap and some helpers, as on the smallest machines of CI
/// services.
const LEAST: u64 = 4 * GIB;
/// What no build of a package needs more than.
const MOST: u64 = 16 * GIB;

/// Bytes of memory that this machine has, or the container that this runs in; `None` where the
/// system does not say.
pub fn has() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total(&text));
    // A container's own limit (cgroup 2, then 1); "max", or a number beyond all memory, where there
    // is none.
    let container = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .into_iter()
        .find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    [machine, container].into_iter().flatten().min()
}

/// Bytes of memory for a build: half of what this machine, or the container that this runs in, has;
/// 4 GiB at least and 16 at most. Bundlers and checkers of types in large workspaces take 5 to 8.
pub(super) fn memory() -> u64 {
    share(has())
}

/// `MemTotal` of /proc/meminfo, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn share(has: Option<u64>) -> u64 {
    has.map_or(LEAST, |has| (has / 2).clamp(LEAST, MOST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_has_half_of_the_memory_within_bounds() {
        assert_eq!(share(Some(24 * GIB)), 12 * GIB);
        assert_eq!(share(Some(10 * GIB)), 5 * GIB);
        assert_eq!(share(Some(2 * GIB)), LEAST);
        assert_eq!(share(Some(512 * GIB)), MOST);
        assert_eq!(share(None), LEAST);
    }

    #[test]
    fn this_machine_says_what_it_has() {
        assert_eq!(has().is_some(), cfg!(target_os = "linux"));
    }

    #[test]
    fn the_machines_memory_is_read_in_its_unit() {
        assert_eq!(total("MemTotal:       24683656 kB\nMemFree: 1 kB\n"), Some(24_683_656 * 1024));
        assert_eq!(total("MemTotal: much\n"), None);
    }
}
