//! Tests of reading one file.

use super::*;

fn parse(text: &str) -> Result<SiteFile, XmlError> {
    parse_str(text, &Path::new("h.xml").into())
}

fn properties(text: &str) -> Vec<(String, Option<String>, bool)> {
    let site = parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    site.properties.into_iter().map(|p| (p.name, p.value, p.is_final)).collect()
}

#[test]
fn bad_files_are_refused_with_their_line() {
    let deep = format!("<configuration>\n{}", "<configuration>".repeat(100_000));
    let deep_closed = format!("<a>\n{}{}</a>", "<b>".repeat(100), "</b>".repeat(100));
    let deep_property = format!("\n<property>{}{}</property>", "<name>".repeat(100), "</name>".repeat(100));
    let many = format!("<configuration>{}</configuration>", "<property name='a' value='b'/>".repeat(20_001));
    let nodes = format!("<a>{}</a>", "<b/>".repeat(800_001));
    let huge = format!("<configuration>{}</configuration>", " ".repeat(bounds::FILE_BYTES_MAX));
    let long_value =
        format!("<a>\n<property name='k' value='{}'/></a>", "x".repeat(bounds::VALUE_BYTES_MAX + 1));
    let long_name = format!("<a>\n\n<property name='{}'/></a>", "x".repeat(bounds::NAME_BYTES_MAX + 1));
    let bomb = "<!DOCTYPE a [<!ENTITY x 'xxxxxxxx'><!ENTITY y '&x;&x;&x;&x;'>]>\n<a>&y;</a>";
    let cases: &[(&str, u32, &str)] = &[
        ("", 1, "no XML element"),
        ("garbage", 1, ""),
        ("\u{0}\u{1}", 1, ""),
        ("<configuration>\n<property>\n", 2, "ends within an element"),
        ("<configuration>\n</property>", 2, "property"),
        ("<configuration>\n<property>\n</configuration>", 3, "configuration"),
        ("<configuration>\n<property><name>a &nbsp; b</name></property></configuration>", 2, "nbsp"),
        ("<configuration>\n<property><value>a & b</value></property></configuration>", 2, ""),
        ("<configuration a='1' a='2'/>", 1, "a"),
        ("<configuration/>\n<configuration/>", 2, ""),
        ("<configuration>\n<xi:include href='x'/></configuration>", 2, "xi"),
        ("\n<!DOCTYPE configuration SYSTEM 'x.dtd'>\n<configuration/>", 2, "document type"),
        (bomb, 1, "document type"),
        (
            "<configuration xmlns:xi='http://www.w3.org/2001/XInclude'>\n\n<xi:include href='other.xml'/></configuration>",
            3,
            "XInclude isn't supported (it includes \"other.xml\")",
        ),
        (
            "<configuration>\n<property><name>a</name><include href='x'/></property></configuration>",
            2,
            "XInclude",
        ),
        ("<configuration>\n<fallback/></configuration>", 2, "fallback"),
        ("<configuration>\n<property>\n<property/></property></configuration>", 3, "within"),
        (&deep, 2, ""),
        (&deep_closed, 2, "nested more than 64"),
        (&deep_property, 2, "nested more than 64"),
        (&many, 1, "more than 20000 properties"),
        (&nodes, 1, "too many elements"),
        (&huge, 1, "larger than"),
        (&long_value, 2, "k is longer than"),
        (&long_name, 3, "the name is longer than"),
    ];
    for (text, line, reason) in cases {
        let start: String = text.chars().take(60).collect();
        let error = parse(text).expect_err(&start);
        assert_eq!(error.line, *line, "{start}: {error}");
        assert!(error.reason.contains(reason), "{start}: {error}");
        assert!(error.to_string().starts_with(&format!("h.xml:{line}: ")), "{error}");
    }
}

#[test]
fn every_truncation_is_refused() {
    let text = "<?xml version=\"1.0\"?>\n<configuration><property><name>a&amp;b</name><value><![CDATA[<x>]]></value>\
                <!-- c --><final>true</final></property></configuration>";
    assert_eq!(properties(text), [("a&b".into(), Some("<x>".into()), true)]);
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        assert!(parse(&text[..end]).is_err(), "{}", &text[..end]);
    }
}

