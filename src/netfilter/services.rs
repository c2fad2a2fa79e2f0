//! Service names, as /etc/services of Debian 12 has them.

use crate::packet::Proto;
use std::collections::BTreeMap;
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
        .find(|row| wanted.is_none_or(|w| row.protos.split(' ').any(|p| p.trim_start_matches('+') == w)))
        .map(|row| row.port)
}

/// The name of a port for a protocol; without one, the first of any.
///
/// ```
/// use vitrine::netfilter::services::name_of;
/// use vitrine::packet::Proto;
/// assert_eq!(name_of(22, Some(Proto::TCP)), Some("ssh"));
/// assert_eq!(name_of(22, Some(Proto::UDP)), None);
/// ```
pub fn name_of(port: u16, proto: Option<Proto>) -> Option<&'static str> {
    let wanted = proto.and_then(Proto::name);
    let rows = NAMES.get(&port)?;
    let has = |row: &Row| row.protos.split(' ').any(|p| wanted.map_or(!p.starts_with('+'), |w| p == w));
    rows.iter().find(|row| has(row)).map(|row| row.name)
}

/// The rows of each port, aliases left out, as they stand in the file.
static NAMES: LazyLock<BTreeMap<u16, Vec<&'static Row>>> = LazyLock::new(|| {
    let mut names: BTreeMap<u16, Vec<&'static Row>> = BTreeMap::new();
    ROWS.iter().for_each(|row| names.entry(row.port).or_default().push(row));
    names
});

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
