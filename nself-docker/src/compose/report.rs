//! Collects what is wrong while a project is read, so that all of it can be told at once.

use std::collections::BTreeSet;

use super::keys::Keys;
use super::tree::{Entry, Node, Place, Scalar, Value};
use super::{Problem, ProblemKind, Rule};

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The files by number, as they are told.
    files: Vec<String>,
    allowed: BTreeSet<Rule>,
    problems: Vec<(Option<Place>, Problem)>,
    warnings: Vec<Problem>,
    /// Whether what is read now will not run: then only how it is written counts.
    pub(super) idle: bool,
}

/// A node and its path.
#[derive(Debug, Clone)]
pub(super) struct Item<'n> {
    pub(super) node: &'n Node,
    pub(super) path: String,
}

impl<'n> Item<'n> {
    pub(super) fn child(&self, key: &str, node: &'n Node) -> Self {
        let path =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { node, path }
    }

    pub(super) fn get(&self, key: &str) -> Option<Self> {
        self.node.get(key).map(|node| self.child(key, node))
    }

    /// The same, but a null counts as absent.
    pub(super) fn some(&self, key: &str) -> Option<Self> {
        self.get(key).filter(|item| item.node.value != Value::Null)
    }

    pub(super) fn place(&self) -> Place {
        self.node.place
    }
}

impl Report {
    pub(super) fn new(allowed: BTreeSet<Rule>) -> Self {
        Self { allowed, ..Self::default() }
    }

    pub(super) fn allows(&self, rule: Rule) -> bool {
        self.allowed.contains(&rule)
    }

    pub(super) fn add_file(&mut self, name: String) -> usize {
        self.files.push(name);
        self.files.len() - 1
    }

    fn at(&self, kind: ProblemKind, place: Option<Place>, path: &str, message: String) -> Problem {
        Problem {
            kind,
            file: place.and_then(|place| self.files.get(place.file).cloned()),
            position: place.map(|place| (place.line, place.column)),
            path: (!path.is_empty()).then(|| path.to_owned()),
            message,
        }
    }

    /// Notes a mistake.
    pub(super) fn refuse(
        &mut self,
        kind: ProblemKind,
        item: &Item<'_>,
        message: impl Into<String>,
    ) {
        self.refuse_at(kind, item.place(), &item.path, message);
    }

    pub(super) fn refuse_at(
        &mut self,
        kind: ProblemKind,
        place: Place,
        path: &str,
        message: impl Into<String>,
    ) {
        let of_running =
            matches!(kind, ProblemKind::File | ProblemKind::Policy(_) | ProblemKind::Reference);
        if self.idle && of_running {
            return;
        }
        let problem = self.at(kind, Some(place), path, message.into());
        if !self.problems.iter().any(|(_, known)| *known == problem) {
            self.push_problem(Some(place), problem);
        }
    }

    fn push_problem(&mut self, place: Option<Place>, problem: Problem) {
        if self.problems.len() < MAX_TOLD {
            self.problems.push((place, problem));
        }
    }

    /// Notes a mistake that has no place in a document, only perhaps in a file.
    pub(super) fn refuse_file(
        &mut self,
        kind: ProblemKind,
        file: Option<&str>,
        line: Option<u64>,
        message: impl Into<String>,
    ) {
        let problem = Problem {
            kind,
            file: file.map(str::to_owned),
            position: line.map(|line| (line, 1)),
            path: None,
            message: message.into(),
        };
        self.push_problem(None, problem);
    }

    pub(super) fn invalid(&mut self, item: &Item<'_>, message: impl Into<String>) {
        self.refuse(ProblemKind::Invalid, item, message);
    }

    /// Notes what a rule forbids, unless it is allowed.
    pub(super) fn forbid(&mut self, rule: Rule, item: &Item<'_>, what: impl Into<String>) {
        if !self.allows(rule) {
            let what = what.into();
            let message =
                format!("{what}; it is refused unless the rule `{rule}` is on the allow list");
            self.refuse(ProblemKind::Policy(rule), item, message);
        }
    }

    pub(super) fn warn(&mut self, kind: ProblemKind, item: &Item<'_>, message: impl Into<String>) {
        if !self.idle {
            let problem = self.at(kind, Some(item.place()), &item.path, message.into());
            self.push_warning(problem);
        }
    }

    pub(super) fn warn_file(&mut self, kind: ProblemKind, file: Option<&str>, message: String) {
        let file = file.map(str::to_owned);
        self.push_warning(Problem { kind, file, position: None, path: None, message });
    }

    fn push_warning(&mut self, problem: Problem) {
        // An anchor that is used twice is one mistake.
        let known = |known: &Problem| {
            known.position == problem.position
                && known.file == problem.file
                && known.message == problem.message
        };
        if self.warnings.len() < MAX_TOLD && !self.warnings.iter().any(known) {
            self.warnings.push(problem);
        }
    }

