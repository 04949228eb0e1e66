//! Prints the page of the documentation that lists every option: `docs/configuration.md` is its output.
fn main() {
    print!("{}", terrane::reference_page());
}
