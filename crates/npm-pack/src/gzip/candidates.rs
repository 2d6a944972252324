//! Which encoders can have written a gzip header.

use super::Class;

/// A deflate class at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoder {
    /// The class.
    pub class: Class,
    /// The level.
    pub level: u8,
}

/// The encoders that write this XFL byte, likeliest first. Their order follows no date: class A was
/// published in 2025 and class C on nodes of 2023. zlib-rs and zlib-ng are known only with the OS
/// byte "unknown", which pnpm 12 and bun write.
pub fn encoders_for(xfl: u8, os: u8) -> Vec<Encoder> {
    let level = match xfl {
        0 => 6,
        2 => 9,
        4 => 1,
        _ => return Vec::new(),
    };
    let mut classes = vec![Class::C, Class::B, Class::A];
    if level >= 6 && os == 255 {
        classes.push(Class::ZlibRs);
    }
    classes.into_iter().map(|class| Encoder { class, level }).collect()
}
