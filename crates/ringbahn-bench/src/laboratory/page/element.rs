//! [`Element`]: a piece of HTML or SVG, whose tags are balanced and whose text is escaped, always.

use std::fmt;

/// Elements of HTML that have no end tag, and no content.
const VOID: [&str; 2] = ["meta", "br"];

/// A piece of HTML or SVG.
#[derive(Clone, Debug)]
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Vec<Node>,
}

#[derive(Clone, Debug)]
enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    pub(super) fn new(name: &'static str) -> Element {
        Element { name, attributes: Vec::new(), content: Vec::new() }
    }

    /// An element that contains this text.
    pub(super) fn of_text(name: &'static str, text: impl Into<String>) -> Element {
        Element::new(name).text(text)
    }

    pub(super) fn set(mut self, name: &'static str, value: impl fmt::Display) -> Element {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// A length or a place of SVG, to a tenth.
    pub(super) fn at(self, name: &'static str, value: f64) -> Element {
        debug_assert!(value.is_finite(), "{name} is {value}");
        self.set(name, format_args!("{value:.1}"))
    }

    pub(super) fn text(mut self, text: impl Into<String>) -> Element {
        self.content.push(Node::Text(text.into()));
        self
    }

    pub(super) fn add(mut self, element: Element) -> Element {
        self.content.push(Node::Element(element));
        self
    }

    pub(super) fn all(mut self, elements: impl IntoIterator<Item = Element>) -> Element {
        self.content.extend(elements.into_iter().map(Node::Element));
        self
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(f, " {name}=\"{}\"", escaped(value))?;
        }
        f.write_str(">")?;
        if VOID.contains(&self.name) {
            return Ok(());
        }
        for node in &self.content {
            match node {
                Node::Element(element) => element.fmt(f)?,
                Node::Text(text) => f.write_str(&escaped(text))?,
            }
        }
        writeln!(f, "</{}>", self.name)
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn text_and_attributes_are_escaped() {
        let element = Element::of_text("p", "a < b & c").set("title", "\"<x>\"");
        let text = element.to_string();
        assert_eq!(text, "<p title=\"&quot;&lt;x&gt;&quot;\">a &lt; b &amp; c</p>\n");
    }
}
