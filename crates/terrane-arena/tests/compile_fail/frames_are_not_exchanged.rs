use terrane_arena::Arena;

fn main() {
    let (mut one, mut other) = (Arena::new(), Arena::new());
    one.scope(|one| other.scope(|other| std::mem::swap(one, other)));
}
