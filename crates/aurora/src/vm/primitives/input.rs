//! Input.

use super::output::{port_number, port_value};
use crate::heap::Value;
use crate::vm::ports::{Input, Port, Ports};
use crate::vm::{Arguments, Machine, Outcome, Trap};

/// The input port in an optional argument, or standard input.
fn input<'m>(m: &'m mut Machine, what: &str, args: Arguments, index: usize) -> Result<&'m mut Input, Trap> {
    let number = match m.optional(args, index) {
        None => Ports::STANDARD_INPUT,
        Some(value) => port_number(m, what, value)?,
    };
    if number == Ports::STANDARD_INPUT {
        // Whoever is asked should have seen the question.
        m.ports.flush(Ports::STANDARD_OUTPUT)?;
    }
    match m.ports.port(number) {
        Some(Port::Input(input)) => Ok(input),
        Some(_) => Err(Trap::error(format!("{what}: this port is for writing, it cannot be read"))),
        None => Err(Trap::error(format!("{what}: this port is closed"))),
    }
}

pub(crate) fn read_line(m: &mut Machine, args: Arguments) -> Outcome {
    let line = input(m, "read-line", args, 0)?.line()?.map(str::to_owned);
    match line {
        Some(line) => m.string(&line),
        None => Ok(Value::EOF),
    }
}

pub(crate) fn read_char(m: &mut Machine, args: Arguments) -> Outcome {
    let c = input(m, "read-char", args, 0)?.next()?;
    Ok(c.map_or(Value::EOF, Value::character))
}

pub(crate) fn peek_char(m: &mut Machine, args: Arguments) -> Outcome {
    let c = input(m, "peek-char", args, 0)?.peek()?;
    Ok(c.map_or(Value::EOF, Value::character))
}

/// `(read-string k [port])`: at most `k` characters.
pub(crate) fn read_string(m: &mut Machine, args: Arguments) -> Outcome {
    let most = m.size_argument("read-string", m.argument(args, 0))?;
    let source = input(m, "read-string", args, 1)?;
    let mut characters = Vec::new();
    while characters.len() < most {
        match source.next()? {
            Some(c) => characters.push(c),
            None => break,
        }
    }
    if characters.is_empty() && most > 0 { Ok(Value::EOF) } else { m.string_of(&characters) }
}

pub(crate) fn open_string(m: &mut Machine, args: Arguments) -> Outcome {
    let text = m.text_argument("open-input-string", m.argument(args, 0))?;
    Ok(port_value(m.ports.add(Port::Input(Input::text(text)))))
}

pub(crate) fn current(_: &mut Machine, _: Arguments) -> Outcome {
    Ok(port_value(Ports::STANDARD_INPUT))
}

pub(crate) fn eof_object(_: &mut Machine, _: Arguments) -> Outcome {
    Ok(Value::EOF)
}

pub(crate) fn is_eof(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0) == Value::EOF))
}
