//! Small programs with known answers, and large ones.

mod case;
mod frame;
mod heap;
mod size;
