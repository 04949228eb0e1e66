//! Ports: where characters come from and go to. A port value is a number in this table.

use super::trap::Trap;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use terrane_base::{Budget, Bytes, MemoryError, Reservation};

/// The ports of one machine.
#[derive(Debug)]
pub(crate) struct Ports {
    all: Vec<Option<Port>>,
    text_budget: Budget,
    /// Numbers of closed ports, the longest closed first.
    free: VecDeque<usize>,
    /// Bytes that wait to be written to standard output.
    output: Output,
}

/// Where standard output goes.
#[derive(Debug)]
enum Output {
    Process(BufWriter<std::io::Stdout>),
    Captured(Vec<u8>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Output::Process(stream) => stream.write(bytes),
            Output::Captured(buffer) => buffer.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Output::Process(stream) => stream.flush(),
            Output::Captured(_) => Ok(()),
        }
    }
}

/// One open port.
#[derive(Debug)]
pub(crate) enum Port {
    Input(Input),
    OutputFile { name: String, file: BufWriter<File> },
    OutputString { text: String, charge: Reservation },
    StandardOutput,
    StandardError,
}

/// A source of characters, decoded line by line.
pub(crate) struct Input {
    name: String,
    source: Box<dyn BufRead>,
    /// The current line with its end, and how far it has been read.
    line: String,
    read: usize,
    line_number: u64,
    ended: bool,
    /// A longer line is an error.
    line_bytes_max: u64,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input")
            .field("name", &self.name)
            .field("line", &self.line_number)
            .finish_non_exhaustive()
    }
}

impl Input {
    pub(crate) fn file(name: String, file: File) -> Self {
        Self::from_reader(name, Box::new(BufReader::with_capacity(64 * 1024, file)))
    }

    pub(crate) fn text(text: String) -> Self {
        Self::from_reader("string".into(), Box::new(std::io::Cursor::new(text.into_bytes())))
    }

    fn from_reader(name: String, source: Box<dyn BufRead>) -> Self {
        Self {
            name,
            source,
            line: String::new(),
            read: 0,
            line_number: 0,
            ended: false,
            line_bytes_max: u64::MAX,
        }
    }

    /// Makes the next line current when this one is used up; false at the end.
    fn fill(&mut self) -> Result<bool, Trap> {
        if self.read < self.line.len() {
            return Ok(true);
        }
        if self.ended {
            return Ok(false);
        }
        let mut bytes = std::mem::take(&mut self.line).into_bytes();
        bytes.clear();
        self.read = 0;
        let mut source = (&mut self.source).take(self.line_bytes_max.saturating_add(1));
        let count = source.read_until(b'\n', &mut bytes).map_err(|e| file_error("read", &self.name, &e))?;
        if count as u64 > self.line_bytes_max {
            let (requested, max) = (Bytes::from_usize(count), Bytes::new(self.line_bytes_max));
            return Err(Trap::Memory(MemoryError::AllocationTooLarge { requested, max }));
        }
        self.line_number += 1;
        self.ended = count == 0;
        self.line = String::from_utf8(bytes).map_err(|error| {
            let column = error.utf8_error().valid_up_to() + 1;
            let message = format!("{}: invalid UTF-8 in line {}, byte {column}", self.name, self.line_number);
            Trap::error(message).with_help("text is read as UTF-8; convert the file")
        })?;
        Ok(count > 0)
    }

    pub(crate) fn peek(&mut self) -> Result<Option<char>, Trap> {
        Ok(if self.fill()? { self.line[self.read..].chars().next() } else { None })
    }

    pub(crate) fn next(&mut self) -> Result<Option<char>, Trap> {
        let c = self.peek()?;
        self.read += c.map_or(0, char::len_utf8);
        Ok(c)
    }

    /// The rest of the current line, without its end.
    pub(crate) fn line(&mut self) -> Result<Option<&str>, Trap> {
        if !self.fill()? {
            return Ok(None);
        }
        let rest = &self.line[self.read..];
        self.read = self.line.len();
        let rest = rest.strip_suffix('\n').unwrap_or(rest);
        Ok(Some(rest.strip_suffix('\r').unwrap_or(rest)))
    }
}

/// "cannot read data.txt: No such file or directory"
pub(crate) fn file_error(verb: &str, name: &str, error: &std::io::Error) -> Trap {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    Trap::error(format!("cannot {verb} {name}: {text}"))
}

impl Ports {
    pub(crate) const STANDARD_INPUT: usize = 0;
    pub(crate) const STANDARD_OUTPUT: usize = 1;
    pub(crate) const STANDARD_ERROR: usize = 2;

    /// The standard ports. What is written to string ports is charged to the budget.
    pub(crate) fn new(text_budget: Budget) -> Self {
        let input = Input::from_reader("standard input".into(), Box::new(BufReader::new(std::io::stdin())));
        let all = vec![Some(Port::Input(input)), Some(Port::StandardOutput), Some(Port::StandardError)];
        let output = Output::Process(BufWriter::with_capacity(64 * 1024, std::io::stdout()));
        Self { all, text_budget, free: VecDeque::new(), output }
    }

