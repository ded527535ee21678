//! Writes a `MessageTable` for every message and an `EnumTable` for every enum, as statics that refer to one another by
//! their full names; and a macro that lists all messages.

use std::collections::HashSet;
use std::fmt::Write as _;

use heck::{ToShoutySnakeCase, ToSnakeCase as _, ToUpperCamelCase as _};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    MessageOptions,
};

/// Required fields and single submessages get a bit each in a word.
const BITS_MAX: u32 = 64;

/// A message's fields are looked up by number; HBase's go up to 100.
const NUMBER_MAX: i32 = 200;

/// The texts of `tables.rs` and of `messages.rs`.
pub(crate) fn generate(descriptors: &FileDescriptorSet) -> (String, String) {
    let mut tables = Tables { with_required: with_required(descriptors), ..Tables::default() };
    for file in &descriptors.file {
        // proto3 checks every string; proto2 leaves that to whoever asks for the text.
        let strict = file.syntax() == "proto3";
        let package = file.package().to_owned();
        for message in &file.message_type {
            tables.message(message, &package, "", strict);
        }
        for enumeration in &file.enum_type {
            tables.enumeration(enumeration, &package);
        }
    }
    let messages = format!(
        "/// Calls a macro with every message, its type and its full name: for tests that go over all of them.\n\
         #[doc(hidden)]\n#[macro_export]\nmacro_rules! for_each_message {{ ($then:ident) => {{ $then! {{ {} }} }}; }}\n",
        tables.messages
    );
    (tables.text, messages)
}

/// Full names of the messages that have required fields of their own, with a leading dot as in `type_name`.
fn with_required(descriptors: &FileDescriptorSet) -> HashSet<String> {
    fn add(message: &DescriptorProto, scope: &str, names: &mut HashSet<String>) {
        let full_name = format!("{scope}.{}", message.name());
        message.nested_type.iter().for_each(|nested| add(nested, &full_name, names));
        if message.field.iter().any(|field| field.label() == Label::Required) {
            names.insert(full_name);
        }
    }
    let mut names = HashSet::new();
    for file in &descriptors.file {
        let scope = if file.package().is_empty() { String::new() } else { format!(".{}", file.package()) };
        file.message_type.iter().for_each(|message| add(message, &scope, &mut names));
    }
    names
}

#[derive(Default)]
struct Tables {
    text: String,
    messages: String,
    names: HashSet<String>,
    with_required: HashSet<String>,
}

impl Tables {
    /// `scope` is the full name of what the message stands in, `outer` the Rust modules of the messages it is nested in.
    fn message(&mut self, message: &DescriptorProto, scope: &str, outer: &str, strict: bool) {
        let full_name = join(scope, message.name());
        let is_map_entry = message.options.as_ref().is_some_and(MessageOptions::map_entry);
        let fields = self.fields(message, strict, is_map_entry);
        let ident = self.unique(&full_name);
        let _ = writeln!(
            self.text,
            "pub(crate) static {ident}: MessageTable = MessageTable {{ full_name: {full_name:?}, required: {:#x}, \
             map_entry: {is_map_entry}, fields: &[\n{}] }};",
            fields.required, fields.text
        );
        if !is_map_entry {
            let path = format!("{outer}{}", message.name().to_upper_camel_case());
            let _ = writeln!(
                self.text,
                "impl HBaseMessage for pb::{path} {{ const TABLE: &'static MessageTable = &{ident}; }}"
            );
            let _ = writeln!(self.messages, "($crate::pb::{path}, {full_name:?}),");
        }
        let inner = format!("{outer}{}::", message.name().to_snake_case());
        for nested in &message.nested_type {
            self.message(nested, &full_name, &inner, strict);
        }
        for enumeration in &message.enum_type {
            self.enumeration(enumeration, &full_name);
        }
    }

