//! Strings: a `Gc` has one size, so their bytes are boxed.

use super::super::strings::{PLACES, Strings, ends};
use super::{BATCH, Pacing, paced};
use gc_arena::lock::Lock;
use gc_arena::{Arena, Collect, Gc, Rootable, barrier};
use std::hint::black_box;

type Text<'gc> = Gc<'gc, Box<[u8]>>;

type TableRooted = Rootable![Gc<'_, Table<'_>>];

#[derive(Collect)]
#[collect(no_drop)]
struct Table<'gc> {
    places: Box<[Lock<Option<Text<'gc>>>]>,
}

/// The strings of [`Strings`].
pub(in super::super) struct GcArenaStrings {
    arena: Arena<TableRooted>,
    allocations: usize,
}

impl GcArenaStrings {
    pub(in super::super) fn new(pacing: Pacing) -> Self {
        let arena = Arena::<TableRooted>::new(|mutation| {
            Gc::new(mutation, Table { places: (0..PLACES).map(|_| Lock::new(None)).collect() })
        });
        Self { arena: paced(arena, pacing), allocations: 0 }
    }

    #[inline]
    fn allocated(&mut self) {
        self.allocations += 1;
        if self.allocations == BATCH {
            self.allocations = 0;
            self.arena.collect_debt();
        }
    }
}

impl Strings for GcArenaStrings {
    #[inline]
    fn temporary(&mut self, text: &str) -> u64 {
        let text = text.as_bytes();
        let ends = self.arena.mutate(|mutation, _| {
            let string: Text<'_> = Gc::new_static(mutation, Box::from(text));
            ends(&black_box(string))
        });
        self.allocated();
        ends
    }

    #[inline]
    fn keep(&mut self, place: usize, text: &str) -> bool {
        let text = text.as_bytes();
        let found = self.arena.mutate(|mutation, table| {
            let found = table.places[place].get().is_some_and(|string| **string == *text);
            if !found {
                let string = Gc::new_static(mutation, Box::from(text));
                let places = barrier::field!(Gc::write(mutation, *table), Table, places);
                places.as_deref()[place].unlock().set(Some(string));
            }
            found
        });
        if !found {
            self.allocated();
        }
        found
    }

    fn kept_ends(&self, place: usize) -> u64 {
        self.arena.mutate(|_, table| table.places[place].get().map_or(0, |string| ends(&string)))
    }
}
