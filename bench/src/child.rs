//! The measuring program: measures one contender of one row and prints one line.
//!
//! Each measurement has a fresh process, so that no contender works in a heap that another one left behind, and the
//! peak of resident memory is its own.
//!
//! Command line: `ROW CONTENDER full|quick CORE`, with `-` for no core. Output: `measured NS,NS,… CHECKSUM PEAK`,
//! the checksum in hexadecimal, the peak in bytes or `-`. What else was measured follows as words `NAME=FIGURE`.

use crate::affinity;
use crate::registry;
use crate::resident;
use crate::row::{Details, Home, Measurement, Mode};
use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

/// What a child measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Times and result.
    pub measurement: Measurement,
    /// The peak of the process's resident memory, where the system says it.
    pub peak_bytes: Option<u64>,
    /// What else was measured.
    pub details: Details,
}

impl fmt::Display for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns: Vec<String> = self.measurement.ns_by_copy.iter().map(f64::to_string).collect();
        write!(out, "measured {} {:x} ", ns.join(","), self.measurement.checksum)?;
        match self.peak_bytes {
            Some(bytes) => write!(out, "{bytes}"),
            None => out.write_str("-"),
        }?;
        self.details.iter().try_for_each(|(name, figure)| write!(out, " {name}={figure}"))
    }
}

impl Answer {
    /// Reads what [`Display`](fmt::Display) wrote; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let ["measured", ns, checksum, peak, ref details @ ..] = words[..] else { return None };
        let ns_by_copy = ns.split(',').map(|ns| ns.parse().ok().filter(|ns: &f64| ns.is_finite()));
        let peak_bytes = match peak {
            "-" => None,
            bytes => Some(bytes.parse().ok()?),
        };
        let measurement = Measurement {
            ns_by_copy: ns_by_copy.collect::<Option<_>>()?,
            checksum: u64::from_str_radix(checksum, 16).ok()?,
        };
        let details = details.iter().map(|word| {
            let (name, figure) = word.split_once('=')?;
            Some((name.to_owned(), figure.parse().ok().filter(|figure: &f64| figure.is_finite())?))
        });
        Some(Self { measurement, peak_bytes, details: details.collect::<Option<_>>()? })
    }
}

/// The whole measuring program of the global allocator `home`.
#[must_use]
pub fn main(home: Home) -> ExitCode {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    match measure(home, &arguments) {
        Ok(answer) => match writeln!(std::io::stdout(), "{answer}") {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(message) => {
            eprintln!("{}: {message}", home.program());
            ExitCode::from(2)
        }
    }
}

fn measure(home: Home, arguments: &[String]) -> Result<Answer, String> {
    let [row, contender, mode, core] = arguments else {
        return Err("this program is started by `bench`; see `bench --help`".to_owned());
    };
    let mode = match mode.as_str() {
        "full" => Mode::Full,
        "quick" => Mode::Quick,
        other => return Err(format!("`{other}` is no mode")),
    };
    let rows = registry::rows();
    let row =
        rows.iter().find(|candidate| candidate.name == *row).ok_or(format!("there is no row `{row}`"))?;
    let contender = row.contender(contender).ok_or(format!("{} has no contender `{contender}`", row.name))?;
    if contender.home != home {
        return Err(format!("{} is measured by {}", contender.id, contender.home.program()));
    }
    if core != "-" && row.threads == 1 {
        let core = core.parse().map_err(|_| format!("`{core}` is no core"))?;
        affinity::pin_to(core).map_err(|error| format!("cannot be pinned to core {core}: {error}"))?;
    }
    if let Some(reason) = contender.absence() {
        return Err(format!("{} cannot be measured: {reason}", contender.id));
    }
    let (measurement, details) = contender.measure_in_detail(mode);
    Ok(Answer { measurement, peak_bytes: resident::peak_bytes(), details })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(ns_by_copy: Vec<f64>, checksum: u64, peak_bytes: Option<u64>) -> Answer {
        Answer { measurement: Measurement { ns_by_copy, checksum }, peak_bytes, details: Details::new() }
    }

    #[test]
    fn the_line_is_read_back() {
        for answer in
            [answer(vec![0.1 + 0.2, 1e9 / 3.0, 5e-324], u64::MAX, Some(u64::MAX)), answer(vec![1.0], 0, None)]
        {
            assert_eq!(Answer::parse(&format!("{answer}\n")), Some(answer));
        }
        assert_eq!(answer(vec![1.5, 2.0], 255, None).to_string(), "measured 1.5,2 ff -");
    }

    #[test]
    fn details_follow_as_words() {
        let mut answer = answer(vec![1.5], 255, Some(7));
        answer.details = vec![("pause_max_ns".to_owned(), 1e6), ("rest".to_owned(), 0.1 + 0.2)];
        assert_eq!(answer.to_string(), "measured 1.5 ff 7 pause_max_ns=1000000 rest=0.30000000000000004");
        assert_eq!(Answer::parse(&answer.to_string()), Some(answer));
    }

    #[test]
    fn anything_else_is_no_answer() {
        for text in [
            "",
            "measured",
            "measured 1 ff",
            "measured  ff -",
            "measured 1, ff -",
            "measured NaN ff -",
            "measured inf ff -",
            "measured 1 fg -",
            "measured 1 ff -1",
            "measured 1 ff - more",
            "measured 1 ff - more=much",
            "measured 1 ff - more=inf",
            "timed 1 ff -",
        ] {
            assert_eq!(Answer::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_refused_before_anything_runs() {
        let refused = |words: [&str; 4]| measure(Home::Glibc, &words.map(str::to_owned)).unwrap_err();
        assert_eq!(refused(["arena/none", "bumpalo", "full", "-"]), "there is no row `arena/none`");
        assert_eq!(refused(["arena/alloc/16", "bumpalo", "slow", "-"]), "`slow` is no mode");
        assert_eq!(refused(["arena/alloc/16", "x", "full", "-"]), "arena/alloc/16 has no contender `x`");
        assert_eq!(
            refused(["arena/alloc/16", "mimalloc", "full", "-"]),
            "mimalloc is measured by bench-mimalloc"
        );
        assert!(measure(Home::Glibc, &[]).is_err());
    }
}
