//! The pull of an image.

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::json_lines;
use super::raw::Question;
use crate::engine::endpoint::Endpoint;
use crate::engine::{Frames, PullFrame};

/// Begins a pull.
pub(super) fn open(endpoint: Endpoint, reference: &str) -> Frames<PullFrame> {
    let question = Question::new(Method::POST, target(reference));
    json_lines::open(endpoint, question, PullFrame::parse)
}

/// Without a tag an engine would pull all that there are.
fn target(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    let tag = if name.contains([':', '@']) { "" } else { ":latest" };
    let image = format!("{reference}{tag}");
    format!("/images/create?fromImage={}", utf8_percent_encode(&image, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_image_is_asked_for_and_its_name_cannot_lead_elsewhere() {
        for (reference, image) in [
            ("nginx", "nginx%3Alatest"),
            ("127.0.0.1:5000/nginx", "127%2E0%2E0%2E1%3A5000%2Fnginx%3Alatest"),
            ("nginx:1.27", "nginx%3A1%2E27"),
            ("nginx@sha256:00", "nginx%40sha256%3A00"),
            ("x&fromSrc=y", "x%26fromSrc%3Dy%3Alatest"),
        ] {
            assert_eq!(target(reference), format!("/images/create?fromImage={image}"));
        }
    }
}
