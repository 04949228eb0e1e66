//! Public behaviour of the raw tier.

#![allow(unreachable_pub, missing_debug_implementations)]

mod model;
mod properties;
mod shadow;
mod smoke;
