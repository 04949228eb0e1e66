//! Lists: a number and the rest of the list.

use super::super::configuration::Configuration;
use super::super::deep_list::Lists;
use super::super::short_lived::LiveSet;
use super::{BATCH, SharedHeap, heap, load};
use std::hint::black_box;
use terrane_gc::{Gc, Local, Mutator, Root, Trace};

#[derive(Trace)]
struct Link<'h, 'm> {
    value: u64,
    next: Option<Gc<'h, 'm, Link<'h, 'm>>>,
}

type List<'h, 's> = Local<'h, 's, Link<'static, 'static>>;

/// The list of the numbers from `length` down to 1. May collect.
fn list<'h, 's>(mu: &mut Mutator<'h, 's>, length: u64) -> List<'h, 's> {
    let list = mu.alloc_local(|_| Link { value: 1, next: None });
    for start in (2..=length).step_by(BATCH) {
        mu.safepoint();
        let numbers = start..=length.min(start + BATCH as u64 - 1);
        let longer = numbers.fold(list.get(mu), |rest, value| mu.alloc(Link { value, next: Some(rest) }));
        list.set(mu, longer);
    }
    list
}

fn sum<'h, 'm>(list: Gc<'h, 'm, Link<'h, 'm>>) -> u64 {
    std::iter::successors(Some(list), |link| link.next).map(|link| link.value).sum()
}

/// A list that stays.
#[derive(Debug)]
pub(in super::super) struct SafeLiveSet {
    heap: SharedHeap,
    list: Root<Link<'static, 'static>>,
}

impl SafeLiveSet {
    pub(in super::super) fn new(objects: u64, configuration: Configuration) -> Self {
        let mut heap = heap(configuration);
        let list = heap.get_mut().enter(|mu| {
            let list = list(mu, objects);
            mu.persist(list.get(mu))
        });
        heap.get_mut().collect_full();
        Self { heap, list }
    }
}

impl LiveSet for SafeLiveSet {
    fn churn(&mut self, allocations: u64) -> u64 {
        self.heap.get_mut().enter(|mu| {
            let mut sum = 0;
            for start in (0..allocations).step_by(BATCH) {
                mu.safepoint();
                for value in start..allocations.min(start + BATCH as u64) {
                    sum += black_box(mu.alloc(Link { value, next: None })).value;
                }
            }
            sum
        })
    }

    fn sum(&self) -> u64 {
        self.heap.borrow_mut().enter(|mu| sum(load(mu, &self.list)))
    }
}

/// Lists that go.
#[derive(Debug)]
pub(in super::super) struct SafeLists(SharedHeap);

impl SafeLists {
    pub(in super::super) fn new(configuration: Configuration) -> Self {
        Self(heap(configuration))
    }
}

impl Lists for SafeLists {
    fn temporary(&mut self, length: u64) -> u64 {
        self.0.get_mut().enter(|mu| sum(list(mu, length).get(mu)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn a_list_survives_collections_while_it_grows() {
        let mut set = SafeLiveSet::new(3_000, STRESSED);
        assert_eq!(set.churn(2_500), 2_499 * 2_500 / 2);
        assert_eq!(set.sum(), 3_000 * 3_001 / 2);
        let mut lists = SafeLists::new(STRESSED);
        assert_eq!([1, 1_001, 2_100].map(|length| lists.temporary(length)), [1, 501_501, 2_206_050]);
    }
}
