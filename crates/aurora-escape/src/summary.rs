//! What a procedure does with its parameters, as far as its callers are concerned.

use alloc::vec::Vec;

/// For each parameter of a procedure, the lowest dereference count with which it reaches a place outside: 0 the argument itself, 1 what a
/// field of it refers to, and so on. A count stands for all higher ones; large counts are rounded down.
///
/// What reaches the heap reaches everything: the other answers leave out counts that are not below that of
/// [`heap`](Self::heap). What a nested procedure does by way of variables of the procedures around it is in
/// [`outer`](Self::outer) alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    params: Vec<Parameter>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Parameter {
    heap: Option<u8>,
    outer: Option<u8>,
    result: Option<u8>,
    /// Sorted by the parameter whose object is reached.
    contents: Vec<(usize, u8)>,
}

impl Summary {
    pub(crate) fn new(params: usize) -> Self {
        Self { params: alloc::vec![Parameter::default(); params] }
    }

    /// The number of parameters.
    #[must_use]
    pub fn params(&self) -> usize {
        self.params.len()
    }

    /// The count with which parameter `i` reaches the heap or unknown code.
    #[must_use]
    pub fn heap(&self, i: usize) -> Option<u8> {
        self.params.get(i)?.heap
    }

    /// The count with which parameter `i` of a nested procedure reaches a variable or object of a procedure around it.
    #[must_use]
    pub fn outer(&self, i: usize) -> Option<u8> {
        self.params.get(i)?.outer
    }

    /// The count with which parameter `i` reaches the result.
    #[must_use]
    pub fn result(&self, i: usize) -> Option<u8> {
        self.params.get(i)?.result
    }

    /// The count with which parameter `i` reaches a field of the object that was passed as parameter `j`.
    #[must_use]
    pub fn contents(&self, i: usize, j: usize) -> Option<u8> {
        let contents = &self.params.get(i)?.contents;
        contents.iter().find_map(|&(into, derefs)| (into == j).then_some(derefs))
    }

    pub(crate) fn reaches_heap(&mut self, param: usize, derefs: i8) {
        lower(&mut self.params[param].heap, derefs);
    }

    pub(crate) fn reaches_outer(&mut self, param: usize, derefs: i8) {
        lower(&mut self.params[param].outer, derefs);
    }

    pub(crate) fn reaches_result(&mut self, param: usize, derefs: i8) {
        lower(&mut self.params[param].result, derefs);
    }

    pub(crate) fn reaches_contents(&mut self, param: usize, into: usize, derefs: i8) {
        let contents = &mut self.params[param].contents;
        contents.push((into, derefs.max(0).unsigned_abs()));
        contents.sort_unstable();
    }
}

fn lower(count: &mut Option<u8>, derefs: i8) {
    let derefs = derefs.max(0).unsigned_abs();
    *count = Some(count.map_or(derefs, |count| count.min(derefs)));
}
