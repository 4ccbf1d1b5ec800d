//! Many commands at once, each for one or several changes. How many really fly is the client's business.

use futures::future::join_all;

use super::super::client::{CallError, Client, Command, Reply};

/// Most rows that one command names: keeps the sentence short and a refusal of one row cheap.
pub(super) const ROWS_PER_COMMAND: usize = 100;

/// A command and the changes (by position) that it carries out.
pub(super) struct Batch {
    pub(super) command: Command,
    pub(super) changes: Vec<usize>,
}

/// Runs them all and gives back what each ended in.
pub(super) async fn run(client: &Client, batches: Vec<Batch>) -> Vec<(Vec<usize>, Result<Reply, CallError>)> {
    join_all(batches.into_iter().map(|batch| async move {
        let outcome = client.call(&batch.command).await;
        (batch.changes, outcome)
    }))
    .await
}

/// `path` for rows `ids`, some hundred at a time.
pub(super) fn by_ids(command: &Command, rows: &[(usize, String)], per_command: usize) -> Vec<Batch> {
    rows.chunks(per_command.max(1))
        .map(|chunk| {
            let ids: Vec<&str> = chunk.iter().map(|(_, id)| id.as_str()).collect();
            Batch {
                command: command.clone().with(".id", &ids.join(",")),
                changes: chunk.iter().map(|(change, _)| *change).collect(),
            }
        })
        .collect()
}
