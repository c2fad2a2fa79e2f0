//! The page's own words, from `static/locales/*/ui.ftl`. (The sentences about events are `say`'s.)

use crate::say::Lang;
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};
use std::rc::Rc;
use yew::prelude::*;

/// A language's own name for itself, short.
pub fn own_name(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "EN",
        Lang::Ko => "한국어",
    }
}

/// One language's messages.
pub struct Words {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        self.lang == other.lang
    }
}

impl Words {
    /// Reads a language's file, which is part of the program.
    pub fn new(lang: Lang) -> Self {
        let source = match lang {
            Lang::En => include_str!("../../static/locales/en/ui.ftl"),
            Lang::Ko => include_str!("../../static/locales/ko/ui.ftl"),
        };
        let resource = match FluentResource::try_new(source.to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        let id = lang.tag().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new(vec![id]);
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Words { lang, bundle }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// A message without arguments.
    pub fn get(&self, key: &'static str) -> AttrValue {
        self.with(key, &[])
    }

    /// A message with arguments. A key that is missing shows itself, so that it is seen.
    pub fn with(&self, key: &'static str, args: &[(&'static str, FluentValue)]) -> AttrValue {
        let Some(pattern) = self.bundle.get_message(key).and_then(|m| m.value()) else {
            return AttrValue::Static(key);
        };
        let mut all = FluentArgs::new();
        for (name, value) in args {
            all.set(*name, value.clone());
        }
        let mut errors = Vec::new();
        AttrValue::from(self.bundle.format_pattern(pattern, Some(&all), &mut errors).into_owned())
    }
}

/// The words of the language that the page is in.
#[hook]
pub fn use_words() -> Rc<Words> {
    use_context::<Rc<Words>>().unwrap_or_else(|| Rc::new(Words::new(Lang::En)))
}
