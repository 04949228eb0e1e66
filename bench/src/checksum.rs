//! Folding what a program computed into one word, so that contenders can be compared.

/// `sum` with `value` mixed in; the order matters.
///
/// The odd multiplier is 2⁶⁴ divided by the golden ratio (Knuth, *The Art of Computer Programming* 3, §6.4).
#[must_use]
#[inline]
pub fn mix(sum: u64, value: u64) -> u64 {
    (sum.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// All `values`, in order.
#[must_use]
pub fn of(values: impl IntoIterator<Item = u64>) -> u64 {
    values.into_iter().fold(1, mix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_length_and_value_all_matter() {
        let sums = [of([]), of([0]), of([0, 0]), of([1, 2]), of([2, 1]), of([1, 3])];
        for (index, sum) in sums.iter().enumerate() {
            assert!(!sums[index + 1..].contains(sum), "{sums:x?}");
        }
    }
}
