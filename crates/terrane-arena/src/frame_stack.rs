//! A stack of frames over one contiguous region, bumping up.
//!
//! A language runtime gives each activation an arena of its own. [`FrameStack::enter`] notes where the
//! cursor stands (a *mark*), allocations move the cursor up, and [`FrameStack::leave`] puts it back: a whole
//! frame is given back by one store. The objects lie dense from the base to the top, in the order of their
//! allocation, so that a collector can walk them without any table.
//!
//! When the region is full, its user moves the live objects elsewhere and calls [`FrameStack::evacuated`].
//! From then on every open frame starts at the base. Marks are not rewritten for that: the open frames are
//! merely counted and their marks forgotten, so an evacuation takes constant time at any depth, and the
//! memory for marks is bounded by the frames entered since the last one.
//!
//! The statistics cost nothing per allocation. Between two moves of the cursor back it only grows, so its
//! height at `leave` and at `evacuated` says how much was allocated and where the peak was.

use crate::refusal::Refusal;
use alloc::vec::Vec;
use core::ptr::NonNull;
use terrane_base::MemoryError;

/// Every object starts at a multiple of this.
const GRANULE: usize = 8;

/// A stack of frame arenas over memory that somebody else owns.
///
/// The stack never reads or writes that memory; it only hands out addresses in it.
///
/// # Examples
///
/// ```
/// use core::ptr::NonNull;
/// use terrane_arena::FrameStack;
///
/// let mut region = [0u64; 64];
/// let base = NonNull::from(&mut region).cast::<u8>();
/// // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
/// let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
///
/// frames.enter();
/// let pair = frames.alloc(16).expect("the region is empty");
/// assert_eq!(pair, base);
/// assert_eq!(frames.top(), frames.base() + 16);
///
/// assert_eq!(frames.leave(), frames.base());
/// ```
#[derive(Debug)]
pub struct FrameStack {
    /// Invariant: `base <= cursor <= end`, all in or one past the end of the region.
    cursor: *mut u8,
    end: *mut u8,
    base: *mut u8,
    /// Where the frames entered since the last evacuation start, oldest first; never descending.
    marks: Vec<*mut u8>,
    /// Frames that are still open and were entered before the last evacuation: all of them start at `base`.
    evacuated_frames: usize,
    /// Bytes of the objects that are already below no cursor: given back by `leave` or moved out.
    bytes_retired: u64,
    peak_bytes: u64,
    frames_entered: u64,
    evacuations: u64,
}

/// What a [`FrameStack`] has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameStats {
    /// Bytes of every object ever allocated.
    pub bytes_total: u64,
    /// Bytes in use now.
    pub bytes_now: u64,
    /// The most bytes that were in use at one time.
    pub peak_bytes: u64,
    /// How often a frame was entered.
    pub frames_entered: u64,
    /// How often the contents were moved out.
    pub evacuations: u64,
}

// SAFETY: the stack owns nothing thread-bound and never dereferences its pointers; the contract of `over` gives
// its user the sole use of the region on whatever thread that user is.
unsafe impl Send for FrameStack {}

impl FrameStack {
    /// Makes an empty stack over the `size` bytes at `base`. A `size` that is no multiple of 8 is rounded down.
    ///
    /// ```
    /// use core::ptr::NonNull;
    /// use terrane_arena::FrameStack;
    ///
    /// let mut region = [0u64; 64];
    /// let base = NonNull::from(&mut region).cast::<u8>();
    /// // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// let frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// assert_eq!(frames.bytes_left(), 512);
    /// ```
    ///
    /// # Safety
    ///
    /// `base` is a multiple of 8, and the `size` bytes there are one writable allocation that stays in place and
    /// belongs to the user of this stack for as long as the stack is used.
    #[must_use]
    pub unsafe fn over(base: NonNull<u8>, size: usize) -> Self {
        debug_assert!(
            base.addr().get().is_multiple_of(GRANULE),
            "the region starts at a multiple of {GRANULE}"
        );
        let base = base.as_ptr();
        Self {
            cursor: base,
            // SAFETY: the caller vouches that `size` bytes from `base` are one allocation.
            end: unsafe { base.add(size - size % GRANULE) },
            base,
            marks: Vec::new(),
            evacuated_frames: 0,
            bytes_retired: 0,
            peak_bytes: 0,
            frames_entered: 0,
            evacuations: 0,
        }
    }

