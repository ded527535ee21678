//! Whether a schema makes sense. Counterpart of `TableDescriptorChecker`.
//!
//! What is wrong is found in Java's order and said in Java's words. Most of it may be allowed all the same, by
//! `hbase.table.sanity.checks` in the configuration or in the table.
//!
//! Differs from Java in that classes can't be loaded: those of split policies and compression are checked by name
//! ([`classes`]), those of coprocessors and key providers not at all. In return, encodings of blocks are checked, too: a
//! region with one that no region server knows would never open.

mod classes;
mod family;
mod numbers;

use hmaster_config::Options;
use hmaster_types::{JavaException, TableDescriptor, attribute, class};

use numbers::{long, not_numbers};

/// The key that switches checks off.
const SANITY_CHECKS: &str = "hbase.table.sanity.checks";

/// Something that is wrong with a schema.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    message: String,
    /// Whether it is only a warning when checks are switched off.
    may_pass: bool,
}

/// A schema, and the configuration that holds where it says nothing.
struct Subject<'a> {
    schema: &'a TableDescriptor,
    options: &'a Options,
}

/// Checks a schema before a table is created or altered.
///
/// # Errors
/// `DoNotRetryIOException` with the first thing that is wrong.
pub fn check(schema: &TableDescriptor, options: &Options) -> Result<(), JavaException> {
    let subject = Subject { schema, options };
    let lenient = !subject.flag(SANITY_CHECKS, options.tables.sanity_checks);
    for finding in subject.findings() {
        if !lenient || !finding.may_pass {
            return Err(refusal(&finding.message));
        }
        tracing::warn!(table = %schema.name(), "{}", finding.message);
    }
    Ok(())
}

/// Checks what holds for new tables only. Counterpart of `StoreFileTrackerValidationUtils.checkForCreateTable`, with
/// [`check_tiers`].
///
/// # Errors
/// `DoNotRetryIOException` with the first thing that is wrong.
pub fn check_new(schema: &TableDescriptor, options: &Options) -> Result<(), JavaException> {
    let subject = Subject { schema, options };
    let tracked = schema.families().find_map(|family| subject.new_family(family));
    match tracked {
        Some(message) => Err(JavaException::new(class::DO_NOT_RETRY_IO, message)),
        None => check_tiers(schema),
    }
}

/// Checks families whose cells go to tiers by a value of their own. Counterpart of
/// `CustomCellTieredUtils.checkForModifyTable`.
///
/// # Errors
/// `DoNotRetryIOException` when one doesn't say by which.
pub fn check_tiers(schema: &TableDescriptor) -> Result<(), JavaException> {
    match schema.families().find_map(family::untiered) {
        Some(message) => Err(JavaException::new(class::DO_NOT_RETRY_IO, message)),
        None => Ok(()),
    }
}

fn refusal(message: &str) -> JavaException {
    let hint = format!(
        "Set {SANITY_CHECKS} to false at conf or table descriptor if you want to bypass sanity checks"
    );
    JavaException::new(class::DO_NOT_RETRY_IO, format!("{message} {hint}"))
}

fn may_pass(message: impl Into<String>) -> Finding {
    Finding { message: message.into(), may_pass: true }
}

fn never_passes(message: impl Into<String>) -> Finding {
    Finding { message: message.into(), may_pass: false }
}

impl Subject<'_> {
    fn findings(&self) -> Vec<Finding> {
        let table = |key: &str| self.text(key);
        let mut findings: Vec<_> = not_numbers(table).into_iter().map(may_pass).collect();
        for family in self.schema.families() {
            findings.extend(not_numbers(|key| family::text(family, key)).into_iter().map(may_pass));
        }
        findings.extend(self.region_size());
        findings.extend(self.flush_size());
        findings.extend(self.split_policy());
        if self.flag("hbase.master.check.compression", self.options.tables.check_compression) {
            findings.extend(self.schema.families().filter_map(family::compression));
        }
        findings.extend(self.compaction_policy());
        if self.schema.families().len() == 0 {
            findings.push(may_pass("Table should have at least one column family."));
        }
        if self.replication() < 1 {
            findings.push(may_pass("Table region replication should be at least one."));
        }
        if self.schema.name().is_meta() && self.flag(attribute::READONLY, false) {
            findings.push(never_passes("Meta table can't be set as read only."));
        }
        findings.extend(self.schema.families().flat_map(family::findings));
        findings.extend(self.data_tiering());
        findings
    }

    /// The table's own setting of a key.
    fn text(&self, key: &str) -> Option<String> {
        self.schema.attribute(key).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    fn flag(&self, key: &str, otherwise: bool) -> bool {
        match self.text(key).map(|text| text.trim().to_ascii_lowercase()).as_deref() {
            Some("true") => true,
            Some("false") => false,
            _ => otherwise,
        }
    }

    /// The table's own setting of a key, or the configuration's; an error when it isn't a number.
    fn number(&self, key: &str, otherwise: i64) -> Result<i64, Finding> {
        let Some(text) = self.text(key) else { return Ok(otherwise) };
        long(&text).ok_or_else(|| never_passes(format!("{key} is not a number: \"{text}\".")))
    }

    fn replication(&self) -> i64 {
        self.number(attribute::REGION_REPLICATION, 1).unwrap_or(0)
    }

    fn region_size(&self) -> Option<Finding> {
        let tables = &self.options.tables;
        let configured = self.number("hbase.hregion.max.filesize", tables.region_bytes_max);
        let size = configured.and_then(|configured| self.number(attribute::MAX_FILESIZE, configured));
        let limit = self.number("hbase.hregion.max.filesize.limit", tables.region_bytes_max_limit);
        match (size, limit) {
            (Err(finding), _) | (_, Err(finding)) => Some(finding),
            (Ok(size), Ok(limit)) => (size < limit).then(|| {
                may_pass(format!(
                    "MAX_FILESIZE for table descriptor or \"hbase.hregion.max.filesize\" ({size}) is too small, which \
                     might cause over splitting into unmanageable number of regions."
                ))
            }),
        }
    }

    fn flush_size(&self) -> Option<Finding> {
        let tables = &self.options.tables;
        let configured = self.number("hbase.hregion.memstore.flush.size", tables.flush_bytes);
        let size = configured.and_then(|configured| self.number(attribute::MEMSTORE_FLUSHSIZE, configured));
        let limit = self.number("hbase.hregion.memstore.flush.size.limit", tables.flush_bytes_limit);
        match (size, limit) {
            (Err(finding), _) | (_, Err(finding)) => Some(finding),
            (Ok(size), Ok(limit)) => (size < limit).then(|| {
                may_pass(format!(
                    "MEMSTORE_FLUSHSIZE for table descriptor or \"hbase.hregion.memstore.flush.size\" ({size}) is too \
                     small, which might cause very frequent flushing."
                ))
            }),
        }
    }
}

#[cfg(test)]
mod tests;
