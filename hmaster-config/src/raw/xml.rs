//! One configuration file. Counterpart of the parser inside Hadoop's `Configuration`.
//!
//! As in Java, properties may stand at any depth below any root element, elements are told apart by their local name,
//! a property may be written in attributes, an empty `<value>` means that the property has no value (an empty
//! `value=""` means that it has the empty one), names are trimmed and values aren't, and only the exact text `true`
//! makes a property final. What Java skips in silence is noted in a [`Remark`].
//!
//! Differences: a document type declaration, an XInclude and a property within a property are refused; sizes and
//! nesting are bounded.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use roxmltree::{Document, Node, ParsingOptions};

use super::error::XmlError;
use crate::java;

/// How much of a configuration file is read. Real ones hold a few hundred properties in tens of kilobytes.
pub mod bounds {
    /// Size of one file.
    pub const FILE_BYTES_MAX: usize = 4 << 20;
    /// Elements within elements.
    pub const NESTING_MAX: usize = 64;
    /// Properties in one file.
    pub const PROPERTIES_MAX: usize = 20_000;
    /// Size of one value, before and after `${…}` is substituted.
    pub const VALUE_BYTES_MAX: usize = 1 << 20;
    /// Size of one name.
    pub const NAME_BYTES_MAX: usize = 1 << 10;
    /// Remarks on one file; more of them say nothing new.
    pub const REMARKS_MAX: usize = 1_000;
}

/// What a configuration file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteFile {
    /// Properties in the order in which they are written.
    pub properties: Vec<Property>,
    /// What was odd though Java accepts it.
    pub remarks: Vec<Remark>,
}

/// One `<property>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The trimmed name, not empty; a deprecated name is still itself.
    pub name: String,
    /// The value as written. A property without one sets nothing, but may be final.
    pub value: Option<String>,
    /// True when later files can't change the value.
    pub is_final: bool,
    /// Line of the property's start tag, from 1.
    pub line: u32,
}

/// Something in a file that is accepted and probably isn't meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The file.
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: u32,
    /// What is odd about it.
    pub text: String,
}

/// Reads the text of a configuration file; `file` is its name for errors and remarks. Pure.
///
/// # Errors
/// When `text` isn't well-formed XML, has what is refused, or goes beyond [`bounds`].
pub fn parse_str(text: &str, file: &Arc<Path>) -> Result<SiteFile, XmlError> {
    let lines = Lines::of(text);
    let error = |line, reason: String| XmlError { file: file.clone(), line, reason };
    if text.len() > bounds::FILE_BYTES_MAX {
        return Err(error(1, format!("the file is larger than {} bytes", bounds::FILE_BYTES_MAX)));
    }
    // An element is at least two nodes only if something stands in it; the bound is on what a tree may cost.
    let options =
        ParsingOptions { nodes_limit: 40 * bounds::PROPERTIES_MAX as u32, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|e| error(line_of(&e, text), reason_of(&e)))?;
    let mut reader = Reader { file, lines, site: SiteFile::default(), seen: BTreeMap::new() };
    let root = document.root_element();
    if root.tag_name().name() != "configuration" {
        reader.remark(root, format!("the root element is <{}>, not <configuration>", root.tag_name().name()));
    }
    reader.element(root, 1)?;
    Ok(reader.site)
}

struct Reader<'a> {
    file: &'a Arc<Path>,
    lines: Lines,
    site: SiteFile,
    /// Lines of the names that were read, to remark on a second one.
    seen: BTreeMap<String, u32>,
}

