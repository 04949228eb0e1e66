//! Bytevectors.

use crate::heap::{Kind, Object, Value};
use crate::vm::{Arguments, Machine, Outcome, Trap};

fn bytes_argument(m: &Machine, what: &str, value: Value) -> Result<Object, Trap> {
    value.object(Kind::Bytes).ok_or_else(|| m.wrong_type(what, "a bytevector", value))
}

fn byte_argument(m: &Machine, what: &str, value: Value) -> Result<u8, Trap> {
    let byte = value.as_fixnum().and_then(|n| u8::try_from(n).ok());
    byte.ok_or_else(|| m.wrong_type(what, "an integer from 0 to 255", value))
}

fn make(m: &mut Machine, bytes: &[u8]) -> Outcome {
    let mut object = m.bytes(bytes.len())?;
    object.bytes_mut().copy_from_slice(bytes);
    Ok(object.value())
}

pub(crate) fn is_bytevector(m: &mut Machine, args: Arguments) -> Outcome {
    Ok(Value::boolean(m.argument(args, 0).object(Kind::Bytes).is_some()))
}

pub(crate) fn make_bytevector(m: &mut Machine, args: Arguments) -> Outcome {
    let length = m.size_argument("make-bytevector", m.argument(args, 0))?;
    let fill = match m.optional(args, 1) {
        Some(value) => byte_argument(m, "make-bytevector", value)?,
        None => 0,
    };
    let mut object = m.bytes(length)?;
    object.bytes_mut().fill(fill);
    Ok(object.value())
}

pub(crate) fn bytevector(m: &mut Machine, args: Arguments) -> Outcome {
    let mut bytes = Vec::with_capacity(args.count());
    for index in m.all_arguments(args) {
        bytes.push(byte_argument(m, "bytevector", m.argument(args, index))?);
    }
    make(m, &bytes)
}

pub(crate) fn length(m: &mut Machine, args: Arguments) -> Outcome {
    let object = bytes_argument(m, "bytevector-length", m.argument(args, 0))?;
    Ok(Value::fixnum(object.length() as i64))
}

fn index_argument(m: &Machine, what: &str, args: Arguments) -> Result<(Object, usize), Trap> {
    let object = bytes_argument(m, what, m.argument(args, 0))?;
    let index = m.size_argument(what, m.argument(args, 1))?;
    if index < object.length() {
        Ok((object, index))
    } else {
        Err(m.out_of_range(what, m.argument(args, 1), object.length()))
    }
}

pub(crate) fn u8_ref(m: &mut Machine, args: Arguments) -> Outcome {
    let (object, index) = index_argument(m, "bytevector-u8-ref", args)?;
    Ok(Value::fixnum(i64::from(object.bytes()[index])))
}

pub(crate) fn u8_set(m: &mut Machine, args: Arguments) -> Outcome {
    let (mut object, index) = index_argument(m, "bytevector-u8-set!", args)?;
    object.bytes_mut()[index] = byte_argument(m, "bytevector-u8-set!", m.argument(args, 2))?;
    Ok(Value::UNSPECIFIED)
}

pub(crate) fn copy(m: &mut Machine, args: Arguments) -> Outcome {
    let object = bytes_argument(m, "bytevector-copy", m.argument(args, 0))?;
    let range = m.range_arguments("bytevector-copy", args, 1, object.length())?;
    let bytes = object.bytes()[range].to_vec();
    make(m, &bytes)
}

pub(crate) fn append(m: &mut Machine, args: Arguments) -> Outcome {
    let mut bytes = Vec::new();
    for index in m.all_arguments(args) {
        bytes.extend_from_slice(bytes_argument(m, "bytevector-append", m.argument(args, index))?.bytes());
    }
    make(m, &bytes)
}

pub(crate) fn utf8_to_string(m: &mut Machine, args: Arguments) -> Outcome {
    let object = bytes_argument(m, "utf8->string", m.argument(args, 0))?;
    let range = m.range_arguments("utf8->string", args, 1, object.length())?;
    let text = String::from_utf8(object.bytes()[range].to_vec());
    match text {
        Ok(text) => m.string(&text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Err(Trap::error(format!("utf8->string: invalid UTF-8 at byte {at}")))
        }
    }
}

pub(crate) fn string_to_utf8(m: &mut Machine, args: Arguments) -> Outcome {
    let text = m.text_argument("string->utf8", m.argument(args, 0))?;
    make(m, text.as_bytes())
}
