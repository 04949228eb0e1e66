//! What a kind of pool without a lock around its objects is made of, behind what threads have at hand.

use alloc::boxed::Box;
use core::marker::PhantomData;
#[cfg(feature = "std")]
use core::ptr::NonNull;

use crate::{node::Node, thread_cache::ThreadCache};

/// Where objects idle.
///
/// # Safety
/// A part that was [entered](Self::enter) lives, at its address, until it [left](Self::leave) or the store ends, and nobody else enters it
/// meanwhile.
pub(crate) unsafe trait Store<T>: Send + Sync + 'static {
    /// What one thread has of it.
    type Part: AsRef<ThreadCache<T>>;

    /// Takes an object that idles behind.
    fn take(&self, own: Option<Own<'_, Self::Part>>) -> Option<Box<Node<T>>>;

    /// Puts an object behind.
    fn put(&self, own: Option<Own<'_, Self::Part>>, node: Box<Node<T>>);

    /// How many idle behind, about.
    fn len(&self) -> usize;

    /// Goes through what threads have at hand, until there is an answer. What has been left holds nothing and may be passed over.
    fn find_cache<R>(&self, look: impl FnMut(&ThreadCache<T>) -> Option<R>) -> Option<R>;

    /// How many acquisitions the owners of all caches have begun, those included that have left.
    fn begun(&self) -> u64;

    /// A place for an object that is going to be made; `None` if there are as many as there may be.
    fn admit(&self) -> Option<u32>;

    /// The object of this place is no more.
    fn vacate(&self, place: u32);

    /// A new part for a thread, which may have so many objects at hand; `None` if there is none left.
    #[cfg(feature = "std")]
    fn enter(&self, capacity: usize) -> Option<NonNull<Self::Part>>;

    /// A thread gives its part up, with nothing at hand.
    #[cfg(feature = "std")]
    fn leave(&self, own: Own<'_, Self::Part>);

    /// Whether nobody holds anything that the calling thread would have to wait for.
    #[cfg(feature = "std")]
    fn is_free(&self) -> bool;
}

/// The calling thread's part of a store, which does not leave the thread.
pub(crate) struct Own<'a, P> {
    part: &'a P,
    /// Not `Send`.
    stays: PhantomData<*const ()>,
}

impl<P> Clone for Own<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Own<'_, P> {}

impl<'a, P> Own<'a, P> {
    /// # Safety
    /// The part lives as long as the answer, and is that of the calling thread, which no other thread has.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) unsafe fn new(part: NonNull<P>) -> Self {
        // SAFETY: passed on.
        Self { part: unsafe { part.as_ref() }, stays: PhantomData }
    }

    #[cfg(feature = "std")]
    pub(crate) fn part(self) -> &'a P {
        self.part
    }

    #[inline(always)]
    pub(crate) fn cache<T>(self) -> &'a ThreadCache<T>
    where
        P: AsRef<ThreadCache<T>>,
    {
        self.part.as_ref()
    }
}
