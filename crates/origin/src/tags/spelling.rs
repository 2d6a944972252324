//! The ways in which a tag spells a version.
//!
//! Both are cut into tokens, runs of digits and runs of letters; a tag fits where its tokens are
//! the version's. So a number is never part of a longer one, whatever stands around it, and
//! `1_2_3-beta1` is `1.2.3-beta.1`.

/// How exactly a tag spells the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As npm writes it.
    Exact,
    /// With other separators, or leading zeros: `1_2_3`, `1.2.3beta1`.
    Respelled,
    /// With `+…` behind, which npm leaves out of a version.
    Build,
    /// With a word behind that says nothing of another version: `1.2.3-release`.
    Suffixed,
    /// `1.2` for 1.2.0.
    NoPatch,
    /// `1` for 1.0.0; such tags are often moved on.
    MajorOnly,
}

/// A place in a tag where the version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Match<'a> {
    /// What stands before the version, without the `v` that belongs to it.
    pub(super) prefix: &'a str,
    pub(super) spelling: Spelling,
    /// A number stands right before the version, joined to it as the version's own numbers are.
    pub(super) continues_number: bool,
}

/// A run of digits or of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    start: usize,
    digits: bool,
}

impl Token<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Numbers without regard to leading zeros, words without regard to case.
    fn same(&self, other: &Token<'_>) -> bool {
        if self.digits && other.digits {
            self.text.trim_start_matches('0') == other.text.trim_start_matches('0')
        } else {
            self.text.eq_ignore_ascii_case(other.text)
        }
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let is_more = |c: char| if digits { c.is_ascii_digit() } else { c.is_alphabetic() };
        let length = rest.find(|c| !is_more(c)).unwrap_or(rest.len());
        let start = text.len() - rest.len();
        if length > 0 {
            found.push(Token { text: rest.get(..length).unwrap_or_default(), start, digits });
        }
        rest = rest.get(length.max(first.len_utf8())..).unwrap_or_default();
    }
    found
}

/// A version, ready to be looked for.
pub(super) struct Version {
    /// As npm writes it, without build metadata.
    text: String,
    /// Every token of the full version, then of the shorter forms that it has.
    forms: Vec<(Spelling, String)>,
}

impl Version {
    /// `None` if the text does not begin with three numbers.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', '=']);
        let (text, _) = text.split_once('+').unwrap_or((text, ""));
        let (core, prerelease) = text.split_once('-').map_or((text, ""), |(core, _)| (core, text.get(core.len()..).unwrap_or_default()));
        let numbers: Vec<&str> = core.split('.').collect();
        let [major, minor, patch] = numbers.as_slice() else {
            return None;
        };
        if text.len() > super::MAX_TAG || numbers.iter().any(|part| part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        let mut forms = vec![(Spelling::Exact, text.to_owned())];
        if is_zero(patch) {
            forms.push((Spelling::NoPatch, format!("{major}.{minor}{prerelease}")));
            if is_zero(minor) {
                forms.push((Spelling::MajorOnly, format!("{major}{prerelease}")));
            }
        }
        Some(Self { text: text.to_owned(), forms })
    }

