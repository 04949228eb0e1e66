//! Values that live as long as the program's data do: one arena, references all over, and one release at the end.
//!
//! `cargo run -p terrane-arena --example long_lived`

use std::cell::Cell;
use terrane_arena::{Arena, ArenaStrategy, Bytes};

/// A graph with cycles: no counting of references, no indices.
struct Town<'a> {
    name: &'a str,
    neighbours: Cell<&'a [&'a Town<'a>]>,
}

struct Map<'a> {
    towns: &'a [&'a Town<'a>],
}

fn main() {
    let strategy = ArenaStrategy::new().initial_size(Bytes::from_mib(1)).max_size(Bytes::from_mib(8));
    let mut arena = Arena::with_strategy(strategy);

    let map = load(&arena);
    for town in map.towns {
        let names: Vec<&str> = town.neighbours.get().iter().map(|other| other.name).collect();
        println!("{}: {}", town.name, names.join(", "));
    }
    let round_trip = map.towns[0].neighbours.get()[0].neighbours.get()[0];
    assert!(std::ptr::eq(round_trip, map.towns[0]));
    println!("{} B used of {}", arena.used_bytes(), Bytes::from_usize(arena.committed_bytes()));

    arena.release();
    assert_eq!(arena.committed_bytes(), 0);
}

fn load(arena: &Arena) -> Map<'_> {
    let names = ["Arles", "Beaucaire", "Crest"];
    let towns = arena.alloc_slice_from_iter(names.iter().map(|name| {
        let name = arena.alloc_str(name);
        &*arena.alloc(Town { name, neighbours: Cell::new(&[]) })
    }));
    for (index, town) in towns.iter().enumerate() {
        let others = [towns[(index + 1) % towns.len()], towns[(index + 2) % towns.len()]];
        let mut others = others;
        others.sort_by_key(|other| other.name);
        town.neighbours.set(arena.alloc_slice_copy(&others));
    }
    Map { towns }
}
