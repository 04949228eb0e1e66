//! Lists of `Gc`. A list is taken apart link by link: a drop that calls itself would overflow the stack.

use super::super::deep_list::Lists;
use super::super::short_lived::LiveSet;
use dumpster::Trace;
use dumpster::unsync::Gc;
use std::cell::RefCell;
use std::hint::black_box;

#[derive(Trace)]
struct Link {
    value: u64,
    next: RefCell<Option<Gc<Link>>>,
}

struct List {
    first: Option<Gc<Link>>,
}

impl List {
    /// The numbers from `length` down to 1.
    fn of(length: u64) -> Self {
        let link = |next, value| Some(Gc::new(Link { value, next: RefCell::new(next) }));
        Self { first: (1..=length).fold(None, link) }
    }

    fn sum(&self) -> u64 {
        // Cloned references would be suspected of cycles when they are dropped.
        fn next(link: &Link) -> Option<&Link> {
            // SAFETY: nobody borrows a field to write while a list is summed.
            #[expect(unsafe_code, reason = "a guard cannot be held from link to link")]
            let next = unsafe { link.next.try_borrow_unguarded() };
            next.ok()?.as_deref()
        }
        std::iter::successors(self.first.as_deref(), |link| next(link)).map(|link| link.value).sum()
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(link) = next {
            next = link.next.take();
        }
    }
}

/// A list that stays.
pub(in super::super) struct DumpsterLiveSet(List);

impl DumpsterLiveSet {
    pub(in super::super) fn new(objects: u64) -> Self {
        Self(List::of(objects))
    }
}

impl LiveSet for DumpsterLiveSet {
    fn churn(&mut self, allocations: u64) -> u64 {
        (0..allocations).map(|value| black_box(Gc::new(Link { value, next: RefCell::new(None) })).value).sum()
    }

    fn sum(&self) -> u64 {
        self.0.sum()
    }
}

/// Lists that go.
#[derive(Debug, Default)]
pub(in super::super) struct DumpsterLists;

impl Lists for DumpsterLists {
    fn temporary(&mut self, length: u64) -> u64 {
        List::of(length).sum()
    }
}
