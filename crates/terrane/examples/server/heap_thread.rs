//! The thread that holds the collected heap, and the pages on it.
//!
//! A heap has one thread. Requests come through a channel and are answered one after the other; between two of them, and when there
//! is nothing to do, the thread looks whether the budget wants the heap to collect.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use terrane::{Heap, HeapLease, MemoryError};
use terrane_gc::{Gc, GcMap, GcString, Mutator, Root};
use terrane_pool::BufferPool;
use tokio::sync::oneshot;

use crate::body::Pooled;
use crate::failure::Failure;

/// How long the thread sleeps at most: then it looks whether the heap should collect.
const IDLE: Duration = Duration::from_millis(20);

/// Pages by name.
type Pages<'h, 'm> = GcMap<'h, 'm, GcString<'h, 'm>, GcString<'h, 'm>>;

/// What is asked of the thread.
enum Request {
    Put { name: String, text: Pooled, answer: oneshot::Sender<Result<bool, Failure>> },
    Text { name: String, answer: oneshot::Sender<Result<Pooled, Failure>> },
    Delete { name: String, answer: oneshot::Sender<Result<(), Failure>> },
}

/// The way to the thread, which ends when this is dropped.
pub(crate) struct HeapThread {
    /// `None` once it is being dropped.
    requests: Option<Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl HeapThread {
    /// Starts the thread with a heap of that lease.
    pub(crate) fn start(
        lease: HeapLease,
        buffers: Arc<BufferPool>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let (requests, inbox) = channel();
        let (ready, started) = channel();
        let thread = Builder::new().name("heap".to_owned()).spawn(move || {
            match Heap::with_config(lease.config()) {
                Ok(heap) => {
                    _ = ready.send(Ok(()));
                    run(heap, &lease, &buffers, &inbox);
                }
                Err(error) => _ = ready.send(Err(error)),
            }
        })?;
        started.recv()??;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// Keeps a text; whether the name is new. The text is UTF-8.
    pub(crate) async fn put(&self, name: String, text: Pooled) -> Result<bool, Failure> {
        self.ask(|answer| Request::Put { name, text, answer }).await
    }

    /// The text of that name.
    pub(crate) async fn text(&self, name: String) -> Result<Pooled, Failure> {
        self.ask(|answer| Request::Text { name, answer }).await
    }

    /// Forgets a text.
    pub(crate) async fn delete(&self, name: String) -> Result<(), Failure> {
        self.ask(|answer| Request::Delete { name, answer }).await
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, Failure>>) -> Request,
    ) -> Result<T, Failure> {
        let (answer, answered) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or(Failure::Ending)?;
        requests.send(request(answer)).map_err(|_| Failure::Ending)?;
        answered.await.unwrap_or(Err(Failure::Ending))
    }
}

impl Drop for HeapThread {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn run(mut heap: Heap, lease: &HeapLease, buffers: &BufferPool, inbox: &Receiver<Request>) {
    let pages = heap.enter(|mu| mu.try_alloc(Pages::new()).map(|pages| mu.persist(pages)));
    let Ok(pages) = pages else { return };
    loop {
        match inbox.recv_timeout(IDLE) {
            Ok(request) => heap.enter(|mu| serve(mu, &pages, buffers, request)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        lease.serve(&mut heap);
    }
}

/// An answer that nobody waits for any more is dropped.
fn serve(
    mu: &mut Mutator<'_, '_>,
    pages: &Root<Pages<'static, 'static>>,
    buffers: &BufferPool,
    request: Request,
) {
    mu.safepoint();
    match request {
        Request::Put { name, text, answer } => {
            let stored = std::str::from_utf8(&text)
                .map_err(|error| Failure::BadRequest(format!("a page is text in UTF-8: {error}")))
                .and_then(|text| store(mu, pages, &name, text).map_err(Failure::Memory));
            _ = answer.send(stored);
        }
        Request::Text { name, answer } => _ = answer.send(text(mu, pages, buffers, &name)),
        Request::Delete { name, answer } => _ = answer.send(delete(mu, pages, &name)),
    }
}

/// Tries once more after a collection.
fn store(
    mu: &mut Mutator<'_, '_>,
    pages: &Root<Pages<'static, 'static>>,
    name: &str,
    text: &str,
) -> Result<bool, MemoryError> {
    try_store(mu, pages, name, text).or_else(|_| {
        mu.collect_full();
        try_store(mu, pages, name, text)
    })
}

fn try_store(
    mu: &Mutator<'_, '_>,
    pages: &Root<Pages<'static, 'static>>,
    name: &str,
    text: &str,
) -> Result<bool, MemoryError> {
    let (name, text) = (mu.try_alloc_str(name)?, mu.try_alloc_str(text)?);
    Ok(map(mu, pages).try_insert(mu, name, text)?.is_none())
}

fn text(
    mu: &Mutator<'_, '_>,
    pages: &Root<Pages<'static, 'static>>,
    buffers: &BufferPool,
    name: &str,
) -> Result<Pooled, Failure> {
    let text = map(mu, pages).get(mu, &mu.try_alloc_str(name)?).ok_or(Failure::NotFound)?;
    let mut copy = buffers.acquire_owned(text.len())?;
    copy.extend_from_slice(text.as_bytes());
    Ok(copy)
}

fn delete(mu: &Mutator<'_, '_>, pages: &Root<Pages<'static, 'static>>, name: &str) -> Result<(), Failure> {
    let removed = map(mu, pages).remove(mu, &mu.try_alloc_str(name)?);
    removed.map(|_| ()).ok_or(Failure::NotFound)
}

fn map<'h, 'm>(mu: &'m Mutator<'h, '_>, pages: &Root<Pages<'static, 'static>>) -> Gc<'h, 'm, Pages<'h, 'm>> {
    mu.load(pages).expect("the root was made by this heap")
}
