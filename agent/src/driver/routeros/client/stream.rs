//! Commands whose rows are wanted as they come.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{CallError, CancelOnDrop, Client, Command, Pending, Reply, Row};
use crate::driver::DeviceError;

/// Rows that may wait for their taker: many rounds of the longest traceroute.
const WAITING: usize = 1_024;
/// Silence of the router on a stream after which it is given up. The session goes on: other commands say whether the
/// connection lives.
const SILENCE: Duration = Duration::from_secs(30);

/// A running stream. Dropped, its command is cancelled on the router.
pub(crate) struct Rows<'a> {
    rows: mpsc::Receiver<Row>,
    /// `None` once it was taken.
    answer: Option<oneshot::Receiver<Result<Reply, CallError>>>,
    path: String,
    running: CancelOnDrop<'a>,
}

impl Client {
    /// Starts a command whose rows are taken one by one. One at a time: a second one waits for the first to end.
    ///
    /// # Errors
    /// The end of the session.
    pub(crate) async fn stream(&self, command: &Command) -> Result<Rows<'_>, CallError> {
        let permit = self.streams.clone().acquire_owned().await.map_err(|_| self.shared.end())?;
        let (done, answer) = oneshot::channel();
        let (sender, rows) = mpsc::channel(WAITING);
        let mut entry = Pending::new(Some(done), Some(permit));
        entry.rows = Some(sender);
        let running = self.send(command, entry).await?;
        Ok(Rows { rows, answer: Some(answer), path: command.path().to_owned(), running })
    }
}

impl Rows<'_> {
    /// The next row; `None` when the router said that it is done.
    ///
    /// # Errors
    /// The router's trap, its silence, or the end of the session.
    pub(crate) async fn next(&mut self) -> Result<Option<Row>, CallError> {
        match tokio::time::timeout(SILENCE, self.rows.recv()).await {
            Ok(Some(row)) => Ok(Some(row)),
            Ok(None) => {
                let Some(answer) = self.answer.take() else { return Ok(None) };
                match answer.await {
                    Ok(outcome) => outcome.map(|_| None),
                    Err(_) => Err(self.running.client.shared.end()),
                }
            }
            Err(_) => {
                let words = format!("{}: silent for {} s", self.path, SILENCE.as_secs());
                Err(CallError::Session(DeviceError::Timeout { words }))
            }
        }
    }
}
