//! Tells the crate whether it is built for AddressSanitizer: `cfg(sanitize)` itself is to be had on nightly compilers only.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(terrane_asan)");
    println!("cargo::rustc-check-cfg=cfg(loom)");
    if std::env::var("CARGO_CFG_SANITIZE").is_ok_and(|names| names.split(',').any(|name| name == "address")) {
        println!("cargo::rustc-cfg=terrane_asan");
    }
}
