//! Runs: where the objects lie that were promoted since the last marking.
//!
//! To set a start bit for each promoted object costs the copying loop a read and a write of memory that it has no other
//! use for, a tenth of its time. But promotion fills holes from their start, so the objects between a hole's start and
//! the cursor lie dense, and their starts can be found by walking over them. Of each hole it suffices to know how far it
//! was filled. Few ask for the starts before the next marking clears them anyway: the verifier, and the rebuilding of a
//! remembered set that was lost.

use terrane_pages::CHUNK_SIZE;

use super::chunk::{Chunk, DATA_OFFSET};
use super::line::{LINE_SIZE, LINES_PER_CHUNK};
use super::{OldSpace, State};
use crate::raw::{ObjectModel, WORD_BYTES};

impl OldSpace {
    /// Notes how far a hole was filled.
    pub(super) fn note_run(start: usize, end: usize) {
        if start == end {
            return;
        }
        debug_assert!(start.is_multiple_of(LINE_SIZE) && start / CHUNK_SIZE == (end - 1) / CHUNK_SIZE);
        // SAFETY: runs lie in chunks of the old space.
        let chunk = unsafe { Chunk::containing(start) };
        let line = (start - chunk.base()) / LINE_SIZE;
        // SAFETY: the line lies in the chunk, and nobody else accesses the header now. A run is not longer than a
        // block, 8192 words.
        unsafe {
            (*chunk.header()).has_runs = true;
            (&raw mut (*chunk.header()).run_words[line]).write(((end - start) / WORD_BYTES) as u16);
        }
    }

    /// Notes the runs of the holes that are being filled.
    fn note_open_runs(&self) {
        self.hole.note_run();
        self.overflow.note_run();
        self.mutator.note_run();
    }

    /// Sets the start bits of all objects in runs. O(lines and objects in runs); not for the common path.
    ///
    /// # Safety
    ///
    /// Every object that was promoted is initialised.
    #[cold]
    pub(crate) unsafe fn set_start_bits_of_runs<M: ObjectModel>(&mut self) {
        // After a marking, whatever lives has a bit, and runs hold the dead.
        if matches!(self.state, State::Clearing | State::Sweeping) {
            return;
        }
        self.note_open_runs();
        for &chunk in &self.chunks {
            for line in DATA_OFFSET / LINE_SIZE..LINES_PER_CHUNK {
                // SAFETY: the chunk is in use, and nobody else accesses the header now.
                let words = unsafe { (&raw const (*chunk.header()).run_words[line]).read() } as usize;
                let mut address = chunk.base() + line * LINE_SIZE;
                let end = address + words * WORD_BYTES;
                while address < end {
                    chunk.set_start_bit(self.live, address);
                    // SAFETY: initialised objects lie dense in a run.
                    address += unsafe { M::size(M::word_at(address)) };
                }
            }
        }
    }
}
