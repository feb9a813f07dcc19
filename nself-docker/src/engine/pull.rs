//! What an engine says while it pulls an image.

use serde::Deserialize;

use super::EngineError;

/// One word about an image or one of its layers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PullFrame {
    /// The layer that it is about, or the tag at the beginning.
    pub id: Option<String>,
    /// The engine's words, as in `Downloading`.
    pub status: String,
    /// Bytes of the layer that are done.
    pub current: Option<u64>,
    /// Bytes that the layer has; absent if the engine does not know, for which it says 0 or less.
    pub total: Option<u64>,
}

impl PullFrame {
    /// Reads a line of JSON as engines send it.
    ///
    /// # Errors
    ///
    /// [`EngineError::Api`] if the line says that the pull failed, be it by `errorDetail` or by a bare
    /// `error`; [`EngineError::Unreadable`] if it is no such line.
    pub fn parse(line: &[u8]) -> Result<Self, EngineError> {
        let said: Said = serde_json::from_slice(line)
            .map_err(|error| EngineError::Unreadable { message: format!("a pull: {error}") })?;
        let Said { id, status, progress_detail, failure } = said;
        failure.check("the pull failed")?;
        let Progress { current, total } = progress_detail.unwrap_or_default();
        let positive = |bytes: Option<i64>| bytes.and_then(|bytes| u64::try_from(bytes).ok());
        Ok(Self {
            id: id.filter(|id| !id.is_empty()),
            status: status.unwrap_or_default(),
            current: positive(current),
            total: positive(total).filter(|total| *total > 0),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    id: Option<String>,
    status: Option<String>,
    progress_detail: Option<Progress>,
    #[serde(flatten)]
    failure: Failure,
}

#[derive(Deserialize, Default)]
struct Progress {
    current: Option<i64>,
    total: Option<i64>,
}

/// What went wrong, in whichever field an engine says it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Failure {
    error_detail: Option<Detail>,
    error: Option<String>,
}

#[derive(Deserialize, Default)]
struct Detail {
    code: Option<u16>,
    message: Option<String>,
}

impl Failure {
    /// An error if something went wrong; `otherwise` says what where the engine does not.
    pub(super) fn check(self, otherwise: &str) -> Result<(), EngineError> {
        if self.error.is_none() && self.error_detail.is_none() {
            return Ok(());
        }
        let detail = self.error_detail.unwrap_or_default();
        let status = detail.code.unwrap_or(500);
        let message = detail.message.filter(|message| !message.is_empty()).or(self.error);
        let message = message.unwrap_or_else(|| otherwise.to_owned());
        Err(EngineError::Api { status, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_told_with_its_bytes_as_far_as_they_are_known() {
        let parse = |line: &str| PullFrame::parse(line.as_bytes()).unwrap();
        let frame = parse(
            r#"{"status":"Downloading","progressDetail":{"current":5,"total":9},"progress":"[=> ]","id":"a"}"#,
        );
        let expected = PullFrame {
            id: Some("a".into()),
            status: "Downloading".into(),
            current: Some(5),
            total: Some(9),
        };
        assert_eq!(frame, expected);
        for total in [0, -1] {
            let line = format!(r#"{{"status":"x","progressDetail":{{"total":{total}}}}}"#);
            assert_eq!(parse(&line).total, None);
        }
    }

    #[test]
    fn a_failure_is_an_error_in_whichever_field_it_stands() {
        for (line, status, words) in [
            (r#"{"errorDetail":{"message":"no space"},"error":"no space"}"#, 500, "no space"),
            (r#"{"errorDetail":{"code":401,"message":"who are you"}}"#, 401, "who are you"),
            (r#"{"error":"alone"}"#, 500, "alone"),
            (r#"{"errorDetail":{},"error":"in the other"}"#, 500, "in the other"),
            (r#"{"status":"Downloading","errorDetail":{}}"#, 500, "the pull failed"),
        ] {
            let error = PullFrame::parse(line.as_bytes()).unwrap_err();
            assert_eq!(error, EngineError::Api { status, message: words.into() }, "{line}");
        }
        for line in [r#"{"status":"#, "[]", "yes"] {
            let error = PullFrame::parse(line.as_bytes()).unwrap_err();
            assert!(matches!(error, EngineError::Unreadable { .. }), "{line}: {error:?}");
        }
    }
}
