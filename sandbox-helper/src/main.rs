//! The process that a build of a stranger's package runs under.

fn main() {}
