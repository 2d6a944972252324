//! seccomp: the system calls that no build needs, and that have let processes out of sandboxes
//! before.
//!
//! A list of what is refused, not of what is allowed: builds run compilers and browsers of twenty
//! years. What is refused with `EPERM` says so to the program; what is refused with `ENOSYS` looks
//! like an older kernel, and programs have another way.

use std::collections::BTreeMap;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_long};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch, apply_filter,
    sock_filter,
};

use super::attributes;
use super::failure::{Doing, Failure, checked};

/// Mounts, namespaces, other processes' memory, keys, kernel interfaces with a history, and what
/// needs a privilege anyway.
#[rustfmt::skip]
const REFUSED: &[c_long] = &[
    libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_unshare, libc::SYS_setns,
    libc::SYS_fsopen, libc::SYS_fsconfig, libc::SYS_fsmount, libc::SYS_fspick, libc::SYS_open_tree, libc::SYS_move_mount, libc::SYS_mount_setattr,
    libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_process_madvise, libc::SYS_pidfd_getfd, libc::SYS_kcmp,
    libc::SYS_keyctl, libc::SYS_add_key, libc::SYS_request_key,
    libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd, libc::SYS_open_by_handle_at, libc::SYS_fanotify_init,
    libc::SYS_kexec_load, libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module, libc::SYS_reboot, libc::SYS_swapon, libc::SYS_swapoff,
    libc::SYS_acct, libc::SYS_quotactl, libc::SYS_syslog, libc::SYS_settimeofday, libc::SYS_clock_settime, libc::SYS_clock_adjtime, libc::SYS_adjtimex,
    libc::SYS_vhangup, libc::SYS_nfsservctl, libc::SYS_sethostname, libc::SYS_setdomainname,
    #[cfg(target_arch = "x86_64")] libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")] libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")] libc::SYS_modify_ldt,
];
/// `clone3` and `openat2` have their flags in memory, where no filter can read them; `io_uring`
/// makes calls that no filter sees; memory of memfd and of System V segments is in no process, so
/// that nobody would count it.
#[rustfmt::skip]
const ABSENT: &[c_long] = &[
    libc::SYS_clone3, libc::SYS_openat2, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register,
    libc::SYS_memfd_create, libc::SYS_memfd_secret, libc::SYS_shmget,
];
/// Where Landlock alone keeps a build in, it has no right for these, and access lists are among
/// them: to a build it looks as if no file system had any. The last three are new, and have no
/// names yet: `setxattrat`, `removexattrat` and `file_setattr`.
#[rustfmt::skip]
const ATTRIBUTES: &[c_long] = &[
    libc::SYS_setxattr, libc::SYS_lsetxattr, libc::SYS_fsetxattr, libc::SYS_removexattr, libc::SYS_lremovexattr, libc::SYS_fremovexattr,
    463, 466, 469,
];
/// Requests of terminals; libc gives them a type that differs by platform.
const TIOCSTI: c_int = 0x5412;
const TIOCLINUX: c_int = 0x541c;
/// Which priorities are meant; libc gives it a type that differs by library.
const PRIO_USER: c_int = 2;
#[rustfmt::skip]
const NAMESPACES: [c_int; 7] = [
    libc::CLONE_NEWNS, libc::CLONE_NEWCGROUP, libc::CLONE_NEWUTS, libc::CLONE_NEWIPC, libc::CLONE_NEWUSER, libc::CLONE_NEWPID, libc::CLONE_NEWNET,
];

/// What an argument must be for a call to be refused: its place, the comparison, the value.
type Condition = (u8, SeccompCmpOp, u64);
/// Refused where all conditions of one of these hold; always, where there is none.
type Rules = Vec<Vec<Condition>>;