    fn fields(&self, message: &DescriptorProto, strict: bool, is_map_entry: bool) -> Fields {
        if !is_map_entry {
            return Fields::new(&message.field, strict);
        }
        // Java reads keys and values of maps strictly, whatever the syntax, and takes a value that isn't there for
        // an empty one, which lacks what it requires.
        let mut fields = message.field.clone();
        for field in &mut fields {
            if self.with_required.contains(field.type_name()) {
                field.set_label(Label::Required);
            }
        }
        Fields::new(&fields, true)
    }

    fn enumeration(&mut self, enumeration: &EnumDescriptorProto, scope: &str) {
        let full_name = join(scope, enumeration.name());
        let mut values: Vec<i32> = enumeration.value.iter().map(EnumValueDescriptorProto::number).collect();
        values.sort_unstable();
        values.dedup();
        let ident = self.unique(&full_name);
        let _ = writeln!(self.text, "static {ident}: EnumTable = EnumTable {{ values: &{values:?} }};");
    }

    fn unique(&mut self, full_name: &str) -> String {
        let ident = ident(full_name);
        assert!(self.names.insert(ident.clone()), "two names become {ident}; one is {full_name}");
        ident
    }
}

/// The fields of one message, by number.
struct Fields {
    text: String,
    required: u64,
    bits: u32,
}

impl Fields {
    fn new(fields: &[FieldDescriptorProto], strict: bool) -> Self {
        let mut new = Self { text: String::new(), required: 0, bits: 0 };
        let last = fields.iter().map(FieldDescriptorProto::number).max().unwrap_or(0);
        assert!(last <= NUMBER_MAX, "a table up to number {last} has too many holes");
        for number in 1..=last {
            match fields.iter().find(|field| field.number() == number) {
                Some(field) => new.field(field, strict),
                None => new.text.push_str("Field::HOLE,\n"),
            }
        }
        new
    }

    fn field(&mut self, field: &FieldDescriptorProto, strict: bool) {
        let single_message = field.r#type() == Type::Message && field.label() != Label::Repeated;
        let bit = if field.label() == Label::Required || single_message { self.next_bit() } else { 0 };
        if field.label() == Label::Required {
            self.required |= bit;
        }
        let _ = writeln!(
            self.text,
            "Field {{ key: {:#x}, name: {:?}, kind: {}, repeated: {}, bit: {bit:#x} }},",
            field.number() << 3 | wire_type(field.r#type()),
            field.name(),
            kind(field, strict),
            field.label() == Label::Repeated,
        );
    }

    fn next_bit(&mut self) -> u64 {
        assert!(self.bits < BITS_MAX, "more than {BITS_MAX} fields to keep track of");
        self.bits += 1;
        1 << (self.bits - 1)
    }
}

/// The wire type of a value that stands alone.
fn wire_type(kind: Type) -> i32 {
    match kind {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => 1,
        Type::Float | Type::Fixed32 | Type::Sfixed32 => 5,
        Type::String | Type::Bytes | Type::Message => 2,
        Type::Group => 3,
        _ => 0,
    }
}

fn kind(field: &FieldDescriptorProto, strict: bool) -> String {
    let named = |what: &str| format!("Kind::{what}(&{})", ident(field.type_name().trim_start_matches('.')));
    match field.r#type() {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => "Kind::Fixed64".into(),
        Type::Float | Type::Fixed32 | Type::Sfixed32 => "Kind::Fixed32".into(),
        Type::Int32
        | Type::Int64
        | Type::Uint32
        | Type::Uint64
        | Type::Sint32
        | Type::Sint64
        | Type::Bool => "Kind::Varint".into(),
        Type::String if strict => "Kind::StrictText".into(),
        Type::String => "Kind::Text".into(),
        Type::Bytes => "Kind::Bytes".into(),
        Type::Enum => named("Enum"),
        Type::Message => named("Message"),
        Type::Group => panic!("no table for the group {}: HBase has none", field.name()),
    }
}

fn ident(full_name: &str) -> String {
    full_name.split('.').map(ToShoutySnakeCase::to_shouty_snake_case).collect::<Vec<_>>().join("__")
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}
