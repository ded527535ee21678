//! All that matters of a set of descriptors as sorted lines: messages, fields (number, label, type, default, packed),
//! enum values and methods, by full name. Not files, order or comments.

use std::collections::BTreeSet;

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FieldOptions, FileDescriptorProto,
    MessageOptions, ServiceDescriptorProto,
};

/// The lines of `files`.
pub(crate) fn fingerprint<'a>(files: impl IntoIterator<Item = &'a FileDescriptorProto>) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for file in files {
        let package = file.package();
        file.message_type.iter().for_each(|message| add_message(message, package, &mut lines));
        file.enum_type.iter().for_each(|enumeration| add_enum(enumeration, package, &mut lines));
        file.service.iter().for_each(|service| add_service(service, package, &mut lines));
    }
    lines
}

/// Lines of one set that aren't in the other, marked by where they are.
pub(crate) fn difference(ours: &BTreeSet<String>, java: &BTreeSet<String>) -> Vec<String> {
    let only_ours = ours.difference(java).map(|line| format!("ours only: {line}"));
    let only_java = java.difference(ours).map(|line| format!("Java only: {line}"));
    only_ours.chain(only_java).collect()
}

fn add_message(message: &DescriptorProto, scope: &str, lines: &mut BTreeSet<String>) {
    let name = join(scope, message.name());
    let map = message.options.as_ref().is_some_and(MessageOptions::map_entry);
    lines.insert(format!("{name} {}", if map { "map entry" } else { "message" }));
    for field in &message.field {
        lines.insert(format!("{name}.{}", field_line(field)));
    }
    message.nested_type.iter().for_each(|nested| add_message(nested, &name, lines));
    message.enum_type.iter().for_each(|enumeration| add_enum(enumeration, &name, lines));
}

fn field_line(field: &FieldDescriptorProto) -> String {
    let label = match field.label() {
        Label::Optional => "optional",
        Label::Required => "required",
        Label::Repeated => "repeated",
    };
    let mut line = format!("{} = {} {label} {}", field.name(), field.number(), type_name(field));
    if let Some(default) = &field.default_value {
        line += &format!(" default {default}");
    }
    if field.options.as_ref().is_some_and(FieldOptions::packed) {
        line += " packed";
    }
    line
}

fn type_name(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum | Type::Group => field.type_name().trim_start_matches('.').to_owned(),
        scalar => scalar.as_str_name().trim_start_matches("TYPE_").to_lowercase(),
    }
}

fn add_enum(enumeration: &EnumDescriptorProto, scope: &str, lines: &mut BTreeSet<String>) {
    let name = join(scope, enumeration.name());
    for value in &enumeration.value {
        lines.insert(format!("{name} enum {} = {}", value.name(), value.number()));
    }
}

fn add_service(service: &ServiceDescriptorProto, scope: &str, lines: &mut BTreeSet<String>) {
    let name = join(scope, service.name());
    for method in &service.method {
        let (input, output) = (method.input_type(), method.output_type());
        lines.insert(
            format!("{name} rpc {}({input}) returns {output}", method.name())
                .replace("(.", "(")
                .replace(" .", " "),
        );
    }
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}
