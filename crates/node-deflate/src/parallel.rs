//! One deflate stream by several threads, with the bytes that one makes.
//!
//! The stream is cut into pieces. Threads choose each piece's symbols as `segment` tells; here, in
//! the stream's order, they are joined: the parser of what came before goes on into the piece until
//! it is where the piece's own parser was, and from there on the piece's symbols are taken. Where
//! the two never meet (a run of equal bytes may have another phase) it goes on to the piece's end,
//! and what was chosen for it is thrown away: slower, and still the same. Blocks and their codes
//! are made here as well.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::blocks::Blocks;
use super::parser::Parser;
use super::segment::{BEFORE, Job, Joining, Parsed, Piece};
use super::window::SIZE;
use super::{Class, Deflate, run};

/// How a stream is cut and by how many threads it is compressed.
///
/// Two pieces for each thread are under way at most. One takes its bytes, at most four times as
/// many for its symbols, and half a megabyte for the window and its chains: 6 MiB for each thread
/// of [`Plan::of_machine`], however long the stream is.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Threads that choose symbols; with less than two, all is done by the caller's.
    pub threads: usize,
    /// So many bytes are compressed by the caller's thread alone, whatever follows: most streams
    /// are short, and one that is compared with another differs soon. A multiple of 64 KiB.
    pub alone: usize,
    /// Bytes of one piece, a multiple of 64 KiB.
    pub piece: usize,
}

impl Plan {
    /// As many threads as this machine has processors, up to eight.
    pub fn of_machine() -> Self {
        const MOST: usize = 8;
        Self { threads: thread::available_parallelism().map_or(1, usize::from).min(MOST), alone: 256 << 10, piece: 512 << 10 }
    }
}

/// Input is read in pieces of this size while one thread is enough.
const STEP: usize = 2 * SIZE;

/// Compresses all of the input to one raw deflate stream. Stops at the first error of the output.
pub fn deflate(class: Class, level: u8, plan: Plan, input: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
    let mut stream = Deflate::new(class, level);
    let mut step = vec![0; STEP];
    let mut ready = Vec::new();
    // The greedy levels enter fewer positions into the chains; nobody publishes with them.
    let alone = if plan.threads < 2 || stream.level < 4 { u64::MAX } else { plan.alone.next_multiple_of(STEP).max(STEP) as u64 };
    let mut read = 0;
    loop {
        let filled = fill(input, &mut step)?;
        let piece = step.get(..filled).unwrap_or_default();
        stream.write(piece, &mut ready);
        out.write_all(&ready)?;
        ready.clear();
        read += filled as u64;
        if filled < STEP {
            stream.finish(&mut ready);
            return out.write_all(&ready);
        }
        if read >= alone {
            break;
        }
    }
    let first = Piece { from: read - STEP as u64, bytes: step, last: false };
    together(stream, plan, first, input, out)
}

/// Reads until the piece is full or the input ends; returns how many bytes that are.
pub fn fill(input: &mut dyn Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Goes on with a stream of which `first` is the piece that was taken last.
fn together(stream: Deflate, plan: Plan, first: Piece, input: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
    let Deflate { class, level, parser, blocks } = stream;
    let (jobs, waiting) = channel::<Job>();
    let waiting = Mutex::new(waiting);
    let (done, parsed) = channel::<Option<Parsed>>();
    thread::scope(|scope| {
        let spawn = |_: &usize| {
            let (waiting, done) = (&waiting, done.clone());
            thread::Builder::new().spawn_scoped(scope, move || work(class, level, waiting, &done)).is_ok()
        };
        // A machine that gives no more threads gives the bytes later.
        let threads = (0..plan.threads).take_while(spawn).count();
        drop(done);
        let from = first.end();
        let first = Arc::new(first);
        let join = Join {
            class,
            level,
            at: parser.window().place() - u64::from(parser.rest().is_some()),
            parser,
            blocks,
            pieces: VecDeque::from([Arc::clone(&first)]),
        };
        let source = Source { input, size: plan.piece.next_multiple_of(BEFORE).max(BEFORE), from };
        // Dropped at the end, whatever that is: the threads see that nothing more comes.
        let jobs = jobs;
        merge(source, join, first, &Workers { threads, jobs: &jobs, parsed: &parsed }, out)
    })
}

/// What a thread does until there are no more jobs. A panic is a job without a result: whoever
/// waits for it must hear of it.
fn work(class: Class, level: u8, waiting: &Mutex<Receiver<Job>>, done: &Sender<Option<Parsed>>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        let parsed = catch_unwind(AssertUnwindSafe(|| job.parse(class, level))).ok();
        if done.send(parsed).is_err() {
            return;
        }
    }
}

/// The pieces of the input.
struct Source<'i> {
    input: &'i mut dyn Read,
    size: usize,
    from: u64,
}

impl Source<'_> {
    fn next(&mut self) -> io::Result<Piece> {
        let mut bytes = vec![0; self.size];
        let filled = fill(self.input, &mut bytes)?;
        bytes.truncate(filled);
        let piece = Piece { from: self.from, last: filled < self.size, bytes };
        self.from = piece.end();
        Ok(piece)
    }
}

