//! What the builder within an engine cannot do is found in a Dockerfile before the engine is asked: it
//! would fail late, or build something else than what is written.

use std::path::{Path, PathBuf};

/// A Dockerfile asks for what only BuildKit can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}:{line}: {what} needs BuildKit, which the builder within the engine is not: {mend}",
    file.display()
)]
pub struct UnsupportedDockerfile {
    /// The Dockerfile.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is asked for, as `RUN --mount`.
    pub what: String,
    /// What to do instead.
    pub mend: &'static str,
}

/// Looks for what the builder within an engine cannot do.
pub(super) fn check(file: &Path, text: &str) -> Result<(), UnsupportedDockerfile> {
    let refuse = |line: usize, what: String, mend: &'static str| {
        Err(UnsupportedDockerfile { file: file.to_owned(), line, what, mend })
    };
    let (escape, syntax) = directives(text);
    if let Some(line) = syntax {
        let mend = "remove the line, and what it is there for";
        return refuse(line, "`# syntax=`".to_owned(), mend);
    }
    for Instruction { line, text } in instructions(text, escape) {
        let (mut word, mut rest) = first_word(&text);
        if word.eq_ignore_ascii_case("ONBUILD") {
            (word, rest) = first_word(rest);
        }
        let word = word.to_ascii_uppercase();
        let known: &[&str] = match word.as_str() {
            "RUN" => &[],
            "COPY" => &["chown", "from"],
            "ADD" => &["chown"],
            _ => continue,
        };
        while let Some(flag) = rest.strip_prefix("--") {
            let (flag, after) = first_word(flag);
            let name = flag.split('=').next().unwrap_or(flag);
            if !known.contains(&name) {
                return refuse(line, format!("`{word} --{name}`"), mend_of(&word, name));
            }
            rest = after;
        }
        if has_heredoc(rest) {
            let mend = "write the lines into a file of the context, or join them with && and \\";
            return refuse(line, format!("a here-document in {word}"), mend);
        }
    }
    Ok(())
}

fn mend_of(instruction: &str, flag: &str) -> &'static str {
    match (instruction, flag) {
        (_, "mount") => "take the flag away; what it mounts is to be copied with COPY",
        (_, "chmod") => "take the flag away, and set the mode with RUN chmod",
        _ => "take the flag away",
    }
}

/// An instruction without its line breaks and comments, and the line on which it begins.
struct Instruction {
    line: usize,
    text: String,
}

/// The escape character, and the line of `# syntax=`, if there is one. Directives stand before
/// everything else.
fn directives(text: &str) -> (char, Option<usize>) {
    let (mut escape, mut syntax) = ('\\', None);
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let Some((name, value)) = line.trim().strip_prefix('#').and_then(|l| l.split_once('='))
        else {
            break;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "escape" => escape = value.trim().chars().next().unwrap_or(escape),
            "syntax" => syntax = syntax.or(Some(number)),
            "check" => {}
            _ => break,
        }
    }
    (escape, syntax)
}

fn instructions(text: &str, escape: char) -> Vec<Instruction> {
    let mut found = Vec::new();
    let mut open: Option<Instruction> = None;
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let trimmed = line.trim();
        // Within an instruction too, empty lines and comments are passed over.
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let instruction = open.get_or_insert(Instruction { line: number, text: String::new() });
        if let Some(part) = line.trim_end().strip_suffix(escape) {
            instruction.text.push_str(part);
        } else {
            instruction.text.push_str(line);
            found.extend(open.take());
        }
    }
    found.extend(open);
    found
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// Whether a word outside of quotes opens a here-document: `<<EOF`, `<<-"EOF"`, `3<<EOF`.
fn has_heredoc(text: &str) -> bool {
    if text.starts_with('[') {
        return false;
    }
    let mut quote = None;
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c.is_whitespace() => {
                if opens_heredoc(&word) {
                    return true;
                }
                word.clear();
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    false
}

fn opens_heredoc(word: &str) -> bool {
    let word = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let Some(name) = word.strip_prefix("<<") else { return false };
    let name = name.strip_prefix('-').unwrap_or(name);
    let name = name.trim_matches(['"', '\'']);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (usize, String) {
        let error = check(Path::new("/p/Dockerfile"), text).unwrap_err();
        (error.line, error.what)
    }

    #[test]
    fn what_only_buildkit_can_do_is_named_with_its_line() {
        for (text, line, what) in [
            ("# syntax=docker/dockerfile:1\nFROM a", 1, "`# syntax=`"),
            ("# escape=`\n# Syntax = x\nFROM a", 2, "`# syntax=`"),
            ("FROM a\nRUN --mount=type=cache,target=/x make", 2, "`RUN --mount`"),
            ("FROM a\nRUN --network=none make", 2, "`RUN --network`"),
            ("FROM a\nrun \\\n  # why\n  --mount=type=secret make", 2, "`RUN --mount`"),
            ("FROM a\nCOPY --chown=1 --link a b", 2, "`COPY --link`"),
            ("FROM a\nCOPY --chmod=755 a b", 2, "`COPY --chmod`"),
            ("FROM a\nADD --checksum=sha256:00 a b", 2, "`ADD --checksum`"),
            ("FROM a\nONBUILD RUN --mount=type=ssh x", 2, "`RUN --mount`"),
            ("FROM a\n\nRUN <<EOF\necho\nEOF", 3, "a here-document in RUN"),
            ("FROM a\nCOPY <<-\"EOF\" /x\na\nEOF", 2, "a here-document in COPY"),
            ("FROM a\nRUN cat 3<<EOF\na\nEOF", 2, "a here-document in RUN"),
        ] {
            assert_eq!(refused(text), (line, what.to_owned()), "{text}");
        }
        let text = check(Path::new("/p/Dockerfile"), "FROM a\nRUN --mount=x y").unwrap_err();
        assert!(text.to_string().starts_with("/p/Dockerfile:2: `RUN --mount` needs"), "{text}");
    }

    #[test]
    fn what_the_builder_can_do_is_left_alone() {
        for text in [
            "FROM a AS b\nCOPY --from=b --chown=1:2 x y\nADD --chown=1 a b",
            "FROM --platform=linux/amd64 a",
            "# a = b\n# syntax=in a comment, not a directive\nFROM a",
            "FROM a\n# syntax=x\nRUN echo '<<EOF' $((1 <<2)) <<<word",
            "FROM a\nRUN [\"sh\", \"-c\", \"<<EOF\"]",
            "# escape=`\nFROM a\nRUN dir c:\\\nENV A=--mount",
            "FROM a\nHEALTHCHECK --interval=5s CMD true\nRUN echo --mount",
        ] {
            assert_eq!(check(Path::new("Dockerfile"), text), Ok(()), "{text}");
        }
    }
}
