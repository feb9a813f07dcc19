//! The reading of a log checked against a list that forgets nothing.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::broker::Record;
use crate::event::{Delivery, Retention};
use crate::{Epoch, EventType, Name, RoomName};

/// The rules of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TypeRule {
    name: &'static str,
    delivery: Delivery,
    retention: Retention,
}

impl TypeRule {
    fn record(self, key: &str, body: Bytes) -> Record<'_> {
        self.record_at(0, key, body)
    }

    /// Published that many seconds after the beginning.
    fn record_at(self, seconds: u64, key: &str, body: Bytes) -> Record<'_> {
        Record {
            event_type: self.name,
            key,
            delivery: self.delivery,
            retention: self.retention,
            removal: false,
            history: None,
            published: seconds * 1_000_000_000,
            body,
            condensed: None,
        }
    }
}

const RING: TypeRule = TypeRule {
    name: "test:ring",
    delivery: Delivery::Batched,
    retention: Retention::Ring { events: 5, bytes: 400 },
};
const LATEST: TypeRule =
    TypeRule { name: "test:latest", delivery: Delivery::Immediate, retention: Retention::Latest };
const NEWEST: TypeRule = TypeRule {
    name: "test:newest",
    delivery: Delivery::Immediate,
    retention: Retention::Newest { keys: 2 },
};

const RUNS: TypeRule = TypeRule {
    name: "test:runs",
    delivery: Delivery::Immediate,
    retention: Retention::Runs { keys: 2, bytes: 500 },
};

#[derive(Debug, Clone)]
enum Act {
    Publish { rule: TypeRule, key: u8, bytes: usize, removal: bool },
    Wait { seconds: u64 },
    Look,
    Take { bytes: usize },
    Resume,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let rule = prop_oneof![3 => Just(RING), 2 => Just(LATEST), 1 => Just(NEWEST), 1 => Just(RUNS)];
    let publish = (rule, 0..4_u8, 0..120_usize, 0..6_u8).prop_map(|(rule, key, bytes, n)| {
        Act::Publish { rule, key, bytes, removal: n == 0 && rule == LATEST }
    });
    let act = prop_oneof![
        12 => publish,
        1 => (0..100_u64).prop_map(|seconds| Act::Wait { seconds }),
        2 => Just(Act::Look),
        2 => (0..1_500_usize).prop_map(|bytes| Act::Take { bytes }),
        1 => Just(Act::Resume),
    ];
    proptest::collection::vec(act, 0..200)
}

fn filters() -> impl Strategy<Value = Vec<Filter>> {
    let types = |types: &[TypeRule]| {
        Some(types.iter().map(|rule| EventType::new(rule.name).unwrap()).collect())
    };
    let keys = Some(vec![Name::new("k1").unwrap(), Name::new("k2").unwrap()]);
    prop_oneof![
        Just(vec![Filter::all()]),
        Just(vec![Filter { types: types(&[RING]), keys: keys.clone(), tail: None }]),
        Just(vec![
            Filter { types: types(&[LATEST, NEWEST]), keys: None, tail: None },
            Filter { types: None, keys, tail: None },
        ]),
    ]
}

fn tiny() -> Limits {
    Limits {
        hot_events: 8,
        hot_bytes: 700,
        keys: 6,
        removals: 2,
        kept_bytes: 1_500,
        type_bytes: 1_000,
        ledger: 10_000,
    }
}

/// What was published, and what a reader got of it.
#[derive(Default)]
struct Oracle {
    published: Vec<(TypeRule, String)>,
    delivered: Vec<u64>,
    missed: BTreeMap<(String, String), u64>,
}

impl Oracle {
    fn of_key(&self, event_type: &str, key: &str, up_to: u64) -> Vec<u64> {
        (1..=up_to)
            .zip(&self.published)
            .filter(|(_, (rule, k))| rule.name == event_type && k == key)
            .map(|(seq, _)| seq)
            .collect()
    }

    fn gap(&mut self, frame: &Bytes) {
        let frame: Value = serde_json::from_slice(frame).unwrap();
        self.gap_data(&frame["data"]);
    }

    fn gap_data(&mut self, gap: &Value) {
        let mut sum = 0;
        for of in gap["of"].as_array().unwrap() {
            let missed = of["missed"].as_u64().unwrap();
            let key = (of["type"].as_str().unwrap().into(), of["key"].as_str().unwrap().into());
            *self.missed.entry(key).or_default() += missed;
            sum += missed;
        }
        assert_eq!(gap["missed"], sum);
    }

