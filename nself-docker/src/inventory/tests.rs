//! The inventory by itself: what it asks for and what it says.

use std::time::{Duration, Instant};

use nself_realtime::NanoTimestamp;

use super::*;

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn running(id: &str) -> Container {
    Container::new(id, id, ContainerState::Running).in_service("shop", "web")
}

fn exited(id: &str, exit_code: i64) -> Container {
    let mut container = running(id);
    container.state = ContainerState::Exited;
    container.exit_code = Some(exit_code);
    container
}

fn event(id: &str, action: ContainerAction) -> EngineEvent {
    EngineEvent::new(id, NanoTimestamp::from_unix_nanos(0).unwrap(), action)
}

fn inspections(inventory: &mut Inventory) -> Vec<String> {
    std::iter::from_fn(|| inventory.poll_inspection()).collect()
}

fn states(inventory: &mut Inventory) -> Vec<ServiceState> {
    inventory.poll_changes().into_iter().map(|change| change.status.status).collect()
}

#[test]
fn at_most_eight_are_inspected_at_once() {
    let mut inventory = Inventory::default();
    let ids: Vec<String> = (0..20).map(|number| format!("c{number:02}")).collect();
    inventory.handle_list(ids.iter().map(|id| running(id)).collect());
    let first = inspections(&mut inventory);
    assert_eq!(first.len(), 8);
    for id in &first {
        inventory.handle_inspected(id, Ok(running(id)));
    }
    assert_eq!(inspections(&mut inventory).len(), 8);
}

#[test]
fn the_dead_are_listed_without_inspection() {
    let mut inventory = Inventory::default();
    inventory.handle_list((0..30_000).map(|number| exited(&format!("c{number}"), 0)).collect());
    assert!(inspections(&mut inventory).is_empty());
    inventory.handle_list(vec![exited("eaten", 137)]);
    assert_eq!(inspections(&mut inventory), ["eaten"], "only an inspection knows of memory");
}

#[test]
fn what_a_list_has_no_word_for_is_inspected_and_not_taken_for_dead() {
    let mut inventory = Inventory::default();
    let mut odd = exited("a", 0);
    odd.exit_code = None;
    for _ in 0..3 {
        inventory.handle_list(vec![odd.clone()]);
        assert_eq!(inspections(&mut inventory), ["a"]);
        inventory.handle_inspected("a", Ok(running("a")));
        assert_eq!(inventory.records["a"].container.state, ContainerState::Running);
    }
    assert_eq!(states(&mut inventory), [ServiceState::Running]);
    inventory.handle_list(vec![odd]);
    assert_eq!(inventory.records["a"].container.state, ContainerState::Running);
}

#[test]
fn a_run_between_two_lists_that_no_event_told_is_found_by_its_exit_code() {
    let mut inventory = Inventory::default();
    inventory.handle_list(vec![exited("a", 0)]);
    assert_eq!(states(&mut inventory), [ServiceState::Stopped]);
    inventory.handle_list(vec![exited("a", 1)]);
    assert_eq!(inspections(&mut inventory), ["a"]);
    inventory.handle_inspected("a", Ok(exited("a", 1)));
    assert_eq!(states(&mut inventory), [ServiceState::Failed]);
    inventory.handle_list(vec![exited("a", 1)]);
    assert!(inspections(&mut inventory).is_empty());
}

#[test]
fn nothing_is_said_while_something_is_being_found_out() {
    let mut inventory = Inventory::default();
    inventory.handle_list(vec![running("a"), running("b")]);
    assert_eq!(inspections(&mut inventory), ["a", "b"]);
    inventory.handle_inspected("a", Ok(running("a")));
    assert!(states(&mut inventory).is_empty());
    inventory.handle_inspected("b", Ok(running("b")));
    assert_eq!(states(&mut inventory), [ServiceState::Running]);
    assert!(states(&mut inventory).is_empty());
}

