//! Waiting for a condition, with a deadline and a message that says what was last seen.

use std::time::Duration;

use tokio::time::Instant;

/// Asks `condition` again and again until it gives a value. At the deadline it panics with `what` and the
/// condition's last refusal.
pub async fn until<T>(
    what: &str,
    deadline: Duration,
    condition: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    within(deadline, condition)
        .await
        .unwrap_or_else(|last| panic!("waited {deadline:?} in vain for {what}; at last: {last}"))
}

/// As [`until`], but leaves it to the caller what to make of the last refusal.
pub async fn within<T>(
    deadline: Duration,
    mut condition: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, String> {
    let started = Instant::now();
    loop {
        match condition().await {
            Err(_) if started.elapsed() < deadline => tokio::time::sleep(BETWEEN).await,
            last => return last,
        }
    }
}

const BETWEEN: Duration = Duration::from_millis(20);
