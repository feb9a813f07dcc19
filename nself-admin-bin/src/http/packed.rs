//! The page's files as they go over the wire: modules and styles without the indentation and without the
//! comments that stand by themselves, which are for those who read the sources, and everything compressed
//! once for all requests.

use std::collections::HashMap;
use std::io::{self, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// A file in the two forms that it is served in.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    pub(super) plain: Bytes,
    pub(super) gzip: Bytes,
}

impl Packed {
    /// # Errors
    ///
    /// Compressing into memory does not fail; the type says that it might.
    pub(super) fn new(name: &str, data: &[u8]) -> io::Result<Self> {
        let plain = match std::str::from_utf8(data) {
            Ok(text) if is_source(name) => condensed(text).into(),
            _ => Bytes::copy_from_slice(data),
        };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain)?;
        Ok(Self { gzip: encoder.finish()?.into(), plain })
    }
}

/// All files by their names; what cannot be packed is left out.
pub(super) fn all<'a>(
    files: impl Iterator<Item = (String, std::borrow::Cow<'a, [u8]>)>,
) -> HashMap<String, Packed> {
    files
        .filter_map(|(name, data)| match Packed::new(&name, &data) {
            Ok(packed) => Some((name, packed)),
            Err(error) => {
                tracing::error!(%error, name, "a file of the page cannot be packed");
                None
            }
        })
        .collect()
}

/// Whether a client takes gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').any(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            named && parts.all(|part| !matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
        })
    })
}

fn is_source(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| matches!(ending, "js" | "css"))
}

/// Leaves out indentation, empty lines, and comments that have their lines for themselves.
fn condensed(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut within = false;
    for line in text.lines() {
        let bare = line.trim();
        let begins = bare.starts_with("/*");
        if within {
            within = !bare.ends_with("*/");
            continue;
        }
        within = begins && !bare.contains("*/");
        if within {
            continue;
        }
        let is_comment = bare.starts_with("//") || (begins && bare.ends_with("*/"));
        if !is_comment && !bare.is_empty() {
            kept.push_str(bare);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn indentation_and_comments_with_lines_of_their_own_are_left_out_and_code_is_not() {
        let text = "// About.\n/** @import { A } from './a.js' */\n/**\n * Says.\n */\n\nconst a = 1; // Why.\n  /** @type {A} */ (b).c();\n";
        assert_eq!(condensed(text), "const a = 1; // Why.\n/** @type {A} */ (b).c();\n");
    }

    #[test]
    fn what_is_unpacked_is_what_was_packed() {
        let packed = Packed::new("a.svg", b"<svg>\n  <g/></svg>").unwrap();
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&*packed.gzip).read_to_end(&mut unpacked).unwrap();
        assert_eq!(
            (&*unpacked, &*packed.plain),
            (&*packed.plain, &b"<svg>\n  <g/></svg>"[..])
        );
    }

    #[test]
    fn gzip_is_for_those_who_ask_for_it() {
        let takes = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, text.parse().unwrap());
            takes_gzip(&headers)
        };
        assert!(takes("gzip, deflate, br") && takes("br;q=1.0, GZIP;q=0.5"));
        for others in ["br", "gzip;q=0", "identity"] {
            assert!(!takes(others), "{others}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
