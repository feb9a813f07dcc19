//! Rule 9: rooms come and go, and nobody makes one by naming it.

use std::sync::{Arc, Mutex};

use nself_realtime::broker::{Broker, BrokerError, Confirmation, Log, Record};
use nself_realtime::event::{ServiceState, ServiceStatus};
use nself_realtime::{Hub, RoomName};
use serde_json::json;

use crate::world::{QUIET, World, log_line, name, shop, subscribe, types};

#[test]
fn a_closed_room_says_so_and_begins_a_new_epoch_when_it_returns() {
    let world = World::new();
    let mut connection = world.connect();
    let before = connection.ask(&subscribe(&json!({})))[0]["data"]["epoch"].clone();
    world.hub.close_room(&shop());
    let frames = connection.frames();
    assert_eq!(frames[0]["data"]["reason"], "closed");
    assert!(
        world.shop.service_status(&ServiceStatus::new(name("web"), ServiceState::Running)).is_err()
    );
    world.hub.open_room(&shop());
    let frames = connection.ask(&subscribe(&json!({})));
    assert_ne!(frames[0]["data"]["epoch"], before);
}

#[test]
fn rooms_are_told_in_system() {
    let world = World::new();
    let mut connection = world.connect();
    let frames = connection.ask(&json!({"type": "subscribe", "room": "system"}));
    assert_eq!(frames[1]["events"][0]["data"], json!({"room": "shop", "state": "open"}));
    world.hub.close_room(&shop());
    assert_eq!(connection.frames()[0]["data"]["state"], "closed");
}

/// Notes whether rooms are told to open or to close.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<bool>>>);

impl Broker for Told {
    fn publish(&self, log: &Log, record: Record<'_>) -> Result<Confirmation, BrokerError> {
        self.0.lock().unwrap().push(!record.removal);
        log.append(record).map(Confirmation::Now)
    }
}

#[test]
fn what_is_told_of_a_room_is_what_became_of_it_whoever_opens_and_closes_it() {
    let told = Told::default();
    let hub = Hub::builder().broker(told.clone()).build();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    hub.open_room(&shop());
                    hub.close_room(&shop());
                }
            });
        }
    });
    let told = told.0.lock().unwrap();
    let in_turn = told.iter().zip([true, false].iter().cycle()).all(|(told, turn)| told == turn);
    assert!(in_turn && told.len() >= 2_000, "{} changes", told.len());
}

#[test]
fn who_asked_too_early_subscribes_when_system_says_that_the_room_is_open() {
    let world = World::new();
    let mut connection = world.connect();
    connection.ask(&json!({"type": "subscribe", "room": "system"}));
    let yard = json!({"type": "subscribe", "id": 2, "room": "yard"});
    assert_eq!(connection.error(&yard), ("unknown_room".into(), "/room".into()));
    world.hub.open_room(&RoomName::new("yard").unwrap());
    assert_eq!(connection.frames()[0]["data"], json!({"room": "yard", "state": "open"}));
    assert_eq!(types(&connection.ask(&yard)), ["subscribed", "ready"]);
}

#[test]
fn each_of_several_rooms_that_close_says_so_however_full_the_flush_is() {
    // Whichever of them comes first: four lines of the second fill a flush.
    for turn in 0..3 {
        let world = World::new();
        let mut connection = world.connect();
        let names = ["first", "full", "last"].map(|name| RoomName::new(name).unwrap());
        let emitters = names.each_ref().map(|name| world.hub.open_room(name));
        for name in &names {
            connection.ask(&json!({"type": "subscribe", "room": name}));
        }
        for _ in 0..turn {
            world.clock.advance(QUIET);
            emitters[0].log(&log_line("web", "line", None)).unwrap();
            connection.frames();
        }
        for _ in 0..8 {
            emitters[1].log(&log_line("web", &"x".repeat(16_000), None)).unwrap();
        }
        world.hub.close_room(&names[0]);
        world.hub.close_room(&names[2]);
        world.clock.advance(QUIET);
        let frames = connection.frames();
        let closed = frames.iter().filter(|frame| frame["data"]["reason"] == "closed");
        assert_eq!(closed.count(), 2, "the first room of the flush is no. {turn}");
    }
}
