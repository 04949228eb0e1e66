//! What the model says must be there, and whether it is.

use std::collections::HashMap;

use terrane_gc::raw::{ObjectModel, Word};

use super::{Kind, Node, Shadow, Value, size_of_kind};
use crate::model::*;

impl Shadow {
    pub(super) fn reachable(&self) -> Vec<usize> {
        let mut seen = vec![false; self.nodes.len()];
        let mut pending: Vec<Value> = self.values.clone();
        pending.extend(self.pins.iter().map(|pin| Value::Object(pin.node)));
        let mut found = Vec::new();
        while let Some(value) = pending.pop() {
            if let Value::Object(node) = value
                && !std::mem::replace(&mut seen[node], true)
            {
                found.push(node);
                pending.extend(&self.nodes[node].words);
            }
        }
        found
    }

    /// Compares everything reachable.
    pub fn check(&self) {
        _ = self.compare();
    }

    /// Compares everything reachable; the reference to each object, by node.
    pub(super) fn compare(&self) -> HashMap<usize, Word> {
        let mut words: HashMap<usize, Word> = HashMap::new();
        let mut owners: HashMap<usize, usize> = HashMap::new();
        let mut pending: Vec<(Value, Word)> = Vec::new();
        pending.extend(self.values.iter().copied().zip(self.roots.words.iter().copied()));
        pending.extend(self.pins.iter().map(|pin| (Value::Object(pin.node), pin.word)));
        while let Some((value, word)) = pending.pop() {
            let node = match value {
                Value::Integer(i) => {
                    assert_eq!(word, integer(i));
                    continue;
                }
                Value::Object(node) => node,
            };
            let address = Model::address(word).expect("a reference");
            if let Some(&before) = words.get(&node) {
                assert_eq!(before, word, "node {node} is in two places");
                continue;
            }
            words.insert(node, word);
            assert_eq!(owners.insert(address, node), None, "two nodes at {address:#x}");
            let Node { kind, words: held, .. } = &self.nodes[node];
            assert_eq!(is_pair(word), *kind == Kind::Pair);
            // SAFETY: live, as far as the model knows.
            assert_eq!(unsafe { Model::size(word) }, size_of_kind(*kind, held.len()));
            pending.extend(held.iter().enumerate().map(|(index, &value)| (value, read(word, index))));
        }
        words
    }
}
