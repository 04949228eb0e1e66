//! The outputs of a measured row: JSON lines for machines, lines of a table for people.

use crate::json::Object;
use crate::orchestrator::{Figure, Figures};
use crate::row::{Contender, Mode, Row, Tier, Unit, When};
use std::fmt::Write as _;

/// One JSON object for each tier of ours and each rival:
/// `{"bench","ours_ns","rival","rival_ns","ratio"[,"tier"],"unit","rounds","mode","ours_ns_min","rival_ns_min","ratio_min"[,"ours_peak_bytes","rival_peak_bytes"]}`,
/// and after these what else was measured, as `ours_NAME` and `rival_NAME`.
#[must_use]
pub fn json_lines(row: &Row, figures: &Figures, mode: Mode) -> Vec<String> {
    let line = |(tier, ours, rival)| json_line(row, tier, [ours, rival], figures.rounds, mode);
    pairs(row, figures).map(line).collect()
}

/// Ours, on one tier after the other, beside each of the rivals.
fn pairs<'a>(
    row: &'a Row,
    figures: &'a Figures,
) -> impl Iterator<Item = (Option<Tier>, &'a Figure, &'a Figure)> {
    let others = figures.other_tiers.iter().map(|(tier, figure)| (Some(*tier), figure));
    let tiers = std::iter::once((row.tier, &figures.ours)).chain(others);
    tiers.flat_map(|(tier, ours)| figures.rivals.iter().map(move |rival| (tier, ours, rival)))
}

fn json_line(
    row: &Row,
    tier: Option<Tier>,
    [ours, rival]: [&Figure; 2],
    rounds: usize,
    mode: Mode,
) -> String {
    let decimals = match row.unit {
        Unit::Operation => 3,
        Unit::Run | Unit::Peak => 0,
    };
    let mut object = Object::new()
        .text("bench", &row.name)
        .number("ours_ns", ours.ns, decimals)
        .text("rival", rival.id)
        .number("rival_ns", rival.ns, decimals)
        .number("ratio", ratio(row, ours, rival), 3);
    if let Some(tier) = tier {
        object = object.text("tier", &tier.to_string());
    }
    object = object
        .text("unit", &row.unit.to_string())
        .integer("rounds", rounds as u64)
        .text("mode", mode.word())
        .number("ours_ns_min", ours.ns_min, decimals)
        .number("rival_ns_min", rival.ns_min, decimals);
    if row.unit != Unit::Peak {
        object = object.number("ratio_min", ours.ns_min / rival.ns_min, 3);
    }
    for (name, bytes) in [("ours_peak_bytes", ours.peak_bytes), ("rival_peak_bytes", rival.peak_bytes)] {
        if let Some(bytes) = bytes {
            object = object.integer(name, bytes);
        }
    }
    for (side, figure) in [("ours", ours), ("rival", rival)] {
        for (name, value) in &figure.details {
            object = object.number(&format!("{side}_{name}"), *value, decimals_of(name));
        }
    }
    object.finish()
}

/// Ours by the rival's, of what the row compares.
#[expect(clippy::cast_precision_loss, reason = "a memory has fewer than 2^53 bytes")]
fn ratio(row: &Row, ours: &Figure, rival: &Figure) -> f64 {
    match (row.unit, ours.peak_bytes, rival.peak_bytes) {
        (Unit::Peak, Some(ours), Some(rival)) => ours as f64 / rival as f64,
        _ => ours.ns / rival.ns,
    }
}

fn decimals_of(name: &str) -> usize {
    if name.ends_with("_ns") || name.ends_with("_bytes") { 0 } else { 3 }
}

/// What `--list` says about a row.
#[must_use]
pub fn description(row: &Row) -> String {
    let (tiers, rivals): (Vec<&Contender>, Vec<&Contender>) =
        row.rivals.iter().partition(|rival| rival.other_tier.is_some());
    let rivals: Vec<&str> = rivals.iter().map(|rival| rival.id).collect();
    let tiers = row.tier.into_iter().chain(tiers.iter().filter_map(|ours| ours.other_tier));
    let tiers: Vec<String> = tiers.map(|tier| tier.to_string()).collect();
    let tiers = if tiers.is_empty() { String::new() } else { format!(" ({} tier)", tiers.join(" and ")) };
    let when = match row.when {
        When::Always => "",
        When::Full => "; full runs only",
        When::Quick => "; quick runs only",
        When::Named => "; only when named",
    };
    let Row { name, about, unit, .. } = row;
    format!("{name:<36} ns per {unit}{tiers}; against {}{when}\n    {about}\n", rivals.join(", "))
}

