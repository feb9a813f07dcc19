//! The page's files, embedded in the program. Their address carries one hash over all of them, so a
//! browser may keep them for ever and modules find each other by relative paths.

use std::collections::HashMap;
use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use rust_embed::Embed;
use sha2::{Digest, Sha256};

use super::answer::{Answer, Refusal, whole, with_body};
use super::guard::Granted;
use super::packed::{self, Packed};

#[derive(Embed)]
#[folder = "ui/"]
#[exclude = "test/*"]
#[exclude = "*.json"]
struct Files;

const INDEX: &str = "index.html";

/// What every page looks like, in one file, so that it is one request; the styles of other pages are
/// loaded with them.
const EVERY_PAGE: &str = "css/every_page.css";
const EVERY_PAGE_OF: [&str; 5] =
    ["css/tokens.css", "css/base.css", "css/header.css", "css/dashboard.css", "css/overlay.css"];

/// In `index.html`, what stands for the hash.
const HASH_PLACE: &str = "{{assets}}";

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    let mut names: Vec<_> = Files::iter().collect();
    names.sort_unstable();
    for name in names {
        hash.update(name.as_bytes());
        hash.update(Files::get(&name).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    let bits = hash.finalize().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    format!("{bits:016x}")
});

static PAGE: LazyLock<Bytes> = LazyLock::new(|| {
    let index = Files::get(INDEX).map(|file| file.data).unwrap_or_default();
    String::from_utf8_lossy(&index).replace(HASH_PLACE, &HASH).into()
});

/// Every file as it is served, `index.html` with its hash.
static PACKED: LazyLock<HashMap<String, Packed>> = LazyLock::new(|| {
    let files = Files::iter().filter_map(|name| {
        let data = if name == INDEX { PAGE.to_vec().into() } else { Files::get(&name)?.data };
        Some((name.into_owned(), data))
    });
    let of_every_page = EVERY_PAGE_OF.into_iter().filter_map(Files::get).map(|file| file.data);
    let every_page = of_every_page.collect::<Vec<_>>().concat();
    packed::all(files.chain([(EVERY_PAGE.to_owned(), every_page.into())]))
});

/// The page; the same for every address that it has, since it finds its way by itself.
pub(super) fn page(_: &Granted, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let etag = format!("\"{}\"", *HASH);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str());
    let mut answer = if known {
        let mut unchanged = Response::new(whole(Bytes::new()));
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        file(INDEX, "no-cache", headers)?
    };
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    Ok(answer)
}

/// The page for an address that it does not have: it says so, and leads back.
pub(super) fn missing(headers: &HeaderMap) -> Result<Answer, Refusal> {
    let mut answer = file(INDEX, "no-cache", headers)?;
    *answer.status_mut() = StatusCode::NOT_FOUND;
    Ok(answer)
}

/// A file that never changes at its address.
pub(super) fn asset(granted: &Granted, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let path = granted.parameter("path");
    if granted.parameter("hash") != *HASH {
        return Err(Refusal::not_found("the page has changed: load it again"));
    }
    file(path, "public, max-age=31536000, immutable", headers)
}

/// The icon, which browsers ask for at this address.
pub(super) fn favicon(_: &Granted, headers: &HeaderMap) -> Result<Answer, Refusal> {
    file("favicon.svg", "public, max-age=86400", headers)
}

fn file(path: &str, cache: &'static str, headers: &HeaderMap) -> Result<Answer, Refusal> {
    // The name is looked up among the embedded ones, not joined to a path.
    let file = PACKED.get(path).ok_or_else(|| Refusal::not_found("the page has no such file"))?;
    let (body, coding) = file.for_client(headers);
    let mut answer = with_body(StatusCode::OK, content_type(path), cache, body);
    let told = answer.headers_mut();
    told.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(coding) = coding {
        told.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    Ok(answer)
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_its_files_by_their_hash() {
        let page = String::from_utf8(PAGE.to_vec()).unwrap();
        assert!(page.contains(&format!("/assets/{}/app.js", *HASH)));
        assert!(!page.contains(HASH_PLACE));
    }

    #[test]
    fn the_styles_of_every_page_are_one_file() {
        let file = PACKED.get(EVERY_PAGE).unwrap();
        let text = std::str::from_utf8(file.plain()).unwrap();
        for name in EVERY_PAGE_OF {
            let part = Files::get(name).unwrap_or_else(|| panic!("there is no {name}")).data;
            let rule = std::str::from_utf8(&part).unwrap().lines().find(|line| line.ends_with('{'));
            assert!(text.contains(rule.unwrap()), "{name}");
        }
    }

    #[test]
    fn files_of_the_tests_are_not_in_the_program() {
        assert!(Files::iter().all(|name| !name.starts_with("test/") && !name.ends_with(".json")));
        assert!(Files::get("css/base.css").is_some());
    }

    #[test]
    fn a_path_that_climbs_out_finds_nothing() {
        for path in ["../Cargo.toml", "/etc/passwd", "lib/../index.html", ""] {
            assert_eq!(
                file(path, "no-store", &HeaderMap::new()).unwrap_err().status,
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
    }
}
