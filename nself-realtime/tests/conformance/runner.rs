//! Plays a transcript and compares what the client sees.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use crate::client::{Client, Kind, Seen, Wire};
use crate::transcript::{Cut, Expected, MissedOfKey, Resume, Seqs, Step, Subscribe, Transcript};
use crate::world::World;

/// Which transport a client uses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Route {
    /// This one.
    Only(Kind),
    /// These two by turns: another one after each cut.
    ByTurns(Kind, Kind),
}

impl Route {
    pub(crate) fn uses(self, kind: Kind) -> bool {
        match self {
            Self::Only(only) => only == kind,
            Self::ByTurns(one, other) => one == kind || other == kind,
        }
    }

    fn next(self, last: Option<Kind>) -> Kind {
        match self {
            Self::Only(kind) => kind,
            Self::ByTurns(one, other) if last == Some(one) => other,
            Self::ByTurns(one, _) => one,
        }
    }
}

/// What went over the wire in one step.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Which step, from 0.
    pub(crate) step: usize,
    pub(crate) over: Kind,
    pub(crate) sent: Vec<Value>,
    pub(crate) received: Vec<Value>,
    /// Types and data of what was published in the client's room.
    pub(crate) published: Vec<(String, Value)>,
}

/// What a transcript compares: positions in place of events.
#[derive(Debug, PartialEq)]
enum Told {
    Subscribed(String),
    Snapshot(Vec<u64>),
    Gap(u64, BTreeMap<(String, String), u64>),
    Events(Vec<u64>),
    Ready,
    Closed,
    Error(String),
}

struct Player {
    world: World,
    route: Route,
    kind: Option<Kind>,
    client: Option<Client>,
    wish: Option<Subscribe>,
    cursor: Option<String>,
    remembered: HashMap<String, String>,
    // The last position of each key on this connection.
    last: HashMap<(String, String), u64>,
    // Positions in `system` in the order in which they were told.
    in_system: Vec<u64>,
    step: usize,
    exchanges: Vec<Exchange>,
}

/// Plays it; panics at the first step that does not go as it says.
pub(crate) async fn play(transcript: &Transcript, route: Route) -> Vec<Exchange> {
    let mut player = Player {
        world: World::new(),
        route,
        kind: None,
        client: None,
        wish: None,
        cursor: None,
        remembered: HashMap::new(),
        last: HashMap::new(),
        in_system: Vec::new(),
        step: 0,
        exchanges: Vec::new(),
    };
    for (index, step) in transcript.steps.iter().enumerate() {
        let place = format!("{}, {route:?}, step {}", transcript.name, index + 1);
        player.step = index;
        player.step(step, &place).await;
        player.note();
    }
    player.exchanges
}

impl Player {
    async fn step(&mut self, step: &Step, place: &str) {
        match step {
            Step::Open(room) => self.world.open(room),
            Step::Close(room) => self.world.close(room),
            Step::Restart => {
                self.cut();
                self.world.restart();
            }
            Step::Publish(publish) => self.world.publish(publish),
            Step::Subscribe(subscribe) => {
                self.wish = Some(subscribe.clone());
                let since = subscribe.since.as_deref().map(|since| self.position(since));
                let kind = self.route.next(self.kind);
                self.connect(kind, since, false).await;
            }
            Step::Resume(Resume { over }) => {
                let kind = over.unwrap_or_else(|| self.route.next(self.kind));
                self.connect(kind, self.cursor.clone(), true).await;
            }
            Step::Add(data) => self.say("subscribe", data).await,
            Step::Remove(data) => self.say("unsubscribe", data).await,
            Step::Remember(name) => {
                let cursor = self.client.as_ref().unwrap().cursor().unwrap();
                self.remembered.insert(name.clone(), cursor);
            }
            Step::Cut(Cut::Idle) => self.cut(),
            Step::Cut(Cut::Interrupted) => {
                self.client.as_mut().unwrap().take_a_part().await;
                self.cut();
            }
            Step::Expect(expected) => {
                let seen = self.client.as_mut().unwrap().observe().await;
                let told = self.told(seen, place);
                assert_eq!(told, told_by(expected), "{place}");
            }
        }
    }

    async fn connect(&mut self, kind: Kind, since: Option<String>, resumed: bool) {
        assert!(self.client.is_none(), "a client is cut before it comes again");
        let Subscribe { room, filters, .. } = self.wish.as_ref().unwrap();
        let server = &self.world.server;
        let client = Client::subscribe(kind, server, room, filters, since, resumed).await;
        (self.kind, self.client) = (Some(kind), Some(client));
        self.last.clear();
    }

    async fn say(&mut self, frame_type: &str, data: &Value) {
        let room = &self.wish.as_ref().unwrap().room;
        let frame = json!({"type": frame_type, "id": 2, "room": room, "data": data});
        self.client.as_mut().unwrap().say(&frame).await;
    }

    /// Notes what went over the wire since the last time.
    fn note(&mut self) {
        let (Some(client), Some(over)) = (&mut self.client, self.kind) else { return };
        let Wire { sent, received } = client.take_wire();
        if !sent.is_empty() || !received.is_empty() {
            let published = self.world.all_published(&self.wish.as_ref().unwrap().room);
            self.exchanges.push(Exchange { step: self.step, over, sent, received, published });
        }
    }

    fn cut(&mut self) {
        self.note();
        if let Some(client) = self.client.take() {
            self.cursor = client.cursor();
        }
    }

