//! Spans of generated code.

use proc_macro2::Span;
use syn::spanned::Spanned;

/// Where errors about `tokens` point, for code that was generated: lints that look at the origin of code (among them
/// `unsafe_code`) see that nobody wrote it by hand.
pub(crate) fn generated_at(tokens: &impl Spanned) -> Span {
    Span::call_site().located_at(tokens.span())
}
