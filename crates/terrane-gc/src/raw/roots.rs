//! Where a collection starts: the references that the mutator holds outside the heap.

use super::{Keeper, Liveness, Progress, Word, WorkBudget};

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
/// - Every store into a slot of an object older than the newest collection, whatever was stored, went through
///   [`Heap::write`](super::Heap::write) or was announced to [`Heap::record`](super::Heap::record); or it was preceded,
///   while the heap [is marking](super::Heap::is_marking), by [`Heap::weak_read`](super::Heap::weak_read) of what it
///   overwrites, and the slot is visited as a young root from then on until the next collection.
/// - No function unwinds or calls into the heap.
pub unsafe trait RootSource {
    /// Whether old objects may be moved in idle time, so that memory can be given back. A source that says so promises
    /// besides, for every call: [`visit_roots`](Self::visit_roots) of [`RootScope::All`] visits every place outside the heap in which an
    /// old object's address is kept; or what is kept elsewhere (in a weak reference, say) is updated by
    /// [`ObjectModel::moved`](super::ObjectModel::moved). As long as the heap [is marking](super::Heap::is_marking), which then
    /// lasts until the moving is over, every store into an older object goes through [`Heap::write`](super::Heap::write) or
    /// [`Heap::record`](super::Heap::record), which see the value: a look at what is overwritten is not enough.
    const FOLLOWS_OLD_MOVES: bool = false;

    /// Visits each root in the scope; the collector may replace it.
    fn visit_roots<F: FnMut(&mut Word)>(&mut self, scope: RootScope, visit: F);

    /// Delivers the roots of a full collection's snapshot, each with the value that it had when the collection began:
    /// `first` is true in the call that begins it. The collector calls again, with the mutator and minor
    /// collections running in between, until the answer is [`Progress::Done`].
    ///
    /// A source that does not have this function delivers all its roots at once. One whose stack may be deep delivers in
    /// the first call, whatever the budget, every root that may change without its knowledge: registers, globals, the
    /// topmost frames. The frames below follow in further calls, a budget's worth at a time, and the source sees
    /// to it that the snapshot holds: before control returns to a frame that was not delivered (where the trampoline at its
    /// watermark gets hold of it), it calls [`Heap::keep_root`](super::Heap::keep_root) for each root of that frame, or
    /// delivers it in some other way before anything in it changes.
    fn snapshot_roots<F: FnMut(Word)>(
        &mut self,
        _first: bool,
        _budget: &mut WorkBudget,
        mut visit: F,
    ) -> Progress {
        self.visit_roots(RootScope::All, |root| visit(*root));
        Progress::Done
    }

    /// Slots of old objects that the source remembers by itself, and visits with the young roots, instead of storing to
    /// them through [`Heap::write`](super::Heap::write). For the verifier, which otherwise finds that nobody does.
    fn visit_remembered<F: FnMut(*const Word)>(&mut self, _visit: F) {}

    /// Bytes of tables beside the heap that get shorter when objects of it die. What they have grown by counts toward
    /// the next full collection, but not against the limit. O(1).
    fn table_bytes(&self) -> usize {
        0
    }

    /// About how many units of a [`WorkBudget`] `revive_old` and `clear_old` will spend in a full collection, so that
    /// its slices end in time. O(1).
    fn weak_units(&self) -> usize {
        0
    }

    /// Address just past what is in use of the frame region.
    fn frame_top(&self) -> usize;

    /// The frame region was moved out whole: the source resets its frame stack and drops its watermarks.
    fn frames_evacuated(&mut self);

    /// Called after every collection. No root holds a reference to the nursery now: the source may raise its
    /// watermark to the top of its stack.
    fn collected(&mut self);

    /// Near the end of a minor collection or an evacuation, when all that is reachable was moved: the source may
    /// keep young objects that were not reached, with [`Keeper::keep`], and must store what that answers.
    ///
    /// For finalizers: those that are registered for young objects, not yet reached, are moved to the queue, and
    /// the objects kept. For ephemerons: for each whose key is alive by [`Liveness::survivor`], the value is kept;
    /// this is repeated until nothing new was kept (`keep` traces on at once, so the source sees by itself
    /// when that is so). Entries that refer to nothing young need not be looked at.
    ///
    /// What a hook may do is said under [weak processing](crate::raw#weak-processing).
    fn revive_young<K: Keeper>(&mut self, _keep: &mut K) {}

    /// After `revive_young`, when it is certain which young objects survive, and before their memory is
    /// reused: the source updates every weak reference that may lead to a young object, by
    /// [`Liveness::survivor`], and clears those to dead ones. Dead objects can still be read.
    ///
    /// Old objects count as alive. A source does well to keep weak references to young objects in a list of
    /// their own, so that this costs nothing for the old ones.
    fn clear_young<L: Liveness>(&mut self, _live: &L) {}

    /// After the marking of a full collection: the source may keep old and large objects that were not
    /// reached. Young objects count as alive.
    ///
    /// Called until the answer is [`Progress::Done`]; the collector marks on after every call, so that what was
    /// kept is alive, with all that it refers to, at the next. Between two calls the mutator may run, and read
    /// weak references, which brings objects to life as well ([`Heap::weak_read`](super::Heap::weak_read)). So a
    /// source that looks at one thing because another is alive (ephemerons) goes round its table until a whole
    /// round passed in which [`Keeper::epoch`] stayed the same; then it keeps what finalizers need; and only if
    /// that kept nothing, or the ephemerons were gone through once more after it, it answers `Done`.
    ///
    /// Minor collections may come between two calls; they call `revive_young` and `clear_young`, so the source
    /// has the new places of what they move.
    fn revive_old<K: Keeper>(&mut self, _keep: &mut K, _budget: &mut WorkBudget) -> Progress {
        Progress::Done
    }

    /// After `revive_old`, when it is certain which old objects survive: the source clears every weak
    /// reference, map entry, intern entry to dead old objects and takes note of what is to be dropped. Called until the
    /// answer is [`Progress::Done`], and always to its end before memory of the dead is reused: they can be
    /// read meanwhile, and no new object has the address of a dead one.
    ///
    /// Objects that are promoted or born between two calls are alive, and `survivor` says so.
    fn clear_old<L: Liveness>(&mut self, _live: &L, _budget: &mut WorkBudget) -> Progress {
        Progress::Done
    }
}