    pub(super) fn failed(&self) -> bool {
        !self.problems.is_empty()
    }

    /// What was found, in the order of the files.
    pub(super) fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        let mut problems = self.problems;
        problems.sort_by_key(|(place, _)| *place);
        (problems.into_iter().map(|(_, problem)| problem).collect(), self.warnings)
    }

    // What an item may be.

    /// A mapping with these keys; all others are told.
    pub(super) fn keys(&mut self, item: &Item<'_>, keys: &Keys) -> bool {
        let Some(entries) = self.mapping(item) else { return false };
        for entry in entries {
            let key = entry.key.as_str();
            if keys.read.contains(&key) || key.starts_with("x-") {
                continue;
            }
            let path = item.child(key, &entry.value).path;
            let refused = keys.refused.iter().find(|(refused, _)| *refused == key);
            let (kind, message) = if let Some((_, mend)) = refused {
                (ProblemKind::Unsupported, format!("`{key}` is not supported by nself: {mend}"))
            } else {
                let mend = match keys.nearest(key) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("remove it, or name it x-{key}"),
                };
                (ProblemKind::UnknownKey, format!("there is no key `{key}` here: {mend}"))
            };
            self.refuse_at(kind, entry.place, &path, message);
        }
        true
    }

    pub(super) fn mapping<'n>(&mut self, item: &Item<'n>) -> Option<&'n [Entry]> {
        match &item.node.value {
            Value::Mapping(entries) => Some(entries),
            _ => self.other_kind(item, "a mapping"),
        }
    }

    pub(super) fn sequence<'n>(&mut self, item: &Item<'n>) -> Option<Vec<Item<'n>>> {
        match &item.node.value {
            Value::Sequence(nodes) => Some(numbered(item, nodes)),
            _ => self.other_kind(item, "a list"),
        }
    }

    /// The items of a list, or the one that stands for a list of one.
    pub(super) fn one_or_more<'n>(&mut self, item: &Item<'n>) -> Option<Vec<Item<'n>>> {
        match &item.node.value {
            Value::Scalar(_) => Some(vec![item.clone()]),
            Value::Sequence(nodes) => Some(numbered(item, nodes)),
            _ => self.other_kind(item, "one value or a list"),
        }
    }

    fn other_kind<T>(&mut self, item: &Item<'_>, wanted: &str) -> Option<T> {
        self.invalid(item, format!("{wanted} is expected here, not {}", item.node.kind()));
        None
    }

    pub(super) fn scalar<'n>(&mut self, item: &Item<'n>) -> Option<&'n Scalar> {
        match &item.node.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => self.other_kind(item, "a single value"),
        }
    }

    /// Text; of a number without quotes what Compose makes of it, with a warning.
    pub(super) fn text(&mut self, item: &Item<'_>) -> Option<String> {
        let scalar = self.scalar(item)?;
        if let Some(written) = &scalar.written {
            let message = format!(
                "{written} without quotes is the number {}, as for Docker Compose: put it in quotes if the text is meant",
                scalar.text
            );
            self.warn(ProblemKind::Invalid, item, message);
        }
        if scalar.text.contains('\0') {
            self.invalid(item, "text must not contain NUL");
            return None;
        }
        Some(scalar.text.clone())
    }

    /// Text that is not empty.
    pub(super) fn word(&mut self, item: &Item<'_>) -> Option<String> {
        let text = self.text(item)?;
        if text.is_empty() {
            self.invalid(item, "is empty: give it a value, or remove the key");
            return None;
        }
        Some(text)
    }

    pub(super) fn boolean(&mut self, item: &Item<'_>) -> Option<bool> {
        let text = &self.scalar(item)?.text;
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            "y" | "yes" | "on" => Some(self.old_boolean(item, text, true)),
            "n" | "no" | "off" => Some(self.old_boolean(item, text, false)),
            _ => {
                self.invalid(item, format!("{text:?} is neither true nor false"));
                None
            }
        }
    }

    fn old_boolean(&mut self, item: &Item<'_>, word: &str, value: bool) -> bool {
        let message = format!("`{word}` is taken for {value}: write {value}");
        self.warn(ProblemKind::Invalid, item, message);
        value
    }

    /// What a text means, by a function that says what it should be.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        item: &Item<'_>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = &self.scalar(item)?.text;
        match parse(text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.invalid(item, error.to_string());
                None
            }
        }
    }

    pub(super) fn words(&mut self, item: &Item<'_>) -> Option<Vec<String>> {
        let items = self.sequence(item)?;
        Some(items.iter().filter_map(|item| self.word(item)).collect())
    }
}

fn numbered<'n>(item: &Item<'n>, nodes: &'n [Node]) -> Vec<Item<'n>> {
    let child = |(index, node)| Item { node, path: format!("{}[{index}]", item.path) };
    nodes.iter().enumerate().map(child).collect()
}

/// More than anybody reads at once.
const MAX_TOLD: usize = 100;