#[test]
fn a_list_does_not_undo_what_happened_while_it_was_on_its_way() {
    let mut inventory = Inventory::default();
    let now = now();
    inventory.begin_list();
    inventory.handle_event(&event("new", ContainerAction::Create), now);
    inventory.handle_event(&event("gone", ContainerAction::Destroy), now);
    assert_eq!(inspections(&mut inventory), ["new"]);
    inventory.handle_inspected("new", Ok(running("new")));
    inventory.handle_list(vec![exited("gone", 0)]);
    let ids: Vec<_> =
        inventory.records.values().map(|record| record.container.id.as_str()).collect();
    assert_eq!(ids, ["new"]);
}

#[test]
fn an_inspection_that_is_older_than_the_removal_brings_nothing_back() {
    let mut inventory = Inventory::default();
    for gone in ["told", "listed"] {
        inventory.handle_list(vec![running("a")]);
        assert_eq!(inspections(&mut inventory), ["a"]);
        match gone {
            "told" => inventory.handle_event(&event("a", ContainerAction::Destroy), now()),
            _ => inventory.handle_list(Vec::new()),
        }
        inventory.handle_inspected("a", Ok(running("a")));
        assert!(inventory.records.is_empty(), "{gone}");
        inventory.begin_list();
    }
}

#[test]
fn what_changes_during_an_inspection_is_inspected_again() {
    let mut inventory = Inventory::default();
    inventory.handle_list(vec![running("a")]);
    assert_eq!(inspections(&mut inventory), ["a"]);
    let die = ContainerAction::Die { exit_code: Some(1), tells_signals: true };
    inventory.handle_event(&event("a", die), now());
    assert!(inspections(&mut inventory).is_empty(), "not twice at once");
    inventory.handle_inspected("a", Ok(running("a")));
    assert!(states(&mut inventory).is_empty());
    assert_eq!(inspections(&mut inventory), ["a"]);
    inventory.handle_inspected("a", Ok(exited("a", 1)));
    assert_eq!(states(&mut inventory), [ServiceState::Failed]);
}

#[test]
fn a_handled_signal_is_no_end_and_does_not_excuse_one() {
    let mut inventory = Inventory::default();
    let now = now();
    inventory.handle_list(vec![running("a")]);
    inspections(&mut inventory);
    inventory.handle_inspected("a", Ok(running("a")));
    assert_eq!(states(&mut inventory), [ServiceState::Running]);

    inventory.handle_event(&event("a", ContainerAction::Kill), now);
    assert!(states(&mut inventory).is_empty());
    let die = ContainerAction::Die { exit_code: Some(1), tells_signals: true };
    inventory.handle_event(&event("a", die), now);
    assert_eq!(inspections(&mut inventory), ["a"]);
    inventory.handle_inspected("a", Ok(exited("a", 1)));
    assert!(states(&mut inventory).is_empty(), "the news of a stop may still come");
    assert_eq!(inventory.poll_timeout(), Some(now + Duration::from_secs(1)));
    inventory.handle_timeout(now + Duration::from_secs(1));
    assert_eq!(states(&mut inventory), [ServiceState::Failed]);
}

#[test]
fn an_engine_that_tells_of_no_signals_is_judged_by_the_code() {
    for (code, state) in
        [(137, ServiceState::Stopped), (143, ServiceState::Stopped), (3, ServiceState::Failed)]
    {
        let mut inventory = Inventory::default();
        inventory.handle_list(vec![running("a")]);
        inspections(&mut inventory);
        inventory.handle_inspected("a", Ok(running("a")));
        assert_eq!(states(&mut inventory), [ServiceState::Running]);
        let die = ContainerAction::Die { exit_code: Some(code), tells_signals: false };
        inventory.handle_event(&event("a", die), now());
        inspections(&mut inventory);
        inventory.handle_inspected("a", Ok(exited("a", code)));
        assert_eq!(states(&mut inventory), [state], "{code}");
    }
}

#[test]
fn everybody_gets_inspected_though_lists_come_faster_than_answers() {
    let mut inventory = Inventory::default();
    let ids: Vec<String> = (0..40).map(|number| format!("c{number:02}")).collect();
    let mut inspected = Vec::new();
    for _ in 0..5 {
        inventory.handle_list(ids.iter().map(|id| running(id)).collect());
        for id in inspections(&mut inventory) {
            inventory.handle_inspected(&id, Ok(running(&id)));
            inspected.push(id);
        }
    }
    assert_eq!(inspected, ids);
}
