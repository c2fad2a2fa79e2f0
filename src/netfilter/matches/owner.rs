//! `-m owner`: who sent the packet from this host.

use super::super::error::KernelError;
use super::super::extension::{Args, BOTH, Extension, Opt, said};
use super::super::fact::{Absent, Fact, NotTold, Test};
use super::super::skb::Sender;
use super::super::text::{Print, SaveOptions};
use super::super::value::{Cx, Kind, Value, leading_number};
use super::super::{Hook, Inv, Match, RuleError};
use super::MatchCx;

/// What the sending socket must be like (iptables-extensions(8), owner).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// `--uid-owner`: lowest and highest.
    pub uid: Option<Inv<(u32, u32)>>,
    /// `--gid-owner`: lowest and highest.
    pub gid: Option<Inv<(u32, u32)>>,
    /// `--socket-exists`; false where it is negated.
    pub socket_exists: Option<bool>,
    /// `--suppl-groups`: the process' other groups count as well.
    pub suppl_groups: bool,
}

pub(super) static EXT: Extension = Extension::a_match(
    "owner",
    BOTH,
    &[
        Opt::new("uid-owner", Kind::Own(|t, cx| read(t, cx, USERS))).inv(),
        Opt::new("gid-owner", Kind::Own(|t, cx| read(t, cx, GROUPS))).inv(),
        Opt::flag("socket-exists").inv(),
        Opt::flag("suppl-groups"),
    ],
    build,
)
.check(|args| {
    let place = |name| args.given.iter().position(|a| args.name_of(a) == name);
    if place("suppl-groups").is_some_and(|s| place("gid-owner").is_none_or(|g| g > s)) {
        return said("owner: Bad value for \"--suppl-groups\" option: \"you need to use --gid-owner first\"");
    }
    if args.given.is_empty() {
        return said("owner: At least one of --uid-owner, --gid-owner or --socket-exists is required");
    }
    Ok(())
})
.hooks(&[Hook::Output, Hook::Postrouting]);

