//! An engine that is not there, not one, or not willing: one clear error each, with the mend.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use futures::StreamExt as _;

use super::DockerEngine;
use crate::engine::{Engine as _, EngineError, LogQuery};

/// An engine in whose place something answers every question with these bytes.
fn in_its_place(folder: &Path, answer: &'static str) -> DockerEngine {
    let socket = folder.join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 1024];
            while !asked.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
                let count = connection.read(&mut buffer).unwrap();
                asked.extend_from_slice(buffer.get(..count).unwrap());
            }
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    DockerEngine::new(Some(&format!("unix://{}", socket.display()))).unwrap()
}

async fn log_error(engine: &DockerEngine) -> EngineError {
    engine.logs("c", LogQuery::new(1)).next().await.unwrap().unwrap_err()
}

#[tokio::test]
async fn a_socket_that_is_missing_or_dead_is_told_by_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.sock");
    let engine = DockerEngine::new(Some(path.to_str().unwrap())).unwrap();
    for error in [engine.version().await.unwrap_err(), log_error(&engine).await] {
        assert!(matches!(error, EngineError::SocketMissing { .. }), "{error:?}");
        assert!(error.to_string().contains("start the engine, or name another"), "{error}");
    }
    drop(UnixListener::bind(&path).unwrap());
    for error in [engine.version().await.unwrap_err(), log_error(&engine).await] {
        assert_eq!(error, EngineError::Refused { address: format!("unix://{}", path.display()) });
    }
}

#[tokio::test]
async fn refusals_keep_their_status_and_say_what_to_do() {
    for (answer, status, mend) in [
        ("HTTP/1.1 404 x\r\nContent-Length: 17\r\n\r\n{\"message\":\"gone\"}", 404, "removed"),
        ("HTTP/1.1 409 x\r\nContent-Length: 17\r\n\r\n{\"message\":\"busy\"}", 409, "try again"),
        ("HTTP/1.1 500 x\r\nContent-Length: 17\r\n\r\n{\"message\":\"oops\"}", 500, "own log"),
        ("HTTP/1.1 501 x\r\nContent-Length: 17\r\n\r\n{\"message\":\"none\"}", 501, "configured"),
    ] {
        let answer =
            answer.replace("17", &answer.split("\r\n\r\n").nth(1).unwrap().len().to_string());
        let folder = tempfile::tempdir().unwrap();
        let engine = in_its_place(folder.path(), answer.leak());
        let of_stop = engine.stop("c").await.unwrap_err();
        for error in [of_stop, log_error(&engine).await] {
            assert!(matches!(&error, EngineError::Api { status: own, .. } if *own == status));
            assert!(!error.is_offline());
            let text = error.to_string();
            assert!(text.contains(mend) && !text.contains("message"), "{text}");
        }
    }
}

#[tokio::test]
async fn what_speaks_tls_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let answer =
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    let error = in_its_place(folder.path(), answer).version().await.unwrap_err();
    assert!(error.to_string().contains("HTTP request to an HTTPS server"), "{error}");
}

#[tokio::test]
async fn what_is_no_engine_is_an_error_and_no_panic() {
    for answer in [
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n{\"Version\"",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let engine = in_its_place(folder.path(), answer);
        assert!(engine.version().await.is_err(), "{answer:?}");
    }
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n\
                  {\"Version\":\"19.03.15\",\"ApiVersion\":\"1.40\"}";
    let version = in_its_place(folder.path(), answer).version().await.unwrap();
    let error = version.supported().unwrap_err().to_string();
    assert!(error.contains("19.03.15") && error.contains("20.10"), "{error}");
}

#[tokio::test]
async fn a_pull_that_fails_or_is_cut_ends_with_one_error() {
    let begun = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                 16\r\n{\"status\":\"Waiting\"}\r\n\r\n";
    for (rest, expected) in [
        ("10\r\n{\"error\":\"full\"}\r\n0\r\n\r\n", Some("full")),
        ("", None),
        ("40\r\n{\"status\":\"Down", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let engine = in_its_place(folder.path(), format!("{begun}{rest}").leak());
        let frames: Vec<_> = engine.pull("shop/web").collect().await;
        let [Ok(first), Err(error)] = frames.as_slice() else { panic!("{rest:?}: {frames:?}") };
        assert_eq!(first.status, "Waiting");
        match expected {
            Some(words) => {
                assert_eq!(*error, EngineError::Api { status: 500, message: words.into() });
            }
            None => assert!(matches!(error, EngineError::Broken { .. }), "{error:?}"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let answer = "HTTP/1.1 404 x\r\nContent-Length: 18\r\n\r\n{\"message\":\"none\"}";
    let frames: Vec<_> = in_its_place(folder.path(), answer).pull("shop/web").collect().await;
    assert_eq!(frames, [Err(EngineError::Api { status: 404, message: "none".into() })]);
}
