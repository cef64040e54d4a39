//! `redrive`: brings failed orders back.

fn main() {}
