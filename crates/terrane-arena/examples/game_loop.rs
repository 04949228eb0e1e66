//! A game's loop: what is needed for one picture is allocated in a frame and forgotten with it; what lives longer is
//! in an arena of its own that drops what dies.
//!
//! `cargo run -p terrane-arena --example game_loop`

use terrane_arena::{Arena, Frame, TypedArena};

struct Creature {
    name: String,
    position: f32,
    speed: f32,
}

/// What is drawn: made anew for each picture.
struct Sprite<'f> {
    x: i32,
    label: &'f str,
}

fn main() {
    let mut creatures = TypedArena::new();
    creatures.extend(["ant", "bee", "cat"].into_iter().zip(1u8..).map(|(name, speed)| Creature {
        name: name.to_owned(),
        position: 0.0,
        speed: f32::from(speed),
    }));

    let mut pictures = Arena::new();
    let mut drawn = 0;
    for tick in 0..600u32 {
        for creature in creatures.iter_mut() {
            creature.position = (creature.position + creature.speed / 60.0) % 100.0;
        }
        drawn += pictures.scope(|frame| draw(tick, &mut creatures, frame));
    }
    println!("{drawn} sprites drawn; {} B for a picture at most", pictures.peak_bytes());
    assert_eq!((drawn, pictures.used_bytes(), pictures.blocks()), (1_800, 0, 1));

    creatures.reset(); // drops the names
    assert!(creatures.is_empty());
}

fn draw(tick: u32, creatures: &mut TypedArena<Creature>, frame: &mut Frame<'_>) -> usize {
    let sprites: &mut [Sprite<'_>] =
        frame.alloc_slice_from_iter(creatures.iter_mut().map(|creature| Sprite {
            x: creature.position as i32,
            label: frame.alloc_fmt(format_args!("{}@{tick}", creature.name)),
        }));
    sprites.sort_by_key(|sprite| sprite.x);
    sprites.iter().filter(|sprite| !sprite.label.is_empty()).count()
}
