//! `-j TCPMSS`: writes the segment size that TCP offers.

use super::super::extension::{Args, Extension, Opt, V4, V6, said};
use super::super::text::{Print, SaveOptions};
use super::super::value::Kind;
use super::super::{Hook, RuleError, Target};
use crate::packet::{Packet, Proto, Transport};

/// What the MSS option of a SYN becomes (iptables-extensions(8), TCPMSS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpMss {
    /// `--set-mss`.
    Set(u16),
    /// `--clamp-mss-to-pmtu`: what the path carries, less the headers.
    Clamp,
}

/// An IPv4 packet's bytes less its header's; an IPv6 one's.
const MAX: u64 = 65_535 - 20;
const MAX6: u64 = 65_535 - 40;

pub(super) static EXT: Extension = Extension::a_target(
    "TCPMSS",
    V4,
    &[Opt::new("set-mss", Kind::Number(0, MAX)), Opt::flag("clamp-mss-to-pmtu")],
    build,
)
.check(check)
.protos(&[Proto::TCP]);
pub(super) static EXT6: Extension = Extension::a_target(
    "TCPMSS",
    V6,
    &[Opt::new("set-mss", Kind::Number(0, MAX6)), Opt::flag("clamp-mss-to-pmtu")],
    build,
)
.check(check)
.protos(&[Proto::TCP]);

fn check(args: &Args) -> Result<(), RuleError> {
    if args.given.is_empty() {
        return said("TCPMSS target: At least one parameter is required");
    }
    Ok(())
}

fn build(args: &Args) -> Result<Target, RuleError> {
    // Given both, the last one holds.
    let last = args.given.last().map(|a| args.name_of(a));
    Ok(Target::TcpMss(match args.number("set-mss") {
        Some(mss) if last == Some("set-mss") => TcpMss::Set(mss as u16),
        _ => TcpMss::Clamp,
    }))
}

impl TcpMss {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        match self {
            TcpMss::Set(mss) => out.value("set-mss", mss),
            TcpMss::Clamp => out.flag("clamp-mss-to-pmtu"),
        }
    }

    /// The base chains from which the kernel takes it.
    pub(super) fn base_hooks(&self) -> &'static [Hook] {
        match self {
            TcpMss::Set(_) => &[],
            TcpMss::Clamp => &[Hook::Forward, Hook::Output, Hook::Postrouting],
        }
    }

    /// Lowers the segment size that a TCP header offers, or adds one where it has none and carries no data
    /// (`tcpmss_mangle_packet`). `mtus`: what the ways out and back carry, asked for only where they count. False
    /// where the kernel drops the packet; `None` where that is not known.
    pub fn apply(self, packet: &mut Packet, mtus: impl FnOnce() -> Option<(u32, u32)>) -> Option<bool> {
        if packet.is_later_fragment() {
            return Some(true);
        }
        let (headers, default) = if packet.src.is_ipv4() { (40, 536) } else { (60, 1220) };
        let most = match self {
            TcpMss::Set(most) => most,
            TcpMss::Clamp => {
                let (out, back) = mtus()?;
                match u16::try_from(out.min(back).saturating_sub(headers)).unwrap_or(u16::MAX) {
                    0 => return Some(false),
                    most => most,
                }
            }
        };
        let data = !packet.payload.is_empty();
        let Transport::Tcp(tcp) = &mut packet.transport else { return Some(true) };
        match tcp.options.mss() {
            Some(now) => tcp.options.set_mss(now.min(most)),
            // The header's size has four bits.
            None if data || tcp.options.size() >= 40 => {}
            None => tcp.options.set_mss(most.min(default)),
        }
        Some(true)
    }
}

impl TcpMss {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        match self {
            TcpMss::Set(mss) => out.words(format_args!("TCPMSS set {mss}")),
            TcpMss::Clamp => out.words("TCPMSS clamp to PMTU"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Words, parse_packet};

    #[track_caller]
    fn check(mss: TcpMss, line: &str, want: (Option<bool>, Option<u16>)) {
        let mut packet = parse_packet(&mut Words::new(line)).expect("it is right");
        let done = mss.apply(&mut packet, || Some((1500, 1400)));
        assert_eq!((done, packet.tcp().expect("it is right").options.mss()), want);
    }

    #[test]
    fn the_segment_size_is_never_raised() {
        let syn = "tcp 10.0.0.1:1 > 10.0.0.2:2 syn";
        check(TcpMss::Set(1300), &format!("{syn} mss=1460"), (Some(true), Some(1300)));
        check(TcpMss::Set(1500), &format!("{syn} mss=1460"), (Some(true), Some(1460)));
        check(TcpMss::Clamp, &format!("{syn} mss=1460"), (Some(true), Some(1360)));
        check(TcpMss::Set(1300), syn, (Some(true), Some(536)));
        check(TcpMss::Set(300), syn, (Some(true), Some(300)));
        check(TcpMss::Set(300), &format!("{syn} payload=1"), (Some(true), None));
        let v6 = "tcp [2001:db8::1]:1 > [2001:db8::2]:2 syn";
        check(TcpMss::Clamp, v6, (Some(true), Some(1220)));
        let mut packet = parse_packet(&mut Words::new(v6)).expect("it is right");
        assert_eq!(TcpMss::Clamp.apply(&mut packet, || Some((60, 1500))), Some(false));
        assert_eq!(TcpMss::Clamp.apply(&mut packet, || None), None);
    }
}
