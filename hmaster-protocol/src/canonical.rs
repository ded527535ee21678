//! Rewrites a message that Java would read and prost wouldn't, so that prost reads what Java read.
//!
//! HBase's messages come from Java, C++ and Go, from newer releases and from disks; protobuf-java forgives more than
//! prost, and forgives silently. What it does, and so what is done here: a field with another wire type than its
//! own, and an unknown field, count as not there; so does a number that a closed enum doesn't have, even among
//! others in a list; a message that may stand once and stands several times is the sum of them; text that isn't
//! UTF-8 reads with replacement characters (where Java makes one of a surrogate, this makes three); overlong numbers lose their upper bits. Rare all of them, hence a
//! pass of its own.

use std::borrow::Cow;

use crate::schema::{Field, Kind, MessageTable};
use crate::wire::{DELIMITED, Fault, Reader, put_delimited, put_varint};

/// The same message for prost.
///
/// # Errors
/// None for bytes that passed [`crate::validate`].
pub(crate) fn canonical(table: &MessageTable, bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(bytes.len());
    message(table, bytes, &mut out)?;
    Ok(out)
}

fn message(table: &MessageTable, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut reader = Reader::new(bytes);
    let mut written = 0;
    while !reader.at_end() {
        let tag = reader.tag()?;
        match table.field(tag.number) {
            Some(field) if tag == field.tag() => {
                if let Kind::Message(inner) = field.kind {
                    let first = reader.delimited()?;
                    if field.bit & written == 0 {
                        submessage(field, inner, &sum(field, first, &bytes[reader.pos()..])?, out)?;
                    }
                    written |= field.bit;
                } else {
                    scalar(&mut reader, field, out)?;
                }
            }
            Some(field) if field.repeated && tag.wire_type == DELIMITED => packed(&mut reader, field, out)?,
            _ => reader.skip(tag, 0)?,
        }
    }
    Ok(())
}

fn submessage(field: &Field, inner: &MessageTable, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    put_varint(out, u64::from(field.key));
    put_delimited(out, &canonical(inner, bytes)?);
    Ok(())
}

/// All occurrences of a message that may stand once, in one: `first`, and those in `rest`.
fn sum<'a>(field: &Field, first: &'a [u8], rest: &'a [u8]) -> Result<Cow<'a, [u8]>, Fault> {
    let mut sum = Cow::Borrowed(first);
    if field.repeated {
        return Ok(sum);
    }
    let mut reader = Reader::new(rest);
    while !reader.at_end() {
        let tag = reader.tag()?;
        if tag == field.tag() {
            sum.to_mut().extend_from_slice(reader.delimited()?);
        } else {
            reader.skip(tag, 0)?;
        }
    }
    Ok(sum)
}

fn packed(reader: &mut Reader<'_>, field: &Field, out: &mut Vec<u8>) -> Result<(), Fault> {
    let outer = reader.enter()?;
    while !reader.at_end() {
        scalar(reader, field, out)?;
    }
    reader.leave(&outer);
    Ok(())
}

/// One value with its tag, also where it stood among others without one: both forms read alike.
fn scalar(reader: &mut Reader<'_>, field: &Field, out: &mut Vec<u8>) -> Result<(), Fault> {
    let tag = |out: &mut Vec<u8>| put_varint(out, u64::from(field.key));
    match field.kind {
        Kind::Varint => {
            tag(out);
            put_varint(out, reader.varint()?);
        }
        Kind::Enum(numbers) => {
            let value = reader.varint()?;
            if numbers.contains(value as i32) {
                tag(out);
                put_varint(out, value);
            }
        }
        Kind::Fixed64 => {
            tag(out);
            out.extend_from_slice(reader.take(8)?);
        }
        Kind::Fixed32 => {
            tag(out);
            out.extend_from_slice(reader.take(4)?);
        }
        Kind::Text | Kind::StrictText => {
            tag(out);
            put_delimited(out, String::from_utf8_lossy(reader.delimited()?).as_bytes());
        }
        Kind::Bytes | Kind::Message(_) => {
            tag(out);
            put_delimited(out, reader.delimited()?);
        }
    }
    Ok(())
}
