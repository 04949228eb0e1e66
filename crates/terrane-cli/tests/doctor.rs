//! `terrane doctor`: what a person reads, and what a program reads, about the same machine.

mod terrane;

use serde_json::Value;
use terrane::terrane;

#[test]
fn a_person_reads_sections_of_lines() {
    let output = terrane(["doctor"]).output();
    for part in ["What the machine says", "page size", "What it grants", "addresses", "told by", "Advice"] {
        assert!(output.contains(part), "no {part} in\n{output}");
    }
    assert!(output.lines().all(|line| line.chars().count() <= 110), "{output}");
}

#[test]
fn a_program_reads_the_same_as_json() {
    let json = terrane(["doctor", "--json"]).output();
    let value: Value = serde_json::from_str(&json).unwrap();
    assert!(value["machine"]["page_size"].as_u64().unwrap().is_power_of_two());
    assert!(value["granted"]["addresses"].as_u64().unwrap() >= 1 << 20);
    assert!(value["advice"].is_array() && value["pressure"]["sources"].is_array());
    if cfg!(target_os = "linux") {
        let (total, resident) = (&value["machine"]["total"], &value["process"]["resident"]);
        assert!(resident.as_u64().unwrap() < total.as_u64().unwrap());
    }
    let lines = terrane(["doctor"]).output();
    let advice = value["advice"].as_array().unwrap();
    assert_eq!(lines.matches("\n  - ").count(), advice.len(), "{lines}\n{json}");
}
