//! `pool/heap-or-pool/100000`: 100 000 objects of 64 bytes, one after the other, from malloc, from `new`, as `unique_ptr` and from a pool.
//!
//! The first three are C++ (`c/heap.cpp`), the pool is the one for one thread. The figure is that of one object.

use super::{object::Small, pools::Pool};
use crate::checksum;
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use std::hint::black_box;
use terrane_pool::LocalPool;

const OBJECTS: u32 = 100_000;

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: format!("pool/heap-or-pool/{OBJECTS}"),
        about: format!(
            "one of {OBJECTS} objects of 64 bytes, had, used and given back: C++'s heap beside our LocalPool"
        ),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours: Contender::new(OURS, Home::Glibc, measure),
        rivals: cpp::contenders(),
    }]
}

fn measure(mode: Mode) -> Measurement {
    let copies = [run::<0>, run::<1>, run::<2>, run::<3>];
    code_layout::measure(&mut LocalPool::<Small>::open(), copies, OBJECTS, mode)
}

fn run<const COPY: usize>(pool: &mut LocalPool<Small>) -> u64 {
    #[inline(never)]
    fn turns<const COPY: usize>(pool: &LocalPool<Small>, objects: u64) -> u64 {
        shift::<COPY>();
        (0..objects).fold(0, |sum: u64, value| sum.wrapping_add(pool.cycle(value)))
    }
    checksum::mix(0, turns::<COPY>(pool, black_box(u64::from(OBJECTS))))
}

#[cfg(cpp)]
mod cpp {
    use super::{Contender, Home, Measurement, Mode, OBJECTS, black_box, checksum, code_layout};

    // SAFETY: the declarations are those of the definitions in `c/heap.cpp`, which take a number and give one.
    #[expect(unsafe_code, reason = "C++ is called")]
    unsafe extern "C" {
        safe fn heap_malloc(objects: u64) -> u64;
        safe fn heap_new(objects: u64) -> u64;
        safe fn heap_unique(objects: u64) -> u64;
    }

    type Loop = extern "C" fn(u64) -> u64;

    pub(super) fn contenders() -> Vec<Contender> {
        let all: [(&'static str, Loop); 3] =
            [("malloc", heap_malloc), ("new-delete", heap_new), ("unique-ptr", heap_unique)];
        all.map(|(id, heap)| Contender::new(id, Home::Glibc, move |mode| measure(heap, mode))).into()
    }

    fn measure(mut heap: Loop, mode: Mode) -> Measurement {
        // One loop, measured as often as the copies of others.
        let run = |heap: &mut Loop| checksum::mix(0, heap(black_box(u64::from(OBJECTS))));
        code_layout::measure(&mut heap, [run; 4], OBJECTS, mode)
    }
}

#[cfg(not(cpp))]
mod cpp {
    use super::{Contender, Home};

    pub(super) fn contenders() -> Vec<Contender> {
        let absent = |id| Contender::absent(id, Home::Glibc, "there is no C++ compiler");
        ["malloc", "new-delete", "unique-ptr"].map(absent).into()
    }
}