/// The users that every Debian 12 has.
const USERS: &[(&str, u32)] = &[
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("sync", 4),
    ("games", 5),
    ("man", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("proxy", 13),
    ("www-data", 33),
    ("backup", 34),
    ("list", 38),
    ("irc", 39),
    ("_apt", 42),
    ("nobody", 65534),
];

/// The groups that every Debian 12 has.
const GROUPS: &[(&str, u32)] = &[
    ("root", 0),
    ("daemon", 1),
    ("bin", 2),
    ("sys", 3),
    ("adm", 4),
    ("tty", 5),
    ("disk", 6),
    ("lp", 7),
    ("mail", 8),
    ("news", 9),
    ("uucp", 10),
    ("man", 12),
    ("proxy", 13),
    ("kmem", 15),
    ("dialout", 20),
    ("fax", 21),
    ("voice", 22),
    ("cdrom", 24),
    ("floppy", 25),
    ("tape", 26),
    ("sudo", 27),
    ("audio", 29),
    ("dip", 30),
    ("www-data", 33),
    ("backup", 34),
    ("operator", 37),
    ("list", 38),
    ("irc", 39),
    ("src", 40),
    ("shadow", 42),
    ("utmp", 43),
    ("video", 44),
    ("sasl", 45),
    ("plugdev", 46),
    ("staff", 50),
    ("games", 60),
    ("users", 100),
    ("nogroup", 65534),
];

/// A name, a number, or a range of numbers.
fn read(text: &str, cx: Cx, names: &[(&str, u32)]) -> Result<Value, RuleError> {
    if let Some((_, id)) = names.iter().find(|(name, _)| *name == text) {
        return Ok(Value::Range(u64::from(*id), u64::from(*id)));
    }
    let one = |t| leading_number(t).filter(|(n, _)| *n < u64::from(u32::MAX));
    let Some((low, rest)) = one(text) else { return cx.bad_value(text) };
    if rest.is_empty() {
        return Ok(Value::Range(low, low));
    }
    match rest.strip_prefix(['-', ':']).and_then(one) {
        Some((high, "")) => Ok(Value::Range(low, high)),
        _ => cx.bad_value(text),
    }
}

fn build(args: &Args) -> Result<Match, RuleError> {
    let range = |name| args.map(name, |v| (v.range().0 as u32, v.range().1 as u32));
    Ok(Match::Owner(Owner {
        uid: range("uid-owner"),
        gid: range("gid-owner"),
        socket_exists: args.get("socket-exists").map(|a| !a.not),
        suppl_groups: args.has("suppl-groups"),
    }))
}

impl Owner {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        if let Some(exists) = self.socket_exists {
            out.option("socket-exists", Inv { not: !exists, value: "" });
        }
        for (name, range) in [("uid-owner", self.uid), ("gid-owner", self.gid)] {
            if let Some(Inv { not, value: (low, high) }) = range {
                let text = if low == high { low.to_string() } else { format!("{low}-{high}") };
                out.option(name, Inv { not, value: text });
            }
        }
        if self.suppl_groups {
            out.flag("suppl-groups");
        }
    }

    /// The kernel refuses ranges that run backwards.
    pub(super) fn kernel(&self) -> Option<KernelError> {
        let backwards = |range: Option<Inv<(u32, u32)>>| range.is_some_and(|r| r.value.0 > r.value.1);
        (backwards(self.uid) || backwards(self.gid)).then_some(KernelError::InvalidArgument)
    }

    /// As `owner_mt` does: a packet without a socket meets only what is negated.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let (uid, gid) = match cx.skb.sender {
            Sender::Kernel => {
                let negated = self.uid.is_none_or(|r| r.not)
                    && self.gid.is_none_or(|r| r.not)
                    && self.socket_exists != Some(true);
                return Test::new(negated, Fact::Absent(Absent::Socket));
            }
            // A socket without a file (`sk_socket->file`) meets no user and no group.
            Sender::KernelSocket => {
                let held = self.socket_exists != Some(false)
                    && self.uid.is_none_or(|r| r.not)
                    && self.gid.is_none_or(|r| r.not);
                return Test::new(held, Fact::Absent(Absent::Owner));
            }
            Sender::Socket { uid, gid } => (uid, gid),
            Sender::UnknownSocket => match (self.socket_exists, self.uid, self.gid) {
                (Some(false), ..) => return Test::new(false, Fact::NotTold(NotTold::Owner)),
                (_, None, None) => return Test::new(true, Fact::NotTold(NotTold::Owner)),
                _ => return Test::not_told(NotTold::Owner),
            },
        };
        let found = Fact::Owner(uid, gid);
        if self.socket_exists == Some(false) {
            return Test::new(false, found);
        }
        let within = |range: (u32, u32), id| (range.0..=range.1).contains(&id);
        if let Some(want) = self.uid
            && within(want.value, uid) == want.not
        {
            return Test::new(false, found);
        }
        if let Some(want) = self.gid {
            let held = within(want.value, gid);
            if !held && self.suppl_groups {
                return Test::not_told(NotTold::Owner);
            }
            if held == want.not {
                return Test::new(false, found);
            }
        }
        Test::new(true, found)
    }
}

impl Owner {
    /// Prints it as a listing does.
    pub(super) fn print(&self, out: &mut Print) {
        let socket =
            self.socket_exists.map(|exists| Inv { not: !exists, value: "owner socket exists".into() });
        let item = |what: &str, names: &[(&str, u32)], range: Option<Inv<(u32, u32)>>| {
            range.map(|Inv { not, value: (low, high) }| {
                let name = names.iter().find(|(_, id)| *id == low).map(|(name, _)| (*name).to_owned());
                let name = name.filter(|_| !out.numeric).unwrap_or_else(|| low.to_string());
                let who = if low == high { name } else { format!("{low}-{high}") };
                Inv { not, value: format!("owner {what} match {who}") }
            })
        };
        let items = [socket, item("UID", USERS, self.uid), item("GID", GROUPS, self.gid)];
        for Inv { not, value } in items.into_iter().flatten() {
            out.words(format_args!("{}{value}", if not { "! " } else { "" }));
        }
        if self.suppl_groups {
            out.words("incl. suppl. groups");
        }
    }
}
