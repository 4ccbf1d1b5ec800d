//! Payloads of the log, as bytes and back.

use crate::embedded::codec::{Input, put, put_signed};
use crate::embedded::num::long;
use crate::embedded::row::{RawRow, Row};
use crate::model::{AgentKey, BatchIdentity, Column, Epoch, Labels, Mark, SeriesKind, SeriesSpec, TenantKey};

const TENANT: u8 = 1;
const SERIES: u8 = 2;
const BATCH: u8 = 3;
const TENANT_DELETED: u8 = 4;

/// A payload that was read back.
#[derive(Debug, PartialEq)]
pub(crate) enum Record {
    /// A tenant got its number.
    Tenant { number: u32, key: TenantKey },
    /// A series got its number.
    Series { tenant: u32, local: u32, spec: SeriesSpec },
    /// Samples and the identity under which they came.
    Batch(BatchRecord),
    /// Everything of this tenant before here is void.
    TenantDeleted { number: u32 },
}

/// A batch as logged: without the samples that were set aside.
#[derive(Debug, PartialEq)]
pub(crate) struct BatchRecord {
    pub(crate) tenant: u32,
    pub(crate) identity: BatchIdentity,
    pub(crate) columns: Vec<(u32, Vec<RawRow>)>,
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, long(text.len()));
    out.extend_from_slice(text.as_bytes());
}

pub(crate) fn encode_tenant(out: &mut Vec<u8>, number: u32, key: &TenantKey) {
    out.push(TENANT);
    put(out, u64::from(number));
    put_text(out, key.as_str());
}

pub(crate) fn encode_tenant_deleted(out: &mut Vec<u8>, number: u32) {
    out.push(TENANT_DELETED);
    put(out, u64::from(number));
}

pub(crate) fn encode_series(out: &mut Vec<u8>, tenant: u32, local: u32, spec: &SeriesSpec) {
    out.push(SERIES);
    put(out, u64::from(tenant));
    put(out, u64::from(local));
    out.push(match spec.kind {
        SeriesKind::Counter => 0,
        SeriesKind::Gauge => 1,
    });
    put(out, long(spec.labels.iter().count()));
    for (name, value) in spec.labels.iter() {
        put_text(out, name);
        put_text(out, value);
    }
}

/// Encodes the samples for which `accept` holds; returns how many those are.
pub(crate) fn encode_batch(
    out: &mut Vec<u8>,
    tenant: u32,
    identity: &BatchIdentity,
    columns: &[Column<'_>],
    accept: impl Fn(i64, f64) -> bool,
) -> u64 {
    out.push(BATCH);
    put(out, u64::from(tenant));
    put_text(out, identity.agent.as_str());
    out.extend_from_slice(&identity.epoch.0);
    put(out, identity.sequence);
    put(out, long(columns.len()));
    let (mut before, mut stored) = (0i64, 0u64);
    for column in columns {
        let taken = || column.times.iter().zip(column.values).filter(|&(&t, &v)| accept(t, v));
        let count = long(taken().count());
        stored += count;
        put(out, u64::from(column.series.local));
        put(out, count);
        for (&t, value) in taken() {
            put_signed(out, t.wrapping_sub(before));
            out.extend_from_slice(&value.to_le_bytes());
            before = t;
        }
        let accepted_at = |at: usize| accept(column.times[at], column.values[at]);
        let marks = || column.marks.iter().filter(|(at, _)| accepted_at(*at));
        put(out, long(marks().count()));
        for (at, mark) in marks() {
            let position = (0..*at).filter(|&earlier| accepted_at(earlier)).count();
            put(out, long(position));
            out.push(match mark {
                Mark::Reset => 1,
                Mark::Wrap32 => 2,
            });
        }
    }
    stored
}

impl Record {
    /// `None` if the payload is not one that the encoders above make.
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let mut input = Input(payload);
        let record = match input.byte()? {
            TENANT => Self::Tenant { number: input.short()?, key: TenantKey::new(input.text()?).ok()? },
            SERIES => decode_series(&mut input)?,
            BATCH => Self::Batch(decode_batch(&mut input)?),
            TENANT_DELETED => Self::TenantDeleted { number: input.short()? },
            _ => return None,
        };
        input.0.is_empty().then_some(record)
    }
}

fn decode_series(input: &mut Input<'_>) -> Option<Record> {
    let (tenant, local) = (input.short()?, input.short()?);
    let kind = match input.byte()? {
        0 => SeriesKind::Counter,
        1 => SeriesKind::Gauge,
        _ => return None,
    };
    let mut pairs = Vec::new();
    for _ in 0..input.number()? {
        pairs.push((input.text()?.to_owned(), input.text()?.to_owned()));
    }
    let labels = Labels::from_pairs(pairs).ok()?;
    Some(Record::Series { tenant, local, spec: SeriesSpec { labels, kind } })
}

fn decode_batch(input: &mut Input<'_>) -> Option<BatchRecord> {
    let tenant = input.short()?;
    let agent = AgentKey::new(input.text()?).ok()?;
    let epoch = Epoch(input.bytes(16)?.try_into().ok()?);
    let sequence = input.number()?;
    let mut columns = Vec::new();
    let mut before = 0i64;
    for _ in 0..input.number()? {
        let local = input.short()?;
        let count = input.length()?;
        if count > input.0.len() / 9 {
            return None;
        }
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            let t = before.wrapping_add(input.signed()?);
            let value = f64::from_le_bytes(input.bytes(8)?.try_into().ok()?);
            rows.push(RawRow::new(t, value, None));
            before = t;
        }
        for _ in 0..input.number()? {
            let row = rows.get_mut(input.length()?)?;
            let mark = match input.byte()? {
                1 => Mark::Reset,
                2 => Mark::Wrap32,
                _ => return None,
            };
            *row = RawRow::new(row.t(), row.value, Some(mark));
        }
        columns.push((local, rows));
    }
    Some(BatchRecord { tenant, identity: BatchIdentity { agent, epoch, sequence }, columns })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SeriesId;

    #[test]
    fn a_batch_comes_back_without_what_was_refused() {
        let series = SeriesId { tenant: 3, local: 9 };
        let marks = [(1, Mark::Reset), (2, Mark::Wrap32), (0, Mark::Reset)];
        let column = Column { series, times: &[5, 10, 20], values: &[1.0, 2.0, 3.0], marks: &marks };
        let identity =
            BatchIdentity { agent: AgentKey::new("agt").unwrap(), epoch: Epoch([7; 16]), sequence: 4 };
        let mut out = Vec::new();
        assert_eq!(encode_batch(&mut out, 3, &identity, &[column], |t, _| t != 5), 2);
        let rows = vec![RawRow::new(10, 2.0, Some(Mark::Reset)), RawRow::new(20, 3.0, Some(Mark::Wrap32))];
        let expected = BatchRecord { tenant: 3, identity, columns: vec![(9, rows)] };
        assert_eq!(Record::decode(&out), Some(Record::Batch(expected)));
        for cut in 0..out.len() {
            assert_eq!(Record::decode(&out[..cut]), None);
        }
    }
}
