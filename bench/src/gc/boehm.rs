//! Boehm's conservative mark-and-sweep collector (libgc), through the programs of `c/boehm.c`.
//!
//! Where the library is not installed, its contenders are absent: they are compiled but never called, so that nothing
//! asks the linker for what is not there.
//!
//! The collector must be started on the first thread of a process and has one state for all, so that it takes no part
//! in the unit tests; its results are compared whenever a row is measured.

use super::binary_trees::Forest;
use super::deep_list::Lists;
use super::finalizers::Resources;
use super::gcbench::Grove;
use super::replacement::Replaced;
use super::repointing::{Fields, Step};
use super::short_lived::LiveSet;
use super::strings::Strings;
use super::weak_map::Notes;
use crate::row::{Contender, Details, Home, Measurement, Mode};
use std::ffi::c_int;

/// The identifier of the rival.
const ID: &str = "boehm";

/// The rival, measured so where the library is installed.
pub(super) fn contender(measure: impl Fn(Mode) -> Measurement + 'static) -> Contender {
    contender_with_details(move |mode| (measure(mode), Details::new()))
}

/// The same, where more is measured than the time.
#[cfg(boehm)]
pub(super) fn contender_with_details(
    measure: impl Fn(Mode) -> (Measurement, Details) + 'static,
) -> Contender {
    Contender::with_details(ID, Home::Glibc, measure)
}

/// The same, where more is measured than the time.
#[cfg(not(boehm))]
pub(super) fn contender_with_details(
    _measure: impl Fn(Mode) -> (Measurement, Details) + 'static,
) -> Contender {
    Contender::absent(ID, Home::Glibc, "as libgc and its headers (Debian: libgc-dev) are not installed")
}

// SAFETY: the declarations are those of the definitions in `c/boehm.c`. What is declared safe takes numbers and aborts
// when memory is out; an index beyond what was made is a mistake of this module alone, whose traits promise better.
#[expect(unsafe_code, reason = "functions in C")]
unsafe extern "C" {
    safe fn boehm_start();
    safe fn boehm_heap_bytes() -> u64;
    safe fn boehm_tree_temporary(depth: u32) -> u64;
    safe fn boehm_tree_keep(depth: u32);
    safe fn boehm_tree_count_kept() -> u64;
    safe fn boehm_top_down(depth: u32) -> u64;
    safe fn boehm_bottom_up(depth: u32) -> u64;
    safe fn boehm_keep_top_down(depth: u32);
    safe fn boehm_keep_doubles(length: usize);
    safe fn boehm_double(index: usize) -> f64;
    safe fn boehm_list_keep(length: u64);
    safe fn boehm_list_sum() -> u64;
    safe fn boehm_list_temporary(length: u64) -> u64;
    safe fn boehm_churn(allocations: u64) -> u64;
    safe fn boehm_array_make(length: usize);
    safe fn boehm_array_value(field: usize) -> u64;
    safe fn boehm_pairs_make(length: usize);
    safe fn boehm_pairs_value(field: usize) -> u64;
    safe fn boehm_strings_make(places: usize);
    safe fn boehm_string_ends(place: usize) -> u64;
    safe fn boehm_pages_make(slots: usize);
    safe fn boehm_pages_replace(slot: usize, depth: u32);
    safe fn boehm_pages_count(slot: usize) -> u64;
    safe fn boehm_notes_make(slots: usize);
    safe fn boehm_notes_replace(slot: usize, note: u64);
    safe fn boehm_notes_note(slot: usize) -> u64;
    safe fn boehm_resources_make(slots: usize);
    safe fn boehm_resources_replace(slot: usize, value: u64);
    safe fn boehm_resources_value(slot: usize) -> u64;
    safe fn boehm_resources_close() -> u64;
    fn boehm_array_run(steps: *const Step, count: usize);
    fn boehm_pairs_run(steps: *const Step, count: usize);
    fn boehm_string_temporary(text: *const u8, length: usize) -> u64;
    fn boehm_string_keep(place: usize, text: *const u8, length: usize) -> c_int;
}

/// The programs, all on the one heap of the process.
#[derive(Debug)]
pub(super) struct Boehm(());

impl Boehm {
    /// Starts the collector. Only one program of a process may, on its first thread.
    pub(super) fn start() -> Self {
        boehm_start();
        Self(())
    }

    /// A heap with a list that stays.
    pub(super) fn keeping(objects: u64) -> Self {
        let heap = Self::start();
        boehm_list_keep(objects);
        heap
    }

    /// A heap with slots for trees.
    pub(super) fn with_pages(slots: usize) -> Self {
        let heap = Self::start();
        boehm_pages_make(slots);
        heap
    }

    /// A heap with slots for keys, and a table of notes.
    pub(super) fn with_notes(slots: usize) -> Self {
        let heap = Self::start();
        boehm_notes_make(slots);
        heap
    }

