//! Large graphs: the propagation neither recurses nor does more than a bounded amount of work for each flow.

use aurora_escape::{EscapeReason, Graph, LocationId, Placement, Reason};

use crate::case::{Case, NOTE, assert_frame, assert_heap};

const LONG: usize = 100_000;

#[test]
fn a_long_chain_of_variables() {
    let mut case = Case::new(0);
    let (site, mut last) = case.object();
    for _ in 0..LONG {
        let next = case.variable();
        case.graph.flow(last, next, NOTE);
        last = next;
    }
    case.returns(last);
    assert_heap(&case.graph.analyse(), site, EscapeReason::Returned);
}

#[test]
fn a_long_list_whose_last_cell_escapes_and_one_that_stays() {
    for escapes in [false, true] {
        let mut case = Case::new(0);
        let (first, mut list) = case.object();
        for _ in 0..LONG {
            let (site, cell) = case.object();
            case.graph.initialise(site, list, NOTE);
            list = cell;
        }
        if escapes {
            case.escape(list);
        }
        let analysis = case.graph.analyse();
        if escapes {
            assert_heap(&analysis, first, EscapeReason::Global);
            assert_eq!(analysis.explain(first).len(), LONG + 1);
        } else {
            assert_frame(&analysis, first);
        }
    }
}

#[test]
fn a_long_chain_of_calls_in_either_order() {
    for callers_first in [false, true] {
        let mut graph = Graph::new();
        let mut procedures: Vec<_> = (0..LONG / 5).map(|_| graph.procedure(None, 1)).collect();
        if callers_first {
            procedures.reverse();
        }
        let site = graph.site(graph.body(procedures[0]), true, NOTE);
        graph.address(site, graph.param(procedures[0], 0), NOTE);
        for pair in procedures.windows(2) {
            let (scope, param) = (graph.body(pair[0]), graph.param(pair[0], 0));
            graph.call(scope, pair[1], &[param], Some(graph.result(pair[0])), false, NOTE);
        }
        let last = procedures[procedures.len() - 1];
        graph.flow(graph.param(last, 0), graph.result(last), NOTE);
        let analysis = graph.analyse();
        assert_heap(&analysis, site, EscapeReason::Returned);
        assert_eq!(analysis.summary(procedures[1]).result(0), Some(0));
    }
}

#[test]
fn a_deep_nest_of_loops_and_of_procedures() {
    let mut case = Case::new(0);
    let outermost = case.variable();
    let mut scope = case.body;
    for level in 0..LONG / 10 {
        scope = if level % 2 == 0 {
            case.graph.loop_scope(scope)
        } else {
            let nested = case.graph.procedure(Some(scope), 0);
            case.graph.body(nested)
        };
    }
    let (kept, object) = case.object_in(scope);
    let (site, assigned) = case.object_in(scope);
    case.graph.flow(assigned, outermost, NOTE);
    let copy = case.graph.variable(scope);
    case.graph.flow(object, copy, NOTE);
    let analysis = case.graph.analyse();
    assert_eq!(analysis.placement(kept), Placement::Frame(scope));
    assert_heap(&analysis, site, EscapeReason::OutlivesScope);
}

/// Ten thousand sites in one body with many nested procedures that call each other, capture and return.
#[test]
fn a_program_of_ten_thousand_sites() {
    let mut case = Case::new(0);
    let shared = case.variable();
    let helpers: Vec<_> = (0..1_000).map(|_| case.graph.procedure(Some(case.body), 2)).collect();
    let mut sites: Vec<LocationId> = Vec::new();
    for (index, &helper) in helpers.iter().enumerate() {
        let scope = case.graph.body(helper);
        let (a, b) = (case.graph.param(helper, 0), case.graph.param(helper, 1));
        let inner = case.graph.loop_scope(scope);
        for step in 0..10 {
            let (site, object) = case.object_in(if step % 2 == 0 { scope } else { inner });
            case.graph.initialise(site, a, NOTE);
            let callee = helpers[(index * 7 + step * 13 + 1) % helpers.len()];
            let to = case.graph.variable(scope);
            case.graph.call(inner, callee, &[object, b], Some(to), false, NOTE);
            case.graph.load(to, a, NOTE);
            sites.push(site);
        }
        case.graph.flow(b, case.graph.result(helper), NOTE);
        if index % 50 == 0 {
            case.graph.flow(shared, case.graph.result(helper), NOTE);
        }
    }
    let analysis = case.graph.analyse();
    assert_eq!(sites.len(), 10_000);
    // `a` is only ever read, `b` comes back.
    for &site in &sites {
        assert_frame(&analysis, site);
    }
    assert_eq!(analysis.summary(helpers[3]).heap(0), None);
    assert_eq!(analysis.summary(helpers[3]).result(1), Some(0));
}

#[test]
fn cycles_end() {
    let mut case = Case::new(0);
    let (site, object) = case.object();
    let mut last = object;
    for _ in 0..50 {
        let next = case.variable();
        case.graph.load(last, next, NOTE);
        case.graph.store(object, next, NOTE);
        last = next;
    }
    case.graph.flow(last, object, NOTE);
    case.graph.initialise(site, object, NOTE);
    case.escape(last);
    let analysis = case.graph.analyse();
    let path = analysis.explain(site);
    assert!(matches!(path.last().unwrap().reason, Reason::Escape(_)));
}
