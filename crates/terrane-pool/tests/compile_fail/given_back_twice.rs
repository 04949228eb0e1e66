use terrane_pool::ThreadSafePool;

fn main() {
    let pool = ThreadSafePool::<String>::new(1);
    let text = pool.acquire().unwrap();
    drop(text);
    drop(text);
}
