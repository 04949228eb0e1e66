//! A list that outlives many nurseries.

use terrane_base::Bytes;
use terrane_gc::raw::{CollectionKind, Heap, HeapConfig};

use crate::model::*;

#[test]
fn a_list_survives_all_kinds_of_collection() {
    let mut heap = Heap::<Model>::new(HeapConfig::new().nursery(Bytes::from_kib(64)).verify(true)).unwrap();
    let (base, size) = heap.frame_region();
    let base = base.as_ptr() as usize;
    let mut roots = Roots { frame_base: base, frame_top: base, frame_end: base + size, ..Roots::default() };
    roots.push(integer(0));
    for i in 0..100_000 {
        let p = heap.bump(16).map_or_else(|| heap.alloc(16, &mut roots).unwrap(), |p| p);
        let w = pair(p.as_ptr() as usize);
        // SAFETY: fresh room for a pair.
        unsafe {
            *slot(w, 0) = integer(i);
            *slot(w, 1) = roots.words[0];
        }
        roots.set(0, w);
        if i % 10_000 == 0 {
            let kind = CollectionKind::ALL[(i / 10_000) as usize % 3];
            heap.collect(kind, &mut roots).unwrap();
        }
    }
    let mut w = roots.words[0];
    for i in (0..100_000).rev() {
        assert_eq!(read(w, 0), integer(i));
        w = read(w, 1);
    }
    roots.clear();
    let record = heap.collect(CollectionKind::Full, &mut roots).unwrap();
    assert_eq!(record.live_bytes, 0);
}
