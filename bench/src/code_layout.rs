//! The same loop at several addresses.
//!
//! Where in a 64-byte cache line a loop of a few instructions starts can change its speed by half (the decoder and
//! the branch predictor work on aligned windows; see Mytkowicz et al., *Producing wrong data without doing anything
//! obviously wrong*, ASPLOS 2009). So each contender of a tight loop is compiled [`COPIES`] times, each copy shifted
//! by some instructions, and its figure is that of its fastest copy: every contender is measured at its best, and
//! an unrelated edit does not turn a ratio round.

use crate::clock;
use crate::row::{Measurement, Mode};
use crate::statistics::median;
use std::hint::black_box;

/// How many copies of a loop there are.
pub const COPIES: usize = 4;

/// A copy of a loop over some state: it runs a fixed number of operations and gives a checksum.
pub type Copy<S> = fn(&mut S) -> u64;

/// To be called first in copy number `COPY` of a loop: shifts what follows, and makes the copies different enough
/// that the compiler does not merge them.
#[inline(always)]
pub fn shift<const COPY: usize>() {
    // A constant is stored and its address taken: about 13 bytes of code on x86-64, next to no time.
    if COPY > 0 {
        black_box(1u32);
    }
    if COPY > 1 {
        black_box(2u32);
    }
    if COPY > 2 {
        black_box(3u32);
    }
}

/// Measures the copies in turn, again and again, and keeps the median of each. The first turn warms up and is not
/// counted.
///
/// # Panics
///
/// When two runs compute different results: the program is not the same in all copies.
pub fn measure<S>(state: &mut S, copies: [Copy<S>; COPIES], operations: u32, mode: Mode) -> Measurement {
    let repetitions = match mode {
        Mode::Full => 15,
        Mode::Quick => 5,
    };
    let mut ns = vec![Vec::new(); COPIES];
    let mut results = Vec::with_capacity((repetitions + 1) * COPIES);
    for repetition in 0..=repetitions {
        for (copy, ns) in copies.iter().zip(&mut ns) {
            let (elapsed_ns, result) = clock::time(|| copy(black_box(state)));
            results.push(result);
            if repetition > 0 {
                ns.push(elapsed_ns / f64::from(operations));
            }
        }
    }
    let checksum = results[0];
    assert!(results.iter().all(|&result| result == checksum), "runs of one program differ: {results:x?}");
    Measurement { ns_by_copy: ns.iter().map(|ns| median(ns)).collect(), checksum }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count<const COPY: usize>(turns: &mut u64) -> u64 {
        shift::<COPY>();
        *turns += 1;
        7
    }

    #[test]
    fn every_copy_has_a_figure_and_runs_equally_often() {
        let mut turns = 0;
        let copies = [count::<0>, count::<1>, count::<2>, count::<3>];
        let measurement = measure(&mut turns, copies, 1, Mode::Quick);
        assert_eq!(measurement.checksum, 7);
        assert_eq!(measurement.ns_by_copy.len(), COPIES);
        assert_eq!(turns, 6 * COPIES as u64);
    }

    #[test]
    #[should_panic(expected = "runs of one program differ")]
    fn a_copy_that_computes_something_else_is_noticed() {
        let copies: [Copy<u64>; COPIES] = [|_| 1, |_| 1, |_| 2, |_| 1];
        let _ = measure(&mut 0, copies, 1, Mode::Quick);
    }
}
