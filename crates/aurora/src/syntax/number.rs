//! Number literals.
//!
//! Exact integers are fixnums of 63 bits in this version; a literal beyond them is an error rather
//! than a rounded number.

/// A number as read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Fixnum(i64),
    Flonum(f64),
}

/// Largest and smallest fixnum.
pub(crate) const FIXNUM_MAX: i64 = (1 << 62) - 1;
pub(crate) const FIXNUM_MIN: i64 = -(1 << 62);

/// Why a token that looks like a number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// It is not a number at all (so it may be a symbol).
    NotANumber,
    /// An exact integer that does not fit a fixnum.
    TooLarge,
}

/// Reads `text` as a number in the given radix (2, 8, 10 or 16); prefixes `#x`, `#e`… are honoured.
pub(crate) fn parse_number(text: &str, radix: u32) -> Result<Number, NumberError> {
    let (text, radix, exactness) = strip_prefixes(text, radix)?;
    let number = match text {
        "+inf.0" => Number::Flonum(f64::INFINITY),
        "-inf.0" => Number::Flonum(f64::NEG_INFINITY),
        "+nan.0" | "-nan.0" => Number::Flonum(f64::NAN),
        _ => match parse_integer(text, radix) {
            Err(NumberError::NotANumber) if radix == 10 => parse_decimal(text)?,
            Err(NumberError::TooLarge) if exactness == Some('i') => parse_decimal(text)?,
            other => other?,
        },
    };
    apply_exactness(number, exactness)
}

fn strip_prefixes(mut text: &str, mut radix: u32) -> Result<(&str, u32, Option<char>), NumberError> {
    let mut exactness = None;
    while let Some(rest) = text.strip_prefix('#') {
        let Some(letter) = rest.chars().next() else { return Err(NumberError::NotANumber) };
        match letter.to_ascii_lowercase() {
            'x' => radix = 16,
            'b' => radix = 2,
            'o' => radix = 8,
            'd' => radix = 10,
            mark @ ('e' | 'i') => exactness = Some(mark),
            _ => return Err(NumberError::NotANumber),
        }
        text = &rest[letter.len_utf8()..];
    }
    Ok((text, radix, exactness))
}

fn parse_integer(text: &str, radix: u32) -> Result<Number, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(NumberError::NotANumber);
    }
    match i64::from_str_radix(text, radix) {
        Ok(value) if (FIXNUM_MIN..=FIXNUM_MAX).contains(&value) => Ok(Number::Fixnum(value)),
        _ => Err(NumberError::TooLarge),
    }
}

/// Decimal notation with a point or an exponent. Rust's own parser also takes `inf`, `nan` and
/// `infinity`, which are symbols in Scheme, so the shape is checked first.
fn parse_decimal(text: &str) -> Result<Number, NumberError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let shaped = digits.chars().any(|c| c.is_ascii_digit())
        && digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if !shaped {
        return Err(NumberError::NotANumber);
    }
    text.parse().map(Number::Flonum).map_err(|_| NumberError::NotANumber)
}

fn apply_exactness(number: Number, exactness: Option<char>) -> Result<Number, NumberError> {
    match (exactness, number) {
        (Some('i'), Number::Fixnum(value)) => Ok(Number::Flonum(value as f64)),
        (Some('e'), Number::Flonum(value)) => {
            // As a flonum the largest fixnum is rounded up to the first number that is none.
            let whole = value.trunc() == value && value >= FIXNUM_MIN as f64 && value < FIXNUM_MAX as f64;
            if whole { Ok(Number::Fixnum(value as i64)) } else { Err(NumberError::TooLarge) }
        }
        _ => Ok(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_integers_of_every_radix() {
        assert_eq!(parse_number("42", 10), Ok(Number::Fixnum(42)));
        assert_eq!(parse_number("-7", 10), Ok(Number::Fixnum(-7)));
        assert_eq!(parse_number("#xff", 10), Ok(Number::Fixnum(255)));
        assert_eq!(parse_number("#b-101", 10), Ok(Number::Fixnum(-5)));
        assert_eq!(parse_number("#e1e3", 10), Ok(Number::Fixnum(1000)));
    }

    #[test]
    fn reads_decimals() {
        assert_eq!(parse_number("1.5e2", 10), Ok(Number::Flonum(150.0)));
        assert_eq!(parse_number(".5", 10), Ok(Number::Flonum(0.5)));
        assert_eq!(parse_number("-inf.0", 10), Ok(Number::Flonum(f64::NEG_INFINITY)));
        assert_eq!(parse_number("#i3", 10), Ok(Number::Flonum(3.0)));
    }

    #[test]
    fn symbols_are_not_numbers() {
        for text in ["+", "-", "...", "inf", "nan", "infinity", "1+", "e5", "-x", ""] {
            assert_eq!(parse_number(text, 10), Err(NumberError::NotANumber), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_never_rounded() {
        assert_eq!(parse_number("4611686018427387904", 10), Err(NumberError::TooLarge));
        assert_eq!(parse_number("-4611686018427387904", 10), Ok(Number::Fixnum(FIXNUM_MIN)));
        assert_eq!(parse_number("99999999999999999999999", 10), Err(NumberError::TooLarge));
        assert_eq!(parse_number("#e4611686018427387904.0", 10), Err(NumberError::TooLarge));
        assert_eq!(parse_number("#e-4611686018427387904.0", 10), Ok(Number::Fixnum(FIXNUM_MIN)));
    }
}
