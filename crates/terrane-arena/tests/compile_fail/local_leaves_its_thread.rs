use terrane_arena::ConcurrentArena;

fn main() {
    let arena = ConcurrentArena::new();
    let local = arena.local();
    std::thread::scope(|threads| {
        threads.spawn(move || {
            local.alloc(1);
        });
    });
}
