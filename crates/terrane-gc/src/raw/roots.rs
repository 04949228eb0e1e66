//! Where a collection starts: the references that the mutator holds outside the heap.

use super::Word;

/// Which roots a collection needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RootScope {
    /// Only roots that may hold a reference to an object allocated since the last collection. Roots that were
    /// visited by the last collection and not written since may be left out (a stack below a watermark).
    Young,
    /// Every root.
    All,
}

/// The roots of one mutator.
///
/// # Safety
///
/// The collector follows and rewrites what a source shows it, so to implement this trait is to vouch for the
/// source *and* for whoever brings it and a heap together: safe code must not be able to break these promises.
/// (An embedder keeps heap and source private to the module that keeps the promises.) They are, for each call
/// that takes a source:
///
/// - The heap is the one that the source belongs to.
/// - `visit_roots` visits every root in the scope, each a valid word: an immediate, or a reference to an
///   object of this heap that has been initialised. Visiting a root twice is allowed.
/// - `frame_top` is the end of the used part of the heap's frame region (its base where frames are not used);
///   initialised objects, none longer than [`SMALL_OBJECT_MAX`](super::SMALL_OBJECT_MAX), lie dense from the
///   region's base to there, and nothing outside the region and the roots refers to one of them. Each time
///   that it sank, [`Heap::frames_left`](super::Heap::frames_left) was told before a new object lay above.
/// - Every object that the heap handed out since the last collection has been initialised and is of the size
///   asked for (a multiple of 8, at least 16).
/// - Every store of a reference into an object older than the newest collection went through
///   [`Heap::write`](super::Heap::write).
/// - No function unwinds or calls into the heap.
pub unsafe trait RootSource {
    /// Visits each root in the scope; the collector may replace it.
    fn visit_roots<F: FnMut(&mut Word)>(&mut self, scope: RootScope, visit: F);

    /// Address just past what is in use of the frame region.
    fn frame_top(&self) -> usize;

    /// The frame region was moved out whole: the source resets its frame stack and drops its watermarks.
    fn frames_evacuated(&mut self);

    /// Called after every collection. No root holds a reference to the nursery now: the source may raise its
    /// watermark to the top of its stack.
    fn collected(&mut self);
}
