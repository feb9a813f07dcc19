//! Lays one file over another, as the Compose specification has it: mappings merge, lists append, what
//! says what is to run is replaced.

use super::tree::{Entry, Node, Value};

/// Something that cannot be laid over what is there.
#[derive(Debug)]
pub(super) struct Clash<'n> {
    pub(super) path: String,
    pub(super) over: &'n Node,
    pub(super) below: &'static str,
}

/// The base with the other one over it; what clashes is left as in the base.
pub(super) fn merge<'n>(base: Node, over: &'n Node, clashes: &mut Vec<Clash<'n>>) -> Node {
    let mut path = Vec::new();
    merge_at(base, over, &mut path, clashes)
}

fn merge_at<'n>(
    base: Node,
    over: &'n Node,
    path: &mut Vec<String>,
    clashes: &mut Vec<Clash<'n>>,
) -> Node {
    let keys: Vec<&str> = path.iter().map(String::as_str).collect();
    if is_null(over) {
        return base;
    }
    if is_null(&base) || replaces(&keys) {
        return over.clone();
    }
    if takes_pairs(&keys) {
        return merge_mappings(pairs(base), &pairs(over.clone()), over, path, clashes);
    }
    if takes_single_or_list(&keys) {
        let (base, over) = (listed(base), listed(over.clone()));
        return appended(base, &over);
    }
    if keys.len() == 3 && keys.last() == Some(&"build") {
        let (base, over_form) = (with_context(base), with_context(over.clone()));
        return merge_mappings(base, &over_form, over, path, clashes);
    }
    match (&base.value, &over.value) {
        (Value::Mapping(_), Value::Mapping(_)) => {
            if other_driver(&keys, &base, over) {
                return over.clone();
            }
            merge_mappings(base, over, over, path, clashes)
        }
        (Value::Sequence(_), Value::Sequence(_)) => appended(base, over),
        (Value::Scalar(_), Value::Scalar(_)) => over.clone(),
        // A limit may be one number here and two there.
        _ if keys.len() == 4 && keys.get(2) == Some(&"ulimits") => over.clone(),
        _ => {
            clashes.push(Clash { path: path.join("."), over, below: base.kind() });
            base
        }
    }
}

/// `over` is what is laid over, `origin` the node that it came from, for messages.
fn merge_mappings<'n>(
    mut base: Node,
    over: &Node,
    origin: &'n Node,
    path: &mut Vec<String>,
    clashes: &mut Vec<Clash<'n>>,
) -> Node {
    let (Value::Mapping(entries), Value::Mapping(over_entries)) = (&mut base.value, &over.value)
    else {
        clashes.push(Clash { path: path.join("."), over: origin, below: base.kind() });
        return base;
    };
    for entry in over_entries {
        match entries.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => {
                path.push(entry.key.clone());
                let below = std::mem::replace(&mut known.value, Node::null(known.place));
                // What a mapping was made of (a list of pairs) has no nodes of its own to blame.
                known.value = match origin.get(&entry.key) {
                    Some(value) => merge_at(below, value, path, clashes),
                    None if is_null(&entry.value) => below,
                    None => entry.value.clone(),
                };
                known.place = entry.place;
                path.pop();
            }
            None => entries.push(entry.clone()),
        }
    }
    base
}

fn is_null(node: &Node) -> bool {
    node.value == Value::Null
}

/// What to run is one thing, not a list that grows.
fn replaces(keys: &[&str]) -> bool {
    matches!(
        keys,
        ["services", _, "command" | "entrypoint"] | ["services", _, "healthcheck", "test"]
    )
}

/// Where a list of `KEY=value`, or of names, is another way to write a mapping.
fn takes_pairs(keys: &[&str]) -> bool {
    matches!(
        keys,
        ["services", _, "environment" | "labels" | "networks" | "depends_on"]
            | ["services", _, "build", "args"]
            | ["networks" | "volumes", _, "labels"]
    )
}

fn takes_single_or_list(keys: &[&str]) -> bool {
    matches!(keys, ["services", _, "env_file" | "tmpfs"])
}

/// The options of one driver mean nothing to another one.
fn other_driver(keys: &[&str], base: &Node, over: &Node) -> bool {
    let driver = |node: &Node| match node.get("driver").map(|driver| &driver.value) {
        Some(Value::Scalar(scalar)) => Some(scalar.text.clone()),
        _ => None,
    };
    matches!(keys, ["services", _, "logging"])
        && matches!((driver(base), driver(over)), (Some(base), Some(over)) if base != over)
}

