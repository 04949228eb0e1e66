//! What the handles of the [pools without a lock around their objects](crate::unlocked) can do: the same, in whatever they keep them.

/// The methods of a handle, which has the field `shared`, and a function `assemble` that makes it.
macro_rules! handle {
    ($pool:ident) => {
        impl<T: crate::Poolable + Send + 'static> $pool<T> {
            /// A pool with these limits and policies.
            ///
            /// # Errors
            /// [`StrategyError`](crate::StrategyError) when they do not fit together, or this kind of pool cannot follow them.
            pub fn with_strategy(strategy: crate::PoolStrategy) -> Result<Self, crate::StrategyError> {
                Self::builder().strategy(strategy).build()
            }

            /// A pool with a constructor, a budget of its own.
            pub fn builder() -> crate::PoolBuilder<T, Self> {
                crate::PoolBuilder::new()
            }

            /// Hands out an idle object, of this thread or of another one, or a new one.
            ///
            /// # Errors
            /// [`PoolExhausted`](crate::MemoryError::PoolExhausted) when as many are in use, or being made or dropped, as may exist; what the
            /// budget says when it refuses a new one; [`OutOfMemory`](crate::MemoryError::OutOfMemory).
            ///
            /// # Panics
            /// When the object's constructor or validation does.
            #[inline]
            pub fn acquire(&self) -> Result<crate::PoolGuard<T, &Self>, crate::MemoryError> {
                Ok(crate::PoolGuard::new(self.shared.take(self.shared.own())?, self))
            }

            /// As [`acquire`](Self::acquire), with a share of the pool in the guard.
            ///
            /// # Errors
            /// As [`acquire`](Self::acquire).
            ///
            /// # Panics
            /// As [`acquire`](Self::acquire).
            #[inline]
            pub fn acquire_owned(&self) -> Result<crate::PoolGuard<T, Self>, crate::MemoryError> {
                Ok(crate::PoolGuard::new(self.shared.take(self.shared.own())?, self.clone()))
            }

            /// Makes as many objects as `idle` is more than are idle now, or as many as may exist, and says how many it made.
            ///
            /// # Errors
            /// What the budget says when it refuses; what was made by then stays.
            ///
            /// # Panics
            /// When the constructor does; what was made by then stays.
            pub fn warm_up(&self, idle: usize) -> Result<usize, crate::MemoryError> {
                self.shared.warm_up(self.shared.own(), idle)
            }

            /// Drops idle objects of all threads until `keep` are left, and says how many it dropped.
            ///
            /// # Panics
            /// When the destructor of an object does; the others are dropped all the same.
            pub fn trim(&self, keep: usize) -> usize {
                self.shared.trim(keep)
            }

            /// The figures. The peak is that of the objects that existed, idle or in use.
            #[must_use]
            pub fn stats(&self) -> crate::PoolStats {
                self.shared.stats()
            }

            /// The budget that objects are charged to.
            #[must_use]
            pub fn budget(&self) -> &crate::Budget {
                self.shared.budget()
            }
        }

        impl<T: crate::Poolable + Send + 'static> Clone for $pool<T> {
            fn clone(&self) -> Self {
                Self { shared: alloc::sync::Arc::clone(&self.shared) }
            }
        }

        impl<T: crate::Poolable + Send + 'static> crate::guard::Home<T> for $pool<T> {
            #[inline]
            fn take_back(&self, node: alloc::boxed::Box<crate::node::Node<T>>) {
                self.shared.put_back(self.shared.own(), node);
            }

            fn let_go(&self, node: alloc::boxed::Box<crate::node::Node<T>>) -> T {
                self.shared.give_up(node)
            }
        }

        impl<T: crate::Poolable + Send + 'static> core::fmt::Debug for $pool<T> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($pool)).field("stats", &self.stats()).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use handle;
