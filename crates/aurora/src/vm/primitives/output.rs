//! Output.

use super::characters::character;
use crate::heap::{Immediate, Value};
use crate::vm::ports::{Port, Ports};
use crate::vm::{Arguments, Machine, Outcome, Trap};

/// The port value of a number.
pub(super) fn port_value(number: usize) -> Value {
    Value::immediate(Immediate::Port, number as u64)
}

/// The number of a port argument.
pub(super) fn port_number(m: &Machine, what: &str, value: Value) -> Result<usize, Trap> {
    let number = value.payload(Immediate::Port).map(|n| n as usize);
    number.ok_or_else(|| m.wrong_type(what, "a port", value))
}

fn output_port(m: &Machine, what: &str, args: Arguments, index: usize) -> Result<usize, Trap> {
    match m.optional(args, index) {
        None => Ok(Ports::STANDARD_OUTPUT),
        Some(value) => port_number(m, what, value),
    }
}

fn print(m: &mut Machine, args: Arguments, what: &str, quoted: bool) -> Outcome {
    let port = output_port(m, what, args, 1)?;
    m.print(port, m.argument(args, 0), quoted)?;
    Ok(Value::UNSPECIFIED)
}

pub(crate) fn display(m: &mut Machine, args: Arguments) -> Outcome {
    print(m, args, "display", false)
}

pub(crate) fn write(m: &mut Machine, args: Arguments) -> Outcome {
    print(m, args, "write", true)
}

pub(crate) fn newline(m: &mut Machine, args: Arguments) -> Outcome {
    let port = output_port(m, "newline", args, 0)?;
    m.ports.write(port, "\n")?;
    Ok(Value::UNSPECIFIED)
}

pub(crate) fn write_char(m: &mut Machine, args: Arguments) -> Outcome {
    let port = output_port(m, "write-char", args, 1)?;
    let c = character(m, "write-char", m.argument(args, 0))?;
    m.ports.write(port, c.encode_utf8(&mut [0; 4]))?;
    Ok(Value::UNSPECIFIED)
}

pub(crate) fn write_string(m: &mut Machine, args: Arguments) -> Outcome {
    let port = output_port(m, "write-string", args, 1)?;
    let text = m.text_argument("write-string", m.argument(args, 0))?;
    m.ports.write(port, &text)?;
    Ok(Value::UNSPECIFIED)
}

pub(crate) fn flush(m: &mut Machine, args: Arguments) -> Outcome {
    let port = output_port(m, "flush-output-port", args, 0)?;
    m.ports.flush(port)?;
    Ok(Value::UNSPECIFIED)
}

pub(crate) fn open_string(m: &mut Machine, _: Arguments) -> Outcome {
    Ok(port_value(m.ports.add_string()?))
}

/// What was written to a string port so far.
pub(crate) fn string_so_far(m: &mut Machine, args: Arguments) -> Outcome {
    let value = m.argument(args, 0);
    let number = port_number(m, "get-output-string", value)?;
    let text = match m.ports.port(number) {
        Some(Port::OutputString { text, .. }) => text.clone(),
        _ => return Err(m.wrong_type("get-output-string", "a string output port", value)),
    };
    m.string(&text)
}

pub(crate) fn current(_: &mut Machine, _: Arguments) -> Outcome {
    Ok(port_value(Ports::STANDARD_OUTPUT))
}

pub(crate) fn current_error(_: &mut Machine, _: Arguments) -> Outcome {
    Ok(port_value(Ports::STANDARD_ERROR))
}
