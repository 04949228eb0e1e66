//! A buffer has the capacity that was asked for, whatever was done to the buffers that came back.

use terrane_pool::{Buffer, LocalBufferPool};

#[test]
fn buffers_that_were_exchanged_serve_their_class() {
    let buffers = LocalBufferPool::new();
    let (mut small, mut large) = (buffers.acquire(64).unwrap(), buffers.acquire(1 << 20).unwrap());
    std::mem::swap::<Buffer>(&mut small, &mut large);
    drop((small, large));
    assert!(buffers.acquire(1 << 20).unwrap().capacity() >= 1 << 20);
    assert!(buffers.acquire(64).unwrap().capacity() >= 64);
}

#[test]
fn a_buffer_in_whose_place_another_was_put_serves_its_class() {
    let buffers = LocalBufferPool::new();
    *buffers.acquire(4096).unwrap() = Buffer::default();
    assert!(buffers.acquire(4096).unwrap().capacity() >= 4096);
    drop(buffers.acquire(4096).unwrap());
    assert_eq!(buffers.stats().created, 1);
}
