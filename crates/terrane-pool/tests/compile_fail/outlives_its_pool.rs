use terrane_pool::WorkStealingPool;

fn main() {
    let text;
    {
        let pool = WorkStealingPool::<String>::new(1);
        text = pool.acquire().unwrap();
    }
    println!("{}", text.len());
}
