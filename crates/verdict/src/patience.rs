//! When blocking work has to end: its run was cancelled, or its time is over.
//!
//! A run's blocking work stands on one thread. It says so once, at its start, and whatever loop is
//! in it can ask, however deep: a pattern of a stranger is matched where nothing of runs is known.
//! On a thread where nothing was said there is all the time of the world.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

thread_local! {
    static PATIENCE: RefCell<Option<Patience>> = const { RefCell::new(None) };
}

/// How long a run waits for its blocking work.
#[derive(Debug, Clone)]
pub struct Patience {
    cancelled: Arc<AtomicBool>,
    end: Option<Instant>,
}

impl Patience {
    /// Until the run is cancelled, and no longer than to `end`.
    pub fn new(cancelled: Arc<AtomicBool>, end: Option<Instant>) -> Self {
        Self { cancelled, end }
    }

    /// The work as it is to be given to another thread.
    pub fn around<T>(self, work: impl FnOnce() -> T) -> impl FnOnce() -> T {
        move || self.during(work)
    }

    /// Does the work; on this thread [`is_over`] asks this patience until the work is done.
    pub fn during<T>(self, work: impl FnOnce() -> T) -> T {
        struct Restore(Option<Patience>);
        impl Drop for Restore {
            fn drop(&mut self) {
                PATIENCE.set(self.0.take());
            }
        }
        let _before = Restore(PATIENCE.replace(Some(self)));
        work()
    }
}

/// The patience of this thread, for a part of its work that another thread does.
pub fn here() -> Option<Patience> {
    PATIENCE.with_borrow(Clone::clone)
}

/// Whether the work of this thread is waited for no longer. What it finds from then on is no
/// answer.
pub fn is_over() -> bool {
    PATIENCE.with_borrow(|patience| {
        patience.as_ref().is_some_and(|one| one.cancelled.load(Ordering::Relaxed) || one.end.is_some_and(|end| Instant::now() >= end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lasts_for_the_work_and_for_its_thread() {
        let cancelled = Arc::new(AtomicBool::new(false));
        let patience = Patience::new(Arc::clone(&cancelled), None);
        patience.during(|| {
            assert!(!is_over());
            Patience::new(Arc::default(), Some(Instant::now())).during(|| assert!(is_over()));
            assert!(!is_over(), "the outer one counts again");
            let here = here().unwrap();
            assert!(std::thread::spawn(|| here.during(|| !is_over())).join().unwrap());
            cancelled.store(true, Ordering::Relaxed);
            assert!(is_over());
            assert!(!std::thread::spawn(is_over).join().unwrap(), "another thread has other work");
        });
        assert!(!is_over());
    }
}
