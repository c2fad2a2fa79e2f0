//! `-m owner`: whose socket sent the packet.

use super::super::extension::{Args, BOTH, Build, Extension, Fidelity, Opt};
use super::super::fact::{Absent, Fact, NotTold, Test};
use super::super::text::SaveOptions;
use super::super::value::{Kind, number};
use super::super::{Hook, Inv, Match, RuleError, Sender, Ternary};
use super::MatchCx;
use std::fmt;

/// The owner of the sending socket (iptables-extensions(8), owner).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerMatch {
    /// `--socket-exists`.
    pub socket: Option<bool>,
    /// `--uid-owner`.
    pub uid: Option<Inv<IdRange>>,
    /// `--gid-owner`.
    pub gid: Option<Inv<IdRange>>,
    /// `--suppl-groups`: supplementary groups count too.
    pub suppl_groups: bool,
}

/// Lowest and highest id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange(pub u32, pub u32);

impl fmt::Display for IdRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { self.0.fmt(f) } else { write!(f, "{}-{}", self.0, self.1) }
    }
}

pub(super) static EXT: Extension = Extension {
    name: "owner",
    families: BOTH,
    opts: &[
        Opt::new("socket-exists", Kind::None).inv(),
        Opt::new("uid-owner", Kind::Text).inv(),
        Opt::new("gid-owner", Kind::Text).inv(),
        Opt::new("suppl-groups", Kind::None),
    ],
    build: Build::Match(build),
    fidelity: Fidelity::Modelled,
    tables: &[],
    hooks: &[Hook::Output, Hook::Postrouting],
};

fn build(args: &Args) -> Result<Match, RuleError> {
    let ids = |name: &'static str| match args.get(name) {
        None => Ok(None),
        Some(given) => {
            let text = given.value.text();
            let bad = || RuleError::BadValue { ext: "owner".into(), opt: name.into(), value: text.into() };
            let range = id_range(text).ok_or_else(bad)?;
            Ok(Some(Inv { not: given.not, value: range }))
        }
    };
    let owner = OwnerMatch {
        socket: args.get("socket-exists").map(|a| !a.not),
        uid: ids("uid-owner")?,
        gid: ids("gid-owner")?,
        suppl_groups: args.has("suppl-groups"),
    };
    if owner.socket.is_none() && owner.uid.is_none() && owner.gid.is_none() {
        return Err(
            args.said("owner: At least one of --uid-owner, --gid-owner or --socket-exists is required")
        );
    }
    Ok(Match::Owner(owner))
}

/// `ID[-ID]`, or `root`, the one name that every system has.
fn id_range(text: &str) -> Option<IdRange> {
    if text == "root" {
        return Some(IdRange(0, 0));
    }
    let one = |t: &str| number(t).and_then(|n| u32::try_from(n).ok()).filter(|n| *n != u32::MAX);
    match text.split_once('-') {
        None => one(text).map(|n| IdRange(n, n)),
        Some((low, high)) => Some(IdRange(one(low)?, one(high)?)),
    }
}

impl OwnerMatch {
    pub(super) fn save(&self, out: &mut SaveOptions) {
        match self.socket {
            Some(true) => out.flag("socket-exists"),
            Some(false) => out.raw("! --socket-exists"),
            None => {}
        }
        if let Some(uid) = self.uid {
            out.option("uid-owner", uid);
        }
        if let Some(gid) = self.gid {
            out.option("gid-owner", gid);
        }
        if self.suppl_groups {
            out.flag("suppl-groups");
        }
    }

    /// As `owner_mt` does: a packet without a socket matches only what is negated.
    pub(super) fn test(&self, cx: &MatchCx) -> Test {
        let (uid, gid) = match cx.skb.sender {
            Sender::Kernel => {
                let all_negated = self.socket != Some(true)
                    && self.uid.is_none_or(|u| u.not)
                    && self.gid.is_none_or(|g| g.not);
                return Test::new(all_negated, Fact::Absent(Absent::Socket));
            }
            Sender::UnknownSocket if self.uid.is_none() && self.gid.is_none() => {
                return Test::new(self.socket == Some(true), Fact::Nothing);
            }
            Sender::UnknownSocket if self.socket == Some(false) => return Test::new(false, Fact::Nothing),
            Sender::UnknownSocket => return Test::not_told(NotTold::Owner),
            Sender::Socket { uid, gid } => (uid, gid),
        };
        let holds = |want: Option<Inv<IdRange>>, id: u32| {
            want.is_none_or(|w| (w.value.0..=w.value.1).contains(&id) != w.not)
        };
        let held = Ternary::from(self.socket != Some(false))
            .and(holds(self.uid, uid).into())
            .and(holds(self.gid, gid).into());
        Test::new(held, Fact::Owner(uid, gid))
    }
}
