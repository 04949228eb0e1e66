//! `arena/frame` and `arena/frame-stack`: a call frame with four allocations of 16 bytes.
//!
//! Enter, allocate four times, leave. Ours is a scope of an `Arena` in one row and the engine's `FrameStack` in the
//! other. bumpalo has no scopes; resetting the whole arena is the cheapest thing that it has in their place.
//!
//! Each object passes through `black_box`, unlike in `arena/alloc`: a frame is there to call other code between its
//! allocations, and so the allocator's state goes through memory here.

use crate::code_layout::{self, Copy, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use bumpalo::Bump;
use std::hint::black_box;
use std::ptr::NonNull;
use terrane_arena::{Arena, FrameStack};

const FRAMES: u32 = 500_000;

/// What a frame allocates four of.
type Pair = [u64; 2];

pub(super) fn rows() -> Vec<Row> {
    let ours = Contender::new(OURS, Home::Glibc, measure_scopes);
    let frame_stack = Contender::new(OURS, Home::Glibc, measure_frame_stack);
    vec![
        row("arena/frame", "a scope of an arena with four allocations of 16 bytes", ours),
        row("arena/frame-stack", "a frame of the frame stack with four allocations of 16 bytes", frame_stack),
    ]
}

fn row(name: &str, about: &str, ours: Contender) -> Row {
    Row {
        name: name.to_owned(),
        about: about.to_owned(),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        rounds: Rounds::LOOPS,
        ours,
        rivals: vec![Contender::new("bumpalo", Home::Glibc, measure_bumpalo)],
    }
}

/// The words of the `index`-th pair of a frame.
fn pair(frame: u64, index: u64) -> Pair {
    [frame + index, frame]
}

fn measure_scopes(mode: Mode) -> Measurement {
    fn run<const COPY: usize>(arena: &mut Arena) -> u64 {
        shift::<COPY>();
        let arena = black_box(arena);
        let mut sum = 0;
        for frame in 0..u64::from(FRAMES) {
            sum += arena.scope(|arena| {
                black_box(arena.alloc(pair(frame, 0)));
                black_box(arena.alloc(pair(frame, 1)));
                black_box(arena.alloc(pair(frame, 2)));
                black_box(arena.alloc(pair(frame, 3)))[0]
            });
        }
        sum
    }
    let copies: [Copy<Arena>; 4] = [run::<0>, run::<1>, run::<2>, run::<3>];
    code_layout::measure(&mut Arena::new(), copies, FRAMES, mode)
}

fn measure_frame_stack(mode: Mode) -> Measurement {
    fn run<const COPY: usize>(frames: &mut FrameStack) -> u64 {
        shift::<COPY>();
        let frames = black_box(frames);
        let mut sum = 0;
        for frame in 0..u64::from(FRAMES) {
            frames.enter();
            black_box(push(frames, pair(frame, 0)));
            black_box(push(frames, pair(frame, 1)));
            black_box(push(frames, pair(frame, 2)));
            sum += black_box(push(frames, pair(frame, 3)))[0];
            frames.leave();
        }
        sum
    }
    let mut region = vec![0u64; 8 << 10];
    let base = NonNull::from(region.as_mut_slice()).cast::<u8>();
    // SAFETY: the vector's buffer is 8-aligned, outlives the stack, and is not touched beside it.
    #[expect(unsafe_code, reason = "the frame stack works on memory that somebody else owns")]
    let mut frames = unsafe { FrameStack::over(base, size_of_val(region.as_slice())) };
    let copies: [Copy<FrameStack>; 4] = [run::<0>, run::<1>, run::<2>, run::<3>];
    code_layout::measure(&mut frames, copies, FRAMES, mode)
}

/// Allocates and writes a pair in the innermost frame.
#[inline(always)]
fn push(frames: &mut FrameStack, pair: Pair) -> &mut Pair {
    let place = frames.alloc(size_of::<Pair>()).expect("the frames of this program fit");
    // SAFETY: `alloc` gave the sole use of 16 bytes, 8-aligned, until the frame is left, which takes `&mut`.
    #[expect(unsafe_code, reason = "the frame stack hands out bare memory")]
    unsafe {
        place.cast::<Pair>().write(pair);
        place.cast::<Pair>().as_mut()
    }
}

fn measure_bumpalo(mode: Mode) -> Measurement {
    fn run<const COPY: usize>(bump: &mut Bump) -> u64 {
        shift::<COPY>();
        let bump = black_box(bump);
        let mut sum = 0;
        for frame in 0..u64::from(FRAMES) {
            black_box(bump.alloc(pair(frame, 0)));
            black_box(bump.alloc(pair(frame, 1)));
            black_box(bump.alloc(pair(frame, 2)));
            sum += black_box(bump.alloc(pair(frame, 3)))[0];
            bump.reset();
        }
        sum
    }
    let copies: [Copy<Bump>; 4] = [run::<0>, run::<1>, run::<2>, run::<3>];
    code_layout::measure(&mut Bump::new(), copies, FRAMES, mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_compute_the_same() {
        let expected = measure_bumpalo(Mode::Quick).checksum;
        assert_eq!(measure_scopes(Mode::Quick).checksum, expected);
        assert_eq!(measure_frame_stack(Mode::Quick).checksum, expected);
    }
}