    fn events(&mut self, frame: &Bytes) {
        let frame: Value = serde_json::from_slice(frame).unwrap();
        let events = match frame.get("events") {
            Some(events) => events.as_array().unwrap().clone(),
            None => vec![frame],
        };
        for event in events {
            let seq = event["seq"].as_u64().unwrap();
            assert!(self.delivered.last().is_none_or(|last| *last < seq), "order");
            self.delivered.push(seq);
            let (rule, key) = self.published[usize::try_from(seq - 1).unwrap()].clone();
            assert_eq!(event["type"], rule.name);
            if rule == RING || rule == RUNS {
                // All before it was delivered or is told by now.
                let before = self.of_key(rule.name, &key, seq);
                assert_eq!(
                    before.len() as u64,
                    self.got(&before) + self.missed_of(rule.name, &key)
                );
            }
        }
    }

    fn got(&self, seqs: &[u64]) -> u64 {
        seqs.iter().filter(|seq| self.delivered.binary_search(seq).is_ok()).count() as u64
    }

    fn missed_of(&self, event_type: &str, key: &str) -> u64 {
        self.missed.get(&(event_type.to_owned(), key.to_owned())).copied().unwrap_or(0)
    }

    fn check_at_the_end(&self, filters: &[Filter]) {
        for rule in [RING, LATEST, NEWEST, RUNS] {
            for key in ["k0", "k1", "k2", "k3"] {
                let all = self.of_key(rule.name, key, self.published.len() as u64);
                let (got, missed) = (self.got(&all), self.missed_of(rule.name, key));
                if !filters.iter().any(|filter| filter.matches(rule.name, key)) {
                    assert_eq!((got, missed), (0, 0), "not asked for");
                } else if rule == RING || rule == RUNS {
                    assert_eq!(all.len() as u64, got + missed, "{key}: {all:?}");
                } else if let Some(last) = all.last() {
                    // Superseded events may be skipped, the last one may not.
                    assert!(self.got(&[*last]) == 1 || missed > 0, "{} {key}: {all:?}", rule.name);
                    assert!(got + missed <= all.len() as u64);
                }
            }
        }
    }
}

fn take(
    log: &mut RoomLog,
    id: FilterId,
    position: &mut Position,
    bytes: usize,
    oracle: &mut Oracle,
) -> bool {
    let taken =
        log.take(id, position, Space { bytes, one_larger: true, events: usize::MAX }).unwrap();
    if let Some(gap) = taken.gap {
        oracle.gap(&gap.frame);
    }
    if let Some(frame) = taken.frame {
        oracle.events(&frame.bytes);
    }
    taken.cut
}

fn page(log: &mut RoomLog, id: FilterId, seq: &mut u64, bytes: usize, oracle: &mut Oracle) -> bool {
    let page = log.page(id, *seq, Space { bytes, one_larger: true, events: usize::MAX }).unwrap();
    if let Some(gap) = page.gap {
        let gap: Value = serde_json::from_slice(&gap.data()).unwrap();
        assert!(gap["to"].as_u64().unwrap() <= page.to, "counted beyond the page");
        oracle.gap_data(&gap);
    }
    if let Some(frame) = page.frame {
        oracle.events(&frame.bytes);
    }
    *seq = page.to;
    page.cut
}

