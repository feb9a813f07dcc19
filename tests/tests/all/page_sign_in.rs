//! Signing in and out in the page, what ends a sign-in, and what those see who may not act.

use std::time::Duration;

use nself_tests::browser::Browser;
use nself_tests::missing::{Need, can_run};
use nself_tests::page::Page;
use nself_tests::server::Server;

const PATIENCE: Duration = Duration::from_mins(1);

struct Scene {
    server: Server,
    browser: Browser,
}

impl Scene {
    async fn stand(arguments: &[&str]) -> Option<Self> {
        if !can_run(&[Need::Browser]) {
            return None;
        }
        let server = Server::with_sign_in(&[&["--demo"], arguments].concat()).await;
        Some(Self { server, browser: Browser::start().await })
    }

    /// A fresh link for that role.
    fn link(&self, role: &str) -> String {
        self.server.command(&["login-link", "--role", role], "").trim().to_owned()
    }

    async fn sign_in(&self, role: &str) -> Page<'_> {
        Page::open(&self.browser, &self.link(role)).await
    }

    async fn until(&self, what: &str, expression: &str) {
        self.browser.wait_until(what, PATIENCE, expression).await;
    }

    async fn is_at(&self, address: &str) {
        self.until(address, &format!("location.pathname + location.search === '{address}'")).await;
    }

    async fn enter_password(&self, password: &str) {
        let script = format!(
            "document.querySelector('#password').value = {password:?};
             document.querySelector('.sign-in form').requestSubmit()"
        );
        self.browser.run(&script).await;
    }
}

#[tokio::test]
async fn a_link_signs_in_once_and_its_token_stays_nowhere() {
    let Some(scene) = Scene::stand(&[]).await else { return };
    let link = scene.link("admin");
    let page = Page::open(&scene.browser, &link).await;
    page.first_project().await;
    scene.is_at("/").await;
    let addresses = page.requests().await.join("\n");
    assert!(!addresses.contains("token"), "{addresses}");
    assert_eq!(scene.browser.run("return location.hash").await, "");

    page.click_on("#account").await;
    let menu = page.shows("#account-menu").await;
    assert!(menu.contains("Signed in as admin"), "{menu}");
    page.click_on("#sign-out").await;
    scene.is_at("/sign-in").await;
    assert_eq!(scene.browser.run("return sessionStorage.length").await, 0);
    assert_eq!(page.statuses("demo").await, [], "nothing of it is left on the screen");

    scene.browser.open(&link).await;
    let told = page.shows("#sign-in-failure").await;
    assert!(told.starts_with("This link was used already"), "{told}");
    assert_eq!(scene.browser.run("return location.hash").await, "");
    scene.browser.close().await;
}

#[tokio::test]
async fn a_password_leads_back_to_where_one_was() {
    let Some(scene) = Scene::stand(&[]).await else { return };
    scene.server.command(&["set-password"], "correct horse\n");
    scene.browser.open(&scene.server.url("/monitor?minutes=1")).await;
    scene.is_at("/sign-in?to=%2Fmonitor%3Fminutes%3D1").await;
    scene.until("the form", "document.activeElement.id === 'password'").await;
    scene.browser.look(1_280, 900, false).await;
    scene.browser.screenshot("wide-light").await;
    scene.browser.look(360, 740, true).await;
    scene.browser.screenshot("narrow-dark").await;

    scene.enter_password("correct horsf").await;
    let page = Page::at(&scene.browser);
    let told = page.shows("#sign-in-failure").await;
    assert!(told.starts_with("Not signed in: "), "{told}");
    scene.enter_password("correct horse").await;
    scene.is_at("/monitor?minutes=1").await;
    page.badge_is("green", "live").await;

    // Another password ends the session everywhere.
    scene.server.command(&["set-password"], "another horse\n");
    scene.is_at("/sign-in?to=%2Fmonitor%3Fminutes%3D1").await;
    scene.browser.close().await;
}

