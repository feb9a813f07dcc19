//! The server's process: started, told what to do, and looked at through `/proc`.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::serve;

/// How a server's process is started.
#[derive(Debug)]
pub struct ServerCommand(pub Command);

/// A server in a process of its own, which ends with this.
#[derive(Debug)]
pub(super) struct ServerProcess {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub(super) port: u16,
}

impl ServerProcess {
    pub(super) fn start(ServerCommand(mut command): ServerCommand) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let missing = || io::Error::other("the server's process has no pipe");
        let input = Some(child.stdin.take().ok_or_else(missing)?);
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let mut server = Self { child, input, output, port: 0 };
        server.port = server.line()?.parse().map_err(io::Error::other)?;
        Ok(server)
    }

    /// Tells it to publish. It answers with a line when it has.
    pub(super) fn tell(&mut self, command: serve::Command) -> io::Result<()> {
        let closed = || io::Error::other("the server was already ended");
        let input = self.input.as_mut().ok_or_else(closed)?;
        writeln!(input, "{command}")?;
        input.flush()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the server's process has ended; see what it printed"));
        }
        Ok(line.trim().to_owned())
    }

    /// The time that its threads were running, in nanoseconds.
    pub(super) fn cpu(&self) -> io::Result<u64> {
        let mut sum = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let running = text.split(' ').next().unwrap_or_default();
            sum += running.parse::<u64>().map_err(io::Error::other)?;
        }
        Ok(sum)
    }

    /// Its resident bytes.
    pub(super) fn resident(&self) -> io::Result<u64> {
        self.status("VmRSS:")
    }

    /// The most resident bytes that it had.
    pub(super) fn peak(&self) -> io::Result<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib = kib.and_then(|kib| kib.parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other(format!("no {field} in {status}")))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.input = None;
        // It ends with its input; one that does not is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Allows as many open files as the system lets us.
pub(super) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // If not, connecting says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
