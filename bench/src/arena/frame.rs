//! `arena/frame`, `arena/frame-checkpoint` and `arena/frame-stack`: a call frame with four allocations of 16 bytes.
//!
//! Enter, allocate four times, leave. Ours is a scope of an `Arena`, a checkpoint that it goes back to, and the engine's
//! `FrameStack`. bump-scope has scopes and (unsafe) checkpoints too. bumpalo and blink-alloc have neither; resetting
//! the whole arena, which does not nest, is the cheapest thing that they have in their place. Four boxes that are
//! dropped one by one show what a frame costs without an arena.
//!
//! Each object passes through `black_box`, unlike in `arena/alloc`: a frame is there to call other code between its
//! allocations, and so the allocator's state goes through memory here.

use super::bumping::{BumpScope, BumpScopeAligned, BumpScopeDown, Bumping};
use crate::code_layout::{self, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::settings::each_of;
use blink_alloc::Blink;
use bumpalo::Bump;
use std::hint::black_box;
use std::ptr::NonNull;
use terrane_arena::{Arena, FrameStack};

const FRAMES: u32 = 500_000;

/// What a frame allocates four of.
type Pair = [u64; 2];

pub(super) fn rows() -> Vec<Row> {
    let checkpoints = Contender::new(
        "bump-scope",
        Home::Glibc,
        each_of([
            measure::<Checkpoints<BumpScope>>,
            measure::<Checkpoints<BumpScopeAligned>>,
            measure::<Checkpoints<BumpScopeDown>>,
        ]),
    );
    vec![
        row("arena/frame", "a scope of an arena", measure::<Scopes<Arena>>, rivals()),
        Row {
            about: "a checkpoint of an arena, four allocations of 16 bytes, and going back to the checkpoint"
                .to_owned(),
            ..row("arena/frame-checkpoint", "", measure::<Checkpoints<Arena>>, vec![checkpoints])
        },
        row("arena/frame-stack", "a frame of the frame stack", measure::<Stack>, rivals()),
    ]
}

/// A row of frames, each in the way that `frame` says.
fn row(name: &str, frame: &str, ours: fn(Mode) -> Measurement, rivals: Vec<Contender>) -> Row {
    Row {
        name: name.to_owned(),
        about: format!(
            "{frame} with four allocations of 16 bytes; bump-scope does the same, bumpalo and blink-alloc reset all, \
             mimalloc drops four boxes"
        ),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours: Contender::new(OURS, Home::Glibc, ours),
        rivals,
    }
}

fn rivals() -> Vec<Contender> {
    vec![
        Contender::new(
            "bump-scope",
            Home::Glibc,
            each_of([
                measure::<Scopes<BumpScope>>,
                measure::<Scopes<BumpScopeAligned>>,
                measure::<Scopes<BumpScopeDown>>,
            ]),
        ),
        Contender::new(
            "bumpalo",
            Home::Glibc,
            each_of([measure::<Resets<Bump>>, measure::<Resets<Bump<8>>>]),
        ),
        Contender::new("blink-alloc", Home::Glibc, measure::<Resets<Blink>>),
        Contender::new("mimalloc", Home::Mimalloc, measure::<Boxes>),
    ]
}

/// Something that has frames.
trait Frames {
    fn empty() -> Self;

    /// Enters a frame, allocates the four pairs of `number`, and leaves it; the first word of the last pair.
    ///
    /// `COPY` is the copy of the loop that it is in: a closure that several copies called would not be inlined.
    fn frame<const COPY: usize>(&mut self, number: u64) -> u64;
}

fn measure<F: Frames>(mode: Mode) -> Measurement {
    fn run<F: Frames, const COPY: usize>(frames: &mut F) -> u64 {
        shift::<COPY>();
        let frames = black_box(frames);
        let mut sum = 0;
        for number in 0..u64::from(FRAMES) {
            sum += frames.frame::<COPY>(number);
        }
        sum
    }
    let copies = [run::<F, 0>, run::<F, 1>, run::<F, 2>, run::<F, 3>];
    code_layout::measure(&mut F::empty(), copies, FRAMES, mode)
}

/// The words of the `index`-th pair of a frame.
#[inline(always)]
fn pair(frame: u64, index: u64) -> Pair {
    [frame + index, frame]
}

/// Makes the four pairs of a frame, each by this expression; the first word of the last one.
macro_rules! four {
    ($number:ident, |$pair:ident| $put:expr) => {{
        four!(@one $number, 0, $pair, $put);
        four!(@one $number, 1, $pair, $put);
        four!(@one $number, 2, $pair, $put);
        four!(@one $number, 3, $pair, $put)[0]
    }};
    (@one $number:ident, $index:literal, $pair:ident, $put:expr) => {{
        let $pair = pair($number, $index);
        black_box($put)
    }};
}

/// Frames that are scopes.
struct Scopes<A>(A);

impl Frames for Scopes<Arena> {
    fn empty() -> Self {
        Self(Arena::new())
    }

    #[inline(always)]
    fn frame<const COPY: usize>(&mut self, number: u64) -> u64 {
        self.0.scope(|arena| four!(number, |pair| arena.alloc(pair)))
    }
}

/// Frames that are a checkpoint and what goes back to it.
struct Checkpoints<A>(A);

impl Frames for Checkpoints<Arena> {
    fn empty() -> Self {
        Self(Arena::new())
    }

    #[inline(always)]
    fn frame<const COPY: usize>(&mut self, number: u64) -> u64 {
        let start = self.0.checkpoint();
        let arena = &self.0;
        let last = four!(number, |pair| arena.alloc(pair));
        self.0.rewind(start).expect("the checkpoint is this arena's, and the last one");
        last
    }
}

macro_rules! bump_scope_in {
    ($($settings:ty),*) => {$(
        impl Frames for Scopes<$settings> {
            fn empty() -> Self {
                Self(<$settings>::new())
            }

            #[inline(always)]
            fn frame<const COPY: usize>(&mut self, number: u64) -> u64 {
                self.0.scoped(|scope| four!(number, |pair| scope.alloc(pair).into_mut()))
            }
        }

        impl Frames for Checkpoints<$settings> {
            fn empty() -> Self {
                Self(<$settings>::new())
            }

            #[inline(always)]
            fn frame<const COPY: usize>(&mut self, number: u64) -> u64 {
                let start = self.0.checkpoint();
                let bump = &self.0;
                let last = four!(number, |pair| bump.alloc(pair).into_mut());
                // SAFETY: the checkpoint is of this allocator, which was not reset since; what was allocated after it
                // is not used any more.
                #[expect(unsafe_code, reason = "bump-scope cannot tell a stale checkpoint from a good one")]
                unsafe {
                    self.0.reset_to(start);
                }
                last
            }
        }
    )*};
}

bump_scope_in!(BumpScope, BumpScopeAligned, BumpScopeDown);

/// Frames that are all there is in an arena.
struct Resets<B>(B);

impl<B: Bumping> Frames for Resets<B> {
    fn empty() -> Self {
        Self(B::empty())
    }

    #[inline(always)]
    fn frame<const COPY: usize>(&mut self, number: u64) -> u64 {
        let arena = &self.0;
        let last = four!(number, |pair| arena.put(pair));
        self.0.drop_all();
        last
    }
}

/// Frames without an arena.
struct Boxes;

impl Frames for Boxes {
    fn empty() -> Self {
        Self
    }

    #[inline(always)]
    fn frame<const COPY: usize>(&mut self, number: u64) -> u64 {
        let boxes = [0, 1, 2, 3].map(|index| black_box(Box::new(pair(number, index))));
        boxes[3][0]
    }
}

/// A frame stack and its memory.
struct Stack {
    frames: FrameStack,
    _region: Vec<u64>,
}

impl Frames for Stack {
    fn empty() -> Self {
        let mut region = vec![0u64; 8 << 10];
        let base = NonNull::from(region.as_mut_slice()).cast::<u8>();
        // SAFETY: the vector's buffer is 8-aligned, lives and moves with the stack, and is not touched beside it.
        #[expect(unsafe_code, reason = "the frame stack works on memory that somebody else owns")]
        let frames = unsafe { FrameStack::over(base, size_of_val(region.as_slice())) };
        Self { frames, _region: region }
    }

    #[inline(always)]
    fn frame<const COPY: usize>(&mut self, number: u64) -> u64 {
        let frames = &mut self.frames;
        frames.enter();
        let last = four!(number, |pair| push(frames, pair));
        frames.leave();
        last
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_compute_the_same() {
        for row in rows() {
            for contender in row.contenders() {
                // 3 + 4 + … : the last pair of frame `n` begins with `n` + 3.
                let frames = u64::from(FRAMES);
                let expected = frames * (frames - 1) / 2 + 3 * frames;
                let checksum = contender.measure(Mode::Quick).checksum;
                assert_eq!(checksum, expected, "{} {}", row.name, contender.id);
            }
        }
    }
}
