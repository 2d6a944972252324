//! One component of a pattern, between two slashes.
//!
//! The matcher walks the nodes from the last to the first and keeps the set of positions from which
//! the rest matches: no backtracking, and `!(…)` comes naturally, since what follows it is already
//! known.
//!
//! Dot files need no rule, since every client passes `dot: true`; only `.` and `..` are matched by
//! nothing but themselves.

use std::collections::BTreeSet;

use super::class::{self, Class, Parsed};
use super::{Dialect, Fuel, Options};

/// How deep extended globs may nest; deeper ones are taken literally, as minimatch 10 does from the
/// third level on.
const MAX_NESTING: usize = 8;

/// How many groups of a component are tried; the signs of further ones are ordinary characters.
const MAX_GROUPS: usize = 64;

/// A component of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Portion {
    /// `**`: any number of components. Matched by the caller.
    Globstar,
    /// No magic: the name itself, case folded where case is ignored.
    Literal { name: String, nocase: bool },
    /// `*`: any name that is not empty.
    Any,
    /// `*.ext`: a name with that end, case folded where case is ignored.
    Suffix { end: String, nocase: bool },
    /// Anything else.
    Magic { nodes: Vec<Node>, nocase: bool, nonempty: bool, tail_anchored: bool },
}

/// One thing to match within a component.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Char(char),
    One,
    Star,
    Class(Class),
    Never,
    /// `?(a|b)` and its kin: the sign, and the alternatives.
    Group(char, Vec<Vec<Node>>),
}

/// The case folding of a JavaScript regular expression with the flag `i`: one character to one
/// character, by upper case.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(single), None) if !single.is_ascii() => single,
        _ => c,
    }
}

fn equal(left: char, right: char, nocase: bool) -> bool {
    left == right || (nocase && fold(left) == fold(right))
}

impl Portion {
    pub(super) fn new(text: &str, options: Options) -> Self {
        let nocase = options.nocase;
        if text == "**" {
            return Self::Globstar;
        }
        if !text.is_empty() && text.bytes().all(|b| b == b'*') {
            return Self::Any;
        }
        let mut parser = Parser { chars: text.chars().collect(), options, unclosed: BTreeSet::new(), groups: 0 };
        let nodes = parser.sequence();
        let literal: Option<String> = nodes.iter().map(|node| if let Node::Char(c) = node { Some(*c) } else { None }).collect();
        if let Some(name) = literal {
            return Self::Literal { name, nocase };
        }
        if let [Node::Star, rest @ ..] = nodes.as_slice() {
            let end: Option<String> = rest.iter().map(|node| if let Node::Char(c) = node { Some(*c) } else { None }).collect();
            if let Some(end) = end {
                return Self::Suffix { end, nocase };
            }
        }
        let old = options.dialect < Dialect::V9;
        let stars = nodes.iter().all(|node| *node == Node::Star);
        Self::Magic { nodes, nocase, nonempty: old || stars, tail_anchored: !old }
    }

    pub(super) fn matches(&self, name: &str, fuel: &Fuel) -> bool {
        if matches!(name, "." | "..") {
            return matches!(self, Self::Literal { name: own, .. } if own == name);
        }
        match self {
            Self::Globstar => false,
            Self::Any => !name.is_empty(),
            Self::Literal { name: own, nocase } => {
                fuel.spend(1);
                if *nocase { same(own, name) } else { own == name }
            }
            Self::Suffix { end, nocase } => {
                fuel.spend(1);
                ends_with(name, end, *nocase) && !name.is_empty()
            }
            Self::Magic { nodes, nocase, nonempty, tail_anchored } => {
                if name.is_empty() && *nonempty {
                    return false;
                }
                let input: Vec<char> = name.chars().collect();
                let matcher = Matcher { input: &input, nocase: *nocase, fuel };
                let mut end = vec![false; input.len() + 1];
                if let Some(last) = end.last_mut() {
                    *last = true;
                }
                // minimatch before 6 does not bind what follows a `!(…)` to the end of the name.
                let tail = if *tail_anchored { end.clone() } else { vec![true; input.len() + 1] };
                let reached = matcher.sequence(nodes, State { reach: end, tail, at_end: true });
                reached.reach.first() == Some(&true)
            }
        }
    }
}

