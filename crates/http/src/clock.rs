//! Time and chance, passed in so that a test needs neither.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::time::{Duration, SystemTime};

/// Sleeping, the time of day, and a number for jitter.
pub trait Clock: Send + Sync {
    /// Comes back after that time.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// The time of day: `Retry-After` may name one.
    fn now(&self) -> SystemTime;
    /// Anything from 0 to 255, evenly: by how much a pause is stretched.
    fn chance(&self) -> u8;
}

/// The system's.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(time))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn chance(&self) -> u8 {
        // The standard library seeds each hasher anew; that is chance enough to keep clients from
        // returning in step.
        let [byte, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
        byte
    }
}
