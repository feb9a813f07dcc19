//! The build of an image: what is asked for, and what an engine says meanwhile.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use futures::stream::BoxStream;
use serde::Deserialize;

use super::pull::Failure;
use super::{EngineError, PullFrame};

/// An archive (tar) of the files that an image is made from, as it is read. An error in it ends the
/// build.
pub type Context = BoxStream<'static, io::Result<Bytes>>;

/// An image to be built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageSpec {
    /// What it will be called.
    pub tag: String,
    /// The Dockerfile's path in the context.
    pub dockerfile: String,
    /// The stage that is wanted; without one the last.
    pub target: Option<String>,
    /// The build's arguments; without a value: the builder's default.
    pub args: BTreeMap<String, Option<String>>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// One word of an engine that builds an image.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildFrame {
    /// A piece of output, not necessarily a whole line.
    Output(String),
    /// An image is made; the last one is the whole.
    Image(String),
    /// The image that it builds on is being pulled.
    Base(PullFrame),
}

impl BuildFrame {
    /// Reads a line of JSON as engines send it.
    ///
    /// # Errors
    ///
    /// [`EngineError::Api`] if the line says that the build failed, be it by `errorDetail` or by a bare
    /// `error`; [`EngineError::Unreadable`] if it is no such line.
    pub fn parse(line: &[u8]) -> Result<Self, EngineError> {
        let said: Said = serde_json::from_slice(line)
            .map_err(|error| EngineError::Unreadable { message: format!("a build: {error}") })?;
        if let Some(stream) = said.stream {
            return Ok(Self::Output(stream));
        }
        if let Some(id) = said.aux.and_then(|aux| aux.id) {
            return Ok(Self::Image(id));
        }
        said.failure.check("the build failed")?;
        PullFrame::parse(line).map(Self::Base)
    }
}

#[derive(Deserialize)]
struct Said {
    stream: Option<String>,
    aux: Option<Aux>,
    #[serde(flatten)]
    failure: Failure,
}

#[derive(Deserialize)]
struct Aux {
    #[serde(rename = "ID")]
    id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_images_and_pulls_of_bases_are_told_apart() {
        let parse = |line: &str| BuildFrame::parse(line.as_bytes()).unwrap();
        let output = parse(r#"{"stream":"Step 1/3 : FROM base\n"}"#);
        assert_eq!(output, BuildFrame::Output("Step 1/3 : FROM base\n".into()));
        assert_eq!(parse(r#"{"aux":{"ID":"sha256:00"}}"#), BuildFrame::Image("sha256:00".into()));
        let line = r#"{"status":"Downloading","progressDetail":{"current":5,"total":9},"id":"a"}"#;
        let BuildFrame::Base(base) = parse(line) else { panic!("{line}") };
        assert_eq!((base.current, base.total), (Some(5), Some(9)));
    }

    #[test]
    fn a_failure_is_an_error_in_whichever_field_it_stands() {
        for (line, status, words) in [
            (
                r#"{"errorDetail":{"code":7,"message":"returned 7"},"error":"returned 7"}"#,
                7,
                "returned 7",
            ),
            (r#"{"error":"alone"}"#, 500, "alone"),
            (r#"{"errorDetail":{}}"#, 500, "the build failed"),
        ] {
            let error = BuildFrame::parse(line.as_bytes()).unwrap_err();
            assert_eq!(error, EngineError::Api { status, message: words.into() }, "{line}");
        }
        for line in [r#"{"stream":"#, "[]", "yes", r#"{"stream":7}"#] {
            let error = BuildFrame::parse(line.as_bytes()).unwrap_err();
            assert!(matches!(error, EngineError::Unreadable { .. }), "{line}: {error:?}");
        }
    }
}
