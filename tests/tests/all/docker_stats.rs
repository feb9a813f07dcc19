//! What real containers use, beside what the Docker command line says; and what looking costs the engine.

use std::process::Command;
use std::time::Duration;

use bollard::models::NetworkCreateRequest;
use nself_tests::container::{Container, Recipe};
use nself_tests::engine::Engine;
use nself_tests::missing::{Need, can_run};
use nself_tests::process;
use nself_tests::proxy::{Kind, Proxy};
use nself_tests::wait;
use nself_tests::watcher::{Event, Reader, Watcher};
use serde_json::Value;

const SOON: Duration = Duration::from_mins(1);
const STATS: &str = r#"{"types":["docker:stats"]}"#;

fn number(event: &Event, pointer: &str) -> Option<f64> {
    event.data.pointer(&format!("/stats/{pointer}")).and_then(Value::as_f64)
}

/// What the command line says about a container: CPU in percent, memory in bytes, and its texts for
/// network and block I/O.
struct Said {
    cpu: f64,
    memory: f64,
    network: String,
    block: String,
}

async fn ask_command_line(host: &str, container: &Container) -> Said {
    let format = "{{.CPUPerc}}|{{.MemUsage}}|{{.NetIO}}|{{.BlockIO}}";
    let mut command = Command::new(process::find("docker").unwrap());
    command.args(["--host", host, "stats", "--no-stream", "--format", format, &container.id]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let fields: Vec<&str> = text.trim().split('|').collect();
    let [cpu, memory, network, block] = fields[..] else { panic!("{text:?}") };
    Said {
        cpu: cpu.trim_end_matches('%').parse().unwrap(),
        memory: bytes(memory.split(' ').next().unwrap()),
        network: network.to_owned(),
        block: block.to_owned(),
    }
}

/// `1.5MiB` as bytes.
fn bytes(text: &str) -> f64 {
    let at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap();
    let (number, unit) = text.split_at(at);
    let factor = match unit {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        other => panic!("{other} is no unit"),
    };
    number.parse::<f64>().unwrap() * factor
}

/// A size as the command line writes it: three significant digits, powers of 1000.
fn short(bytes: f64) -> String {
    let mut size = bytes;
    let mut units = ["B", "kB", "MB", "GB"].into_iter();
    let mut unit = units.next().unwrap();
    while size >= 1000.0 {
        size /= 1000.0;
        unit = units.next().unwrap();
    }
    let digits = if size >= 100.0 {
        0
    } else if size >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{size:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    format!("{text}{unit}")
}

#[tokio::test(flavor = "multi_thread")]
async fn measures_agree_with_the_command_line() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::shared().await;
    let (docker, watcher) = (engine.docker().await, Watcher::start(&engine.host()).await);
    // Some time of one core, some memory, a file that is really written, and a network of its own.
    let network = NetworkCreateRequest {
        name: "measured".to_owned(),
        driver: Some("bridge".to_owned()),
        ..NetworkCreateRequest::default()
    };
    docker.create_network(network).await.unwrap();
    let script = "dd if=/dev/zero of=/data bs=1M count=8 conv=fsync 2>/dev/null; \
                  x=$(head -c 6000000 /dev/zero | tr '\\0' x); exec /printer spin";
    let recipe = Recipe::shell("measured", "web", script).host(|host| {
        host.nano_cpus = Some(300_000_000);
        host.network_mode = Some("measured".to_owned());
    });
    let container = recipe.start(&docker).await;
    watcher.knows("measured", "web").await;
    let mut reader = watcher.read("measured", STATS);
    let steady = |reader: &Reader| reader.seen.iter().filter_map(|e| number(e, "cpu")).count() >= 5;
    reader.until("five samples", SOON, steady).await;
    let said = ask_command_line(&engine.host(), &container).await;
    let before = reader.seen.len();
    reader.until("a sample of that second", SOON, |reader| reader.seen.len() > before).await;
    let sample = reader.seen.last().unwrap();
    let (cpu, memory) = (number(sample, "cpu").unwrap(), number(sample, "memory").unwrap());
    let block = ["read", "write"].map(|kind| number(sample, &format!("blockIO/{kind}")));
    println!(
        "beside the command line: CPU {cpu} % / {} %, memory {memory} / {}, block {block:?} / {}, \
         network {:?} / {}",
        said.cpu,
        said.memory,
        said.block,
        sample.data.pointer("/stats/network"),
        said.network
    );
    assert!((cpu - said.cpu).abs() <= 5.0, "{cpu} % and {} %", said.cpu);
    assert!((memory - said.memory).abs() <= 1_048_576.0, "{memory} and {}", said.memory);
    let block = block.map(|bytes| short(bytes.unwrap_or(0.0)));
    assert_eq!(said.block, block.join(" / "));
    let network = ["rx", "tx"].map(|way| short(number(sample, &format!("network/{way}")).unwrap()));
    assert_eq!(said.network, network.join(" / "));
    container.remove().await;
    docker.remove_network("measured").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sample_has_no_processor_time_and_a_stopped_container_none_at_all() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::shared().await;
    let (docker, watcher) = (engine.docker().await, Watcher::start(&engine.host()).await);
    let container = Recipe::new("sampled", "web", &["/printer", "spin"])
        .host(|host| host.nano_cpus = Some(100_000_000))
        .start(&docker)
        .await;
    watcher.knows("sampled", "web").await;
    let mut reader = watcher.read("sampled", STATS);
    reader.until("three samples", SOON, |reader| reader.seen.len() >= 3).await;
    container.stop().await;
    let mut status = watcher.read("sampled", r#"{"types":["service:status"]}"#);
    let stopped =
        |reader: &Reader| reader.seen.last().is_some_and(|event| event.text("status") == "stopped");
    status.until("stopped", SOON, stopped).await;
    reader.take();
    let before = reader.seen.len();
    container.start().await;
    reader.until("two of the second run", SOON, |reader| reader.seen.len() >= before + 2).await;
    let cpu: Vec<Option<f64>> = reader.seen.iter().map(|event| number(event, "cpu")).collect();
    assert_eq!((cpu[0], cpu[before]), (None, None), "{cpu:?}");
    for cpu in cpu.iter().flatten() {
        assert!((0.0..=30.0).contains(cpu), "a tenth of a core, no average since birth: {cpu}");
    }
    container.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_costs_one_stream_and_who_does_not_costs_nothing() {
    if !can_run(&[Need::Engine]) {
        return;
    }
    let engine = Engine::shared().await;
    let docker = engine.docker().await;
    let proxy = engine.proxy("idle.sock");
    let mut containers = Vec::new();
    for number in 0..40 {
        let service = format!("s{number:02}");
        let recipe = Recipe::shell("idle", &service, "exec sleep 1000");
        containers.push(recipe.start(&docker).await);
    }
    let watcher = Watcher::start(&proxy.host()).await;
    watcher.knows("idle", "s39").await;
    let open = |proxy: &Proxy| (proxy.open(Kind::Stats), proxy.open(Kind::Log));
    assert_eq!(open(&proxy), (0, 0), "nobody looks");

    // A dashboard: status and stats, no logs; five of them.
    let dashboard = r#"{"filters":[{"types":["service:status"]},{"types":["docker:stats"]}]}"#;
    let mut readers: Vec<Reader> = (0..5).map(|_| watcher.read("idle", dashboard)).collect();
    for reader in &mut readers {
        reader
            .until("samples of all", SOON, |reader| {
                let samples = reader.seen.iter().filter(|event| event.kind == "docker:stats");
                let mut ids: Vec<&str> = samples.map(|event| event.text("containerId")).collect();
                ids.sort_unstable();
                ids.dedup();
                ids.len() == 40
            })
            .await;
    }
    assert_eq!(open(&proxy), (40, 0));
    assert_eq!((proxy.most(Kind::Stats), proxy.opened(Kind::Log)), (40, 0));

    drop(readers);
    wait::until("the streams to be closed", SOON, async || match open(&proxy) {
        (0, 0) => Ok(()),
        streams => Err(format!("{streams:?} are open")),
    })
    .await;
    assert_eq!(proxy.open(Kind::Events), 1, "it still knows what happens");
    for container in containers {
        container.remove().await;
    }
}
