//! [`RegionInfo`]: in calls, in hbase:meta, in .regioninfo files, in state data of procedures.

use bytes::Bytes;
use hmaster_types::{RegionInfo, TableName};

use super::{ConvertError, out_of_range};
use crate::pb;

impl From<&RegionInfo> for pb::RegionInfo {
    /// Sets every field, as Java does.
    fn from(region: &RegionInfo) -> Self {
        Self {
            region_id: region.region_id(),
            table_name: region.table().into(),
            start_key: Some(Bytes::copy_from_slice(region.start_key())),
            end_key: Some(Bytes::copy_from_slice(region.end_key())),
            offline: Some(region.is_offline()),
            split: Some(region.is_split()),
            replica_id: Some(i32::from(region.replica_id())),
        }
    }
}

impl TryFrom<&pb::RegionInfo> for RegionInfo {
    type Error = ConvertError;

    /// Of hbase:meta's default replica only the table's name counts, as in Java.
    fn try_from(message: &pb::RegionInfo) -> Result<Self, ConvertError> {
        let table = TableName::try_from(&message.table_name).map_err(|error| error.inside("table_name"))?;
        let replica_id = message.replica_id();
        let replica_id =
            u16::try_from(replica_id).map_err(|_| out_of_range("replica_id", "replica id", replica_id))?;
        if table.is_meta() && replica_id == 0 {
            return Ok(Self::meta());
        }
        if i64::try_from(message.region_id).is_err() {
            return Err(out_of_range("region_id", "region id", message.region_id));
        }
        Ok(Self::builder(table)
            .start_key(message.start_key())
            .end_key(message.end_key())
            .region_id(message.region_id)
            .replica_id(replica_id)
            .offline(message.offline())
            .split(message.split())
            .build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> RegionInfo {
        RegionInfo::builder("ns:t".parse().unwrap())
            .start_key(*b"a\0")
            .end_key(*b"b\xff")
            .region_id(1_700_000_000_000)
            .replica_id(2)
            .offline(true)
            .split(true)
            .build()
    }

    #[test]
    fn there_and_back() {
        let message = pb::RegionInfo::from(&region());
        let back = RegionInfo::try_from(&message).unwrap();
        assert_eq!((back.name(), back.is_split()), (region().name(), true));
        assert_eq!(back, region());
        assert_eq!(pb::RegionInfo::from(&back), message);
    }

    #[test]
    fn absent_fields_are_empty() {
        let message =
            pb::RegionInfo { region_id: 7, table_name: region().table().into(), ..Default::default() };
        let region = RegionInfo::try_from(&message).unwrap();
        assert!(region.start_key().is_empty() && region.end_key().is_empty());
        assert_eq!((region.replica_id(), region.is_offline(), region.is_split()), (0, false, false));
    }

    #[test]
    fn meta_is_known_by_its_name() {
        let meta =
            pb::RegionInfo { region_id: 99, split: Some(true), ..pb::RegionInfo::from(&RegionInfo::meta()) };
        let back = RegionInfo::try_from(&meta).unwrap();
        assert_eq!((back.region_id(), back.is_split()), (1, false));
        let replica = pb::RegionInfo::from(&RegionInfo::meta_replica(1));
        assert_eq!(RegionInfo::try_from(&replica), Ok(RegionInfo::meta_replica(1)));
    }

    #[test]
    fn errors_name_the_field() {
        let good = pb::RegionInfo::from(&region());
        let empty = pb::TableName::default();
        let table = [
            (pb::RegionInfo { replica_id: Some(-1), ..good.clone() }, "replica_id"),
            (pb::RegionInfo { replica_id: Some(65536), ..good.clone() }, "replica_id"),
            (pb::RegionInfo { region_id: u64::MAX, ..good.clone() }, "region_id"),
            (pb::RegionInfo { table_name: empty, ..good }, "table_name.qualifier"),
        ];
        for (message, field) in table {
            assert_eq!(RegionInfo::try_from(&message).expect_err(field).field, field);
        }
    }
}
