use terrane_pool::ObjectPool;

struct Connection;

fn keep(_: ObjectPool<Connection>) {}

fn main() {}
