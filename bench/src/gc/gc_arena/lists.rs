//! Lists of `Gc`.

use super::super::deep_list::Lists;
use super::super::short_lived::LiveSet;
use super::{BATCH, Pacing, paced};
use gc_arena::{Arena, Collect, Gc, Mutation, Rootable};
use std::hint::black_box;

#[derive(Collect)]
#[collect(no_drop)]
struct Link<'gc> {
    value: u64,
    next: Option<Gc<'gc, Link<'gc>>>,
}

type List<'gc> = Option<Gc<'gc, Link<'gc>>>;

/// The list of the numbers from `length` down to 1.
fn list<'gc>(mutation: &Mutation<'gc>, length: u64) -> List<'gc> {
    (1..=length).fold(None, |next, value| Some(Gc::new(mutation, Link { value, next })))
}

fn sum(list: List<'_>) -> u64 {
    let mut sum = 0;
    let mut next = list;
    while let Some(link) = next {
        sum += link.value;
        next = link.next;
    }
    sum
}

#[derive(Collect)]
#[collect(no_drop)]
struct ListRoot<'gc> {
    first: List<'gc>,
}

/// A list that stays.
pub(in super::super) struct GcArenaLiveSet {
    arena: Arena<Rootable![ListRoot<'_>]>,
}

impl GcArenaLiveSet {
    pub(in super::super) fn new(objects: u64, pacing: Pacing) -> Self {
        let arena =
            Arena::<Rootable![ListRoot<'_>]>::new(|mutation| ListRoot { first: list(mutation, objects) });
        let mut arena = paced(arena, pacing);
        arena.finish_cycle();
        Self { arena }
    }
}

impl LiveSet for GcArenaLiveSet {
    fn churn(&mut self, allocations: u64) -> u64 {
        let mut sum = 0;
        for batch in 0..allocations / BATCH as u64 {
            let first = batch * BATCH as u64;
            sum += self.arena.mutate(|mutation, _| {
                let mut sum = 0;
                for value in first..first + BATCH as u64 {
                    sum += black_box(Gc::new(mutation, Link { value, next: None })).value;
                }
                sum
            });
            self.arena.collect_debt();
        }
        sum
    }

    fn sum(&self) -> u64 {
        self.arena.mutate(|_, root| sum(root.first))
    }
}

/// Lists that go. The debt is paid once for each list, as a list cannot be split between two closures.
pub(in super::super) struct GcArenaLists {
    arena: Arena<Rootable![()]>,
}

impl GcArenaLists {
    pub(in super::super) fn new(pacing: Pacing) -> Self {
        Self { arena: paced(Arena::new(|_| ()), pacing) }
    }
}

impl Lists for GcArenaLists {
    fn temporary(&mut self, length: u64) -> u64 {
        let result = self.arena.mutate(|mutation, ()| sum(list(mutation, length)));
        self.arena.collect_debt();
        result
    }
}
