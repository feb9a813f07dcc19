//! What the services of the demo print: every style of log that real ones have.

use crate::engine::LogPipe;
use crate::scripted::dice::Dice;

/// A line and where it comes out.
pub(super) type Line = (LogPipe, String);

/// What a service prints next: a line, or a line with those that continue it.
pub(super) fn next(service: &str, dice: &mut Dice) -> Vec<Line> {
    match service {
        "postgres" => postgres(dice),
        "auth" => auth(dice),
        "storage" => storage(dice),
        "functions" => functions(dice),
        "redis" => redis(dice),
        _ => nginx(dice),
    }
}

/// Words with a process number, on standard error whatever they say.
fn postgres(dice: &mut Dice) -> Vec<Line> {
    let pid = dice.between(20, 90);
    let err = |text: String| (LogPipe::Stderr, text);
    match dice.between(0, 12) {
        0 => vec![
            err(format!(
                "[{pid}] ERROR:  duplicate key value violates unique constraint \"orders_pkey\""
            )),
            err(format!("\tDETAIL:  Key (id)=({}) already exists.", dice.between(1_000, 9_999))),
            err("\tSTATEMENT:  INSERT INTO orders (id, total) VALUES ($1, $2)".to_owned()),
        ],
        1 => vec![err(format!("[{pid}] WARNING:  there is already a transaction in progress"))],
        2..5 => vec![err(format!(
            "[{pid}] LOG:  checkpoint complete: wrote {} buffers ({}.{}%)",
            dice.between(10, 400),
            dice.between(0, 3),
            dice.between(0, 9)
        ))],
        _ => vec![err(format!(
            "[{pid}] LOG:  duration: {}.{:03} ms  execute: SELECT * FROM products WHERE id = $1",
            dice.between(0, 40),
            dice.between(0, 999)
        ))],
    }
}

/// JSON with words for levels.
fn auth(dice: &mut Dice) -> Vec<Line> {
    let user = dice.between(100, 999);
    let (level, message) = match dice.between(0, 10) {
        0 => ("error", "token signature is invalid"),
        1 => ("warn", "refresh token reused"),
        2 | 3 => ("debug", "session loaded from cache"),
        _ => ("info", "user signed in"),
    };
    vec![(
        LogPipe::Stdout,
        format!(
            r#"{{"level":"{level}","msg":"{message}","user":"u_{user}","elapsed_ms":{}}}"#,
            dice.between(1, 60)
        ),
    )]
}

/// Fields with equal signs.
fn storage(dice: &mut Dice) -> Vec<Line> {
    let object = format!("uploads/{}.webp", dice.between(10_000, 99_999));
    let (level, message) = match dice.between(0, 10) {
        0 => ("warn", "slow write"),
        1 => ("debug", "multipart upload continued"),
        _ => ("info", "object stored"),
    };
    let bytes = dice.between(2_000, 900_000);
    vec![(
        LogPipe::Stdout,
        format!(r#"level={level} msg="{message}" bucket=shop object={object} bytes={bytes}"#),
    )]
}

/// Colours, and stack traces.
fn functions(dice: &mut Dice) -> Vec<Line> {
    let name = dice.pick(&["checkout", "send-receipt", "resize-image", "nightly-report"]);
    let name = name.copied().unwrap_or("checkout");
    let out = |text: String| (LogPipe::Stdout, text);
    let err = |text: &str| (LogPipe::Stderr, text.to_owned());
    match dice.between(0, 14) {
        0 => vec![
            err(
                "\u{1b}[31mERROR\u{1b}[39m TypeError: Cannot read properties of undefined (reading 'total')",
            ),
            err("    at checkout (/app/functions/checkout.js:48:21)"),
            err(
                "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
            ),
            err("    at async handle (/app/server.js:112:18)"),
        ],
        1 => vec![out(format!(
            "\u{1b}[33mWARN\u{1b}[39m  {name} took {} ms",
            dice.between(1_000, 4_000)
        ))],
        2..5 => vec![out(format!("\u{1b}[34mDEBUG\u{1b}[39m {name} warm start"))],
        _ => vec![out(format!(
            "\u{1b}[32mINFO\u{1b}[39m  {name} finished in {} ms",
            dice.between(3, 400)
        ))],
    }
}

fn redis(dice: &mut Dice) -> Vec<Line> {
    let text = match dice.between(0, 4) {
        0 => "1:M * Background saving started by pid 42".to_owned(),
        1 => "42:C * DB saved on disk".to_owned(),
        2 => "1:M # WARNING overcommit_memory is set to 0".to_owned(),
        _ => format!("1:M * {} changes in 60 seconds. Saving...", dice.between(10, 900)),
    };
    vec![(LogPipe::Stdout, text)]
}

/// Access lines without a level, error lines with one.
fn nginx(dice: &mut Dice) -> Vec<Line> {
    let paths = ["/", "/products", "/cart", "/api/orders", "/api/login", "/assets/app.js"];
    let path = dice.pick(&paths).copied().unwrap_or("/");
    if dice.one_in(30) {
        let text = format!(
            "[error] 31#31: *{} upstream timed out while connecting to functions, request: \"GET {path}\"",
            dice.between(100, 9_999)
        );
        return vec![(LogPipe::Stderr, text)];
    }
    let status = dice.pick(&[200, 200, 200, 200, 204, 304, 404]).copied().unwrap_or(200);
    let text = format!(
        "192.0.2.{} - - \"GET {path} HTTP/1.1\" {status} {}",
        dice.between(1, 250),
        dice.between(120, 40_000)
    );
    vec![(LogPipe::Stdout, text)]
}

/// What the storage prints when it falls ill.
pub(super) fn illness() -> Vec<(LogPipe, &'static str)> {
    vec![
        (
            LogPipe::Stderr,
            r#"level=error msg="drive does not answer" drive=/data/disk1 timeout=5s"#,
        ),
        (LogPipe::Stderr, r#"level=warn msg="health check failing" reason="write quorum lost""#),
    ]
}

/// What it prints when it is well again.
pub(super) const RECOVERY: &str = r#"level=info msg="drive is back" drive=/data/disk1"#;

/// The last words of the functions.
pub(super) fn death() -> Vec<(LogPipe, &'static str)> {
    vec![
        (
            LogPipe::Stderr,
            "\u{1b}[31mFATAL\u{1b}[39m Uncaught Error: connect ECONNREFUSED postgres:5432",
        ),
        (LogPipe::Stderr, "    at TCPConnectWrap.afterConnect (node:net:1611:16)"),
        (LogPipe::Stderr, "    at Pool.connect (/app/node_modules/pg-pool/index.js:45:11)"),
    ]
}