    /// Opens a frame: what is allocated from here on goes away with the matching [`leave`](Self::leave).
    ///
    /// Amortised constant time. The marks live on the global heap, 8 bytes for each open frame.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// frames.enter();
    /// assert_eq!(frames.depth(), 1);
    /// ```
    ///
    /// Where there is no memory for the mark, the program ends as it does for any `Vec`; see [`try_enter`](Self::try_enter).
    #[inline]
    pub fn enter(&mut self) {
        self.frames_entered += 1;
        self.marks.push(self.cursor);
    }

    /// Opens a frame, as [`enter`](Self::enter) does.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// frames.try_enter()?;
    /// assert_eq!(frames.depth(), 1);
    /// # Ok::<(), terrane_arena::MemoryError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`MemoryError::OutOfMemory`] if there is no memory for the mark. No frame is opened then.
    #[inline]
    pub fn try_enter(&mut self) -> Result<(), MemoryError> {
        if self.marks.try_reserve(1).is_err() {
            return Err(Refusal::by_allocator(size_of::<*mut u8>()).into());
        }
        self.enter();
        Ok(())
    }

    /// Closes the innermost frame, gives its memory back, and returns the new [`top`](Self::top).
    ///
    /// Without an open frame the stack counts as one outermost frame, and all of it is given back.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// frames.enter();
    /// frames.alloc(16);
    /// assert_eq!(frames.leave(), frames.base());
    /// assert_eq!(frames.depth(), 0);
    /// ```
    #[inline]
    pub fn leave(&mut self) -> usize {
        let mark = match self.marks.pop() {
            Some(mark) => mark,
            None => self.leave_evacuated(),
        };
        self.retire(mark);
        self.cursor.addr()
    }

    /// Takes `size` bytes, a multiple of 8, on top of the stack; `None` when they do not fit.
    ///
    /// The memory is not cleared, and the address is a multiple of 8. It is valid until the innermost frame is
    /// left or the contents are moved out.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// assert_eq!(frames.alloc(16), Some(base));
    /// assert_eq!(frames.alloc(1024), None);
    /// ```
    #[inline]
    pub fn alloc(&mut self, size: usize) -> Option<NonNull<u8>> {
        debug_assert!(size.is_multiple_of(GRANULE), "sizes are multiples of {GRANULE}");
        let start = self.cursor;
        if size > self.end.addr() - start.addr() {
            return None;
        }
        // SAFETY: `cursor <= end` (invariant) and `size` does not exceed their distance, so the sum stays in the region.
        self.cursor = unsafe { start.add(size) };
        // SAFETY: the region's base is not null, and the cursor lies in the region.
        Some(unsafe { NonNull::new_unchecked(start) })
    }

    /// The address just above the last object.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// frames.alloc(16);
    /// assert_eq!(frames.top(), frames.base() + 16);
    /// ```
    #[inline]
    #[must_use]
    pub fn top(&self) -> usize {
        self.cursor.addr()
    }

    /// The address where the region starts.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// assert_eq!(frames.base(), base.addr().get());
    /// ```
    #[inline]
    #[must_use]
    pub fn base(&self) -> usize {
        self.base.addr()
    }

    /// How many bytes the region can still take.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// frames.alloc(16);
    /// assert_eq!(frames.bytes_left(), 512 - 16);
    /// ```
    #[inline]
    #[must_use]
    pub fn bytes_left(&self) -> usize {
        self.end.addr() - self.cursor.addr()
    }

    /// How many frames are open.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// frames.enter();
    /// frames.enter();
    /// assert_eq!(frames.depth(), 2);
    /// ```
    #[must_use]
    pub fn depth(&self) -> usize {
        self.evacuated_frames + self.marks.len()
    }

    /// Tells the stack that all its contents were moved out: the cursor goes to the base, and so does the start of
    /// every open frame, which stays open. Constant time.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// frames.enter();
    /// frames.alloc(16);
    /// frames.evacuated();
    /// assert_eq!((frames.top(), frames.depth()), (frames.base(), 1));
    /// ```
    pub fn evacuated(&mut self) {
        self.retire(self.base);
        self.evacuated_frames += self.marks.len();
        self.marks.clear();
        self.evacuations += 1;
    }

    /// The statistics so far.
    ///
    /// ```
    /// # use core::ptr::NonNull;
    /// # use terrane_arena::FrameStack;
    /// # let mut region = [0u64; 64];
    /// # let base = NonNull::from(&mut region).cast::<u8>();
    /// # // SAFETY: the array outlives the stack and nothing else touches it meanwhile.
    /// # let mut frames = unsafe { FrameStack::over(base, size_of_val(&region)) };
    /// frames.alloc(16);
    /// frames.leave();
    /// let stats = frames.stats();
    /// assert_eq!((stats.bytes_total, stats.bytes_now, stats.peak_bytes), (16, 0, 16));
    /// ```
    #[must_use]
    pub fn stats(&self) -> FrameStats {
        let bytes_now = self.bytes_above(self.base);
        FrameStats {
            bytes_total: self.bytes_retired + bytes_now,
            bytes_now,
            peak_bytes: self.peak_bytes.max(bytes_now),
            frames_entered: self.frames_entered,
            evacuations: self.evacuations,
        }
    }