fn same(left: &str, right: &str) -> bool {
    if left.is_ascii() && right.is_ascii() {
        return left.eq_ignore_ascii_case(right);
    }
    left.chars().map(fold).eq(right.chars().map(fold))
}

fn ends_with(name: &str, end: &str, nocase: bool) -> bool {
    if !nocase {
        return name.ends_with(end);
    }
    let mut chars = name.chars().rev();
    end.chars().rev().all(|wanted| chars.next().is_some_and(|c| equal(c, wanted, true)))
}

struct Parser {
    chars: Vec<char>,
    options: Options,
    /// Groups found to have no closing parenthesis: their sign is an ordinary character.
    unclosed: BTreeSet<usize>,
    /// How many groups were tried.
    groups: usize,
}

impl Parser {
    fn sequence(&mut self) -> Vec<Node> {
        self.nodes(0, 0).map(|(nodes, _, _)| nodes.into_iter().flatten().collect()).unwrap_or_default()
    }

    /// The alternatives from `at` on, where they end, and whether a parenthesis closed them; `None`
    /// if it is missing.
    fn nodes(&mut self, mut at: usize, depth: usize) -> Option<(Vec<Vec<Node>>, usize, bool)> {
        let mut alternatives = Vec::new();
        let mut nodes = Vec::new();
        while let Some(&c) = self.chars.get(at) {
            match c {
                '\\' => {
                    nodes.push(Node::Char(self.chars.get(at + 1).copied().unwrap_or('\\')));
                    at += 2;
                }
                '[' => match class::parse(&self.chars, at, self.options.dialect, self.options.nocase) {
                    Parsed::Literal => {
                        nodes.push(Node::Char('['));
                        at += 1;
                    }
                    Parsed::Char(c, end) => {
                        nodes.push(Node::Char(c));
                        at = end;
                    }
                    Parsed::Class(class, end) => {
                        nodes.push(Node::Class(class));
                        at = end;
                    }
                    Parsed::Never(end) => {
                        nodes.push(Node::Never);
                        at = end;
                    }
                },
                '|' if depth > 0 => {
                    alternatives.push(std::mem::take(&mut nodes));
                    at += 1;
                }
                ')' if depth > 0 => {
                    alternatives.push(nodes);
                    return Some((alternatives, at + 1, true));
                }
                '?' | '*' | '+' | '@' | '!' => {
                    if let Some((group, end)) = self.group(c, at, depth) {
                        nodes.push(group);
                        at = end;
                    } else {
                        match c {
                            '?' => nodes.push(Node::One),
                            '*' if nodes.last() == Some(&Node::Star) => {}
                            '*' => nodes.push(Node::Star),
                            c => nodes.push(Node::Char(c)),
                        }
                        at += 1;
                    }
                }
                c => {
                    nodes.push(Node::Char(c));
                    at += 1;
                }
            }
        }
        alternatives.push(nodes);
        (depth == 0).then_some((alternatives, at, false))
    }

    fn group(&mut self, sign: char, at: usize, depth: usize) -> Option<(Node, usize)> {
        if self.chars.get(at + 1) != Some(&'(') || depth >= MAX_NESTING || self.groups >= MAX_GROUPS || self.unclosed.contains(&at) {
            return None;
        }
        self.groups += 1;
        if let Some((alternatives, end, true)) = self.nodes(at + 2, depth + 1) {
            return Some((Node::Group(sign, alternatives), end));
        }
        self.unclosed.insert(at);
        None
    }
}