proptest! {
    #[test]
    fn every_event_is_delivered_once_or_counted_or_superseded(acts in acts(), filters in filters()) {
        let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), tiny());
        let id = log.add_filters(filters.clone());
        let mut position = Position::at(0);
        let (mut oracle, mut now) = (Oracle::default(), 0);
        for act in acts {
            match act {
                Act::Publish { rule, key, bytes, removal } => {
                    let key = format!("k{key}");
                    let body = format!(r#""data":"{}"}}"#, "x".repeat(bytes)).into();
                    log.append(Record { removal, ..rule.record_at(now, &key, body) }).unwrap();
                    oracle.published.push((rule, key));
                }
                Act::Wait { seconds } => now += seconds,
                Act::Look => log.look(id, &mut position),
                Act::Take { bytes } => {
                    take(&mut log, id, &mut position, bytes, &mut oracle);
                }
                // A client that was told a gap keeps its cursor before it until it has passed it.
                Act::Resume if position.has_told_nothing() => {
                    let (resumed, gap) = log.recover(id, position.seq);
                    position = resumed;
                    if let Some(gap) = gap {
 oracle.gap(&gap.frame);
}
                }
                Act::Resume => {}
            }
        }
        while take(&mut log, id, &mut position, 500, &mut oracle) {}
        prop_assert_eq!(position.seq, log.head());
        oracle.check_at_the_end(&filters);
    }

    #[test]
    fn pages_from_bare_positions_deliver_or_count_every_event_once(
        acts in acts(),
        filters in filters(),
    ) {
        let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), tiny());
        let id = log.add_filters(filters.clone());
        let (mut oracle, mut now) = (Oracle::default(), 0);
        let mut seq = 0;
        for act in acts {
            match act {
                Act::Publish { rule, key, bytes, removal } => {
                    let key = format!("k{key}");
                    let body = format!(r#""data":"{}"}}"#, "x".repeat(bytes)).into();
                    log.append(Record { removal, ..rule.record_at(now, &key, body) }).unwrap();
                    oracle.published.push((rule, key));
                }
                Act::Wait { seconds } => now += seconds,
                Act::Take { bytes } => {
                    page(&mut log, id, &mut seq, bytes, &mut oracle);
                }
                Act::Look | Act::Resume => {}
            }
        }
        while page(&mut log, id, &mut seq, 500, &mut oracle) {}
        prop_assert_eq!(seq, log.head());
        oracle.check_at_the_end(&filters);
    }

    #[test]
    fn a_snapshot_in_parts_gives_what_its_first_part_found_or_counts_it(
        before in acts(),
        between in acts(),
        bytes in 0..900_usize,
    ) {
        let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), tiny());
        let id = log.add_filters(vec![Filter::all().tail(3)]);
        let mut now = 0;
        let mut publish = |log: &mut RoomLog, act: Act| match act {
            Act::Publish { rule, key, bytes, removal } => {
                let (key, body) = (format!("k{key}"), format!(r#""data":"{}"}}"#, "x".repeat(bytes)));
                log.append(Record { removal, ..rule.record_at(now, &key, body.into()) }).unwrap();
            }
            Act::Wait { seconds } => now += seconds,
            Act::Look | Act::Take { .. } | Act::Resume => {}
        };
        for act in before {
            publish(&mut log, act);
        }
        let start = SnapshotPosition::before(log.head());
        let found = snapshot(&mut log, id, start.clone(), usize::MAX, |_| {});
        prop_assert!(found.missed.is_empty());
        let mut between = between.into_iter();
        let given = snapshot(&mut log, id, start, bytes, |log| {
            for act in between.by_ref().take(20) {
                publish(log, act);
            }
        });
        prop_assert!(given.seqs.is_sorted_by(|a, b| a < b));
        for (key, owed) in &found.by_key {
            let got = given.by_key.get(key).cloned().unwrap_or_default();
            prop_assert!(got.iter().all(|seq| owed.contains(seq)), "{key:?}: {got:?} of {owed:?}");
            let missed = given.missed.get(key).copied().unwrap_or(0);
            if [RING.name, RUNS.name].contains(&key.0.as_str()) {
                prop_assert_eq!(got.len() as u64 + missed, owed.len() as u64, "{:?}", key);
            }
        }
        prop_assert!(given.by_key.keys().chain(given.missed.keys()).all(|key| found.by_key.contains_key(key)));
    }
}

/// What the parts of a snapshot gave.
#[derive(Default)]
struct Given {
    seqs: Vec<u64>,
    by_key: BTreeMap<(String, String), Vec<u64>>,
    missed: BTreeMap<(String, String), u64>,
}

fn snapshot(
    log: &mut RoomLog,
    id: FilterId,
    mut at: SnapshotPosition,
    bytes: usize,
    mut between: impl FnMut(&mut RoomLog),
) -> Given {
    let space = Space { bytes, one_larger: true, events: usize::MAX };
    let (mut given, mut oracle) = (Given::default(), Oracle::default());
    loop {
        let part = log.take_snapshot(id, &mut at, None, space).unwrap();
        if let Some(gap) = part.gap {
            oracle.gap(&gap.frame);
        }
        let frame = part.frame.map(|frame| serde_json::from_slice::<Value>(&frame.bytes).unwrap());
        for event in frame.iter().flat_map(|frame| frame["events"].as_array().unwrap()) {
            let seq = event["seq"].as_u64().unwrap();
            given.seqs.push(seq);
            let key = (event["type"].as_str().unwrap().to_owned(), log.key_of(seq));
            given.by_key.entry(key).or_default().push(seq);
        }
        if at.is_at_its_end() {
            given.missed = oracle.missed;
            return given;
        }
        between(log);
    }
}

#[test]
fn a_slow_reader_gets_one_gap_with_the_exact_count() {
    let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), tiny());
    let id = log.add_filters(vec![Filter::all()]);
    let mut position = Position::at(0);
    for _ in 0..100 {
        let body = Bytes::from_static(br#""data":1}"#);
        log.append(RING.record("web", body)).unwrap();
    }
    let mut gaps = Vec::new();
    loop {
        let taken = log
            .take(id, &mut position, Space { bytes: 1, one_larger: true, events: usize::MAX })
            .unwrap();
        gaps.extend(taken.gap);
        if !taken.cut {
            break;
        }
    }
    let gap: Value = serde_json::from_slice(&gaps[0].frame).unwrap();
    // Eight are hot, although the ring keeps five of them only.
    assert_eq!(
        gap,
        serde_json::json!({"type": "gap", "room": "shop", "data": {
            "from": 1, "to": 92, "missed": 92, "why": "slow",
            "of": [{"type": "test:ring", "key": "web", "missed": 92}],
        }})
    );
    assert_eq!(gaps.len(), 1);
}

