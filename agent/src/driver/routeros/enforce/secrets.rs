//! PPP secrets: made, changed, removed.

use std::collections::{BTreeSet, HashMap};

use super::super::client::{CallError, Client, Command, Row, TrapClass};
use super::super::tables::{NARROW_UP_TO, is_pppoe};
use super::Outcome;
use super::batch::{self, Batch, ROWS_PER_COMMAND};
use crate::desired::Access;
use crate::driver::{Change, DeviceError, RowStatus};

/// Writes the secrets of the changes at `positions` that have not failed yet.
pub(super) async fn write(
    client: &Client,
    changes: &[Change],
    positions: &[usize],
    outcomes: &mut [Outcome],
) {
    let mut todo: Vec<usize> = positions
        .iter()
        .copied()
        .filter(|at| outcomes[*at].is_ok() && concerns_secret(&changes[*at]))
        .collect();
    // A command for many rows is refused as a whole when one of them vanished: what it carried is looked up again
    // and written one by one.
    for per_command in [ROWS_PER_COMMAND, 1] {
        if todo.is_empty() {
            return;
        }
        match attempt(client, changes, &todo, per_command, outcomes).await {
            Ok(again) => todo = again,
            Err(error) => {
                let error = DeviceError::from(error);
                for at in todo {
                    outcomes[at] = Err(error.clone());
                }
                return;
            }
        }
    }
}

fn concerns_secret(change: &Change) -> bool {
    change.row.pending.iter().any(|(name, _)| !name.contains('.'))
}

/// One round; gives back the changes that are worth another.
async fn attempt(
    client: &Client,
    changes: &[Change],
    todo: &[usize],
    per_command: usize,
    outcomes: &mut [Outcome],
) -> Result<Vec<usize>, CallError> {
    let ids = ids(client, changes, todo).await?;
    let mut batches = Vec::new();
    let mut sets: HashMap<SharedSet, Vec<(usize, String)>> = HashMap::new();
    let mut removals = Vec::new();
    for at in todo {
        let change = &changes[*at];
        let removal = change.row.pending.iter().any(|(name, _)| name == "removed");
        match ids.of(change) {
            Some(id) if removal => removals.push((*at, id)),
            // Gone already.
            None if removal => {}
            Some(id) => sets.entry(shared_set(change, *at)).or_default().push((*at, id)),
            None if change.row.status == RowStatus::Absent => {
                batches.push(Batch { command: add(change), changes: vec![*at] });
            }
            None => {
                outcomes[*at] =
                    Err(DeviceError::Device { words: "the secret vanished while it was changed".into() });
            }
        }
    }
    for ((attributes, _), rows) in sets {
        let command = attributes
            .iter()
            .fold(Command::new("/ppp/secret/set"), |command, (name, value)| command.with(name, value));
        let command = with_password(command, rows.first().map(|(at, _)| &changes[*at]));
        batches.extend(batch::by_ids(&command, &rows, per_command));
    }
    batches.extend(batch::by_ids(&Command::new("/ppp/secret/remove"), &removals, per_command));
    let mut again = Vec::new();
    for (of, outcome) in batch::run(client, batches).await {
        let Err(error) = outcome else { continue };
        let class = error.class();
        let several = of.len() > 1;
        for at in of {
            let removal = changes[at].row.pending.iter().any(|(name, _)| name == "removed");
            match class {
                Some(TrapClass::Gone) if removal && !several => {}
                Some(TrapClass::Gone) if per_command > 1 => again.push(at),
                // Someone was faster: reading back tells whether it is as wanted.
                Some(TrapClass::Conflict) if changes[at].row.status == RowStatus::Absent => {}
                Some(_) if several => again.push(at),
                _ => outcomes[at] = Err(error.clone().into()),
            }
        }
    }
    Ok(again)
}

/// Attributes that rows of one command share, the password left out; a row that gets a password stands alone.
type SharedSet = (Vec<(String, String)>, Option<usize>);

fn shared_set(change: &Change, at: usize) -> SharedSet {
    let of_row = |name: &str| !name.contains('.') && name != "password";
    let attributes = change.row.pending.iter().filter(|(name, _)| of_row(name)).cloned().collect();
    (attributes, needs_password(change).then_some(at))
}

fn needs_password(change: &Change) -> bool {
    change.row.pending.iter().any(|(name, _)| name == "password")
}

fn with_password(command: Command, change: Option<&Change>) -> Command {
    match change.filter(|change| needs_password(change)).and_then(|change| change.want.password.as_ref()) {
        Some(password) => command.with("password", password),
        None => command,
    }
}

fn add(change: &Change) -> Command {
    let of_row = change.row.pending.iter().filter(|(name, _)| !name.contains('.') && name != "password");
    let command =
        of_row.fold(Command::new("/ppp/secret/add"), |command, (name, value)| command.with(name, value));
    with_password(command, Some(change))
}

/// The name under which the row was read: another than the user's while it is to be renamed.
fn name_read(change: &Change) -> &str {
    let read = change.row.fields.iter().find(|(name, _)| name == "name").map(|(_, value)| value.as_str());
    read.unwrap_or_else(|| user(change))
}

fn user(change: &Change) -> &str {
    match &change.want.point.access {
        Access::Pppoe { user, .. } => user,
        Access::Static { .. } | Access::Unsupported { .. } => "",
    }
}

/// `.id`s of secrets, for this moment only.
struct Ids(Vec<Row>, HashMap<String, usize>);

impl Ids {
    fn of(&self, change: &Change) -> Option<String> {
        // Renamed a moment ago, by an attempt whose answer was lost: it stands under the user's name by now.
        let at = self.1.get(name_read(change)).or_else(|| self.1.get(user(change)))?;
        self.0.get(*at).map(|row| row.text(".id").to_owned())
    }
}

async fn ids(client: &Client, changes: &[Change], todo: &[usize]) -> Result<Ids, CallError> {
    let mut command = Command::new("/ppp/secret/print").columns(&[".id", "name", "service"]);
    if todo.len() <= NARROW_UP_TO {
        let names: BTreeSet<&str> =
            todo.iter().flat_map(|at| [name_read(&changes[*at]), user(&changes[*at])]).collect();
        command = command.any_of("name", names);
    }
    let rows: Vec<Row> =
        client.call(&command).await?.rows.into_iter().filter(|row| is_pppoe(row.text("service"))).collect();
    let by_name = rows.iter().enumerate().map(|(at, row)| (row.text("name").to_owned(), at)).collect();
    Ok(Ids(rows, by_name))
}
