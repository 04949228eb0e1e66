//! How long an acquisition waits.

use core::time::Duration;
use std::time::Instant;

pub(super) struct Patience {
    timeout: Duration,
    begun: Option<Begun>,
}

struct Begun {
    start: Instant,
    /// `None` for a time that the clock cannot count to.
    deadline: Option<Instant>,
}

/// Until when to wait.
pub(super) enum Until {
    Over,
    Time(Instant),
    Forever,
}

impl Patience {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, begun: None }
    }

    /// Whether it has waited already.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// Until when it may wait. The time begins to run with the first question: one that need not wait looks at no clock.
    pub(super) fn until(&mut self) -> Until {
        if self.timeout.is_zero() {
            return Until::Over;
        }
        let timeout = self.timeout;
        let begun = self.begun.get_or_insert_with(|| {
            let start = Instant::now();
            Begun { start, deadline: start.checked_add(timeout) }
        });
        match begun.deadline {
            None => Until::Forever,
            Some(deadline) if Instant::now() < deadline => Until::Time(deadline),
            Some(_) => Until::Over,
        }
    }

    /// How long it has waited since it was last asked this; `None` if it did not.
    pub(super) fn take_waited(&mut self) -> Option<Duration> {
        let begun = self.begun.as_mut()?;
        Some(core::mem::replace(&mut begun.start, Instant::now()).elapsed())
    }
}
