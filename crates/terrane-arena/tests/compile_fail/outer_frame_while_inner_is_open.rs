use terrane_arena::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scope(|outer| {
        let mut guard = outer.enter();
        let inner = guard.frame().alloc(1);
        outer.alloc(2);
        *inner = 3;
    });
}
