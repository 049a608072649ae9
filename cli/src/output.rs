//! Where text goes.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Why a text could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be written: {source}", path.display())]
pub struct OutputError {
    path: PathBuf,
    source: io::Error,
}

/// Writes a text to the file, without its styles, or to standard output, with them if it is a terminal that shows them.
///
/// # Errors
/// When it cannot be written. A reader that has seen enough and closed the pipe is no error.
pub fn write(text: &str, file: Option<&Path>) -> Result<(), OutputError> {
    let (written, path) = match file {
        Some(path) => (fs::write(path, anstream::adapter::strip_str(text).to_string()), path),
        None => {
            let mut stdout = anstream::stdout().lock();
            (stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()), Path::new("standard output"))
        }
    };
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(OutputError { path: path.to_owned(), source: error }),
        _ => Ok(()),
    }
}

/// Longer lines are hard to read.
const WIDEST: usize = 120;

/// How many characters fit into a line of standard output: what `COLUMNS` says, else the terminal. `None` where it is no terminal.
pub fn width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns >= 40);
    if !io::stdout().is_terminal() {
        return columns.filter(|_| std::env::var_os("CLICOLOR_FORCE").is_some());
    }
    columns.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0).clamp(40, WIDEST)))
}
