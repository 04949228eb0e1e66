//! Finalizers, as a queue of objects that nothing refers to any more.

use alloc::sync::Arc;
use core::marker::PhantomData;

use terrane_base::MemoryError;

use crate::handle::{Gc, HeapId, InvariantType};
use crate::heap::Mutator;
use crate::object::{At, Trace};

/// A queue that watched objects come to when nothing else refers to them.
///
/// The program takes them out when it suits, and does with them what it likes, keeping them included: no code runs inside
/// a collection. Of objects that refer to one another and die together, all come to the queue. An object comes to the queue once; to see it again, watch it again. `T` is the type with `'static` for
/// both lifetimes. (For a plain Rust value that holds a resource, its `Drop` is enough, and cheaper.)
///
/// ```
/// use terrane_gc::{FinalizerQueue, Heap};
///
/// let mut heap = Heap::new()?;
/// heap.enter(|mu| {
///     let closed = FinalizerQueue::<u32>::new(mu);
///     closed.watch(mu, mu.alloc(17_u32));
///     assert!(closed.pop(mu).is_none());
///     mu.collect_full();
///     assert_eq!(*closed.pop(mu).unwrap(), 17);
///     assert!(closed.pop(mu).is_none());
/// });
/// # Ok::<(), terrane_base::MemoryError>(())
/// ```
pub struct FinalizerQueue<T> {
    heap: HeapId,
    index: u32,
    /// Keeps the queue open.
    _open: Arc<()>,
    target: InvariantType<T>,
}

impl<T> core::fmt::Debug for FinalizerQueue<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FinalizerQueue").field("index", &self.index).finish_non_exhaustive()
    }
}

impl<T: Trace> FinalizerQueue<T> {
    /// A new queue for objects of the mutator's heap. When it is dropped, the objects that it watches are collected
    /// like all others.
    #[must_use]
    pub fn new(mu: &Mutator<'_, '_>) -> Self {
        let (index, open) = mu.open_queue();
        Self { heap: mu.heap_id(), index, _open: open, target: PhantomData }
    }

    /// Has the object come here when nothing else refers to it. An object is watched by one queue at a time, the last
    /// that was told. O(1).
    ///
    /// # Panics
    ///
    /// When the queue belongs to another heap, or there is no memory; see [`try_watch`](Self::try_watch).
    #[track_caller]
    pub fn watch<'h, U>(&self, mu: &Mutator<'h, '_>, object: Gc<'h, '_, U>)
    where
        U: Trace<At<'static, 'static> = T>,
    {
        assert!(self.heap == mu.heap_id(), "the finalizer queue belongs to another heap");
        // SAFETY: a reference of this heap.
        unsafe { mu.watch_object(self.index, object.word()) };
    }

    /// The same with an error where `watch` panics for want of memory.
    ///
    /// # Errors
    ///
    /// When there is no memory for what hangs on the object. It is watched as before, or not at all.
    ///
    /// # Panics
    ///
    /// When the queue belongs to another heap.
    #[track_caller]
    pub fn try_watch<'h, U>(&self, mu: &Mutator<'h, '_>, object: Gc<'h, '_, U>) -> Result<(), MemoryError>
    where
        U: Trace<At<'static, 'static> = T>,
    {
        mu.reserve_side_block()?;
        self.watch(mu, object);
        Ok(())
    }

    /// The next object, if one has died. O(1).
    #[must_use]
    pub fn pop<'h, 'm>(&self, mu: &'m Mutator<'h, '_>) -> Option<Gc<'h, 'm, At<'h, 'm, T>>> {
        if self.heap != mu.heap_id() {
            return None;
        }
        // SAFETY: the queue holds objects of type `T` only.
        mu.pop_finalized(self.index).map(|word| unsafe { Gc::from_word(word) })
    }

    /// How many objects wait in the queue.
    #[must_use]
    pub fn len(&self, mu: &Mutator<'_, '_>) -> usize {
        if self.heap == mu.heap_id() { mu.finalized(self.index) } else { 0 }
    }

    /// Whether none do.
    #[must_use]
    pub fn is_empty(&self, mu: &Mutator<'_, '_>) -> bool {
        self.len(mu) == 0
    }
}