    /// A heap with slots for resources.
    pub(super) fn with_resources(slots: usize) -> Self {
        let heap = Self::start();
        boehm_resources_make(slots);
        heap
    }

    /// A heap with a table of strings.
    pub(super) fn with_strings(places: usize) -> Self {
        let heap = Self::start();
        boehm_strings_make(places);
        heap
    }
}

impl Forest for Boehm {
    fn temporary(&mut self, depth: u32) -> u64 {
        boehm_tree_temporary(depth)
    }

    fn keep(&mut self, depth: u32) {
        boehm_tree_keep(depth);
    }

    fn count_kept(&self) -> u64 {
        boehm_tree_count_kept()
    }
}

impl Grove for Boehm {
    fn top_down(&mut self, depth: u32) -> u64 {
        boehm_top_down(depth)
    }

    fn bottom_up(&mut self, depth: u32) -> u64 {
        boehm_bottom_up(depth)
    }

    fn keep_tree(&mut self, depth: u32) {
        boehm_keep_top_down(depth);
    }

    fn keep_doubles(&mut self, length: usize) {
        boehm_keep_doubles(length);
    }

    fn count_kept(&self) -> u64 {
        boehm_tree_count_kept()
    }

    fn double(&self, index: usize) -> f64 {
        boehm_double(index)
    }
}

impl LiveSet for Boehm {
    fn churn(&mut self, allocations: u64) -> u64 {
        boehm_churn(allocations)
    }

    fn sum(&self) -> u64 {
        boehm_list_sum()
    }
}

impl Lists for Boehm {
    fn temporary(&mut self, length: u64) -> u64 {
        boehm_list_temporary(length)
    }
}

/// The elements of an array.
#[derive(Debug)]
pub(super) struct Array(Boehm);

impl Fields for Array {
    type Settings = Boehm;

    fn of(fields: u32, heap: Boehm) -> Self {
        boehm_array_make(fields as usize);
        Self(heap)
    }

    #[expect(unsafe_code, reason = "a function in C")]
    fn repoint(&mut self, steps: &[Step]) {
        // SAFETY: so many steps are there to be read, and their fields are among those made.
        unsafe { boehm_array_run(steps.as_ptr(), steps.len()) }
    }

    fn value(&self, field: u32) -> u64 {
        boehm_array_value(field as usize)
    }
}

/// The fields of many nodes.
#[derive(Debug)]
pub(super) struct Nodes(Boehm);

impl Fields for Nodes {
    type Settings = Boehm;

    fn of(fields: u32, heap: Boehm) -> Self {
        boehm_pairs_make(fields as usize);
        Self(heap)
    }

    #[expect(unsafe_code, reason = "a function in C")]
    fn repoint(&mut self, steps: &[Step]) {
        // SAFETY: so many steps are there to be read, and their fields are among those made.
        unsafe { boehm_pairs_run(steps.as_ptr(), steps.len()) }
    }

    fn value(&self, field: u32) -> u64 {
        boehm_pairs_value(field as usize)
    }
}

impl Strings for Boehm {
    #[expect(unsafe_code, reason = "a function in C")]
    #[inline]
    fn temporary(&mut self, text: &str) -> u64 {
        // SAFETY: so many bytes are there to be read, and no text is empty.
        unsafe { boehm_string_temporary(text.as_ptr(), text.len()) }
    }

    #[expect(unsafe_code, reason = "a function in C")]
    #[inline]
    fn keep(&mut self, place: usize, text: &str) -> bool {
        // SAFETY: so many bytes are there to be read, no text is empty, and the place is in the table.
        unsafe { boehm_string_keep(place, text.as_ptr(), text.len()) != 0 }
    }

    fn kept_ends(&self, place: usize) -> u64 {
        boehm_string_ends(place)
    }
}

impl Replaced for Boehm {
    fn replace(&mut self, slot: usize, depth: u32) {
        boehm_pages_replace(slot, depth);
    }

    fn count(&self, slot: usize) -> u64 {
        boehm_pages_count(slot)
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(boehm_heap_bytes())
    }
}

impl Notes for Boehm {
    fn replace(&mut self, slot: usize, note: u64) {
        boehm_notes_replace(slot, note);
    }

    fn note(&mut self, slot: usize) -> Option<u64> {
        // Notes are shorter than 64 bits.
        Some(boehm_notes_note(slot)).filter(|&note| note != u64::MAX)
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(boehm_heap_bytes())
    }
}

impl Resources for Boehm {
    fn replace(&mut self, slot: usize, value: u64) {
        boehm_resources_replace(slot, value);
    }

    fn value(&mut self, slot: usize) -> u64 {
        boehm_resources_value(slot)
    }

    fn close(&mut self) -> u64 {
        boehm_resources_close()
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(boehm_heap_bytes())
    }
}
