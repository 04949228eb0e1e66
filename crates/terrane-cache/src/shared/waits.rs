//! Which thread waits for which, so that none waits for itself.
//!
//! A thread that blocks waits for one thread. When it is about to, the chain from there is followed; should it lead back, the
//! thread would wait for ever (Knapp, *Deadlock Detection in Distributed Databases*, 1987: a cycle in the wait-for graph). There is one
//! such graph for all caches, since a circle can go through several of them; it decides nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use parking_lot::Mutex;

use crate::error::Reentrant;

/// For each thread that waits: for whom, and whether that has come to an end, though the thread may not have noticed.
static WAITS: Mutex<BTreeMap<usize, (usize, Arc<AtomicBool>)>> = Mutex::new(BTreeMap::new());

/// While it lives, the thread counts as waiting.
#[derive(Debug)]
pub(super) struct Wait {
    thread: Option<usize>,
}

impl Wait {
    /// `thread` is about to wait for `leader`, until `ended`. Where one of them is not known, no circle is found.
    ///
    /// # Errors
    /// [`Reentrant`] when `leader` waits, perhaps by way of others, for `thread`.
    pub(super) fn begin(
        thread: Option<usize>,
        leader: Option<usize>,
        ended: &Arc<AtomicBool>,
    ) -> Result<Self, Reentrant> {
        let (Some(thread), Some(leader)) = (thread, leader) else { return Ok(Self { thread: None }) };
        let mut waits = WAITS.lock();
        let mut at = leader;
        while at != thread {
            match waits.get(&at) {
                Some((next, ended)) if !ended.load(SeqCst) => at = *next,
                _ => {
                    waits.insert(thread, (leader, Arc::clone(ended)));
                    return Ok(Self { thread: Some(thread) });
                }
            }
        }
        Err(Reentrant)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(thread) = self.thread {
            WAITS.lock().remove(&thread);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that no thread of the tests has.
    const FAR: usize = usize::MAX / 2;

    #[test]
    fn a_circle_is_refused_until_one_of_it_has_ended() {
        let ended: [Arc<AtomicBool>; 3] = Default::default();
        let first = Wait::begin(Some(FAR), Some(FAR + 1), &ended[0]).unwrap();
        let second = Wait::begin(Some(FAR + 1), Some(FAR + 2), &ended[1]).unwrap();
        assert!(Wait::begin(Some(FAR + 2), Some(FAR), &ended[2]).is_err());
        assert!(Wait::begin(Some(FAR + 2), Some(FAR + 2), &ended[2]).is_err());
        ended[1].store(true, SeqCst);
        let third = Wait::begin(Some(FAR + 2), Some(FAR), &ended[2]).unwrap();
        drop((first, second, third));
        assert!(Wait::begin(Some(FAR + 1), Some(FAR), &ended[0]).is_ok());
    }
}
