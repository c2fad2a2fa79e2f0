//! Names of network interfaces.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::fmt;

/// A network interface's name, at most 15 bytes (`IFNAMSIZ` less its end mark).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr", into = "SmolStr")]
pub struct IfName(SmolStr);

impl IfName {
    /// The longest name, in bytes (`IFNAMSIZ - 1`, netdevice(7)).
    pub const MAX: usize = 15;

    /// Takes a name as `dev_valid_name` of the kernel would: 1 to 15 bytes, no `/`, no `:`, no
    /// white space, neither `.` nor `..`.
    ///
    /// ```
    /// use vitrine::abi::IfName;
    /// assert!(IfName::new("eth0").is_some());
    /// assert!(IfName::new("a-name-of-16-let").is_none());
    /// assert!(IfName::new("a/b").is_none());
    /// ```
    pub fn new(name: &str) -> Option<Self> {
        let ok = !name.is_empty()
            && name.len() <= Self::MAX
            && name != "."
            && name != ".."
            && !name.bytes().any(|b| b == b'/' || b == b':' || b.is_ascii_whitespace() || b == 0x0b);
        ok.then(|| IfName(SmolStr::new(name)))
    }

    /// The loopback interface.
    pub fn lo() -> Self {
        IfName(SmolStr::new_static("lo"))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for `lo`.
    pub fn is_lo(&self) -> bool {
        self.0 == "lo"
    }
}

impl TryFrom<SmolStr> for IfName {
    type Error = &'static str;

    fn try_from(name: SmolStr) -> Result<Self, &'static str> {
        IfName::new(&name)
            .ok_or("an interface's name is 1 to 15 bytes without `/`, `:` and spaces, and not `.` or `..`")
    }
}

impl From<IfName> for SmolStr {
    fn from(name: IfName) -> SmolStr {
        name.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
