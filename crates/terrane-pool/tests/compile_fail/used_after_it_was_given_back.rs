use terrane_pool::ObjectPool;

fn main() {
    let pool = ObjectPool::<String>::new(1);
    let kept: &str;
    {
        let text = pool.acquire().unwrap();
        kept = text.as_str();
    }
    println!("{kept}");
}
