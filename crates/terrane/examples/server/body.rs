//! Bodies of requests, read into pooled buffers.

use axum::body::{Body, HttpBody};
use std::future::poll_fn;
use std::pin::Pin;

use terrane_pool::{Buffer, BufferPool, PoolGuard, ThreadSafePool};

use crate::failure::Failure;

/// A buffer that goes back to its pool when it is dropped, on whatever thread.
pub(crate) type Pooled = PoolGuard<Buffer, ThreadSafePool<Buffer>>;

/// The most that a body may have.
pub(crate) const BODY_MAX: usize = 256 << 10;
/// What a buffer has at first where the length is not known.
const FIRST: usize = 4 << 10;

/// Reads a whole body. Where it outgrows its buffer, it moves to one of the next size, so that what is held is always charged.
pub(crate) async fn read(mut body: Body, buffers: &BufferPool) -> Result<Pooled, Failure> {
    let known = body.size_hint().exact().map_or(FIRST, |len| usize::try_from(len).unwrap_or(usize::MAX));
    if known > BODY_MAX {
        return Err(Failure::TooLarge);
    }
    let mut buffer = buffers.acquire_owned(known)?;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|error| Failure::BadRequest(error.to_string()))?;
        let Ok(part) = frame.into_data() else { continue };
        let len = buffer.len() + part.len();
        if len > BODY_MAX {
            return Err(Failure::TooLarge);
        }
        if len > buffer.capacity() {
            let mut larger = buffers.acquire_owned(len)?;
            larger.extend_from_slice(&buffer);
            buffer = larger;
        }
        buffer.extend_from_slice(&part);
    }
    Ok(buffer)
}
