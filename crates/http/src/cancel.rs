//! Cancellation that can be shared, asked for and waited for.

use std::sync::Arc;

use tokio::sync::watch;

/// A switch that goes one way. Clones are the same switch.
#[derive(Debug, Clone)]
pub struct Cancel {
    state: Arc<watch::Sender<bool>>,
}

impl Default for Cancel {
    fn default() -> Self {
        Self { state: Arc::new(watch::Sender::new(false)) }
    }
}

impl Cancel {
    /// Cancels whatever waits for it, now and later.
    pub fn cancel(&self) {
        self.state.send_replace(true);
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        *self.state.borrow()
    }

    /// Comes back once it is cancelled.
    pub async fn cancelled(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as self: waiting cannot fail.
        let _ = state.wait_for(|cancelled| *cancelled).await;
    }
}
