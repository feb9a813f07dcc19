//! Fills variables in: `$A`, `${A}`, `${A:-b}`, `${A-b}`, `${A:?e}`, `${A?e}`, `${A:+c}`, `${A+c}`,
//! nested to any sensible depth, and `$$` for a dollar.

/// Why a text cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InterpolateError {
    /// A dollar that begins no variable.
    #[error("\"{near}\" is no variable: write ${{NAME}}, or $$ for a dollar")]
    Malformed {
        /// The text from the dollar on.
        near: String,
    },
    /// A brace that is never closed.
    #[error("\"{near}\" has no closing brace")]
    Unclosed {
        /// The text from the dollar on.
        near: String,
    },
    /// A variable that the file requires.
    #[error(
        "the variable {name} is required{}; set it in .env or in the environment",
        because(message)
    )]
    Required {
        /// The variable.
        name: String,
        /// What the file says about it.
        message: String,
    },
    /// Defaults within defaults without an end.
    #[error("variables are nested more than {MAX_NESTING} deep")]
    TooDeep,
    /// Values that repeat each other into something huge.
    #[error("the values of variables fill more than {} MiB", MAX_TOTAL / 1024 / 1024)]
    TooLong,
}

fn because(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// Where values come from.
pub(super) type Lookup<'l> = &'l dyn Fn(&str) -> Option<String>;

/// Fills texts in; together they may not become huge, however often they repeat each other.
#[derive(Debug, Default)]
pub(super) struct Interpolation {
    spent: usize,
    unset: Vec<String>,
}

impl Interpolation {
    /// The variables that became empty because nothing sets them, each once, since this was last asked.
    pub(super) fn take_unset(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unset)
    }

    /// Fills a text in.
    pub(super) fn fill(
        &mut self,
        text: &str,
        lookup: Lookup<'_>,
    ) -> Result<String, InterpolateError> {
        self.fill_nested(text, lookup, 0)
    }

    fn fill_nested(
        &mut self,
        text: &str,
        lookup: Lookup<'_>,
        depth: usize,
    ) -> Result<String, InterpolateError> {
        if depth > MAX_NESTING {
            return Err(InterpolateError::TooDeep);
        }
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            filled.push_str(before);
            let malformed = || InterpolateError::Malformed { near: near(after) };
            if let Some(after) = after.strip_prefix('$') {
                filled.push('$');
                rest = after;
            } else if let Some(inner) = after.strip_prefix('{') {
                let Some((inner, after)) = closing_brace(inner) else {
                    return Err(InterpolateError::Unclosed { near: near(after) });
                };
                let (name, operation) = split_name(inner).ok_or_else(malformed)?;
                let value = self.expand(name, operation, lookup, depth)?.ok_or_else(malformed)?;
                self.push(&mut filled, &value)?;
                rest = after;
            } else {
                let (name, after) = split_name(after).ok_or_else(malformed)?;
                let value = self.plain(name, lookup);
                self.push(&mut filled, &value)?;
                rest = after;
            }
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// What stands for `${NAME…}`; `None` if what follows the name is no operation.
    fn expand(
        &mut self,
        name: &str,
        operation: &str,
        lookup: Lookup<'_>,
        depth: usize,
    ) -> Result<Option<String>, InterpolateError> {
        if operation.is_empty() {
            return Ok(Some(self.plain(name, lookup)));
        }
        let (empty_counts, operation) = match operation.strip_prefix(':') {
            Some(operation) => (false, operation),
            None => (true, operation),
        };
        let value = lookup(name).filter(|value| empty_counts || !value.is_empty());
        let filled = if let Some(default) = operation.strip_prefix('-') {
            match value {
                Some(value) => value,
                None => self.fill_nested(default, lookup, depth + 1)?,
            }
        } else if let Some(message) = operation.strip_prefix('?') {
            if let Some(value) = value {
                value
            } else {
                let message = self.fill_nested(message, lookup, depth + 1)?;
                return Err(InterpolateError::Required { name: name.to_owned(), message });
            }
        } else if let Some(replacement) = operation.strip_prefix('+') {
            match value {
                Some(_) => self.fill_nested(replacement, lookup, depth + 1)?,
                None => String::new(),
            }
        } else {
            return Ok(None);
        };
        Ok(Some(filled))
    }

    fn push(&mut self, filled: &mut String, value: &str) -> Result<(), InterpolateError> {
        self.spent = self.spent.saturating_add(value.len());
        if self.spent > MAX_TOTAL {
            return Err(InterpolateError::TooLong);
        }
        filled.push_str(value);
        Ok(())
    }

    fn plain(&mut self, name: &str, lookup: Lookup<'_>) -> String {
        lookup(name).unwrap_or_else(|| {
            if !self.unset.iter().any(|known| known == name) {
                self.unset.push(name.to_owned());
            }
            String::new()
        })
    }
}

/// The name at the start, and what follows.
fn split_name(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return None;
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at_checked(end)
}

/// What stands before the brace that closes, and after it. Only `${` opens another one.
fn closing_brace(text: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    let mut dollar = false;
    for (index, c) in text.char_indices() {
        match c {
            '{' if dollar => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((text.get(..index)?, text.get(index + 1..)?));
        }
        // `$$` is a dollar and begins nothing.
        dollar = c == '$' && !dollar;
    }
    None
}

/// The dollar and what follows it, short enough for a message.
fn near(after: &str) -> String {
    let mut near: String = std::iter::once('$').chain(after.chars().take(24)).collect();
    if after.chars().nth(24).is_some() {
        near.push('…');
    }
    near
}

const MAX_NESTING: usize = 32;
const MAX_TOTAL: usize = 16 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{InterpolateError, Interpolation};

    fn lookup(name: &str) -> Option<String> {
        match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            "DOLLAR" => Some("${SET}".to_owned()),
            _ => None,
        }
    }

    fn fill(text: &str) -> Result<String, InterpolateError> {
        Interpolation::default().fill(text, &lookup)
    }

    #[test]
    fn each_form_means_what_the_specification_says() {
        for (text, expected) in [
            ("$SET", "value"),
            ("${SET}", "value"),
            ("a${SET}b$SET/c", "avaluebvalue/c"),
            ("${UNSET}", ""),
            ("${UNSET:-b}", "b"),
            ("${EMPTY:-b}", "b"),
            ("${EMPTY-b}", ""),
            ("${UNSET-b}", "b"),
            ("${SET:-b}", "value"),
            ("${SET:?e}", "value"),
            ("${EMPTY?e}", ""),
            ("${SET:+c}", "c"),
            ("${EMPTY:+c}", ""),
            ("${EMPTY+c}", "c"),
            ("${UNSET+c}", ""),
            ("$$SET", "$SET"),
            ("$${SET}", "${SET}"),
            ("$$$SET", "$value"),
            ("${UNSET:-${ALSO:-deep}}", "deep"),
            ("${UNSET:-${SET}-x}", "value-x"),
            ("${UNSET:-a:b?c+d}", "a:b?c+d"),
            ("${UNSET:-$$}", "$"),
            ("${UNSET:-{}}", "{}"),
            ("${UNSET:-}", ""),
            // A value is not filled in again.
            ("$DOLLAR", "${SET}"),
        ] {
            assert_eq!(fill(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_variable_is_named() {
        for text in ["$", "a $ b", "$5", "${}", "${5}", "${A B}", "${A:b}", "${A!b}", "${ A}"] {
            assert!(
                matches!(fill(text), Err(InterpolateError::Malformed { .. })),
                "{text}: {:?}",
                fill(text)
            );
        }
        for text in ["${A", "${A:-${B}", "${"] {
            assert!(matches!(fill(text), Err(InterpolateError::Unclosed { .. })), "{text}");
        }
    }

    #[test]
    fn a_required_variable_fails_with_the_words_of_the_file() {
        let error = fill("${UNSET:?ask ${SET}}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the variable UNSET is required: ask value; set it in .env or in the environment"
        );
        assert!(fill("${EMPTY:?}").is_err());
        assert_eq!(fill("${UNSET:+${UNSET:?never asked}}").as_deref(), Ok(""));
    }

    #[test]
    fn only_what_was_used_counts_as_unset() {
        let mut variables = Interpolation::default();
        variables.fill("$B ${A} ${B} ${SET:-$C} ${D:-x}", &lookup).unwrap();
        assert_eq!(variables.take_unset(), ["B", "A"]);
    }

    #[test]
    fn values_that_double_each_other_end() {
        let value = "x".repeat(1024 * 1024);
        let lookup = |_: &str| Some(value.clone());
        let mut texts = Interpolation::default();
        assert_eq!(texts.fill("$A", &lookup).map(|text| text.len()), Ok(value.len()));
        assert_eq!(texts.fill(&"$A".repeat(16), &lookup), Err(InterpolateError::TooLong));
    }

    #[test]
    fn nesting_ends() {
        let deep = format!("{}x{}", "${A:-".repeat(40), "}".repeat(40));
        assert_eq!(fill(&deep), Err(InterpolateError::TooDeep));
    }

    proptest! {
        #[test]
        fn any_text_is_filled_in_or_refused(text in "[$A{}:?+\\-x é]{0,40}") {
            let _ = fill(&text);
        }

        #[test]
        fn doubled_dollars_come_back(text in any::<String>()) {
            prop_assert_eq!(fill(&text.replace('$', "$$")), Ok(text));
        }

        #[test]
        fn text_without_dollars_is_left_alone(text in "[^$]*") {
            prop_assert_eq!(fill(&text), Ok(text));
        }

        #[test]
        fn a_default_stands_for_what_is_unset(name in "[A-Z_][A-Z0-9_]{0,8}", default in "[^${}]*") {
            let mut texts = Interpolation::default();
            let none = |_: &str| None;
            let colon = texts.fill(&format!("${{{name}:-{default}}}"), &none);
            prop_assert_eq!(colon, Ok(default.clone()));
            prop_assert_eq!(texts.fill(&format!("${{{name}-{default}}}"), &none), Ok(default));
            prop_assert!(texts.take_unset().is_empty());
        }

        #[test]
        fn a_value_goes_in_as_it_is(value in any::<String>(), around in "[^$]*") {
            let lookup = |_: &str| Some(value.clone());
            let text = format!("{around}${{A}}{around}");
            let filled = Interpolation::default().fill(&text, &lookup);
            prop_assert_eq!(filled, Ok(format!("{around}{value}{around}")));
        }
    }
}
