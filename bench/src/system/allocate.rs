//! `system/allocate/SIZE`: a request that the pools of a memory system serve, and giving it back.
//!
//! What is handed out is all zero, so the rivals zero theirs too. A word of it is written and read each time.

use crate::checksum;
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use std::hint::black_box;
use std::ops::DerefMut;
use terrane::{Allocation, MemorySystem};

const CYCLES: u32 = 200_000;

pub(super) fn rows() -> Vec<Row> {
    vec![row::<64>(), row::<1024>()]
}

fn row<const SIZE: usize>() -> Row {
    Row {
        name: format!("system/allocate/{SIZE}"),
        about: format!("taking {SIZE} zeroed bytes, writing a byte, and giving them back"),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours: Contender::new(OURS, Home::Glibc, measure::<MemorySystem, SIZE>),
        rivals: vec![
            Contender::new("glibc", Home::Glibc, measure::<Boxes, SIZE>),
            Contender::new("mimalloc", Home::Mimalloc, measure::<Boxes, SIZE>),
        ],
    }
}

/// Something that hands zeroed memory out.
trait Source {
    type Memory: DerefMut<Target = [u8]>;

    fn open() -> Self;
    fn allocate(&self, size: usize) -> Self::Memory;
}

impl Source for MemorySystem {
    type Memory = Allocation;

    fn open() -> Self {
        Self::builder().build().expect("the default settings fit together")
    }

    #[inline(always)]
    fn allocate(&self, size: usize) -> Allocation {
        self.allocate(size).expect("the limit is never met")
    }
}

/// A new box of the global allocator each time.
struct Boxes;

impl Source for Boxes {
    type Memory = Box<[u8]>;

    fn open() -> Self {
        Self
    }

    #[inline(always)]
    fn allocate(&self, size: usize) -> Box<[u8]> {
        vec![0; size].into_boxed_slice()
    }
}

fn measure<S: Source, const SIZE: usize>(mode: Mode) -> Measurement {
    let copies = [run::<S, SIZE, 0>, run::<S, SIZE, 1>, run::<S, SIZE, 2>, run::<S, SIZE, 3>];
    code_layout::measure(&mut S::open(), copies, CYCLES, mode)
}

fn run<S: Source, const SIZE: usize, const COPY: usize>(source: &mut S) -> u64 {
    checksum::mix(0, turns::<S, COPY>(source, black_box(SIZE)))
}

/// The measured loop; the sum of what was read.
#[inline(never)]
fn turns<S: Source, const COPY: usize>(source: &S, size: usize) -> u64 {
    shift::<COPY>();
    let mut sum = 0_u64;
    for turn in 0..CYCLES {
        let mut memory = source.allocate(size);
        memory[0] = turn as u8;
        // The compiler has to take it that somebody else sees the memory.
        let memory = black_box(&mut memory);
        sum = sum.wrapping_add(u64::from(memory[0]) + u64::from(memory[size - 1]));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_compute_the_same() {
        for row in rows() {
            let expected = row.ours.measure(Mode::Quick).checksum;
            for rival in &row.rivals {
                assert_eq!(rival.measure(Mode::Quick).checksum, expected, "{} {}", row.name, rival.id);
            }
        }
    }
}