    /// A cursor as it is written, or the name of a remembered one, with `+N` to go beyond it.
    fn position(&self, text: &str) -> String {
        let (name, beyond) = text.split_once('+').unwrap_or((text, "0"));
        let Some(cursor) = self.remembered.get(name) else { return text.to_owned() };
        let (epoch, seq) = cursor.split_once('.').unwrap();
        let seq = seq.parse::<u64>().unwrap() + beyond.parse::<u64>().unwrap();
        format!("{epoch}.{seq}")
    }

    /// Brings what was seen into one form: how it was cut into frames or answers, and how a loss was
    /// spread over them, is the transport's own.
    fn told(&mut self, seen: Vec<Seen>, place: &str) -> Vec<Told> {
        let (mut told, mut events) = (Vec::new(), Vec::new());
        let (mut missed, mut of) = (0, BTreeMap::new());
        for seen in seen.into_iter().map(Some).chain([None]) {
            match seen {
                Some(Seen::Gap(gap)) => {
                    missed += gap["missed"].as_u64().unwrap();
                    for (key, lost) in self.gap(&gap, place) {
                        *of.entry(key).or_default() += lost;
                    }
                    continue;
                }
                Some(Seen::Events(list)) => {
                    events.extend(self.events(&list, place));
                    continue;
                }
                _ => {}
            }
            if missed > 0 {
                told.push(Told::Gap(std::mem::take(&mut missed), std::mem::take(&mut of)));
            }
            if !events.is_empty() {
                rising(&events, place);
                told.push(Told::Events(std::mem::take(&mut events)));
            }
            match seen {
                Some(Seen::Subscribed(recovered)) => told.push(Told::Subscribed(recovered)),
                Some(Seen::Snapshot(list)) => {
                    let more = list.iter().map(|event| self.check(event, place));
                    let more: Vec<u64> = more.collect();
                    if let Some(Told::Snapshot(seqs)) = told.last_mut() {
                        seqs.extend(more);
                        rising(seqs, place);
                    } else {
                        rising(&more, place);
                        told.push(Told::Snapshot(more));
                    }
                }
                Some(Seen::Ready) => told.push(Told::Ready),
                Some(Seen::Closed) => told.push(Told::Closed),
                Some(Seen::Error(code)) => told.push(Told::Error(code)),
                Some(Seen::Gap(_) | Seen::Events(_)) | None => {}
            }
        }
        told
    }

    fn gap(&self, gap: &Value, place: &str) -> Vec<((String, String), u64)> {
        let to = gap["to"].as_u64().unwrap();
        let mut losses = Vec::new();
        for of in gap["of"].as_array().unwrap() {
            let text = |name: &str| of[name].as_str().unwrap().to_owned();
            let key = (text("type"), text("key"));
            let last = self.last.get(&key).copied().unwrap_or(0);
            assert!(last < to, "{place}: an event of {key:?} came before the gap that precedes it");
            losses.push((key, of["missed"].as_u64().unwrap()));
        }
        losses
    }

    fn events(&mut self, events: &[Value], place: &str) -> Vec<u64> {
        let mut seqs = Vec::new();
        for event in events {
            let seq = self.check(event, place);
            let subject = ["service", "id", "room"];
            let key = subject.iter().find_map(|name| event["data"][name].as_str()).unwrap();
            let event_type = event["type"].as_str().unwrap().to_owned();
            self.last.insert((event_type, key.to_owned()), seq);
            seqs.push(seq);
        }
        seqs
    }

    /// The number of an event in the transcript: its position, but in `system`, where who is here takes
    /// positions, too, the how-many-th of those that were asked for.
    fn told_as(&mut self, seq: u64) -> u64 {
        if self.wish.as_ref().unwrap().room != "system" {
            return seq;
        }
        if !self.in_system.contains(&seq) {
            self.in_system.push(seq);
        }
        1 + self.in_system.iter().position(|known| *known == seq).unwrap() as u64
    }

    /// Compares an event with what was published at its position.
    fn check(&mut self, event: &Value, place: &str) -> u64 {
        let seq = event["seq"].as_u64().unwrap();
        assert!(event["timestamp"].is_string(), "{place}: {event}");
        let room = &self.wish.as_ref().unwrap().room;
        if let Some((event_type, data)) = self.world.published(room, seq) {
            assert_eq!((&event["type"], &event["data"]), (&json!(event_type), data), "{place}");
        }
        self.told_as(seq)
    }
}

fn rising(seqs: &[u64], place: &str) {
    assert!(seqs.is_sorted_by(|a, b| a < b), "{place}: positions do not rise: {seqs:?}");
}

fn told_by(expected: &[Expected]) -> Vec<Told> {
    let key = |of: &MissedOfKey| ((of.event_type.clone(), of.key.clone()), of.missed);
    let told = expected.iter().map(|expected| match expected {
        Expected::Subscribed(recovered) => Told::Subscribed(recovered.clone()),
        Expected::Snapshot(seqs) => Told::Snapshot(Seqs::all(seqs)),
        Expected::Gap { missed, of } => Told::Gap(*missed, of.iter().map(key).collect()),
        Expected::Events(seqs) => Told::Events(Seqs::all(seqs)),
        Expected::Ready => Told::Ready,
        Expected::Closed => Told::Closed,
        Expected::Error(code) => Told::Error(code.clone()),
    });
    told.collect()
}
