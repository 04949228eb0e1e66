use terrane_pool::{LockFreePool, PoolGuard};

fn main() {
    let pool = LockFreePool::<String>::new(1);
    let text = pool.acquire().unwrap();
    let _kept = PoolGuard::detach(text);
    drop(text);
}
