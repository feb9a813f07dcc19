//! The cookie of a session: sent to this program only, out of reach of scripts.

use http::header::{self, HeaderMap, HeaderValue};

use super::guard::{Scheme, Site};
use crate::access::Secret;

/// Its name. A browser keeps cookies by host without regard to ports, so without TLS the port is part of it.
fn name(site: &Site) -> String {
    match site.scheme {
        Scheme::Https => "__Host-nself-session".to_owned(),
        Scheme::Http => format!("nself-session-{}", site.port()),
    }
}

/// The value that a request carries.
pub(super) fn read<'a>(headers: &'a HeaderMap, site: &Site) -> Option<&'a str> {
    let name = name(site);
    let lists = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(own, _)| own.trim() == name).map(|(_, value)| value.trim())
}

/// Has a browser keep it until it ends.
pub(super) fn keep(site: &Site, secret: &Secret) -> Option<HeaderValue> {
    set(site, secret.reveal(), "")
}

/// Has a browser forget it.
pub(super) fn forget(site: &Site) -> Option<HeaderValue> {
    set(site, "", "; Max-Age=0")
}

fn set(site: &Site, value: &str, more: &str) -> Option<HeaderValue> {
    let secure = if site.scheme == Scheme::Https { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}", name(site));
    let mut value = HeaderValue::try_from(cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_how_it_is_protected() {
        let secret = Secret::short().unwrap();
        let kept = |site: &str| {
            let value = keep(&Site::parse(site).unwrap(), &secret).unwrap();
            value.to_str().unwrap().replace(secret.reveal(), "S")
        };
        assert_eq!(
            kept("https://admin.example"),
            "__Host-nself-session=S; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            kept("http://localhost:3021"),
            "nself-session-3021=S; Path=/; HttpOnly; SameSite=Strict"
        );
    }

    #[test]
    fn it_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "a=b; nself-session-3022=x".parse().unwrap());
        headers.append("cookie", "nself-session-3021=y; c".parse().unwrap());
        let read = |site: &str| read(&headers, &Site::parse(site).unwrap());
        assert_eq!(read("http://localhost:3021"), Some("y"));
        assert_eq!(read("http://localhost:3022"), Some("x"));
        assert_eq!(read("https://localhost:3021"), None);
    }
}
