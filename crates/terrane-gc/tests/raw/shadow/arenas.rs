//! Arenas of a program: created, entered, left, destroyed.

use terrane_base::Bytes;
use terrane_gc::raw::ArenaError;

use super::{Place, Shadow};

impl Shadow {
    pub(super) fn create_arena(&mut self, kib: u64) {
        match self.heap.arena_create(Bytes::from_kib(kib)) {
            Ok(id) => {
                self.arenas.push(id);
                self.destroyed.push(false);
            }
            Err(error) => self.expect(Err(error)),
        }
    }

    pub(super) fn enter_arena(&mut self, arena: usize) {
        if self.arenas.is_empty() || self.entered.len() > 3 {
            return;
        }
        let arena = arena % self.arenas.len();
        match self.heap.arena_enter(self.arenas[arena]) {
            Ok(()) => {
                assert!(!self.destroyed[arena]);
                self.entered.push(arena);
            }
            Err(error) => {
                assert_eq!(error, ArenaError::Destroyed);
                assert!(self.destroyed[arena]);
            }
        }
    }

    pub(super) fn destroy_arena(&mut self, arena: usize) {
        if self.arenas.is_empty() {
            return;
        }
        let arena = arena % self.arenas.len();
        let id = self.arenas[arena];
        assert_eq!(self.heap.arena_live(id), !self.destroyed[arena]);
        let reachable = self.reachable();
        match self.heap.arena_destroy(id, &mut self.roots) {
            Ok(summary) => {
                assert!(!self.entered.contains(&arena) && !self.destroyed[arena]);
                self.destroyed[arena] = true;
                let inside =
                    reachable.iter().filter(|&&node| self.nodes[node].place == Place::Arena(arena)).count();
                assert!(summary.survivors >= inside as u64, "{inside} reachable, {summary:?}");
                for node in &mut self.nodes {
                    if node.place == Place::Arena(arena) {
                        node.place = Place::Heap;
                    }
                }
            }
            Err(ArenaError::Destroyed) => assert!(self.destroyed[arena]),
            Err(ArenaError::Entered) => assert!(self.entered.contains(&arena)),
            Err(ArenaError::Memory(error)) => self.expect(Err(error)),
            Err(error) => panic!("{error}"),
        }
    }
}
