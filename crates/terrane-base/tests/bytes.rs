//! Amounts of memory: what is printed can be read back, and what is not an amount is refused with its place.

use proptest::prelude::*;
use terrane_base::{Bytes, ParseBytesErrorKind};

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Amounts of every order of magnitude, also around powers of 1024.
fn amounts() -> impl Strategy<Value = u64> {
    prop_oneof![
        (any::<u64>(), 0..64_u32).prop_map(|(bits, shift)| bits >> shift),
        (0..7_u32, -600_000..600_000_i64)
            .prop_map(|(power, off)| (1_u64 << (10 * power)).saturating_add_signed(off)),
        any::<u64>(),
        (0..=u64::MAX >> 50, 0..5_u32).prop_map(|(count, power)| count << (10 * power)),
    ]
}

fn parse(text: &str) -> Result<u64, (ParseBytesErrorKind, usize)> {
    text.parse::<Bytes>().map(Bytes::as_u64).map_err(|error| (error.kind(), error.offset()))
}

proptest! {
    #[test]
    fn the_exact_form_reads_back_exactly(amount in amounts()) {
        prop_assert_eq!(parse(&format!("{:#}", Bytes::new(amount))), Ok(amount));
        prop_assert_eq!(parse(&amount.to_string()), Ok(amount));
    }

    #[test]
    fn the_rounded_form_reads_back_within_half_a_hundredth(amount in amounts()) {
        let text = Bytes::new(amount).to_string();
        let (number, unit) = text.split_once(' ').unwrap();
        let power = UNITS.iter().position(|name| *name == unit).unwrap();
        let read = parse(&text).unwrap();
        // Half a hundredth for printing, a byte for reading; the last values below 16 EiB are rounded down.
        let step = (1_u64 << (10 * power)) / if amount > u64::MAX - (1 << 54) { 100 } else { 200 };
        prop_assert!(read.abs_diff(amount) <= step + 1, "{} for {}", text, amount);
        prop_assert!(number.parse::<f64>().unwrap() < 1024.0, "{} wants a larger unit", text);
        prop_assert!(power == 0 || number.parse::<f64>().unwrap() >= 1.0, "{} wants a smaller unit", text);
        prop_assert!(!number.contains('.') || !number.ends_with('0'), "{} has a needless zero", text);
    }

    #[test]
    fn whole_units_print_without_fraction(count in 1..1024_u64, power in 0..6_usize) {
        let amount = Bytes::new(count << (10 * power));
        prop_assert_eq!(amount.to_string(), format!("{count} {}", UNITS[power]));
    }

    #[test]
    fn spaces_case_and_short_units_do_not_matter(
        count in 0..1_000_000_u64, power in 1..5_usize, before in " {0,2}", between in " {0,2}", after in "[ \t\n]{0,2}",
    ) {
        let expected = Ok(count << (10 * power));
        let unit = UNITS[power];
        for unit in [unit, &unit[..1], &unit.to_lowercase(), &unit[..1].to_lowercase(), &unit.to_uppercase()] {
            prop_assert_eq!(parse(&format!("{before}{count}{between}{unit}{after}")), expected);
        }
    }

    #[test]
    fn fractions_are_rounded_down_to_bytes(whole in 0..4096_u64, fraction in "[0-9]{1,12}", power in 1..5_usize) {
        let unit = 1_u128 << (10 * power);
        let scale = 10_u128.pow(fraction.len() as u32);
        let expected = u128::from(whole) * unit + fraction.parse::<u128>().unwrap() * unit / scale;
        prop_assert_eq!(parse(&format!("{whole}.{fraction}{}", UNITS[power])), Ok(expected as u64));
    }

    #[test]
    fn any_text_is_an_amount_or_refused_at_one_of_its_characters(text in "\\PC{0,12}|[0-9. KMGTiIbBé]{0,12}") {
        if let Err((_, offset)) = parse(&text) {
            prop_assert!(text.is_char_boundary(offset), "byte {} of {:?}", offset, text);
        }
    }

    #[test]
    fn arithmetic_is_that_of_integers(a in amounts(), b in amounts()) {
        let (x, y) = (Bytes::new(a), Bytes::new(b));
        prop_assert_eq!(x.checked_add(y), a.checked_add(b).map(Bytes::new));
        prop_assert_eq!(x.checked_sub(y), a.checked_sub(b).map(Bytes::new));
        prop_assert_eq!(x.checked_mul(b), a.checked_mul(b).map(Bytes::new));
        prop_assert_eq!(x.saturating_add(y).as_u64(), a.saturating_add(b));
        prop_assert_eq!(x.saturating_sub(y).as_u64(), a.saturating_sub(b));
        prop_assert_eq!(x.saturating_mul(b).as_u64(), a.saturating_mul(b));
        prop_assert_eq!([x, y].into_iter().sum::<Bytes>(), x.saturating_add(y));
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
    }
}

