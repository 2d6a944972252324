//! How much of the machine a build takes, counted over all of its processes.
//!
//! Control groups would count better, but an unprivileged process rarely has one to put a build in.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;

/// A count of processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Census {
    /// Processes and threads.
    pub tasks: u64,
    /// Bytes of memory that belong to no file.
    pub memory: u64,
}

#[derive(Debug, Default)]
struct Process {
    parent: u32,
    user: u32,
    own: Census,
}

/// Counts the descendants of the process `root`; in namespaces, where it is 1, these are all.
pub fn descendants(root: u32) -> io::Result<Census> {
    let processes = processes()?;
    let within = tree(root, &processes);
    Ok(sum(processes.iter().filter(|(pid, _)| within.contains(pid)).map(|(_, process)| process.own)))
}

/// The descendants of `root`, by number.
pub fn family(root: u32) -> io::Result<HashSet<u32>> {
    Ok(tree(root, &processes()?))
}

/// Processes and threads of a user, which the kernel counts as one.
pub fn tasks_of(user: u32) -> io::Result<u64> {
    Ok(sum(processes()?.values().filter(|process| process.user == user).map(|process| process.own)).tasks)
}

fn sum(counts: impl Iterator<Item = Census>) -> Census {
    counts.fold(Census::default(), |all, one| Census {
        tasks: all.tasks.saturating_add(one.tasks),
        memory: all.memory.saturating_add(one.memory),
    })
}

fn tree(root: u32, processes: &HashMap<u32, Process>) -> HashSet<u32> {
    let mut within = HashSet::from([root]);
    // Numbers say nothing about age, so this goes on until nobody is added: a few rounds, as trees
    // of processes are flat.
    loop {
        let before = within.len();
        within.extend(processes.iter().filter(|(_, process)| within.contains(&process.parent)).map(|(&pid, _)| pid).collect::<Vec<_>>());
        if within.len() == before {
            within.remove(&root);
            return within;
        }
    }
}

fn processes() -> io::Result<HashMap<u32, Process>> {
    let mut found = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ended meanwhile takes nothing.
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        found.insert(pid, whole(pid, parse(&status)));
    }
    Ok(found)
}

/// A process whose first thread has ended says nothing of its memory there: another thread does.
fn whole(pid: u32, mut process: Process) -> Process {
    if process.own.tasks > 1 && process.own.memory == 0 {
        let others = threads(pid).into_iter().filter(|thread| *thread != pid);
        let statuses = others.filter_map(|thread| fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).ok());
        process.own.memory = statuses.map(|status| parse(&status).own.memory).find(|memory| *memory > 0).unwrap_or_default();
    }
    process
}

/// The process of a thread: its first thread's number.
pub fn leader(thread: u32) -> io::Result<u32> {
    let status = fs::read_to_string(format!("/proc/{thread}/status"))?;
    let found = status.lines().find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok());
    found.ok_or_else(|| io::Error::other("a thread of no process"))
}

/// The threads of a process, by number; none of one that has ended.
pub fn threads(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn parse(status: &str) -> Process {
    const KIB: u64 = 1024;
    let mut process = Process::default();
    for line in status.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let first = value.split_whitespace().next().unwrap_or_default();
        match key {
            "PPid" => process.parent = first.parse().unwrap_or_default(),
            "Uid" => process.user = first.parse().unwrap_or_default(),
            "Threads" => process.own.tasks = first.parse().unwrap_or_default(),
            // Not RssFile: thirty processes of one program share its pages.
            "RssAnon" | "RssShmem" => {
                let size = first.parse().unwrap_or(0_u64).saturating_mul(KIB);
                process.own.memory = process.own.memory.saturating_add(size);
            }
            _ => {}
        }
    }
    process
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_says_of_a_process() {
        let process = parse(
            "Name:\ta b\nPPid:\t7\nUid:\t1000\t1000\t1000\t1000\nRssAnon:\t     10 kB\nRssFile:\t 5 kB\nRssShmem:\t 2 kB\nThreads:\t3\n",
        );
        assert_eq!((process.parent, process.user), (7, 1000));
        assert_eq!(process.own, Census { tasks: 3, memory: 12 * 1024 });
    }

    #[test]
    fn descendants_are_found_through_any_number_of_parents() {
        let process = |parent| Process { parent, ..Process::default() };
        let processes = HashMap::from([(5, process(1)), (3, process(5)), (9, process(3)), (4, process(2))]);
        assert_eq!(tree(5, &processes), HashSet::from([3, 9]));
    }

    #[test]
    fn this_process_counts_as_its_users() {
        assert!(tasks_of(nix::unistd::getuid().as_raw()).unwrap() > 0);
    }
}