/// Refuses the calls for this process and all that it starts. It must have no-new-privileges
/// already.
pub fn refuse(without_namespaces: bool) -> Result<(), Failure> {
    let mut refused: BTreeMap<c_long, Rules> = REFUSED.iter().map(|&call| (call, Vec::new())).collect();
    refused.insert(libc::SYS_clone, NAMESPACES.iter().map(|&flag| vec![has(0, flag)]).collect());
    // Typing into the terminal of whoever started us.
    refused.insert(libc::SYS_ioctl, vec![vec![is(1, TIOCSTI)], vec![is(1, TIOCLINUX)]]);
    refused.insert(libc::SYS_socket, sockets(without_namespaces));
    refused.extend(others());
    refused.extend(files_for_others());
    if without_namespaces {
        refused.extend(around_the_fence());
    }
    block(ABSENT.iter().map(|&call| (call, Vec::new())).collect(), libc::ENOSYS)?;
    block(refused, libc::EPERM)?;
    if without_namespaces {
        block(ATTRIBUTES.iter().map(|&call| (call, Vec::new())).collect(), libc::EOPNOTSUPP)?;
    }
    if cfg!(target_arch = "x86_64") {
        install(&other_numbers(), 0)?;
    }
    Ok(())
}

fn block(calls: BTreeMap<c_long, Rules>, errno: c_int) -> Result<(), Failure> {
    let compile = || -> Result<BpfProgram, seccompiler::BackendError> {
        let condition = |(argument, operator, value)| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
        let rule = |conditions: Vec<Condition>| SeccompRule::new(conditions.into_iter().map(condition).collect::<Result<_, _>>()?);
        let mut compiled = BTreeMap::new();
        for (call, rules) in calls {
            compiled.insert(call, rules.into_iter().map(rule).collect::<Result<_, _>>()?);
        }
        let architecture = if cfg!(target_arch = "aarch64") { TargetArch::aarch64 } else { TargetArch::x86_64 };
        SeccompFilter::new(compiled, SeccompAction::Allow, SeccompAction::Errno(errno.unsigned_abs()), architecture)?.try_into()
    };
    apply_filter(&compile().doing("write a filter of system calls")?).doing("refuse system calls")
}

/// Limits and priorities of other processes of the same user, the watching one among them. Nought
/// means oneself, one's group, or all of the user's processes: of these the last is refused too.
/// The group is the build's, which has a session of its own.
fn others() -> BTreeMap<c_long, Rules> {
    const IOPRIO_WHO_USER: c_int = 3;
    let not_oneself = |call, argument| (call, vec![vec![not(argument, 0)]]);
    let not_the_user = |call, user| (call, vec![vec![not(1, 0)], vec![is(0, user)]]);
    BTreeMap::from([
        not_oneself(libc::SYS_prlimit64, 0),
        not_the_user(libc::SYS_setpriority, PRIO_USER),
        not_the_user(libc::SYS_ioprio_set, IOPRIO_WHO_USER),
        not_oneself(libc::SYS_sched_setscheduler, 0),
        not_oneself(libc::SYS_sched_setparam, 0),
        not_oneself(libc::SYS_sched_setattr, 0),
    ])
}

/// A file that makes whoever runs it the build's user, or one of the user's group: that may be the
/// user that asked for the build. A folder that is made with such a mode does not get it.
fn files_for_others() -> BTreeMap<c_long, Rules> {
    /// The bits for the user and for the group.
    const SET: [c_int; 2] = [0o4000, 0o2000];
    const FCHMODAT2: c_long = 452;
    let mode = |call, argument| (call, SET.map(|bit| vec![has(argument, bit)]).to_vec());
    // The mode is an argument only where a file may be made; elsewhere the register holds anything.
    // `O_TMPFILE` makes one without a name.
    let opened = |call, flags, argument| {
        let making = [libc::O_CREAT, libc::O_TMPFILE & !libc::O_DIRECTORY];
        (call, SET.iter().flat_map(|&bit| making.map(|flag| vec![has(flags, flag), has(argument, bit)])).collect())
    };
    BTreeMap::from([
        mode(libc::SYS_fchmod, 1),
        mode(libc::SYS_fchmodat, 2),
        mode(FCHMODAT2, 2),
        mode(libc::SYS_mknodat, 2),
        opened(libc::SYS_openat, 2, 3),
        #[cfg(target_arch = "x86_64")]
        mode(libc::SYS_chmod, 1),
        #[cfg(target_arch = "x86_64")]
        mode(libc::SYS_creat, 1),
        #[cfg(target_arch = "x86_64")]
        mode(libc::SYS_mknod, 1),
        #[cfg(target_arch = "x86_64")]
        opened(libc::SYS_open, 1, 2),
    ])
}