/// What is known about the nodes already walked, those behind.
#[derive(Clone)]
struct State {
    /// From which positions they match to the end.
    reach: Vec<bool>,
    /// The same as a look-ahead of `!(…)` sees it.
    tail: Vec<bool>,
    /// Whether there are none yet.
    at_end: bool,
}

struct Matcher<'a> {
    input: &'a [char],
    nocase: bool,
    fuel: &'a Fuel,
}

impl Matcher<'_> {
    fn sequence(&self, nodes: &[Node], behind: State) -> State {
        let mut state = behind;
        for node in nodes.iter().rev() {
            self.fuel.spend(self.input.len() + 1);
            if self.fuel.is_empty() {
                return State { reach: vec![false; self.input.len() + 1], ..state };
            }
            state = match node {
                Node::Char(wanted) => self.step(&state, |c| equal(c, *wanted, self.nocase)),
                Node::One => self.step(&state, |_| true),
                Node::Class(class) => self.step(&state, |c| class.matches(c)),
                Node::Never => self.step(&state, |_| false),
                Node::Star => State { reach: suffixes(&state.reach), tail: suffixes(&state.tail), at_end: false },
                Node::Group(sign, alternatives) => self.group(*sign, alternatives, &state),
            };
        }
        state
    }

    fn step(&self, behind: &State, accept: impl Fn(char) -> bool) -> State {
        let advance = |set: &[bool]| {
            let next = set.iter().skip(1).copied();
            let mut stepped: Vec<bool> = self.input.iter().zip(next).map(|(c, reached)| reached && accept(*c)).collect();
            stepped.push(false);
            stepped
        };
        State { reach: advance(&behind.reach), tail: advance(&behind.tail), at_end: false }
    }

    fn group(&self, sign: char, alternatives: &[Vec<Node>], behind: &State) -> State {
        match sign {
            '!' => self.negation(alternatives, behind),
            '@' => self.any(alternatives, behind),
            '?' => union(behind, &self.any(alternatives, behind)),
            sign => {
                let mut state = self.any(alternatives, behind);
                // Each round adds at least one position, or is the last.
                for _ in 0..=self.input.len() {
                    let again = self.any(alternatives, &union(behind, &state));
                    if again.reach == state.reach && again.tail == state.tail {
                        break;
                    }
                    state = again;
                }
                if sign == '*' { union(behind, &state) } else { state }
            }
        }
    }

    fn any(&self, alternatives: &[Vec<Node>], behind: &State) -> State {
        let none = vec![false; self.input.len() + 1];
        let start = State { reach: none.clone(), tail: none, at_end: false };
        alternatives.iter().fold(start, |state, nodes| union(&state, &self.sequence(nodes, behind.clone())))
    }

    /// `!(…)`: any text, unless an alternative and then the rest would match from here to the end.
    fn negation(&self, alternatives: &[Vec<Node>], behind: &State) -> State {
        let tail = if behind.at_end { behind.reach.clone() } else { behind.tail.clone() };
        let forbidden = self.any(alternatives, &State { reach: tail.clone(), tail, at_end: behind.at_end }).reach;
        let allow = |set: &[bool]| suffixes(set).iter().zip(&forbidden).map(|(ahead, bad)| *ahead && !bad).collect();
        State { reach: allow(&behind.reach), tail: allow(&behind.tail), at_end: false }
    }
}

fn suffixes(set: &[bool]) -> Vec<bool> {
    let mut ahead = false;
    let mut result: Vec<bool> = set
        .iter()
        .rev()
        .map(|reached| {
            ahead |= reached;
            ahead
        })
        .collect();
    result.reverse();
    result
}

fn union(left: &State, right: &State) -> State {
    let both = |a: &[bool], b: &[bool]| a.iter().zip(b).map(|(a, b)| a | b).collect();
    State { reach: both(&left.reach, &right.reach), tail: both(&left.tail, &right.tail), at_end: false }
}