/// The heading of the table.
#[must_use]
pub fn heading() -> String {
    format!(
        "{:<40} {:<4} {:>12}  {:<20} {:>12}  {:>6}  {:>7}",
        "", "tier", "ours", "rival", "", "ratio", "spread"
    )
}

/// One line of the table for each tier of ours and each rival, then one for what else was measured of each contender.
#[must_use]
pub fn lines(row: &Row, figures: &Figures) -> Vec<String> {
    let line = |(tier, ours, rival): (Option<Tier>, &Figure, &Figure)| {
        let tier = tier.map(|tier| tier.to_string()).unwrap_or_default();
        let mut line = format!("{:<40} {tier:<4} {:>12}", row.name, compared(row, ours));
        let ratio = ratio(row, ours, rival);
        let spread = ours.spread.max(rival.spread) * 100.0;
        write!(line, "  {:<20} {:>12}  {ratio:>6.3}  {spread:>5.0} %", rival.id, compared(row, rival))
            .expect("a string takes all text");
        line
    };
    let others = figures.other_tiers.iter().map(|(_, figure)| figure);
    let all = std::iter::once(&figures.ours).chain(others).chain(&figures.rivals);
    let with_details = all.filter(|figure| !figure.details.is_empty());
    pairs(row, figures).map(line).chain(with_details.map(details_line)).collect()
}

/// What the row compares of a contender.
fn compared(row: &Row, figure: &Figure) -> String {
    match (row.unit, figure.peak_bytes) {
        (Unit::Peak, Some(bytes)) => mebibytes(bytes),
        _ => time(figure.ns),
    }
}

fn details_line(figure: &Figure) -> String {
    let detail = |(name, value): &(String, f64)| match name.strip_suffix("_ns") {
        Some(name) => format!("{} {}", name.replace('_', " "), time(*value)),
        None => match name.strip_suffix("_bytes") {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and positive")]
            Some(name) => format!("{} {}", name.replace('_', " "), mebibytes(*value as u64)),
            None => format!("{} {value:.2}", name.replace('_', " ")),
        },
    };
    let details: Vec<String> = figure.details.iter().map(detail).collect();
    format!("    {}: {}", figure.id, details.join(" | "))
}

fn mebibytes(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a memory has fewer than 2^53 bytes")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    format!("{mebibytes:.1} MiB")
}

