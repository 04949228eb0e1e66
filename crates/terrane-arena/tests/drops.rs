//! What owns something is dropped exactly once, whatever panics on the way.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use terrane_arena::{Arena, ArenaBox, StackArena, TypedArena, unsize_box};

/// Writes its number into a list when it is dropped, and then panics if it is told to.
struct Noted<'a> {
    number: usize,
    panics: bool,
    drops: &'a RefCell<Vec<usize>>,
}

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.drops.borrow_mut().push(self.number);
        if self.panics {
            panic!("the drop of {}", self.number);
        }
    }
}

fn noted(drops: &RefCell<Vec<usize>>, number: usize, panicking: usize) -> Noted<'_> {
    Noted { number, panics: number == panicking, drops }
}

const COUNT: usize = 200;

#[test]
fn a_typed_arena_drops_each_value_once_whichever_drop_panics() {
    for panicking in (0..COUNT).step_by(7).chain([COUNT]) {
        for end in 0..3 {
            let drops = RefCell::new(Vec::new());
            let mut arena = TypedArena::new();
            arena.extend((0..COUNT).map(|number| noted(&drops, number, panicking)));
            let result = catch_unwind(AssertUnwindSafe(|| match end {
                0 => arena.reset(),
                1 => arena.release(),
                _ => drop(std::mem::take(&mut arena)),
            }));
            assert_eq!(result.is_err(), panicking < COUNT);
            assert_eq!((arena.len(), arena.stats().used_bytes), (0, 0));
            arena.alloc(noted(&drops, COUNT, COUNT + 1));
            drop(arena);
            assert_eq!(*drops.borrow(), (0..=COUNT).collect::<Vec<_>>(), "each once, oldest first");
        }
    }
}

#[test]
fn a_typed_arena_drops_values_of_no_size() {
    thread_local!(static DROPS: RefCell<usize> = const { RefCell::new(0) });
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.with_borrow_mut(|drops| *drops += 1);
        }
    }
    let mut arena = TypedArena::new();
    arena.extend((0..1000).map(|_| Nothing));
    assert_eq!((arena.len(), arena.iter_mut().count(), arena.stats().committed_bytes), (1000, 1000, 0));
    arena.reset();
    assert_eq!(DROPS.with_borrow(|drops| *drops), 1000);
    arena.alloc(Nothing);
    drop(arena);
    assert_eq!(DROPS.with_borrow(|drops| *drops), 1001);
}

#[test]
fn a_box_whose_drop_panics_in_a_scope_is_dropped_once_and_the_scope_is_left() {
    let drops = RefCell::new(Vec::new());
    let mut arena = Arena::new();
    arena.alloc(1u64);
    let result = catch_unwind(AssertUnwindSafe(|| {
        arena.scope(|frame| {
            let _boxes = [0, 1, 2].map(|number| frame.alloc_box(noted(&drops, number, 1)));
            frame.alloc([0u8; 5000]);
        })
    }));
    assert!(result.is_err());
    assert_eq!(*drops.borrow(), [0, 1, 2]);
    assert_eq!(arena.used_bytes(), 8);
}

#[test]
fn what_an_interrupted_slice_had_is_dropped() {
    let drops = RefCell::new(Vec::new());
    let arena = Arena::new();
    let make = |number| if number < 5 { noted(&drops, number, 9) } else { panic!("half way") };
    let fill = catch_unwind(AssertUnwindSafe(|| arena.alloc_slice_fill_with(10, make).len()));
    let collect = catch_unwind(AssertUnwindSafe(|| arena.alloc_slice_from_iter((0..10).map(make)).len()));
    assert!(fill.is_err() && collect.is_err());
    assert_eq!(*drops.borrow(), [0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    let limited = Arena::new().with_limit(terrane_arena::Bytes::from_kib(1));
    drops.borrow_mut().clear();
    assert!(limited.try_alloc_slice_from_iter((0..100).map(|number| noted(&drops, number, 999))).is_err());
    let dropped = drops.borrow().len();
    assert!(dropped > 10 && limited.used_bytes() == 0, "{dropped} were yielded before the refusal");
}

#[test]
fn a_vector_drops_its_elements_and_a_slice_of_it_does_not() {
    let drops = RefCell::new(Vec::new());
    let arena = Arena::new();
    let mut vec = arena.vec();
    vec.extend((0..50).map(|number| noted(&drops, number, 20)));
    drop(vec.pop());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(vec))).is_err());
    assert_eq!(drops.borrow().len(), 50);
    assert_eq!(arena.used_bytes(), 0, "the buffer went back");
    let mut vec = arena.vec();
    vec.push(noted(&drops, 1, 9));
    let slice: ArenaBox<[Noted]> = vec.into_boxed_slice();
    assert_eq!(drops.borrow().len(), 50);
    drop(slice);
    assert_eq!(drops.borrow().len(), 51);
}

#[test]
fn an_unsized_box_drops_the_value_that_it_was_made_of() {
    let drops = RefCell::new(Vec::new());
    let arena = Arena::new();
    trait Any {}
    impl Any for Noted<'_> {}
    let boxed: ArenaBox<dyn Any + '_> = unsize_box!(arena.alloc_box(noted(&drops, 1, 9)), dyn Any + '_);
    drop(boxed);
    let pair = arena.alloc_box([noted(&drops, 2, 9), noted(&drops, 3, 9)]);
    let slice: ArenaBox<[Noted]> = unsize_box!(pair, [Noted]);
    assert_eq!(slice.len(), 2);
    drop(slice);
    assert_eq!(*drops.borrow(), [1, 2, 3]);
}

#[test]
fn a_stack_takes_off_what_is_on_top_in_any_order_of_drops() {
    let drops = RefCell::new(Vec::new());
    let stack = StackArena::new();
    let one = stack.push(noted(&drops, 1, 2));
    let two = stack.push(noted(&drops, 2, 2));
    let three = stack.push(noted(&drops, 3, 2));
    let full = stack.used_bytes();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(two))).is_err());
    assert_eq!(stack.used_bytes(), full, "not on top");
    drop(three);
    assert!(stack.used_bytes() < full);
    drop(one);
    assert_eq!((stack.used_bytes(), &*drops.borrow()), (0, &vec![2, 3, 1]));
}

/// A large value moves no cursor, so an inner frame begins where the outer one did; unwinding must leave the inner one only.
#[test]
fn a_panic_in_an_inner_scope_leaves_the_values_of_the_outer_one() {
    let mut arena = Arena::new();
    arena.alloc(1u64);
    arena.scope(|outer| {
        let large = outer.alloc_slice_fill_with(5_000, |i| i as u8);
        let result = catch_unwind(AssertUnwindSafe(|| outer.scope(|_| panic!("in the inner scope"))));
        assert!(result.is_err());
        outer.alloc_slice_fill_with(5_000, |_| 0u8);
        assert!(large.iter().enumerate().all(|(i, byte)| *byte == i as u8));
        let result = catch_unwind(AssertUnwindSafe(|| {
            outer.scope(|inner| {
                inner.alloc_slice_fill_with(50_000, |_| 0u8);
                panic!("in another inner scope")
            })
        }));
        assert!(result.is_err());
        outer.alloc_slice_fill_with(60_000, |_| 0u8);
        assert!(large.iter().enumerate().all(|(i, byte)| *byte == i as u8));
    });
    assert_eq!(arena.used_bytes(), 8);
}
