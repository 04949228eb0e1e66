//! Programs, as sequences of operations.

use terrane_gc::raw::CollectionKind;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Pair,
    Vector,
    Bytes,
}

/// One step of a program. Indices are taken modulo what there is.
#[derive(Clone, Debug)]
pub enum Op {
    /// Allocates an object whose slots are filled from the roots, starting at one, and makes it a root.
    Allocate {
        kind: Kind,
        words: usize,
        from: usize,
    },
    /// The same many times over, each pair holding the one before.
    List {
        len: usize,
        from: usize,
    },
    /// As `List`, with the room reserved beforehand.
    Reserve {
        len: usize,
        from: usize,
    },
    /// As `Allocate`, without a collection.
    AllocateDirectly {
        kind: Kind,
        words: usize,
        from: usize,
    },
    /// A vector that never moves.
    AllocatePinned {
        words: usize,
        from: usize,
    },
    Pin {
        root: usize,
    },
    Unpin {
        pin: usize,
    },
    Store {
        parent: usize,
        slot: usize,
        value: usize,
    },
    /// Makes what a slot holds a root.
    Load {
        parent: usize,
        slot: usize,
    },
    /// Allocates a vector and a pair for each of its slots.
    Spread {
        pairs: usize,
        from: usize,
    },
    /// Writes an integer into all slots of an object but each of these.
    Thin {
        parent: usize,
        keep_each: usize,
    },
    Drop {
        root: usize,
    },
    DropMany {
        keep: usize,
    },
    EnterFrame,
    FrameAllocate {
        kind: Kind,
        words: usize,
        from: usize,
    },
    LeaveFrame,
    CreateArena {
        kib: u64,
    },
    EnterArena {
        arena: usize,
    },
    LeaveArena,
    DestroyArena {
        arena: usize,
    },
    Collect {
        kind: CollectionKind,
    },
    /// Begins a full collection in slices.
    BeginFull,
    /// Goes on with it.
    Slice {
        units: usize,
    },
    /// What a safepoint does.
    Poll,
    /// What is done in idle time.
    Idle,
    /// Switches collections on or off.
    Enable {
        on: bool,
    },
    Verify,
    Check,
}
