//! Service names, as /etc/services of Debian 12 has them.

use crate::packet::Proto;

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
    rows()
        .find(|row| row.name == name && wanted.is_none_or(|w| row.protos.split(' ').any(|p| p == w)))
        .map(|row| row.port)
}

struct Row {
    name: &'static str,
    port: u16,
    protos: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().filter(|l| !l.starts_with('#')).filter_map(|line| {
        let mut parts = line.splitn(3, ' ');
        Some(Row { name: parts.next()?, port: parts.next()?.parse().ok()?, protos: parts.next()? })
    })
}
