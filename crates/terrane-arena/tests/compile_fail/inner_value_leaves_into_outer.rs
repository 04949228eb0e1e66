use terrane_arena::Arena;

fn main() {
    let mut arena = Arena::new();
    arena.scope(|outer| {
        let kept: &mut Option<&i32> = outer.alloc(None);
        outer.scope(|inner| *kept = Some(inner.alloc(1)));
    });
}
