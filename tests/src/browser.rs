//! A headless Chromium, driven through chromedriver. A condition that does not come true in time fails with
//! a screenshot and with what the page wrote to its console.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use crate::process::{self, Process};
use crate::scratch::Scratch;
use crate::{output, wait};

/// One browser with one page.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    _driver: Process,
    profile: Scratch,
}

impl Browser {
    /// Starts a browser with a fresh profile.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one that reaches `localhost:<server>` through `localhost:<proxy>`, and says the former.
    pub async fn start_behind(server: u16, proxy: u16) -> Self {
        let rule = format!("--host-resolver-rules=MAP localhost:{server} 127.0.0.1:{proxy}");
        Self::start_with(&[&rule]).await
    }

    async fn start_with(more: &[&str]) -> Self {
        let profile = Scratch::new();
        let folder = profile.path().display().to_string();
        let driver = process::find("chromedriver").expect("chromedriver is installed");
        let mut driver = Process::start(
            "chromedriver",
            Command::new(driver)
                .arg("--port=0")
                // So that the folder's keeper knows it.
                .arg(format!("--log-path={folder}/chromedriver.log")),
        );
        let port = driver.printed_where("its port", port_of).await;
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(&folder, more))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromedriver starts a session");
        Self { client, _driver: driver, profile }
    }

    /// Opens an address.
    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url} does not open: {error}"));
    }

    /// Runs statements in the page and gives what they `return`.
    pub async fn run(&self, script: &str) -> Value {
        let done = self.client.execute(script, Vec::new()).await;
        done.unwrap_or_else(|error| panic!("the page refuses {script}: {error}"))
    }

    /// Waits until a JavaScript expression is truthy, and gives its value.
    pub async fn wait_until(&self, what: &str, deadline: Duration, expression: &str) -> Value {
        let script = format!("return ({expression});");
        let came =
            wait::within(deadline, async || match self.client.execute(&script, Vec::new()).await {
                Ok(value) if is_truthy(&value) => Ok(value),
                Ok(value) => Err(value.to_string()),
                Err(error) => Err(error.to_string()),
            });
        match came.await {
            Ok(value) => value,
            Err(last) => {
                let picture = self.screenshot("failed").await;
                panic!(
                    "waited {deadline:?} in vain for {what}: {expression} is {last}\n\
                     picture: {}\nconsole:\n{}",
                    picture.display(),
                    self.console().join("\n")
                )
            }
        }
    }

    /// Sends a command of the `DevTools` protocol, and gives its answer.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let done =
            self.client.issue_cmd(DevTools { command: command.to_owned(), parameters }).await;
        done.unwrap_or_else(|error| panic!("the browser refuses {command}: {error}"))
    }

    /// Runs statements in every page that is opened from now on, before its own.
    pub async fn run_before_each_page(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// What is left of the page's heap after a collection, in MiB.
    pub async fn heap(&self) -> f64 {
        self.devtools("HeapProfiler.collectGarbage", json!({})).await;
        let usage = self.devtools("Runtime.getHeapUsage", json!({})).await;
        usage.get("usedSize").and_then(Value::as_f64).unwrap_or(f64::NAN) / 1_048_576.0
    }

    /// Shows pages in a window of that size, in dark or in light.
    pub async fn look(&self, width: u32, height: u32, dark: bool) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Saves a picture of the page beside the logs.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let picture = self.client.screenshot().await.expect("the page can be pictured");
        let path = output::folder().join(format!("{}-{name}.png", output::file_name()));
        std::fs::write(&path, picture).expect("the picture can be written");
        path
    }

    /// What pages have written to the console, errors that nobody caught included.
    pub fn console(&self) -> Vec<String> {
        let log = self.profile.path().join("profile/chrome_debug.log");
        // There is no file until something is written.
        let bytes = std::fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        text.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect()
    }

    /// Ends the session and the browser.
    pub async fn close(self) {
        self.client.clone().close().await.expect("the session can be closed");
    }
}

/// A command of chromedriver's own.
#[derive(Debug)]
struct DevTools {
    command: String,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _request: &Url) -> (Method, Option<String>) {
        let body = json!({"cmd": self.command, "params": self.parameters});
        (Method::POST, Some(body.to_string()))
    }
}

fn capabilities(folder: &str, more: &[&str]) -> serde_json::Map<String, Value> {
    let profile = format!("--user-data-dir={folder}/profile");
    let mut arguments = vec![
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-logging",
        "--window-size=1280,900",
        &profile,
    ];
    arguments.extend(more);
    let browser = process::find("chromium").expect("chromium is installed");
    let wanted = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "binary": browser, "args": arguments },
    });
    serde_json::from_value(wanted).expect("the capabilities are an object")
}

/// Chromedriver prints "… started successfully on port 12345."
fn port_of(printed: &str) -> Option<u16> {
    let (_, rest) = printed.split_once("successfully on port ")?;
    rest.split_once('.')?.0.parse().ok()
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
