//! Service names, as /etc/services of Debian 12 has them.

use crate::packet::Proto;
use std::sync::LazyLock;

const TABLE: &str = include_str!("services.txt");

/// The port that a name means for a protocol; without one, for whichever has the name.
///
/// ```
/// use vitrine::netfilter::services::port_of;
/// use vitrine::packet::Proto;
/// assert_eq!(port_of("ssh", Some(Proto::TCP)), Some(22));
/// assert_eq!(port_of("ssh", Some(Proto::UDP)), None);
/// assert_eq!(port_of("domain", None), Some(53));
/// ```
pub fn port_of(name: &str, proto: Option<Proto>) -> Option<u16> {
    let wanted = proto.filter(|p| *p != Proto::ALL).and_then(Proto::name);
    let first = ROWS.partition_point(|row| row.name < name);
    ROWS[first..]
        .iter()
        .take_while(|row| row.name == name)
        .find(|row| wanted.is_none_or(|w| row.protos.split(' ').any(|p| p == w)))
        .map(|row| row.port)
}

struct Row {
    name: &'static str,
    port: u16,
    protos: &'static str,
}

/// The rows by name; those of one name as they stand in the file.
static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut parts = line.splitn(3, ' ');
        Some(Row { name: parts.next()?, port: parts.next()?.parse().ok()?, protos: parts.next()? })
    };
    let mut rows: Vec<Row> = TABLE.lines().filter(|l| !l.starts_with('#')).filter_map(row).collect();
    rows.sort_by_key(|row| row.name);
    rows
});
