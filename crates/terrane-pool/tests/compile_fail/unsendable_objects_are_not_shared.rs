use std::rc::Rc;
use terrane_pool::{Poolable, ThreadSafePool};

struct Bound(#[allow(dead_code)] Rc<()>);

impl Poolable for Bound {
    fn create() -> Self {
        Self(Rc::new(()))
    }
    fn reset(&mut self) {}
}

fn main() {
    let _pool = ThreadSafePool::<Bound>::new(1);
}
