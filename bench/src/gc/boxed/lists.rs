//! Lists of boxes, taken apart link by link: a drop that calls itself would overflow the stack.

use super::super::deep_list::Lists;
use super::super::short_lived::LiveSet;
use std::hint::black_box;

struct Link {
    value: u64,
    next: Option<Box<Link>>,
}

struct List {
    first: Option<Box<Link>>,
}

impl List {
    /// The numbers from `length` down to 1.
    fn of(length: u64) -> Self {
        let mut first = None;
        for value in 1..=length {
            first = Some(Box::new(Link { value, next: first }));
        }
        Self { first }
    }

    fn sum(&self) -> u64 {
        let mut sum = 0;
        let mut next = &self.first;
        while let Some(link) = next {
            sum += link.value;
            next = &link.next;
        }
        sum
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(mut link) = next {
            next = link.next.take();
        }
    }
}

/// A list that stays.
pub(in super::super) struct BoxedLiveSet(List);

impl BoxedLiveSet {
    pub(in super::super) fn new(objects: u64) -> Self {
        Self(List::of(objects))
    }
}

impl LiveSet for BoxedLiveSet {
    fn churn(&mut self, allocations: u64) -> u64 {
        (0..allocations).map(|value| black_box(Box::new(Link { value, next: None })).value).sum()
    }

    fn sum(&self) -> u64 {
        self.0.sum()
    }
}

/// Lists that go.
#[derive(Debug, Default)]
pub(in super::super) struct BoxedLists;

impl Lists for BoxedLists {
    fn temporary(&mut self, length: u64) -> u64 {
        List::of(length).sum()
    }
}
