//! What is said about a result: the stable JSON types, and the text for people.

// The tests' results are read by the tests of other crates too, and name this crate as they do.
#[cfg(test)]
extern crate self as report;

pub mod answer;
pub mod classes;
pub mod diffoscope;
pub mod github;
pub mod history;
pub mod inspect;
pub mod json;
pub mod junit;
pub mod product;
pub mod replay;
pub mod sarif;
pub mod statement;
pub mod terminal;
#[cfg(test)]
mod test_support;
pub mod text;
mod vouched;
mod whole;
