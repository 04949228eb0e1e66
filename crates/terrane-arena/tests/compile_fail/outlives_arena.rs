use terrane_arena::Arena;

fn main() {
    let number: &mut i32;
    {
        let arena = Arena::new();
        number = arena.alloc(1);
    }
    *number = 2;
}
