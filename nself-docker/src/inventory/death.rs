//! Why a process ended, in words for people.

use crate::engine::Container;

/// Says why a container failed.
pub(super) fn cause_of_death(container: &Container) -> String {
    let code = container.exit_code.unwrap_or(0);
    if container.oom_killed == Some(true) {
        return match container.memory_limit {
            Some(limit) => {
                format!("killed for want of memory: its limit is {} MiB", limit / (1024 * 1024))
            }
            None => "killed for want of memory".to_owned(),
        };
    }
    if let Some(error) = &container.error {
        return format!("could not start: {error}");
    }
    match u32::try_from(code - 128).ok().and_then(signal) {
        Some(signal) => format!("killed by {signal} (exit code {code})"),
        None => format!("exited with code {code}"),
    }
}

fn signal(number: u32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ContainerState;

    #[test]
    fn a_death_says_why() {
        let mut container = Container::new("c", "c", ContainerState::Exited);
        let mut cause = |code, oom, error: Option<&str>| {
            container.exit_code = Some(code);
            container.oom_killed = Some(oom);
            container.error = error.map(str::to_owned);
            cause_of_death(&container)
        };
        assert_eq!(cause(1, false, None), "exited with code 1");
        assert_eq!(cause(139, false, None), "killed by SIGSEGV (exit code 139)");
        assert_eq!(cause(137, true, None), "killed for want of memory");
        assert_eq!(cause(127, false, Some("no such file")), "could not start: no such file");
        assert_eq!(cause(255, false, None), "exited with code 255");
    }
}
