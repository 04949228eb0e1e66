use terrane_arena::Arena;

fn main() {
    let mut arena = Arena::new();
    let checkpoint = arena.checkpoint();
    let held = arena.alloc_box(String::new());
    arena.rewind(checkpoint).unwrap();
    drop(held);
}
