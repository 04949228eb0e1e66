//! The example `server`, driven by clients: while it has memory, while it has not, and while its limit is halved.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use service::Service;
use terrane::{Bytes, MemorySystem};
use tokio::runtime::Runtime;

#[path = "../examples/server/body.rs"]
mod body;
#[path = "../examples/server/failure.rs"]
mod failure;
#[path = "../examples/server/heap_thread.rs"]
mod heap_thread;
#[path = "../examples/server/json.rs"]
mod json;
#[path = "../examples/server/service.rs"]
mod service;
#[path = "../examples/server/words.rs"]
mod words;

/// No answer may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running service, which ends when this is dropped.
struct Server {
    _runtime: Runtime,
    address: SocketAddr,
    system: MemorySystem,
}

impl Server {
    fn start(limit: Bytes) -> Self {
        static PROMETHEUS: OnceLock<PrometheusHandle> = OnceLock::new();
        let prometheus = PROMETHEUS.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap());
        let service = Service::new(limit, prometheus.clone()).unwrap();
        let system = service.system().clone();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, service.router()).await });
        Self { _runtime: runtime, address, system }
    }

    /// The status and the body of the answer.
    fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A body that is refused by its length need not be read to its end.
        _ = stream.write_all(body);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = answer.split_once("\r\n\r\n") else { panic!("{read:?}: {answer}") };
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    fn part(&self, name: &str) -> Bytes {
        let snapshot = self.system.budget().snapshot();
        snapshot
            .entries()
            .iter()
            .find(|part| part.name.as_str() == name)
            .map_or(Bytes::ZERO, |part| part.used)
    }
}

/// About so many bytes of text.
fn text(len: usize, seed: usize) -> Vec<u8> {
    (seed..).map(|number| format!("word{} ", number % 1000)).flat_map(String::into_bytes).take(len).collect()
}

#[test]
fn pages_are_kept_and_their_words_counted() {
    let server = Server::start(Bytes::from_mib(64));
    assert_eq!(server.ask("PUT", "/pages/a", b"one two two"), (201, String::new()));
    assert_eq!(server.ask("GET", "/pages/a", b""), (200, "one two two".to_owned()));
    let words = "[{\"word\":\"two\",\"count\":2},{\"word\":\"one\",\"count\":1}]\n";
    assert_eq!(server.ask("GET", "/words/a", b""), (200, words.to_owned()));
    assert_eq!(server.ask("GET", "/words/a", b""), (200, words.to_owned()), "from the cache");
    assert_eq!(server.ask("PUT", "/pages/a", b"three"), (204, String::new()));
    assert_eq!(server.ask("GET", "/words/a", b"").1, "[{\"word\":\"three\",\"count\":1}]\n");
    assert_eq!(server.ask("DELETE", "/pages/a", b""), (204, String::new()));
    assert_eq!(server.ask("GET", "/words/a", b"").0, 404);
    let caches = server.system.stats().caches;
    assert!(caches.iter().any(|(_, stats)| stats.hits == 1), "{caches:?}");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    let server = Server::start(Bytes::from_mib(64));
    for (method, path, body, status, reason) in [
        ("GET", "/pages/none", &b""[..], 404, "no such page"),
        ("DELETE", "/pages/none", b"", 404, "no such page"),
        ("PUT", "/pages/bad", b"\xff\xfe", 400, "UTF-8"),
        ("PUT", "/limit", b"lots", 400, "error"),
        ("PUT", "/limit", b"0", 400, "error"),
        ("PUT", "/limit", "\"\\\u{1b}\u{7f}\u{200b}".as_bytes(), 400, "error"),
    ] {
        let (found, answer) = server.ask(method, path, body);
        assert!(found == status && answer.contains(reason), "{method} {path}: {found} {answer}");
        let json: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
        assert!(json["error"].is_string(), "{answer}");
    }
    assert_eq!(server.ask("PUT", &format!("/pages/{}", "x".repeat(201)), b"").0, 400);
    assert_eq!(server.ask("PUT", "/pages/large", &text(257 << 10, 0)).0, 413);
    assert_eq!(server.ask("GET", "/elsewhere", b"").0, 404);
    assert_eq!(server.ask("PUT", "/pages/empty", b"").0, 201);
    assert_eq!(server.ask("GET", "/words/empty", b""), (200, "[]\n".to_owned()));
}

#[test]
fn prometheus_and_people_read_the_figures() {
    let server = Server::start(Bytes::from_mib(64));
    server.ask("PUT", "/pages/a", &text(10_000, 0));
    let (status, figures) = server.ask("GET", "/metrics", b"");
    assert_eq!(status, 200);
    for line in ["# TYPE terrane_budget_used_bytes gauge", "terrane_budget_limit_bytes 67108864"] {
        assert!(figures.contains(line), "{line}: {figures}");
    }
    let (_, report) = server.ask("GET", "/report", b"");
    for part in ["pages", "answers", "buffers", "reconcile: accounted"] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn clients_that_announce_much_and_send_little_hold_little() {
    let server = Server::start(Bytes::from_mib(64));
    let clients: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect_timeout(&server.address, PATIENCE).unwrap();
            stream
                .write_all(b"PUT /pages/slow HTTP/1.1\r\nHost: test\r\nContent-Length: 262144\r\n\r\nabc")
                .unwrap();
            stream
        })
        .collect();
    let before = server.system.budget().used();
    assert_eq!(server.ask("PUT", "/pages/quick", &text(200 << 10, 0)).0, 201);
    assert!(before < Bytes::from_mib(24), "{}", server.system.stats());
    drop(clients);
}

