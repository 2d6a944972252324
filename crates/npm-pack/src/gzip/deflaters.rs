//! The deflate encoders behind one trait. Only one C zlib can be linked into a program, so each
//! variant comes from elsewhere: stock zlib through flate2, Chromium's as a port
//! (`crate::deflate`), zlib-rs through its own interface.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use zlib_rs::{DeflateFlush, Status};

use super::Class;
use super::chunks::TarPieces;
use crate::deflate;

/// A deflate encoder that gives the same bytes everywhere.
pub trait Deflater {
    /// Which variant it is.
    fn class(&self) -> Class;
    /// Compresses all of the input to one raw deflate stream, without a flush before its end. Stops
    /// at the first error of the output.
    fn deflate(&self, level: u8, input: &mut dyn Read, out: &mut dyn Write) -> io::Result<()>;
}

/// The encoder of a class.
pub fn deflater(class: Class) -> Box<dyn Deflater> {
    match class {
        Class::A => Box::new(StockZlib),
        Class::B => Box::new(Ported { class, port: deflate::Class::B }),
        Class::C => Box::new(Ported { class, port: deflate::Class::C }),
        Class::ZlibRs => Box::new(ZlibRs),
    }
}

/// Input is read in pieces of this size. What is found wrong is found a piece later at most.
const PIECE: usize = 64 * 1024;

struct StockZlib;

impl Deflater for StockZlib {
    fn class(&self) -> Class {
        Class::A
    }

    fn deflate(&self, level: u8, input: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        let mut encoder = DeflateEncoder::new(out, Compression::new(u32::from(level)));
        let mut piece = vec![0; PIECE];
        loop {
            let filled = deflate::fill(input, &mut piece)?;
            if filled == 0 {
                break;
            }
            encoder.write_all(piece.get(..filled).unwrap_or_default())?;
        }
        encoder.finish()?;
        Ok(())
    }
}

struct Ported {
    class: Class,
    port: deflate::Class,
}

impl Deflater for Ported {
    fn class(&self) -> Class {
        self.class
    }

    fn deflate(&self, level: u8, input: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        deflate::deflate(self.port, level, deflate::Plan::of_machine(), input, out)
    }
}

/// zlib-rs decides by what it is given at once, so the input is cut as pnpm's tar library cuts it.
struct ZlibRs;

impl Deflater for ZlibRs {
    fn class(&self) -> Class {
        Class::ZlibRs
    }

    fn deflate(&self, level: u8, input: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        let mut stream = zlib_rs::Deflate::new(i32::from(level), false, 15);
        let mut ready = vec![0; ZLIB_RS_OUTPUT];
        let mut pieces = TarPieces::new(input);
        while let Some(piece) = pieces.next_piece()? {
            feed(&mut stream, piece, DeflateFlush::NoFlush, &mut ready, out)?;
        }
        feed(&mut stream, &[], DeflateFlush::Finish, &mut ready, out)
    }
}

/// The output buffer that flate2 hands to its backend.
const ZLIB_RS_OUTPUT: usize = 32 * 1024;

fn feed(stream: &mut zlib_rs::Deflate, mut input: &[u8], flush: DeflateFlush, ready: &mut [u8], out: &mut dyn Write) -> io::Result<()> {
    loop {
        let (taken, made) = (stream.total_in(), stream.total_out());
        let status = stream.compress(input, ready, flush).map_err(|error| io::Error::other(error.as_str()))?;
        let taken = usize::try_from(stream.total_in() - taken).unwrap_or(usize::MAX);
        let made = usize::try_from(stream.total_out() - made).unwrap_or(usize::MAX);
        out.write_all(ready.get(..made).unwrap_or_default())?;
        input = input.get(taken..).unwrap_or_default();
        let done = if flush == DeflateFlush::Finish { status == Status::StreamEnd } else { input.is_empty() };
        if done {
            return Ok(());
        }
        if taken == 0 && made == 0 {
            return Err(io::Error::other("the deflate encoder makes no progress"));
        }
    }
}
