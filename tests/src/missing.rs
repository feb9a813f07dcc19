//! What a machine lacks for a test. Such a test is told as skipped, by name and with the mend; with
//! `NSELF_TEST_STRICT=1` it fails.

use std::io::Write;

use crate::{engine, images, output, process, registry};

/// A part of the machine that a test needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// An engine of the tests' own, with the services' images.
    Engine,
    /// A registry of images.
    Registry,
    /// A browser that can be driven.
    Browser,
}

/// Whether the calling test can run here. If not, says so past the test library's capture, in a line that
/// begins with `SKIPPED`.
pub fn can_run(needs: &[Need]) -> bool {
    let reasons: Vec<String> = needs.iter().filter_map(|need| lacking(*need)).collect();
    if reasons.is_empty() {
        return true;
    }
    let line = format!("SKIPPED {}: {}", output::test_name(), reasons.join("; "));
    assert!(std::env::var_os("NSELF_TEST_STRICT").is_none_or(|value| value != "1"), "{line}");
    writeln!(std::io::stderr(), "\n{line}").expect("standard error can be written");
    false
}

fn lacking(need: Need) -> Option<String> {
    let (programs, others): (&[&str], _) = match need {
        Need::Engine => (engine::PROGRAMS, [engine_rights(), images::lacking()]),
        Need::Registry => (registry::PROGRAMS, [None, None]),
        Need::Browser => (&["chromium", "chromedriver"], [None, None]),
    };
    let missing: Vec<_> =
        programs.iter().copied().filter(|name| process::find(name).is_none()).collect();
    let programs = (!missing.is_empty())
        .then(|| format!("{} not found: run scripts/test-setup as root", missing.join(", ")));
    programs.or_else(|| others.into_iter().flatten().next())
}

fn engine_rights() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    (!root).then(|| "an engine of the tests' own needs root: run scripts/test as root".to_owned())
}
