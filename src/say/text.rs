//! Text for people, by key, from Fluent files.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use unic_langid::{LanguageIdentifier, langid};

/// A language that the texts exist in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl Lang {
    /// Both.
    pub const ALL: [Lang; 2] = [Lang::En, Lang::Ko];

    /// The language's tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Lang::En => "en",
            Lang::Ko => "ko",
        }
    }

    /// The language that a tag such as `ko-KR` asks for.
    pub fn of_tag(tag: &str) -> Option<Lang> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        Lang::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(primary))
    }

    fn id(self) -> LanguageIdentifier {
        match self {
            Lang::En => langid!("en"),
            Lang::Ko => langid!("ko"),
        }
    }
}

/// The texts of one language.
pub struct Text {
    bundle: FluentBundle<FluentResource>,
}

impl Text {
    /// Reads the Fluent files of a language. What is not well formed is left out; a test of each file sees to
    /// it that nothing is.
    pub fn new(lang: Lang, files: &[&str]) -> Text {
        let mut bundle = FluentBundle::new_concurrent(vec![lang.id()]);
        // Direction marks around each value would get into copied commands.
        bundle.set_use_isolating(false);
        for file in files {
            let resource = match FluentResource::try_new((*file).to_owned()) {
                Ok(resource) => resource,
                Err((resource, _)) => resource,
            };
            bundle.add_resource_overriding(resource);
        }
        Text { bundle }
    }

    /// The sentences about events, read once.
    pub fn events(lang: Lang) -> &'static Text {
        static EN: LazyLock<Text> =
            LazyLock::new(|| Text::new(Lang::En, &[include_str!("../../static/locales/en/events.ftl")]));
        static KO: LazyLock<Text> =
            LazyLock::new(|| Text::new(Lang::Ko, &[include_str!("../../static/locales/ko/events.ftl")]));
        match lang {
            Lang::En => &EN,
            Lang::Ko => &KO,
        }
    }

    /// True if there is a text of this key.
    pub fn has(&self, key: &str) -> bool {
        self.bundle.has_message(key)
    }

    /// The text of a key; the key itself where there is none, so that it is seen.
    pub fn get(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The text of a key, with values in place of its variables.
    pub fn with(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, *value);
        }
        self.format(key, &args)
    }

    /// The text of a key that counts something: `$n` is the number.
    pub fn count(&self, key: &str, n: u64) -> String {
        let mut args = FluentArgs::new();
        args.set("n", n);
        self.format(key, &args)
    }

    fn format(&self, key: &str, args: &FluentArgs) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|m| m.value()) else {
            return key.to_owned();
        };
        self.bundle.format_pattern(pattern, Some(args), &mut Vec::new()).into_owned()
    }
}
