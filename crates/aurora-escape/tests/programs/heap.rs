//! Soundness, one rule at a time: objects that outlive their scope, and the reason given.

use aurora_escape::{EscapeReason, Graph, Note, Placement, Reason, Step};

use crate::case::{Case, NOTE, assert_frame, assert_heap};

#[test]
fn the_direct_ways_out() {
    let reasons = [
        EscapeReason::Global,
        EscapeReason::UnknownCallee,
        EscapeReason::Thrown,
        EscapeReason::TailCall,
        EscapeReason::CapturedByEscaping,
    ];
    for reason in reasons {
        let mut case = Case::new(0);
        let (site, object) = case.object();
        case.graph.escape(object, reason, NOTE);
        assert_heap(&case.graph.analyse(), site, reason);
    }
}

#[test]
fn returned() {
    let mut case = Case::new(0);
    let (site, object) = case.object();
    case.returns(object);
    assert_heap(&case.graph.analyse(), site, EscapeReason::Returned);
}

#[test]
fn a_site_that_is_not_allowed_and_what_it_holds() {
    let mut case = Case::new(0);
    let (site, object) = case.object();
    let large = case.graph.site(case.body, false, Note(9));
    case.graph.initialise(large, object, NOTE);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, large, EscapeReason::NotAllowed);
    assert_heap(&analysis, site, EscapeReason::NotAllowed);
    assert_eq!(analysis.explain(site)[0].reason, Reason::StoredIn(large));
    assert_eq!(analysis.explain(site)[1].note, Note(9));
}

#[test]
fn a_variable_outside_the_loop() {
    let mut case = Case::new(0);
    let around = case.graph.loop_scope(case.body);
    let (site, object) = case.object_in(around);
    let next = case.variable();
    case.graph.flow(object, next, NOTE);
    assert_heap(&case.graph.analyse(), site, EscapeReason::OutlivesIteration);
}

#[test]
fn an_object_outside_the_loop() {
    let mut case = Case::new(0);
    let (outer_site, outer) = case.object();
    let around = case.graph.loop_scope(case.body);
    let (site, object) = case.object_in(around);
    case.graph.store(outer, object, NOTE);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::OutlivesIteration);
    assert_frame(&analysis, outer_site);
}

#[test]
fn a_variable_of_the_procedure_around() {
    let mut case = Case::new(0);
    let outer = case.variable();
    let nested = case.graph.procedure(Some(case.body), 0);
    let (site, object) = case.object_in(case.graph.body(nested));
    case.graph.flow(object, outer, NOTE);
    assert_heap(&case.graph.analyse(), site, EscapeReason::OutlivesScope);
}

#[test]
fn a_variable_of_the_procedure_around_by_way_of_another_nested_one() {
    let mut case = Case::new(0);
    let outer = case.variable();
    let keep = case.graph.procedure(Some(case.body), 1);
    case.graph.flow(case.graph.param(keep, 0), outer, NOTE);
    let nested = case.graph.procedure(Some(case.body), 0);
    let inside = case.graph.body(nested);
    let (site, object) = case.object_in(inside);
    case.graph.call(inside, keep, &[object], None, false, NOTE);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::OutlivesScope);
    assert_eq!(analysis.summary(keep).outer(0), Some(0));
}

#[test]
fn between_two_loops_side_by_side() {
    let mut case = Case::new(0);
    let (first, second) = (case.graph.loop_scope(case.body), case.graph.loop_scope(case.body));
    let (site, object) = case.object_in(first);
    let there = case.graph.variable(second);
    case.graph.flow(object, there, NOTE);
    assert_heap(&case.graph.analyse(), site, EscapeReason::OutlivesIteration);
}

