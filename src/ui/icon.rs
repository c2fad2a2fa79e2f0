//! The icons: one family, drawn on a 16 × 16 grid with one stroke.

use yew::prelude::*;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// To the very start.
    First,
    /// Back by a hook.
    HookBack,
    /// Back by a chain.
    ChainBack,
    /// Back by a step.
    Back,
    /// Forward by a step.
    Forward,
    /// Forward by a chain.
    ChainForward,
    /// Forward by a hook.
    HookForward,
    /// To the end.
    Last,
    /// A sun or moon: light and dark.
    Theme,
    /// A folder.
    Open,
    /// A list.
    List,
    /// A keyboard.
    Keys,
    /// A plus.
    Plus,
    /// An arrow that turns back.
    Reply,
    /// A cross that closes.
    Close,
    /// A padlock.
    Lock,
    /// It plays.
    Play,
    /// It stands still.
    Pause,
}

impl Glyph {
    fn path(self) -> &'static str {
        match self {
            Glyph::First => "M3.5 3v10M13 3.5 7 8l6 4.5z",
            Glyph::HookBack => "M13 3.5 8 8l5 4.5M8 3.5 3 8l5 4.5",
            Glyph::ChainBack => "m12 3-6 5 6 5M4 3v10",
            Glyph::Back => "m10 3-5 5 5 5",
            Glyph::Forward => "m6 3 5 5-5 5",
            Glyph::ChainForward => "m4 3 6 5-6 5M12 3v10",
            Glyph::HookForward => "m3 3.5 5 4.5-5 4.5M8 3.5 13 8l-5 4.5",
            Glyph::Last => "M12.5 3v10M3 3.5 9 8l-6 4.5z",
            Glyph::Theme => "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
            Glyph::Open => "M2 12.5v-9h4l1.5 2H14v7z",
            Glyph::List => "M2.5 4h11M2.5 8h11M2.5 12h7",
            Glyph::Keys => "M1.5 4.5h13v8h-13zM4 7.5h.1M6.7 7.5h.1M9.3 7.5h.1M12 7.5h.1M5 10h6",
            Glyph::Plus => "M8 3v10M3 8h10",
            Glyph::Reply => "M6 3 2 7l4 4M2 7h7a5 5 0 0 1 5 5v1",
            Glyph::Close => "m4 4 8 8M12 4l-8 8",
            Glyph::Play => "M5 3.5v9l7-4.5z",
            Glyph::Pause => "M5.5 3.5v9M10.5 3.5v9",
            Glyph::Lock => "M3.5 7.5h9v6h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5",
        }
    }
}

/// Properties of [`Icon`].
#[derive(Properties, PartialEq)]
pub struct IconProps {
    /// Which one.
    pub glyph: Glyph,
}

/// An icon beside or instead of a text; the text is the button's own.
#[component]
pub fn Icon(props: &IconProps) -> Html {
    html! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d={props.glyph.path()} />
        </svg>
    }
}
