//! Regions of a new table between its split keys. Counterpart of `ModifyRegionUtils.createRegionInfos`.
//!
//! The checks are those that Java's clients make before they ask; Java's master trusts them, and with keys out of order
//! makes regions that overlap.

use bytes::Bytes;
use hmaster_types::{Cell, JavaException, RegionInfo, TableName, class, to_string_binary};

/// The regions between `keys`, in any order; one region without any.
///
/// # Errors
/// `IllegalArgumentException` for a key that is empty, is there twice, or would make a row of hbase:meta too long.
pub(super) fn regions(
    table: &TableName,
    mut keys: Vec<Bytes>,
    region_id: u64,
) -> Result<Vec<RegionInfo>, JavaException> {
    keys.sort_unstable();
    check(&keys)?;
    let starts = std::iter::once(Bytes::new()).chain(keys.iter().cloned());
    let ends = keys.iter().cloned().chain(std::iter::once(Bytes::new()));
    let regions = starts.zip(ends).map(|(start, end)| {
        RegionInfo::builder(table.clone())
            .start_key(&start[..])
            .end_key(&end[..])
            .region_id(region_id)
            .build()
    });
    regions.map(check_length).collect()
}

fn check(keys: &[Bytes]) -> Result<(), JavaException> {
    if keys.first().is_some_and(Bytes::is_empty) {
        return refuse("Empty split key must not be passed in the split keys.".into());
    }
    match keys.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            let key = to_string_binary(&pair[0]);
            refuse(format!("All split keys must be unique, found duplicate: {key}, {key}"))
        }
        None => Ok(()),
    }
}

/// The region's name becomes the key of a row.
fn check_length(region: RegionInfo) -> Result<RegionInfo, JavaException> {
    let length = region.meta_row().as_bytes().len();
    if length > Cell::ROW_BYTES_MAX {
        return refuse(format!("Row length {length} is > {}", Cell::ROW_BYTES_MAX));
    }
    Ok(region)
}

fn refuse<T>(message: String) -> Result<T, JavaException> {
    Err(JavaException::new(class::ILLEGAL_ARGUMENT, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(keys: &[&str]) -> Result<Vec<String>, String> {
        let keys = keys.iter().map(|key| Bytes::copy_from_slice(key.as_bytes())).collect();
        let regions = regions(&"t".parse().unwrap(), keys, 7).map_err(|error| error.message)?;
        let range = |region: &RegionInfo| {
            format!("{}-{}", to_string_binary(region.start_key()), to_string_binary(region.end_key()))
        };
        Ok(regions.iter().map(range).collect())
    }

    #[test]
    fn regions_lie_between_sorted_keys() {
        assert_eq!(between(&[]).unwrap(), ["-"]);
        assert_eq!(between(&["m"]).unwrap(), ["-m", "m-"]);
        assert_eq!(between(&["z", "b", "m"]).unwrap(), ["-b", "b-m", "m-z", "z-"]);
    }

    #[test]
    fn bad_keys_are_refused() {
        let long = "k".repeat(Cell::ROW_BYTES_MAX - 4);
        let cases: [(&[&str], &str); 3] = [
            (&["a", ""], "Empty split key must not be passed in the split keys."),
            (&["b", "a", "b"], "All split keys must be unique, found duplicate: b, b"),
            (&["a", &long], "Row length 32801 is > 32767"),
        ];
        for (keys, message) in cases {
            assert_eq!(between(keys).unwrap_err(), message);
        }
    }
}
