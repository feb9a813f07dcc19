//! What the tests know of the page: its badge, its cards and its log, by the attributes that it promises.

use std::time::Duration;

use serde_json::Value;

use crate::browser::Browser;

/// The dashboard or a log, open in a browser.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    browser: &'a Browser,
}

impl<'a> Page<'a> {
    /// Opens an address and waits until the page is connected.
    pub async fn open(browser: &'a Browser, url: &str) -> Self {
        browser.open(url).await;
        let page = Self { browser };
        page.badge_is("green", "live").await;
        page
    }

    /// The page that the browser shows.
    pub fn at(browser: &'a Browser) -> Self {
        Self { browser }
    }

    /// Waits until the connection badge has a colour and tells a state.
    pub async fn badge_is(&self, color: &str, state: &str) {
        let expression = format!(
            "document.querySelector('#connection')?.dataset.color === '{color}' \
             && document.querySelector('#connection').dataset.state === '{state}'"
        );
        self.browser.wait_until(&format!("a {color} badge: {state}"), PATIENCE, &expression).await;
    }

    /// The text of an element, as a reader sees it: empty if it is hidden.
    pub async fn text(&self, selector: &str) -> String {
        let script = format!("return {}", visible_text(selector));
        self.browser.run(&script).await.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element shows text, and gives it.
    pub async fn shows(&self, selector: &str) -> String {
        let shown = self.browser.wait_until(selector, PATIENCE, &visible_text(selector)).await;
        shown.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element shows nothing.
    pub async fn hides(&self, selector: &str) {
        let expression = format!("!{}", visible_text(selector));
        self.browser.wait_until(&format!("{selector} to be hidden"), PATIENCE, &expression).await;
    }

    /// The services of a project that have a card, with the status of each.
    pub async fn statuses(&self, project: &str) -> Vec<(String, String)> {
        let cards = cards(project);
        let script = format!(
            "return [...document.querySelectorAll({cards:?})].map(card => \
             [card.dataset.service, card.dataset.status])"
        );
        serde_json::from_value(self.browser.run(&script).await).expect("cards have both attributes")
    }

    /// The project of the first card, once there is one.
    pub async fn first_project(&self) -> String {
        let expression = "document.querySelector('article.card')?.dataset.project";
        let project = self.browser.wait_until("a card", PATIENCE, expression).await;
        project.as_str().expect("a project is a text").to_owned()
    }

    /// Waits until a project has exactly `count` cards, all of them `running`.
    pub async fn all_run(&self, project: &str, count: usize) {
        let cards = cards(project);
        let expression = format!(
            "(cards => cards.length === {count} && cards.every(card => card.dataset.status === 'running'))\
             ([...document.querySelectorAll({cards:?})])"
        );
        let what = format!("{count} running cards of {project}");
        self.browser.wait_until(&what, PATIENCE, &expression).await;
    }

    /// Waits until a service's card has a status.
    pub async fn status_is(&self, project: &str, service: &str, status: &str) {
        let card = card(project, service);
        let expression = format!("document.querySelector({card:?})?.dataset.status === '{status}'");
        self.browser.wait_until(&format!("{service} {status}"), PATIENCE, &expression).await;
    }

    /// Waits for a measured value on a card (`.cpu` in percent, `.memory` in bytes) above `least`.
    pub async fn measures(&self, project: &str, service: &str, field: &str, least: f64) -> f64 {
        let selector = format!("{} {field}[data-value]", card(project, service));
        // In brackets: a measured 0 is a value, too.
        let expression = format!(
            "(value => value > {least} ? [value] : null)\
             (Number(document.querySelector({selector:?})?.dataset.value))"
        );
        let what = format!("{field} of {service} above {least}");
        let measured = self.browser.wait_until(&what, PATIENCE, &expression).await;
        let [value] = serde_json::from_value(measured).expect("a measured value is a number");
        value
    }

    /// Clicks an action's button on a card, once it can be clicked.
    pub async fn click(&self, project: &str, service: &str, action: &str) {
        let button = format!("{} button[data-action={action}]:enabled", card(project, service));
        let expression = format!(
            "(button => button ? (button.click(), true) : false)\
             (document.querySelector({button:?}))"
        );
        self.browser.wait_until(&format!("{action} on {service}"), PATIENCE, &expression).await;
    }

    /// Follows a card's link to the log of its service.
    pub async fn follow_log_link(&self, project: &str, service: &str) {
        let link = format!("{} a.log-link", card(project, service));
        self.browser.run(&format!("document.querySelector({link:?}).click()")).await;
        let expression = format!("location.pathname === '/logs/{project}/{service}'");
        self.browser.wait_until("the log's address", PATIENCE, &expression).await;
    }

    /// Begins to record how an attribute of the element changes, from its present value on.
    pub async fn record(&self, name: &str, selector: &str, attribute: &str) {
        let script = format!(
            "const seen = (window.recorded ??= {{}})['{name}'] = [];
             const note = () => {{
               const value = document.querySelector({selector:?})?.getAttribute('{attribute}');
               if (value != null && value !== seen.at(-1)) seen.push(value);
             }};
             note();
             new MutationObserver(note).observe(document.documentElement,
               {{ subtree: true, childList: true, attributes: true, attributeFilter: ['{attribute}'] }});"
        );
        self.browser.run(&script).await;
    }

    /// Records the statuses of a service under its name.
    pub async fn record_status(&self, project: &str, service: &str) {
        self.record(service, &card(project, service), "data-status").await;
    }

    /// The recorded values, in their order.
    pub async fn recorded(&self, name: &str) -> Vec<String> {
        let values = self.browser.run(&format!("return window.recorded['{name}']")).await;
        serde_json::from_value(values).expect("a recording of this name runs")
    }

    /// Waits for `count` lines that come into the log from now on. For each: what it says, and the
    /// milliseconds from the engine's time of printing until it stood in the page.
    pub async fn next_log_lines(&self, count: usize) -> Vec<(String, f64)> {
        // Rows of a virtual list may be used again for other lines: the time and the text tell lines apart.
        let start = "
            const known = new Set(), fresh = window.freshLines = [];
            const each = (take) => {
              for (const row of document.querySelectorAll('#log .log-line')) {
                const text = row.querySelector('.text').textContent;
                const key = row.dataset.time + text;
                if (!known.has(key)) { known.add(key); take(text, Date.parse(row.dataset.time)); }
              }
            };
            each(() => {});
            new MutationObserver(() => each((text, time) => fresh.push([text, Date.now() - time])))
              .observe(document.querySelector('#log'),
                { subtree: true, childList: true, attributes: true, characterData: true });";
        // What was printed before the page came is history: it must stand there before counting begins.
        let history = "document.querySelector('#log .log-line')";
        self.browser.wait_until("the log's history", PATIENCE, history).await;
        self.browser.run(start).await;
        let expression = format!("window.freshLines.length >= {count} ? window.freshLines : null");
        let what = format!("{count} more log lines");
        let lines = self.browser.wait_until(&what, PATIENCE, &expression).await;
        serde_json::from_value(lines).expect("lines are pairs of text and milliseconds")
    }

    /// The text of every line that the log shows now, with its time, as its button `Copy` gives it.
    pub async fn copied_lines(&self) -> Vec<String> {
        let script = "let copied = ''; const clipboard = navigator.clipboard;
            Object.defineProperty(navigator, 'clipboard',
              { configurable: true, value: { writeText: async text => { copied = text; } } });
            document.querySelector('[data-tool=copy]').click();
            Object.defineProperty(navigator, 'clipboard', { configurable: true, value: clipboard });
            return copied;";
        let text = self.browser.run(script).await;
        text.as_str().unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// How many lines the log holds.
    pub async fn held_lines(&self) -> u64 {
        let text = self.text(".log-count").await;
        let number = text.split(" of ").nth(1).and_then(|rest| rest.split(' ').next());
        number.unwrap_or("0").replace(',', "").parse().expect("the count is a number")
    }

    /// Waits until the log holds at least that many lines.
    pub async fn holds_lines(&self, count: u64) {
        let expression = format!(
            "Number((/of ([\\d,]+)/.exec(document.querySelector('.log-count')?.textContent ?? '')?.[1] ?? '0')\
             .replaceAll(',', '')) >= {count}"
        );
        self.browser.wait_until(&format!("{count} lines"), PATIENCE, &expression).await;
    }

    /// Presses a key, as if the page itself had the focus.
    pub async fn press(&self, key: &str) {
        let script = format!(
            "document.activeElement?.blur();
             document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: {key:?}, bubbles: true, cancelable: true }}))"
        );
        self.browser.run(&script).await;
    }

    /// Types a text into an element in place of what it has.
    pub async fn enter(&self, selector: &str, text: &str) {
        let script = format!(
            "const field = document.querySelector({selector:?}); field.value = {text:?};
             field.dispatchEvent(new Event('input', {{ bubbles: true }}))"
        );
        self.browser.run(&script).await;
    }

    /// Clicks an element that is there.
    pub async fn click_on(&self, selector: &str) {
        self.browser.run(&format!("document.querySelector({selector:?}).click()")).await;
    }

    /// The addresses of everything that the page has asked for by HTTP.
    pub async fn requests(&self) -> Vec<String> {
        let script = "return performance.getEntries().filter(entry => \
             entry.entryType === 'resource' || entry.entryType === 'navigation').map(entry => entry.name)";
        serde_json::from_value(self.browser.run(script).await).expect("names are texts")
    }

    /// Makes the page believe that it is hidden, as behind another tab, or seen again.
    pub async fn set_hidden(&self, hidden: bool) {
        let script = format!(
            "Object.defineProperty(document, 'hidden', {{ configurable: true, value: {hidden} }});
             Object.defineProperty(document, 'visibilityState',
               {{ configurable: true, value: {hidden} ? 'hidden' : 'visible' }});
             document.dispatchEvent(new Event('visibilitychange'))"
        );
        self.browser.run(&script).await;
    }

    /// Leaves a mark in the page that a reload would wipe out.
    pub async fn mark(&self) {
        self.browser.run("window.notReloaded = true").await;
    }

    /// Whether the mark of [`Page::mark`] is still there.
    pub async fn is_marked(&self) -> bool {
        self.browser.run("return window.notReloaded === true").await == Value::Bool(true)
    }
}

/// An expression for what an element shows. `innerText` alone would tell the text of a hidden one too.
fn visible_text(selector: &str) -> String {
    format!(
        "(element => element?.checkVisibility() ? element.innerText.trim() : '')\
         (document.querySelector({selector:?}))"
    )
}

fn cards(project: &str) -> String {
    format!("article.card[data-project='{project}']")
}

fn card(project: &str, service: &str) -> String {
    format!("{}[data-service='{service}']", cards(project))
}

/// Enough for the slowest thing that a page waits for: the fourth attempt to reconnect, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
