//! Neither are queues, and weak maps in keys or values.

use terrane_gc::{FinalizerQueue, Leaf, WeakMap};

type Any = Leaf<for<'a> fn(&'a str)>;
type Static = Leaf<fn(&'static str)>;

fn queue(queue: FinalizerQueue<Any>) -> FinalizerQueue<Static> {
    queue
}

fn values(map: WeakMap<u64, Any>) -> WeakMap<u64, Static> {
    map
}

fn keys(map: WeakMap<Any, u64>) -> WeakMap<Static, u64> {
    map
}

fn main() {}
