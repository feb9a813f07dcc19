//! The page's files as they go over the wire: modules and styles without the indentation and without the
//! comments that stand by themselves, which are for those who read the sources, and everything compressed
//! once for all requests.

use std::collections::HashMap;
use std::io::{self, Write};

use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// A file in the forms that it is served in.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    plain: Bytes,
    gzip: Bytes,
    brotli: Bytes,
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
        let gzip = encoder.finish()?.into();
        let mut brotli = Vec::new();
        let parameters = BrotliEncoderParams {
            quality: BROTLI_QUALITY,
            lgwin: BROTLI_WINDOW_BITS,
            size_hint: plain.len(),
            ..BrotliEncoderParams::default()
        };
        brotli::BrotliCompress(&mut &*plain, &mut brotli, &parameters)?;
        Ok(Self { plain, gzip, brotli: brotli.into() })
    }

    /// The smallest form that a client takes, and the name of its coding, if it has one.
    pub(super) fn for_client(&self, headers: &HeaderMap) -> (Bytes, Option<&'static str>) {
        let (body, coding) = if takes(headers, "br") {
            (&self.brotli, Some("br"))
        } else if takes(headers, "gzip") {
            (&self.gzip, Some("gzip"))
        } else {
            (&self.plain, None)
        };
        (body.clone(), coding)
    }

    /// Without any coding.
    #[cfg(test)]
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }
}

/// The next four levels save two bytes in a thousand, and their encoders take up to 33 MiB for each file; the best
/// two save seven in a hundred and take twenty times as long.
const BROTLI_QUALITY: i32 = 5;
/// 128 KiB, more than any file has. The default takes 4 MiB for each; below this one the encoder falls back on the
/// search of its best level, which takes ten times as long.
const BROTLI_WINDOW_BITS: i32 = 17;

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

/// Whether a client takes a coding.
fn takes(headers: &HeaderMap, coding: &str) -> bool {
    headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').any(|told| {
            let mut parts = told.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
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
        let (mut from_gzip, mut from_brotli) = (Vec::new(), Vec::new());
        flate2::read::GzDecoder::new(&*packed.gzip).read_to_end(&mut from_gzip).unwrap();
        brotli::BrotliDecompress(&mut &*packed.brotli, &mut from_brotli).unwrap();
        for unpacked in [&*from_gzip, &*from_brotli, packed.plain()] {
            assert_eq!(unpacked, b"<svg>\n  <g/></svg>");
        }
    }

    #[test]
    fn a_client_gets_the_smallest_form_that_it_takes() {
        let packed = Packed::new("a.css", &b"a { color: red }\n".repeat(9)).unwrap();
        let coding = |told: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, told.parse().unwrap());
            packed.for_client(&headers).1
        };
        for (told, expected) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("br;q=1.0, GZIP;q=0.5", Some("br")),
            ("br;q=0, gzip", Some("gzip")),
            ("gzip", Some("gzip")),
            ("gzip;q=0.0", None),
            ("identity", None),
        ] {
            assert_eq!(coding(told), expected, "{told}");
        }
        assert_eq!(packed.for_client(&HeaderMap::new()), (packed.plain.clone(), None));
    }
}
