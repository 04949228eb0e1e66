//! `display` and `write`: any depth, and cycles are labelled (R7RS §6.13.3).

use super::machine::Machine;
use super::text::Symbols;
use super::trap::Trap;
use crate::bytecode::Code;
use crate::core::RecordType;
use crate::heap::{Immediate, Kind, Object, Value};
use crate::primitive::Primitive;
use crate::syntax::character_name;
use std::collections::HashMap;
use std::fmt::Write as _;

/// What is still to be printed, the next thing last.
enum Step {
    Value(Value),
    /// The rest of a list.
    Tail(Value),
    Text(&'static str),
    /// The elements of a vector from an index on.
    Elements(Object, usize),
    /// The fields of a record from an index on.
    Fields(Object, usize),
}

impl Machine {
    /// The text of a value, at most `limit` bytes of it or little more; `quoted` for `write`.
    pub(crate) fn written(&self, value: Value, quoted: bool, limit: usize) -> String {
        let names =
            Names { symbols: &self.symbols, record_types: &self.record_types, code: &self.roots.code };
        let mut printer = Printer::new(names, value, quoted, limit);
        while printer.out.len() <= limit && printer.next() {}
        printer.out
    }

    /// Prints a value to a port, piece by piece.
    pub(crate) fn print(&mut self, port: usize, value: Value, quoted: bool) -> Result<(), Trap> {
        const PIECE_BYTES: usize = 64 * 1024;
        let names =
            Names { symbols: &self.symbols, record_types: &self.record_types, code: &self.roots.code };
        let mut printer = Printer::new(names, value, quoted, usize::MAX);
        while printer.next() {
            if printer.out.len() >= PIECE_BYTES {
                self.ports.write(port, &printer.out)?;
                printer.out.clear();
            }
        }
        self.ports.write(port, &printer.out)
    }
}

/// What the printer looks names up in.
struct Names<'a> {
    symbols: &'a Symbols,
    record_types: &'a [RecordType],
    code: &'a Code,
}

/// Can it contain other values?
fn is_compound(value: Value) -> bool {
    value.is_pair() || value.any_object().is_some_and(|o| matches!(o.kind(), Kind::Vector | Kind::Record))
}

fn children(value: Value) -> Vec<Value> {
    if let (Some(car), Some(cdr)) = (value.car(), value.cdr()) {
        return vec![cdr, car];
    }
    match value.any_object() {
        Some(object) if object.kind() == Kind::Vector => {
            (0..object.length()).filter_map(|i| object.slot(i)).collect()
        }
        Some(object) if object.kind() == Kind::Record => {
            (1..object.length()).filter_map(|i| object.slot(i)).collect()
        }
        _ => Vec::new(),
    }
}

/// The values that contain themselves, by depth-first search.
fn cycles(root: Value) -> HashMap<Value, Option<u32>> {
    enum Visit {
        Enter(Value),
        Leave(Value),
    }
    let mut open: HashMap<Value, bool> = HashMap::new();
    let mut found = HashMap::new();
    let mut pending = vec![Visit::Enter(root)];
    while let Some(visit) = pending.pop() {
        match visit {
            Visit::Leave(value) => {
                open.insert(value, false);
            }
            Visit::Enter(value) => match open.get(&value) {
                Some(true) => {
                    found.insert(value, None);
                }
                Some(false) => {}
                None => {
                    open.insert(value, true);
                    pending.push(Visit::Leave(value));
                    pending.extend(children(value).into_iter().filter(|&v| is_compound(v)).map(Visit::Enter));
                }
            },
        }
    }
    found
}

struct Printer<'a> {
    names: Names<'a>,
    quoted: bool,
    /// No string is copied beyond this many bytes of text.
    limit: usize,
    /// The values in need of a label, and the labels given.
    labels: HashMap<Value, Option<u32>>,
    next_label: u32,
    out: String,
    steps: Vec<Step>,
}

impl<'a> Printer<'a> {
    fn new(names: Names<'a>, value: Value, quoted: bool, limit: usize) -> Self {
        let labels = if is_compound(value) { cycles(value) } else { HashMap::new() };
        let steps = vec![Step::Value(value)];
        Self { names, quoted, limit, labels, next_label: 0, out: String::new(), steps }
    }

