//! A list of rows of one height, of which only those in view are in the document.

use gloo::utils::window;
use std::ops::Range;
use web_sys::HtmlElement;
use yew::prelude::*;

/// Rows kept above and below those in view.
const MARGIN: usize = 12;
/// More rows than this are in view nowhere; a list without its style sheet would grow with its rows.
const MOST: usize = 100;
/// The width below which rows have two lines, as `chain.css` has it.
const NARROW: f64 = 860.0;
const ROW: i32 = 32;
const TALL_ROW: i32 = 56;

fn row_height() -> i32 {
    let width = window().inner_width().ok().and_then(|w| w.as_f64()).unwrap_or(NARROW);
    if width < NARROW { TALL_ROW } else { ROW }
}

/// Which rows are to be in the document.
fn in_view(scrolled: i32, height: i32, row: i32, count: usize) -> Range<usize> {
    let first = usize::try_from(scrolled / row).unwrap_or(0);
    let shown = usize::try_from(height / row).unwrap_or(0).min(MOST) + 1;
    first.saturating_sub(MARGIN).min(count)..(first + shown + MARGIN).min(count)
}

/// Properties of [`Rows`].
#[derive(Properties, PartialEq)]
pub struct RowsProps {
    /// How many rows there are.
    pub count: usize,
    /// The row that must be in view.
    pub current: Option<usize>,
    /// A change of this brings `current` into view again.
    pub list: usize,
    /// What the list is, for those who don't see it.
    pub label: AttrValue,
    /// Draws a row.
    pub row: Callback<usize, Html>,
}

/// Draws the rows in view between two spacers.
#[component]
pub fn Rows(props: &RowsProps) -> Html {
    let node = use_node_ref();
    let view = use_state_eq(|| (0, 640));
    let measure = {
        let (node, view) = (node.clone(), view.clone());
        Callback::from(move |()| {
            if let Some(scroller) = scroller(&node) {
                view.set((scroller.scroll_top(), scroller.client_height().max(ROW)));
            }
        })
    };
    {
        let (node, measure) = (node.clone(), measure.clone());
        use_effect_with((props.current, props.list, props.count), move |(current, _, _)| {
            if let (Some(scroller), Some(current)) = (scroller(&node), current) {
                let row = row_height();
                let top = i32::try_from(*current).unwrap_or(i32::MAX / row).saturating_mul(row);
                let (from, height) = (scroller.scroll_top(), scroller.client_height());
                if top < from + row || top + 2 * row > from + height {
                    scroller.set_scroll_top((top - height / 3).max(0));
                }
            }
            measure.emit(());
        });
    }
    let row = row_height();
    let range = in_view(view.0, view.1, row, props.count);
    let before = i32::try_from(range.start).unwrap_or(0).saturating_mul(row);
    let after = i32::try_from(props.count - range.end).unwrap_or(0).saturating_mul(row);
    let onscroll = measure.reform(|_: Event| ());
    html! {
        <div class="chain" ref={node} role="list" tabindex="0" aria-label={&props.label} {onscroll}>
            <Spacer height={before} />
            { for range.map(|i| props.row.emit(i)) }
            <Spacer height={after} />
        </div>
    }
}

fn scroller(node: &NodeRef) -> Option<HtmlElement> {
    node.cast::<HtmlElement>()
}

#[derive(Properties, PartialEq)]
struct SpacerProps {
    height: i32,
}

/// Holds the place of rows that are out of view. Its height is set by script: the page's policy allows no
/// style attribute.
#[component]
fn Spacer(props: &SpacerProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.height, move |height| {
            if let Some(element) = node.cast::<HtmlElement>() {
                let _ = element.style().set_property("height", &format!("{height}px"));
            }
        });
    }
    html! { <div ref={node} aria-hidden="true"></div> }
}
