//! Public behaviour of the raw tier.

mod model;
mod smoke;
