//! Bodies of requests, read into pooled buffers.

use axum::body::{Body, HttpBody};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use terrane_pool::{Buffer, BufferPool, PoolGuard, ThreadSafePool};
use tokio::time::timeout;

use crate::failure::Failure;

/// A buffer that goes back to its pool when it is dropped, on whatever thread.
pub(crate) type Pooled = PoolGuard<Buffer, ThreadSafePool<Buffer>>;

/// The most that a body may have.
pub(crate) const BODY_MAX: usize = 256 << 10;
/// What a buffer has at first: what is announced is not believed before it comes.
const FIRST: usize = 4 << 10;
/// How long a client may take for all of a body.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a whole body. Where it outgrows its buffer, it moves to one of twice the size, so that what is held is always charged, and a
/// client that sends little holds little.
pub(crate) async fn read(body: Body, buffers: &BufferPool) -> Result<Pooled, Failure> {
    if body.size_hint().lower() > BODY_MAX as u64 {
        return Err(Failure::TooLarge);
    }
    timeout(PATIENCE, read_to_end(body, buffers)).await.unwrap_or(Err(Failure::TooSlow))
}

async fn read_to_end(mut body: Body, buffers: &BufferPool) -> Result<Pooled, Failure> {
    let mut buffer = buffers.acquire_owned(FIRST)?;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| Failure::BadRequest(error.to_string()))?;
        let Ok(part) = frame.into_data() else { continue };
        let len = buffer.len() + part.len();
        if len > BODY_MAX {
            return Err(Failure::TooLarge);
        }
        if len > buffer.capacity() {
            let mut larger = buffers.acquire_owned(len.max(2 * buffer.capacity()).min(BODY_MAX))?;
            larger.extend_from_slice(&buffer);
            buffer = larger;
        }
        buffer.extend_from_slice(&part);
    }
    Ok(buffer)
}
