//! Rows that the test can account for: known sets, writers that remember what was acknowledged,
//! and the comparison of a whole table with both.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Client;
use super::admin::from;

/// A set of rows that anyone can compute again from these numbers. The keys are 16 hexadecimal
/// digits, evenly spread; the column is `f:q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RowSet {
    /// Sets of different seeds have different rows.
    pub seed: u64,
    /// The number of the first row.
    pub from: u64,
    /// How many rows.
    pub count: u64,
}

impl RowSet {
    /// Rows 0 to `count` of a seed. Seeds below 2³² keep clear of what JSON and Java can't tell apart.
    pub fn new(seed: u32, count: u64) -> Self {
        Self { seed: seed.into(), from: 0, count }
    }
}

/// `regions - 1` split keys that divide the rows of a [`RowSet`] evenly.
pub fn hex_splits(regions: u32) -> Vec<String> {
    (1..regions).map(|i| format!("{:04x}", u64::from(i) * 0x1_0000 / u64::from(regions))).collect()
}

/// A row that was read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// The key.
    pub row: String,
    /// Values by column, `family:qualifier`.
    pub columns: BTreeMap<String, String>,
}

/// How a table compares with what it should hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Rows that should be there; of those whose write has no known outcome the ones that are.
    pub expected: u64,
    /// Rows that are there.
    pub found: u64,
    /// A checksum over the keys and values that should be there.
    pub expected_checksum: u64,
    /// A checksum over those that are there.
    pub found_checksum: u64,
    /// How many rows differ, by kind: `missing`, `unexpected`, `wrong value`, `out of order or twice`.
    pub differences: BTreeMap<String, u64>,
    /// The first difference that was found.
    pub first: Option<String>,
}

impl Verification {
    /// Fails if there is any difference.
    pub fn check(&self) -> Result<()> {
        let same = self.differences.is_empty() && self.expected == self.found;
        ensure!(same, "the table differs from what was written: {self:?}");
        // Checksums go by order of reading; with no difference both went over the same rows.
        ensure!(self.expected_checksum == self.found_checksum, "checksums differ: {self:?}");
        Ok(())
    }
}

/// A writer that goes on in the background. Stop it before the comparison, or rows that arrive
/// while that reads count as unexpected.
#[derive(Clone, Debug)]
pub struct Writer {
    client: Client,
    name: String,
}

/// How far a writer got.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WriterReport {
    /// Rows whose write returned: they must be there.
    pub acknowledged: u64,
    /// Rows whose write was begun; those without acknowledgement may or may not be there.
    pub attempted: u64,
    /// The longest time between two acknowledgements in milliseconds.
    pub longest_gap_ms: u64,
    /// The time since the last one.
    pub since_last_ack_ms: u64,
    /// What the last failed write threw.
    pub last_error: Option<String>,
}

impl Writer {
    /// How far the writer got up to now.
    pub async fn report(&self) -> Result<WriterReport> {
        from(self.client.call("writer", json!({ "name": self.name })).await?)
    }

    /// Ends the writer after its current write.
    pub async fn stop(&self) -> Result<WriterReport> {
        from(self.client.call("stopWriter", json!({ "name": self.name })).await?)
    }
}

/// A reader that goes on in the background over a [`RowSet`] that is there.
#[derive(Clone, Debug)]
pub struct Reader {
    client: Client,
    name: String,
}

/// How far a reader got.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReaderReport {
    /// Rows that were read.
    pub read: u64,
    /// How many of them were missing or had another value.
    pub wrong: u64,
    /// The longest time between two of them in milliseconds.
    pub longest_gap_ms: u64,
    /// What the last failed read threw.
    pub last_error: Option<String>,
}

impl Reader {
    /// How far the reader got up to now.
    pub async fn report(&self) -> Result<ReaderReport> {
        from(self.client.call("reader", json!({ "name": self.name })).await?)
    }

    /// Ends the reader after its current read.
    pub async fn stop(&self) -> Result<ReaderReport> {
        from(self.client.call("stopReader", json!({ "name": self.name })).await?)
    }
}

impl Client {
    /// Writes rows; all are acknowledged when this returns.
    pub async fn put_rows(&self, table: &str, rows: RowSet) -> Result<()> {
        let RowSet { seed, from, count } = rows;
        let args = json!({ "table": table, "seed": seed, "from": from, "count": count });
        self.call("putRows", args).await.map(drop)
    }

    /// Reads a whole table and compares it with `sets` and with what `writers` of this client wrote.
    pub async fn verify_rows(
        &self,
        table: &str,
        sets: &[RowSet],
        writers: &[&Writer],
    ) -> Result<Verification> {
        let writers: Vec<&str> = writers.iter().map(|writer| writer.name.as_str()).collect();
        from(self.call("verifyRows", json!({ "table": table, "sets": sets, "writers": writers })).await?)
    }

    /// Starts a writer of the rows of `seed`, one at a time, `pause_ms` apart.
    pub async fn start_writer(&self, table: &str, seed: u32, pause_ms: u64) -> Result<Writer> {
        let name = format!("{table}-{seed}");
        let args = json!({ "name": name, "table": table, "seed": seed, "pauseMs": pause_ms });
        self.call("startWriter", args).await?;
        Ok(Writer { client: self.clone(), name })
    }

    /// Starts a reader of rows that are there, one at a time, again and again.
    pub async fn start_reader(&self, table: &str, rows: RowSet) -> Result<Reader> {
        let name = format!("{table}-{}", rows.seed);
        let args = json!({ "name": name, "table": table, "seed": rows.seed, "count": rows.count });
        self.call("startReader", args).await?;
        Ok(Reader { client: self.clone(), name })
    }

    /// Writes one row, e.g. with columns `[("f:q", "value")]`.
    pub async fn put(&self, table: &str, row: &str, columns: &[(&str, &str)]) -> Result<()> {
        let columns: BTreeMap<_, _> = columns.iter().copied().collect();
        self.call("put", json!({ "table": table, "row": row, "columns": columns })).await.map(drop)
    }

    /// The columns of one row, none if there is no such row.
    pub async fn get(&self, table: &str, row: &str) -> Result<BTreeMap<String, String>> {
        from(self.call("get", json!({ "table": table, "row": row })).await?)
    }

    /// All rows of a table in order.
    pub async fn scan(&self, table: &str) -> Result<Vec<Row>> {
        self.scan_with(json!({ "table": table })).await
    }

    /// Rows in order; besides `table` the object may hold `start`, `stop`, `prefix` and `limit`.
    pub async fn scan_with(&self, args: Value) -> Result<Vec<Row>> {
        from(self.call("scan", args).await?)
    }

    /// The rows of hbase:meta.
    pub async fn meta(&self) -> Result<Vec<Row>> {
        self.scan("hbase:meta").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_splits_are_even_and_in_order() {
        assert_eq!(hex_splits(4), ["4000", "8000", "c000"]);
        assert!(hex_splits(1).is_empty());
        assert!(hex_splits(300).is_sorted_by(|a, b| a < b), "no key twice");
    }
}
