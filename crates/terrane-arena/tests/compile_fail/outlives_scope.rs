use terrane_arena::Arena;

fn main() {
    let mut arena = Arena::new();
    let number: &mut i32 = arena.scope(|frame| frame.alloc(1));
    *number = 2;
}
