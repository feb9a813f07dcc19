//! What can be measured, as Prometheus reads it. Everything is asked for when it is read; nothing is kept.

mod engine;
mod process;

use std::collections::BTreeMap;
use std::fmt::Error;
use std::time::Duration;

use nself_docker::{Docker, Durations};
use nself_realtime::Server;
use nself_realtime::event::EngineState;
use nself_realtime::stats::{LATENCY_BOUNDS_US, Statistics};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use crate::http::Stack;

/// The type of the text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is measured.
#[derive(Debug)]
pub(crate) struct Metrics(Registry);

impl Metrics {
    pub(crate) fn new(server: Server, stack: Stack) -> Self {
        let mut registry = Registry::with_prefix("nself");
        registry.register_collector(Box::new(Measured { server, stack }));
        Self(registry)
    }

    /// The text.
    ///
    /// # Errors
    ///
    /// A value that cannot be written.
    pub(crate) fn text(&self) -> Result<String, Error> {
        let mut buffer = String::new();
        text::encode(&mut buffer, &self.0)?;
        Ok(buffer)
    }
}

#[derive(Debug)]
struct Measured {
    server: Server,
    stack: Stack,
}

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let info = [("version", env!("CARGO_PKG_VERSION"))];
        family(&mut encoder, "build", "The program; always 1", [(info, 1)])?;
        realtime(&mut encoder, &self.server.hub().statistics())?;
        let rooms = as_gauge(self.server.hub().rooms().len());
        gauge(&mut encoder, "rooms", "Rooms that are open", None, rooms)?;
        let Stack { docker, builds, calls } = &self.stack;
        let online = docker.engine().status == EngineState::Online;
        gauge(&mut encoder, "engine_online", "Whether the engine answers", None, online.into())?;
        let followers = as_gauge(docker.followers());
        gauge(
            &mut encoder,
            "followers",
            "Logs and stats that are read from the engine",
            None,
            followers,
        )?;
        services(&mut encoder, docker)?;
        engine::calls(&mut encoder, calls)?;
        if let Some(builds) = builds {
            engine::builds(&mut encoder, builds)?;
        }
        // Outside a runtime there are none to count.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tasks = as_gauge(runtime.metrics().num_alive_tasks());
            gauge(&mut encoder, "tasks", "Tasks of the program that have not ended", None, tasks)?;
        }
        process(&mut encoder)
    }
}

fn realtime(encoder: &mut DescriptorEncoder<'_>, now: &Statistics) -> Result<(), Error> {
    counter(encoder, "events_published", "Events that were published", None, now.events_in)?;
    counter(encoder, "events_written", "Events written, once per reader", None, now.events_out)?;
    counter(encoder, "frames_written", "Frames written", None, now.frames_out)?;
    counter(encoder, "written", "Written in frames", Some(&Unit::Bytes), now.bytes_out)?;
    let gaps = [([("why", "slow")], now.gaps_slow), ([("why", "expired")], now.gaps_expired)];
    counters(encoder, "gaps", "Gaps that readers were told", gaps)?;
    let closes =
        now.closes.iter().map(|(code, count)| ([("code", code.code().to_string())], *count));
    counters(encoder, "closes", "Connections closed by the server, by code", closes)?;
    let open = now.connections.iter();
    let open =
        open.map(|(transport, count)| ([("transport", transport.as_str())], as_gauge(*count)));
    family(encoder, "connections", "Realtime connections that are open", open)?;
    latency(encoder, now)
}

/// From publishing to the operating system's taking the bytes.
fn latency(encoder: &mut DescriptorEncoder<'_>, now: &Statistics) -> Result<(), Error> {
    let help = "From publishing to the write, of the oldest event of each write";
    let unit = Some(&Unit::Seconds);
    let mut metric = encoder.encode_descriptor("latency", help, unit, MetricType::Histogram)?;
    let bounds = LATENCY_BOUNDS_US.iter().map(|bound| seconds(*bound)).chain([f64::MAX]);
    let buckets: Vec<(f64, u64)> = bounds.zip(now.latency.iter().copied()).collect();
    let count = now.latency.iter().sum();
    let sum = now.latency_sum.as_secs_f64();
    metric.encode_histogram::<[(&str, &str); 0]>(sum, count, &buckets, None)
}

fn services(encoder: &mut DescriptorEncoder<'_>, docker: &Docker) -> Result<(), Error> {
    let mut counts = BTreeMap::new();
    for (project, status) in docker.services() {
        let state = serde_json::to_value(status.status).unwrap_or_default();
        let state = state.as_str().unwrap_or_default().to_owned();
        *counts.entry((project, state)).or_insert(0_i64) += 1;
    }
    let counts = counts.into_iter().map(|((project, state), count)| {
        ([("project", project.as_str().to_owned()), ("status", state)], count)
    });
    family(encoder, "services", "Services, by project and status", counts)
}

fn process(encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
    // What cannot be measured is absent.
    let Some(process) = process::measure() else { return Ok(()) };
    let resident = "Resident memory of the program";
    let bytes = Some(&Unit::Bytes);
    gauge(encoder, "process_resident_memory", resident, bytes, as_gauge(process.resident_bytes))?;
    let open = "Descriptors that the program has open";
    gauge(encoder, "process_open_descriptors", open, None, as_gauge(process.descriptors))?;
    let cpu = ConstCounter::new(process.cpu_seconds);
    let help = "Processor time of the program";
    let unit = Some(&Unit::Seconds);
    let metric = encoder.encode_descriptor("process_cpu", help, unit, cpu.metric_type())?;
    cpu.encode(metric)
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: u64,
) -> Result<(), Error> {
    let counter = ConstCounter::new(value);
    counter.encode(encoder.encode_descriptor(name, help, unit, counter.metric_type())?)
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: i64,
) -> Result<(), Error> {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, unit, gauge.metric_type())?)
}

/// Histograms of times, those that have one.
fn durations<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels<&'static str, N>, Durations)>,
) -> Result<(), Error> {
    let unit = Some(&Unit::Seconds);
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Histogram)?;
    for (labels, took) in values {
        let bounds = took.bounds.iter().map(Duration::as_secs_f64).chain([f64::MAX]);
        let buckets: Vec<(f64, u64)> = bounds.zip(took.counts.iter().copied()).collect();
        let mut of_one = metric.encode_family(&labels)?;
        let (sum, count) = (took.sum.as_secs_f64(), took.count());
        of_one.encode_histogram::<[(&str, &str); 0]>(sum, count, &buckets, None)?;
    }
    Ok(())
}

type Labels<V, const N: usize> = [(&'static str, V); N];

fn counters<V: AsRef<str>, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels<V, N>, u64)>,
) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, value) in values {
        let labels = labels.each_ref().map(|(name, value)| (*name, value.as_ref()));
        ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn family<V: AsRef<str>, const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels<V, N>, i64)>,
) -> Result<(), Error> {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in values {
        let labels = labels.each_ref().map(|(name, value)| (*name, value.as_ref()));
        ConstGauge::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}

fn as_gauge<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "bounds are at most a second")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1_000_000.0
}
