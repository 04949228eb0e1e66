//! A process is copied while a heap has a thread that populates pages: the copy, which has no such thread, can use the heap and drop it.
#![cfg(all(target_os = "linux", feature = "os", not(miri)))]

use terrane_gc::{GcField, Heap, Mutator, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    numbers: [u64; 126],
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

/// Makes a list of so many KiB, which lives while `then` runs.
fn with_list<R>(mu: &mut Mutator<'_, '_>, kib: u64, then: impl FnOnce() -> R) -> R {
    mu.scope(|mu| {
        let list = mu.alloc_local(|_| Node { numbers: [0; 126], next: GcField::null() });
        for number in 1..=kib {
            mu.scope(|mu| {
                let node = mu.alloc_local(|mu| Node { numbers: [number; 126], next: list.get(mu).into() });
                list.set(mu, node.get(mu));
            });
        }
        let result = then();
        let (mut node, mut expected) = (Some(list.get(mu)), kib);
        while let Some(here) = node {
            assert!(here.numbers.iter().all(|&number| number == expected));
            (node, expected) = (here.next.get(), expected.wrapping_sub(1));
        }
        assert_eq!(expected, u64::MAX);
        result
    })
}

/// Whether a child process did this, and nothing went wrong. One that hangs is ended.
fn in_child(work: impl FnOnce()) -> bool {
    // SAFETY: the other thread is one that populates pages, and holds no lock that the child needs. The child leaves without
    // running anything of the test harness.
    unsafe {
        match libc::fork() {
            -1 => panic!("no child process"),
            0 => {
                libc::alarm(120);
                let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_ok();
                libc::_exit(if done { 0 } else { 1 });
            }
            child => {
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
            }
        }
    }
}

fn fill(heap: &mut Heap) {
    heap.enter(|mu| with_list(mu, 24 << 10, || ()));
    heap.collect_full();
    while heap.step(1_000_000) {}
    heap.check().unwrap();
}

#[test]
fn a_heap_is_used_and_dropped_on_both_sides() {
    for kib in [0, 9, 14, 17, 21, 24] {
        let mut heap = Some(Heap::new().unwrap());
        let child = heap.as_mut().unwrap().enter(|mu| {
            // Also in the middle of things.
            with_list(mu, kib << 10, || in_child(|| ()))
        });
        assert!(child);
        let used_and_dropped = in_child(|| {
            let mut heap = heap.take().unwrap();
            fill(&mut heap);
            fill(&mut heap);
            drop(heap);
            // And a new one has a thread of its own.
            fill(&mut Heap::new().unwrap());
        });
        assert!(used_and_dropped, "{kib} MiB");
        fill(heap.as_mut().unwrap());
    }
}
