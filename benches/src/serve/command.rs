//! What a server is told to do.

use std::fmt;
use std::io::{self, BufRead};
use std::str::FromStr;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::Running;

/// Publishes `count` events; after each `group` of them the turn is another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    /// How many events.
    pub count: usize,
    /// How many of them without a pause.
    pub group: usize,
    /// What is between the groups.
    pub turn: Turn,
    /// How urgent they are.
    pub urgency: Urgency,
}

/// What is between two groups of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The scheduler's other tasks, once.
    Yield,
    /// That much time from the begin of one to the begin of the next, in microseconds.
    Every(u64),
}

/// How urgent an event is, to a server that knows the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// It may wait for others.
    Batched,
    /// It is written at once.
    Immediate,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let every = match self.turn {
            Turn::Yield => 0,
            Turn::Every(micros) => micros,
        };
        let urgency = match self.urgency {
            Urgency::Batched => "batched",
            Urgency::Immediate => "immediate",
        };
        write!(f, "{} {} {every} {urgency}", self.count, self.group)
    }
}

impl FromStr for Command {
    type Err = io::Error;

    fn from_str(line: &str) -> Result<Self, io::Error> {
        let wrong = || io::Error::other(format!("not `COUNT GROUP MICROSECONDS URGENCY`: {line}"));
        let mut words = line.split_whitespace();
        let mut number =
            || words.next().and_then(|word| word.parse::<usize>().ok()).ok_or_else(wrong);
        let (count, group, every) = (number()?, number()?, number()?);
        let turn = match u64::try_from(every).map_err(|_| wrong())? {
            0 => Turn::Yield,
            micros => Turn::Every(micros),
        };
        let urgency = match words.next() {
            Some("batched") => Urgency::Batched,
            Some("immediate") => Urgency::Immediate,
            _ => return Err(wrong()),
        };
        Ok(Self { count, group: group.max(1), turn, urgency })
    }
}

/// Does what is read from standard input, until that ends.
pub(super) async fn obey(running: &Running) -> io::Result<()> {
    let (sender, mut lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = lines.recv().await {
        run(running, line?.parse()?).await?;
        println!("done");
    }
    Ok(())
}

async fn run(running: &Running, command: Command) -> io::Result<()> {
    let mut pause = match command.turn {
        Turn::Yield => None,
        Turn::Every(micros) => {
            let mut pause = interval(Duration::from_micros(micros));
            pause.set_missed_tick_behavior(MissedTickBehavior::Burst);
            Some(pause)
        }
    };
    let mut left = command.count;
    while left > 0 {
        match &mut pause {
            Some(pause) => drop(pause.tick().await),
            None => tokio::task::yield_now().await,
        }
        for _ in 0..command.group.min(left) {
            running.publish(command.urgency).await?;
        }
        left -= command.group.min(left);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written() {
        for text in ["2000 2000 0 batched", "300 1 10000 immediate"] {
            assert_eq!(text.parse::<Command>().unwrap().to_string(), text);
        }
        assert!("2000 fast".parse::<Command>().is_err());
    }
}
