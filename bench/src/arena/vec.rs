//! `arena/vec/LENGTH`: a vector that grows by pushing one number after the other.
//!
//! The vector starts empty and without room. When it is full-grown it is read and dropped, and its arena is reset. Each
//! library has its own vector or serves one of allocator-api2, or both; of several the fastest counts. One of ours and two of
//! bump-scope's have the whole arena for themselves (`exclusive_vec`, `MutBumpVec`), all others share theirs.

use super::bumping::{BumpScope, BumpScopeDown, Bumping};
use crate::checksum;
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::settings::each_of;
use blink_alloc::BlinkAlloc;
use bumpalo::Bump;
use std::hint::black_box;
use terrane_arena::Arena;

/// Pushes of one run.
const PUSHES: u32 = 1_000_000;

pub(super) fn rows() -> Vec<Row> {
    vec![row::<1_000>(), row::<100_000>()]
}

fn row<const LENGTH: u64>() -> Row {
    Row {
        name: format!("arena/vec/{LENGTH}"),
        about: format!("one push of a u64 to a vector that grows from nothing to {LENGTH} of them"),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours: Contender::new(
            OURS,
            Home::Glibc,
            each_of([measure::<Ours, LENGTH>, measure::<OursExclusive, LENGTH>]),
        ),
        rivals: vec![
            Contender::new(
                "bumpalo",
                Home::Glibc,
                each_of([measure::<BumpaloOwn, LENGTH>, measure::<BumpaloApi2, LENGTH>]),
            ),
            Contender::new(
                "bump-scope",
                Home::Glibc,
                each_of([
                    measure::<BumpScopeShared, LENGTH>,
                    measure::<BumpScopeExclusive, LENGTH>,
                    measure::<BumpScopeExclusiveDown, LENGTH>,
                ]),
            ),
            Contender::new("blink-alloc", Home::Glibc, measure::<BlinkApi2, LENGTH>),
            Contender::new("glibc", Home::Glibc, measure::<Std, LENGTH>),
            Contender::new("mimalloc", Home::Mimalloc, measure::<Std, LENGTH>),
        ],
    }
}

/// Where a vector can grow.
trait Grows {
    fn empty() -> Self;

    /// Grows a vector of the numbers below `length`, gives it to `finish`, and drops it with everything beside it.
    fn grow(&mut self, length: u64, finish: impl FnOnce(&[u64]) -> u64) -> u64;
}

fn measure<G: Grows, const LENGTH: u64>(mode: Mode) -> Measurement {
    fn run<G: Grows, const LENGTH: u64, const COPY: usize>(place: &mut G) -> u64 {
        shift::<COPY>();
        let mut sum = 0;
        for _ in 0..u64::from(PUSHES) / LENGTH {
            let last = |numbers: &[u64]| black_box(numbers).last().copied().unwrap_or_default();
            sum += place.grow(black_box(LENGTH), last);
        }
        sum
    }
    let mut place = G::empty();
    let contents = place.grow(LENGTH, |numbers| checksum::of(numbers.iter().copied()));
    let copies = [run::<G, LENGTH, 0>, run::<G, LENGTH, 1>, run::<G, LENGTH, 2>, run::<G, LENGTH, 3>];
    let mut measurement = code_layout::measure(&mut place, copies, PUSHES, mode);
    measurement.checksum = checksum::mix(measurement.checksum, contents);
    measurement
}

/// A contender: its type of arena, how one is made, how an empty vector in it is made, and how all is given back.
macro_rules! vector {
    ($(#[$about:meta])* $name:ident($arena:ty), $empty:expr, |$place:ident| $vector:expr, |$all:ident| $reset:expr) => {
        $(#[$about])*
        struct $name($arena);

        impl Grows for $name {
            fn empty() -> Self {
                Self($empty)
            }

            #[inline(always)]
            fn grow(&mut self, length: u64, finish: impl FnOnce(&[u64]) -> u64) -> u64 {
                let result = {
                    let $place = &mut self.0;
                    let mut vector = $vector;
                    for value in 0..length {
                        vector.push(value);
                    }
                    finish(&vector)
                };
                let $all = &mut self.0;
                $reset;
                result
            }
        }
    };
}

vector!(
    /// Our own vector.
    Ours(Arena), Arena::new(), |arena| arena.vec::<u64>(), |arena| arena.drop_all()
);
vector!(
    /// Our own vector that has the whole arena for itself.
    OursExclusive(Arena), Arena::new(), |arena| arena.exclusive_vec::<u64>(), |arena| arena.drop_all()
);
vector!(
    /// bumpalo's own vector.
    BumpaloOwn(Bump), Bump::new(), |bump| bumpalo::collections::Vec::<u64>::new_in(bump), |bump| bump.drop_all()
);
vector!(
    /// The vector of allocator-api2, on bumpalo.
    BumpaloApi2(Bump), Bump::new(), |bump| allocator_api2_02::vec::Vec::<u64, &Bump>::new_in(bump), |bump| bump.drop_all()
);
vector!(
    /// bump-scope's own vector.
    BumpScopeShared(BumpScope), BumpScope::new(), |bump| bump_scope::BumpVec::<u64, _>::new_in(&*bump), |bump| bump.drop_all()
);
vector!(
    /// bump-scope's vector that has the whole arena for itself.
    BumpScopeExclusive(BumpScope), BumpScope::new(), |bump| bump_scope::MutBumpVec::<u64, _>::new_in(bump), |bump| bump.drop_all()
);
vector!(
    /// The same, bumping down.
    BumpScopeExclusiveDown(BumpScopeDown), BumpScopeDown::new(), |bump| bump_scope::MutBumpVec::<u64, _>::new_in(bump), |bump| bump.drop_all()
);
vector!(
    /// The vector of allocator-api2, on blink-alloc.
    BlinkApi2(BlinkAlloc), BlinkAlloc::new(), |blink| allocator_api2_04::vec::Vec::<u64, &BlinkAlloc>::new_in(blink), |blink| blink.reset()
);
/// The vector of the standard library, on the global allocator.
struct Std;

impl Grows for Std {
    fn empty() -> Self {
        Self
    }

    #[inline(always)]
    fn grow(&mut self, length: u64, finish: impl FnOnce(&[u64]) -> u64) -> u64 {
        let mut vector = Vec::new();
        for value in 0..length {
            vector.push(value);
        }
        finish(&vector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_grow_the_same_vector() {
        let numbers = checksum::of(0..1_000);
        let expected = checksum::mix(u64::from(PUSHES) / 1_000 * 999, numbers);
        for contender in row::<1_000>().contenders() {
            assert_eq!(contender.measure(Mode::Quick).checksum, expected, "{}", contender.id);
        }
    }
}
