//! The build of an image by the builder that is part of the engine (the "classic" one): the archive is
//! sent while it is packed, and what the builder says is read meanwhile.

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use super::json_lines;
use super::raw::Question;
use crate::engine::endpoint::Endpoint;
use crate::engine::{BuildFrame, Context, Frames, ImageSpec};

/// Begins a build.
pub(super) fn open(endpoint: Endpoint, image: &ImageSpec, context: Context) -> Frames<BuildFrame> {
    let question = Question::new(Method::POST, target(image)).with_archive(context);
    json_lines::open(endpoint, question, BuildFrame::parse)
}

fn target(image: &ImageSpec) -> String {
    let ImageSpec { tag, dockerfile, target, args, labels } = image;
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (args, labels) = (json!(args).to_string(), json!(labels).to_string());
    let mut path = format!(
        // Containers of steps go, also those of the step that fails.
        "/build?rm=true&forcerm=true&t={}&dockerfile={}&buildargs={}&labels={}",
        encoded(tag),
        encoded(dockerfile),
        encoded(&args),
        encoded(&labels)
    );
    if let Some(stage) = target {
        path.push_str("&target=");
        path.push_str(&encoded(stage));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_cannot_lead_elsewhere() {
        let image = ImageSpec {
            tag: "shop-web".into(),
            dockerfile: "docker/web&remote=x".into(),
            target: Some("run".into()),
            args: [("A".to_owned(), Some("1".to_owned())), ("B".to_owned(), None)].into(),
            labels: [("l".to_owned(), "v&w".to_owned())].into(),
        };
        assert_eq!(
            target(&image),
            "/build?rm=true&forcerm=true&t=shop%2Dweb&dockerfile=docker%2Fweb%26remote%3Dx\
             &buildargs=%7B%22A%22%3A%221%22%2C%22B%22%3Anull%7D\
             &labels=%7B%22l%22%3A%22v%26w%22%7D&target=run"
        );
    }
}