fn pairs(node: Node) -> Node {
    let Value::Sequence(items) = node.value else { return node };
    let mut entries: Vec<Entry> = Vec::new();
    for item in items {
        let place = item.place;
        let Value::Scalar(scalar) = item.value else {
            // Not a pair: reading it says so, with its place.
            entries.push(Entry { key: String::new(), place, value: item });
            continue;
        };
        let (key, value) = match scalar.text.split_once('=') {
            Some((key, value)) => (key.to_owned(), Node::text(place, value)),
            None => (scalar.text, Node::null(place)),
        };
        match entries.iter_mut().find(|known| known.key == key) {
            Some(known) => known.value = value,
            None => entries.push(Entry { key, place, value }),
        }
    }
    Node { place: node.place, value: Value::Mapping(entries) }
}

fn listed(node: Node) -> Node {
    match node.value {
        Value::Scalar(_) => Node { place: node.place, value: Value::Sequence(vec![node]) },
        _ => node,
    }
}

fn with_context(node: Node) -> Node {
    let place = node.place;
    match node.value {
        Value::Scalar(_) => {
            let entry = Entry { key: "context".to_owned(), place, value: node };
            Node { place, value: Value::Mapping(vec![entry]) }
        }
        _ => node,
    }
}

/// The items of both. Those that name the same thing (a mount's target, a port) are told apart when they
/// are read: there the later one wins.
fn appended(mut base: Node, over: &Node) -> Node {
    if let (Value::Sequence(items), Value::Sequence(more)) = (&mut base.value, &over.value) {
        items.extend(more.iter().cloned());
    }
    base
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::compose::tree::{Node, Value};
    use crate::compose::yaml;

    fn merged(base: &str, over: &str) -> (String, Vec<String>) {
        let (base, over) = (yaml::parse(base, 0).unwrap(), yaml::parse(over, 1).unwrap());
        let mut clashes = Vec::new();
        let node = merge(base, &over, &mut clashes);
        (shown(&node), clashes.into_iter().map(|clash| clash.path).collect())
    }

    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".to_owned(),
            Value::Scalar(scalar) => scalar.text.clone(),
            Value::Sequence(items) => {
                let items: Vec<_> = items.iter().map(shown).collect();
                format!("[{}]", items.join(","))
            }
            Value::Mapping(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|e| format!("{}:{}", e.key, shown(&e.value))).collect();
                format!("{{{}}}", entries.join(","))
            }
        }
    }

    fn of_service(base: &str, over: &str) -> String {
        let wrap = |text: &str| format!("services: {{a: {{{text}}}}}");
        let (shown, clashes) = merged(&wrap(base), &wrap(over));
        assert_eq!(clashes, Vec::<String>::new());
        shown.strip_prefix("{services:{a:{").unwrap().strip_suffix("}}}").unwrap().to_owned()
    }

    #[test]
    fn each_key_merges_by_its_own_rule() {
        for (base, over, expected) in [
            ("image: a", "image: b", "image:b"),
            ("image: a", "user: u", "image:a,user:u"),
            ("command: [a, b]", "command: c", "command:c"),
            ("entrypoint: a", "entrypoint: [b]", "entrypoint:[b]"),
            (
                "healthcheck: {test: [a], retries: 1}",
                "healthcheck: {test: b}",
                "healthcheck:{test:b,retries:1}",
            ),
            ("ports: ['1:1']", "ports: ['2:2']", "ports:[1:1,2:2]"),
            ("environment: [A=1, B=2]", "environment: {B: 3, C: ~}", "environment:{A:1,B:3,C:~}"),
            ("environment: {A: 1}", "environment: [A=2, D]", "environment:{A:2,D:~}"),
            ("networks: [a]", "networks: {b: {aliases: [x]}}", "networks:{a:~,b:{aliases:[x]}}"),
            (
                "depends_on: [a]",
                "depends_on: {a: {condition: service_healthy}}",
                "depends_on:{a:{condition:service_healthy}}",
            ),
            ("build: .", "build: {target: x}", "build:{context:.,target:x}"),
            ("build: {args: [A=1]}", "build: {args: {B: 2}}", "build:{args:{A:1,B:2}}"),
            ("env_file: a", "env_file: [b]", "env_file:[a,b]"),
            ("tmpfs: /a", "tmpfs: /b", "tmpfs:[/a,/b]"),
            ("ulimits: {n: 1}", "ulimits: {n: {soft: 1, hard: 2}}", "ulimits:{n:{soft:1,hard:2}}"),
            ("logging: {driver: a, options: {x: 1}}", "logging: {driver: b}", "logging:{driver:b}"),
            (
                "logging: {driver: a, options: {x: 1}}",
                "logging: {options: {y: 2}}",
                "logging:{driver:a,options:{x:1,y:2}}",
            ),
            ("image: a", "image: ~", "image:a"),
        ] {
            assert_eq!(of_service(base, over), expected, "{base} + {over}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_path() {
        let (shown, clashes) =
            merged("services: {a: {image: x}}", "services: {a: {image: [y]}, b: {image: z}}");
        assert_eq!(shown, "{services:{a:{image:x},b:{image:z}}}");
        assert_eq!(clashes, ["services.a.image"]);
        assert_eq!(merged("services: {}", "services: []").1, ["services"]);
    }
}
