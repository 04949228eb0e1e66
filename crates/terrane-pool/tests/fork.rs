//! A process is copied while threads have idle objects at hand: the copy, which has only the thread that made it, can use the pool, and reaches
//! what idles with the others.
#![cfg(all(target_os = "linux", feature = "os", not(terrane_asan), not(miri), not(loom)))]

use std::{sync::Barrier, thread};

use terrane_pool::{LockFreePool, ThreadSafePool, WorkStealingPool};

/// Runs this in a child process; whether it ran to its end and found what it expected.
fn in_child(work: impl FnOnce() -> bool) -> bool {
    // SAFETY: the other threads of this test wait at a barrier, and hold no lock that the child needs. The child leaves without
    // unwinding or running anything of the test harness.
    unsafe {
        match libc::fork() {
            -1 => panic!("no child process"),
            0 => {
                let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
                libc::_exit(if matches!(found, Ok(true)) { 0 } else { 1 });
            }
            child => {
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
            }
        }
    }
}

macro_rules! forks {
    ($($name:ident: $pool:ident),*) => {$(
        #[test]
        fn $name() {
            let pool = $pool::<String>::new(6);
            // As many as there are: a thread that panics would leave the other one waiting.
            let all = |count: usize| (0..count).filter_map(|_| pool.acquire().ok()).collect::<Vec<_>>();
            let meeting = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    drop(all(4));
                    meeting.wait();
                    meeting.wait();
                });
                meeting.wait();
                let held = all(1);
                let child = in_child(|| {
                    // Five are left, some of them with a thread that is not there.
                    let rest = all(5);
                    let exhausted = pool.acquire().is_err();
                    drop(rest);
                    exhausted && all(5).len() == 5 && all(6).len() == 5
                });
                // And the parent does not notice.
                drop(held);
                let parents = all(6).len();
                meeting.wait();
                assert!(child, "the child did not find what it expected");
                assert_eq!(parents, 6);
            });
            assert_eq!(pool.stats().created, 6);
        }
    )*};
}

forks!(with_magazines: ThreadSafePool, without_locks: LockFreePool, with_stealing: WorkStealingPool);
