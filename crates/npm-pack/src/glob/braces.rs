//! Brace expansion as the npm package `brace-expansion` does it, which every minimatch uses.
//!
//! Its quirks are kept: a leading `{}` is literal, `{a}` is literal, `{1..3}` and `{a..c}` are
//! sequences, and escapes before `\ { } , .` are taken off wherever the pattern holds any brace
//! pair. Bounded: patterns come from strangers.

use super::GlobError;

/// More results than this are refused; `brace-expansion` itself goes to 100,000, which no published
/// package needs.
const MAX_RESULTS: usize = 10_000;
/// More characters than this over all results are refused.
const MAX_CHARS: usize = 1_000_000;
/// More opening braces than this are refused.
const MAX_BRACES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Plain(char),
    Escaped(char),
}

/// Expands the braces of a pattern; the pattern itself if it has none.
pub(super) fn expand(pattern: &str) -> Result<Vec<String>, GlobError> {
    let closed = pattern.find('{').is_some_and(|open| pattern.get(open..).is_some_and(|rest| rest.contains('}')));
    if !closed {
        return Ok(vec![pattern.to_owned()]);
    }
    let mut tokens = tokenize(pattern);
    if tokens.iter().filter(|token| **token == Token::Plain('{')).count() > MAX_BRACES {
        return Err(GlobError::TooManyBraces);
    }
    if let [Token::Plain(open @ '{'), Token::Plain(close @ '}'), ..] = tokens.as_mut_slice() {
        let (open, close) = (*open, *close);
        tokens.splice(..2, [Token::Escaped(open), Token::Escaped(close)]);
    }
    let results = expand_tokens(&tokens, true)?;
    Ok(results.into_iter().map(|result| result.into_iter().map(character).collect()).collect())
}

fn character(token: Token) -> char {
    match token {
        Token::Plain(c) | Token::Escaped(c) => c,
    }
}

fn tokenize(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next_if(|next| matches!(next, '\\' | '{' | '}' | ',' | '.')) } else { None };
        tokens.push(escaped.map_or(Token::Plain(c), Token::Escaped));
    }
    tokens
}

/// The first balanced pair of braces, as `balanced-match` finds it: positions of `{` and `}`.
fn balanced(tokens: &[Token]) -> Option<(usize, usize)> {
    let mut opens = Vec::new();
    let mut inner = None;
    let first = tokens.iter().position(|token| *token == Token::Plain('{'))?;
    for (at, token) in tokens.iter().enumerate().skip(first) {
        match token {
            Token::Plain('{') => opens.push(at),
            Token::Plain('}') => match opens.pop() {
                Some(open) if opens.is_empty() => return Some((open, at)),
                Some(open) if inner.is_none_or(|(left, _)| open < left) => inner = Some((open, at)),
                _ => {}
            },
            _ => {}
        }
    }
    inner
}

fn expand_tokens(tokens: &[Token], top: bool) -> Result<Vec<Vec<Token>>, GlobError> {
    let mut tokens = tokens.to_vec();
    loop {
        let Some((open, close)) = balanced(&tokens) else { return Ok(vec![tokens]) };
        let (pre, body, post) = split(&tokens, open, close);
        if pre.last() == Some(&Token::Plain('$')) {
            return combine(&[tokens.get(..=close).unwrap_or_default().to_vec()], &expand_rest(post)?, &[], false);
        }
        let sequence = sequence(body)?;
        if sequence.is_none() && !body.contains(&Token::Plain(',')) {
            // `{a},b}`: the pair is literal, but a later brace closes a set that it opens.
            let comma = post.iter().position(|token| *token == Token::Plain(','));
            let closes = comma.is_some_and(|at| post.iter().skip(at).any(|token| *token == Token::Plain('}')));
            if !closes {
                return Ok(vec![tokens]);
            }
            if let Some(token) = tokens.get_mut(close) {
                *token = Token::Escaped('}');
            }
            continue;
        }
        let is_sequence = sequence.is_some();
        let middle = match sequence {
            Some(values) => values,
            None => expand_members(body)?,
        };
        return combine(&middle, &expand_rest(post)?, pre, top && !is_sequence);
    }
}

fn split(tokens: &[Token], open: usize, close: usize) -> (&[Token], &[Token], &[Token]) {
    (tokens.get(..open).unwrap_or_default(), tokens.get(open + 1..close).unwrap_or_default(), tokens.get(close + 1..).unwrap_or_default())
}

fn expand_rest(post: &[Token]) -> Result<Vec<Vec<Token>>, GlobError> {
    if post.is_empty() { Ok(vec![Vec::new()]) } else { expand_tokens(post, false) }
}

