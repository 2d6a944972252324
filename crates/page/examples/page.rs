//! Makes a page of a file of lines, for the tests and the benchmark of the page: `page
//! <lines.ndjson> <out.html> [<earlier.ndjson>]`; the figures go to standard output, as JSON and
//! then as Markdown.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, BufWriter};

use page::{Earlier, Lines, Page, Run, markdown};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let (lines, out) = args.next().zip(args.next()).ok_or("usage: page <lines.ndjson> <out.html> [<earlier.ndjson>]")?;
    let run = |list: &str| Run {
        as_of: "2026-11-30".into(),
        program: env!("CARGO_PKG_VERSION").into(),
        node: "22.12.0".into(),
        list: list.into(),
        waiting: 0,
    };
    let open = |path| File::open(path).map(|file| Lines::new(BufReader::new(file)));
    let mut earlier = None;
    if let Some(path) = args.next() {
        let (_, results) = earlier.insert((Run { as_of: "2026-06-30".into(), ..run("high-impact") }, Earlier::default()));
        for line in open(path)? {
            results.add(&line?);
        }
    }
    let mut page = Page::begin(BufWriter::new(File::create(out)?), run("high-impact"), earlier)?;
    for line in open(lines)? {
        page.add(&line?)?;
    }
    let figures = page.end()?;
    println!("{}\n{}", serde_json::to_string(&figures)?, markdown(&run("high-impact"), &figures));
    Ok(())
}