impl Reader<'_> {
    /// Looks for properties in `node` and below.
    fn element(&mut self, node: Node<'_, '_>, depth: usize) -> Result<(), XmlError> {
        self.check(node, depth)?;
        if node.tag_name().name() == "property" {
            return self.property(node, depth);
        }
        node.children().filter(Node::is_element).try_for_each(|child| self.element(child, depth + 1))
    }

    fn property(&mut self, node: Node<'_, '_>, depth: usize) -> Result<(), XmlError> {
        let mut draft = Draft::from_attributes(node);
        self.parts(node, &mut draft, depth)?;
        let line = self.lines.line_at(node.range().start);
        let Some(name) = draft.name.filter(|name| !java::trim(name).is_empty()) else {
            self.remark(node, "a property without name sets nothing".to_owned());
            return Ok(());
        };
        if java::trim(&name) != name {
            self.remark(
                node,
                format!("white space around name={:?} makes it another name, which nobody reads", cut(&name)),
            );
            return Ok(());
        }
        if draft.value.is_none() && !draft.is_final {
            self.remark(node, format!("{name} has no value, so its default stays"));
        }
        if let Some(first) = self.seen.insert(name.clone(), line) {
            self.remark(
                node,
                format!("{name} is already set in line {first}; this one counts unless that one is final"),
            );
        }
        self.bound(node, name.len(), bounds::NAME_BYTES_MAX, "the name")?;
        self.bound(node, draft.value.as_ref().map_or(0, String::len), bounds::VALUE_BYTES_MAX, &name)?;
        if self.site.properties.len() == bounds::PROPERTIES_MAX {
            return Err(self.error(node, format!("more than {} properties", bounds::PROPERTIES_MAX)));
        }
        self.site.properties.push(Property { name, value: draft.value, is_final: draft.is_final, line });
        Ok(())
    }

    /// Takes the elements below a property into `draft`; the last of a kind wins.
    fn parts(&mut self, node: Node<'_, '_>, draft: &mut Draft, depth: usize) -> Result<(), XmlError> {
        for child in node.children().filter(Node::is_element) {
            self.check(child, depth + 1)?;
            match child.tag_name().name() {
                "name" => draft.set_name(&text_of(child)),
                "value" => draft.value = non_empty(child).or(draft.value.take()),
                "final" => draft.is_final = self.is_final(child),
                "source" | "tag" | "description" => {}
                "property" => return Err(self.error(child, "a <property> within a <property>".to_owned())),
                other => self.remark(child, format!("<{other}> in a property means nothing")),
            }
            self.parts(child, draft, depth + 1)?;
        }
        Ok(())
    }

    fn is_final(&mut self, node: Node<'_, '_>) -> bool {
        let text = text_of(node);
        if text != "true" && text != "false" {
            self.remark(
                node,
                format!("<final>{}</final> counts as false; only the exact text true doesn't", cut(&text)),
            );
        }
        text == "true"
    }

    fn check(&self, node: Node<'_, '_>, depth: usize) -> Result<(), XmlError> {
        if depth > bounds::NESTING_MAX {
            return Err(
                self.error(node, format!("elements are nested more than {} deep", bounds::NESTING_MAX))
            );
        }
        match node.tag_name().name() {
            "include" if node.has_attribute("href") => {
                let href = cut(node.attribute("href").unwrap_or_default());
                Err(self.error(
                    node,
                    format!("XInclude isn't supported (it includes {href:?}); write the properties here"),
                ))
            }
            "fallback" => {
                Err(self.error(node, "<fallback> belongs to XInclude, which isn't supported".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn bound(&self, node: Node<'_, '_>, bytes: usize, max: usize, what: &str) -> Result<(), XmlError> {
        let reason = || format!("{} is longer than {max} bytes", cut(what));
        if bytes > max { Err(self.error(node, reason())) } else { Ok(()) }
    }

    fn error(&self, node: Node<'_, '_>, reason: String) -> XmlError {
        XmlError { file: self.file.clone(), line: self.lines.line_at(node.range().start), reason }
    }

    fn remark(&mut self, node: Node<'_, '_>, text: String) {
        if self.site.remarks.len() < bounds::REMARKS_MAX {
            let line = self.lines.line_at(node.range().start);
            self.site.remarks.push(Remark { file: self.file.clone(), line, text });
        }
    }
}

/// A property while it is read.
#[derive(Default)]
struct Draft {
    name: Option<String>,
    value: Option<String>,
    is_final: bool,
}

impl Draft {
    /// From an element; an empty one changes nothing.
    fn set_name(&mut self, text: &str) {
        if !text.is_empty() {
            self.name = Some(java::trim(text).to_owned());
        }
    }

    /// The short form: `<property name="…" value="…" final="true"/>`, in which nothing is trimmed.
    fn from_attributes(node: Node<'_, '_>) -> Self {
        let mut draft = Self::default();
        for attribute in node.attributes() {
            match attribute.name() {
                "name" => draft.name = Some(attribute.value().to_owned()),
                "value" => draft.value = Some(attribute.value().to_owned()),
                "final" => draft.is_final = attribute.value() == "true",
                _ => {}
            }
        }
        draft
    }
}

/// All text below `node`, CDATA included, comments left out.
fn text_of(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
}

fn non_empty(node: Node<'_, '_>) -> Option<String> {
    Some(text_of(node)).filter(|text| !text.is_empty())
}

/// Enough of a text to recognize it in a message.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1).collect())
    }

    fn line_at(&self, byte: usize) -> u32 {
        self.0.partition_point(|start| *start <= byte) as u32 + 1
    }
}

fn line_of(error: &roxmltree::Error, text: &str) -> u32 {
    use roxmltree::Error as E;
    match error {
        E::DtdDetected => text.find("<!DOCTYPE").map_or(1, |at| Lines::of(text).line_at(at)),
        E::NoRootNode | E::UnclosedRootNode => text.lines().count().max(1) as u32,
        other => other.pos().row,
    }
}

fn reason_of(error: &roxmltree::Error) -> String {
    use roxmltree::Error as E;
    match error {
        E::DtdDetected => "a document type declaration isn't supported; remove the <!DOCTYPE …>".to_owned(),
        E::NodesLimitReached => "the file has too many elements".to_owned(),
        E::NoRootNode => "there is no XML element in it".to_owned(),
        E::UnclosedRootNode => "the file ends within an element".to_owned(),
        other => {
            // The line is said already.
            let text = other.to_string();
            text.rfind(" at ").map_or(text.clone(), |at| text[..at].to_owned())
        }
    }
}

#[cfg(test)]
mod tests;
