//! The page in the browser, the command line elsewhere.

fn main() {}
