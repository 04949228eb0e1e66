//! Tells the compiler that `cfg(loom)` and `cfg(terrane_asan)` are names this crate knows.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(loom)");
    println!("cargo::rustc-check-cfg=cfg(terrane_asan)");
}
