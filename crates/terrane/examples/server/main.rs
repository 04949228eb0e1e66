//! A small HTTP service under one budget: pages of text, and the words that are most frequent in them.
//!
//! ```text
//! cargo run --release -p terrane --all-features --example server -- --port 8080 --limit 64MiB
//! curl -T README.md http://127.0.0.1:8080/pages/readme
//! curl http://127.0.0.1:8080/words/readme
//! curl http://127.0.0.1:8080/metrics
//! curl -X PUT -d 32MiB http://127.0.0.1:8080/limit
//! ```
//!
//! Bodies are read into pooled buffers; pages live on a collected heap that a thread of its own holds; words are counted in an arena
//! of the request; answers are cached. All of it is charged to one budget, whose limit can be changed while the service runs. A
//! request for which there is no memory is answered with 507 and the reason; nothing else happens to it.
#![forbid(unsafe_code)]

mod body;
mod failure;
mod heap_thread;
mod json;
mod service;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use terrane::Bytes;

const USAGE: &str =
    "usage: server [--port PORT] [--limit SIZE]   (defaults: 8080, 64MiB; listens on 127.0.0.1 only)";

/// How long requests that are being served may take after the program was told to stop.
const GRACE: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let (port, limit) = match arguments(std::env::args().skip(1)) {
        Ok(chosen) => chosen,
        Err(reason) => {
            eprintln!("Error: {reason}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(port, limit) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<(u16, Bytes), String> {
    let (mut port, mut limit) = (8080, Bytes::from_mib(64));
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--port" => port = value()?.parse().map_err(|error| format!("--port: {error}"))?,
            "--limit" => limit = value()?.parse().map_err(|error| format!("--limit: {error}"))?,
            other => return Err(format!("unexpected argument `{other}`")),
        }
    }
    Ok((port, limit))
}

fn serve(port: u16, limit: Bytes) -> Result<(), Box<dyn std::error::Error>> {
    let prometheus = PrometheusBuilder::new().install_recorder()?;
    let service = service::Service::new(limit, prometheus)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
            .await
            .map_err(|error| format!("cannot listen on 127.0.0.1:{port}: {error}"))?;
        eprintln!("listening on http://{}, limit {limit}", listener.local_addr()?);
        let stopped = async { _ = tokio::signal::ctrl_c().await };
        let serving = axum::serve(listener, service.router()).with_graceful_shutdown(stopped);
        tokio::select! {
            ended = serving => ended?,
            () = overdue() => eprintln!("some clients did not come to an end; their connections are cut"),
        }
        Ok(())
    })
}

/// Over some time after the program was told to stop: no client can keep it longer.
async fn overdue() {
    _ = tokio::signal::ctrl_c().await;
    tokio::time::sleep(GRACE).await;
}
