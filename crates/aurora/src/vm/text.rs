//! Strings and symbols: UTF-8 at the border, one or four bytes a character inside.

use super::machine::Machine;
use super::trap::{Outcome, Trap};
use crate::heap::{Immediate, Mutator, Object, StringParts, Value};
use std::collections::HashMap;
use terrane_base::{Budget, Bytes, MemoryError, Reservation};

/// The symbol table: names are interned, a symbol is the number of its name.
#[derive(Debug)]
pub(crate) struct Symbols {
    charge: Reservation,
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32>,
}

impl Symbols {
    pub(crate) fn new(budget: &Budget) -> Result<Self, MemoryError> {
        let charge = budget.child("symbols").try_reserve(Bytes::ZERO)?;
        Ok(Self { charge, names: Vec::new(), numbers: HashMap::new() })
    }

    /// The symbol of a name. A new one is charged to the budget, for as long as the machine lives.
    pub(crate) fn intern(&mut self, name: &str) -> Result<Value, MemoryError> {
        let number = match self.numbers.get(name) {
            Some(&number) => number,
            None => {
                // The name twice, and its entries in list and table.
                self.charge.try_grow(Bytes::from_usize(2 * name.len() + 64))?;
                let number = self.names.len() as u32;
                self.names.push(name.into());
                self.numbers.insert(name.into(), number);
                number
            }
        };
        Ok(Value::immediate(Immediate::Symbol, u64::from(number)))
    }

    pub(crate) fn name(&self, symbol: Value) -> Option<&str> {
        let number = symbol.payload(Immediate::Symbol)?;
        self.names.get(number as usize).map(|name| &**name)
    }
}

/// The width that a character needs.
pub(crate) fn is_wide(c: char) -> bool {
    u32::from(c) > 0xFF
}

impl StringParts {
    /// The character at an index below the length.
    pub(crate) fn character(&self, index: usize) -> char {
        let bytes = self.characters.bytes();
        if self.wide {
            let at = index * 4;
            let code = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        } else {
            char::from(bytes[index])
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = char> + '_ {
        (0..self.length).map(|index| self.character(index))
    }

    pub(crate) fn text(&self) -> String {
        self.iter().collect()
    }
}

/// Writes a character of a string's storage.
fn put(mut storage: Object, wide: bool, index: usize, c: char) {
    let bytes = storage.bytes_mut();
    if wide {
        bytes[index * 4..index * 4 + 4].copy_from_slice(&u32::from(c).to_le_bytes());
    } else {
        bytes[index] = u32::from(c) as u8;
    }
}

impl Machine {
    /// A new string.
    pub(crate) fn string(&mut self, text: &str) -> Outcome {
        let wide = text.chars().any(is_wide);
        let length = text.chars().count();
        self.string_with(length, wide, |_, put| {
            for (at, c) in text.chars().enumerate() {
                put(at, c);
            }
        })
    }

    /// A new string of characters that are not on the heap.
    pub(crate) fn string_of(&mut self, characters: &[char]) -> Outcome {
        let wide = characters.iter().any(|&c| is_wide(c));
        self.string_with(characters.len(), wide, |_, put| {
            for (at, &c) in characters.iter().enumerate() {
                put(at, c);
            }
        })
    }

    /// A new string whose characters are put in once its storage is there: they may come out of arguments.
    pub(crate) fn string_with(
        &mut self,
        length: usize,
        wide: bool,
        fill: impl FnOnce(&Machine, &mut dyn FnMut(usize, char)),
    ) -> Outcome {
        let bytes = length.saturating_mul(if wide { 4 } else { 1 });
        let storage = self.bytes(bytes)?;
        fill(self, &mut |at, c| put(storage, wide, at, c));
        self.roots.protect(storage.value());
        self.tally(24);
        Ok(self.memory.string_of_protected(&mut self.roots, length, wide)?)
    }

    /// A string of one character repeated.
    pub(crate) fn string_filled(&mut self, length: usize, fill: char) -> Outcome {
        self.string_with(length, is_wide(fill), |_, put| (0..length).for_each(|at| put(at, fill)))
    }

    /// The parts of an argument that must be a string.
    pub(crate) fn string_argument(&self, what: &str, value: Value) -> Result<StringParts, Trap> {
        value.string_parts().ok_or_else(|| self.wrong_type(what, "a string", value))
    }

    pub(crate) fn text_argument(&self, what: &str, value: Value) -> Result<String, Trap> {
        self.string_argument(what, value).map(|parts| parts.text())
    }

    /// Replaces a character; a string that gets its first wide one is widened.
    pub(crate) fn string_set(
        &mut self,
        parts: &StringParts,
        index: usize,
        c: char,
        protect: Value,
    ) -> Result<(), Trap> {
        if parts.wide || !is_wide(c) {
            put(parts.characters, parts.wide, index, c);
            return Ok(());
        }
        let mut characters: Vec<char> = parts.iter().collect();
        characters[index] = c;
        self.roots.protect(protect);
        let storage = self.bytes(characters.len() * 4);
        let string = self.roots.unprotect();
        let storage = storage?;
        for (at, &c) in characters.iter().enumerate() {
            put(storage, true, at, c);
        }
        if let Some(parts) = string.string_parts() {
            self.memory.replace_characters(parts.object, storage.value(), characters.len(), true);
        }
        Ok(())
    }
}
