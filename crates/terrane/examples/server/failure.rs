//! Requests that cannot be served: an HTTP status, and the reason as JSON.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use terrane::MemoryError;

use crate::json;

/// Why there is no other answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no memory for it now.
    Memory(MemoryError),
    NotFound,
    TooLarge,
    TooSlow,
    BadRequest(String),
    /// The service is about to end.
    Ending,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, reason) = match self {
            // The other refusals are about sizes that can never be had.
            Self::Memory(error @ MemoryError::AllocationTooLarge { .. }) => {
                (StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
            }
            Self::Memory(error) => (StatusCode::INSUFFICIENT_STORAGE, error.to_string()),
            Self::NotFound => (StatusCode::NOT_FOUND, "there is no such page".to_owned()),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "a page has 256 KiB at most".to_owned()),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the body did not come in time".to_owned()),
            Self::Ending => (StatusCode::SERVICE_UNAVAILABLE, "the service is about to end".to_owned()),
            Self::BadRequest(reason) => (StatusCode::BAD_REQUEST, reason),
        };
        json::answer(status, format!("{}\n", serde_json::json!({ "error": reason })))
    }
}

impl From<MemoryError> for Failure {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}
