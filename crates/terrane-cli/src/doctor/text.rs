//! The findings as lines for a person.

use terrane_base::Bytes;

use super::Findings;

/// Columns of a line of advice.
const WIDTH: usize = 100;

pub(super) fn display(findings: &Findings) -> String {
    let mut text = String::new();
    section(&mut text, "What the machine says", &findings.machine.to_string());
    section(&mut text, "What it grants", &findings.trial.to_string());
    section(&mut text, "When memory is short", &pressure(findings));
    if let Some(process) = findings.process {
        let (mapped, resident) = (Bytes::new(process.mapped), Bytes::new(process.resident));
        let lines = format!("mapped            {mapped}\nRSS               {resident}\n");
        section(&mut text, "This process", &lines);
    }
    let advice: String = findings.advice.iter().map(|advice| item(advice)).collect();
    section(
        &mut text,
        "Advice",
        if advice.is_empty() { "none: everything asked for is there\n" } else { &advice },
    );
    text
}

fn pressure(findings: &Findings) -> String {
    let pressure = &findings.pressure;
    match pressure.level {
        Some(level) => {
            format!("told by           {}\nlevel now         {level}\n", pressure.sources.join(", "))
        }
        None => "told by           nobody\n".to_owned(),
    }
}

fn section(text: &mut String, heading: &str, lines: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(heading);
    text.push('\n');
    for line in lines.lines() {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
}

/// One item of a list, its lines broken between words.
fn item(words: &str) -> String {
    let mut item = String::from("-");
    let mut column = 1;
    for word in words.split(' ') {
        let width = word.chars().count() + 1;
        if column + width > WIDTH {
            item.push_str("\n ");
            column = 1;
        }
        item.push(' ');
        item.push_str(word);
        column += width;
    }
    item.push('\n');
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_advice_is_broken_between_words() {
        let text = item(&"word ".repeat(40));
        assert!(text.starts_with("- word word") && text.contains("\n  word"), "{text}");
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.matches("word").count(), 40);
    }
}
