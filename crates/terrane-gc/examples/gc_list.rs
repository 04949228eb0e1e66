//! A list in a collected heap, in ten lines.

use terrane_gc::{GcField, Heap, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    value: u64,
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut heap = Heap::new()?;
    let sum: u64 = heap.enter(|mu| {
        let list = mu.alloc_local(|_| Node { value: 0, next: GcField::null() });
        for value in 1..=1_000_000 {
            let node = mu.alloc(Node { value, next: list.get(mu).into() });
            list.set(mu, node);
            mu.safepoint();
        }
        std::iter::successors(Some(list.get(mu)), |node| node.next.get()).map(|node| node.value).sum()
    });
    assert_eq!(sum, 500_000_500_000);
    println!("sum {sum}, {} live", terrane_base::Bytes::new(heap.stats().old.bytes_now));
    Ok(())
}