#[test]
fn rounding_carries_into_the_next_unit() {
    for (amount, text) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1025, "1 KiB"),
        (1029, "1 KiB"),
        (1030, "1.01 KiB"),
        (1280, "1.25 KiB"),
        ((1 << 20) - 6, "1023.99 KiB"),
        ((1 << 20) - 5, "1 MiB"),
        ((1 << 60) - 1, "1 EiB"),
        (u64::MAX, "15.99 EiB"),
    ] {
        assert_eq!(Bytes::new(amount).to_string(), text, "{amount}");
    }
}

#[test]
fn printing_respects_the_width() {
    let amount = Bytes::from_kib(3);
    assert_eq!(format!("[{amount:8}]"), "[3 KiB   ]");
    assert_eq!(format!("[{amount:>8}]"), "[   3 KiB]");
    assert_eq!(format!("[{amount:*^8}]"), "[*3 KiB**]");
    assert_eq!(format!("[{amount:2.1}]"), "[3 KiB]", "never cut off");
}

#[test]
fn refusals_say_what_and_where() {
    use ParseBytesErrorKind::*;
    for (text, kind, offset) in [
        ("", Empty, 0),
        ("  ", Empty, 0),
        ("MiB", ExpectedDigit, 0),
        (" -5", ExpectedDigit, 1),
        ("+5", ExpectedDigit, 0),
        (".5 GiB", ExpectedDigit, 0),
        ("1.GiB", ExpectedDigit, 2),
        ("1. 5GiB", ExpectedDigit, 2),
        ("64 parsecs", UnknownUnit, 3),
        ("1 2", UnknownUnit, 2),
        ("1.5.5 KiB", UnknownUnit, 3),
        ("7é", UnknownUnit, 1),
        ("7 Ki", UnknownUnit, 2),
        ("64 MB", AmbiguousUnit, 3),
        ("64kb", AmbiguousUnit, 2),
        ("1.5", FractionOfByte, 1),
        ("20.25 B", FractionOfByte, 2),
        ("16EiB", TooLarge, 0),
        (" 18446744073709551616", TooLarge, 1),
        ("99999999999999999999999999999999999999999999999999 KiB", TooLarge, 0),
    ] {
        assert_eq!(parse(text), Err((kind, offset)), "{text:?}");
    }
    let error = "64 MB".parse::<Bytes>().unwrap_err();
    assert_eq!(error.to_string(), "ambiguous unit, write KiB, MiB, GiB or TiB (at byte 3)");
}

#[test]
fn constructors_saturate() {
    assert_eq!(Bytes::from_gib(1 << 34), Bytes::MAX);
    assert_eq!(Bytes::from_kib(u64::MAX), Bytes::MAX);
    assert_eq!(Bytes::from_mib(u64::MAX), Bytes::MAX);
    assert_eq!(Bytes::from_gib(2).as_u64(), 2 << 30);
    assert_eq!(Bytes::from_mib(3).as_usize(), 3 << 20);
    assert_eq!(Bytes::from(7_usize), Bytes::from(7_u64));
}
