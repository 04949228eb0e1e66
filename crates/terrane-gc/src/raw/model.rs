//! What the collector must know about the objects of a runtime, and nothing more.

use super::Word;

/// The layout of a runtime's objects.
///
/// The collector calls these functions in its inner loops, so each should be `#[inline]` and decide by the
/// tag of the word where it can: then an object needs no header (a pair may be two words, 16 bytes).
///
/// # Safety
///
/// The collector moves memory on the strength of the answers. The implementor promises:
///
/// - `address` answers `None` for every immediate, `Word(0)` included, and otherwise the start of the object,
///   a multiple of 8. `with_address` keeps everything of the word except the address.
/// - `size` is at least 16, a multiple of 8, and the size that the object was allocated with. It stays the
///   same for the object's whole life.
/// - `visit_slots` visits every word of the object that may be a reference, each once, and nothing outside
///   the object except its [hidden slots](Self::moved); `visit_slots_within` those of them whose
///   address lies in `[start, end)`, and every hidden slot.
/// - `word_at` finds the reference to an object from its first word alone, for objects in every zone.
/// - `forwarding(a)` is a word that no initialised object ever has as its first word, and
///   `forwarded(forwarding(a)) == Some(a)`; `forwarded` is `None` for the first word of every initialised
///   object.
/// - No function unwinds, allocates, or looks at objects other than the one that it is asked about.
pub unsafe trait ObjectModel: 'static {
    /// The start of the object that `word` refers to, or `None` for an immediate.
    fn address(word: Word) -> Option<usize>;

    /// The same reference, tag and all, to an object that now starts at `address`.
    fn with_address(word: Word, address: usize) -> Word;

    /// Size in bytes of the object that `word` refers to.
    ///
    /// # Safety
    ///
    /// `word` refers to an initialised object that was not moved.
    unsafe fn size(word: Word) -> usize;

    /// Visits each slot of the object that `word` refers to.
    ///
    /// # Safety
    ///
    /// As for [`size`](Self::size).
    unsafe fn visit_slots<F: FnMut(*mut Word)>(word: Word, visit: F);

    /// Visits each slot of the object whose address lies in `[start, end)`. Must cost no more than the part
    /// visited.
    ///
    /// # Safety
    ///
    /// As for [`size`](Self::size).
    unsafe fn visit_slots_within<F: FnMut(*mut Word)>(word: Word, start: usize, end: usize, visit: F);

    /// The reference to the object that starts at `address`.
    ///
    /// # Safety
    ///
    /// An initialised object that was not moved starts at `address`.
    unsafe fn word_at(address: usize) -> Word;

    /// The word that replaces the first word of an object that was moved to `address`.
    fn forwarding(address: usize) -> Word;

    /// Size and slots of an object at a glance, told from its first word: its size in bytes, and a map in which bit `i` is
    /// set where word `i` of the object is a slot. `None` where it takes more to know, or where [`moved`](Self::moved) must
    /// hear of a move. The loops that copy and mark then spare themselves [`size`](Self::size) and [`visit_slots`](Self::visit_slots),
    /// which must agree with the answer.
    ///
    /// # Safety
    ///
    /// `first` is the first word of an initialised object that was not moved.
    #[inline(always)]
    unsafe fn fixed_shape(_first: Word) -> Option<(usize, u64)> {
        None
    }

    /// Whether every object is initialised before the next call of any function of the heap, and not only of those that
    /// may collect.
    const INITIALISED_AT_ONCE: bool = false;

    /// Whether [`moved`](Self::moved) is to be called. Where it is `false`, moving costs nothing more.
    const TRACKS_MOVES: bool = false;

    /// Called right after a live object was copied to its new place: by a minor collection, an
    /// evacuation, or in idle time. For objects whose side blocks (see below) hold their address. It may read and write the
    /// copy, apart from its size and slots, and memory of its own outside the heap. The copy's slots are not
    /// forwarded yet.
    ///
    /// # Side blocks
    ///
    /// An object may own memory outside the heap with slots in it, *hidden slots*: the buffer of a growable
    /// vector. `visit_slots` then visits them too, and `visit_slots_within` visits them for every range. The
    /// buffer must stay where it is from the beginning of a collection to its end; stores into it go
    /// through [`Heap::record`](super::Heap::record).
    ///
    /// # Safety
    ///
    /// `new` refers to the copy, an initialised object.
    unsafe fn moved(_new: Word) {}

    /// Where an object was moved, told from its first word; `None` if it was not moved.
    fn forwarded(first: Word) -> Option<usize>;
}
