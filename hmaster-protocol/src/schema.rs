//! What the validator knows of each message: a static table of its fields, generated from the descriptors.
//!
//! Counterpart of Java's `Descriptor` and `FieldDescriptor`, as far as decoding needs them.

/// A generated message, with the table its bytes are checked by.
pub trait HBaseMessage: prost::Message + prost::Name + Default + 'static {
    /// Its fields.
    const TABLE: &'static MessageTable;
}

/// The fields of one message type.
pub struct MessageTable {
    pub(crate) full_name: &'static str,
    /// The bits of the required fields.
    pub(crate) required: u64,
    /// One entry of a map, with a key and a value.
    pub(crate) map_entry: bool,
    /// Sorted by number.
    pub(crate) fields: &'static [Field],
}

/// One field of a message type.
pub(crate) struct Field {
    pub(crate) number: u32,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) repeated: bool,
    /// A bit of its own for a required field and for a message that may stand once; otherwise 0.
    pub(crate) bit: u64,
}

/// How a field's value is written.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Every integer type and bool.
    Varint,
    Fixed32,
    Fixed64,
    Bytes,
    /// A string that Java takes whatever its bytes are.
    Text,
    /// A string that must be UTF-8: in proto3, and in maps.
    StrictText,
    /// A closed enum: Java treats an unknown number as if the field weren't there.
    Enum(&'static EnumTable),
    Message(&'static MessageTable),
}

/// The numbers of an enum, ascending.
pub(crate) struct EnumTable {
    pub(crate) values: &'static [i32],
}

impl MessageTable {
    /// Package and name, such as `hbase.pb.ServerName`.
    pub fn full_name(&self) -> &'static str {
        self.full_name
    }

    /// The names of the required fields, by number.
    pub fn required_fields(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().filter(|field| field.bit & self.required != 0).map(|field| field.name)
    }

    /// The field of this number. Most messages number their fields 1, 2, 3, which makes the first look a hit.
    pub(crate) fn field(&self, number: u32) -> Option<&'static Field> {
        let likely = (number as usize).wrapping_sub(1);
        match self.fields.get(likely) {
            Some(field) if field.number == number => Some(field),
            _ => self
                .fields
                .binary_search_by_key(&number, |field| field.number)
                .ok()
                .map(|at| &self.fields[at]),
        }
    }
}

impl std::fmt::Debug for MessageTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MessageTable").field(&self.full_name).finish()
    }
}

impl EnumTable {
    pub(crate) fn contains(&self, value: i32) -> bool {
        let first = self.values.first().copied().unwrap_or_default();
        let likely = usize::try_from(i64::from(value) - i64::from(first)).unwrap_or(usize::MAX);
        self.values.get(likely) == Some(&value) || self.values.binary_search(&value).is_ok()
    }
}

impl Kind {
    /// The wire type its values have when they stand alone.
    pub(crate) fn wire_type(self) -> u8 {
        match self {
            Self::Varint | Self::Enum(_) => crate::wire::VARINT,
            Self::Fixed64 => crate::wire::FIXED64,
            Self::Fixed32 => crate::wire::FIXED32,
            Self::Bytes | Self::Text | Self::StrictText | Self::Message(_) => crate::wire::DELIMITED,
        }
    }
}

/// The generated tables.
#[allow(dead_code, reason = "some enums number the steps of procedures and are the type of no field")]
pub(crate) mod tables {
    use super::{EnumTable, Field, HBaseMessage, Kind, MessageTable};
    use crate::pb;

    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}