    #[cold]
    #[inline(never)]
    fn leave_evacuated(&mut self) -> *mut u8 {
        self.evacuated_frames = self.evacuated_frames.saturating_sub(1);
        self.base
    }

    /// Moves the cursor down to `mark` and books what was above it.
    #[inline]
    fn retire(&mut self, mark: *mut u8) {
        self.peak_bytes = self.peak_bytes.max(self.bytes_above(self.base));
        self.bytes_retired += self.bytes_above(mark);
        self.cursor = mark;
    }

    #[inline]
    fn bytes_above(&self, mark: *mut u8) -> u64 {
        (self.cursor.addr() - mark.addr()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    const REGION_WORDS: usize = 40;

    #[derive(Clone, Debug)]
    enum Step {
        Enter,
        Leave,
        Alloc(usize),
        Evacuate,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Enter),
            4 => Just(Step::Leave),
            8 => (0..10usize).prop_map(|words| Step::Alloc(words * 8)),
            1 => Just(Step::Evacuate),
        ];
        prop::collection::vec(step, 0..120)
    }

    /// The plain meaning of a frame stack: a list of frames, each a list of object sizes.
    #[derive(Default)]
    struct Model {
        frames: Vec<Vec<usize>>,
        stats: FrameStats,
    }

    impl Model {
        fn new() -> Self {
            Self { frames: vec![Vec::new()], stats: FrameStats::default() }
        }

        fn in_use(&self) -> usize {
            self.frames.iter().flatten().sum()
        }

        /// The offset of the new object, if it fits.
        fn alloc(&mut self, size: usize) -> Option<usize> {
            let offset = self.in_use();
            if offset + size > REGION_WORDS * 8 {
                return None;
            }
            self.frames.last_mut().expect("the outermost frame").push(size);
            self.stats.bytes_total += size as u64;
            self.stats.peak_bytes = self.stats.peak_bytes.max((offset + size) as u64);
            Some(offset)
        }

        fn leave(&mut self) {
            match self.frames.len() {
                1 => self.frames[0].clear(),
                _ => drop(self.frames.pop()),
            }
        }
    }

    fn run(steps: &[Step]) -> Result<(), TestCaseError> {
        let mut region = vec![0u64; REGION_WORDS];
        let base = NonNull::new(region.as_mut_ptr().cast::<u8>()).expect("a vector's buffer");
        // SAFETY: the vector is not touched and outlives the stack.
        let mut stack = unsafe { FrameStack::over(base, REGION_WORDS * 8) };
        let mut model = Model::new();
        for step in steps {
            match *step {
                Step::Enter => {
                    stack.enter();
                    model.frames.push(Vec::new());
                    model.stats.frames_entered += 1;
                }
                Step::Leave => {
                    let top = stack.leave();
                    model.leave();
                    prop_assert_eq!(top, stack.top());
                }
                Step::Alloc(size) => {
                    let offset = stack.alloc(size).map(|at| at.addr().get() - stack.base());
                    prop_assert_eq!(offset, model.alloc(size));
                }
                Step::Evacuate => {
                    stack.evacuated();
                    model.frames.iter_mut().for_each(Vec::clear);
                    model.stats.evacuations += 1;
                }
            }
            model.stats.bytes_now = model.in_use() as u64;
            prop_assert_eq!(stack.top() - stack.base(), model.in_use());
            prop_assert_eq!(stack.bytes_left(), REGION_WORDS * 8 - model.in_use());
            prop_assert_eq!(stack.depth(), model.frames.len() - 1);
            prop_assert_eq!(stack.stats(), model.stats);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn behaves_like_a_list_of_frames(steps in steps()) {
            run(&steps)?;
        }
    }

    #[test]
    fn a_region_of_no_bytes_refuses_everything_but_nothing() {
        let mut word = 0u64;
        // SAFETY: `word` outlives the stack; seven bytes of it hold no whole granule.
        let mut stack = unsafe { FrameStack::over(NonNull::from(&mut word).cast(), 7) };
        assert_eq!(stack.alloc(8), None);
        assert_eq!(stack.alloc(usize::MAX - 7), None);
        assert!(stack.alloc(0).is_some());
        assert_eq!(stack.leave(), stack.base());
    }
}
