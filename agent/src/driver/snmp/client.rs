//! How a device is asked: one GET for the system group, tables by GETBULK with several columns side by side. Knows
//! nothing of what the values mean.
//!
//! The interface tables have a walk of their own, compiled column by column: every device has them and they are asked
//! most. Everything else goes through [`TableWalk`].

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::habits::Habits;
use super::oid::{self, Column};
use super::parse::{self, InterfaceTable, System};
use super::pdu::{self, Answer, Ask, Names, Value};
use super::socket::Sockets;
use super::walk::{Held, MOST_ROWS, TableWalk};
use crate::driver::{Credentials, DeviceError, Target};

const PORT: u16 = 161;
/// Objects of one GET: what fits a datagram with texts among them.
const MOST_OBJECTS: usize = 20;
/// Silences of one walk or one reading that are answered by asking for less. Each took seconds already: one more and the
/// device is rather down, and if it is not, the next measurement begins with less.
const MOST_SILENCES: usize = 2;
/// Every table request also asks for these two, so that counters and uptime are of one moment.
const SCALARS: [&[u8]; 2] = [oid::SYS_UP_TIME, oid::SNMP_ENGINE_TIME];

pub(super) struct Client {
    host: String,
    port: u16,
    community: Zeroizing<String>,
    sockets: Arc<Sockets>,
    /// Forgotten after a silence, so that a changed DNS name is looked up again.
    address: Mutex<Option<SocketAddr>>,
    habits: Mutex<Habits>,
    /// Of GETs, where objects stand for rows.
    object_habits: Mutex<Habits>,
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
            object_habits: Mutex::new(Habits::UNKNOWN),
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

