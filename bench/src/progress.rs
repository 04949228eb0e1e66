//! What the user sees on stderr while rows are measured: on a terminal one line that is overwritten, elsewhere one
//! line per row.

use std::io::{IsTerminal as _, Write as _};

/// Writes to stderr. Failures are ignored: the rows on stdout are what counts.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
}

impl Progress {
    /// Decorates when stderr is a terminal that wants it (<https://no-color.org>).
    #[must_use]
    pub fn new() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { terminal: std::io::stderr().is_terminal() && !plain }
    }

    /// Says which round of which row is running.
    pub fn round(&self, row: &str, round: usize, rounds: usize) {
        if self.terminal {
            self.write(&format!("\r\x1b[K\x1b[2m{row}: round {round} of {rounds}\x1b[0m"));
        } else if round == 1 {
            self.write(&format!("{row}: {rounds} rounds\n"));
        }
    }

    /// Says something that stays.
    pub fn say(&self, text: &str) {
        let clear = if self.terminal { "\r\x1b[K" } else { "" };
        self.write(&format!("{clear}{text}\n"));
    }

    /// Says what is wrong.
    pub fn complain(&self, text: &str) {
        let (red, plain) = if self.terminal { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
        self.say(&format!("{red}bench: {text}{plain}"));
    }

    /// Says a heading.
    pub fn heading(&self, text: &str) {
        let (bold, plain) = if self.terminal { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        self.say(&format!("{bold}{text}{plain}"));
    }

    #[expect(clippy::unused_self, reason = "only what knows the terminal writes to it")]
    fn write(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes());
        let _ = stderr.flush();
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}
