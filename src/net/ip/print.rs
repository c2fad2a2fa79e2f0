//! JSON as iproute2 writes it (`-json`, `-pretty`): one line without spaces, or an indent of four for each level.

use std::fmt::{Display, Write as _};

/// A value that is no list and no object.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::net) enum Scalar {
    /// A string.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A number with two digits behind the point.
    Seconds(f64),
    /// True or false.
    Bool(bool),
    /// Nothing: the key alone tells.
    Null,
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Scalar {
        Scalar::Text(text.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Scalar {
        Scalar::Text(text)
    }
}

impl From<u32> for Scalar {
    fn from(number: u32) -> Scalar {
        Scalar::Number(number.into())
    }
}

impl From<i32> for Scalar {
    fn from(number: i32) -> Scalar {
        Scalar::Number(number.into())
    }
}

impl From<bool> for Scalar {
    fn from(on: bool) -> Scalar {
        Scalar::Bool(on)
    }
}

/// A document that grows.
#[derive(Clone, Debug, Default)]
struct Json {
    text: String,
    pretty: bool,
    depth: usize,
    /// Something stands before in this list or object.
    more: bool,
}

impl Json {
    fn line(&mut self) {
        if self.pretty {
            let _ = write!(self.text, "\n{:1$}", "", self.depth * 4);
        }
    }

    fn name(&mut self, key: Option<&str>) {
        if std::mem::replace(&mut self.more, true) {
            self.text.push(',');
        }
        if let Some(key) = key {
            self.line();
            let _ = write!(self.text, "\"{key}\":");
            if self.pretty {
                self.text.push(' ');
            }
        }
    }

    fn begin(&mut self, key: Option<&str>, bracket: char) {
        self.name(key);
        self.text.push(bracket);
        self.depth += 1;
        self.more = false;
        if self.pretty && bracket == '[' {
            self.text.push(' ');
        }
    }

    fn end(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        match bracket {
            ']' if self.pretty && self.more => self.text.push(' '),
            '}' if self.more => self.line(),
            _ => {}
        }
        self.text.push(bracket);
        self.more = true;
    }

    fn value(&mut self, key: Option<&str>, value: &Scalar) {
        self.name(key);
        match value {
            Scalar::Text(text) => {
                self.text.push('"');
                for c in text.chars() {
                    match c {
                        '\t' => self.text += "\\t",
                        '\n' => self.text += "\\n",
                        '\r' => self.text += "\\r",
                        '\u{c}' => self.text += "\\f",
                        '\u{8}' => self.text += "\\b",
                        '\\' => self.text += "\\\\",
                        '"' => self.text += "\\\"",
                        _ => self.text.push(c),
                    }
                }
                self.text.push('"');
            }
            Scalar::Number(number) => self.text += &number.to_string(),
            Scalar::Seconds(seconds) => {
                let _ = write!(self.text, "{seconds:.2}");
            }
            Scalar::Bool(on) => self.text += &on.to_string(),
            Scalar::Null => self.text += "null",
        }
    }
}

/// What a command prints: words for people, or the same as JSON.
#[derive(Clone, Debug)]
pub(in crate::net) struct Print {
    json: Option<Json>,
    text: String,
    /// `-o`: a backslash stands for a line's end.
    oneline: bool,
}

impl Print {
    /// A list of JSON objects with `json`, else text.
    pub fn new(json: bool, pretty: bool, oneline: bool) -> Print {
        let json = json.then(|| {
            let mut list = Json { pretty, ..Json::default() };
            list.begin(None, '[');
            list
        });
        Print { json, text: String::new(), oneline }
    }

    /// Words that only people read.
    pub fn text(&mut self, text: impl Display) {
        if self.json.is_none() {
            let _ = write!(self.text, "{text}");
        }
    }

    /// The end of a line within one thing.
    pub fn line(&mut self) {
        self.text(if self.oneline { '\\' } else { '\n' });
    }

    /// A value that only JSON has.
    pub fn json(&mut self, key: &str, value: impl Into<Scalar>) {
        if let Some(json) = &mut self.json {
            json.value(Some(key), &value.into());
        }
    }

    /// An element of a list that only JSON has.
    pub fn element(&mut self, value: &str) {
        if let Some(json) = &mut self.json {
            json.value(None, &value.into());
        }
    }

    /// A value by its key in JSON, by these words in text.
    pub fn put(&mut self, key: &str, value: impl Into<Scalar>, text: impl Display) {
        self.json(key, value);
        self.text(text);
    }

    /// Begins an object.
    pub fn open(&mut self, key: Option<&str>) {
        if let Some(json) = &mut self.json {
            json.begin(key, '{');
        }
    }

    /// Ends an object.
    pub fn close(&mut self) {
        if let Some(json) = &mut self.json {
            json.end('}');
        }
    }

    /// Begins a list.
    pub fn open_list(&mut self, key: &str) {
        if let Some(json) = &mut self.json {
            json.begin(Some(key), '[');
        }
    }

    /// Ends a list.
    pub fn close_list(&mut self) {
        if let Some(json) = &mut self.json {
            json.end(']');
        }
    }

    /// All that was printed so far.
    pub fn unfinished(self) -> String {
        self.json.map_or(self.text, |json| json.text)
    }

    /// All that was printed.
    pub fn finish(self) -> String {
        match self.json {
            Some(mut json) => {
                json.end(']');
                json.text.push('\n');
                json.text
            }
            None => self.text,
        }
    }
}
