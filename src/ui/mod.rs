//! The page: components, each named for what it shows; one reducer; storage at one edge.
//!
//! `app.rs` puts them together, `state.rs` has all that can change, `case.rs` stands between them and the
//! engine. No text for people is here: it is in `static/locales`.

mod app;
mod brand;
mod cabinet;
mod case;
mod chain;
mod complaint;
mod composer;
mod connection;
mod fields;
mod focus;
mod form;
mod icon;
mod keys;
mod lab;
mod labs;
mod log;
mod look;
mod opener;
mod pieces;
mod placard;
mod presets;
mod reel;
mod route;
mod rows;
mod sheet;
mod shown;
mod state;
mod steps;
mod storage;
mod strip;
mod summary;
mod support;
mod tabs;
mod timeline;
mod top;
mod view;
mod ways;
mod welcome;
mod why;
mod words;

pub use app::App;
pub use words::Words;

/// Starts the page.
pub fn run() {
    yew::Renderer::<App>::new().render();
}
