//! Leaves out what may be a secret. What only might be one is left out, too.

use std::collections::{BTreeMap, HashMap};

/// Stands for a value that is not shown.
const MASK: &str = "***";

const WORDS: [&str; 7] = ["pass", "secret", "token", "key", "credential", "auth", "dsn"];

/// Variables (`NAME=value`) with every value masked.
pub(crate) fn environment(variables: &[String]) -> BTreeMap<String, &'static str> {
    let name = |variable: &String| variable.split('=').next().unwrap_or_default().to_owned();
    variables.iter().map(|variable| (name(variable), MASK)).collect()
}

/// Labels, with the values masked that are secrets by their name or hold some.
pub(crate) fn labels(labels: &HashMap<String, String>) -> BTreeMap<String, String> {
    let masked = |(name, value): (&String, &String)| {
        let value = if is_secret(name) { MASK.to_owned() } else { text(value) };
        (name.clone(), value)
    };
    labels.iter().map(masked).collect()
}

/// Arguments of a command. After a flag that says that a secret follows, the next one is masked, be it a
/// flag or not: nobody knows.
pub(crate) fn argument_list(arguments: &[String]) -> Vec<String> {
    let mut follows = false;
    let masked = arguments.iter().map(|argument| {
        let is_flag = argument.starts_with('-') && is_secret(argument);
        let value = argument.split_once('=');
        if std::mem::replace(&mut follows, is_flag && value.is_none()) {
            return MASK.to_owned();
        }
        match value {
            _ if !is_flag => text(argument),
            Some((flag, _)) => format!("{flag}={MASK}"),
            None => argument.clone(),
        }
    });
    masked.collect()
}

/// A text that is no secret by its name: masked as a whole if it speaks of one, and without the user of
/// an address.
fn text(value: &str) -> String {
    if is_secret(value) || has_user(value) { MASK.to_owned() } else { value.to_owned() }
}

fn is_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

/// Whether it has an address with a user in it, as in `postgres://user:word@host`.
fn has_user(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
        authority.contains('@')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_value_of_the_environment_is_masked() {
        let masked = environment(&strings(&["PATH=/bin", "POSTGRES_PASSWORD=a=b", "EMPTY"]));
        let expected = [("EMPTY", MASK), ("PATH", MASK), ("POSTGRES_PASSWORD", MASK)];
        assert_eq!(masked, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }

    #[test]
    fn arguments_that_are_secrets_are_masked() {
        for (given, shown) in [
            (
                &["redis-server", "--requirepass", "hunter2", "--port", "1"][..],
                &["redis-server", "--requirepass", "***", "--port", "1"][..],
            ),
            (&["app", "--api-key=hunter2", "-v"], &["app", "--api-key=***", "-v"]),
            (&["sh", "-c", "TOKEN=hunter2 run"], &["sh", "-c", "***"]),
            (&["app", "postgres://me:hunter2@db/x"], &["app", "***"]),
            (&["app", "--db=postgres://me:hunter2@db/x"], &["app", "***"]),
            (&["app", "--password", "-hunter2", "-v"], &["app", "--password", "***", "-v"]),
            (&["app", "--password", "--key", "hunter2"], &["app", "--password", "***", "***"]),
            (&["app", "--password=hunter2", "-v"], &["app", "--password=***", "-v"]),
            (&["curl", "https://example.org/a@b"], &["curl", "https://example.org/a@b"]),
        ] {
            assert_eq!(argument_list(&strings(given)), strings(shown), "{given:?}");
        }
    }

    #[test]
    fn labels_that_are_secrets_are_masked() {
        let given = [
            ("app.password", "hunter2"),
            ("traefik.auth", "me:hunter2"),
            ("url", "amqp://me:hunter2@mq"),
            ("com.docker.compose.service", "web"),
        ];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let shown = labels(&given);
        assert!(shown.values().all(|value| !value.contains("hunter2")), "{shown:?}");
        assert_eq!(shown["com.docker.compose.service"], "web");
    }
}