/// A time for people, with three or four digits that matter.
fn time(ns: f64) -> String {
    match ns {
        _ if ns < 100.0 => format!("{ns:.2} ns"),
        _ if ns < 1e4 => format!("{ns:.0} ns"),
        _ if ns < 1e7 => format!("{:.1} µs", ns / 1e3),
        _ if ns < 1e10 => format!("{:.1} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Contender, Home, OURS, OURS_SAFE, Rounds, Tier, When};

    fn row(tier: Option<Tier>, unit: Unit) -> Row {
        Row {
            name: "area/case/16".to_owned(),
            about: String::new(),
            tier,
            unit,
            when: When::Always,
            threads: 1,
            rounds: Rounds::LOOPS,
            ours: Contender::new(OURS, Home::Glibc, |_| unreachable!("nothing is measured here")),
            rivals: Vec::new(),
        }
    }

    fn figure(id: &'static str, ns: f64, peak_bytes: Option<u64>) -> Figure {
        Figure { id, ns, ns_min: ns / 2.0, spread: 0.1, peak_bytes, details: Vec::new() }
    }

    #[test]
    fn a_row_outside_the_collector_has_no_tier() {
        let figures = Figures {
            ours: figure(OURS, 0.5, None),
            other_tiers: Vec::new(),
            rivals: vec![figure("bumpalo", 0.625, None), figure("glibc", 7.25, None)],
            rounds: 9,
        };
        assert_eq!(
            json_lines(&row(None, Unit::Operation), &figures, Mode::Full),
            [
                r#"{"bench":"area/case/16","ours_ns":0.500,"rival":"bumpalo","rival_ns":0.625,"ratio":0.800,"unit":"operation","rounds":9,"mode":"full","ours_ns_min":0.250,"rival_ns_min":0.312,"ratio_min":0.800}"#,
                r#"{"bench":"area/case/16","ours_ns":0.500,"rival":"glibc","rival_ns":7.250,"ratio":0.069,"unit":"operation","rounds":9,"mode":"full","ours_ns_min":0.250,"rival_ns_min":3.625,"ratio_min":0.069}"#,
            ]
        );
    }

    #[test]
    fn a_row_of_the_collector_names_its_tier_and_the_peaks() {
        let figures = Figures {
            ours: figure(OURS, 2.5e8, Some(1 << 20)),
            other_tiers: Vec::new(),
            rivals: vec![figure("gc-arena", 2e9, Some(1 << 22))],
            rounds: 5,
        };
        assert_eq!(
            json_lines(&row(Some(Tier::Raw), Unit::Run), &figures, Mode::Quick),
            [
                r#"{"bench":"area/case/16","ours_ns":250000000,"rival":"gc-arena","rival_ns":2000000000,"ratio":0.125,"tier":"raw","unit":"run","rounds":5,"mode":"quick","ours_ns_min":125000000,"rival_ns_min":1000000000,"ratio_min":0.125,"ours_peak_bytes":1048576,"rival_peak_bytes":4194304}"#
            ]
        );
    }

    #[test]
    fn each_tier_of_ours_is_compared_with_each_rival() {
        let figures = Figures {
            ours: figure(OURS, 2.0, None),
            other_tiers: vec![(Tier::Safe, figure(OURS_SAFE, 3.0, None))],
            rivals: vec![figure("gc-arena", 4.0, None), figure("glibc", 8.0, None)],
            rounds: 1,
        };
        let row = row(Some(Tier::Raw), Unit::Operation);
        let lines = json_lines(&row, &figures, Mode::Full);
        let expected = [
            ("raw", "gc-arena", 0.5),
            ("raw", "glibc", 0.25),
            ("safe", "gc-arena", 0.75),
            ("safe", "glibc", 0.375),
        ];
        assert_eq!(lines.len(), expected.len());
        for (line, (tier, rival, ratio)) in lines.iter().zip(expected) {
            for part in [
                format!(r#""tier":"{tier}""#),
                format!(r#""rival":"{rival}""#),
                format!(r#""ratio":{ratio:.3}"#),
            ] {
                assert!(line.contains(&part), "{line}");
            }
        }
        assert_eq!(super::lines(&row, &figures)[2].split_whitespace().nth(1), Some("safe"));
    }

    #[test]
    fn the_table_has_a_line_for_each_rival_under_its_heading() {
        let figures = Figures {
            ours: figure(OURS, 0.5, None),
            other_tiers: Vec::new(),
            rivals: vec![figure("bumpalo", 0.625, None), figure("glibc", 7.25, None)],
            rounds: 9,
        };
        let lines = lines(&row(None, Unit::Operation), &figures);
        assert_eq!(lines.len(), 2);
        let words: Vec<&str> = lines[0].split_whitespace().collect();
        assert_eq!(words, ["area/case/16", "0.50", "ns", "bumpalo", "0.62", "ns", "0.800", "10", "%"]);
        assert_eq!(heading().chars().count(), lines[0].chars().count());
    }

    #[test]
    fn a_row_of_peaks_compares_them() {
        let figures = Figures {
            ours: figure(OURS, 2.0, Some(3 << 20)),
            other_tiers: Vec::new(),
            rivals: vec![figure("bumpalo", 1.0, Some(2 << 20))],
            rounds: 1,
        };
        let row = row(Some(Tier::Raw), Unit::Peak);
        let json = &json_lines(&row, &figures, Mode::Full)[0];
        assert!(json.contains(r#""ratio":1.500"#) && !json.contains("ratio_min"), "{json}");
        assert!(lines(&row, &figures)[0].contains("3.0 MiB"));
    }

    #[test]
    fn details_have_fields_and_a_line_for_each_contender() {
        let mut ours = figure(OURS, 2.0, None);
        ours.details = vec![("pause_max_ns".to_owned(), 1.5e6), ("live_bytes".to_owned(), 3_145_728.0)];
        let figures =
            Figures { ours, other_tiers: Vec::new(), rivals: vec![figure("glibc", 4.0, None)], rounds: 1 };
        let row = row(Some(Tier::Raw), Unit::Operation);
        let json = &json_lines(&row, &figures, Mode::Full)[0];
        assert!(json.ends_with(r#","ours_pause_max_ns":1500000,"ours_live_bytes":3145728}"#), "{json}");
        let lines = lines(&row, &figures);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], "    terrane: pause max 1500.0 µs | live 3.0 MiB");
    }

    #[test]
    fn times_change_their_unit_as_they_grow() {
        let times = [0.472, 99.0, 1234.0, 12_345.0, 416e6, 20.9e9].map(time);
        assert_eq!(times, ["0.47 ns", "99.00 ns", "1234 ns", "12.3 µs", "416.0 ms", "20.90 s"]);
    }
}
