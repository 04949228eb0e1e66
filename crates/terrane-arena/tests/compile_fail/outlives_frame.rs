use terrane_arena::Arena;

fn main() {
    let mut arena = Arena::new();
    let mut guard = arena.enter();
    let number = guard.frame().alloc(1);
    guard.leave();
    *number = 2;
}
