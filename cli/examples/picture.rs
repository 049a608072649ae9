//! Draws what a command prints, with its colours, as an SVG: `palisade --color always scan … | cargo run --example picture -- TITLE 40`.
//!
//! The arguments are the command line to show above the output, and how many lines of the output to draw.

use std::io::{self, Read as _, Write as _};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let lines: usize = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(usize::MAX);
    let mut output = String::new();
    io::stdin().read_to_string(&mut output)?;
    let total = output.lines().count();
    let mut shown: Vec<&str> = output.lines().take(lines).collect();
    let last = output.lines().last().unwrap_or_default();
    if total > lines {
        shown.extend(["", "…", "", last]);
    }
    let text = format!("\u{1b}[1m$ {command}\u{1b}[0m\n\n{}\n", shown.join("\n"));
    io::stdout().write_all(anstyle_svg::Term::new().render_svg(&text).as_bytes())
}