    /// Prints one more part; false when there is none.
    fn next(&mut self) -> bool {
        let Some(step) = self.steps.pop() else { return false };
        self.step(step);
        true
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Text(text) => self.out.push_str(text),
            Step::Value(value) => self.value(value),
            Step::Tail(value) => self.tail(value),
            Step::Elements(vector, index) => {
                if let Some(element) = vector.slot(index) {
                    if index > 0 {
                        self.out.push(' ');
                    }
                    self.steps.push(Step::Elements(vector, index + 1));
                    self.steps.push(Step::Value(element));
                }
            }
            Step::Fields(record, index) => self.field(record, index),
        }
    }

    /// True if a reference to an outer occurrence was printed instead.
    fn labelled(&mut self, value: Value) -> bool {
        match self.labels.get_mut(&value) {
            Some(Some(label)) => {
                let _ = write!(self.out, "#{label}#");
                true
            }
            Some(slot @ None) => {
                *slot = Some(self.next_label);
                let _ = write!(self.out, "#{}=", self.next_label);
                self.next_label += 1;
                false
            }
            None => false,
        }
    }

    fn value(&mut self, value: Value) {
        if !is_compound(value) {
            return self.atom(value);
        }
        if self.labelled(value) {
            return;
        }
        if let (Some(car), Some(cdr)) = (value.car(), value.cdr()) {
            if let Some((mark, quoted)) = self.abbreviation(car, cdr) {
                self.steps.push(Step::Value(quoted));
                return self.out.push_str(mark);
            }
            self.out.push('(');
            self.steps.push(Step::Text(")"));
            self.steps.push(Step::Tail(cdr));
            self.steps.push(Step::Value(car));
        } else if let Some(vector) = value.object(Kind::Vector) {
            self.out.push_str("#(");
            self.steps.push(Step::Text(")"));
            self.steps.push(Step::Elements(vector, 0));
        } else if let Some(record) = value.object(Kind::Record) {
            let kind = record.slot(0).and_then(|t| t.payload(Immediate::RecordType)).unwrap_or(u64::MAX);
            let name = self.names.record_types.get(kind as usize).map_or("record", |t| &*t.name);
            let _ = write!(self.out, "#<{name}");
            self.steps.push(Step::Text(">"));
            self.steps.push(Step::Fields(record, 1));
        }
    }

    fn field(&mut self, record: Object, index: usize) {
        let Some(value) = record.slot(index) else { return };
        let kind = record.slot(0).and_then(|t| t.payload(Immediate::RecordType)).unwrap_or(u64::MAX);
        let name = self.names.record_types.get(kind as usize).and_then(|t| t.fields.get(index - 1));
        let _ = write!(self.out, " {}: ", name.map_or("", |n| n));
        self.steps.push(Step::Fields(record, index + 1));
        self.steps.push(Step::Value(value));
    }

    /// `'x` for `(quote x)` and its kin.
    fn abbreviation(&self, car: Value, cdr: Value) -> Option<(&'static str, Value)> {
        if cdr.cdr() != Some(Value::EMPTY_LIST) || !self.quoted {
            return None;
        }
        let mark = match self.names.symbols.name(car)? {
            "quote" => "'",
            "quasiquote" => "`",
            "unquote" => ",",
            "unquote-splicing" => ",@",
            _ => return None,
        };
        cdr.car().map(|quoted| (mark, quoted))
    }

    fn tail(&mut self, value: Value) {
        if value == Value::EMPTY_LIST {
            return;
        }
        match (value.car(), value.cdr()) {
            (Some(car), Some(cdr)) if !self.labels.contains_key(&value) => {
                self.out.push(' ');
                self.steps.push(Step::Tail(cdr));
                self.steps.push(Step::Value(car));
            }
            _ => {
                self.out.push_str(" . ");
                self.steps.push(Step::Value(value));
            }
        }
    }

    fn atom(&mut self, value: Value) {
        let out = &mut self.out;
        if let Some(number) = value.as_fixnum() {
            let _ = write!(out, "{number}");
        } else if let Some(number) = value.as_flonum() {
            out.push_str(&flonum_text(number));
        } else if let Some(parts) = value.string_parts() {
            let characters = parts.iter().take(self.limit);
            if self.quoted { write_string(out, characters) } else { out.extend(characters) }
        } else if let Some(c) = value.as_character() {
            if self.quoted { write_character(out, c) } else { out.push(c) }
        } else if let Some(name) = self.names.symbols.name(value) {
            if self.quoted { write_symbol(out, name) } else { out.push_str(name) }
        } else if let Some(object) = value.object(Kind::Bytes) {
            let bytes: Vec<String> = object.bytes().iter().map(u8::to_string).collect();
            let _ = write!(out, "#u8({})", bytes.join(" "));
        } else {
            self.opaque(value);
        }
    }

    fn opaque(&mut self, value: Value) {
        let function_name = |number: u64| {
            let function = self.names.code.functions.get(number as usize);
            function.map_or(String::new(), |f| format!(" {}", f.name))
        };
        let text = match value {
            Value::TRUE => "#t".into(),
            Value::FALSE => "#f".into(),
            Value::EMPTY_LIST => "()".into(),
            Value::UNSPECIFIED => "#<unspecified>".into(),
            Value::EOF => "#<eof>".into(),
            Value::UNDEFINED => "#<undefined>".into(),
            _ => {
                if let Some(number) = value.payload(Immediate::Primitive) {
                    let name = Primitive::from_number(number as u16).map_or("", Primitive::name);
                    format!("#<procedure {name}>")
                } else if let Some(number) = value.payload(Immediate::Procedure) {
                    format!("#<procedure{}>", function_name(number))
                } else if let Some(closure) = value.object(Kind::Closure) {
                    let number = closure.slot(0).and_then(Value::as_fixnum).unwrap_or(-1);
                    format!("#<procedure{}>", function_name(number as u64))
                } else if value.payload(Immediate::Port).is_some() {
                    "#<port>".into()
                } else if value.payload(Immediate::Arena).is_some() {
                    "#<arena>".into()
                } else {
                    "#<object>".into()
                }
            }
        };
        self.out.push_str(&text);
    }
}