#[test]
fn a_page_may_be_replaced_without_end() {
    let server = Server::start(Bytes::from_mib(32));
    for round in 0..600 {
        let (status, answer) = server.ask("PUT", "/pages/same", &text(200 << 10, round));
        assert!(status == 201 || status == 204, "{round}: {status} {answer}");
    }
    assert!(server.system.budget().used() <= Bytes::from_mib(32));
}

#[test]
fn when_memory_is_out_requests_fail_and_nothing_else() {
    let server = Server::start(Bytes::from_mib(32));
    let mut kept = Vec::new();
    let mut refused = 0;
    for number in 0..300 {
        match server.ask("PUT", &format!("/pages/{number}"), &text(200 << 10, number)) {
            (201, _) => kept.push(number),
            (507, reason) => {
                assert!(reason.starts_with("{\"error\":\""), "{reason}");
                refused += 1;
            }
            other => panic!("{number}: {other:?}"),
        }
    }
    assert!(refused > 0 && kept.len() > 50, "{} kept, {refused} refused", kept.len());
    assert!(server.system.budget().used() <= Bytes::from_mib(32));
    // What was taken is there, and room can be made.
    assert_eq!(server.ask("DELETE", &format!("/pages/{}", kept[0]), b"").0, 204);
    let deleted: Vec<_> = kept.drain(..kept.len() / 2).skip(1).collect();
    assert!(deleted.iter().all(|number| server.ask("DELETE", &format!("/pages/{number}"), b"").0 == 204));
    let number = kept[0];
    assert_eq!(server.ask("GET", &format!("/pages/{number}"), b"").1.as_bytes(), text(200 << 10, number));
    assert_eq!(server.ask("PUT", "/pages/more", &text(200 << 10, 1)).0, 201);
}

#[test]
fn the_limit_is_halved_while_it_runs() {
    let server = Server::start(Bytes::from_mib(64));
    let half = Bytes::from_mib(32);
    // 24 MiB of pages, of which two thirds are garbage then, and answers in the cache.
    for number in 0..240 {
        assert_eq!(server.ask("PUT", &format!("/pages/{number}"), &text(100 << 10, number)).0, 201);
        assert_eq!(server.ask("GET", &format!("/words/{number}"), b"").0, 200);
    }
    for number in 0..160 {
        assert_eq!(server.ask("DELETE", &format!("/pages/{number}"), b"").0, 204);
    }
    assert!(server.system.budget().used() > half, "{}", server.system.stats());
    let answers = server.part("answers");
    assert!(answers > Bytes::ZERO);

    let statuses = std::thread::scope(|scope| {
        let client = |first: usize| {
            let server = &server;
            move || {
                let mut statuses = BTreeMap::<u16, usize>::new();
                for number in (160 + first..240).cycle().step_by(7).take(150) {
                    let put = server.ask("PUT", &format!("/pages/{number}"), &text(100 << 10, number)).0;
                    let get = server.ask("GET", &format!("/words/{number}"), b"").0;
                    *statuses.entry(put).or_default() += 1;
                    *statuses.entry(get).or_default() += 1;
                }
                statuses
            }
        };
        let clients = [scope.spawn(client(0)), scope.spawn(client(3))];
        let (status, answer) = server.ask("PUT", "/limit", b"32MiB");
        assert_eq!(status, 200, "{answer}");
        clients.map(|client| client.join().unwrap())
    });
    assert!(statuses.iter().all(|statuses| statuses.keys().any(|status| *status < 300)), "{statuses:?}");
    for (status, count) in statuses.iter().flatten() {
        assert!([200, 201, 204, 507].contains(status), "{count} answers of status {status}");
    }

    // Whoever was asked has given up something by now, or does so at the next safepoint.
    let end = Instant::now() + PATIENCE;
    while server.system.budget().used() > half && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    let stats = server.system.stats();
    assert!(server.system.budget().used() <= half, "{stats}");
    let heap = stats.heaps.iter().find(|heap| heap.name == "pages").unwrap();
    assert!(heap.collections_requested > 0, "{stats}");
    assert!(stats.caches.iter().all(|(_, cache)| cache.evicted > 0), "{stats}");
    // And it serves as before.
    assert_eq!(server.ask("GET", "/pages/170", b"").1.as_bytes(), text(100 << 10, 170));
    assert_eq!(server.ask("PUT", "/pages/170", b"short").0, 204);
    assert_eq!(server.ask("GET", "/words/170", b"").0, 200);
}
