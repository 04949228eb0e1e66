//! From text to data: the reader.

mod datum;
mod lexer;
mod number;
mod reader;

pub(crate) use datum::{Datum, DatumId, DatumPool};
pub(crate) use lexer::character_name;
pub(crate) use number::{Number, NumberError, parse_number};
pub(crate) use reader::read_program;