    /// Walks columns of the interface tables side by side: by GETBULK, or row by row where the device lacks it.
    pub(super) async fn interfaces(
        &self,
        columns: &[Column],
        bulk: bool,
    ) -> Result<InterfaceTable, DeviceError> {
        let mut habits = *self.habits.lock();
        let mut table = InterfaceTable::default();
        let mut walks: Vec<parse::Walk> = columns.iter().map(|column| parse::Walk::new(*column)).collect();
        let mut silences = 0;
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
            let repetitions = if bulk { habits.rows_to_ask(open.len(), table.rows.len()) } else { 1 };
            let ask = if bulk { Ask::GetBulk { once: 2, repetitions } } else { Ask::GetNext };
            let message = match self.ask(ask, &names).await {
                Ok(message) => message,
                Err(error @ DeviceError::Timeout { .. }) => {
                    if table.rows.is_empty() {
                        self.habits.lock().silent_from_the_start(repetitions);
                        return Err(error);
                    }
                    // It answered a moment ago: so many rows choke it.
                    let fewer = habits.silent(repetitions);
                    *self.habits.lock() = habits;
                    silences += 1;
                    if fewer && silences < MOST_SILENCES {
                        continue;
                    }
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            let answer = Answer::parse(&message)?;
            if answer.status == pdu::TOO_BIG && habits.too_big(repetitions) {
                *self.habits.lock() = habits;
                continue;
            }
            well(answer.status)?;
            let taken = table.take(&answer, &open, &mut walks)?;
            habits.learn(message.len(), taken.bytes, taken.bindings);
            if table.rows.len() > MOST_ROWS {
                return Err(DeviceError::Protocol { words: format!("more than {MOST_ROWS} interfaces") });
            }
        }
        habits.ended(table.rows.len());
        *self.habits.lock() = habits;
        Ok(table)
    }

    /// Uptime and engine time alone, of a device whose interfaces are not asked for.
    pub(super) async fn uptime(&self) -> Result<InterfaceTable, DeviceError> {
        let mut names = Names::default();
        for scalar in SCALARS {
            names.push(scalar, Some(0));
        }
        let message = self.ask(Ask::Get, &names).await?;
        let answer = Answer::parse(&message)?;
        well(answer.status)?;
        let mut table = InterfaceTable::default();
        table.take_times(&mut answer.bindings())?;
        Ok(table)
    }

    /// The values of objects, in their order; `None` for what the device does not have or cannot say. A device that
    /// refuses a long question is asked in shorter ones, now and later; one that is silent to it, for a while.
    pub(super) async fn get(&self, objects: &[Vec<u8>]) -> Result<Vec<Option<Held>>, DeviceError> {
        let mut values = vec![None; objects.len()];
        let (mut first, mut silences) = (0, 0);
        while first < objects.len() {
            let most = self.object_habits.lock().most().min(MOST_OBJECTS);
            let asked = &objects[first..objects.len().min(first + most)];
            let count = u32::try_from(asked.len()).unwrap_or(u32::MAX);
            let mut names = Names::default();
            for object in asked {
                names.push_row(object, &[]);
            }
            let message = match self.ask(Ask::Get, &names).await {
                Ok(message) => message,
                Err(error @ DeviceError::Timeout { .. }) => {
                    let shorter = self.object_habits.lock().silent(count);
                    silences += 1;
                    if shorter && silences < MOST_SILENCES {
                        continue;
                    }
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            let answer = Answer::parse(&message)?;
            // An error status speaks for the whole question; alone it speaks for one object, which then is not there.
            if answer.status != 0 && count > 1 {
                self.object_habits.lock().too_big(count);
                continue;
            }
            for binding in answer.bindings() {
                let binding = binding?;
                // Two metrics may be made of one object.
                let same =
                    values.iter_mut().skip(first).zip(asked).filter(|(_, object)| *object == binding.name);
                same.for_each(|(value, _)| *value = Held::of(binding.value));
            }
            first += asked.len();
        }
        self.object_habits.lock().ended(objects.len());
        Ok(values)
    }

    /// For each subtree whether the device has anything in it.
    pub(super) async fn has(&self, subtrees: &[Vec<u8>]) -> Result<Vec<bool>, DeviceError> {
        let mut has = Vec::with_capacity(subtrees.len());
        for asked in subtrees.chunks(MOST_OBJECTS) {
            let mut names = Names::default();
            for subtree in asked {
                names.push_row(subtree, &[]);
            }
            let message = self.ask(Ask::GetNext, &names).await?;
            let answer = Answer::parse(&message)?;
            well(answer.status)?;
            let mut bindings = answer.bindings();
            for subtree in asked {
                let Some(binding) = bindings.next() else {
                    return Err(DeviceError::Protocol { words: "a GETNEXT was answered in part".into() });
                };
                let binding = binding?;
                has.push(
                    binding.name.starts_with(subtree)
                        && !matches!(binding.value, Value::EndOfMibView | Value::Missing),
                );
            }
        }
        Ok(has)
    }

    /// One request of a walk. What the device finds too big, or answers with silence in the middle of a walk, is asked
    /// for again with fewer rows at the next step.
    pub(super) async fn advance(
        &self,
        walk: &mut TableWalk,
        habits: &mut Habits,
        bulk: bool,
    ) -> Result<(), DeviceError> {
        let repetitions = if bulk { habits.rows_to_ask(walk.open(), walk.rows()) } else { 1 };
        let ask = if bulk { Ask::GetBulk { once: 0, repetitions } } else { Ask::GetNext };
        let message = match self.ask(ask, &walk.names()).await {
            Ok(message) => message,
            Err(DeviceError::Timeout { .. }) if habits.silent(repetitions) => return Ok(()),
            Err(error) => return Err(error),
        };
        let answer = Answer::parse(&message)?;
        if answer.status == pdu::TOO_BIG && habits.too_big(repetitions) {
            return Ok(());
        }
        well(answer.status)?;
        let taken = walk.take(&answer)?;
        habits.learn(message.len(), taken.bytes, taken.bindings);
        if walk.ended() {
            habits.ended(walk.rows());
        }
        Ok(())
    }
}

fn well(status: i64) -> Result<(), DeviceError> {
    match status {
        0 => Ok(()),
        status => Err(DeviceError::Device { words: pdu::status_words(status).to_owned() }),
    }
}