#[test]
fn what_a_deep_structure_holds_is_found_at_its_depth() {
    for depth in 0..20 {
        let mut case = Case::new(0);
        let (innermost, mut structure) = case.object();
        let mut sites = vec![innermost];
        for _ in 0..depth {
            let (site, object) = case.object();
            case.graph.initialise(site, structure, NOTE);
            sites.push(site);
            structure = object;
        }
        let mut value = structure;
        for _ in 0..depth {
            value = case.field(value);
        }
        case.escape(value);
        let analysis = case.graph.analyse();
        assert_heap(&analysis, innermost, EscapeReason::Global);
        // Up to the counts that are told apart, the objects around it stay.
        if depth <= 7 {
            sites[1..].iter().for_each(|&site| assert_frame(&analysis, site));
        }
    }
}

#[test]
fn what_is_held_by_an_object_that_escapes_and_what_that_holds() {
    let mut case = Case::new(0);
    let (inner_site, inner) = case.object();
    let (middle_site, middle) = case.object();
    let (outer_site, outer) = case.object();
    case.graph.initialise(middle_site, inner, Note(1));
    case.graph.store(outer, middle, Note(2));
    case.graph.escape(outer, EscapeReason::Thrown, Note(3));
    let analysis = case.graph.analyse();
    assert_eq!(
        analysis.explain(inner_site),
        [
            Step { reason: Reason::StoredIn(middle_site), note: Note(1) },
            Step { reason: Reason::StoredIn(outer_site), note: Note(2) },
            Step { reason: Reason::Escape(EscapeReason::Thrown), note: Note(3) },
        ]
    );
}

#[test]
fn passed_to_a_procedure_that_lets_it_escape() {
    let mut case = Case::new(0);
    let callee = case.graph.procedure(None, 2);
    case.graph.escape(case.graph.param(callee, 1), EscapeReason::Global, Note(7));
    let (site, object) = case.object();
    let (kept_site, kept) = case.object();
    case.graph.call(case.body, callee, &[kept, object, kept], None, false, Note(6));
    let analysis = case.graph.analyse();
    assert_eq!(
        analysis.explain(site),
        [
            Step { reason: Reason::PassedTo(callee, 1), note: Note(6) },
            Step { reason: Reason::Escape(EscapeReason::Global), note: Note(7) },
        ]
    );
    // The third argument has no parameter.
    assert_heap(&analysis, kept_site, EscapeReason::UnknownCallee);
    assert_eq!(analysis.summary(callee).heap(1), Some(0));
    assert_eq!(analysis.summary(callee).heap(0), None);
}

#[test]
fn returned_by_a_callee_into_a_longer_life() {
    let mut case = Case::new(0);
    let identity = case.identity();
    let around = case.graph.loop_scope(case.body);
    let (site, object) = case.object_in(around);
    let kept = case.variable();
    case.graph.call(around, identity, &[object], Some(kept), false, NOTE);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::OutlivesIteration);
    assert_eq!(analysis.explain(site)[0].reason, Reason::PassedTo(identity, 0));
    assert_eq!(analysis.summary(identity).result(0), Some(0));
}

#[test]
fn a_field_of_an_argument_returned() {
    let mut case = Case::new(0);
    let first = case.graph.procedure(None, 1);
    case.graph.load(case.graph.param(first, 0), case.graph.result(first), NOTE);
    let (inner_site, inner) = case.object();
    let (site, object) = case.object();
    case.graph.initialise(site, inner, NOTE);
    let result = case.call(first, &[object]);
    case.returns(result);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, inner_site, EscapeReason::Returned);
    assert_frame(&analysis, site);
    assert_eq!(analysis.summary(first).result(0), Some(1));
}

#[test]
fn stored_by_a_callee_in_an_object_of_the_loop_around() {
    let mut case = Case::new(0);
    let setter = case.setter();
    let (outer_site, outer) = case.object();
    let around = case.graph.loop_scope(case.body);
    let (site, object) = case.object_in(around);
    case.graph.call(around, setter, &[outer, object], None, false, NOTE);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::OutlivesIteration);
    assert_frame(&analysis, outer_site);
    assert_eq!(analysis.summary(setter).contents(1, 0), Some(0));
}

#[test]
fn own_object_stored_in_an_object_of_the_caller() {
    let mut case = Case::new(1);
    let (site, object) = case.object();
    case.graph.store(case.graph.param(case.f, 0), object, NOTE);
    assert_heap(&case.graph.analyse(), site, EscapeReason::StoredInParameter);
}

