use terrane_pool::LocalPool;

fn send<T: Send>(_value: T) {}

fn main() {
    let pool = LocalPool::<String>::new(1);
    send(pool.acquire_owned().unwrap());
}
