//! Where a notification leads: the addresses of the page, which `docs/protocol.md` names.

use nself_realtime::Name;
use nself_realtime::event::Action;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::inventory::ServiceKey;

/// What `encodeURIComponent` of a browser leaves as it is, so that one thing has one address.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// To the log of a service.
pub(crate) fn to_log(ServiceKey { room, service }: &ServiceKey) -> Action {
    let href = format!("/logs/{}/{}", encoded(room.as_str()), encoded(service.as_str()));
    Action { label: "Show its log".to_owned(), href }
}

/// To a build.
pub(crate) fn to_build(id: &Name) -> Action {
    let href = format!("/build?run={}", encoded(id.as_str()));
    Action { label: "Show the build".to_owned(), href }
}

fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, COMPONENT)
}

#[cfg(test)]
mod tests {
    use nself_realtime::RoomName;

    use super::*;

    #[test]
    fn a_name_is_one_part_of_the_address_whatever_it_has() {
        let room = RoomName::new("shop_2").unwrap();
        let to = |service| to_log(&ServiceKey { room: room.clone(), service: name(service) }).href;
        assert_eq!(to("api-1.b"), "/logs/shop_2/api-1.b");
        assert_eq!(to("a/b,c?d#e%f é"), "/logs/shop_2/a%2Fb%2Cc%3Fd%23e%25f%20%C3%A9");
        assert_eq!(to_build(&name("build-1&x=2")).href, "/build?run=build-1%26x%3D2");
    }

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }
}
