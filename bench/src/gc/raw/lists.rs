//! Lists of pairs: a number and the rest of the list.

use super::super::configuration::Configuration;
use super::super::deep_list::Lists;
use super::super::pair_model::{NIL, number, number_of};
use super::super::short_lived::LiveSet;
use super::Pairs;
use std::hint::black_box;
use terrane_gc::raw::{CollectionKind, Word};

impl Pairs {
    /// The list of the numbers from `length` down to 1.
    fn list(&mut self, length: u64) -> Word {
        (1..=length).fold(NIL, |list, value| self.pair(number(value), list))
    }

    fn sum(&self, list: Word) -> u64 {
        let mut sum = 0;
        let mut list = list;
        while list != NIL {
            let [value, next] = self.fields(list);
            sum += number_of(value);
            list = next;
        }
        sum
    }
}

/// A list that stays, at the bottom of the shadow stack.
#[derive(Debug)]
pub(in super::super) struct RawLiveSet(Pairs);

impl RawLiveSet {
    pub(in super::super) fn new(objects: u64, configuration: Configuration) -> Self {
        let mut pairs = Pairs::new((configuration.heap)());
        let list = pairs.list(objects);
        pairs.roots.push(list);
        pairs.heap.collect(CollectionKind::Full, &mut pairs.roots).expect("the list fits the heap");
        Self(pairs)
    }
}

impl LiveSet for RawLiveSet {
    fn churn(&mut self, allocations: u64) -> u64 {
        let mut sum = 0;
        for value in 0..allocations {
            let pair = black_box(self.0.pair(number(value), NIL));
            sum += number_of(self.0.fields(pair)[0]);
        }
        sum
    }

    fn sum(&self) -> u64 {
        self.0.sum(self.0.roots.words[0])
    }
}

/// Lists that go.
#[derive(Debug)]
pub(in super::super) struct RawLists(Pairs);

impl RawLists {
    pub(in super::super) fn new(configuration: Configuration) -> Self {
        Self(Pairs::new((configuration.heap)()))
    }
}

impl Lists for RawLists {
    fn temporary(&mut self, length: u64) -> u64 {
        let list = self.0.list(length);
        self.0.sum(list)
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn a_list_survives_collections_while_it_grows() {
        let mut set = RawLiveSet::new(100, STRESSED);
        assert_eq!(set.churn(100), 4950);
        assert_eq!(set.sum(), 5050);
        assert_eq!(RawLists::new(STRESSED).temporary(100), 5050);
    }
}
