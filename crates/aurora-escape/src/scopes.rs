//! The tree of lifetimes.
//!
//! The root is the heap, which outlives everything. Each procedure contributes two nodes: its *frame boundary*, the home
//! of what its activation hands to the outside (result, arguments of tail calls), and inside it the body. Thus "this place
//! outlives that object" is one question everywhere: is the node of the place a strict ancestor of the node of the object?

use alloc::vec::Vec;

use crate::ids::{ProcedureId, ScopeId};

/// What one lifetime of a scope is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ScopeKind {
    /// One activation of a procedure.
    Procedure,
    /// One iteration of a loop.
    Loop,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) parent: ScopeId,
    /// The procedure around, none for the root.
    pub(crate) procedure: Option<ProcedureId>,
    pub(crate) kind: ScopeKind,
}

#[derive(Debug)]
pub(crate) struct Scopes {
    scopes: Vec<Scope>,
}

impl Scopes {
    pub(crate) fn new() -> Self {
        let root = Scope { parent: ScopeId::new(0), procedure: None, kind: ScopeKind::Procedure };
        Self { scopes: alloc::vec![root] }
    }

    pub(crate) fn heap() -> ScopeId {
        ScopeId::new(0)
    }

    pub(crate) fn add(
        &mut self,
        parent: ScopeId,
        procedure: Option<ProcedureId>,
        kind: ScopeKind,
    ) -> ScopeId {
        assert!(self.contains(parent), "a scope of another graph");
        self.scopes.push(Scope { parent, procedure, kind });
        ScopeId::new(self.scopes.len() - 1)
    }

    pub(crate) fn contains(&self, scope: ScopeId) -> bool {
        scope.index() < self.scopes.len()
    }

    pub(crate) fn scope(&self, scope: ScopeId) -> Scope {
        self.scopes[scope.index()]
    }

    /// Numbers the tree in preorder, after which ancestry is two comparisons. Linear, without recursion: a parent is
    /// always created before its children.
    pub(crate) fn nesting(&self) -> Nesting {
        let count = self.scopes.len();
        let mut size = alloc::vec![1_u32; count];
        for child in (1..count).rev() {
            size[self.scopes[child].parent.index()] += size[child];
        }
        let mut first = alloc::vec![0_u32; count];
        let mut next = alloc::vec![1_u32; count];
        for child in 1..count {
            let parent = self.scopes[child].parent.index();
            first[child] = next[parent];
            next[parent] += size[child];
            next[child] = first[child] + 1;
        }
        let end = first.iter().zip(&size).map(|(first, size)| first + size).collect();
        Nesting { scopes: self.scopes.clone(), first, end }
    }
}

/// The finished tree.
#[derive(Debug)]
pub(crate) struct Nesting {
    scopes: Vec<Scope>,
    first: Vec<u32>,
    end: Vec<u32>,
}

impl Nesting {
    pub(crate) fn len(&self) -> usize {
        self.scopes.len()
    }

    pub(crate) fn encloses(&self, outer: ScopeId, inner: ScopeId) -> bool {
        let position = self.first[inner.index()];
        self.first[outer.index()] <= position && position < self.end[outer.index()]
    }

    pub(crate) fn strictly_encloses(&self, outer: ScopeId, inner: ScopeId) -> bool {
        outer != inner && self.encloses(outer, inner)
    }

    pub(crate) fn procedure(&self, scope: ScopeId) -> Option<ProcedureId> {
        self.scopes[scope.index()].procedure
    }

    pub(crate) fn parent(&self, scope: ScopeId) -> ScopeId {
        self.scopes[scope.index()].parent
    }

    /// The innermost scope around both, which neither of them encloses.
    pub(crate) fn common(&self, mut a: ScopeId, b: ScopeId) -> ScopeId {
        while !self.encloses(a, b) {
            a = self.parent(a);
        }
        a
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ancestry_is_strict_and_siblings_are_unrelated() {
        let mut scopes = Scopes::new();
        let a = scopes.add(Scopes::heap(), None, ScopeKind::Procedure);
        let b = scopes.add(a, None, ScopeKind::Loop);
        let c = scopes.add(a, None, ScopeKind::Loop);
        let d = scopes.add(b, None, ScopeKind::Loop);
        let nesting = scopes.nesting();
        assert!(nesting.strictly_encloses(Scopes::heap(), d));
        assert!(nesting.strictly_encloses(a, d) && nesting.strictly_encloses(b, d));
        assert!(!nesting.encloses(c, d) && !nesting.encloses(d, c));
        assert!(nesting.encloses(d, d) && !nesting.strictly_encloses(d, d));
        assert_eq!(nesting.common(d, c), a);
        assert_eq!(nesting.common(d, b), b);
    }

    #[test]
    fn a_deep_tree_is_numbered_without_recursion() {
        let mut scopes = Scopes::new();
        let mut inner = Scopes::heap();
        for _ in 0..200_000 {
            inner = scopes.add(inner, None, ScopeKind::Loop);
        }
        assert!(scopes.nesting().strictly_encloses(ScopeId::new(1), inner));
    }
}
