//! Files.

use super::output::{port_number, port_value};
use crate::heap::{Immediate, Value};
use crate::vm::ports::{Input, Port, file_error};
use crate::vm::{Arguments, Machine, Outcome};
use std::fs::File;
use std::io::BufWriter;

pub(crate) fn open_input(m: &mut Machine, args: Arguments) -> Outcome {
    let name = m.text_argument("open-input-file", m.argument(args, 0))?;
    let file = File::open(&name).map_err(|e| file_error("open", &name, &e))?;
    Ok(port_value(m.ports.add(Port::Input(Input::file(name, file)))))
}

pub(crate) fn open_output(m: &mut Machine, args: Arguments) -> Outcome {
    let name = m.text_argument("open-output-file", m.argument(args, 0))?;
    let file = File::create(&name).map_err(|e| file_error("create", &name, &e))?;
    Ok(port_value(m.ports.add(Port::OutputFile { name, file: BufWriter::new(file) })))
}

pub(crate) fn close(m: &mut Machine, args: Arguments) -> Outcome {
    let number = port_number(m, "close-port", m.argument(args, 0))?;
    m.ports.close(number)?;
    Ok(Value::UNSPECIFIED)
}

fn port_test(m: &mut Machine, args: Arguments, test: fn(&Port) -> bool) -> Outcome {
    let Some(number) = m.argument(args, 0).payload(Immediate::Port) else { return Ok(Value::FALSE) };
    Ok(Value::boolean(m.ports.port(number as usize).is_none_or(|port| test(port))))
}

pub(crate) fn is_port(m: &mut Machine, args: Arguments) -> Outcome {
    port_test(m, args, |_| true)
}

pub(crate) fn is_input_port(m: &mut Machine, args: Arguments) -> Outcome {
    port_test(m, args, |port| matches!(port, Port::Input(_)))
}

pub(crate) fn is_output_port(m: &mut Machine, args: Arguments) -> Outcome {
    port_test(m, args, |port| !matches!(port, Port::Input(_)))
}

pub(crate) fn exists(m: &mut Machine, args: Arguments) -> Outcome {
    let name = m.text_argument("file-exists?", m.argument(args, 0))?;
    Ok(Value::boolean(std::path::Path::new(&name).exists()))
}

pub(crate) fn delete(m: &mut Machine, args: Arguments) -> Outcome {
    let name = m.text_argument("delete-file", m.argument(args, 0))?;
    std::fs::remove_file(&name).map_err(|e| file_error("delete", &name, &e))?;
    Ok(Value::UNSPECIFIED)
}