#[test]
fn properties_are_read_as_java_reads_them() {
    let some = |value: &str| Some(value.to_owned());
    let cases = [
        ("<name> a\n</name><value> b </value>", "a", some(" b "), false),
        ("<name>a</name><value/>", "a", None, false),
        ("<name>a</name><value></value><final>true</final>", "a", None, true),
        ("<name>a</name><value> </value>", "a", some(" "), false),
        ("<name>a</name><value>1</value><value>2</value>", "a", some("2"), false),
        ("<name>a</name><value>1</value><value/>", "a", some("1"), false),
        ("<name>x</name><name>a</name><value>1</value>", "a", some("1"), false),
        ("<value>1</value><name>a</name>", "a", some("1"), false),
        ("<name>a</name><value>1<!-- no -->2<?no no?>3</value>", "a", some("123"), false),
        ("<name>a</name><value>1<b>2</b>3</value>", "a", some("123"), false),
        ("<name>a</name><value><![CDATA[<&>]]>&lt;&#x41;&apos;</value>", "a", some("<&><A'"), false),
        ("<name>a</name><value>1\r\n2</value>", "a", some("1\n2"), false),
        ("<name>a</name><value>1</value><final>True</final>", "a", some("1"), false),
        ("<name>a</name><value>1</value><final> true</final>", "a", some("1"), false),
        ("<name>a</name><value>1</value><final>true</final><final>no</final>", "a", some("1"), false),
        ("<x><name>a</name><value>1</value></x>", "a", some("1"), false),
        ("<h:name xmlns:h='u'>a</h:name><value>1</value>", "a", some("1"), false),
        (
            "<name>a</name><value>1</value><source>s</source><tag>t</tag><description>d</description>",
            "a",
            some("1"),
            false,
        ),
    ];
    for (inner, name, value, is_final) in cases {
        let text = format!("<configuration><property>{inner}</property></configuration>");
        assert_eq!(properties(&text), [(name.to_owned(), value, is_final)], "{inner}");
    }
}

#[test]
fn properties_stand_in_attributes_and_at_any_depth() {
    let text = "<configuration><property name='a' value='' final='true'/><configuration><x><property name='b' \
                value='1'><value>2</value></property></x></configuration></configuration>";
    assert_eq!(
        properties(text),
        [("a".into(), Some(String::new()), true), ("b".into(), Some("2".into()), false)]
    );
}

#[test]
fn a_property_has_the_line_of_its_start() {
    let site = parse(
        "<configuration>\n\n<property>\n<name>a</name></property> <property name='b'/>\n</configuration>",
    )
    .unwrap();
    assert_eq!(site.properties.iter().map(|p| p.line).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn what_java_skips_is_remarked() {
    let cases = [
        ("<property><value>1</value></property>", "without name"),
        ("<property><name> </name><value>1</value></property>", "without name"),
        ("<property name=' a' value='1'/>", "white space"),
        ("<property><name>a</name></property>", "no value"),
        ("<property><name>a</name><valeu>1</valeu></property>", "<valeu>"),
        ("<property><name>a</name><value>1</value><final>True</final></property>", "counts as false"),
        ("<property name='a' value='1'/>\n<property name='a' value='2'/>", "already set in line 1"),
    ];
    for (inner, remark) in cases {
        let site = parse(&format!("<configuration>{inner}</configuration>")).unwrap();
        assert!(site.remarks.iter().any(|r| r.text.contains(remark)), "{inner}: {:?}", site.remarks);
    }
    let noise = format!("<a><property name='a' value='1'>{}</property></a>", "<b/>".repeat(5_000));
    assert_eq!(parse(&noise).unwrap().remarks.len(), bounds::REMARKS_MAX);
    assert!(parse("<html/>").unwrap().remarks[0].text.contains("<html>"));
    let clean = "<configuration><property><name>a</name><value>1</value><final>false</final></property></configuration>";
    assert_eq!(parse(clean).unwrap().remarks, []);
}