#[tokio::test]
async fn who_guesses_is_told_how_long_to_wait() {
    let Some(scene) = Scene::stand(&[]).await else { return };
    scene.server.command(&["set-password"], "correct horse\n");
    scene.browser.open(&scene.server.url("/sign-in")).await;
    scene.until("the form", "document.activeElement.id === 'password'").await;
    let page = Page::at(&scene.browser);
    for guess in 1..=5 {
        scene.browser.run("document.querySelector('#sign-in-failure').textContent = ''").await;
        scene.enter_password(&format!("guess {guess}")).await;
        page.shows("#sign-in-failure").await;
    }
    scene.enter_password("guess 6").await;
    let waits = "/^Wait \\d+ s$/.test(document.querySelector('.sign-in button').textContent)";
    scene.until("the time to wait", waits).await;
    let disabled = "return document.querySelector('.sign-in button').disabled";
    assert_eq!(scene.browser.run(disabled).await, true);
    scene.browser.close().await;
}

#[tokio::test]
async fn a_sign_in_that_ends_soon_is_renewed_by_a_button() {
    let Some(scene) = Scene::stand(&["--session-lifetime", "50s"]).await else { return };
    let page = scene.sign_in("admin").await;
    let left = "Number(document.querySelector('dialog#session[open] [role=timer]')?.textContent.match(/in (\\d+) s/)?.[1] ?? -1)";
    scene.until("the dialog", &format!("{left} > 0")).await;
    assert_eq!(
        scene.browser.run("return document.activeElement.textContent").await,
        "Stay signed in",
        "Enter is enough to stay"
    );
    scene.browser.screenshot("session").await;
    scene.until("some seconds to pass", &format!("{left} > 0 && {left} < 47")).await;
    let watch = format!(
        "const before = {left}; window.gained = false;
         new MutationObserver(() => {{ window.gained ||= {left} > before; }})
           .observe(document.querySelector('dialog#session'),
             {{ subtree: true, childList: true, characterData: true, attributes: true }});
         document.querySelector('dialog#session button.main').click()"
    );
    scene.browser.run(&watch).await;
    scene.until("more time", "gained").await;
    assert_eq!(page.text("dialog#session .failure").await, "");
    page.badge_is("green", "live").await;
    scene.browser.close().await;
}

#[tokio::test]
async fn a_sign_in_that_one_tab_renews_ends_soon_in_none() {
    let Some(scene) = Scene::stand(&["--session-lifetime", "65s"]).await else { return };
    let page = scene.sign_in("admin").await;
    // In a window of its own: a tab in the background is not drawn.
    scene.browser.run("window.other = open('/', '', 'popup')").await;
    let asks = |tab: &str| format!("{tab}.document.querySelector('dialog#session')?.open");
    scene.until("both to ask", &format!("{} && {}", asks("window"), asks("other"))).await;
    page.click_on("dialog#session button.main").await;
    let neither = format!("!{} && !{}", asks("window"), asks("other"));
    scene.until("neither to ask", &neither).await;
    scene.browser.close().await;
}

#[tokio::test]
async fn who_goes_back_after_signing_out_sees_nothing_of_what_was_there() {
    let Some(scene) = Scene::stand(&[]).await else { return };
    let page = scene.sign_in("admin").await;
    page.first_project().await;
    page.click_on("#account").await;
    page.shows("#account-menu").await;
    page.click_on("#sign-out").await;
    scene.is_at("/sign-in").await;
    scene.browser.run("history.back()").await;
    scene.is_at("/sign-in?to=%2F").await;
    assert_eq!(page.statuses("demo").await, []);
    scene.browser.close().await;
}

#[tokio::test]
async fn who_may_not_act_is_told_why() {
    let Some(scene) = Scene::stand(&["--env", "production"]).await else { return };
    let page = scene.sign_in("viewer").await;
    page.first_project().await;
    assert_eq!(page.shows("#rights").await, "Viewer");
    assert_eq!(page.shows("#environment").await, "production");
    let reasons = "return [...new Set([...document.querySelectorAll('button[data-action], button[data-project-action]')]
        .map(button => `${button.disabled} ${button.title}`))]";
    let expected = "true Your role is viewer: it sees everything and changes nothing";
    assert_eq!(scene.browser.run(reasons).await, serde_json::json!([expected]));
    scene.browser.close().await;
}

#[tokio::test]
async fn a_server_that_is_read_only_says_so() {
    let Some(scene) = Scene::stand(&["--read-only"]).await else { return };
    let page = scene.sign_in("admin").await;
    page.first_project().await;
    assert_eq!(page.shows("#rights").await, "Read-only");
    let enabled = "return document.querySelectorAll('button[data-action]:enabled').length";
    assert_eq!(scene.browser.run(enabled).await, 0);
    scene.browser.close().await;
}
