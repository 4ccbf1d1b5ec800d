//! How a device is asked: one GET for the system group, tables by GETBULK with several columns side by side. Knows
//! nothing of what the values mean.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::oid::{self, Column};
use super::parse::{self, InterfaceTable, System};
use super::pdu::{self, Answer, Ask, Names};
use super::socket::Sockets;
use crate::driver::{Credentials, DeviceError, Target};

const PORT: u16 = 161;
/// Bytes that an answer should not exceed: below the usual path MTU, because IP fragments get lost on radio links.
const LARGEST_ANSWER: usize = 1_400;
/// Rows asked of a device whose answers were never seen: about that size for nine columns.
const FIRST_ROWS: u32 = 6;
/// Most rows of one request.
const MOST_ROWS_PER_REQUEST: u32 = 64;
/// A table longer than this is a device gone mad (or a concentrator's dynamic sessions).
const MOST_ROWS: usize = 4096;
/// Every table request also asks for these two, so that counters and uptime are of one moment.
const SCALARS: [&[u8]; 2] = [oid::SYS_UP_TIME, oid::SNMP_ENGINE_TIME];

/// What the last walk taught of a device's answers.
#[derive(Debug, Clone, Copy)]
struct Habits {
    /// Bytes that a binding takes, times 16: a mean.
    binding_sixteenths: usize,
    /// Bytes beside the rows.
    envelope: usize,
    /// Rows that the table had.
    rows: usize,
    /// Rows that the device once found too big for one answer, halved.
    most_rows: u32,
}

impl Habits {
    const UNKNOWN: Self =
        Self { binding_sixteenths: 0, envelope: 0, rows: 0, most_rows: MOST_ROWS_PER_REQUEST };

    /// How many rows of `columns` to ask for when `taken` are known already: what fits, and no more than the table is
    /// believed to have, with one beyond it that shows the end.
    fn rows_to_ask(&self, columns: usize, taken: usize) -> u32 {
        let fit = match self.binding_sixteenths * columns {
            0 => FIRST_ROWS,
            row => u32::try_from(LARGEST_ANSWER.saturating_sub(self.envelope) * 16 / row).unwrap_or(u32::MAX),
        };
        let left = (self.rows + 1).saturating_sub(taken);
        let wanted =
            if self.rows == 0 || left == 0 { u32::MAX } else { u32::try_from(left).unwrap_or(u32::MAX) };
        fit.min(wanted).clamp(1, self.most_rows)
    }

    fn learn(&mut self, message: usize, rows: usize, bindings: usize) {
        if let Some(mean) = (rows * 16).checked_div(bindings) {
            self.binding_sixteenths = mean;
            self.envelope = message.saturating_sub(rows);
        }
    }
}

pub(super) struct Client {
    host: String,
    port: u16,
    community: Zeroizing<String>,
    sockets: Arc<Sockets>,
    /// Forgotten after a silence, so that a changed DNS name is looked up again.
    address: Mutex<Option<SocketAddr>>,
    habits: Mutex<Habits>,
}

impl Client {
    pub(super) fn new(target: &Target, sockets: Arc<Sockets>) -> Result<Self, DeviceError> {
        let Credentials::SnmpV2c { community } = &target.credentials else {
            return Err(DeviceError::Config {
                words: "an SNMP device needs a community; none is configured".into(),
            });
        };
        Ok(Self {
            host: target.host.clone(),
            port: target.port.unwrap_or(PORT),
            community: community.clone(),
            sockets,
            address: Mutex::new(None),
            habits: Mutex::new(Habits::UNKNOWN),
        })
    }

    async fn address(&self) -> Result<SocketAddr, DeviceError> {
        let known = *self.address.lock();
        if let Some(address) = known {
            return Ok(address);
        }
        let address = crate::driver::resolve(&self.host, self.port).await?;
        *self.address.lock() = Some(address);
        Ok(address)
    }

    /// Asks once; the answer's bytes carry the request's id.
    async fn ask(&self, ask: Ask, names: &Names) -> Result<Vec<u8>, DeviceError> {
        let address = self.address().await?;
        let message = |id| pdu::request(ask, id, self.community.as_bytes(), names);
        let answered = self.sockets.exchange(address, message).await;
        if matches!(answered, Err(DeviceError::Timeout { .. })) {
            *self.address.lock() = None;
        }
        answered
    }

    /// The system group.
    pub(super) async fn system_group(&self) -> Result<System, DeviceError> {
        let mut names = Names::default();
        for object in [oid::SYS_DESCR, oid::SYS_OBJECT_ID, oid::SYS_UP_TIME, oid::SYS_NAME] {
            names.push(object, Some(0));
        }
        let message = self.ask(Ask::Get, &names).await?;
        let answer = Answer::parse(&message)?;
        well(answer.status)?;
        parse::system(&answer)
    }

    /// Walks columns of the interface tables side by side by GETBULK.
    pub(super) async fn interfaces(&self, columns: &[Column]) -> Result<InterfaceTable, DeviceError> {
        let mut habits = *self.habits.lock();
        let mut table = InterfaceTable::default();
        let mut walks: Vec<parse::Walk> = columns.iter().map(|column| parse::Walk::new(*column)).collect();
        loop {
            let open: Vec<usize> = (0..walks.len()).filter(|at| !walks[*at].ended).collect();
            if open.is_empty() {
                break;
            }
            let mut names = Names::default();
            for scalar in SCALARS {
                names.push(scalar, None);
            }
            for at in &open {
                names.push(walks[*at].column.oid(), walks[*at].last);
            }
            let repetitions = habits.rows_to_ask(open.len(), table.rows.len());
            let message = self.ask(Ask::GetBulk { once: 2, repetitions }, &names).await?;
            let answer = Answer::parse(&message)?;
            if answer.status == pdu::TOO_BIG && repetitions > 1 {
                habits.most_rows = repetitions / 2;
                self.habits.lock().most_rows = habits.most_rows;
                continue;
            }
            well(answer.status)?;
            let taken = table.take(&answer, &open, &mut walks)?;
            habits.learn(message.len(), taken.bytes, taken.bindings);
            if table.rows.len() > MOST_ROWS {
                return Err(DeviceError::Protocol { words: format!("more than {MOST_ROWS} interfaces") });
            }
        }
        habits.rows = table.rows.len();
        *self.habits.lock() = habits;
        Ok(table)
    }
}

fn well(status: i64) -> Result<(), DeviceError> {
    match status {
        0 => Ok(()),
        status => Err(DeviceError::Device { words: pdu::status_words(status).to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_asked_by_what_fits_and_what_is_left() {
        let mut habits = Habits::UNKNOWN;
        assert_eq!(habits.rows_to_ask(9, 0), FIRST_ROWS);
        // 54 bindings in 1,080 bytes: 20 bytes each, 180 a row.
        habits.learn(1_150, 1_080, 54);
        assert_eq!(habits.rows_to_ask(9, 6), 7);
        habits.rows = 24;
        assert_eq!(habits.rows_to_ask(9, 0), 7);
        assert_eq!(habits.rows_to_ask(9, 21), 4);
        // The table grew: as many as fit again.
        assert_eq!(habits.rows_to_ask(9, 25), 7);
        habits.most_rows = 3;
        assert_eq!(habits.rows_to_ask(9, 0), 3);
        habits.learn(5_000, 4_000, 1);
        assert_eq!(habits.rows_to_ask(9, 0), 1);
    }
}
