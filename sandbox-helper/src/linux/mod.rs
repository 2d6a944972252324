//! The Linux side: what is asked for comes in, the build runs, how it went goes out.

mod access;
mod alone;
mod attributes;
mod bwrap;
mod calls;
mod census;
mod command;
mod control;
mod disk;
mod failure;
mod gate;
mod idle;
mod in_flight;
mod limits;
mod machine;
mod memory;
mod mounts;
mod namespaced;
mod namespaces;
mod policy;
mod system;
mod user;
mod watch;

use std::process::ExitCode;

use control::Control;
use failure::{Doing, Failure};
use policy::{Policy, Tier};

/// The exit code of a sandbox that could not be made; the reason is on the control socket.
const NOT_MADE: u8 = 125;

/// Reads the policy and runs the build under it.
pub fn main() -> ExitCode {
    let control = match Control::take() {
        Ok(control) => control,
        Err(failure) => {
            use std::io::Write;
            // Started by hand, most likely: there is no socket to say it on.
            let _ = writeln!(std::io::stderr(), "reproduce-sandbox: {failure}");
            return ExitCode::from(NOT_MADE);
        }
    };
    match run(&control) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            control.say("failed", &failure.to_string());
            ExitCode::from(NOT_MADE)
        }
    }
}

fn run(control: &Control) -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(bwrap::INSIDE_BWRAP) {
        let number = arguments.next().and_then(|number| number.parse().ok());
        let number = number.ok_or_else(|| Failure::new("go on inside bubblewrap", "the policy is not there"))?;
        return bwrap::go_on(control, number).map(|never| match never {});
    }
    close_inherited()?;
    let policy = Policy::read(&mut &*control)?;
    match policy.tier {
        Tier::Namespaces => namespaced::run(&policy, control),
        Tier::Bwrap => bwrap::run(&policy, control),
        Tier::Landlock => alone::run(&policy, control),
    }
}

/// Whatever the starting process had open is not for the build. The control socket is marked to be
/// closed already, and so is all that this program opens.
fn close_inherited() -> Result<(), Failure> {
    const MARK: libc::c_uint = 1 << 2;
    // SAFETY: a call with numbers only; it marks descriptors and closes none.
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, MARK) };
    failure::checked(done).doing("close what was inherited").map(drop)
}
