//! The order of npm 6.10 to 7.12, which sorted by the language that the publisher's computer was
//! set to: npm-packlist passed no locale until 2.2, and Node has had the rules of all languages
//! since 13.
//!
//! A published sequence is never believed: it counts where the rules of a language give just that
//! one.

use icu_collator::Collator;
use icu_collator::options::CollatorOptions;
use icu_locale_core::Locale;

use super::{by_extension, node_path};

/// The languages of ICU that sort some name otherwise than English, those with the most publishers
/// first. Of several that sort alike one stands for all.
#[rustfmt::skip]
const LOCALES: [&str; 66] = [
    "zh", "es", "cs", "sk", "da", "nb", "sv", "hu", "hr", "tr", "et", "lt", "lv", "is", "vi", "ro", "pl", "sl", "ru", "uk", "ja", "ko",
    "zh-TW", "el", "he", "ar", "fa", "th", "nn", "cy", "sq", "az", "kl", "haw", "ig", "om", "se", "smn", "to", "uz", "yo", "fil", "br",
    "mt", "ee", "ha", "blo", "bg", "be", "sr", "mk", "kk", "ky", "mn", "hy", "ka", "hi", "bn", "ta", "te", "ur", "fr-CA", "de-AT",
    "eo", "ln", "hsb",
];

/// The language by whose rules these paths stand in their order; `none` for a Node that was built
/// without languages.
pub fn locale_of<P: AsRef<str>>(paths: &[P]) -> Option<&'static str> {
    let keyed: Vec<(String, String, &str)> = paths
        .iter()
        .map(|path| {
            let base = node_path::basename(path.as_ref());
            (node_path::extname(base).to_lowercase(), base.to_lowercase(), path.as_ref())
        })
        .collect();
    let sorted = |compare: &dyn Fn(&str, &str) -> std::cmp::Ordering| {
        keyed.is_sorted_by(|a, b| by_extension((&a.0, &a.1, a.2), (&b.0, &b.1, b.2), compare).is_le())
    };
    let by_language = LOCALES.into_iter().find(|name| {
        let collator = name.parse::<Locale>().ok().and_then(|locale| Collator::try_new(locale.into(), CollatorOptions::default()).ok());
        collator.is_some_and(|collator| sorted(&|a, b| collator.compare(a, b)))
    });
    by_language.or_else(|| sorted(&|a, b| a.encode_utf16().cmp(b.encode_utf16())).then_some("none"))
}
