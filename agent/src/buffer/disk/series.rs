//! Registered series as a value of the database: a protobuf table, compressed with zstd.
//!
//! What one device is measured for, the next one is too, so a table shrinks to a tenth. That is worth it because sled
//! keeps in memory what was written last. Databases of earlier versions hold tables that are not compressed: a table
//! never begins with zstd's magic number, so both are told apart by their first bytes.

use std::io;

use atalaya_protocol::wire;
use bytes::Bytes;
use prost::Message;

use super::DiskError;

/// First bytes of a zstd frame (RFC 8878, 3.1.1). As protobuf, 0x28 would be a field 5, which a table does not have.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A larger table is not compressed, and none is believed to be larger when it is read.
const LARGEST: usize = 8 << 20;
/// Fast; a higher one saves little on such tables.
const LEVEL: i32 = 3;

/// The value of some series.
pub(super) fn pack(entries: &[wire::SeriesEntry]) -> Result<Vec<u8>, DiskError> {
    let plain = wire::SeriesTable { epoch: Bytes::new(), entries: entries.to_vec() }.encode_to_vec();
    if plain.len() > LARGEST {
        return Ok(plain);
    }
    // Only memory can be lacking.
    zstd::bulk::compress(&plain, LEVEL).map_err(|error| DiskError::Io(io::Error::other(error)))
}

/// The series of a value.
pub(super) fn unpack(value: &[u8]) -> Result<Vec<wire::SeriesEntry>, DiskError> {
    let corrupt = |error: &dyn std::fmt::Display| DiskError::Corrupt(format!("series: {error}"));
    let table = if value.starts_with(&ZSTD_MAGIC) {
        let plain = zstd::bulk::decompress(value, LARGEST).map_err(|error| corrupt(&error))?;
        wire::SeriesTable::decode(plain.as_slice())
    } else {
        wire::SeriesTable::decode(value)
    };
    Ok(table.map_err(|error| corrupt(&error))?.entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<wire::SeriesEntry> {
        let entry = |number| wire::SeriesEntry {
            number,
            name: "interface_receive_bytes_total".into(),
            device_id: "dev_1".into(),
            labels: vec![wire::Label { name: "interface".into(), value: format!("ether{number}") }],
            ..Default::default()
        };
        (1..=256).map(entry).collect()
    }

    #[test]
    fn a_table_is_read_back_and_small() {
        let packed = pack(&entries()).unwrap();
        assert_eq!(unpack(&packed).unwrap(), entries());
        let plain = wire::SeriesTable { epoch: Bytes::new(), entries: entries() }.encoded_len();
        assert!(packed.len() * 5 < plain, "{} of {plain} bytes", packed.len());
    }

    #[test]
    fn a_table_of_an_earlier_version_is_read() {
        let plain = wire::SeriesTable { epoch: Bytes::new(), entries: entries() }.encode_to_vec();
        assert_eq!(unpack(&plain).unwrap(), entries());
    }

    #[test]
    fn damage_is_told() {
        let packed = pack(&entries()).unwrap();
        assert!(matches!(unpack(&packed[..packed.len() / 2]), Err(DiskError::Corrupt(_))));
        assert!(matches!(unpack(b"\xff\xff"), Err(DiskError::Corrupt(_))));
    }
}
