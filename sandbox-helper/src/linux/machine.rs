//! What the whole machine has left: the backstop for memory that is in no process.
//!
//! Shared memory without a name stays when nobody maps it any more, sockets and pipes hold some,
//! and no process owns up to any of it. The kernel says only how much there is of it in all.

use std::fs;
use std::io;

const KIB: u64 = 1024;
/// Memory that the machine keeps, whatever the limit says.
const RESERVE: u64 = 256 << 20;

/// Memory of the machine, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Machine {
    /// Shared, and of files in memory.
    shared: u64,
    /// To be had without taking anything from anybody.
    available: u64,
}

impl Machine {
    /// As it is now.
    pub fn now() -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string("/proc/meminfo")?))
    }

    fn parse(text: &str) -> Self {
        let of = |key: &str| {
            let size = text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse::<u64>().ok());
            size.map(|size| size.saturating_mul(KIB))
        };
        Self { shared: of("Shmem:").unwrap_or_default(), available: of("MemAvailable:").unwrap_or(u64::MAX) }
    }

    /// Whether more than `limit` of shared memory has come since this was read, or nearly nothing
    /// is left. It need not be the build's.
    pub fn is_spent(&self, now: &Self, limit: u64) -> bool {
        now.shared.saturating_sub(self.shared) > limit || now.available < RESERVE.min(self.available / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shared_or_left_is_read() {
        let machine = Machine::parse("MemTotal: 9 kB\nMemAvailable:    512 kB\nShmemHugePages: 7 kB\nShmem:     3 kB\n");
        assert_eq!(machine, Machine { shared: 3 * KIB, available: 512 * KIB });
        assert!(Machine::now().unwrap().available > 0);
    }

    #[test]
    fn a_machine_is_spent_by_what_came_since() {
        const GIB: u64 = 1 << 30;
        let first = Machine { shared: 5 * GIB, available: 8 * GIB };
        assert!(!first.is_spent(&Machine { shared: 6 * GIB, available: GIB }, GIB));
        assert!(first.is_spent(&Machine { shared: 6 * GIB + 1, available: GIB }, GIB));
        assert!(first.is_spent(&Machine { shared: 0, available: RESERVE - 1 }, GIB));
        // A machine that has little to begin with is no reason to end a build.
        let small = Machine { shared: 0, available: RESERVE };
        assert!(!small.is_spent(&Machine { shared: 0, available: RESERVE / 2 }, GIB));
    }
}
