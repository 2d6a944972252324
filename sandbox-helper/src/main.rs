//! The process that a build of a stranger's package runs under.
//!
//! Started by the addon and by nobody else. What comes in: a policy on descriptor 0, a socket whose
//! other end the addon holds (its closing ends everything), and a pipe for what the build prints on
//! descriptors 1 and 2. What goes out: words on that socket (see `linux/control.rs`). It is a
//! program of its own because a process with several threads, as Node is, cannot give up
//! namespaces, and because the little that runs with privileges should be small enough to be read.

#![allow(unsafe_code, reason = "system calls that no crate wraps; every block says why it is sound")]
#![allow(unreachable_pub, reason = "a program exports nothing: `pub` is between its modules")]

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

/// Elsewhere there is nothing of this: no namespaces, no Landlock, no seccomp.
#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    use std::io::Write;
    // Nothing is left to do where even this cannot be written.
    let _ = writeln!(std::io::stderr(), "reproduce-sandbox: the sandbox exists on Linux only");
    std::process::ExitCode::from(125)
}
