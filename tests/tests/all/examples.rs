//! Each example prints what its section in the examples' README says, where `…` stands for what differs
//! from run to run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use nself_tests::output;
use nself_tests::process::Process;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");

/// The consoles of the README: an example's name, and the lines that it prints.
fn consoles() -> Vec<(String, Vec<String>)> {
    let readme = fs::read_to_string(Path::new(FOLDER).join("README.md")).unwrap();
    let blocks = readme.split("```console\n").skip(1);
    blocks
        .map(|block| {
            let mut lines = block.split("```").next().unwrap().lines();
            let command = lines.next().unwrap();
            let name = command.strip_prefix("$ cargo run -p nself-examples --example ");
            let name = name.unwrap_or_else(|| panic!("{command:?} runs no example"));
            (name.to_owned(), lines.map(str::to_owned).collect())
        })
        .collect()
}

/// Whether the parts between the `…` of `expected` stand in `printed` in their order, from end to end.
fn matches(expected: &str, printed: &str) -> bool {
    let Some((first, rest)) = expected.split_once('…') else { return expected == printed };
    let Some(printed) = printed.strip_prefix(first) else { return false };
    let starts = printed.char_indices().map(|(start, _)| start).chain([printed.len()]);
    starts.into_iter().any(|start| matches(rest, &printed[start..]))
}

#[test]
fn every_example_has_its_console_in_the_readme() {
    let described: BTreeSet<_> = consoles().into_iter().map(|(name, _)| name).collect();
    let files = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let programs = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    let there = programs.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    assert_eq!(described, there.collect());
}

#[tokio::test]
async fn examples_print_what_the_readme_says() {
    for (name, expected) in consoles() {
        let program = output::profile_folder().join("examples").join(&name);
        assert!(program.is_file(), "{name} is not built: cargo build -p nself-examples --examples");
        let mut process = Process::start(&name, &mut Command::new(program));
        let status = process.ended().await;
        let printed = process.printed();
        assert!(status.success(), "{name} ended with {status}:\n{printed}");
        let printed: Vec<_> = printed.lines().collect();
        assert_eq!(printed.len(), expected.len(), "{name} printed:\n{}", printed.join("\n"));
        for (expected, printed) in expected.iter().zip(printed) {
            assert!(
                matches(expected, printed),
                "{name}\nexpected: {expected}\n printed: {printed}"
            );
        }
    }
}

#[test]
fn the_ellipsis_stands_for_anything_and_the_rest_for_itself() {
    assert!(matches("a…c", "abbbc") && matches("a…", "a") && matches("…b…", "abc"));
    assert!(!matches("a…c", "abbb") && !matches("abc", "abcd") && !matches("b…", "ab"));
}