    /// Keeps what is written to standard output from now on, instead of writing it.
    pub(crate) fn capture_output(&mut self) {
        self.output = Output::Captured(Vec::new());
    }

    /// What was kept.
    pub(crate) fn captured_output(&mut self) -> String {
        match &mut self.output {
            Output::Process(_) => String::new(),
            Output::Captured(buffer) => String::from_utf8_lossy(&std::mem::take(buffer)).into_owned(),
        }
    }

    /// Opens a port that keeps what is written to it.
    pub(crate) fn add_string(&mut self) -> Result<usize, Trap> {
        let charge = self.text_budget.try_reserve(Bytes::ZERO)?;
        Ok(self.add(Port::OutputString { text: String::new(), charge }))
    }

    /// Opens a port and answers its number.
    pub(crate) fn add(&mut self, mut port: Port) -> usize {
        /// A number is used again only after many others: a stale handle is then likelier to be noticed.
        const FREE_MIN: usize = 1024;
        if let Port::Input(input) = &mut port {
            input.line_bytes_max = self.text_budget.limit().as_u64();
        }
        if self.free.len() >= FREE_MIN
            && let Some(free) = self.free.pop_front()
        {
            self.all[free] = Some(port);
            return free;
        }
        self.all.push(Some(port));
        self.all.len() - 1
    }

    pub(crate) fn port(&mut self, number: usize) -> Option<&mut Port> {
        self.all.get_mut(number).and_then(Option::as_mut)
    }

    /// Writes what is buffered and closes. Closing a standard port only flushes it.
    pub(crate) fn close(&mut self, number: usize) -> Result<(), Trap> {
        if number <= Self::STANDARD_ERROR {
            return self.flush(number);
        }
        let closed = self.all.get_mut(number).and_then(Option::take);
        if closed.is_some() {
            self.free.push_back(number);
        }
        match closed {
            Some(Port::OutputFile { name, mut file }) => {
                file.flush().map_err(|e| file_error("write", &name, &e))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn flush(&mut self, number: usize) -> Result<(), Trap> {
        match self.all.get_mut(number).and_then(Option::as_mut) {
            Some(Port::OutputFile { name, file }) => file.flush().map_err(|e| file_error("write", name, &e)),
            Some(Port::StandardOutput) => self.output.flush().map_err(|e| output_error(&e)),
            _ => Ok(()),
        }
    }

    /// Writes text to an open output port.
    pub(crate) fn write(&mut self, number: usize, text: &str) -> Result<(), Trap> {
        match self.all.get_mut(number).and_then(Option::as_mut) {
            Some(Port::StandardOutput) => {
                self.output.write_all(text.as_bytes()).map_err(|e| output_error(&e))
            }
            Some(Port::StandardError) => {
                // Nothing can be done about standard error that cannot be written.
                let _ = std::io::stderr().write_all(text.as_bytes());
                Ok(())
            }
            Some(Port::OutputFile { name, file }) => {
                file.write_all(text.as_bytes()).map_err(|e| file_error("write", name, &e))
            }
            Some(Port::OutputString { text: so_far, charge }) => {
                charge.try_grow(Bytes::from_usize(text.len()))?;
                so_far.push_str(text);
                Ok(())
            }
            Some(Port::Input(_)) => Err(Trap::error("this port is for reading, it cannot be written to")),
            None => Err(Trap::error("this port is closed")),
        }
    }

    /// Flushes everything at the end of a run.
    pub(crate) fn flush_all(&mut self) -> Result<(), Trap> {
        (0..self.all.len()).try_for_each(|number| self.flush(number))
    }
}

fn output_error(error: &std::io::Error) -> Trap {
    if error.kind() == ErrorKind::BrokenPipe {
        Trap::OutputClosed
    } else {
        file_error("write", "standard output", error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_characters_share_one_position() {
        let mut input = Input::text("ab\ncd\r\n\nλ".into());
        assert_eq!(input.next().unwrap(), Some('a'));
        assert_eq!(input.line().unwrap(), Some("b"));
        assert_eq!(input.line().unwrap(), Some("cd"));
        assert_eq!(input.line().unwrap(), Some(""));
        assert_eq!(input.peek().unwrap(), Some('λ'));
        assert_eq!(input.next().unwrap(), Some('λ'));
        assert_eq!(input.next().unwrap(), None);
        assert_eq!(input.line().unwrap(), None);
    }

    #[test]
    fn invalid_text_is_an_error_with_its_place() {
        let mut input = Input::from_reader("f".into(), Box::new(std::io::Cursor::new(b"ok\n\xff".to_vec())));
        assert_eq!(input.line().unwrap(), Some("ok"));
        let Err(Trap::Error { message, .. }) = input.line() else { panic!("no error") };
        assert!(message.contains("line 2, byte 1"), "{message}");
    }
}
