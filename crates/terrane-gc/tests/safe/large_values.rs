//! Values that are longer than a small object and no arrays: their layout is known from their type alone.

use terrane_base::Bytes;
use terrane_gc::{GcField, Heap, HeapConfig, Trace};

#[derive(Trace)]
#[repr(C)]
struct Page<'h, 'm> {
    next: GcField<'h, 'm, Page<'h, 'm>>,
    bytes: [u8; 20_000],
}

/// Longer than a chunk.
#[derive(Trace)]
struct Image {
    bytes: [u8; 24 << 20],
}

#[test]
fn values_longer_than_small_objects_count_as_large_ones_only() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let first = mu.alloc(Page { next: GcField::null(), bytes: [1; 20_000] });
        let page = mu.alloc(Page { next: first.into(), bytes: [2; 20_000] });
        let page = mu.root(page);
        for _ in 0..4 {
            mu.collect_full();
            let stats = mu.stats();
            assert_eq!(stats.old.bytes_now, 0, "{stats:?}");
            assert!((40_000..40_100).contains(&stats.large.bytes_now), "{stats:?}");
        }
        let page = page.get(mu);
        assert!(page.bytes == [2; 20_000] && page.next.get().unwrap().bytes == [1; 20_000]);
    });
    heap.check().unwrap();
}

/// What stands before such an object tells of it for the whole of its length.
#[test]
fn values_longer_than_a_chunk_live_through_collections() {
    let program = || {
        let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(512))).unwrap();
        heap.enter(|mu| {
            let image = mu.alloc(Image { bytes: [7; 24 << 20] });
            let image = mu.root(image);
            for _ in 0..4 {
                mu.collect_full();
                let stats = mu.stats();
                assert_eq!((stats.old.bytes_now, stats.large.bytes_now >> 20), (0, 24), "{stats:?}");
                assert!(image.get(mu).bytes.iter().all(|&byte| byte == 7));
            }
        });
        heap.check().unwrap();
        heap.collect_full();
        assert_eq!(heap.stats().large.bytes_now, 0);
    };
    // A value is made on the stack.
    std::thread::Builder::new().stack_size(256 << 20).spawn(program).unwrap().join().unwrap();
}
