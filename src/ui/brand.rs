//! The sign: a glass case with one lit thing in it, and the name cut with straight strokes.

use yew::prelude::*;

/// The sign and the name, as the page's first heading.
#[component]
pub fn Brand() -> Html {
    html! {
        <h1 class="brand">
            <svg class="sign" viewBox="0 0 26 26" aria-hidden="true">
                <path d="M3 8.5 8 3h15v15l-5 5H3zM3 8.5h15V23M18 8.5 23 3" stroke-width="1.6" stroke-linejoin="round" />
                <rect class="gem" x="7.5" y="13" width="6" height="6" rx="1" />
            </svg>
            <svg class="word" viewBox="0 0 98 16" role="img" aria-label="Vitrine">
                <path d="M1 2 6.5 14 12 2M19 2v12M26 2h11M31.5 2v12M45 14V2h4.5a3.3 3.3 0 0 1 0 6.6H45M50 8.6 54 14M62 2v12M70 14V2l9 12V2M96 2h-8v12h8M88 8h6.5" />
            </svg>
        </h1>
    }
}