#[test]
fn an_old_event_is_no_longer_hot_if_nothing_is_lost_by_that() {
    let read_after_a_pause = |rule: TypeRule| {
        let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), tiny());
        let id = log.add_filters(vec![Filter::all()]);
        for seconds in [0, 0, 0, 0, 0, 0, 0, 100] {
            let body = Bytes::from_static(br#""data":1}"#);
            log.append(rule.record_at(seconds, "web", body)).unwrap();
        }
        let (mut seq, mut oracle) = (0, Oracle::default());
        oracle.published = vec![(rule, "web".to_owned()); 8];
        while page(&mut log, id, &mut seq, 10_000, &mut oracle) {}
        assert!(oracle.missed.is_empty());
        oracle.delivered
    };
    assert_eq!(read_after_a_pause(RING), [1, 2, 3, 4, 5, 6, 7, 8], "the ring keeps five of them");
    assert_eq!(read_after_a_pause(LATEST), [8]);
}

#[test]
fn of_runs_the_oldest_output_goes_first_then_the_oldest_run() {
    let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), tiny());
    let id = log.add_filters(vec![Filter::all()]);
    let mut publish = |key: &str, bytes: usize| {
        let body = format!(r#""data":"{}"}}"#, "x".repeat(bytes)).into();
        let condensed = Some(Bytes::from_static(br#""data":"-"}"#));
        log.append(Record { condensed, ..RUNS.record(key, body) }).unwrap()
    };
    publish("first", 200);
    publish("second", 200);
    publish("second", 200);
    let frame: Value = serde_json::from_slice(&whole_snapshot(&mut log, id, 3)).unwrap();
    let sizes: Vec<usize> = frame["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["data"].as_str().unwrap().len())
        .collect();
    assert_eq!(sizes, [1, 200, 200]);
    let body = Bytes::from_static(br#""data":"third"}"#);
    log.append(RUNS.record("third", body)).unwrap();
    let frame = String::from_utf8(whole_snapshot(&mut log, id, 4).to_vec()).unwrap();
    assert!(!frame.contains("\"seq\":1,") && frame.contains("\"seq\":2,"), "{frame}");
}

#[test]
fn a_tail_cuts_rings_and_nothing_else() {
    let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), tiny());
    let id = log.add_filters(vec![Filter::all().tail(1)]);
    for rule in [RUNS, RING, RUNS, RING] {
        log.append(rule.record("web", Bytes::from_static(br#""data":1}"#))).unwrap();
    }
    let frame: Value = serde_json::from_slice(&whole_snapshot(&mut log, id, 4)).unwrap();
    let seqs: Vec<_> =
        frame["events"].as_array().unwrap().iter().map(|event| &event["seq"]).collect();
    assert_eq!(seqs, [1, 3, 4], "a run is seen from its start");
}

fn whole_snapshot(log: &mut RoomLog, id: FilterId, target: u64) -> Bytes {
    let space = Space { bytes: 10_000, one_larger: true, events: usize::MAX };
    let part = log.take_snapshot(id, &mut SnapshotPosition::before(target), None, space);
    part.unwrap().frame.unwrap().bytes
}

#[test]
fn a_position_that_the_ledger_does_not_reach_is_not_continued() {
    let limits = Limits { ledger: 10, ..tiny() };
    let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), limits);
    let id = log.add_filters(vec![Filter::all()]);
    for _ in 0..20 {
        let body = Bytes::from_static(br#""data":1}"#);
        log.append(LATEST.record("web", body)).unwrap();
    }
    assert!(!log.continues(log.cursor(9)));
    assert!(log.continues(log.cursor(10)));
    assert!(!log.continues(log.cursor(21)), "from the future");
    assert!(!log.continues(crate::Cursor { epoch: Epoch::from_random(2), seq: 15 }));
    assert!(
        log.take(
            id,
            &mut Position::at(9),
            Space { bytes: 1, one_larger: true, events: usize::MAX }
        )
        .is_none()
    );
}

#[test]
fn readers_at_one_place_share_one_frame() {
    let mut log = RoomLog::new(RoomName::new("shop").unwrap(), Epoch::from_random(1), tiny());
    let id = log.add_filters(vec![Filter::all()]);
    for _ in 0..3 {
        let body = Bytes::from_static(br#""data":1}"#);
        log.append(RING.record("web", body)).unwrap();
    }
    let space = Space { bytes: 10_000, one_larger: true, events: usize::MAX };
    let mut frame =
        || log.take(id, &mut Position::at(0), space).unwrap().frame.unwrap().bytes.as_ptr();
    assert_eq!(frame(), frame());
}
