//! Generated programs on a `StackArena` against a plain model: values keep their contents, overlap nothing and lie within the
//! buffer, in whatever order their boxes are dropped or forgotten, and markers bring back the height that they noted.

use proptest::prelude::*;
use terrane_arena::{Bytes, MemoryError, StackArena, StackBox, StackMarker, StaleMarker};

#[derive(Clone, Debug)]
enum Step {
    Byte(u8),
    Words([u64; 5]),
    Wide(u128),
    Nothing,
    Drop(prop::sample::Index),
    Forget(prop::sample::Index),
    TakeOut(prop::sample::Index),
}

/// What is done with a stack between two markers; then all boxes are dropped or forgotten.
#[derive(Clone, Debug)]
struct Round {
    steps: Vec<Step>,
    forgets: bool,
    back_to: Option<prop::sample::Index>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        any::<u8>().prop_map(Step::Byte),
        any::<[u64; 5]>().prop_map(Step::Words),
        any::<u128>().prop_map(Step::Wide),
        Just(Step::Nothing),
        any::<prop::sample::Index>().prop_map(Step::Drop),
        any::<prop::sample::Index>().prop_map(Step::Forget),
        any::<prop::sample::Index>().prop_map(Step::TakeOut),
    ];
    prop::collection::vec(step, 0..40)
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let round = (steps(), any::<bool>(), any::<Option<prop::sample::Index>>())
        .prop_map(|(steps, forgets, back_to)| Round { steps, forgets, back_to });
    prop::collection::vec(round, 1..12)
}

enum Held<'a> {
    Byte(StackBox<'a, u8>, u8),
    Words(StackBox<'a, [u64; 5]>, [u64; 5]),
    Wide(StackBox<'a, u128>, u128),
    Nothing(StackBox<'a, ()>),
}

impl Held<'_> {
    fn check(&self) {
        match self {
            Self::Byte(held, expected) => assert_eq!(**held, *expected),
            Self::Words(held, expected) => assert_eq!(**held, *expected),
            Self::Wide(held, expected) => assert_eq!(**held, *expected),
            Self::Nothing(held) => assert_eq!(**held, ()),
        }
    }

    fn take_out(self) {
        match self {
            Self::Byte(held, expected) => assert_eq!(StackBox::into_inner(held), expected),
            Self::Words(held, expected) => assert_eq!(StackBox::into_inner(held), expected),
            Self::Wide(held, expected) => assert_eq!(StackBox::into_inner(held), expected),
            Self::Nothing(held) => StackBox::into_inner(held),
        }
    }

    /// Where it lies, if it takes any room.
    fn place(&self) -> Option<(usize, usize)> {
        match self {
            Self::Byte(held, _) => Some(((&raw const **held).addr(), 1)),
            Self::Words(held, _) => Some(((&raw const **held).addr(), 40)),
            Self::Wide(held, _) => Some(((&raw const **held).addr(), 16)),
            Self::Nothing(_) => None,
        }
    }
}

fn push<'a>(stack: &'a StackArena, step: &Step) -> Option<Result<Held<'a>, MemoryError>> {
    Some(match step {
        Step::Byte(value) => stack.try_push(*value).map(|held| Held::Byte(held, *value)),
        Step::Words(value) => stack.try_push(*value).map(|held| Held::Words(held, *value)),
        Step::Wide(value) => stack.try_push(*value).map(|held| Held::Wide(held, *value)),
        Step::Nothing => stack.try_push(()).map(Held::Nothing),
        _ => return None,
    })
}

fn run(stack: &StackArena, round: &Round, capacity: usize) {
    let mut held: Vec<Held> = Vec::new();
    let mut forgotten = false;
    for step in &round.steps {
        match (push(stack, step), step) {
            (Some(Ok(new)), _) => {
                let apart = |(at, size): (usize, usize)| {
                    held.iter().filter_map(Held::place).all(|(a, len)| at + size <= a || a + len <= at)
                };
                assert!(new.place().is_none_or(apart), "no overlap");
                let owned = |(at, _)| stack.owns(std::ptr::without_provenance::<u8>(at));
                assert!(new.place().is_none_or(owned), "within the buffer");
                held.push(new);
            }
            (Some(Err(_)), _) => assert!(stack.used_bytes() + 40 + 15 > capacity, "there was room"),
            (None, Step::Drop(index)) if !held.is_empty() => drop(held.remove(index.index(held.len()))),
            (None, Step::TakeOut(index)) if !held.is_empty() => {
                held.remove(index.index(held.len())).take_out()
            }
            (None, Step::Forget(index)) if !held.is_empty() => {
                std::mem::forget(held.remove(index.index(held.len())));
                forgotten = true;
            }
            _ => {}
        }
        held.iter().for_each(Held::check);
        assert!(stack.used_bytes() <= capacity && stack.peak_bytes() >= stack.used_bytes());
        let least: usize = held.iter().filter_map(Held::place).map(|(_, size)| size).sum();
        assert!(stack.used_bytes() >= least);
    }
    let before = stack.used_bytes();
    if round.forgets {
        forgotten |= !held.is_empty();
        held.into_iter().for_each(std::mem::forget);
    } else {
        drop(held);
    }
    assert!(forgotten || stack.used_bytes() <= before);
}

proptest! {
    #[test]
    fn a_stack_behaves_like_its_model(rounds in rounds(), capacity in 1..2_000u64) {
        let mut stack = StackArena::with_capacity(Bytes::new(capacity));
        let capacity = Bytes::new(capacity).as_usize().next_multiple_of(64);
        let mut markers: Vec<(StackMarker, usize)> = Vec::new();
        for round in &rounds {
            markers.push((stack.marker(), stack.used_bytes()));
            run(&stack, round, capacity);
            if let Some(index) = &round.back_to {
                let (marker, height) = *index.get(&markers);
                let (used, good) = (stack.used_bytes(), height <= stack.used_bytes());
                prop_assert_eq!(stack.release_to(marker), if good { Ok(()) } else { Err(StaleMarker) });
                prop_assert_eq!(stack.used_bytes(), if good { height } else { used });
            }
        }
        prop_assert_eq!(StackArena::new().release_to(stack.marker()), Err(StaleMarker));
    }
}
