//! A process of a test: its output goes into a file, where a test can wait for a line, and where a person
//! finds it afterwards. It is killed when it is dropped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::{output, wait};

/// A running program.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
    /// Whether the test has seen it end.
    awaited: bool,
}

impl Process {
    /// Starts `command`. What it prints goes to a file of its own, named after the test and `name`.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let log = log_file(name);
        let file = std::fs::File::create(&log).expect("the log file can be made");
        let second = file.try_clone().expect("the log file can be shared");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(second)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { child, name: name.to_owned(), log, awaited: false }
    }

    /// Its number, as the operating system counts processes.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed so far, on both streams.
    pub fn printed(&self) -> String {
        let bytes = std::fs::read(&self.log).expect("the log file can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits for a printed text that `find` makes something of. Fails if the process ends before.
    pub async fn printed_where<T>(
        &mut self,
        what: &str,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> T {
        let what = format!("{} to print {what}", self.name);
        wait::until(&what, Duration::from_secs(30), async || {
            let ended = self.child.try_wait().expect("the process can be asked");
            let printed = self.printed();
            match (find(&printed), ended) {
                (Some(found), _) => Ok(found),
                (None, Some(status)) => panic!("{what}: it ended with {status}:\n{printed}"),
                (None, None) => Err(format!("it has printed:\n{printed}")),
            }
        })
        .await
    }

    /// Waits until the process has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let what = format!("{} to end", self.name);
        let status = wait::until(&what, Duration::from_secs(30), async || {
            self.child
                .try_wait()
                .expect("the process can be asked")
                .ok_or_else(|| format!("it has printed:\n{}", self.printed()))
        })
        .await;
        self.awaited = true;
        status
    }

    /// Its resident memory in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kilobytes.expect("the kernel tells the resident memory") * 1024
    }

    /// The processor time that it has used.
    pub fn cpu_time(&self) -> CpuTime {
        CpuTime::of(self.pid()).expect("the process lives")
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.pid());
        std::fs::read_dir(folder).expect("the process lives").count()
    }

    /// Asks the process to end (SIGTERM) and waits until it has.
    pub async fn terminate(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let done = Command::new("bash").args(["-c", "kill -TERM \"$1\"", "kill", &pid]).status();
        assert!(done.is_ok_and(|status| status.success()), "{} cannot be asked to end", self.name);
        self.ended().await
    }

    /// Kills the process (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("a killed process ends");
        self.awaited = true;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        match self.child.try_wait().expect("the process can be asked") {
            None => self.kill(),
            Some(_) if self.awaited => {}
            Some(status) => println!("{} had ended before its test: {status}", self.name),
        }
    }
}

/// The processor time that a process has used, to a hundredth of a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// In the process itself.
    pub user: Duration,
    /// In the kernel for it.
    pub system: Duration,
}

impl CpuTime {
    /// That of any process, of all its threads; `None` once it is gone.
    pub fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before may have spaces, and parentheses too.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut ticks = fields.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
        let mut next = || Some(TICK * ticks.next()?.ok()?);
        Some(Self { user: next()?, system: next()? })
    }

    /// What came since an earlier look at the same process.
    pub fn since(self, earlier: Self) -> Self {
        let user = self.user.saturating_sub(earlier.user);
        Self { user, system: self.system.saturating_sub(earlier.system) }
    }

    /// Both.
    pub fn total(self) -> Duration {
        self.user + self.system
    }
}

/// Finds a program in `PATH` and in the folders of system programs.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A file name of its own for each process of a test, the same in every run.
fn log_file(name: &str) -> PathBuf {
    static STARTED: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
    let name = format!("{}-{name}", output::file_name());
    let mut started = STARTED.lock().expect("nobody panics while counting");
    let number = started.entry(name.clone()).or_default();
    *number += 1;
    output::folder().join(format!("{name}-{number}.log"))
}

/// What the kernel counts processor time in, for `/proc`.
const TICK: Duration = Duration::from_millis(10);
