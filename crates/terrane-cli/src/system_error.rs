//! What the operating system says went wrong, for a person: "No such file or directory".

use std::io;

/// The text of the error without the number that the standard library appends to it.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_left_out() {
        let missing = std::fs::read("/no/such/file").unwrap_err();
        assert!(missing.to_string().contains("os error"));
        assert!(!describe(&missing).contains("os error") && !describe(&missing).is_empty());
        assert_eq!(describe(&io::Error::other("plain")), "plain");
    }
}
