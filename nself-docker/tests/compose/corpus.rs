//! The projects in `tests/compose`, each against what is expected of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use nself_docker::compose::{self, LoadError, LoadOptions, Loaded, Problem, Rule};

#[test]
fn each_project_means_what_is_expected_of_it() {
    let mut wrong = Vec::new();
    for case in cases() {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let (yaml, error, warnings) = match load(&case) {
            Ok(loaded) => (Some(loaded.project.to_yaml()), None, loaded.warnings),
            Err(LoadError { problems, warnings, .. }) => (None, Some(lines(&problems)), warnings),
        };
        let warnings = (!warnings.is_empty()).then(|| lines(&warnings));
        for (kind, found) in [("yaml", yaml), ("error", error), ("warnings", warnings)] {
            let found = found.map(|text| text.replace(case.to_str().unwrap(), "{dir}"));
            if let Err(difference) = compare(&case.join(format!("expected.{kind}")), found) {
                wrong.push(format!("--- {name}: {kind}\n{difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_printed_means_the_same_when_it_is_read() {
    for case in cases() {
        let Ok(loaded) = load(&case) else { continue };
        let folder = tempfile::tempdir().unwrap();
        let yaml = loaded.project.to_yaml();
        fs::write(folder.path().join("compose.yaml"), &yaml).unwrap();
        // Its paths lie outside of the folder that it is read in.
        let options = LoadOptions::new().allow(Rule::ALL.iter().copied());
        let mut again = compose::load(folder.path(), &options).unwrap_or_else(|error| {
            panic!("{}: {error}\n{yaml}", case.display());
        });
        again.project.dir.clone_from(&loaded.project.dir);
        again.project.files.clone_from(&loaded.project.files);
        assert_eq!(again.project, loaded.project, "{}", case.display());
    }
}

#[test]
fn the_index_names_every_project() {
    let index = fs::read_to_string(corpus().join("INDEX.md")).unwrap();
    let named: Vec<&str> =
        index.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut found: Vec<String> =
        cases().iter().map(|case| case.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let mut named: Vec<String> = named.into_iter().map(str::to_owned).collect();
    named.sort();
    found.sort();
    assert_eq!(named, found);
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/compose").canonicalize().unwrap()
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    cases.sort();
    assert!(cases.len() >= 30);
    cases
}

fn load(case: &Path) -> Result<Loaded, LoadError> {
    let text = fs::read_to_string(case.join("run.env")).unwrap_or_default();
    let mut environment: BTreeMap<String, String> = text
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let allow = environment.remove("ALLOW").unwrap_or_default();
    let rules = allow.split(',').filter(|name| !name.is_empty());
    let options =
        LoadOptions::new().environment(environment).allow(rules.map(|name| name.parse().unwrap()));
    compose::load(case, &options)
}

fn lines(problems: &[Problem]) -> String {
    let mut lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    lines.push(String::new());
    lines.join("\n")
}

fn compare(path: &Path, found: Option<String>) -> Result<(), String> {
    if std::env::var_os("NSELF_BLESS").is_some() {
        match found {
            Some(text) => fs::write(path, text).unwrap(),
            None => drop(fs::remove_file(path)),
        }
        return Ok(());
    }
    let (found, expected) =
        (found.unwrap_or_default(), fs::read_to_string(path).unwrap_or_default());
    if found == expected {
        return Ok(());
    }
    Err(format!("expected:\n{expected}\nfound:\n{found}"))
}
