//! Makes bytes for any message: valid ones, and ones that are wrong in the ways that wires, disks and newer releases
//! have. From descriptors alone, so that neither prost nor the validator has a say in them; by a seed, so that a
//! failure repeats.

use std::collections::BTreeMap;

use fastrand::Rng;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    MessageOptions,
};

/// Beyond it only required messages are nested further.
const DEPTH_MAX: u32 = 4;

/// All messages and enums by full name.
pub(crate) struct Corpus {
    messages: BTreeMap<String, DescriptorProto>,
    enums: BTreeMap<String, Vec<i32>>,
}

/// How likely each oddity is, at each place where it could be.
#[derive(Clone, Copy)]
pub(crate) struct Chaos(pub(crate) f64);

impl Corpus {
    pub(crate) fn new(files: &FileDescriptorSet) -> Self {
        let mut corpus = Self { messages: BTreeMap::new(), enums: BTreeMap::new() };
        for file in &files.file {
            let scope =
                if file.package().is_empty() { String::new() } else { format!(".{}", file.package()) };
            file.message_type.iter().for_each(|message| corpus.add_message(message, &scope));
            file.enum_type.iter().for_each(|enumeration| corpus.add_enum(enumeration, &scope));
        }
        corpus
    }

    fn add_message(&mut self, message: &DescriptorProto, scope: &str) {
        let name = format!("{scope}.{}", message.name());
        message.nested_type.iter().for_each(|nested| self.add_message(nested, &name));
        message.enum_type.iter().for_each(|enumeration| self.add_enum(enumeration, &name));
        self.messages.insert(name, message.clone());
    }

    fn add_enum(&mut self, enumeration: &EnumDescriptorProto, scope: &str) {
        let values = enumeration.value.iter().map(EnumValueDescriptorProto::number).collect();
        self.enums.insert(format!("{scope}.{}", enumeration.name()), values);
    }

    /// Bytes of the message with this full name. Without chaos they are valid.
    pub(crate) fn message(&self, rng: &mut Rng, full_name: &str, chaos: Chaos) -> Vec<u8> {
        self.at_depth(rng, &format!(".{full_name}"), chaos, 0)
    }

    fn at_depth(&self, rng: &mut Rng, name: &str, chaos: Chaos, depth: u32) -> Vec<u8> {
        let message = &self.messages[name];
        let mut fields: Vec<_> = message.field.iter().collect();
        let map_entry = message.options.as_ref().is_some_and(MessageOptions::map_entry);
        if chaos.strikes(rng) {
            rng.shuffle(&mut fields);
        }
        let mut out = Vec::new();
        for field in fields {
            if chaos.strikes(rng) {
                unknown_field(rng, &mut out, 0);
            }
            // A map's value that isn't there is an empty message, which may lack required fields.
            let times = if map_entry && !chaos.strikes(rng) { 1 } else { times(rng, field, chaos, depth) };
            for _ in 0..times {
                self.field(rng, field, chaos, depth, &mut out);
            }
        }
        out
    }

    fn field(
        &self,
        rng: &mut Rng,
        field: &FieldDescriptorProto,
        chaos: Chaos,
        depth: u32,
        out: &mut Vec<u8>,
    ) {
        let number = field.number() as u32;
        if chaos.strikes(rng) {
            return other_wire_type(rng, number, out);
        }
        let wire_type = wire_type(field.r#type());
        if field.label() == Label::Repeated && wire_type != 2 && rng.bool() {
            let mut packed = Vec::new();
            (0..rng.u32(0..4)).for_each(|_| self.value(rng, field, chaos, depth, &mut packed));
            put_tag(number, 2, chaos, rng, out);
            return put_delimited(&packed, chaos, rng, out);
        }
        put_tag(number, wire_type, chaos, rng, out);
        self.value(rng, field, chaos, depth, out);
    }

    fn value(
        &self,
        rng: &mut Rng,
        field: &FieldDescriptorProto,
        chaos: Chaos,
        depth: u32,
        out: &mut Vec<u8>,
    ) {
        match field.r#type() {
            Type::Double | Type::Fixed64 | Type::Sfixed64 => out.extend(rng.u64(..).to_le_bytes()),
            Type::Float | Type::Fixed32 | Type::Sfixed32 => out.extend(f32::to_le_bytes(rng.f32())),
            Type::String => put_delimited(&text(rng, chaos), chaos, rng, out),
            Type::Bytes => put_delimited(&random_bytes(rng), chaos, rng, out),
            Type::Message | Type::Group => {
                let inner = self.at_depth(rng, field.type_name(), chaos, depth + 1);
                put_delimited(&inner, chaos, rng, out);
            }
            Type::Enum if chaos.strikes(rng) => put_varint(number(rng), chaos, rng, out),
            Type::Enum => {
                let values = &self.enums[field.type_name()];
                put_varint(i64::from(values[rng.usize(..values.len())]) as u64, chaos, rng, out);
            }
            _ => put_varint(number(rng), chaos, rng, out),
        }
    }
}

