//! Syntax trees of the reader, in one pool.
//!
//! Nodes refer to each other by index, so that a tree of any depth is built, walked and dropped
//! without recursion.

use crate::source::Span;

/// Index of a node in its [`DatumPool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DatumId(u32);

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    Fixnum(i64),
    Flonum(f64),
    Boolean(bool),
    Character(char),
    String(Box<str>),
    Symbol(Box<str>),
    /// `(a b . c)`: the items, and the tail when it is not the empty list.
    List(Vec<DatumId>, Option<DatumId>),
    Vector(Vec<DatumId>),
    Bytevector(Vec<u8>),
}

/// A datum and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) datum: Datum,
    pub(crate) span: Span,
}

/// All nodes of one source.
#[derive(Debug, Default)]
pub(crate) struct DatumPool {
    nodes: Vec<Node>,
}

impl DatumPool {
    pub(crate) fn push(&mut self, datum: Datum, span: Span) -> DatumId {
        let id =
            DatumId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes: sources are below 4 GiB"));
        self.nodes.push(Node { datum, span });
        id
    }

    pub(crate) fn node(&self, id: DatumId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(crate) fn datum(&self, id: DatumId) -> &Datum {
        &self.node(id).datum
    }

    pub(crate) fn span(&self, id: DatumId) -> Span {
        self.node(id).span
    }

    /// The items of a proper list.
    pub(crate) fn list(&self, id: DatumId) -> Option<&[DatumId]> {
        match self.datum(id) {
            Datum::List(items, None) => Some(items),
            _ => None,
        }
    }

    /// The items of a list, and what stands after its dot.
    pub(crate) fn items(&self, id: DatumId) -> Option<(&[DatumId], Option<DatumId>)> {
        match self.datum(id) {
            Datum::List(items, tail) => Some((items, *tail)),
            _ => None,
        }
    }

    /// The first item of a list.
    pub(crate) fn head(&self, id: DatumId) -> Option<DatumId> {
        self.items(id).and_then(|(items, _)| items.first().copied())
    }

    pub(crate) fn symbol(&self, id: DatumId) -> Option<&str> {
        match self.datum(id) {
            Datum::Symbol(name) => Some(name),
            _ => None,
        }
    }
}
