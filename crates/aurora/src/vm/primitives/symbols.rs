//! Symbols.

use crate::heap::{Immediate, Value};
use crate::vm::{Arguments, Machine, Outcome};

pub(crate) fn is_symbol(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0).payload(Immediate::Symbol).is_some()))
}

pub(crate) fn symbol_to_string(m: &mut Machine, args: Arguments) -> Outcome {
    let symbol = m.argument(args, 0);
    match m.symbols.name(symbol).map(str::to_owned) {
        Some(name) => m.string(&name),
        None => Err(m.wrong_type("symbol->string", "a symbol", symbol)),
    }
}

pub(crate) fn string_to_symbol(m: &mut Machine, args: Arguments) -> Outcome {
    let name = m.text_argument("string->symbol", m.argument(args, 0))?;
    Ok(m.symbols.intern(&name)?)
}
