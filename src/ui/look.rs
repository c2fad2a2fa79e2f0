//! Meaning to colour and symbol: the one place, so that no view disagrees with another.

use yew::prelude::*;

/// What something means to the packet. Never shown by colour alone: each thing with a tone has a symbol too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It may go on.
    Accept,
    /// It ends here.
    Drop,
    /// Its header is changed.
    Translate,
    /// The model can't tell.
    Unknown,
    /// About the packet itself: where it is, its connection.
    Packet,
    /// None of these.
    Neutral,
}

impl Tone {
    /// The class that carries the colours.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Accept => "is-accept",
            Tone::Drop => "is-drop",
            Tone::Translate => "is-translate",
            Tone::Unknown => "is-unknown",
            Tone::Packet => "is-packet",
            Tone::Neutral => "is-neutral",
        }
    }
}

/// A symbol and its tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The tone.
    pub tone: Tone,
    /// One or two characters.
    pub symbol: &'static str,
}

impl Look {
    /// Held, accepted.
    pub const YES: Look = Look { tone: Tone::Accept, symbol: "✓" };
    /// Failed, dropped.
    pub const NO: Look = Look { tone: Tone::Drop, symbol: "✗" };
    /// Refused with an answer.
    pub const REJECT: Look = Look { tone: Tone::Drop, symbol: "⊘" };
    /// Didn't match: no harm in it.
    pub const PASS: Look = Look { tone: Tone::Neutral, symbol: "✗" };
    /// The model can't tell.
    pub const MAYBE: Look = Look { tone: Tone::Unknown, symbol: "?" };
    /// Changed.
    pub const CHANGE: Look = Look { tone: Tone::Translate, symbol: "⇄" };
    /// Goes into another chain.
    pub const CALL: Look = Look { tone: Tone::Neutral, symbol: "↳" };
    /// Comes back from a chain.
    pub const BACK: Look = Look { tone: Tone::Neutral, symbol: "↩" };
    /// Moves on.
    pub const MOVE: Look = Look { tone: Tone::Packet, symbol: "→" };
    /// Connection tracking.
    pub const TRACK: Look = Look { tone: Tone::Packet, symbol: "≡" };
    /// Nothing happens.
    pub const QUIET: Look = Look { tone: Tone::Neutral, symbol: "·" };
    /// Noted, for instance logged.
    pub const NOTE: Look = Look { tone: Tone::Neutral, symbol: "✎" };
}

/// Properties of [`Chip`].
#[derive(Properties, PartialEq)]
pub struct ChipProps {
    /// Its look.
    pub look: Look,
    /// Its word.
    pub word: AttrValue,
}

/// A word with its symbol on a tinted ground.
#[component]
pub fn Chip(props: &ChipProps) -> Html {
    html! {
        <span class={classes!("chip", props.look.tone.class())}>
            <span aria-hidden="true">{ props.look.symbol }</span>
            <span>{ &props.word }</span>
        </span>
    }
}
