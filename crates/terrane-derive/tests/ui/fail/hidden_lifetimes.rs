//! As `wrong_lifetimes`, behind aliases.
use terrane_gc::{Gc, GcField, Trace};

type Swapped<'a, 'b> = GcField<'b, 'a, u8>;
type Forever<'h> = Gc<'h, 'static, u8>;
type Anywhere<'m> = Gc<'static, 'm, u8>;
type Free = Gc<'static, 'static, u8>;

#[derive(Trace)]
struct Exchanged<'h, 'm>(Swapped<'h, 'm>);

#[derive(Trace)]
struct Moment<'h, 'm>(Gc<'h, 'm, u8>, Forever<'h>);

#[derive(Trace)]
struct Brand<'h, 'm>(Gc<'h, 'm, u8>, [Anywhere<'m>; 2]);

#[derive(Trace)]
struct Neither(Free);

#[derive(Trace)]
enum Variant<'h, 'm> {
    One(Option<Forever<'h>>),
    Two { fine: Gc<'h, 'm, u8> },
}

fn main() {}
