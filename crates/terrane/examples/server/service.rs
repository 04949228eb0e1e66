//! The routes of the service, and what they share.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use axum::Router;
use axum::body::{Body, Bytes as Shared};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use metrics_exporter_prometheus::PrometheusHandle;
use terrane::{Arena, Bytes, Cache, MemoryConfig, MemorySystem, MetricsRecorder};
use terrane_pool::BufferPool;

use crate::body::{self, Pooled};
use crate::failure::Failure;
use crate::heap_thread::HeapThread;
use crate::{json, words};

/// The longest name of a page.
const NAME_MAX: usize = 200;

/// The service. Clones share it.
#[derive(Clone)]
pub(crate) struct Service {
    parts: Arc<Parts>,
}

struct Parts {
    system: MemorySystem,
    buffers: Arc<BufferPool>,
    pages: HeapThread,
    /// The words of pages, as they are answered.
    answers: Arc<Cache<String, Arc<[u8]>>>,
    /// Counts up with every change of a page, so that no answer is cached that is about an older text.
    edition: AtomicU64,
    prometheus: PrometheusHandle,
}

impl Service {
    /// Everything under one budget of that limit. The figures go to the recorder that is installed, of which this is the handle.
    pub(crate) fn new(limit: Bytes, prometheus: PrometheusHandle) -> Result<Self, Box<dyn Error>> {
        let config = MemoryConfig { max_memory: limit.as_u64(), ..MemoryConfig::DEFAULT };
        let weight = |name: &String, answer: &Arc<[u8]>| (name.len() + answer.len()) as u64;
        let system = MemorySystem::builder()
            .with_config(config)
            .with_metrics(MetricsRecorder::new())
            .with_named_arena("request", Arena::new().with_first_block(Bytes::from_kib(64)))
            .build()?;
        let answers = system.caches().add("answers", Cache::builder().weigher(limit.as_u64() / 4, weight))?;
        let buffers = BufferPool::builder().max_capacity(Bytes::from_usize(body::BODY_MAX));
        let buffers = system.pools().add("buffers", buffers)?;
        let lease = system.heaps().lease_with_limit("pages", limit);
        let pages = HeapThread::start(lease, Arc::clone(&buffers))?;
        let parts = Parts { system, buffers, pages, answers, edition: AtomicU64::new(0), prometheus };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// The memory of the service.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests look into it"))]
    pub(crate) fn system(&self) -> &MemorySystem {
        &self.parts.system
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/pages/{name}", put(put_page).get(page).delete(delete_page))
            .route("/words/{name}", get(frequent_words))
            .route("/limit", put(set_limit))
            .route("/metrics", get(figures))
            .route("/report", get(report))
            .with_state(self.clone())
    }

    /// What was said of this page is true no more.
    fn changed(&self, name: &str) {
        self.parts.edition.fetch_add(1, SeqCst);
        self.parts.answers.remove(name);
    }
}

async fn put_page(
    State(service): State<Service>,
    Path(name): Path<String>,
    body: Body,
) -> Result<StatusCode, Failure> {
    if name.len() > NAME_MAX {
        return Err(Failure::BadRequest(format!("a name has {NAME_MAX} bytes at most")));
    }
    let text = body::read(body, &service.parts.buffers).await?;
    let is_new = service.parts.pages.put(name.clone(), text).await?;
    service.changed(&name);
    Ok(if is_new { StatusCode::CREATED } else { StatusCode::NO_CONTENT })
}

async fn page(State(service): State<Service>, Path(name): Path<String>) -> Result<Response, Failure> {
    let text = service.parts.pages.text(name).await?;
    Ok(plain_text(text))
}

async fn delete_page(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<StatusCode, Failure> {
    service.parts.pages.delete(name.clone()).await?;
    service.changed(&name);
    Ok(StatusCode::NO_CONTENT)
}

async fn frequent_words(
    State(service): State<Service>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let parts = &*service.parts;
    if let Some(answer) = parts.answers.get(&name) {
        return Ok(json::answer(StatusCode::OK, Shared::from_owner(answer)));
    }
    let edition = parts.edition.load(SeqCst);
    let text = parts.pages.text(name.clone()).await?;
    let answer: Arc<[u8]> = count(parts, &text)?.into_bytes().into();
    // That it is not kept, for want of memory, does not matter to who asked.
    parts.answers.insert(name.clone(), Arc::clone(&answer));
    if parts.edition.load(SeqCst) != edition {
        parts.answers.remove(&name);
    }
    Ok(json::answer(StatusCode::OK, Shared::from_owner(answer)))
}

/// In an arena that is empty again afterwards.
fn count(parts: &Parts, text: &Pooled) -> Result<String, Failure> {
    let arena = parts.system.arenas().lend("request")?;
    // The page was text when it was stored.
    let text = std::str::from_utf8(text).unwrap_or("");
    Ok(words::most_frequent(text, &arena)?)
}

async fn set_limit(State(service): State<Service>, body: String) -> Result<String, Failure> {
    let limit: Bytes = body.trim().parse().map_err(|error| Failure::BadRequest(format!("{error}")))?;
    let over =
        service.parts.system.set_limit(limit).map_err(|error| Failure::BadRequest(error.to_string()))?;
    Ok(format!("limit {limit}, {over} over it\n"))
}

async fn figures(State(service): State<Service>) -> String {
    service.parts.system.publish_metrics();
    service.parts.prometheus.render()
}

async fn report(State(service): State<Service>) -> String {
    service.parts.system.stats().to_string()
}

/// The buffer goes back to its pool when the answer has been sent.
fn plain_text(text: Pooled) -> Response {
    struct Owner(Pooled);
    impl AsRef<[u8]> for Owner {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let body = Body::from(Shared::from_owner(Owner(text)));
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}
