//! A server of the library's events in this process, over real sockets: for tests that must know what was
//! published. It can be killed, told to let no WebSocket through, and to know one token.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use nself_realtime::auth::{Access, AuthError, Authenticator, Identity};
use nself_realtime::event::{LogLine, LogsStream};
use nself_realtime::transport::poll::PollRequest;
use nself_realtime::{Hub, Name, NanoTimestamp, Server, SessionConfig};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

/// A running server.
#[derive(Debug)]
pub struct RealtimeServer {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    server: Server,
    /// The token that is known, if one is asked for.
    token: Arc<Mutex<Option<String>>>,
    no_sockets: AtomicBool,
    no_polls: AtomicBool,
    /// The tokens that came, with what they were for.
    seen: Mutex<Vec<(String, String)>>,
    /// What the history of logs has, where there is one.
    history: Mutex<Option<Vec<LogLine>>>,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// Knows the token of a test.
struct OneToken(Arc<Mutex<Option<String>>>);

impl Authenticator for OneToken {
    fn authenticate(
        &self,
        token: String,
    ) -> futures::future::BoxFuture<'static, Result<Identity, AuthError>> {
        let known = self.0.lock().expect("nobody panics under it").as_ref() == Some(&token);
        let outcome = if known { Ok(tester()) } else { Err(AuthError::Rejected) };
        Box::pin(std::future::ready(outcome))
    }
}

/// Who everybody is.
pub fn tester() -> Identity {
    Identity::guest()
}

impl RealtimeServer {
    /// Serves the rooms of that hub on that port, or on a free one where it is 0. Its heartbeats are
    /// quick: a dead connection shows within a second.
    pub async fn start(hub: Hub, port: u16) -> Self {
        let config = SessionConfig::default()
            .heartbeat(Duration::from_millis(300))
            .heartbeat_timeout(Duration::from_millis(700));
        let token = Arc::new(Mutex::new(None));
        let access = Access::default().authenticator(OneToken(Arc::clone(&token)));
        let shared = Arc::new(Shared {
            server: Server::with_access(hub, config, access),
            token,
            no_sockets: AtomicBool::new(false),
            no_polls: AtomicBool::new(false),
            seen: Mutex::default(),
            history: Mutex::default(),
            tasks: Mutex::default(),
        });
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { port, shared, accepting }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What is published in.
    pub fn hub(&self) -> &Hub {
        self.shared.server.hub()
    }

    /// The loops around its connections.
    pub fn server(&self) -> &Server {
        &self.shared.server
    }

    /// Asks for this token from now on.
    pub fn ask_for(&self, token: &str) {
        *self.shared.token.lock().expect("nobody panics under it") = Some(token.to_owned());
    }

    /// Lets a WebSocket through or not.
    pub fn let_sockets_through(&self, through: bool) {
        self.shared.no_sockets.store(!through, Ordering::SeqCst);
    }

    /// Answers polls or not.
    pub fn let_polls_through(&self, through: bool) {
        self.shared.no_polls.store(!through, Ordering::SeqCst);
    }

    /// Answers questions for old lines from these.
    pub fn keep_history(&self, lines: Vec<LogLine>) {
        *self.shared.history.lock().expect("nobody panics under it") = Some(lines);
    }

    /// What came with which token, in order.
    pub fn seen(&self) -> Vec<(String, String)> {
        self.shared.seen.lock().expect("nobody panics under it").clone()
    }

    /// Breaks all connections off, and listens no more.
    pub async fn kill(self) {
        self.accepting.abort();
        // Its listener is dropped with it.
        let _ = self.accepting.await;
        for task in self.shared.tasks.lock().expect("nobody panics under it").drain(..) {
            task.abort();
        }
    }
}

impl Shared {
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let handle = tokio::spawn(task).abort_handle();
        self.tasks.lock().expect("nobody panics under it").push(handle);
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let (path, token) = (request.uri().path().to_owned(), token.to_owned());
        self.seen.lock().expect("nobody panics under it").push((path.clone(), token.clone()));
        let known = self.token.lock().expect("nobody panics under it").clone();
        if known.is_some_and(|known| known != token) {
            return refusal(StatusCode::UNAUTHORIZED, "unauthorized", "sign in", None);
        }
        match (request.method(), path.as_str()) {
            (&Method::GET, "/api/ws") if !self.no_sockets.load(Ordering::SeqCst) => {
                self.upgrade(request)
            }
            (&Method::POST, "/api/poll") if !self.no_polls.load(Ordering::SeqCst) => {
                self.poll(request).await
            }
            (_, "/api/ws" | "/api/poll") => {
                refusal(StatusCode::BAD_GATEWAY, "internal", "not through this network", None)
            }
            (&Method::GET, "/api/services/shop/web/logs") => self.history(&request),
            _ => refusal(StatusCode::NOT_FOUND, "not_found", "nothing here", None),
        }
    }

    /// The newest lines between `since` and `until`.
    fn history(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let history = self.history.lock().expect("nobody panics under it").clone();
        let Some(mut lines) = history else {
            return refusal(StatusCode::NOT_FOUND, "not_found", "no history", None);
        };
        let query = request.uri().query().unwrap_or_default();
        let parameter = |name: &str| {
            let values = query.split('&').filter_map(|pair| pair.split_once('='));
            values.into_iter().find(|(own, _)| *own == name).expect("it is asked with all").1
        };
        assert_eq!(parameter("format"), "json");
        let time = |name| parameter(name).parse::<NanoTimestamp>().expect("it is a time");
        let (since, until) = (time("since"), time("until"));
        let tail: usize = parameter("tail").parse().expect("it is a number");
        lines.retain(|line| since <= line.time && line.time <= until);
        let left_out = lines.len().saturating_sub(tail);
        let lines: Vec<_> = lines.into_iter().skip(left_out).map(LogsStream::Line).collect();
        let found = json!({"lines": lines, "complete": left_out == 0, "unavailable": []});
        Response::new(Full::new(found.to_string().into()))
    }

    fn upgrade(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        let upgraded = hyper::upgrade::on(&mut request);
        let response = create_response_with_body(&request.map(|_| ()), Full::<Bytes>::default);
        let response = response.expect("the client's handshake is one");
        let shared = Arc::clone(&self);
        self.spawn(async move {
            if let Ok(upgraded) = upgraded.await {
                shared.server.serve_websocket(TokioIo::new(upgraded), tester()).await;
            }
        });
        response
    }

    async fn poll(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Ok(body) = request.into_body().collect().await else {
            return refusal(StatusCode::BAD_REQUEST, "bad_request", "no body", None);
        };
        let poll = PollRequest::from_json(&body.to_bytes()).expect("the client's polls are good");
        match self.server.poll(&tester(), poll).await {
            Ok(answer) => Response::new(Full::new(answer)),
            Err(error) => {
                let (code, field) = (error.error.code().as_str(), &error.field);
                refusal(StatusCode::NOT_FOUND, code, &error.to_string(), Some(field))
            }
        }
    }
}

fn refusal(
    status: StatusCode,
    code: &str,
    message: &str,
    field: Option<&str>,
) -> Response<Full<Bytes>> {
    let body = json!({"error": {"code": code, "message": message, "field": field}}).to_string();
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let of_connection = Arc::clone(&shared);
        shared.spawn(async move {
            let service = service_fn(move |request| {
                let shared = Arc::clone(&of_connection);
                async move { Ok::<_, Infallible>(shared.answer(request).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            // A client that vanishes is what the tests are about.
            let _ = connection.await;
        });
    }
}

/// A name that is one.
pub fn name(text: &str) -> Name {
    Name::new(text).expect("it is a name")
}
