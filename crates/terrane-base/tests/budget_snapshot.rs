//! Snapshots: the drawing, the JSON as another program reads it, and their agreement with the tree.

use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use terrane_base::{Budget, BudgetSnapshot, Bytes};

fn parsed(snapshot: &BudgetSnapshot) -> Value {
    let mut text = String::new();
    snapshot.write_json(&mut text).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn the_drawing_joins_siblings() {
    let root = Budget::root(Bytes::new(100));
    let a = root.child("a");
    let _parts = (a.child("a1").child("deep"), a.child("a2"), root.child("b").max(Bytes::new(7)));
    assert_eq!(
        root.snapshot().to_string(),
        "root: 0 B of 100 B, peak 0 B, pressure normal\n\
         ├─ a: 0 B, peak 0 B\n\
         │  ├─ a1: 0 B, peak 0 B\n\
         │  │  └─ deep: 0 B, peak 0 B\n\
         │  └─ a2: 0 B, peak 0 B\n\
         └─ b: 0 B of 7 B, peak 0 B\n"
    );
    assert_eq!(a.snapshot().to_string().lines().count(), 4, "a part is a tree of its own");
}

#[test]
fn the_json_has_every_figure_and_any_name() {
    let root = Budget::root(Bytes::new(100));
    let sure = root.child("a \"b\\\n\u{1}é").min(Bytes::new(10)).unwrap();
    drop(sure.try_reserve(Bytes::new(30)).unwrap());
    let _held = root.try_reserve(Bytes::new(70)).unwrap();
    let expected = json!({
        "name": "root", "used": 80, "peak": 80, "min": 0, "max": 100, "pressure": "moderate",
        "children": [
            {"name": "a \"b\\\n\u{1}é", "used": 0, "peak": 30, "min": 10, "max": null, "children": []}
        ],
    });
    assert_eq!(parsed(&root.snapshot()), expected);
}

#[test]
fn a_very_deep_tree_needs_no_deep_stack() {
    let draw = || {
        let root = Budget::root(Bytes::MAX);
        let deepest = (0..3_000).fold(root.clone(), |budget, _| budget.child("below"));
        let _held = deepest.try_reserve(Bytes::new(5)).unwrap();
        let snapshot = root.snapshot();
        let mut json = String::new();
        snapshot.write_json(&mut json).unwrap();
        assert_eq!((snapshot.entries().len(), json.matches("\"used\":5").count()), (3_001, 3_001));
        assert_eq!(json.matches("]}").count(), 3_001);
        assert_eq!(snapshot.to_string().lines().count(), 3_001);
    };
    std::thread::Builder::new().stack_size(128 << 10).spawn(draw).unwrap().join().unwrap();
}

proptest! {
    /// The nesting of the JSON, the depths of the entries and the tree that was built are the same.
    #[test]
    fn the_shape_is_that_of_the_tree(parents in prop::collection::vec(any::<Index>(), 0..20)) {
        let mut budgets = vec![Budget::root(Bytes::MAX)];
        let mut paths = vec![vec![0]];
        for parent in parents {
            let parent = parent.index(budgets.len());
            let number = budgets.len();
            budgets.push(budgets[parent].child(&number.to_string()));
            paths.push(paths[parent].iter().copied().chain([number]).collect());
        }
        paths.sort();
        let snapshot = budgets[0].snapshot();
        let mut found = Vec::new();
        collect(&parsed(&snapshot), &[], &mut found);
        prop_assert_eq!(&found, &paths);
        for (index, path) in paths.iter().enumerate() {
            let children: Vec<usize> = snapshot.children(index).map(|(child, _)| child).collect();
            let expected: Vec<usize> = (0..paths.len())
                .filter(|other| paths[*other].len() == path.len() + 1 && paths[*other].starts_with(path))
                .collect();
            prop_assert_eq!(children, expected);
        }
        prop_assert_eq!(snapshot.children(paths.len()).count(), 0);
    }
}

fn collect(value: &Value, above: &[usize], into: &mut Vec<Vec<usize>>) {
    let name = value["name"].as_str().unwrap();
    let path: Vec<usize> = above.iter().copied().chain([name.parse().unwrap_or(0)]).collect();
    into.push(path.clone());
    value["children"].as_array().unwrap().iter().for_each(|child| collect(child, &path, into));
}
