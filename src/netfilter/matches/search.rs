//! What `-m string` asks: a text among the packet's bytes.

use super::super::Inv;
use super::super::fact::{Fact, NotTold, Ternary, Test};
use super::MatchCx;
use crate::packet::{At, Wire};

/// A text and where it may stand (iptables-extensions(8), string). Places count from the IP header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// The text.
    pub text: Inv<Vec<u8>>,
    /// The first place at which it may begin.
    pub from: usize,
    /// The place before which it must end.
    pub to: usize,
    /// Large and small letters are equal.
    pub icase: bool,
}

/// The kernel's `toupper`, which knows Latin-1.
fn upper(b: u8) -> u8 {
    match b {
        b'a'..=b'z' | 0xe0..=0xf6 | 0xf8..=0xff => b - 32,
        other => other,
    }
}

impl Search {
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let (held, at) = self.find(&cx.skb.packet.wire());
        match (held, at) {
            (Ternary::Unknown, _) => Test::not_told(NotTold::Payload),
            (held, Some(at)) => Test::new(held.negate_if(self.text.not), Fact::Number(at as u64)),
            (held, None) => {
                Test::new(held.negate_if(self.text.not), Fact::Absent(super::super::fact::Absent::Text))
            }
        }
    }

    /// Whether the text is there (`skb_find_text`), and where it is first.
    fn find(&self, wire: &Wire) -> (Ternary, Option<usize>) {
        let text = &self.text.value;
        let end = self.to.min(wire.len());
        let mut held = Ternary::No;
        for start in self.from..(end + 1).saturating_sub(text.len()) {
            let mut all = Ternary::Yes;
            for (place, want) in text.iter().enumerate() {
                let one = match wire.byte(start + place) {
                    At::Known(found) if found == *want => Ternary::Yes,
                    At::Known(found) => Ternary::from(self.icase && upper(found) == upper(*want)),
                    At::Unknown => Ternary::Unknown,
                    At::Beyond => Ternary::No,
                };
                all = all.and(one);
                if all == Ternary::No {
                    break;
                }
            }
            match all {
                Ternary::Yes => return (Ternary::Yes, Some(start)),
                Ternary::Unknown => held = Ternary::Unknown,
                Ternary::No => {}
            }
        }
        (held, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Payload, Words, parse_packet};

    #[test]
    fn a_text_is_found_where_it_may_stand() {
        let mut packet =
            parse_packet(&mut Words::new("udp 10.0.0.1:53 > 10.0.0.2:5353")).expect("it is right");
        packet.payload = Payload::from(b"GET /index".as_slice());
        let search = |text: &str, from, to, icase| Search { text: Inv::yes(text.into()), from, to, icase };
        for (search, want) in [
            (search("GET", 0, 65_535, false), Ternary::Yes),
            (search("get", 0, 65_535, false), Ternary::No),
            (search("get", 0, 65_535, true), Ternary::Yes),
            (search("GET", 28, 31, false), Ternary::Yes),
            (search("GET", 28, 30, false), Ternary::No),
            (search("GET", 29, 65_535, false), Ternary::No),
            (search("index", 33, 65_535, false), Ternary::Yes),
            (search("indexx", 0, 65_535, false), Ternary::No),
        ] {
            assert_eq!(search.find(&packet.wire()).0, want, "{search:?}");
        }
        packet.payload = Payload::Size(10);
        assert_eq!(search("GET", 0, 65_535, false).find(&packet.wire()).0, Ternary::Unknown);
        assert_eq!(search("GET", 0, 24, false).find(&packet.wire()).0, Ternary::No, "headers are known");
        assert_eq!(
            search("GET index page", 0, 65_535, false).find(&packet.wire()).0,
            Ternary::No,
            "too long"
        );
    }
}