#[test]
fn object_of_the_surroundings_stored_in_an_object_of_an_unknown_caller() {
    let mut case = Case::new(0);
    let (site, object) = case.object();
    let nested = case.graph.procedure(Some(case.body), 1);
    case.graph.store(case.graph.param(nested, 0), object, NOTE);
    case.graph.escape(case.graph.result(nested), EscapeReason::UnknownCallee, NOTE);
    assert_heap(&case.graph.analyse(), site, EscapeReason::UnknownCallee);
}

#[test]
fn object_of_a_loop_handed_out_by_a_nested_procedure() {
    let mut case = Case::new(0);
    let around = case.graph.loop_scope(case.body);
    let (site, object) = case.object_in(around);
    let nested = case.graph.procedure(Some(around), 0);
    case.graph.flow(object, case.graph.result(nested), NOTE);
    let kept = case.variable();
    case.graph.call(around, nested, &[], Some(kept), false, NOTE);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::OutlivesIteration);
    assert_eq!(analysis.explain(site)[0].reason, Reason::HandedOutBy(nested));
}

#[test]
fn a_store_through_a_pointer_that_may_be_something_else() {
    type Otherwise = fn(&mut Case, aurora_escape::LocationId);
    let otherwise: [(&str, Otherwise); 6] = [
        ("another object", |case, pointer| {
            let (_, other) = case.object();
            case.graph.flow(other, pointer, NOTE);
        }),
        ("a parameter", |case, pointer| case.graph.flow(case.graph.param(case.f, 0), pointer, NOTE)),
        ("a global", |case, pointer| case.graph.unknown(pointer)),
        ("a field", |case, pointer| {
            let (_, other) = case.object();
            case.graph.load(other, pointer, NOTE);
        }),
        ("a result", |case, pointer| {
            let callee = case.graph.procedure(None, 0);
            case.graph.call(case.body, callee, &[], Some(pointer), false, NOTE);
        }),
        ("something else, copied", |case, pointer| {
            let between = case.variable();
            case.graph.unknown(between);
            case.graph.flow(between, pointer, NOTE);
        }),
    ];
    for (what, also) in otherwise {
        let mut case = Case::new(1);
        let (container, pointer) = case.object();
        let (site, object) = case.object();
        case.graph.store(pointer, object, NOTE);
        also(&mut case, pointer);
        let analysis = case.graph.analyse();
        assert_eq!(analysis.placement(site), Placement::Heap, "{what}");
        assert_eq!(analysis.explain(site)[0].reason, Reason::Escape(EscapeReason::StoredInUnknown), "{what}");
        assert_frame(&analysis, container);
    }
}

#[test]
fn a_parameter_that_is_assigned_to_is_not_only_the_argument() {
    let mut case = Case::new(2);
    let (a, b) = (case.graph.param(case.f, 0), case.graph.param(case.f, 1));
    case.graph.unknown(a);
    case.graph.store(a, b, NOTE);
    let analysis = case.graph.analyse();
    assert_eq!(analysis.summary(case.f).heap(1), Some(0));
}

#[test]
fn an_argument_of_a_tail_call_and_what_it_holds() {
    let mut case = Case::new(0);
    let callee = case.graph.procedure(None, 1);
    let (inner_site, inner) = case.object();
    let (site, object) = case.object();
    case.graph.initialise(site, inner, NOTE);
    case.graph.call(case.body, callee, &[object], None, true, NOTE);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::TailCall);
    assert_heap(&analysis, inner_site, EscapeReason::TailCall);
}

#[test]
fn the_result_of_a_tail_call_is_the_result_of_the_caller() {
    let mut case = Case::new(0);
    let identity = case.identity();
    let passing = case.graph.procedure(None, 1);
    let param = case.graph.param(passing, 0);
    case.graph.call(case.graph.body(passing), identity, &[param], None, true, NOTE);
    let (site, object) = case.object();
    let result = case.call(passing, &[object]);
    case.returns(result);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::Returned);
    assert_eq!(analysis.summary(passing).result(0), Some(0));
}

