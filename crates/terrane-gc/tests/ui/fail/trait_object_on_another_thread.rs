//! A reference behind a trait stays on its thread.

use std::cell::Cell;

use terrane_gc::{GcDyn, Heap};

trait Counter {}

impl Counter for Cell<u64> {}

fn main() {
    Heap::new().unwrap().enter(|mu| {
        let counter: GcDyn<dyn Counter> = GcDyn::new(mu.alloc(Cell::new(1_u64)), |cell| cell);
        std::thread::scope(|scope| {
            scope.spawn(move || drop(counter));
        });
    });
}
