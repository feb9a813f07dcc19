//! `healthcheck`.

use std::time::Duration;

use super::super::report::{Item, Report};
use super::super::tree::Value;
use super::super::{HealthCheck, HealthTest, keys};
use super::units;

pub(super) fn healthcheck(report: &mut Report, item: &Item<'_>) -> Option<HealthCheck> {
    if !report.keys(item, &keys::HEALTHCHECK) {
        return None;
    }
    let mut time = |key: &str| {
        let item = item.some(key)?;
        let time = report.parsed(&item, units::duration)?;
        if !time.is_zero() && time < Duration::from_millis(1) {
            report.invalid(&item, "is shorter than 1ms, which no engine takes");
        }
        Some(time)
    };
    let mut healthcheck = HealthCheck {
        test: HealthTest::OfImage,
        interval: time("interval"),
        timeout: time("timeout"),
        start_period: time("start_period"),
        start_interval: time("start_interval"),
        retries: None,
    };
    healthcheck.retries = item.some("retries").and_then(|item| {
        report.parsed(&item, |text| {
            let number = text.parse::<u32>().ok().filter(|number| i32::try_from(*number).is_ok());
            number.ok_or_else(|| format!("{text:?} is no number of retries"))
        })
    });
    if let Some(item) = item.some("test") {
        healthcheck.test = test(report, &item)?;
    }
    let disable = item.some("disable").and_then(|item| report.boolean(&item)).unwrap_or_default();
    if disable || healthcheck.test == HealthTest::Disabled {
        return Some(HealthCheck {
            test: HealthTest::Disabled,
            interval: None,
            timeout: None,
            start_period: None,
            start_interval: None,
            retries: None,
        });
    }
    Some(healthcheck)
}

fn test(report: &mut Report, item: &Item<'_>) -> Option<HealthTest> {
    if !matches!(item.node.value, Value::Sequence(_)) {
        return report.word(item).map(HealthTest::Shell);
    }
    let items = report.sequence(item)?;
    let words: Vec<String> = items.iter().filter_map(|item| report.text(item)).collect();
    let mut words = words.into_iter();
    let kind = words.next();
    let rest: Vec<String> = words.collect();
    match (kind.as_deref(), rest.as_slice()) {
        (Some("NONE"), []) => Some(HealthTest::Disabled),
        (Some("CMD"), [_, ..]) => Some(HealthTest::Exec(rest)),
        (Some("CMD-SHELL"), [line]) => Some(HealthTest::Shell(line.clone())),
        _ => {
            let message = "a list begins with NONE, with CMD and then the program and its arguments, or with CMD-SHELL and then one line";
            report.invalid(item, message);
            None
        }
    }
}