/// Unix, IPv4, IPv6 and the routing part of netlink (which tells a program its interfaces), and
/// nothing else.
fn sockets(without_namespaces: bool) -> Rules {
    let mut rules = vec![
        vec![not(0, libc::AF_UNIX), not(0, libc::AF_INET), not(0, libc::AF_INET6), not(0, libc::AF_NETLINK)],
        vec![is(0, libc::AF_NETLINK), not(2, libc::NETLINK_ROUTE)],
    ];
    if without_namespaces {
        // Connected alone: a datagram could be sent to any path or name, which Landlock does not
        // hold. Raw ones are datagrams to the kernel.
        rules.push(vec![is(0, libc::AF_UNIX), raw()]);
        for family in [libc::AF_INET, libc::AF_INET6] {
            // TCP alone: all else would leave the machine, or reach a service of it, past the one
            // port. Other stream protocols are not what Landlock calls TCP. Datagrams are not let
            // through, but asked about (`ask`), and refused there.
            rules.extend([vec![is(0, family), raw()], vec![is(0, family), has(1, 4)], vec![is(0, family), has(1, 8)]]);
            rules.push(vec![is(0, family), (1, SeccompCmpOp::MaskedEq(2), 0), not(2, 0), not(2, libc::IPPROTO_TCP)]);
        }
    }
    rules
}

/// Ways around the one port that is open where there is no network namespace, and to the user's
/// other processes.
fn around_the_fence() -> BTreeMap<c_long, Rules> {
    BTreeMap::from([
        // A connected pair of datagram sockets can be connected anew, to any path or name; raw ones
        // are datagrams to the kernel.
        (libc::SYS_socketpair, vec![vec![has(1, libc::SOCK_DGRAM)]]),
        // TCP fast open connects without a call to connect.
        (libc::SYS_sendto, vec![vec![has(3, libc::MSG_FASTOPEN)]]),
        (libc::SYS_sendmsg, vec![vec![has(2, libc::MSG_FASTOPEN)]]),
        (libc::SYS_sendmmsg, vec![vec![has(3, libc::MSG_FASTOPEN)]]),
        // Memory, queues and semaphores that the user's other processes share by number or name;
        // those that are made are asked about (`NOTED`).
        (libc::SYS_shmat, Vec::new()),
        (libc::SYS_shmctl, Vec::new()),
        (libc::SYS_msgsnd, Vec::new()),
        (libc::SYS_msgrcv, Vec::new()),
        (libc::SYS_msgctl, Vec::new()),
        (libc::SYS_semtimedop, Vec::new()),
        (libc::SYS_semctl, Vec::new()),
        (libc::SYS_semop, Vec::new()),
        (libc::SYS_mq_unlink, Vec::new()),
        (libc::SYS_sched_setaffinity, vec![vec![not(0, 0)]]),
    ])
}

/// A raw socket: its type has both bits.
fn raw() -> Condition {
    has(1, libc::SOCK_RAW)
}

fn is(argument: u8, value: c_int) -> Condition {
    (argument, SeccompCmpOp::Eq, value.unsigned_abs().into())
}

fn not(argument: u8, value: c_int) -> Condition {
    (argument, SeccompCmpOp::Ne, value.unsigned_abs().into())
}

/// All bits of `flag` are set.
fn has(argument: u8, flag: c_int) -> Condition {
    let flag = u64::from(flag.unsigned_abs());
    (argument, SeccompCmpOp::MaskedEq(flag), flag)
}

