//! What is said about a result: the stable JSON types, and the text for people.

pub mod draft;
pub mod inspect;
pub mod json;
pub mod junit;
pub mod replay;
pub mod terminal;
pub mod text;
