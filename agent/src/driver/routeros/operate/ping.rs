//! `/ping`: one row per echo request.
//!
//! Attributes as in the RouterOS manual (Tools, Ping). From memory and configurable nowhere, because nothing depends on
//! them: that a row without an answer carries `status` and no `time`, and that the summary repeats in each row.

use atalaya_protocol::wire;

use super::super::client::{Client, Command, Row};
use super::super::parse;
use super::{address, bounded, ended};
use crate::driver::{DeviceError, Output};

const DEFAULT_COUNT: u32 = 4;
const MOST_COUNT: u32 = 100;
/// Bytes of the packet, IP header included: less the router refuses, more does not fit its buffers.
const SIZES: std::ops::RangeInclusive<u32> = 28..=65_535;

pub(super) async fn run(client: &Client, order: &wire::Ping, output: &dyn Output) -> Result<(), DeviceError> {
    let address = address(&order.address)?;
    let count = bounded(order.count, DEFAULT_COUNT, MOST_COUNT);
    let mut command =
        Command::new("/ping").with("address", &address.to_string()).with("count", &count.to_string());
    if order.size != 0 {
        if !SIZES.contains(&order.size) {
            return Err(DeviceError::Config { words: format!("{} bytes are no packet", order.size) });
        }
        command = command.with("size", &order.size.to_string());
    }
    let mut rows = client.stream(&command).await?;
    loop {
        match rows.next().await {
            Ok(Some(row)) => {
                // The last row of some versions is the summary alone.
                let Some(reply) = reply(&row) else { continue };
                let replies = wire::EchoReplies { replies: vec![reply] };
                output.put(wire::job_part::Content::Echoes(replies)).await?;
            }
            Ok(None) => return Ok(()),
            Err(error) => return ended(error),
        }
    }
}

fn reply(row: &Row) -> Option<wire::EchoReply> {
    let sequence = row.text("seq").parse().ok()?;
    let number = |name: &str| row.text(name).parse().unwrap_or(0);
    let time = parse::duration(row.text("time"));
    Some(wire::EchoReply {
        sequence,
        host: row.text("host").to_owned(),
        round_trip_us: time.and_then(|time| u64::try_from(time.as_micros()).ok()),
        ttl: number("ttl"),
        size: number("size"),
        words: row.text("status").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_silences() {
        let answer = reply(&Row::from([
            ("seq", "0"),
            ("host", "192.0.2.9"),
            ("size", "56"),
            ("ttl", "63"),
            ("time", "1ms234us"),
            ("sent", "1"),
        ]));
        let answer = answer.unwrap();
        assert_eq!((answer.round_trip_us, answer.ttl, answer.size), (Some(1_234), 63, 56));
        assert_eq!(answer.words, "");
        let silence =
            reply(&Row::from([("seq", "1"), ("host", "192.0.2.9"), ("status", "timeout"), ("sent", "2")]));
        let silence = silence.unwrap();
        assert_eq!((silence.sequence, silence.round_trip_us, silence.words.as_str()), (1, None, "timeout"));
        assert_eq!(reply(&Row::from([("sent", "2"), ("packet-loss", "50")])), None);
    }
}