    /// Every place in a tag where the version stands, in any form.
    pub(super) fn matches<'a>(&self, tag: &'a str) -> impl Iterator<Item = Match<'a>> {
        let in_tag = tokens(tag);
        let mut found = Vec::new();
        for (spelling, form) in &self.forms {
            let wanted = tokens(form);
            for (at, window) in in_tag.windows(wanted.len().max(1)).enumerate() {
                if !wanted.is_empty() && window.iter().zip(&wanted).all(|(a, b)| a.digits == b.digits && a.same(b)) {
                    let before = at.checked_sub(1).and_then(|at| in_tag.get(at)).copied();
                    found.extend(self.read(tag, window, before, (*spelling, form)));
                }
            }
        }
        found.into_iter()
    }

    /// The place of a window of tokens that reads as one form of the version; `before` is the token
    /// in front of it.
    fn read<'a>(
        &self,
        tag: &'a str,
        window: &[Token<'_>],
        before: Option<Token<'_>>,
        (spelling, form): (Spelling, &str),
    ) -> Option<Match<'a>> {
        let (first, last) = (window.first()?, window.last()?);
        let written = tag.get(first.start..last.end())?;
        if !joined_as_version(tag, window, form) {
            return None;
        }
        let spelling = match (tail(tag.get(last.end()..)?)?, spelling) {
            (Tail::Nothing, Spelling::Exact) if written != self.text => Spelling::Respelled,
            (Tail::Nothing, spelling) => spelling,
            (Tail::Build, Spelling::Exact) => Spelling::Build,
            (Tail::Word, Spelling::Exact) => Spelling::Suffixed,
            // `1.2-release` for 1.2.0 is too far from it.
            _ => return None,
        };
        let prefix = tag.get(..first.start)?;
        let gap = before.and_then(|token| token.digits.then(|| tag.get(token.end()..first.start)).flatten());
        let own = separators(tag, window).next();
        let continues_number = gap.is_some_and(|gap| gap == "." || Some(gap) == own);
        Some(Match { prefix: without_v(prefix), spelling, continues_number })
    }
}

fn is_zero(number: &str) -> bool {
    number.bytes().all(|b| b == b'0')
}

/// What stands between the tokens of a version in a tag.
fn separators<'a>(tag: &'a str, window: &[Token<'_>]) -> impl Iterator<Item = &'a str> {
    window.iter().zip(window.iter().skip(1)).filter_map(move |(a, b)| tag.get(a.end()..b.start))
}

/// Whether the tokens are joined as one version: the first numbers all by the same separator
/// (`1.2-3` is a prerelease of another version), what follows by any one character, or by none
/// where a word meets a number.
fn joined_as_version(tag: &str, window: &[Token<'_>], form: &str) -> bool {
    let core = form.split('-').next().unwrap_or_default().split('.').count();
    let mut own = None;
    separators(tag, window).enumerate().all(|(at, between)| {
        if at + 1 < core {
            return matches!(between, "." | "_" | "-") && *own.get_or_insert(between) == between;
        }
        let first_of_prerelease = at + 1 == core;
        let numbers = window.get(at).is_some_and(|token| token.digits) && window.get(at + 1).is_some_and(|token| token.digits);
        match between {
            "-" => true,
            "" => !numbers,
            // `1.2.3.4` is not 1.2.3-4.
            "." | "_" => !(first_of_prerelease && numbers),
            _ => false,
        }
    })
}

enum Tail {
    Nothing,
    Build,
    Word,
}

/// What may stand behind a version; `None` where it makes another version of it.
fn tail(text: &str) -> Option<Tail> {
    const WORDS: [&str; 9] = ["release", "released", "final", "stable", "rel", "ga", "npm", "dist", "published"];
    if text.is_empty() {
        return Some(Tail::Nothing);
    }
    if let Some(build) = text.strip_prefix('+') {
        return (!build.is_empty()).then_some(Tail::Build);
    }
    let word = text.strip_prefix(['-', '_', '.', '/'])?;
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)).then_some(Tail::Word)
}

/// Takes away the `v` of `v1.2.3`, `name-v1.2.3`, `v.1.2.3`; the last letter of a word stays.
fn without_v(prefix: &str) -> &str {
    let dotless = prefix.strip_suffix('.').filter(|rest| rest.ends_with(['v', 'V'])).unwrap_or(prefix);
    match dotless.strip_suffix(['v', 'V']) {
        Some(rest) if !rest.ends_with(|c: char| c.is_alphanumeric()) => rest,
        _ => prefix,
    }
}

/// The prefix of a tag that ends in any version of at least two numbers; `None` if it does not.
pub(super) fn any_version(tag: &str) -> Option<&str> {
    let core = tag.split('+').next().unwrap_or_default();
    let all = tokens(core);
    let joined = |a: &Token<'_>, b: &Token<'_>| a.digits && b.digits && core.get(a.end()..b.start) == Some(".");
    let start = all.iter().zip(all.iter().skip(1)).find(|(a, b)| joined(a, b)).map(|(a, _)| a.start)?;
    core.get(..start).map(without_v)
}
