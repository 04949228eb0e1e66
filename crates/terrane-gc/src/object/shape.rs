//! Where a type keeps its references, as far as the compiler can tell.

/// Words that a [`Shape::Words`] can describe.
const WORDS_MAX: usize = 64;

/// Where a value keeps its references to other objects.
///
/// A map of words lets the collector find the slots of an object without calling anything; it is put together
/// at compile time from the shapes of the fields. What depends on the value (an enum with references in some
/// variants) is [`Dynamic`](Self::Dynamic).
///
/// ```
/// use terrane_gc::Shape;
///
/// let pair = Shape::Words(1).and(Shape::Words(1).at(8));
/// assert_eq!(pair, Shape::Words(0b11));
/// assert_eq!(pair.and(Shape::Dynamic), Shape::Dynamic);
/// assert!(Shape::LEAF.is_leaf());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Bit `i` is set when the word at byte offset `8 * i` is a reference or null.
    Words(u64),
    /// Only [`Trace::trace`](crate::Trace::trace) knows.
    Dynamic,
}

impl Shape {
    /// No references at all.
    pub const LEAF: Self = Self::Words(0);

    /// Whether there are no references.
    #[must_use]
    pub const fn is_leaf(self) -> bool {
        matches!(self, Self::Words(0))
    }

    /// The shape of the same value `offset_bytes` further on in a larger one. Beyond 64 words, or off a multiple of
    /// eight, a reference makes the answer `Dynamic`.
    #[must_use]
    pub const fn at(self, offset_bytes: usize) -> Self {
        match self {
            Self::Words(0) => self,
            Self::Words(words) => {
                let shift = offset_bytes / 8;
                let lost = shift >= WORDS_MAX || words.leading_zeros() < shift as u32;
                if lost || !offset_bytes.is_multiple_of(8) {
                    Self::Dynamic
                } else {
                    Self::Words(words << shift)
                }
            }
            Self::Dynamic => Self::Dynamic,
        }
    }

    /// References of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Words(left), Self::Words(right)) => Self::Words(left | right),
            _ => Self::Dynamic,
        }
    }

    /// The shape of a value that has either of two shapes, depending on the value.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Words(left), Self::Words(right)) if left == right => self,
            _ => Self::Dynamic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_do_not_fit_the_map_are_dynamic() {
        assert_eq!(Shape::Words(1).at(63 * 8), Shape::Words(1 << 63));
        assert_eq!(Shape::Words(1).at(64 * 8), Shape::Dynamic);
        assert_eq!(Shape::Words(0b10).at(63 * 8), Shape::Dynamic);
        assert_eq!(Shape::Words(1).at(4), Shape::Dynamic);
        assert_eq!(Shape::LEAF.at(4 << 20), Shape::LEAF);
    }

    #[test]
    fn variants_agree_or_the_shape_is_dynamic() {
        assert_eq!(Shape::Words(1).or(Shape::Words(1)), Shape::Words(1));
        assert_eq!(Shape::Words(1).or(Shape::LEAF), Shape::Dynamic);
    }
}
