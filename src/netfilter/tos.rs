//! The type of service byte's names: `--tos`, `--dscp-class`.

use super::error::RuleError;
use super::extension::said;
use super::value::{Cx, Value, leading_number, number};

/// The five services of RFC 1349.
const SERVICES: [(&str, u32); 5] = [
    ("Minimize-Delay", 0x10),
    ("Maximize-Throughput", 0x08),
    ("Maximize-Reliability", 0x04),
    ("Minimize-Cost", 0x02),
    ("Normal-Service", 0x00),
];

/// The classes of RFC 2597, RFC 2474 and RFC 3246.
const CLASSES: [(&str, u64); 22] = [
    ("CS0", 0x00),
    ("CS1", 0x08),
    ("CS2", 0x10),
    ("CS3", 0x18),
    ("CS4", 0x20),
    ("CS5", 0x28),
    ("CS6", 0x30),
    ("CS7", 0x38),
    ("BE", 0x00),
    ("AF11", 0x0a),
    ("AF12", 0x0c),
    ("AF13", 0x0e),
    ("AF21", 0x12),
    ("AF22", 0x14),
    ("AF23", 0x16),
    ("AF31", 0x1a),
    ("AF32", 0x1c),
    ("AF33", 0x1e),
    ("AF41", 0x22),
    ("AF42", 0x24),
    ("AF43", 0x26),
    ("EF", 0x2e),
];

/// The name of a service, where value and mask are one's.
pub(super) fn service_name(value: u8, mask: u8) -> Option<&'static str> {
    let is = |(_, n): &&(&str, u32)| *n == u32::from(value) && mask == 0x3f;
    SERVICES.iter().find(is).map(|(name, _)| *name)
}

/// `VALUE[/MASK]` or a service's name, which leaves the two lower bits out.
pub(super) fn read_tos(text: &str, _: Cx) -> Result<Value, RuleError> {
    let byte = |n: u64| u32::try_from(n).ok().filter(|n| *n <= 0xff);
    if let Some((value, rest)) = leading_number(text).and_then(|(n, rest)| Some((byte(n)?, rest))) {
        return match rest.strip_prefix('/') {
            None if rest.is_empty() => Ok(Value::MarkMask(value, 0xff)),
            Some(mask) => match number(mask).and_then(byte) {
                Some(mask) => Ok(Value::MarkMask(value, mask)),
                None => said(format!("Illegal value: \"{text}\"")),
            },
            None => said(format!("Illegal value: \"{text}\"")),
        };
    }
    match SERVICES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some((_, value)) => Ok(Value::MarkMask(*value, 0x3f)),
        None => said(format!("Symbolic name \"{text}\" is unknown")),
    }
}

/// The name of a DSCP class; what follows it is not looked at.
pub(super) fn read_class(text: &str, _: Cx) -> Result<Value, RuleError> {
    let begins = |name: &str| text.get(..name.len()).is_some_and(|s| s.eq_ignore_ascii_case(name));
    match CLASSES.iter().find(|(name, _)| begins(name)) {
        Some((_, value)) => Ok(Value::Number(*value)),
        None => said(format!("Invalid DSCP value `{text}'")),
    }
}
