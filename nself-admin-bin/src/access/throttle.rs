//! Slows down guessing: after five failures within a minute an address waits, each time twice as long, up to
//! a minute. Nobody is ever locked out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// So many failures are free.
const FREE: u32 = 5;
/// Within that time.
const WITHIN: Duration = Duration::from_mins(1);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How many addresses are remembered.
const MAX_ADDRESSES: usize = 10_000;

#[derive(Debug)]
struct Record {
    attempts: u32,
    since: Instant,
    wait: Duration,
    blocked_until: Instant,
}

/// Who failed how often.
#[derive(Debug, Default)]
pub(crate) struct Throttle(HashMap<IpAddr, Record>);

impl Throttle {
    /// Counts an attempt, as failed until [`succeeded`](Self::succeeded) takes it back: attempts that are
    /// made at once do not pass all together.
    ///
    /// # Errors
    ///
    /// How long that address has to wait.
    pub(crate) fn attempt(&mut self, now: Instant, address: IpAddr) -> Result<(), Duration> {
        self.make_room(now);
        let fresh = Record { attempts: 0, since: now, wait: Duration::ZERO, blocked_until: now };
        let record = self.0.entry(network(address)).or_insert(fresh);
        if now < record.blocked_until {
            return Err(record.blocked_until - now);
        }
        if now >= record.since.max(record.blocked_until) + WITHIN {
            (record.attempts, record.since, record.wait) = (0, now, Duration::ZERO);
        }
        record.attempts += 1;
        if record.attempts >= FREE {
            record.wait = (record.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
            record.blocked_until = now + record.wait;
        }
        Ok(())
    }

    /// Forgets the failures of an address.
    pub(crate) fn succeeded(&mut self, address: IpAddr) {
        self.0.remove(&network(address));
    }

    fn make_room(&mut self, now: Instant) {
        if self.0.len() < MAX_ADDRESSES {
            return;
        }
        self.0.retain(|_, record| now < record.since.max(record.blocked_until) + WITHIN);
        if self.0.len() >= MAX_ADDRESSES {
            // So many at once are one attacker: the one who waits least is forgotten.
            let least = self.0.iter().min_by_key(|(_, record)| record.blocked_until);
            if let Some(address) = least.map(|(address, _)| *address) {
                self.0.remove(&address);
            }
        }
    }
}

/// What counts as one address: with IPv6, a /64, of which one host may have all.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use nself_realtime::clock::{Clock, SystemClock};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn after_five_failures_the_waits_double_up_to_a_minute() {
        let (mut throttle, mut now) = (Throttle::default(), SystemClock.now());
        let one = address("192.0.2.1");
        for _ in 0..FREE {
            assert_eq!(throttle.attempt(now, one), Ok(()));
        }
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(throttle.attempt(now, one), Err(SECOND * seconds));
            assert_eq!(throttle.attempt(now, address("192.0.2.2")), Ok(()), "another address");
            throttle.succeeded(address("192.0.2.2"));
            now += SECOND * seconds;
            assert_eq!(throttle.attempt(now, one), Ok(()), "nobody is locked out");
        }
    }

    #[test]
    fn a_success_or_a_quiet_minute_begins_anew() {
        let (mut throttle, now) = (Throttle::default(), SystemClock.now());
        let one = address("192.0.2.1");
        let fail = |throttle: &mut Throttle, now, times: u32| {
            (0..times).all(|_| throttle.attempt(now, one).is_ok())
        };
        assert!(fail(&mut throttle, now, FREE - 1));
        throttle.succeeded(one);
        assert!(fail(&mut throttle, now, FREE));
        assert!(!fail(&mut throttle, now, 1));
        assert!(fail(&mut throttle, now + SECOND + WITHIN, FREE));
    }

    #[test]
    fn a_network_of_one_host_is_one_address() {
        let (mut throttle, now) = (Throttle::default(), SystemClock.now());
        for last in 0..FREE {
            throttle.attempt(now, address(&format!("2001:db8::{last}"))).unwrap();
        }
        assert_eq!(throttle.attempt(now, address("2001:db8::ffff:1")), Err(SECOND));
        assert_eq!(throttle.attempt(now, address("2001:db8:0:1::1")), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (mut throttle, now) = (Throttle::default(), SystemClock.now());
        for number in 0..20_000_u32 {
            throttle.attempt(now, std::net::Ipv4Addr::from_bits(number).into()).unwrap();
        }
        assert_eq!(throttle.0.len(), MAX_ADDRESSES);
    }
}
