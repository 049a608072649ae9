//! Draws what a command prints, with its colours, as an SVG: `palisade --color always scan … | cargo run --example picture -- COMMAND`.
//!
//! The argument is the command line to show above the output.

use std::io::{self, Read as _, Write as _};

fn main() -> io::Result<()> {
    let command = std::env::args().nth(1).unwrap_or_default();
    let mut output = String::new();
    io::stdin().read_to_string(&mut output)?;
    let text = format!("\u{1b}[1m$ {command}\u{1b}[0m\n\n{output}");
    io::stdout().write_all(anstyle_svg::Term::new().render_svg(&text).as_bytes())
}