fn expand_members(body: &[Token]) -> Result<Vec<Vec<Token>>, GlobError> {
    let members = comma_parts(body);
    if let [only] = members.as_slice() {
        let embraced = expand_tokens(only, false)?.into_iter().map(|inner| {
            let mut tokens = vec![Token::Plain('{')];
            tokens.extend(inner);
            tokens.push(Token::Plain('}'));
            tokens
        });
        let embraced: Vec<_> = embraced.collect();
        if embraced.len() == 1 {
            return Ok(embraced);
        }
        return expand_each(&embraced);
    }
    expand_each(&members)
}

fn expand_each(members: &[Vec<Token>]) -> Result<Vec<Vec<Token>>, GlobError> {
    let mut values = Vec::new();
    for member in members {
        values.extend(expand_tokens(member, false)?);
        if values.len() > MAX_RESULTS {
            return Err(GlobError::TooManyBraces);
        }
    }
    Ok(values)
}

/// Splits at the commas that stand in no inner pair of braces.
fn comma_parts(body: &[Token]) -> Vec<Vec<Token>> {
    let mut parts = vec![Vec::new()];
    let mut rest = body;
    loop {
        let (plain, braced, next) = match balanced(rest) {
            Some((open, close)) => {
                (rest.get(..open).unwrap_or_default(), rest.get(open..=close), rest.get(close + 1..).unwrap_or_default())
            }
            None => (rest, None, rest.get(rest.len()..).unwrap_or_default()),
        };
        for token in plain {
            match (token, parts.last_mut()) {
                (Token::Plain(','), _) | (_, None) => parts.push(Vec::new()),
                (token, Some(part)) => part.push(*token),
            }
        }
        let Some(braced) = braced else { return parts };
        if let Some(part) = parts.last_mut() {
            part.extend_from_slice(braced);
        }
        rest = next;
    }
}

fn combine(middle: &[Vec<Token>], post: &[Vec<Token>], pre: &[Token], drop_empty: bool) -> Result<Vec<Vec<Token>>, GlobError> {
    let mut results = Vec::new();
    let mut chars = 0_usize;
    for value in middle {
        for tail in post {
            let result = [pre, value, tail].concat();
            chars = chars.saturating_add(result.len());
            if results.len() >= MAX_RESULTS || chars > MAX_CHARS {
                return Err(GlobError::TooManyBraces);
            }
            if !(drop_empty && result.is_empty()) {
                results.push(result);
            }
        }
    }
    Ok(results)
}

/// The values of `1..5`, `a..e`, `01..10..2`; `None` if the body is no sequence.
fn sequence(body: &[Token]) -> Result<Option<Vec<Vec<Token>>>, GlobError> {
    if body.iter().any(|token| matches!(token, Token::Escaped(_))) {
        return Ok(None);
    }
    let text: String = body.iter().map(|token| character(*token)).collect();
    let parts: Vec<&str> = text.split("..").collect();
    let (from, to, step) = match parts.as_slice() {
        [from, to] => (*from, *to, None),
        [from, to, step] => (*from, *to, Some(*step)),
        _ => return Ok(None),
    };
    let step = match step.map(integer) {
        None => 1,
        Some(Some(step)) => step.saturating_abs().max(1),
        Some(None) => return Ok(None),
    };
    let (start, end, alphabetic) = match (integer(from), integer(to), letter(from), letter(to)) {
        (Some(start), Some(end), _, _) => (start, end, false),
        (_, _, Some(start), Some(end)) => (start, end, true),
        _ => return Ok(None),
    };
    let padded = [from, to].iter().any(|part| {
        let digits = part.trim_start_matches('-');
        digits.len() > 1 && digits.starts_with('0')
    });
    let width = if padded && !alphabetic { from.len().max(to.len()) } else { 0 };
    let mut values = Vec::new();
    let mut at = start;
    while if start <= end { at <= end } else { at >= end } {
        if values.len() >= MAX_RESULTS {
            return Err(GlobError::TooManyBraces);
        }
        values.push(value(at, alphabetic, width).chars().map(Token::Plain).collect());
        at = match at.checked_add(if start <= end { step } else { -step }) {
            Some(next) => next,
            None => break,
        };
    }
    Ok(Some(values))
}

fn value(at: i64, alphabetic: bool, width: usize) -> String {
    if alphabetic {
        let letter = u8::try_from(at).map_or(' ', char::from);
        return if letter == '\\' { String::new() } else { letter.to_string() };
    }
    if at < 0 { format!("-{:0>1$}", at.unsigned_abs(), width.saturating_sub(1)) } else { format!("{at:0>width$}") }
}

fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn letter(text: &str) -> Option<i64> {
    let mut chars = text.chars();
    let first = chars.next().filter(char::is_ascii_alphabetic)?;
    chars.next().is_none().then_some(i64::from(u32::from(first)))
}
