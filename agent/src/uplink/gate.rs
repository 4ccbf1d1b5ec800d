//! Waits for credit.

use atalaya_protocol::credit::SendWindow;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// A send window shared by the two halves of a lane: one waits and sends, the other acknowledges.
#[derive(Debug)]
pub(super) struct Gate {
    window: Mutex<SendWindow>,
    opened: Notify,
}

impl Gate {
    pub(super) fn new(credit: u32) -> Self {
        Self { window: Mutex::new(SendWindow::new(credit)), opened: Notify::new() }
    }

    /// Waits until one more frame may leave. One waiter per gate.
    pub(super) async fn open(&self) {
        while !self.window.lock().is_open() {
            self.opened.notified().await;
        }
    }

    pub(super) fn sent(&self) {
        self.window.lock().sent();
    }

    pub(super) fn acknowledged(&self, frames: u32, credit: u32) {
        self.window.lock().acknowledged(frames, credit);
        self.opened.notify_one();
    }
}
