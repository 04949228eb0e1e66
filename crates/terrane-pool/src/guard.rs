//! An object that is in use, and goes back to its pool when it is dropped.

use alloc::boxed::Box;
use core::{
    fmt,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
};

use crate::node::Node;

/// Where objects go back to: a pool, by reference or as an owning handle; or something that leads to the pool, see
/// [`PoolGuard::with_home`].
pub trait Home<T> {
    /// Takes an object back that came from here.
    fn take_back(&self, node: Box<Node<T>>);

    /// Gives an object up that came from here.
    fn let_go(&self, node: Box<Node<T>>) -> T;
}

impl<T, H: Home<T>> Home<T> for &H {
    #[inline(always)]
    fn take_back(&self, node: Box<Node<T>>) {
        (**self).take_back(node);
    }

    fn let_go(&self, node: Box<Node<T>>) -> T {
        (**self).let_go(node)
    }
}

/// An object of a pool in use; dropping it gives the object back.
///
/// `P` is how it holds on to its pool: `&ObjectPool<T>` and the like borrow it, [`LocalPool<T>`](crate::LocalPool) and the like own a
/// share of it, for an object that outlives the scope it was acquired in. It may be dropped on another thread than it was acquired
/// on, where `T` and the kind of pool allow it to be sent there.
///
/// The object is the guard's own until it is given back, so it cannot be given back twice, or be used afterwards:
///
/// ```compile_fail,E0382
/// let pool = terrane_pool::ObjectPool::<String>::new(1);
/// let text = pool.acquire().unwrap();
/// drop(text);
/// drop(text);
/// ```
///
/// A guard that is forgotten (`mem::forget`) keeps its object in use for good.
#[must_use = "an object that is dropped goes back to the pool at once"]
pub struct PoolGuard<T, P: Home<T>> {
    node: ManuallyDrop<Box<Node<T>>>,
    home: P,
}

impl<T, P: Home<T>> PoolGuard<T, P> {
    #[inline(always)]
    pub(crate) fn new(node: Box<Node<T>>, home: P) -> Self {
        Self { node: ManuallyDrop::new(node), home }
    }

    /// The same object, with something else that brings it back: a share of what the pool is a part of, in place of a share of the pool
    /// itself. The new home has to hand the object to the pool that it came from; to another one, its counts would be wrong.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use terrane_pool::{Home, Node, PoolGuard, ThreadSafePool};
    ///
    /// struct Server {
    ///     lines: ThreadSafePool<String>,
    /// }
    /// struct Share(Arc<Server>);
    ///
    /// impl Home<String> for Share {
    ///     fn take_back(&self, node: Box<Node<String>>) {
    ///         self.0.lines.take_back(node);
    ///     }
    ///     fn let_go(&self, node: Box<Node<String>>) -> String {
    ///         self.0.lines.let_go(node)
    ///     }
    /// }
    ///
    /// let server = Arc::new(Server { lines: ThreadSafePool::new(8) });
    /// let line = PoolGuard::with_home(server.lines.acquire()?, Share(Arc::clone(&server)));
    /// std::thread::spawn(move || drop(line)).join().unwrap();
    /// assert_eq!(server.lines.stats().idle, 1);
    /// # Ok::<(), terrane_pool::MemoryError>(())
    /// ```
    #[inline(always)]
    pub fn with_home<H: Home<T>>(this: Self, home: H) -> PoolGuard<T, H> {
        let mut this = ManuallyDrop::new(this);
        // SAFETY: `this` is not dropped, and the node is not used through it again.
        let node = unsafe { ManuallyDrop::take(&mut this.node) };
        // SAFETY: `this` is not dropped, so its home is dropped once, here.
        unsafe { core::ptr::drop_in_place(&raw mut this.home) };
        PoolGuard::new(node, home)
    }

    /// What brings the object back.
    #[inline]
    pub fn home(this: &Self) -> &P {
        &this.home
    }

    /// What brings the object back.
    #[inline]
    pub fn home_mut(this: &mut Self) -> &mut P {
        &mut this.home
    }

    /// Takes the object out of the pool for good: it is no longer counted, nor charged, and the pool may make another one. A method
    /// of the type, as the object may have methods of its own.
    ///
    /// ```
    /// use terrane_pool::{ObjectPool, PoolGuard};
    ///
    /// let pool = ObjectPool::<String>::new(1);
    /// let mut name = pool.acquire()?;
    /// name.push_str("kept");
    /// let kept: String = PoolGuard::detach(name);
    /// assert_eq!(kept, "kept");
    /// assert!(pool.acquire().is_ok(), "there is room for another one");
    /// # Ok::<(), terrane_pool::MemoryError>(())
    /// ```
    #[must_use = "the object is dropped otherwise; to give it back, drop the guard"]
    pub fn detach(this: Self) -> T {
        let mut this = ManuallyDrop::new(this);
        // SAFETY: `this` is not dropped, and the node is not used again.
        let node = unsafe { ManuallyDrop::take(&mut this.node) };
        // SAFETY: `this` is not dropped, so the home is moved out once.
        let home = unsafe { core::ptr::read(&raw const this.home) };
        home.let_go(node)
    }
}

impl<T, P: Home<T>> Drop for PoolGuard<T, P> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this is the end of the guard: nobody uses its node after this.
        let node = unsafe { ManuallyDrop::take(&mut self.node) };
        self.home.take_back(node);
    }
}

impl<T, P: Home<T>> Deref for PoolGuard<T, P> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.node.value
    }
}

impl<T, P: Home<T>> DerefMut for PoolGuard<T, P> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.node.value
    }
}

impl<T: fmt::Debug, P: Home<T>> fmt::Debug for PoolGuard<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display, P: Home<T>> fmt::Display for PoolGuard<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T, P: Home<T>> AsRef<T> for PoolGuard<T, P> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T, P: Home<T>> AsMut<T> for PoolGuard<T, P> {
    fn as_mut(&mut self) -> &mut T {
        self
    }
}
