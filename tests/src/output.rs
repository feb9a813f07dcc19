//! Where tests leave what a person wants to see afterwards: logs of processes, screenshots.

use std::path::PathBuf;

/// The folder for logs and screenshots: `NSELF_TEST_OUTPUT`, else `test-output` in the repository.
pub fn folder() -> PathBuf {
    let folder = std::env::var_os("NSELF_TEST_OUTPUT").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../test-output")),
        PathBuf::from,
    );
    std::fs::create_dir_all(&folder).expect("the folder for test output can be made");
    folder
}

/// The name of the running test: the test library names its threads so.
pub fn test_name() -> String {
    std::thread::current().name().unwrap_or("harness").to_owned()
}

/// The name of the running test, fit for a file.
pub fn file_name() -> String {
    test_name().replace("::", "-")
}

/// Where Cargo lays the programs of the running one's profile, `<target>/debug`.
pub fn profile_folder() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its executable");
    let folder = own.parent().expect("an executable lies in a folder");
    // Tests lie one folder deeper than programs.
    let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    profile.expect("cargo makes a folder for each profile").to_owned()
}

/// Cargo's target folder.
pub fn target_folder() -> PathBuf {
    let profile = profile_folder();
    profile.parent().expect("a profile's folder lies in the target folder").to_owned()
}
