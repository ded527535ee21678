//! What the validator knows of each message: a static table of its fields, generated from the descriptors.
//!
//! Counterpart of Java's `Descriptor` and `FieldDescriptor`, as far as decoding needs them.

use crate::wire::Tag;

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
    /// The field of number 1 first. A number that no field has is a [`Field::HOLE`].
    pub(crate) fields: &'static [Field],
}

/// One field of a message type.
pub(crate) struct Field {
    /// What stands before each of its values: number and wire type. 0 for a hole.
    pub(crate) key: u32,
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

    /// The field of this number.
    #[inline]
    pub(crate) fn field(&self, number: u32) -> Option<&'static Field> {
        self.fields.get((number as usize).wrapping_sub(1)).filter(|field| field.key != 0)
    }
}

impl Field {
    /// Stands for a number that no field has.
    pub(crate) const HOLE: Self = Self { key: 0, name: "", kind: Kind::Varint, repeated: false, bit: 0 };

    /// The field's number and the wire type its values have when they stand alone.
    #[inline]
    pub(crate) fn tag(&self) -> Tag {
        Tag::of(self.key)
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

/// The generated tables.
#[allow(dead_code, reason = "some enums number the steps of procedures and are the type of no field")]
pub(crate) mod tables {
    use super::{EnumTable, Field, HBaseMessage, Kind, MessageTable};
    use crate::pb;

    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}