/// The threads that parse, and the ways to and from them.
struct Workers<'a> {
    /// How many there are; with none the caller's thread does it all.
    threads: usize,
    jobs: &'a Sender<Job>,
    parsed: &'a Receiver<Option<Parsed>>,
}

/// Hands out jobs, a few ahead of what is written, and joins what comes back in the stream's order.
fn merge(mut source: Source<'_>, mut join: Join, mut before: Arc<Piece>, workers: &Workers<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Workers { threads, jobs, parsed } = *workers;
    let gone = || io::Error::other("a thread that compresses has failed");
    let mut ready = Vec::new();
    let mut early: BTreeMap<usize, Parsed> = BTreeMap::new();
    let mut open: VecDeque<Arc<Piece>> = VecDeque::new();
    let (mut handed_out, mut joined) = (0, 0);
    let most = 2 * threads.max(1);
    let mut ahead = Some(Arc::new(source.next()?));
    loop {
        while let Some(piece) = ahead.take_if(|_| handed_out - joined < most) {
            let behind = if piece.last { None } else { Some(Arc::new(source.next()?)) };
            // An input that ends where a piece does: nothing is behind it.
            let behind = behind.filter(|behind| !behind.bytes.is_empty());
            let piece = if behind.is_none() { Arc::new(into_last(piece)) } else { piece };
            let job = Job { number: handed_out, before: Arc::clone(&before), piece: Arc::clone(&piece), behind: behind.clone() };
            open.push_back(Arc::clone(&piece));
            before = piece;
            ahead = behind;
            handed_out += 1;
            if threads == 0 {
                early.insert(job.number, job.parse(join.class, join.level));
            } else {
                jobs.send(job).map_err(|_| gone())?;
            }
        }
        let Some(piece) = open.pop_front() else { break };
        let result = loop {
            if let Some(result) = early.remove(&joined) {
                break result;
            }
            let result = parsed.recv().ok().flatten().ok_or_else(gone)?;
            early.insert(result.number, result);
        };
        join.add(piece, open.front().or(ahead.as_ref()), result);
        joined += 1;
        join.blocks.bits.drain_into(&mut ready);
        out.write_all(&ready)?;
        ready.clear();
    }
    join.finish(&mut ready);
    out.write_all(&ready)
}

fn into_last(piece: Arc<Piece>) -> Piece {
    let (from, last) = (piece.from, true);
    let bytes = Arc::try_unwrap(piece).map_or_else(|shared| shared.bytes.clone(), |own| own.bytes);
    Piece { from, bytes, last }
}

/// What was written, and how it goes on.
struct Join {
    class: Class,
    level: u8,
    /// The parser of all symbols so far.
    parser: Parser,
    blocks: Blocks,
    /// Where the symbols so far end.
    at: u64,
    /// The pieces that are still needed: the one before, the one at hand, and the one behind it.
    pieces: VecDeque<Arc<Piece>>,
}

impl Join {
    /// Adds a piece, of which `parsed` are the symbols; `behind` is the piece behind it.
    fn add(&mut self, piece: Arc<Piece>, behind: Option<&Arc<Piece>>, parsed: Parsed) {
        let (until, last) = if piece.last { (u64::MAX, true) } else { (piece.end(), false) };
        let total = match behind {
            None => Some(piece.end()),
            Some(behind) => behind.last.then(|| behind.end()),
        };
        // What the parser has not taken yet may begin in the piece before.
        self.pieces.retain(|known| known.from < piece.from);
        self.pieces.push_back(piece);
        self.pieces.extend(behind.cloned());
        let mut joining = Joining::new(&parsed, until);
        for piece in &self.pieces {
            let taken = self.parser.window().taken();
            if taken >= piece.end() && !(last && piece.last) {
                continue;
            }
            if run((self.class, self.level), &mut self.parser, &mut piece.from(taken), piece.last, &mut joining) {
                break;
            }
        }
        let (symbols, joined) = (joining.symbols, joining.joined);
        let pieces = &self.pieces;
        let input = |from: u64, to: u64| bytes(pieces, from, to);
        self.at = self.blocks.take(&symbols, self.at, total, &input);
        if let Some(skipped) = joined {
            self.parser = parsed.parser;
            self.at = self.blocks.take(parsed.symbols.get(skipped..).unwrap_or_default(), self.at, total, &input);
        }
        // The one before the next is the last that is needed.
        while self.pieces.len() > 2 {
            self.pieces.pop_front();
        }
    }

    fn finish(mut self, out: &mut Vec<u8>) {
        let total = self.parser.window().place();
        let pieces = &self.pieces;
        self.blocks.finish_taken(self.parser.rest(), total, &|from, to| bytes(pieces, from, to));
        self.blocks.bits.drain_into(out);
    }
}

/// These bytes of the stream.
fn bytes(pieces: &VecDeque<Arc<Piece>>, from: u64, to: u64) -> Vec<u8> {
    let mut all = Vec::new();
    for piece in pieces {
        let end = to.min(piece.end());
        let start = from.max(piece.from);
        if let Some(len) = end.checked_sub(start).and_then(|len| usize::try_from(len).ok()) {
            all.extend(piece.from(start).iter().take(len));
        }
    }
    all
}
