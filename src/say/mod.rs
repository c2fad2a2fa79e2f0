//! Says events in sentences, in each language.

mod config;
mod connection;
mod rules;
mod sentence;
mod sets;
mod text;
mod wire;

pub use sentence::{assumption, fate, found, no_reply, sentence, stage_name};
pub use text::{Lang, Text};
