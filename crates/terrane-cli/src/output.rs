//! Writing without panics: `println!` and `eprintln!` panic when the other end of a pipe is gone.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::system_error;

/// Writes the text to standard output. A reader that went away is no failure; a full disk is.
pub(crate) fn to_stdout(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            to_stderr(&format!(
                "Error: cannot write to standard output: {}\n",
                system_error::describe(&error)
            ));
            ExitCode::FAILURE
        }
    }
}

/// Writes the text to standard error; when that fails there is nowhere left to say so.
pub(crate) fn to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
