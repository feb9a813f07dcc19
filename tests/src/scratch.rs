//! A folder in which a test starts things, and whose end is the end of them all.
//!
//! A keeper process waits for the end of its standard input, which comes when the folder is dropped or the
//! test process dies in whatever way. Then it kills what names the folder in its command line and what runs
//! in the control group of that name, and removes the folder. So a panic, Ctrl-C or a kill leaves nothing.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A temporary folder with a keeper.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    keeper: Child,
}

impl Scratch {
    /// Makes the folder. Its path is short: sockets lie in it.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("nself-test-")
            .tempdir_in("/tmp")
            .expect("a folder can be made in /tmp")
            .keep();
        let keeper = Command::new("bash")
            .args(["-c", include_str!("keeper.sh"), "keeper"])
            .arg(&folder)
            .stdin(Stdio::piped())
            // Ctrl-C in a terminal reaches the test's group only: the keeper must outlive it.
            .process_group(0)
            .spawn()
            .expect("bash starts");
        Self { folder, keeper }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The folder's name, which is also the name of the control group that the keeper empties.
    pub fn name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).expect("the name is plain ASCII")
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let ended = self.keeper.wait().expect("the keeper can be waited for");
        if !std::thread::panicking() {
            assert!(ended.success(), "the keeper could not remove {}", self.folder.display());
        }
    }
}
