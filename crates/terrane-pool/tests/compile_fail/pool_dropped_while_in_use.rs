use terrane_pool::ObjectPool;

fn main() {
    let pool = ObjectPool::<String>::new(1);
    let text = pool.acquire().unwrap();
    drop(pool);
    drop(text);
}
