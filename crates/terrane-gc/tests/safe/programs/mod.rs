//! Generated programs whose objects carry what they must hold, so that no model stands beside the heap.
//!
//! Every object has an identity, and notes the identities of all that it refers to, and of what weak maps hold of it, in
//! plain words that no collector touches. So whatever is reached can be checked on the spot. Objects are narrow or wide:
//! a wide one is longer than what the barrier logs as a whole. Heaps are small and of every kind, limits are reached,
//! collections go on in slices between births; and values have destructors, each of which must run once.

mod check;
mod object;
mod program;
mod settings;
mod step;

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use terrane_gc::Heap;

use self::program::Program;
pub(crate) use self::settings::{Settings, settings};
pub(crate) use self::step::{Step, step};

/// How many allocations came about, and how many did not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Allocations {
    pub(crate) granted: u64,
    pub(crate) refused: u64,
}

/// Runs a program, checking all that it reaches every few steps.
///
/// # Panics
/// When an object does not hold what it must, the heap finds itself corrupt, or a value was not dropped once.
pub(crate) fn run(settings: Settings, steps: &[Step]) -> Allocations {
    let Ok(mut heap) = Heap::with_config(settings.config()) else { return Allocations::default() };
    let counted = Rc::new(Cell::new(0));
    let allocations = heap.enter(|mu| {
        let mut program = Program::new(mu, Rc::clone(&counted));
        for (index, step) in steps.iter().enumerate() {
            program.run(mu, *step);
            if index % 16 == 0 {
                program.check(mu);
            }
        }
        program.check(mu);
        mu.collect_full();
        program.check(mu);
        program.allocations()
    });
    heap.check().unwrap_or_else(|corruption| panic!("{corruption}"));
    drop(heap);
    assert_eq!(counted.get(), 0, "values that were made and not dropped");
    allocations
}

/// As the macro `proptest!` does it, but the cases are counted together.
#[test]
fn objects_hold_what_they_were_given() {
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 2000,
        ..ProptestConfig::with_cases(128)
    });
    let (granted, refused) = (Cell::new(0), Cell::new(0));
    let programs = (settings(), prop::collection::vec(step(), 1..1500));
    let result = runner.run(&programs, |(settings, steps)| {
        let allocations = run(settings, &steps);
        granted.set(granted.get() + allocations.granted);
        refused.set(refused.get() + allocations.refused);
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}\n{runner}"));
    assert!(granted.get() > 1000, "{} of {}", refused.get(), granted.get());
    assert!(refused.get() > 50, "no limit was reached: {} of {}", refused.get(), granted.get());
}
