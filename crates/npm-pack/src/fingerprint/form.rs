//! The shapes of header fields, by which tar libraries differ.

use std::ops::Range;

use crate::tar::block::{ACCESS_TIME, CHANGE_TIME, CHECKSUM, DEVICE_MAJOR, MTIME, SIZE, UID, USER};

/// How a numeric field is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// NUL throughout.
    Empty,
    /// Digits up to two bytes before the end, space, NUL.
    SpaceNul,
    /// Digits up to one byte before the end, space.
    Space,
    /// Digits up to one byte before the end, NUL.
    Nul,
    /// Digits up to two bytes before the end, NUL, space.
    NulSpace,
    /// A binary number.
    Base256,
    /// None of these.
    Other,
}

impl Form {
    /// The shape of a field.
    pub fn of(field: &[u8]) -> Self {
        if field.iter().all(|byte| *byte == 0) {
            return Self::Empty;
        }
        if field.first().is_some_and(|byte| byte & 0x80 != 0) {
            return Self::Base256;
        }
        let digits = field.iter().take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        let Some(tail) = field.get(digits..) else { return Self::Other };
        match tail {
            b" \0" => Self::SpaceNul,
            b" " => Self::Space,
            b"\0" => Self::Nul,
            b"\0 " => Self::NulSpace,
            _ => Self::Other,
        }
    }
}

/// The shapes in one header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forms {
    /// The user id.
    pub uid: Form,
    /// The size.
    pub size: Form,
    /// The modification time.
    pub mtime: Form,
    /// The checksum.
    pub checksum: Form,
    /// The device's major number.
    pub device: Form,
    /// Whether the user's name is given.
    pub user: bool,
    /// Whether node-tar's access and change time stand where a long prefix would end.
    pub extra_times: bool,
}

impl Forms {
    /// The shapes of a header's fields.
    pub fn of(header: &[u8; 512]) -> Self {
        let form = |field: Range<usize>| header.get(field).map_or(Form::Other, Form::of);
        let timed = |field: Range<usize>| matches!(form(field), Form::Nul | Form::SpaceNul);
        Self {
            uid: form(UID),
            size: form(SIZE),
            mtime: form(MTIME),
            checksum: form(CHECKSUM),
            device: form(DEVICE_MAJOR),
            user: header.get(USER).is_some_and(|user| user.iter().any(|byte| *byte != 0)),
            extra_times: timed(ACCESS_TIME) && timed(CHANGE_TIME),
        }
    }
}
