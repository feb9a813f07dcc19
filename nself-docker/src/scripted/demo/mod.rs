//! The demo: an invented shop on a self-hosted backend. It mostly works. Now and then a service falls
//! ill and gets well, or dies and is started again.

mod bakery;
mod cast;
mod lines;

use std::sync::{Arc, Weak};
use std::time::Duration;

use nself_realtime::event::HealthState;
use tokio::time::interval;

use self::cast::{Role, cast};
use super::dice::Dice;
use super::world::World;
use super::{ScriptedEngine, Usage};
use crate::engine::{ContainerState, LogPipe};

/// Puts the cast on the stage and lets it play for as long as there is an engine.
pub(super) fn play(world: &Arc<World>, seed: u64) {
    let engine = ScriptedEngine { world: Arc::clone(world) };
    let mut dice = Dice::new(seed);
    let roles = cast(world);
    bakery::prepare(&engine);
    for role in &roles {
        engine.add(role.container.clone());
        for ago in (1..=HISTORY).rev() {
            let time =
                world.after_start(-i128::from(ago * 2_000 + dice.between(0, 1_000)) * MILLION);
            for (pipe, line) in lines::next(role.service, &mut dice) {
                engine.print_at(&role.container.id, pipe, time, &line);
            }
        }
        engine.set_usage(&role.container.id, usage(role, &mut dice));
    }
    let play = Play { dice, roles, beat: 0, trouble: None };
    tokio::spawn(play.run(Arc::downgrade(world)));
}

/// The play, beat by beat.
struct Play {
    dice: Dice,
    roles: Vec<Role>,
    beat: u64,
    trouble: Option<Trouble>,
}

/// What is wrong, and until which beat.
struct Trouble {
    kind: Misfortune,
    until: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misfortune {
    /// The storage's health check fails.
    Illness,
    /// The functions' process dies; the engine starts it again.
    Death,
}

impl Play {
    async fn run(mut self, world: Weak<World>) {
        let mut beats = interval(BEAT);
        loop {
            beats.tick().await;
            let Some(world) = world.upgrade() else { return };
            self.play_beat(&ScriptedEngine { world });
        }
    }

    fn play_beat(&mut self, engine: &ScriptedEngine) {
        self.beat += 1;
        for role in &self.roles {
            let id = &role.container.id;
            let Ok(now) = engine.world.actor(id) else { continue };
            if now.state != ContainerState::Running {
                continue;
            }
            if self.dice.one_in(role.prints_every) {
                for (pipe, line) in lines::next(role.service, &mut self.dice) {
                    engine.print(id, pipe, &line);
                }
            }
            if self.dice.one_in(8) {
                engine.set_usage(id, usage(role, &mut self.dice));
            }
            if now.health == Some(HealthState::Starting) && self.dice.one_in(12) {
                engine.set_health(id, HealthState::Healthy);
            }
        }
        self.suffer(engine);
    }

    /// Begins and ends misfortunes: one at a time, the two in turn.
    fn suffer(&mut self, engine: &ScriptedEngine) {
        match self.trouble.take() {
            Some(trouble) if trouble.until > self.beat => self.trouble = Some(trouble),
            Some(trouble) => trouble.kind.end(engine),
            None if self.beat % 400 == 150 => self.begin(Misfortune::Illness, 60, engine),
            None if self.beat % 400 == 330 => self.begin(Misfortune::Death, 24, engine),
            None => {}
        }
    }

    fn begin(&mut self, kind: Misfortune, beats: u64, engine: &ScriptedEngine) {
        let happens = engine.world.is_up(kind.victim());
        if happens {
            kind.begin(engine);
            let until = self.beat + beats + self.dice.between(0, beats);
            self.trouble = Some(Trouble { kind, until });
        }
    }
}

impl Misfortune {
    fn victim(self) -> &'static str {
        match self {
            Self::Illness => cast::STORAGE,
            Self::Death => cast::FUNCTIONS,
        }
    }

    fn begin(self, engine: &ScriptedEngine) {
        let id = self.victim();
        for (pipe, line) in match self {
            Self::Illness => lines::illness(),
            Self::Death => lines::death(),
        } {
            engine.print(id, pipe, line);
        }
        match self {
            Self::Illness => engine.set_health(id, HealthState::Unhealthy),
            Self::Death => {
                engine.world.with_actor(id, |actor| {
                    actor.end(1);
                    actor.container.state = ContainerState::Restarting;
                });
                engine.tell(
                    id,
                    crate::engine::ContainerAction::Die { exit_code: Some(1), tells_signals: true },
                );
            }
        }
    }

    fn end(self, engine: &ScriptedEngine) {
        let id = self.victim();
        match self {
            Self::Illness if engine.world.is_up(id) => {
                engine.print(id, LogPipe::Stdout, lines::RECOVERY);
                engine.set_health(id, HealthState::Healthy);
            }
            Self::Illness => {}
            Self::Death => engine.start_again(id),
        }
    }
}

impl ScriptedEngine {
    /// Starts a container that waits for it, as a restart policy does.
    fn start_again(&self, id: &str) {
        let waits = self.world.actor(id).is_ok_and(|now| now.state == ContainerState::Restarting);
        if waits {
            let now = self.world.unique_now();
            self.world.with_actor(id, |actor| {
                actor.begin(now);
                actor.container.restart_count = actor.container.restart_count.map(|n| n + 1);
            });
            self.tell(id, crate::engine::ContainerAction::Start);
        }
    }
}

fn usage(role: &Role, dice: &mut Dice) -> Usage {
    let vary = |dice: &mut Dice, around: u64| dice.between(around / 2, around + around / 2 + 1);
    let cpu = vary(dice, role.cpu_percent);
    Usage {
        cpu_percent: u32::try_from(cpu).unwrap_or(0),
        memory: role.memory + dice.between(0, role.memory / 8),
        received: vary(dice, role.traffic),
        sent: vary(dice, role.traffic * 3),
        pids: role.pids,
    }
}

const BEAT: Duration = Duration::from_millis(250);

/// How many times each has printed before the curtain rises.
const HISTORY: u64 = 40;

const MILLION: i128 = 1_000_000;
