//! Names the required fields that a message lacks. Counterpart of `MessageReflection.findMissingFields`.

use std::fmt;

use crate::schema::{Field, Kind, MessageTable};
use crate::wire::{Fault, Reader};

/// Paths of required fields that aren't there, such as `server.host_name` or `region_info[2].table_name`.
///
/// In Java's order: first the message's own, then those of the messages in it, by field number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingFields {
    paths: Vec<String>,
    more: bool,
}

impl MissingFields {
    /// Java names all; a report of a thousand regions that all lack their names is told by the first few.
    pub const PATHS_MAX: usize = 20;

    /// The first [`MissingFields::PATHS_MAX`] paths.
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Finds them in bytes that [`crate::validate`] took for a message, each of whose single fields stands once.
    pub(crate) fn find(table: &MessageTable, bytes: &[u8]) -> Result<Self, Fault> {
        let mut missing = Self { paths: Vec::new(), more: false };
        missing.message(table, bytes, "")?;
        Ok(missing)
    }

    fn message(&mut self, table: &MessageTable, bytes: &[u8], prefix: &str) -> Result<(), Fault> {
        let present = present(table, bytes)?;
        for field in table.fields.iter().filter(|field| field.bit & table.required & !present != 0) {
            match field.kind {
                // Java fills in an empty value, and names what that lacks.
                Kind::Message(value) if table.map_entry => {
                    self.message(value, &[], &format!("{prefix}{}.", field.name))?;
                }
                _ => self.add(format!("{prefix}{}", field.name)),
            }
        }
        for field in table.fields {
            if let Kind::Message(inner) = field.kind {
                self.submessages(field, inner, bytes, prefix)?;
            }
        }
        Ok(())
    }

    fn submessages(
        &mut self,
        field: &Field,
        inner: &MessageTable,
        bytes: &[u8],
        prefix: &str,
    ) -> Result<(), Fault> {
        let mut reader = Reader::new(bytes);
        let mut index = 0;
        while !reader.at_end() && !self.more {
            let tag = reader.tag()?;
            if tag != field.tag() {
                reader.skip(tag, 0)?;
                continue;
            }
            let name = field.name;
            let prefix =
                if field.repeated { format!("{prefix}{name}[{index}].") } else { format!("{prefix}{name}.") };
            self.message(inner, reader.delimited()?, &prefix)?;
            index += 1;
        }
        Ok(())
    }

    fn add(&mut self, path: String) {
        if self.paths.len() < Self::PATHS_MAX {
            self.paths.push(path);
        } else {
            self.more = true;
        }
    }
}

/// The bits of the fields that are set.
fn present(table: &MessageTable, bytes: &[u8]) -> Result<u64, Fault> {
    let mut reader = Reader::new(bytes);
    let mut present = 0;
    while !reader.at_end() {
        let tag = reader.tag()?;
        match table.field(tag.number) {
            Some(field) if tag == field.tag() => match field.kind {
                Kind::Enum(numbers) if !numbers.contains(reader.varint()? as i32) => {}
                Kind::Enum(_) => present |= field.bit,
                _ => {
                    reader.skip(tag, 0)?;
                    present |= field.bit;
                }
            },
            _ => reader.skip(tag, 0)?,
        }
    }
    Ok(present)
}

impl fmt::Display for MissingFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.paths.join(", "))?;
        if self.more { f.write_str(", and more") } else { Ok(()) }
    }
}
