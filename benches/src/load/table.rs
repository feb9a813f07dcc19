//! The runs of several servers side by side, as a table in Markdown: medians of each measure.

use std::fmt::Write;

use super::report::Outcome;

/// A row of the table.
struct Measure {
    title: &'static str,
    scenario: &'static str,
    of: fn(&Outcome) -> Option<f64>,
    digits: usize,
}

const MEASURES: &[Measure] = &[
    Measure {
        title: "resident bytes per idle connection, 2,000 of them",
        scenario: "idle2000",
        of: bytes_per_client,
        digits: 0,
    },
    Measure {
        title: "the same, 10,000 of them",
        scenario: "idle10000",
        of: bytes_per_client,
        digits: 0,
    },
    Measure {
        title: "burst of 2,000 events to 1,000 clients: CPU µs per delivered event",
        scenario: "burst",
        of: Outcome::cpu_us_per_event,
        digits: 3,
    },
    Measure {
        title: "the same: delivered events/s",
        scenario: "burst",
        of: Outcome::events_per_second,
        digits: 0,
    },
    Measure { title: "the same: lost, %", scenario: "burst", of: Outcome::lost_percent, digits: 1 },
    Measure {
        title: "the same: most memory, MiB",
        scenario: "burst",
        of: |outcome| Some(outcome.peak_mib()),
        digits: 0,
    },
    Measure {
        title: "500 events to 1,000 clients, a turn after each: CPU µs per delivered event",
        scenario: "turns",
        of: Outcome::cpu_us_per_event,
        digits: 3,
    },
    Measure {
        title: "5,000 events/s to 100 clients for 3 s: CPU µs per delivered event",
        scenario: "fast",
        of: Outcome::cpu_us_per_event,
        digits: 3,
    },
    Measure { title: "the same: lost, %", scenario: "fast", of: Outcome::lost_percent, digits: 1 },
    Measure { title: "the same: p50, ms", scenario: "fast", of: p50, digits: 1 },
    Measure { title: "the same: p99, ms", scenario: "fast", of: p99, digits: 1 },
    Measure {
        title: "100 urgent events/s to 100 clients: CPU µs per delivered event",
        scenario: "slow",
        of: Outcome::cpu_us_per_event,
        digits: 2,
    },
    Measure { title: "the same: p50, ms", scenario: "slow", of: p50, digits: 2 },
    Measure { title: "the same: p99, ms", scenario: "slow", of: p99, digits: 2 },
    Measure {
        title: "one client, a turn every 64 events: events/s",
        scenario: "one",
        of: Outcome::events_per_second,
        digits: 0,
    },
    Measure { title: "the same: lost, %", scenario: "one", of: Outcome::lost_percent, digits: 1 },
];

/// The table of these runs, a column for each server in the order in which they first come.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut contenders: Vec<&str> = Vec::new();
    for outcome in outcomes {
        if !contenders.contains(&&*outcome.contender) {
            contenders.push(&outcome.contender);
        }
    }
    let mut table = format!("| measure | {} |\n|---|", contenders.join(" | "));
    table.extend(contenders.iter().map(|_| "---:|"));
    table.push('\n');
    for Measure { title, scenario, of, digits } in MEASURES {
        let cells: Vec<Option<f64>> = contenders
            .iter()
            .map(|contender| {
                let runs = outcomes.iter().filter(|outcome| {
                    outcome.contender == *contender && outcome.scenario == *scenario
                });
                median(runs.filter_map(of).collect())
            })
            .collect();
        if cells.iter().all(Option::is_none) {
            continue;
        }
        let _ = write!(table, "| {title} |");
        for cell in cells {
            let _ = match cell {
                Some(value) => write!(table, " {value:.digits$} |"),
                None => write!(table, " |"),
            };
        }
        table.push('\n');
    }
    table
}

#[expect(clippy::unnecessary_wraps, reason = "a measure, and not all runs have all of them")]
#[expect(clippy::cast_precision_loss, reason = "a measure for people")]
fn bytes_per_client(outcome: &Outcome) -> Option<f64> {
    Some(outcome.bytes_per_client as f64)
}

fn p50(outcome: &Outcome) -> Option<f64> {
    outcome.ms(outcome.p50_us)
}

fn p99(outcome: &Outcome) -> Option<f64> {
    outcome.ms(outcome.p99_us)
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(contender: &str, bytes: u64) -> Outcome {
        Outcome {
            contender: contender.into(),
            scenario: "idle2000".into(),
            bytes_per_client: bytes,
            ..Outcome::default()
        }
    }

    #[test]
    fn a_cell_is_the_median_of_its_runs_and_empty_rows_are_left_out() {
        let runs = [run("a", 5), run("b", 10), run("a", 900), run("a", 7)];
        assert_eq!(
            table(&runs),
            "| measure | a | b |\n|---|---:|---:|\n\
             | resident bytes per idle connection, 2,000 of them | 7 | 10 |\n"
        );
    }
}