/// The shortest text that reads back as the same number.
pub(crate) fn flonum_text(number: f64) -> String {
    if number.is_nan() {
        return "+nan.0".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+inf.0".into() } else { "-inf.0".into() };
    }
    let size = number.abs();
    if size != 0.0 && !(1e-7..1e21).contains(&size) {
        return format!("{number:e}");
    }
    let text = format!("{number}");
    if text.contains('.') { text } else { format!("{text}.0") }
}

fn write_string(out: &mut String, characters: impl Iterator<Item = char>) {
    out.push('"');
    for c in characters {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => {
                let _ = write!(out, "\\x{:x};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn write_character(out: &mut String, c: char) {
    out.push_str("#\\");
    match character_name(c) {
        Some(name) => out.push_str(name),
        None if c.is_control() => {
            let _ = write!(out, "x{:x}", u32::from(c));
        }
        None => out.push(c),
    }
}

/// A symbol whose name would read as something else is written between bars.
fn write_symbol(out: &mut String, name: &str) {
    let plain = !name.is_empty()
        && name != "."
        && !name.starts_with('#')
        && name.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"()[]\"';`,|".contains(c))
        && crate::syntax::parse_number(name, 10) == Err(crate::syntax::NumberError::NotANumber);
    if plain {
        out.push_str(name);
    } else {
        out.push('|');
        for c in name.chars() {
            if matches!(c, '|' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
        out.push('|');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flonums_read_back() {
        for (number, text) in
            [(1.0, "1.0"), (0.1, "0.1"), (-2.5, "-2.5"), (1e21, "1e21"), (1e-7, "0.0000001"), (-0.0, "-0.0")]
        {
            assert_eq!(flonum_text(number), text);
        }
        assert_eq!(flonum_text(f64::NAN), "+nan.0");
    }

    #[test]
    fn odd_symbols_are_written_between_bars() {
        let written = |name| {
            let mut out = String::new();
            write_symbol(&mut out, name);
            out
        };
        assert_eq!(written("a->b"), "a->b");
        assert_eq!(written("two words"), "|two words|");
        assert_eq!(written("12"), "|12|");
        assert_eq!(written("99999999999999999999"), "|99999999999999999999|");
        assert_eq!(written(""), "||");
    }
}
