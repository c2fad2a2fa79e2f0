//! The kinds of values in a lab file: names, addresses, texts, bytes, maps that keep their order.

use serde::de::value::StrDeserializer;
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

/// A host's name in a lab: letters, digits, `_`, `-` and `.`, beginning with a letter or digit, at most 63.
///
/// It is that narrow so that it can name a network namespace and stand in a shell command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct HostName(SmolStr);

impl HostName {
    /// Takes a name, if it is one.
    ///
    /// ```
    /// use vitrine::lab::HostName;
    /// assert!(HostName::new("router-1").is_some());
    /// assert!(HostName::new("../etc").is_none());
    /// ```
    pub fn new(name: &str) -> Option<Self> {
        let ok = name.len() <= 63
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        ok.then(|| HostName(SmolStr::new(name)))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<SmolStr> for HostName {
    type Error = &'static str;

    fn try_from(name: SmolStr) -> Result<Self, &'static str> {
        HostName::new(&name).ok_or("a host's name is at most 63 letters, digits, `_`, `-` and `.`")
    }
}

impl From<HostName> for SmolStr {
    fn from(name: HostName) -> SmolStr {
        name.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// An address with the length of its network's prefix, as `ip addr add` takes it; without a length, of this
/// address alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// The address.
    pub addr: IpAddr,
    /// The prefix length, if one is written.
    pub len: Option<u8>,
}

impl Cidr {
    /// The prefix length: the family's longest where none is written.
    pub fn prefix_len(&self) -> u8 {
        self.len.unwrap_or(if self.addr.is_ipv4() { 32 } else { 128 })
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (addr, len) = match text.split_once('/') {
            Some((addr, len)) => (addr, Some(len)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| format!("`{addr}` is no IP address"))?;
        let most = if addr.is_ipv4() { 32 } else { 128 };
        let len = match len {
            None => None,
            Some(len) => Some(
                len.parse()
                    .ok()
                    .filter(|n| *n <= most && !len.starts_with('+'))
                    .ok_or_else(|| format!("`{len}` is no prefix length"))?,
            ),
        };
        Ok(Cidr { addr, len })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len {
            Some(len) => write!(f, "{}/{len}", self.addr),
            None => write!(f, "{}", self.addr),
        }
    }
}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

/// A span of seconds, 0 or more, written as it was read (`1` and `1.0` stay apart).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Number", into = "serde_json::Number")]
pub struct Seconds(serde_json::Number);

impl Seconds {
    /// The span.
    pub fn duration(&self) -> Duration {
        Duration::try_from_secs_f64(self.0.as_f64().unwrap_or_default()).unwrap_or_default()
    }
}

impl TryFrom<serde_json::Number> for Seconds {
    type Error = &'static str;

    fn try_from(n: serde_json::Number) -> Result<Self, &'static str> {
        let day = 86_400.0;
        if n.as_f64().is_some_and(|s| (0.0..=day).contains(&s)) {
            Ok(Seconds(n))
        } else {
            Err("seconds are a number from 0 to 86400")
        }
    }
}

impl From<Seconds> for serde_json::Number {
    fn from(s: Seconds) -> Self {
        s.0
    }
}

/// Bytes in hexadecimal digits, two each; spaces between them count nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hex {
    text: String,
    bytes: Vec<u8>,
}

impl Hex {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl TryFrom<String> for Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|c| !c.is_ascii_whitespace())
            .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
            .collect();
        let digits = digits.filter(|d| d.len() % 2 == 0).ok_or("not bytes in pairs of hexadecimal digits")?;
        let bytes = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        Ok(Hex { text, bytes })
    }
}

impl From<Hex> for String {
    fn from(hex: Hex) -> String {
        hex.text
    }
}

/// What a packet carries: a text, or a list of byte values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Bytes {
    /// A text, sent as UTF-8.
    Text(String),
    /// Byte values.
    List(Vec<u8>),
}

impl Bytes {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Text(text) => text.as_bytes(),
            Bytes::List(list) => list,
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of byte values")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
                Ok(Bytes::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bytes, A::Error> {
                let mut list = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    list.push(byte);
                }
                Ok(Bytes::List(list))
            }
        }
        d.deserialize_any(V)
    }
}

/// Data cut to a size, or filled up to it with `x`.
pub(super) fn sized(data: &[u8], size: Option<u16>) -> Vec<u8> {
    let mut bytes = data.to_vec();
    if let Some(size) = size {
        bytes.resize(usize::from(size), b'x');
    }
    bytes
}

/// One value written as text, or a list of such.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// Just one.
    One(T),
    /// A list.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// All of them, in order.
    pub fn as_slice(&self) -> &[T] {
        match self {
            OneOrMany::One(one) => std::slice::from_ref(one),
            OneOrMany::Many(many) => many,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = OneOrMany<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMany<T>, E> {
                T::deserialize(StrDeserializer::new(text)).map(OneOrMany::One)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany<T>, A::Error> {
                let mut many = Vec::new();
                while let Some(one) = seq.next_element()? {
                    many.push(one);
                }
                Ok(OneOrMany::Many(many))
            }
        }
        d.deserialize_any(V(PhantomData))
    }
}

/// A text of several lines, written as one string or as a list of lines.
pub type Text = OneOrMany<String>;

impl Text {
    /// The text, its last line ended; empty if there is none.
    ///
    /// ```
    /// use vitrine::lab::Text;
    /// let text = Text::Many(vec!["*filter".into(), "COMMIT".into()]);
    /// assert_eq!(text.text(), "*filter\nCOMMIT\n");
    /// ```
    pub fn text(&self) -> String {
        let mut text = self.as_slice().join("\n");
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }
}

/// A map in the order of the file. A name that comes twice is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered<K, V>(Vec<(K, V)>);

impl<K: PartialEq, V> Ordered<K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Where a key stands, from 0 on.
    pub fn position(&self, key: &K) -> Option<usize> {
        self.0.iter().position(|(k, _)| k == key)
    }

    /// Keys and values, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> {
        self.0.iter().map(|(k, v)| (k, v))
    }

    /// Adds a value under a key that is not there yet; else gives the value back.
    pub fn insert(&mut self, key: K, value: V) -> Result<(), V> {
        if self.position(&key).is_some() {
            return Err(value);
        }
        self.0.push((key, value));
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Ordered(Vec::new())
    }
}

impl<K: Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, K, V> Deserialize<'de> for Ordered<K, V>
where
    K: Deserialize<'de> + PartialEq + fmt::Display,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Vis<K, V>(PhantomData<(K, V)>);
        impl<'de, K, V> Visitor<'de> for Vis<K, V>
        where
            K: Deserialize<'de> + PartialEq + fmt::Display,
            V: Deserialize<'de>,
        {
            type Value = Ordered<K, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Ordered<K, V>, A::Error> {
                let mut map = Ordered::default();
                while let Some(key) = access.next_key::<K>()? {
                    if map.position(&key).is_some() {
                        return Err(A::Error::custom(format_args!("`{key}` is there twice")));
                    }
                    map.0.push((key, access.next_value()?));
                }
                Ok(map)
            }
        }
        d.deserialize_map(Vis(PhantomData))
    }
}