impl Chaos {
    fn strikes(self, rng: &mut Rng) -> bool {
        rng.f64() < self.0
    }
}

/// Changes bytes without knowing what they mean.
pub(crate) fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.u32(1..4) {
        let at = rng.usize(..=bytes.len());
        match rng.u32(..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, rng.u8(..)),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 if at < bytes.len() => bytes[at] ^= 1 << rng.u32(..8),
            _ if at < bytes.len() => {
                bytes[at] = *rng.choice(&[0, 1, 0x7f, 0x80, 0xff]).expect("five of them");
            }
            _ => bytes.push(rng.u8(..)),
        }
    }
}

fn times(rng: &mut Rng, field: &FieldDescriptorProto, chaos: Chaos, depth: u32) -> u32 {
    let message = field.r#type() == Type::Message;
    match field.label() {
        Label::Required if chaos.strikes(rng) => 0,
        Label::Required if message && chaos.strikes(rng) => 2,
        Label::Required => 1,
        _ if message && depth >= DEPTH_MAX => 0,
        Label::Repeated => rng.u32(..3),
        Label::Optional if chaos.strikes(rng) => 2,
        Label::Optional => rng.u32(..2),
    }
}

fn wire_type(kind: Type) -> u32 {
    match kind {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => 1,
        Type::Float | Type::Fixed32 | Type::Sfixed32 => 5,
        Type::String | Type::Bytes | Type::Message => 2,
        Type::Group => 3,
        _ => 0,
    }
}

fn other_wire_type(rng: &mut Rng, number: u32, out: &mut Vec<u8>) {
    let chaos = Chaos(0.0);
    let wire_type = *rng.choice(&[0, 1, 2, 3, 5]).expect("five of them");
    put_tag(number, wire_type, chaos, rng, out);
    match wire_type {
        0 => put_varint(number_of_any_size(rng), chaos, rng, out),
        1 => out.extend(rng.u64(..).to_le_bytes()),
        2 => put_delimited(&random_bytes(rng), chaos, rng, out),
        3 => put_tag(number, 4, chaos, rng, out),
        _ => out.extend(rng.u32(..).to_le_bytes()),
    }
}

fn unknown_field(rng: &mut Rng, out: &mut Vec<u8>, depth: u32) {
    let number = rng.u32(500..600);
    if depth < 3 && rng.bool() {
        put_tag(number, 3, Chaos(0.0), rng, out);
        unknown_field(rng, out, depth + 1);
        return put_tag(number, 4, Chaos(0.0), rng, out);
    }
    other_wire_type(rng, number, out);
}

fn number(rng: &mut Rng) -> u64 {
    if rng.bool() { rng.u64(..200) } else { number_of_any_size(rng) }
}

fn number_of_any_size(rng: &mut Rng) -> u64 {
    rng.u64(..) >> rng.u32(..64)
}

fn random_bytes(rng: &mut Rng) -> Vec<u8> {
    (0..rng.usize(..6)).map(|_| rng.u8(..)).collect()
}

fn text(rng: &mut Rng, chaos: Chaos) -> Vec<u8> {
    let mut text =
        (*rng.choice(&["", "a", "region", "täbelle", "𝄞"]).expect("five of them")).as_bytes().to_vec();
    if chaos.strikes(rng) {
        text.extend(
            rng.choice(&[&b"\xff"[..], b"\xc3", b"\xe2\x82", b"\xf4\x90\x80\x80", b"\xc0\x80"])
                .expect("five of them")
                .iter(),
        );
        text.extend(b"z");
    }
    text
}

fn put_tag(number: u32, wire_type: u32, chaos: Chaos, rng: &mut Rng, out: &mut Vec<u8>) {
    put_varint(u64::from(number << 3 | wire_type), chaos, rng, out);
}

fn put_delimited(bytes: &[u8], chaos: Chaos, rng: &mut Rng, out: &mut Vec<u8>) {
    put_varint(bytes.len() as u64, chaos, rng, out);
    out.extend(bytes);
}

/// Sometimes longer than need be, or with bits beyond those that count.
fn put_varint(mut value: u64, chaos: Chaos, rng: &mut Rng, out: &mut Vec<u8>) {
    let length_min = if chaos.strikes(rng) { rng.usize(1..=10) } else { 1 };
    let mut length = 1;
    while value >= 0x80 || length < length_min {
        out.push(value as u8 | 0x80);
        value >>= 7;
        length += 1;
    }
    let beyond = if length == 10 && length_min == 10 { rng.u8(..0x80) } else { 0 };
    out.push(value as u8 | beyond);
}