#[test]
fn what_a_nested_procedure_uses_after_a_tail_call_has_closed_the_frame() {
    let mut case = Case::new(0);
    let (site, _object) = case.object();
    let direct = case.graph.site(case.body, true, NOTE);
    let (_, temporary) = case.object();
    let nested = case.graph.procedure(Some(case.body), 0);
    let inside = case.graph.variable(case.graph.body(nested));
    case.graph.address(direct, inside, NOTE);
    case.graph.store(temporary, inside, NOTE);
    case.graph.call(case.body, nested, &[], None, true, NOTE);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::TailCall);
    assert_heap(&analysis, direct, EscapeReason::TailCall);
}

#[test]
fn a_tail_call_returns_from_the_caller_whatever_result_is_named() {
    let mut case = Case::new(0);
    let identity = case.identity();
    let passing = case.graph.procedure(None, 1);
    let (scope, param) = (case.graph.body(passing), case.graph.param(passing, 0));
    let ignored = case.graph.variable(scope);
    case.graph.call(scope, identity, &[param], Some(ignored), true, NOTE);
    assert_eq!(case.graph.analyse().summary(passing).result(0), Some(0));
}

#[test]
fn a_closure_that_is_called_last() {
    let mut case = Case::new(0);
    let (site, closure) = case.object();
    case.graph.tail_use(case.body, closure, NOTE);
    assert_heap(&case.graph.analyse(), site, EscapeReason::TailCall);
}

#[test]
fn a_procedure_that_is_not_visible_is_unknown_code() {
    let mut case = Case::new(0);
    let other = case.graph.procedure(None, 0);
    let hidden = case.graph.procedure(Some(case.graph.body(other)), 1);
    let (returned, value) = case.object_in(case.graph.body(other));
    case.graph.flow(value, case.graph.result(hidden), NOTE);
    let (site, object) = case.object();
    case.call(hidden, &[object]);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, site, EscapeReason::UnknownCallee);
    assert_heap(&analysis, returned, EscapeReason::UnknownCallee);
}

#[test]
fn recursion_that_returns_its_own_object_or_stores_it_in_the_argument() {
    let mut case = Case::new(1);
    let (stored_site, stored) = case.object();
    let (returned_site, returned) = case.object();
    case.graph.store(case.graph.param(case.f, 0), stored, NOTE);
    case.returns(returned);
    case.call(case.f, &[returned]);
    let analysis = case.graph.analyse();
    assert_heap(&analysis, stored_site, EscapeReason::StoredInParameter);
    assert_heap(&analysis, returned_site, EscapeReason::Returned);
}

#[test]
fn recursion_from_a_loop_whose_result_is_kept_outside_the_loop() {
    let mut case = Case::new(1);
    let around = case.graph.loop_scope(case.body);
    let (site, object) = case.object_in(around);
    let kept = case.variable();
    case.returns(case.graph.param(case.f, 0));
    case.graph.call(around, case.f, &[object], Some(kept), false, NOTE);
    assert_heap(&case.graph.analyse(), site, EscapeReason::OutlivesIteration);
}

#[test]
fn mutual_recursion_is_followed_to_the_end() {
    let mut graph = Graph::new();
    let procedures: Vec<_> = (0..5).map(|_| graph.procedure(None, 2)).collect();
    for (index, &procedure) in procedures.iter().enumerate() {
        let (a, b) = (graph.param(procedure, 0), graph.param(procedure, 1));
        let next = procedures[(index + 1) % procedures.len()];
        graph.call(graph.body(procedure), next, &[b, a], None, true, NOTE);
    }
    graph.escape(graph.param(procedures[4], 0), EscapeReason::Global, NOTE);
    let analysis = graph.analyse();
    // Five steps around exchange the parameters, so both reach it.
    for &procedure in &procedures {
        assert_eq!([0, 1].map(|i| analysis.summary(procedure).heap(i)), [Some(0), Some(0)]);
    }
}
