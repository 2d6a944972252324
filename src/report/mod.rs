//! What is said about a result: the stable JSON types, and the text for people.

pub mod diffoscope;
pub mod draft;
pub mod github;
pub mod inspect;
pub mod json;
pub mod junit;
pub mod replay;
pub mod sarif;
pub mod statement;
pub mod terminal;
#[cfg(test)]
pub(crate) mod tests;
pub mod text;
mod vouched;
mod whole;