/// Calls of a build that are refused without namespaces alone, which the watching process notes:
/// the same build may come out elsewhere. Sockets for datagrams are the same, and servers
/// (`gate.rs`).
pub const NOTED: [c_long; 4] = [libc::SYS_socket, libc::SYS_semget, libc::SYS_msgget, libc::SYS_mq_open];

/// Has every `connect`, `bind` and `listen`, every change of a file's mode or owner, and what is
/// noted decided by whoever holds the descriptor that is returned. Of the sockets it is asked about
/// those for datagrams alone.
pub fn ask() -> Result<OwnedFd, Failure> {
    const FLAGS: libc::c_ulong = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let doing = "ask about connections and modes";
    let [socket, others @ ..] = NOTED;
    let asked = [libc::SYS_connect, libc::SYS_bind, libc::SYS_listen].into_iter().chain(others).chain(attributes::CALLS.iter().copied());
    let calls: Vec<u32> = asked.map(number).collect();
    // Over the comparisons of sockets, which end with an answer.
    let mut program = vec![load_number(), equals(number(socket), 0, 9)];
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6].map(libc::c_int::unsigned_abs);
    program.push(load_argument(0));
    program.extend(families.iter().zip([2, 1, 0]).map(|(&family, over)| equals(family, over, if over == 0 { 3 } else { 0 })));
    program.extend([load_argument(1), low_bits(0xf), equals(libc::SOCK_DGRAM.unsigned_abs(), 1, 0)]);
    program.extend([answer(libc::SECCOMP_RET_ALLOW), answer(libc::SECCOMP_RET_USER_NOTIF)]);
    for (at, &call) in calls.iter().enumerate() {
        // Over the comparisons that are left, and the answer to what is not asked about.
        program.push(equals(call, u8::try_from(calls.len() - at).doing(doing)?, 0));
    }
    program.extend([answer(libc::SECCOMP_RET_ALLOW), answer(libc::SECCOMP_RET_USER_NOTIF)]);
    let descriptor = RawFd::try_from(install(&program, FLAGS)?).doing(doing)?;
    // SAFETY: the kernel made this descriptor just now, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// On `x86_64` the same calls have second numbers (x32), which the filters above do not know.
fn other_numbers() -> Vec<sock_filter> {
    const X32: u32 = 0x4000_0000;
    let at_least = sock_filter { code: short(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K), jt: 0, jf: 1, k: X32 };
    vec![load_number(), at_least, answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS.unsigned_abs()), answer(libc::SECCOMP_RET_ALLOW)]
}

fn install(program: &[sock_filter], flags: libc::c_ulong) -> Result<c_long, Failure> {
    let doing = "install a filter of system calls";
    // The crate's instruction has the layout of the kernel's, field by field.
    let filter: Vec<libc::sock_filter> =
        program.iter().map(|step| libc::sock_filter { code: step.code, jt: step.jt, jf: step.jf, k: step.k }).collect();
    let program = libc::sock_fprog { len: u16::try_from(filter.len()).doing(doing)?, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program before the call returns, and does not write to it.
    checked(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) }).doing(doing)
}

fn load_number() -> sock_filter {
    sock_filter { code: short(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS), jt: 0, jf: 0, k: 0 }
}

/// The lower half of an argument: both processors have it first.
fn load_argument(argument: u32) -> sock_filter {
    sock_filter { code: short(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS), jt: 0, jf: 0, k: 16 + 8 * argument }
}

fn low_bits(mask: u32) -> sock_filter {
    sock_filter { code: short(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K), jt: 0, jf: 0, k: mask }
}

fn equals(value: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: short(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K), jt, jf, k: value }
}

fn answer(value: u32) -> sock_filter {
    sock_filter { code: short(libc::BPF_RET | libc::BPF_K), jt: 0, jf: 0, k: value }
}

/// BPF's operation codes and numbers of calls are small and positive; libc has them in wider types.
#[allow(clippy::cast_possible_truncation)]
fn short(code: u32) -> u16 {
    code as u16
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn number(call: c_long) -> u32 {
    call as u32
}
