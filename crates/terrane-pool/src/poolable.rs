//! What an object has to know to live in a pool.

use alloc::{collections::VecDeque, string::String, vec::Vec};
use terrane_base::Bytes;

/// An object that can be used again.
///
/// A pool calls [`create`](Self::create) when it has no idle object (unless it was given another constructor), [`reset`](Self::reset)
/// each time an object comes back, and [`validate`](Self::validate) when its
/// [`ValidationPolicy`](crate::ValidationPolicy) says so. None of them is called while a lock of the pool is held, so they may use
/// the pool themselves.
///
/// Each may panic. The panic goes on to whoever used the pool; the object at hand is dropped and no longer counted, and nothing else
/// is lost. (As with every panic in a destructor: where the guard is dropped because of a panic, a panic in `reset` ends the
/// program.)
///
/// ```
/// use terrane_pool::{ObjectPool, Poolable};
///
/// #[derive(Debug)]
/// struct Parser {
///     tokens: Vec<u32>,
///     broken: bool,
/// }
///
/// impl Poolable for Parser {
///     fn create() -> Self {
///         Self { tokens: Vec::with_capacity(1024), broken: false }
///     }
///     fn reset(&mut self) {
///         self.tokens.clear();
///     }
///     fn validate(&self) -> bool {
///         !self.broken
///     }
/// }
///
/// let pool = ObjectPool::<Parser>::new(4);
/// pool.acquire()?.tokens.push(1);
/// let parser = pool.acquire()?;
/// assert!(parser.tokens.is_empty() && parser.tokens.capacity() >= 1024);
/// assert_eq!(pool.stats().created, 1);
/// # Ok::<(), terrane_pool::MemoryError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a pool does not know how to make and reset `{Self}`",
    label = "does not implement `Poolable`",
    note = "implement `Poolable` (`create` and `reset`) for a type of your own; put a foreign type into one of your own"
)]
pub trait Poolable: Sized {
    /// Makes a new object.
    #[must_use]
    fn create() -> Self;

    /// Makes the object as good as new; called when it comes back.
    fn reset(&mut self);

    /// Whether the object can be used again. One that cannot is dropped.
    fn validate(&self) -> bool {
        true
    }

    /// The memory that the object owns beside itself, for a pool that charges a budget. It is asked when an object was created and
    /// each time it comes back, after its reset. `None`, the answer unless overridden, costs nothing.
    fn heap_bytes(&self) -> Option<Bytes> {
        None
    }
}

fn bytes_of<T>(capacity: usize) -> Option<Bytes> {
    Some(Bytes::from_usize(capacity.saturating_mul(size_of::<T>())))
}

/// Reset empties it and keeps its capacity, which is charged.
impl<T> Poolable for Vec<T> {
    fn create() -> Self {
        Self::new()
    }

    fn reset(&mut self) {
        self.clear();
    }

    fn heap_bytes(&self) -> Option<Bytes> {
        bytes_of::<T>(self.capacity())
    }
}

/// Reset empties it and keeps its capacity, which is charged.
impl<T> Poolable for VecDeque<T> {
    fn create() -> Self {
        Self::new()
    }

    fn reset(&mut self) {
        self.clear();
    }

    fn heap_bytes(&self) -> Option<Bytes> {
        bytes_of::<T>(self.capacity())
    }
}

/// Reset empties it and keeps its capacity, which is charged.
impl Poolable for String {
    fn create() -> Self {
        Self::new()
    }

    fn reset(&mut self) {
        self.clear();
    }

    fn heap_bytes(&self) -> Option<Bytes> {
        bytes_of::<u8>(self.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_come_back_empty_with_their_capacity_charged() {
        fn cycle<T: Poolable>(mut fill: impl FnMut(&mut T)) -> (u64, u64) {
            let mut object = T::create();
            let before = object.heap_bytes().map_or(0, Bytes::as_u64);
            fill(&mut object);
            object.reset();
            assert!(object.validate());
            (before, object.heap_bytes().map_or(0, Bytes::as_u64))
        }
        assert_eq!(cycle::<Vec<u64>>(|vec| vec.reserve_exact(10)), (0, 80));
        assert_eq!(cycle::<String>(|text| text.reserve_exact(10)), (0, 10));
        assert!(cycle::<VecDeque<u16>>(|queue| queue.extend([1; 10])).1 >= 20);
        let mut text = String::from("left over");
        text.reset();
        assert!(text.is_empty());
    }
}
