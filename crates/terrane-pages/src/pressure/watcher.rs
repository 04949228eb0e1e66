//! A thread that watches for pressure.
//!
//! On Linux it asks the kernel to report stalls (a *trigger*: 150 ms of waiting within a second) where that is permitted, and sleeps on the
//! file until one comes; otherwise, and in between, it looks from time to time. It is woken to end by the other end of a socket pair.

use std::{
    boxed::Box,
    io,
    thread::{self, JoinHandle},
    time::Duration,
};

use terrane_base::PressureLevel;

use super::monitor::PressureMonitor;

/// A thread that tells of each change of the level. Dropping the watcher ends the thread and waits for it, unless this is that very
/// thread.
///
/// ```
/// use std::{path::Path, time::Duration};
/// use terrane_base::{Budget, Bytes, PressureOrigin};
/// use terrane_pages::{PressureMonitor, PressureWatcher};
///
/// let budget = Budget::root(Bytes::from_mib(64));
/// let told = budget.clone();
/// let monitor = PressureMonitor::new(Path::new("/"));
/// let watcher = PressureWatcher::start(monitor, Duration::from_secs(1), move |level| {
///     told.notify_from(PressureOrigin::System, level);
/// })?;
/// drop(watcher);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct PressureWatcher {
    thread: Option<JoinHandle<()>>,
    sleep: imp::Alarm,
    by_kernel: bool,
}

impl PressureWatcher {
    /// Starts the thread. It looks every `interval`, and on Linux also when the kernel reports stalls. The level is taken to be
    /// normal before.
    ///
    /// # Errors
    /// When the system refuses a thread or a file.
    pub fn start(
        monitor: PressureMonitor,
        interval: Duration,
        tell: impl FnMut(PressureLevel) + Send + 'static,
    ) -> io::Result<Self> {
        let (alarm, sleeper) = imp::sleeper(&monitor)?;
        let by_kernel = sleeper.has_trigger();
        let tell: Box<dyn FnMut(PressureLevel) + Send> = Box::new(tell);
        let thread = thread::Builder::new()
            .name("terrane-pressure".into())
            .spawn(move || watch(monitor, sleeper, interval, tell))?;
        Ok(Self { thread: Some(thread), sleep: alarm, by_kernel })
    }

    /// Whether the kernel reports stalls by itself; otherwise they are noticed with the next look.
    #[must_use]
    pub fn is_woken_by_kernel(&self) -> bool {
        self.by_kernel
    }
}

impl Drop for PressureWatcher {
    fn drop(&mut self) {
        self.sleep.end();
        // What it tells may own the watcher's owner: then this is the thread itself, which ends when that returns.
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            // Where what it tells panicked, the thread has ended; its message is out.
            let _ = thread.join();
        }
    }
}

fn watch(
    mut monitor: PressureMonitor,
    mut sleeper: imp::Sleeper,
    interval: Duration,
    mut tell: Box<dyn FnMut(PressureLevel) + Send>,
) {
    let mut told = PressureLevel::Normal;
    loop {
        let level = monitor.poll();
        if level != told {
            told = level;
            tell(level);
        }
        if !sleeper.sleep(interval) {
            return;
        }
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use std::{
        fs::{File, OpenOptions},
        io::{self, Write},
        net::Shutdown,
        os::{fd::AsFd, unix::net::UnixStream},
        time::Duration,
    };

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::PressureMonitor;

    /// Tasks waited for 150 ms within a second. Longer windows only are open to processes without privileges (since Linux 6.5: multiples
    /// of 2 s).
    const TRIGGERS: [&[u8]; 2] = [b"some 150000 1000000\0", b"some 300000 2000000\0"];

    /// No kernel minds a day; a look once a day does no harm.
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    #[derive(Debug)]
    pub(super) struct Alarm(UnixStream);

    #[derive(Debug)]
    pub(super) struct Sleeper {
        end: UnixStream,
        trigger: Option<File>,
    }

    pub(super) fn sleeper(monitor: &PressureMonitor) -> io::Result<(Alarm, Sleeper)> {
        let (ours, theirs) = UnixStream::pair()?;
        Ok((Alarm(ours), Sleeper { end: theirs, trigger: trigger(monitor) }))
    }

    /// A file on which the kernel reports; `None` where it is not permitted or the tree is made up.
    fn trigger(monitor: &PressureMonitor) -> Option<File> {
        let path = monitor.stall_file().filter(|_| monitor.is_real())?;
        TRIGGERS.iter().find_map(|trigger| {
            let mut file = OpenOptions::new().read(true).write(true).open(path).ok()?;
            file.write_all(trigger).ok().map(|()| file)
        })
    }

    impl Alarm {
        pub(super) fn end(&self) {
            // The other end sees this as a hang-up.
            let _ = self.0.shutdown(Shutdown::Both);
        }
    }

    impl Sleeper {
        pub(super) fn has_trigger(&self) -> bool {
            self.trigger.is_some()
        }

        /// Sleeps until the kernel reports or the time is over; `false` when it is time to end.
        pub(super) fn sleep(&mut self, interval: Duration) -> bool {
            let interval = interval.min(LONGEST);
            let timeout = Timespec {
                tv_sec: interval.as_secs().cast_signed(),
                tv_nsec: interval.subsec_nanos().into(),
            };
            let end = PollFd::from_borrowed_fd(self.end.as_fd(), PollFlags::IN);
            let mut files = [end, PollFd::from_borrowed_fd(self.end.as_fd(), PollFlags::IN)];
            let mut count = 1;
            if let Some(trigger) = &self.trigger {
                files[1] = PollFd::from_borrowed_fd(trigger.as_fd(), PollFlags::PRI);
                count = 2;
            }
            // Interrupted by a signal, or anything else: look again.
            let _ = poll(&mut files[..count], Some(&timeout));
            let (goes_on, reported) = (files[0].revents().is_empty(), files[1].revents());
            if count == 2 && reported.contains(PollFlags::ERR) {
                // The cgroup is gone; the file would report that for ever.
                self.trigger = None;
            }
            goes_on
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::{
        io,
        sync::{Arc, Condvar, Mutex, PoisonError},
        time::Duration,
    };

    use super::PressureMonitor;

    type Shared = Arc<(Mutex<bool>, Condvar)>;

    #[derive(Debug)]
    pub(super) struct Alarm(Shared);

    #[derive(Debug)]
    pub(super) struct Sleeper(Shared);

    pub(super) fn sleeper(_monitor: &PressureMonitor) -> io::Result<(Alarm, Sleeper)> {
        let shared = Shared::default();
        Ok((Alarm(Arc::clone(&shared)), Sleeper(shared)))
    }

    impl Alarm {
        pub(super) fn end(&self) {
            *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.0.1.notify_all();
        }
    }

    impl Sleeper {
        pub(super) fn has_trigger(&self) -> bool {
            false
        }

        /// Sleeps until the time is over; `false` when it is time to end.
        pub(super) fn sleep(&mut self, interval: Duration) -> bool {
            let ended = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = self.0.1.wait_timeout_while(ended, interval, |ended| !*ended);
            !*waited.unwrap_or_else(PoisonError::into_inner).0
        }
    }
}
