use terrane_arena::Arena;

fn main() {
    let mut arena = Arena::new();
    let number = arena.alloc(1);
    arena.reset();
    *number = 2;
}
