//! Precision: objects that must be found to die with their scope.

use aurora_escape::{EscapeReason, Placement};

use crate::case::{Case, NOTE, assert_frame};

#[test]
fn a_list_built_and_consumed_locally() {
    let mut case = Case::new(0);
    let mut list = case.variable();
    let mut sites = Vec::new();
    for _ in 0..3 {
        let (site, cell) = case.object();
        case.graph.initialise(site, list, NOTE);
        sites.push(site);
        list = cell;
    }
    let rest = case.field(list);
    let first = case.field(rest);
    case.returns(first);
    // What is taken out by two loads is the innermost cell; the ones around it stay.
    let analysis = case.graph.analyse();
    assert_eq!(analysis.placement(sites[0]), Placement::Heap);
    assert_frame(&analysis, sites[1]);
    assert_frame(&analysis, sites[2]);
}

#[test]
fn a_closure_passed_to_a_known_procedure_that_only_calls_it() {
    let mut case = Case::new(0);
    let (captured_site, captured) = case.object();
    let (closure_site, closure) = case.object();
    case.graph.initialise(closure_site, captured, NOTE);
    let code = case.graph.procedure(Some(case.body), 1);
    let used = case.graph.variable(case.graph.body(code));
    case.graph.load(captured, used, NOTE);
    case.graph.escape(case.graph.result(code), EscapeReason::UnknownCallee, NOTE);
    // (define (for-each f list) (f (car list)) (for-each f (cdr list))) and a tail call of f at the end.
    let each = case.graph.procedure(None, 2);
    let (function, list) = (case.graph.param(each, 0), case.graph.param(each, 1));
    let body = case.graph.body(each);
    let (head, tail) = (case.graph.variable(body), case.graph.variable(body));
    case.graph.load(list, head, NOTE);
    case.graph.load(list, tail, NOTE);
    case.graph.escape(head, EscapeReason::UnknownCallee, NOTE);
    case.graph.call(body, each, &[function, tail], None, true, NOTE);
    case.graph.tail_use(body, function, NOTE);
    let (list_site, list) = case.object();
    case.call(each, &[closure, list]);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, closure_site);
    assert_frame(&analysis, captured_site);
    assert_frame(&analysis, list_site);
    assert!(analysis.scope_has_frame_sites(case.body) && !analysis.scope_has_frame_sites(body));
}

#[test]
fn an_argument_that_the_callee_only_reads_or_returns_to_this_frame() {
    let mut case = Case::new(0);
    let identity = case.identity();
    let (site, object) = case.object();
    let back = case.call(identity, &[object]);
    case.field(back);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, site);
}

#[test]
fn a_temporary_in_a_loop_body() {
    let mut case = Case::new(0);
    let identity = case.identity();
    let around = case.graph.loop_scope(case.body);
    let (site, object) = case.object_in(around);
    let back = case.graph.variable(around);
    case.graph.call(around, identity, &[object], Some(back), false, NOTE);
    // Another caller keeps what the same procedure returns for longer.
    let (_, other) = case.object();
    let kept = case.call(identity, &[other]);
    case.returns(kept);
    let analysis = case.graph.analyse();
    assert_eq!(analysis.placement(site), Placement::Frame(around));
}

#[test]
fn an_object_of_a_loop_passed_to_the_procedure_that_the_loop_is_in() {
    let mut case = Case::new(1);
    let around = case.graph.loop_scope(case.body);
    let (site, object) = case.object_in(around);
    let kept = case.variable();
    case.graph.flow(case.graph.param(case.f, 0), kept, NOTE);
    case.graph.call(around, case.f, &[object], None, false, NOTE);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, site);
}

#[test]
fn an_object_passed_down_a_recursion() {
    let mut case = Case::new(1);
    let (site, object) = case.object();
    case.graph.initialise(site, case.graph.param(case.f, 0), NOTE);
    let result = case.call(case.f, &[object]);
    case.returns(result);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, site);
}

#[test]
fn an_object_of_a_nested_procedure_passed_to_the_one_around_it() {
    let mut case = Case::new(1);
    let nested = case.graph.procedure(Some(case.body), 0);
    let inside = case.graph.body(nested);
    let (site, object) = case.object_in(inside);
    case.graph.call(inside, case.f, &[object], None, false, NOTE);
    case.graph.call(case.body, nested, &[], None, false, NOTE);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, site);
}

#[test]
fn an_object_stored_in_another_of_the_frame() {
    let mut case = Case::new(0);
    let setter = case.setter();
    let (outer_site, outer) = case.object();
    let (inner_site, inner) = case.object();
    let (set_site, set) = case.object();
    case.graph.store(outer, inner, NOTE);
    case.call(setter, &[outer, set]);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, outer_site);
    assert_frame(&analysis, inner_site);
    assert_frame(&analysis, set_site);
}

#[test]
fn an_object_whose_contents_escape() {
    let mut case = Case::new(0);
    let (site, object) = case.object();
    let (inner_site, inner) = case.object();
    case.graph.initialise(site, inner, NOTE);
    case.graph.escape_contents(object, EscapeReason::StoredInUnknown, NOTE);
    // The same by hand: a field is put in an object that escapes.
    let (copied_site, copied) = case.object();
    let (escaping_site, escaping) = case.object();
    let field = case.field(copied);
    case.graph.initialise(escaping_site, field, NOTE);
    case.escape(escaping);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, site);
    assert_frame(&analysis, copied_site);
    assert_eq!(analysis.placement(inner_site), Placement::Heap);
    assert_eq!(analysis.placement(escaping_site), Placement::Heap);
}

#[test]
fn an_object_of_the_caller_passed_on_by_a_tail_call() {
    let mut case = Case::new(0);
    let identity = case.identity();
    let passing = case.graph.procedure(None, 1);
    let param = case.graph.param(passing, 0);
    case.graph.call(case.graph.body(passing), identity, &[param], None, true, NOTE);
    let (site, object) = case.object();
    case.call(passing, &[object]);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, site);
}

#[test]
fn an_object_around_a_nested_procedure_that_calls_its_sibling_last() {
    let mut case = Case::new(0);
    let (site, object) = case.object();
    let sibling = case.graph.procedure(Some(case.body), 0);
    let used = case.graph.variable(case.graph.body(sibling));
    case.graph.flow(object, used, NOTE);
    let nested = case.graph.procedure(Some(case.body), 0);
    case.graph.call(case.graph.body(nested), sibling, &[], None, true, NOTE);
    case.call(nested, &[]);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, site);
}

#[test]
fn a_variable_of_the_surroundings_returned_by_a_nested_procedure() {
    let mut case = Case::new(0);
    let (site, object) = case.object();
    let nested = case.graph.procedure(Some(case.body), 0);
    case.graph.flow(object, case.graph.result(nested), NOTE);
    case.call(nested, &[]);
    let analysis = case.graph.analyse();
    assert_frame(&analysis, site);
}
